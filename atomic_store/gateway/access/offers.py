"""
Which token a request offers.

A program sends it as ``Authorization: Bearer T``. A page cannot set headers, so it names
``bearer.T`` beside the subprotocol that it wants, or says it in `hello`. Addresses end up
in logs and histories: a token in one has been given away, and is not even looked up.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import parse_qsl, unquote_to_bytes

from .origins import Headers, values
from .refusal import Refusal, refused
from .tokens import PREFIX

_BEARER: Final = b"bearer."
_TOKEN_NAMES: Final = frozenset({"token", "access_token", "auth_token", "bearer", "authorization"})
_DECODINGS_MAX: Final = 3
"""How often an address is decoded, to find what was encoded more than once."""

_AUTHORIZATION = re.compile(rb"bearer(?: +(?P<token>[A-Za-z0-9._~+/=-]+))?", re.IGNORECASE)
_SCHEME = re.compile(rb"bearer(?![^\s])", re.IGNORECASE)


def offered_token(headers: Headers, target: bytes) -> str | Refusal | None:
    """
    Find the token that a request offers.

    Args:
      headers: all that it has.
      target: what it asks for: the path with its query.

    Returns:
      The token; None if there is none, which `hello` may still bring; or why a request that
      offers tokens in this way is not served.
    """
    if not target.startswith(b"/"):
        # What stands before the path of a whole address would count instead of `Host`.
        return refused(400, "target", "a path", target.partition(b"?")[0])
    if _has_token(target):
        return refused(401, "address", "no token in it", "one, which is to be revoked")
    offered: list[bytes] = []
    for value in values(headers, b"authorization"):
        if _SCHEME.match(value) is None:
            continue  # Another scheme is somebody else's, a proxy's perhaps.
        match = _AUTHORIZATION.fullmatch(value)
        if match is None or match["token"] is None:
            return refused(401, "Authorization", "Bearer and a token", "Bearer and none")
        offered.append(match["token"])
    offered += [
        name[len(_BEARER) :] for name in _named(headers) if name.lower().startswith(_BEARER)
    ]
    if len(set(offered)) > 1:
        return refused(401, "headers", "one token", str(len(set(offered))))
    return offered[0].decode("latin-1") if offered else None


def subprotocols(headers: Headers) -> list[str]:
    """The subprotocols that a request proposes, in order; a token among them is none."""
    return [
        name.decode("latin-1") for name in _named(headers) if not name.lower().startswith(_BEARER)
    ]


def _named(headers: Headers) -> list[bytes]:
    lists = values(headers, b"sec-websocket-protocol")
    names = [name.strip(b" \t") for value in lists for name in value.split(b",")]
    return [name for name in names if name]


def _has_token(target: bytes) -> bool:
    for _ in range(_DECODINGS_MAX):
        text = target.decode("latin-1").lower()
        names = {name for name, _ in parse_qsl(text.partition("?")[2], keep_blank_values=True)}
        if PREFIX in text or names & _TOKEN_NAMES:
            return True
        target = unquote_to_bytes(target)
    return False

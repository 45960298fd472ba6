"""
From which pages, and under which names, the gateway may be called.

A browser lets every page open WebSockets to every address, also to ones that only this
machine reaches; it only says in `Origin` which page it is. And whoever owns a name can
let it point to 127.0.0.1, so that his page and the gateway have one origin (DNS
rebinding); then `Host` still says his name. So both have to be on a list, and the one is
never compared with the other.

What is compared is read strictly, in the one form in which browsers write it. What is
written in any other way is on no list.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from ipaddress import AddressValueError, IPv6Address
from typing import Final, TypeAlias, final

import attrs

from ...errors import shown
from .refusal import Refusal, refused

Headers: TypeAlias = Sequence[tuple[bytes, bytes]]
"""Names and values, in order, as h11 and trio-websocket give them."""

LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")
"""Where only this machine can connect."""
LOOPBACK_NAMES: Final = ("localhost", "127.0.0.1", "[::1]")

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_FORWARDING: Final = (b"forwarded", b"via")

_PORT = r"(?::(?P<port>[1-9][0-9]{0,4}))?"
_NAME = r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)*"
_HOST = re.compile(rf"(?P<host>{_NAME}|\[[0-9a-f:.]+\]){_PORT}", re.ASCII | re.IGNORECASE)
_ORIGIN = re.compile(
    rf"(?P<scheme>[a-z][a-z0-9+.-]*)://(?P<rest>{_HOST.pattern})", re.ASCII | re.IGNORECASE
)


@final
@attrs.frozen
class Place:
    """A host and a port, in one way of writing them."""

    host: str
    port: int | None
    """None where it was not given: the scheme's own."""


@final
@attrs.frozen
class Origin:
    """Where a page comes from, in one way of writing it."""

    scheme: str
    place: Place


@final
@attrs.frozen
class Origins:
    """
    Which requests are served, going by where they come from and whom they mean.

    `Origins.of` makes one from what people write.
    """

    hosts: frozenset[Place]
    """What `Host` may say; each with its port."""
    origins: frozenset[Origin]
    """What `Origin` may say."""
    has_tokens: bool

    @classmethod
    def of(
        cls,
        port: int,
        *,
        names: Iterable[str] = LOOPBACK_NAMES,
        origins: Iterable[str] | None = None,
        has_tokens: bool,
        has_tls: bool = False,
    ) -> Origins:
        """
        Make the lists.

        Args:
          port: the gateway's.
          names: under which names it is called: ``"localhost"``, or with another port than its
            own, where something stands before it: ``"events.example.com:443"``.
          origins: pages that may call it, as browsers write them: ``"https://example.com"``.
            None for those that come from the gateway itself, under its names.
          has_tokens: whether clients have to have one. Without, being on this machine is what
            lets them in, so that nothing may be forwarded to it from elsewhere.
          has_tls: whether it speaks TLS itself.

        Raises:
          ValueError: one of these is no name, or no origin.
        """
        hosts = frozenset(_named(name, port) for name in names)
        if origins is None:
            own = frozenset(_own_origin(place, has_tls=has_tls) for place in hosts)
            return cls(hosts, own, has_tokens)
        return cls(hosts, frozenset(map(_listed, origins)), has_tokens)

    def refusal(self, headers: Headers) -> Refusal | None:
        """Why a request with these headers is not served; None if it is."""
        return self._of_host(headers) or self._of_origin(headers) or self._of_way(headers)

    def _of_host(self, headers: Headers) -> Refusal | None:
        found = values(headers, b"host")
        if len(found) != 1:
            return refused(400, "Host", "one of them", str(len(found)))
        place = parse_host(found[0])
        if place is None or not self._is_own(place):
            return refused(403, "Host", "a name of this gateway", found[0])
        return None

    def _is_own(self, place: Place) -> bool:
        if place.port is not None:
            return place in self.hosts
        # Whether there is TLS in front of the gateway, a request does not say reliably.
        return any(Place(place.host, port) in self.hosts for port in _DEFAULT_PORTS.values())

    def _of_origin(self, headers: Headers) -> Refusal | None:
        found = values(headers, b"origin")
        if not found:
            return None
        if len(found) > 1:
            return refused(403, "Origin", "one at most", str(len(found)))
        if parse_origin(found[0]) not in self.origins:
            return refused(403, "Origin", "one that is allowed", found[0])
        return None

    def _of_way(self, headers: Headers) -> Refusal | None:
        if self.has_tokens:
            return None
        for name, _ in headers:
            if name.lower() in _FORWARDING or name.lower().startswith(b"x-forwarded"):
                return refused(403, "headers", "nothing forwarded, without tokens", name)
        return None


def values(headers: Headers, name: bytes) -> list[bytes]:
    """The values of all headers with a name, which is given in lower case."""
    return [value for found, value in headers if found.lower() == name]


def parse_host(value: bytes) -> Place | None:
    """Read what `Host` says; None if it is not written as browsers write it."""
    text = value.decode("latin-1")
    match = _HOST.fullmatch(text)
    return None if match is None else _place(match["host"], match["port"])


def parse_origin(value: bytes) -> Origin | None:
    """Read what `Origin` says; None for ``null``, and what browsers do not write."""
    text = value.decode("latin-1")
    match = _ORIGIN.fullmatch(text)
    place = None if match is None else _place(match["host"], match["port"])
    if match is None or place is None:
        return None
    scheme = match["scheme"].lower()
    if place.port is None:
        place = Place(place.host, _DEFAULT_PORTS.get(scheme))
    return Origin(scheme, place)


def _place(host: str, port: str | None) -> Place | None:
    number = None if port is None else int(port)
    if number is not None and number > 65_535:
        return None
    host = host.lower()
    if host.startswith("["):
        try:
            host = f"[{IPv6Address(host[1:-1]).compressed}]"
        except AddressValueError:
            return None
    return Place(host, number)


def _named(name: str, port: int) -> Place:
    place = parse_host(name.encode())
    if place is None:
        raise ValueError(f"expected a host's name, perhaps with :port, found {shown(name)}")
    return Place(place.host, port) if place.port is None else place


def _own_origin(place: Place, *, has_tls: bool) -> Origin:
    is_secure = has_tls or place.port == _DEFAULT_PORTS["https"]
    return Origin("https" if is_secure else "http", place)


def _listed(origin: str) -> Origin:
    parsed = parse_origin(origin.encode())
    if parsed is None:
        raise ValueError(f"expected an origin, as https://example.com, found {shown(origin)}")
    return parsed

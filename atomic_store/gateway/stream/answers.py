"""Plain HTTP answers: small, whole, and the last thing that is said on their connection."""

from __future__ import annotations

from email.utils import formatdate
from http import HTTPStatus
from typing import Final, final

import attrs
import h11

from .gate import Gate
from .request_head import BadHead, Headers

LINGER_BYTES_MAX: Final = 256 * 1024
"""How much of a request nobody reads is thrown away, so that its answer gets through."""

PAGE_POLICY: Final = (
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:;"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""What a page may do: no script but from a file of the gateway, and in nobody's frame."""

_ALWAYS: Final[Headers] = (
    (b"Cache-Control", b"no-store"),
    (b"Content-Security-Policy", PAGE_POLICY.encode("ascii")),
    (b"Referrer-Policy", b"no-referrer"),
    (b"X-Content-Type-Options", b"nosniff"),
)
_CLOSE: Final[Headers] = ((b"Connection", b"close"),)
_READABLE: Final = (b"GET", b"HEAD")


@final
@attrs.frozen
class Answer:
    """An answer with its body."""

    status: int
    body: bytes = attrs.field(repr=False)
    content_type: str = "text/plain; charset=utf-8"
    headers: Headers = ()
    """What it has beside those that every answer has. A `Connection` here stands for ours."""


def plain(status: int, text: str = "", headers: Headers = ()) -> Answer:
    """Answer in a line of text; without one, in the status's own words."""
    return Answer(status, f"{text or HTTPStatus(status).phrase}\n".encode(), headers=headers)


def bad_request(bad: BadHead) -> Answer:
    """Answer what is no request."""
    return plain(bad.status, bad.reason, bad.headers)


def method_not_allowed() -> Answer:
    """Answer what is neither GET nor HEAD."""
    return plain(405, headers=((b"Allow", b", ".join(_READABLE)),))


def upgrade_required() -> Answer:
    """Answer a request for the WebSocket's path that asks for no WebSocket."""
    return plain(
        426,
        "Upgrade Required: this is the address of a WebSocket",
        ((b"Upgrade", b"websocket"), (b"Connection", b"upgrade, close")),
    )


def is_readable(method: bytes) -> bool:
    """Whether it is a method that only asks."""
    return method in _READABLE


def written(answer: Answer, *, method: bytes = b"GET") -> bytes:
    """
    Write an answer.

    Args:
      method: the request's; HEAD is answered without the body.
    """
    has_own = any(name.lower() == b"connection" for name, _ in answer.headers)
    head = h11.Response(
        status_code=answer.status,
        reason=HTTPStatus(answer.status).phrase.encode("ascii"),
        headers=[
            (b"Date", formatdate(usegmt=True).encode("ascii")),
            (b"Content-Type", answer.content_type.encode("ascii")),
            (b"Content-Length", str(len(answer.body)).encode("ascii")),
            *(() if has_own else _CLOSE),
            *_ALWAYS,
            *answer.headers,
        ],
    )
    sent = h11.Connection(h11.SERVER).send(head)
    return sent if method == b"HEAD" else sent + answer.body


async def send_answer(gate: Gate, answer: Answer, *, method: bytes = b"GET") -> None:
    """
    Answer a request and close its connection, so that the answer gets through.

    Checkpoints. If it is cancelled, it closes: the caller's cancel scope says how long a client
    may take.

    Raises:
      trio.BrokenResourceError: the client is gone.
      trio.ClosedResourceError: the gate was closed.
    """
    try:
        await gate.send_all(written(answer, method=method))
        await gate.linger(LINGER_BYTES_MAX)
    finally:
        await gate.aclose()

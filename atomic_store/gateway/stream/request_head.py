"""
The head of an HTTP request: bytes in, a `RequestHead` or a `BadHead` out.

It is strict, because whoever reads the same bytes behind it must never read them differently,
or fail over them: printable ASCII, lines that end with CR LF, nothing folded, one length.
h11 does the parsing, and for an upgrade wsproto has looked at the same bytes and found a
request that it can answer.
"""

from __future__ import annotations

import re
from typing import Final, final

import attrs
import h11
from wsproto import ConnectionType, WSConnection
from wsproto.events import RejectConnection, Request
from wsproto.utilities import RemoteProtocolError

from ...errors import AtomicStoreError

HEAD_BYTES_MAX: Final = 8192
"""The longest head that is read, its blank line included."""

Headers = tuple[tuple[bytes, bytes], ...]

_NOT_TEXT = re.compile(rb"[^\t\r\n -~]")
_NOT_A_LINE_END = re.compile(rb"(?<!\r)\n|\r(?!\n|\Z)|\r\n[ \t]")
_TLS_HANDSHAKE = 0x16


@final
class BadHead(AtomicStoreError):
    """
    What came is no head of a request that can be answered as one.

    Attributes:
      status: the HTTP status that says so.
      reason: what was expected and what was found; never what was sent, which may be secret.
      headers: what the answer has to carry beside.
    """

    def __init__(self, status: int, reason: str, headers: Headers = ()) -> None:
        super().__init__(status, reason, headers)
        self.status = status
        self.reason = reason
        self.headers = headers

    def __str__(self) -> str:
        return f"{self.status}: {self.reason}"


@final
@attrs.frozen
class RequestHead:
    """The head of a request."""

    method: bytes
    target: bytes
    """As it was sent: mostly a path with its query."""
    headers: Headers = attrs.field(repr=False)
    """Names in lower case, in the order in which they were sent."""
    raw: bytes = attrs.field(repr=False)
    """Its bytes, with the blank line at its end."""
    rest: bytes = attrs.field(repr=False)
    """What came behind it with the same read."""
    is_upgrade: bool
    """It asks for a WebSocket, and all that this needs is there."""

    def values(self, name: bytes) -> list[bytes]:
        """Give the values of all headers of a name, which is in lower case."""
        return [value for found, value in self.headers if found == name]


@final
@attrs.define(eq=False, repr=False)
class HeadBuffer:
    """Collects a head; what is wrong with it is found as early as it can be."""

    _bytes: bytearray = attrs.Factory(bytearray)

    def receive(self, data: bytes) -> RequestHead | None:
        """
        Take what was received next.

        Returns:
          The head, once it is whole.

        Raises:
          BadHead: it will never be one.
        """
        seen = len(self._bytes)
        self._bytes += data
        blank = self._bytes.find(b"\r\n\r\n", max(0, seen - 3))
        end = len(self._bytes) if blank < 0 else blank + 4
        self._check(seen, end)
        if blank < 0:
            return None
        return parse_head(bytes(self._bytes[:end]), bytes(self._bytes[end:]))

    def end(self) -> BadHead:
        """Say what is wrong if nothing more comes."""
        found = f"after {len(self._bytes)} bytes of it" if self._bytes else "at once"
        return BadHead(400, f"expected the head of an HTTP request, found an end {found}")

    def _check(self, seen: int, end: int) -> None:
        if self._bytes[:1] == bytes([_TLS_HANDSHAKE]):
            raise BadHead(
                400,
                "expected plain HTTP on this port, found the beginning of TLS:"
                " connect with http:// or ws://",
            )
        if found := _NOT_TEXT.search(self._bytes, seen, end):
            raise BadHead(
                400,
                "expected printable ASCII in the head of the request,"
                f" found byte {found[0][0]:#04x} at offset {found.start()}",
            )
        if found := _NOT_A_LINE_END.search(self._bytes, max(0, seen - 2), end):
            raise BadHead(
                400,
                "expected lines that end with CR LF and are not folded,"
                f" found another one at offset {found.start()}",
            )
        if end > HEAD_BYTES_MAX:
            raise BadHead(431, f"expected a head of at most {HEAD_BYTES_MAX} bytes, found more")


def parse_head(raw: bytes, rest: bytes = b"") -> RequestHead:
    """
    Read a whole head.

    Args:
      raw: its bytes, with the blank line at its end.
      rest: what came behind it.

    Raises:
      BadHead: it is none, or asks for a WebSocket in a way that cannot be answered.
    """
    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=HEAD_BYTES_MAX)
    connection.receive_data(raw)
    try:
        request = connection.next_event()
    except h11.RemoteProtocolError as error:
        # What stands behind the colon is what was sent.
        what = str(error).partition(":")[0]
        raise BadHead(error.error_status_hint, f"expected an HTTP/1.1 request: {what}") from None
    if not isinstance(request, h11.Request):
        raise BadHead(400, "expected an HTTP/1.1 request, found none")
    headers = tuple(request.headers)
    _check_version(request.http_version)
    _check_length(raw, headers)
    is_upgrade = _asks_for_websocket(headers)
    if is_upgrade:
        _check_upgrade(raw, request.http_version, headers)
    return RequestHead(request.method, request.target, headers, raw, rest, is_upgrade)


def _check_version(version: bytes) -> None:
    if version not in (b"1.0", b"1.1"):
        found = version.decode("ascii")
        raise BadHead(505, f"expected HTTP/1.1 on this port, found HTTP/{found}")


def _check_length(raw: bytes, headers: Headers) -> None:
    """Refuse a body whose length two readers could see differently."""
    names = [name for name, _ in headers]
    # h11 gives one of several that agree.
    lengths = len(re.findall(rb"(?i)\r\ncontent-length:", raw))
    if lengths > 1 or (lengths and b"transfer-encoding" in names):
        raise BadHead(400, "expected one length of the body, found several")


def _asks_for_websocket(headers: Headers) -> bool:
    offered = b",".join(value for name, value in headers if name == b"upgrade")
    return any(token.strip().lower() == b"websocket" for token in offered.split(b","))


def _check_upgrade(raw: bytes, version: bytes, headers: Headers) -> None:
    if version != b"1.1":
        raise BadHead(400, "expected HTTP/1.1 where a WebSocket is asked for, found HTTP/1.0")
    for name, value in headers:
        if name == b"transfer-encoding" or (name == b"content-length" and int(value)):
            raise BadHead(400, "expected no body where a WebSocket is asked for, found one")
    connection = WSConnection(ConnectionType.SERVER)
    try:
        connection.receive_data(raw)
    except RemoteProtocolError as error:
        hint = error.event_hint
        if not isinstance(hint, RejectConnection):
            raise BadHead(400, f"expected a WebSocket handshake: {error}") from None
        raise BadHead(
            hint.status_code, f"expected a WebSocket handshake: {error}", tuple(hint.headers)
        ) from None
    except UnicodeError:
        # It decodes the host as IDNA.
        raise BadHead(400, "expected a host name in Host, found none") from None
    if not [event for event in connection.events() if isinstance(event, Request)]:
        raise BadHead(400, "expected a WebSocket handshake, found none")

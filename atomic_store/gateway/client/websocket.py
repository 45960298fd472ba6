"""
WebSocket connections: the one place that knows trio-websocket.

What it keeps away from the rest: a cancelled send corrupts the stream silently, so sends are
never cancelled unless the whole connection is dropped with them; a handshake that the other
side breaks off is never told; errors of its reading task arrive in groups.
"""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TypeAlias, final
from urllib.parse import urlsplit

import attrs
import trio
import trio_websocket

from ...errors import shown
from ..protocol.codes import SUBPROTOCOL, CloseCode
from .backoff import is_final, is_final_status
from .groups import first_of

MESSAGE_CHARACTERS_MAX = 64 * 1024**2
"""The longest message that is taken; a gateway's own limit is not known before its `welcome`."""
RECEIVE_BYTES = 64 * 1024
"""How much is read at a time."""
MESSAGES_MAX = 64
"""How many messages may be read before the first one is taken."""
CLOSE_S = 2.0
"""How long a connection that is closed waits for the other side."""

Connect: TypeAlias = Callable[[], Awaitable[trio.abc.Stream]]
"""Opens a stream to the gateway; raises `OSError` if it cannot."""

_PORTS = {"ws": 80, "wss": 443}


@final
@attrs.frozen
class Address:
    """Where a gateway is."""

    host: str
    port: int
    is_tls: bool
    path: str

    @property
    def host_header(self) -> str:
        """The host as HTTP has it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        is_default = self.port == (443 if self.is_tls else 80)
        return host if is_default else f"{host}:{self.port}"


@final
@attrs.frozen
class Ending:
    """How a connection ended."""

    reason: str
    code: int | None = None
    """The close code, or the HTTP status that refused it."""
    is_final: bool = False
    """Connecting again would end the same way."""


def address_of(url: str) -> Address:
    """
    Read a gateway's URL.

    Raises:
      ValueError: it is none: the scheme is not `ws` or `wss`, or there is no host, or none
        that can have this name.
    """
    parts = urlsplit(url)
    default = _PORTS.get(parts.scheme)
    if parts.username is not None:
        raise ValueError("url: expected no name or password in it; give a token instead")
    if default is None or not parts.hostname:
        raise ValueError(f"url: expected ws://host:port/path or wss://…, found {url!r}")
    try:
        # As whoever looks the name up does, and fails.
        parts.hostname.encode("idna")
    except UnicodeError:
        raise ValueError(f"url: expected a host's name, found {shown(parts.hostname)}") from None
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Address(parts.hostname, parts.port or default, parts.scheme == "wss", path)


def connector(address: Address, ssl_context: ssl.SSLContext | None) -> Connect:
    """
    Give what opens a TCP stream to an address, with TLS where it says so.

    Raises:
      ValueError: an SSL context, but no TLS.
    """
    if ssl_context is not None and not address.is_tls:
        raise ValueError("ssl_context: expected one for wss:// alone, found one for ws://")

    async def connect() -> trio.abc.Stream:
        if not address.is_tls:
            return await trio.open_tcp_stream(address.host, address.port)
        return await trio.open_ssl_over_tcp_stream(
            address.host, address.port, ssl_context=ssl_context, https_compatible=True
        )

    return connect


@final
@attrs.define(eq=False)
class _Watched(trio.abc.Stream):
    """A stream that tells when it has ended."""

    stream: trio.abc.Stream
    on_end: Callable[[], object]
    fault: str = attrs.field(default="", init=False)

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        with self._noticing():
            data = await self.stream.receive_some(max_bytes)
        if not data:
            self.on_end()
        return data

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        with self._noticing():
            await self.stream.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        with self._noticing():
            await self.stream.wait_send_all_might_not_block()

    async def aclose(self) -> None:
        await self.stream.aclose()

    @contextmanager
    def _noticing(self) -> Iterator[None]:
        try:
            yield
        except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
            # Whatever is tried after the first one fails because of it.
            self.fault = self.fault or str(error.__cause__ or error)
            self.on_end()
            raise


@final
@attrs.define(eq=False)
class Connection:
    """An open connection: one task reads, another one sends."""

    _websocket: trio_websocket.WebSocketConnection
    _is_sending: bool = attrs.field(default=False, init=False)

    async def receive(self) -> str | Ending:
        """
        Give the next message, or how the connection has ended.

        Checkpoints: always. Cancellation: nothing is lost.
        """
        try:
            message = await self._websocket.get_message()
        except trio_websocket.ConnectionClosed as closed:
            return _ending_of(closed.reason)
        if isinstance(message, bytes):
            return Ending("expected messages of text, found one of bytes", is_final=True)
        return message

    async def send(self, text: bytes) -> bool:
        """
        Send a message.

        Returns:
          False if the connection has ended.

        Cancellation: the connection is of no use any more: close it.
        """
        self._is_sending = True
        try:
            await self._websocket.send_message(text.decode())
        except trio_websocket.ConnectionClosed:
            return False
        self._is_sending = False
        return True

    async def close(self, code: int) -> None:
        """
        Say that it ends, and wait for the other side to say so, too, for `CLOSE_S` at most.

        Checkpoints: always. Cancellation: the connection is of no use any more.
        """
        if self._is_sending:
            # Half a frame is out: anything behind it would be taken for its other half.
            await trio.lowlevel.checkpoint()
            return
        with trio.move_on_after(CLOSE_S):
            await self._websocket.aclose(code)


async def converse(
    stream: trio.abc.Stream,
    address: Address,
    talk: Callable[[Connection], Awaitable[Ending]],
    handshake_s: float,
) -> Ending:
    """
    Make a WebSocket of a stream, and talk over it; then the stream is closed, whatever happens.

    Args:
      talk: is given the connection, and says how it ended; or closes it itself.
      handshake_s: how long the gateway may take for its half of the handshake.

    Returns:
      How it ended.

    Checkpoints: always. Cancellation: the stream is closed in the middle of whatever it does.
    Raises what `talk` raises, as itself.
    """
    ending = Ending("the connection broke")
    raised: Exception | None = None
    try:
        async with trio.open_nursery() as nursery:
            try:
                ending = await _shake_hands(nursery, stream, address, talk, handshake_s)
            except Exception as error:
                raised = error
            nursery.cancel_scope.cancel()
    except* trio_websocket.ConnectionRejected as rejected:
        ending = _refused(rejected)
    except* Exception as errors:
        # What wsproto makes of what is no WebSocket; the group says it in many lines.
        ending = Ending(f"expected a WebSocket, found something else: {first_of(errors)!r}")
    finally:
        await trio.aclose_forcefully(stream)
    if raised is not None:
        raise raised
    return ending


async def _shake_hands(
    nursery: trio.Nursery,
    stream: trio.abc.Stream,
    address: Address,
    talk: Callable[[Connection], Awaitable[Ending]],
    handshake_s: float,
) -> Ending:
    # Nobody tells the waiting task when the other side leaves before its answer.
    handshake = trio.CancelScope(deadline=trio.current_time() + handshake_s)
    watched = _Watched(stream, handshake.cancel)
    websocket: trio_websocket.WebSocketConnection | None = None
    with handshake:
        websocket = await trio_websocket.wrap_client_stream(
            nursery, watched, address.host_header, address.path,  # type: ignore[arg-type]  # any stream will do
            subprotocols=[SUBPROTOCOL], message_queue_size=MESSAGES_MAX,
            max_message_size=MESSAGE_CHARACTERS_MAX, receive_buffer_size=RECEIVE_BYTES,
        )  # fmt: skip
    if websocket is None:
        fault = f": {watched.fault}" if watched.fault else ""
        return Ending(f"expected an answer to the handshake, found none{fault}")
    connection = Connection(websocket)
    if websocket.subprotocol != SUBPROTOCOL:
        await connection.close(CloseCode.NORMAL)
        found = websocket.subprotocol or "none"
        return Ending(f"expected the subprotocol {SUBPROTOCOL}, found {found}", is_final=True)
    return await talk(connection)


def _ending_of(reason: trio_websocket.CloseReason | None) -> Ending:
    if reason is None:
        return Ending("the connection was closed")
    words = f": {reason.reason}" if reason.reason else ""
    return Ending(f"closed with {reason.code}{words}", reason.code, is_final(reason.code))


def _refused(group: BaseExceptionGroup[trio_websocket.ConnectionRejected]) -> Ending:
    error = first_of(group)
    assert isinstance(error, trio_websocket.ConnectionRejected)
    status = error.status_code
    return Ending(
        f"the handshake was refused with HTTP status {status}", status, is_final_status(status)
    )

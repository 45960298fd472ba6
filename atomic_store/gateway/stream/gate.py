"""
The gate: one way out for all that is sent to a client, whole frames only.

Under each WebSocket lie two writers: the library that answers pings and closes, and the
gateway, which writes frames that many clients share. Both go through one lock here. What was
begun is sent to its end before anything else, or nothing is ever sent again: a frame that is
cut would have the client take what follows for its rest.
"""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final, final

import attrs
import trio

RECEIVE_BYTES: Final = 64 * 1024
"""How much is received at a time."""
SEND_BYTES: Final = 16 * 1024
"""How much a stream that is no plain socket is given at a time: a TLS record."""

_NOTHING: Final = memoryview(b"")
_RESET_ON_CLOSE: Final = struct.pack("ii", 1, 0)


def _abortable(instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
    """See to it that `abort` will work."""
    if not all(_parts(value)):
        raise TypeError(
            "stream: expected a socket, TLS over one, or another that has a plain close(),"
            f" found {value!r}"
        )


@final
@attrs.define(eq=False, repr=False, on_setattr=[])
class Gate(trio.abc.Stream):
    """
    A stream to a client on which frames never interleave, and never end in the middle.

    Any number of tasks may send: they take turns. One may receive. Figures are of what the
    socket took and gave, on `trio.current_time`'s clock.

    Raises:
      TypeError: the stream could not be aborted.
    """

    _stream: trio.abc.Stream = attrs.field(validator=_abortable)
    is_broken: bool = attrs.field(default=False, init=False)
    """Nothing will ever be sent again: a frame was cut, the client is gone, or it was aborted."""
    bytes_sent: int = attrs.field(default=0, init=False)
    bytes_received: int = attrs.field(default=0, init=False)
    last_progress: float = attrs.field(factory=trio.current_time, init=False)
    """When the socket last took something, or when it was last first given something to take."""
    last_received: float = attrs.field(factory=trio.current_time, init=False)
    """When something was received last."""
    _is_closed: bool = attrs.field(default=False, init=False)
    _lock: trio.Lock = attrs.field(factory=trio.Lock, init=False)
    # How many tasks are sending, or wait to.
    _senders: int = attrs.field(default=0, init=False)
    # What is being sent, and was not taken yet.
    # Invariant: empty where nobody holds the lock, but for what `try_send` began.
    _outgoing: memoryview = attrs.field(default=_NOTHING, init=False)
    # Whether a part of it may have been taken.
    _is_begun: bool = attrs.field(default=False, init=False)
    # Only plain sockets say how much of what they are given they took.
    _socket: trio.socket.SocketType | None = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._socket = self._stream.socket if isinstance(self._stream, trio.SocketStream) else None

    @property
    def has_half_frame(self) -> bool:
        """A part of what is being sent was taken, and the rest was not: no frame may follow."""
        return self._is_begun

    @property
    def stalled_s(self) -> float:
        """For how long the socket has taken nothing of what is there for it; 0 if nothing is."""
        if not self._senders and not self._outgoing:
            return 0.0
        return trio.current_time() - self.last_progress

    # --- sending -------------------------------------------------------------------------

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """
        Send whole frames, after all that was begun before.

        Checkpoints. If it is cancelled before anything was taken, nothing was sent, and the
        gate goes on; else the gate breaks, and the connection is reset.

        Raises:
          trio.BrokenResourceError: the gate is broken.
          trio.ClosedResourceError: it was closed.
        """
        self._senders += 1
        if self._senders == 1 and not self._outgoing:
            self.last_progress = trio.current_time()
        try:
            async with self._lock:
                await self._push()
                self._outgoing = memoryview(data).cast("B")
                try:
                    await self._push()
                except BaseException:
                    self._give_up()
                    raise
        finally:
            self._senders -= 1

    async def send_frames(self, data: bytes) -> None:
        """Send whole frames of the gateway's own; as `send_all`."""
        await self.send_all(data)

    def try_send(self, data: bytes) -> int:
        """
        Send whole frames if that needs no waiting.

        Only plain sockets can: others take nothing here, nor does one that is full, or to
        which somebody else is sending.

        Returns:
          How many bytes were taken. 0: the data is still the caller's. Fewer than there are:
          the gate keeps the rest, and `finish` sends it.

        Raises:
          trio.BrokenResourceError: the gate is broken.
          trio.ClosedResourceError: it was closed.
        """
        self._check_open()
        if self._socket is None or self._outgoing or self._lock.locked():
            return 0
        try:
            # As `send` with MSG_DONTWAIT: Trio's sockets never block.
            taken = os.write(self._socket.fileno(), data)
        except BlockingIOError:
            return 0
        except OSError as error:
            self.is_broken = True
            raise _broken(error) from error
        if taken < len(data):
            self._outgoing = memoryview(data)
        self._took(taken)
        return taken

    async def finish(self) -> None:
        """
        Send what `try_send` began.

        Checkpoints. May be cancelled: the gate keeps the rest, and nothing goes before it.

        Raises:
          trio.BrokenResourceError: the gate is broken.
          trio.ClosedResourceError: it was closed.
        """
        async with self._lock:
            await self._push()

    async def _push(self) -> None:
        """Send all that is outgoing."""
        self._check_open()
        while self._outgoing:
            with self._breaking():
                if self._socket is not None:
                    taken = await self._socket.send(self._outgoing)
                else:
                    part = self._outgoing[:SEND_BYTES]
                    # It does not say how much it took if it fails or is cancelled.
                    self._is_begun = True
                    await self._stream.send_all(part)
                    taken = len(part)
            self._took(taken)

    def _took(self, count: int) -> None:
        if self._outgoing:
            self._outgoing = self._outgoing[count:] or _NOTHING
            self._is_begun = bool(self._outgoing)
        self.bytes_sent += count
        self.last_progress = trio.current_time()

    def _give_up(self) -> None:
        """Leave nothing begun behind: whoever was sending it goes away."""
        if self._is_begun:
            self.is_broken = True
            self._reset()
        self._outgoing = _NOTHING

    def _check_open(self) -> None:
        if self._is_closed:
            raise trio.ClosedResourceError("this connection was closed here")
        if self.is_broken:
            raise trio.BrokenResourceError("this connection is broken: nothing can be sent on it")

    @contextmanager
    def _breaking(self) -> Iterator[None]:
        """Have what fails break the gate, and say so in Trio's words."""
        try:
            yield
        except trio.BrokenResourceError:
            self.is_broken = True
            # Whoever was waiting when it was closed here should read that.
            self._check_closed()
            raise
        except OSError as error:
            self.is_broken = True
            self._check_closed()
            raise _broken(error) from error

    def _check_closed(self) -> None:
        if self._is_closed:
            raise trio.ClosedResourceError("this connection was closed here") from None

    async def wait_send_all_might_not_block(self) -> None:
        """Wait until something may be taken, after all that was begun before. Checkpoints."""
        async with self._lock:
            await self._push()
            with self._breaking():
                await self._stream.wait_send_all_might_not_block()

    async def send_eof(self) -> None:
        """
        Send all that was begun, and then say that nothing follows.

        Checkpoints. TLS cannot say so: there nothing is sent.

        Raises:
          trio.BrokenResourceError: the gate is broken.
          trio.ClosedResourceError: it was closed.
        """
        async with self._lock:
            await self._push()
            if isinstance(self._stream, trio.abc.HalfCloseableStream):
                with self._breaking():
                    await self._stream.send_eof()

    # --- receiving -----------------------------------------------------------------------

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """
        Receive what there is, 64 KiB at most unless told otherwise; nothing at the end.

        Checkpoints. If it is cancelled, nothing is lost.

        Raises:
          trio.BrokenResourceError: the client is gone.
          trio.ClosedResourceError: the gate was closed, or a frame was cut.
        """
        self._check_closed()
        with self._breaking():
            data = bytes(
                await self._stream.receive_some(RECEIVE_BYTES if max_bytes is None else max_bytes)
            )
        if data:
            self.bytes_received += len(data)
            self.last_received = trio.current_time()
        return data

    # --- the end -------------------------------------------------------------------------

    def abort(self) -> None:
        """
        Reset the connection at once: what the client has not read is lost to it.

        Never waits. Whoever sends or receives gets `ClosedResourceError`. May be repeated.
        """
        self._is_closed = self.is_broken = True
        self._reset()

    def _reset(self) -> None:
        for part in _parts(self._stream):
            assert part is not None, "the constructor has seen to it"
            if isinstance(part, trio.SocketStream):
                with suppress(OSError):
                    part.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
                part.socket.close()
            else:
                part.close()

    async def aclose(self) -> None:
        """
        Close the connection; what the socket took is still delivered.

        Checkpoints. Never raises; if it is cancelled, the connection is closed all the same.
        May be repeated. Over TLS it may wait for a client that takes nothing: `abort` ends it.
        """
        self._is_closed = True
        with suppress(trio.BrokenResourceError, trio.ClosedResourceError, OSError):
            await self._stream.aclose()

    async def linger(self, bytes_max: int) -> None:
        """
        Say that nothing follows, throw away what still comes until the client closes, then close.

        Whoever closes while something waits to be read resets the connection, and the client
        may lose what it was sent last: a refusal, or why it was closed. Checkpoints, and never
        raises. If it is cancelled, it closes: the caller's cancel scope says how long a client
        may take.

        Args:
          bytes_max: how much is thrown away before it is closed all the same.
        """
        end = self.bytes_received + bytes_max
        try:
            with suppress(trio.BrokenResourceError, trio.ClosedResourceError):
                await self.send_eof()
                while self.bytes_received < end and await self.receive_some():
                    pass
        finally:
            await self.aclose()


def _broken(error: OSError) -> trio.BrokenResourceError:
    return trio.BrokenResourceError(f"the connection is broken: {error}")


def _parts(stream: object) -> Iterator[Any]:
    """The streams at the bottom, which can be closed without waiting; None for one that cannot."""
    if isinstance(stream, trio.SSLStream):
        yield from _parts(stream.transport_stream)
    elif isinstance(stream, trio.StapledStream):
        yield from _parts(stream.send_stream)
        yield from _parts(stream.receive_stream)
    elif isinstance(stream, trio.SocketStream) or hasattr(stream, "close"):
        yield stream
    else:
        yield None

"""Reading the head of a request from a stream, and handing the stream on as if nobody had."""

from __future__ import annotations

from typing import final

import attrs
import trio

from .fragments import FrameCounter, TooManyFragments
from .gate import Gate
from .request_head import HEAD_BYTES_MAX, HeadBuffer, RequestHead


async def read_head(stream: trio.abc.ReceiveStream) -> RequestHead:
    """
    Read the head of a request: at most 8 KiB, and as much again behind it.

    Checkpoints. If it is cancelled, what was read is lost: the caller's cancel scope says how
    long a client may take, and what follows is 408 or the end.

    Raises:
      BadHead: what came is none, and never will be.
      trio.BrokenResourceError: the client is gone.
    """
    buffer = HeadBuffer()
    while True:
        data = await stream.receive_some(HEAD_BYTES_MAX)
        if not data:
            raise buffer.end()
        head = buffer.receive(bytes(data))
        if head is not None:
            return head


@final
@attrs.define(eq=False, repr=False)
class ReplayStream(trio.abc.Stream):
    """
    A gate whose request head was read, as if it had not been: for `wrap_server_stream`.

    It gives the head, and what follows only when something was sent: until then the reader
    loses what it is given, or keeps it without a limit. Frames are counted: a message with too
    many fragments aborts the gate, and a read gives a bounded number of frames.
    """

    _gate: Gate
    _head: RequestHead
    _counter: FrameCounter = attrs.Factory(FrameCounter)
    _has_given_head: bool = attrs.field(default=False, init=False)
    _answered: trio.Event = attrs.field(factory=trio.Event, init=False)
    # What was received and not yet handed on, from an offset.
    _held: bytes = attrs.field(init=False)
    _held_from: int = attrs.field(default=0, init=False)

    def __attrs_post_init__(self) -> None:
        self._held = self._head.raw

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """Give the head, then what follows it. Checkpoints."""
        if not self._has_given_head:
            await trio.lowlevel.checkpoint()
            return self._give_head(max_bytes)
        if not self._answered.is_set():
            await self._answered.wait()
        if self._held_from == len(self._held):
            self._held, self._held_from = await self._gate.receive_some(max_bytes), 0
        else:
            await trio.lowlevel.checkpoint()
        return self._give_frames(max_bytes)

    def _give_head(self, max_bytes: int | None) -> bytes:
        given = self._give_to(self._reach(max_bytes))
        if self._held_from == len(self._held):
            self._has_given_head = True
            self._held, self._held_from = self._head.rest, 0
        return given

    def _give_frames(self, max_bytes: int | None) -> bytes:
        try:
            return self._give_to(
                self._counter.take(self._held, self._held_from, self._reach(max_bytes))
            )
        except TooManyFragments as error:
            self._held, self._held_from = b"", 0
            self._gate.abort()
            raise trio.BrokenResourceError(str(error)) from error

    def _reach(self, max_bytes: int | None) -> int:
        most = len(self._held)
        return most if max_bytes is None else min(most, self._held_from + max_bytes)

    def _give_to(self, end: int) -> bytes:
        part = self._held[self._held_from : end]
        self._held_from = end
        return part

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send whole frames through the gate. Checkpoints; see `Gate.send_all`."""
        try:
            await self._gate.send_all(data)
        finally:
            # Also where it failed: whoever waits to receive learns of it from the gate.
            self._answered.set()

    async def wait_send_all_might_not_block(self) -> None:
        """Wait until the gate may take something. Checkpoints."""
        await self._gate.wait_send_all_might_not_block()

    async def aclose(self) -> None:
        """Close the gate. Checkpoints."""
        self._answered.set()
        await self._gate.aclose()

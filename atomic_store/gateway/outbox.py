"""What waits to be sent to one client: bounded, answers first, whole messages only."""

from __future__ import annotations

from collections import deque
from typing import Protocol, final

import attrs
import trio

from .stream import frames

SEND_BYTES = 256 * 1024
"""How much is handed to the socket at a time."""


class FrameSink(Protocol):
    """Where frames go."""

    async def send_frames(self, data: bytes) -> None:
        """Send whole frames."""
        ...

    def try_send(self, data: bytes) -> int:
        """Send whole frames, or a part of them, or nothing, without waiting; says how much."""
        ...

    async def finish(self) -> None:
        """Send the rest of what `try_send` began."""
        ...


@final
@attrs.define(eq=False)
class Outbox:
    """
    Messages on their way to a client, as frames.

    Whoever has much to send waits for `room`; answers are put without waiting, for there
    are no more of them than requests, and nothing is read from a client that takes none.
    An answer that the socket takes at once never lies here: no task has to wake for it.

    Args:
      bytes_max: how much may lie here before there is no room.
    """

    _sink: FrameSink
    bytes_max: int
    # Invariant: size is the length of all frames in both.
    _answers: deque[bytes] = attrs.Factory(deque)
    _bulk: deque[bytes] = attrs.Factory(deque)
    # Those of them that end a request: they are said whatever is dropped.
    _ends: deque[bytes] = attrs.Factory(deque)
    _size: int = 0
    _is_closed: bool = False
    _is_sending: bool = False
    # The sink has taken a part of something.
    _is_begun: bool = False
    _more: trio.Event = attrs.Factory(trio.Event)
    _less: trio.Event = attrs.Factory(trio.Event)

    @property
    def size(self) -> int:
        """How many bytes lie here."""
        return self._size

    @property
    def is_idle(self) -> bool:
        """Whether everything that was put here has been handed to the socket."""
        return not self._size and not self._is_sending and not self._is_begun

    @property
    def has_room(self) -> bool:
        """Whether more may be put here."""
        return self._size < self.bytes_max

    def answer(self, text: bytes) -> None:
        """Have a message sent before all that is not an answer."""
        self.frame(frames.text_frame(text))

    def frame(self, data: bytes) -> None:
        """The same for a frame that is no message."""
        if not self.send_now(data):
            self._put(self._answers, data)

    def bulk(self, text: bytes) -> None:
        """Have a message sent after all answers that are there by then."""
        self._put(self._bulk, frames.text_frame(text))

    def end(self, text: bytes) -> None:
        """The same for a message that ends a request, and so is not dropped with the others."""
        frame = frames.text_frame(text)
        if not self._is_closed:
            self._ends.append(frame)
            self._put(self._bulk, frame)

    def bulk_frames(self, data: bytes) -> None:
        """The same for frames of one whole message."""
        self._put(self._bulk, data)

    def send_now(self, data: bytes) -> bool:
        """
        Hand the frames of a whole message to the socket, if that can be done without waiting.

        Returns:
          False if others wait before it, or the socket takes nothing: it is still the caller's.
        """
        if self._is_closed or not self.is_idle:
            return False
        try:
            taken = self._sink.try_send(data)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            # The connection's end is noticed by who reads from it.
            return True
        if 0 < taken < len(data):
            self._is_begun = True
            self._more.set()
        return taken > 0

    async def room(self) -> None:
        """Wait until more may be put here. Checkpoints; may be cancelled."""
        await trio.lowlevel.checkpoint()
        while not self.has_room and not self._is_closed:
            await self._less.wait()

    def drop_bulk(self) -> None:
        """Drop what is no answer, ends no request, and has not been begun."""
        self._size -= sum(map(len, self._bulk))
        self._bulk.clear()
        for frame in self._ends:
            self._put(self._answers, frame)
        self._ends.clear()
        self._wake()

    def close(self) -> None:
        """Drop everything; nothing is sent any more."""
        self._is_closed = True
        self._answers.clear()
        self._bulk.clear()
        self._ends.clear()
        self._size = 0
        self._more.set()
        self._wake()

    async def drained(self) -> None:
        """Wait until everything was handed to the socket. May be cancelled."""
        while not self.is_idle and not self._is_closed:
            await self._less.wait()

    async def run(self) -> None:
        """
        Send what is put here, until `close`.

        Raises:
          trio.BrokenResourceError, trio.ClosedResourceError: the client is gone.
        """
        while not self._is_closed:
            data = self._taken()
            if data or self._is_begun:
                self._is_sending, self._is_begun = True, False
                if data:
                    # The sink sends the rest of what it has begun before anything else.
                    await self._sink.send_frames(data)
                else:
                    await self._sink.finish()
                self._is_sending = False
                self._wake()
            else:
                self._more = trio.Event()
                await self._more.wait()

    def _wake(self) -> None:
        """Have all who wait for less to lie here look again."""
        self._less.set()
        self._less = trio.Event()

    def _put(self, queue: deque[bytes], frame: bytes) -> None:
        if self._is_closed:
            return
        queue.append(frame)
        self._size += len(frame)
        self._more.set()

    def _taken(self) -> bytes:
        taken: list[bytes] = []
        size = 0
        for queue in (self._answers, self._bulk):
            while queue and size < SEND_BYTES:
                frame = queue.popleft()
                if self._ends and frame is self._ends[0]:
                    self._ends.popleft()
                size += len(frame)
                taken.append(frame)
        self._size -= size
        return b"".join(taken)

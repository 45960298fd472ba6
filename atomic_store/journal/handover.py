"""
Handing work to a thread, and getting its outcome back into Trio's thread.

`trio.to_thread` makes a task wait, and `TrioToken.run_sync_soon` passes by a queue that is
made for any thread at any time. A journal has one writer and one thing to do at a time: a
pipe that one task reads is quicker by a third (docs/performance.md).
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable
from typing import Any, TypeAlias, TypeVar, final

import attrs
import outcome
import trio

T = TypeVar("T")
_Result: TypeAlias = tuple[Callable[[Any], object], outcome.Outcome[Any]]


@final
@attrs.define(eq=False)
class Handover:
    """
    Runs work in threads, and tells of it in Trio's thread; to be closed in the end.

    One piece of work at a time, or the order in which they are told is not known.
    """

    _token: trio.lowlevel.TrioToken = attrs.field(
        factory=trio.lowlevel.current_trio_token, init=False
    )
    _results: deque[_Result] = attrs.field(factory=deque, init=False)
    _receive: int = attrs.field(init=False)
    _send: int = attrs.field(init=False)
    # Invariant: True exactly while the pipe is open. It is only changed, and the pipe only
    # written to, with the lock held: else the byte may go to a file that has its number.
    _is_listening: bool = attrs.field(default=True, init=False)
    _lock: threading.Lock = attrs.field(factory=threading.Lock, init=False)
    _is_closed: bool = attrs.field(default=False, init=False)

    def __attrs_post_init__(self) -> None:
        self._receive, self._send = os.pipe()
        trio.lowlevel.spawn_system_task(self._listen, name="outcomes of a journal")

    def start(self, work: Callable[[], T], done: Callable[[outcome.Outcome[T]], object]) -> None:
        """
        Run `work` in a thread, then `done` with its outcome in Trio's thread.

        `done` must not raise.

        Raises:
          RuntimeError: no thread can be had; nothing was started.
        """
        trio.lowlevel.start_thread_soon(work, lambda result: self._deliver((done, result)))

    def close(self) -> None:
        """End it, when there is nothing left to tell. More than once is no error."""
        self._is_closed = True
        self._ring()

    def _deliver(self, result: _Result) -> None:
        """Bring an outcome to Trio's thread, from another one."""
        self._results.append(result)
        # Whoever stops listening looks at the results after that.
        if not self._ring():
            self._token.run_sync_soon(self._tell)

    def _ring(self) -> bool:
        """Wake the task that listens; False if it does not any more."""
        with self._lock:
            if self._is_listening:
                os.write(self._send, b"\0")
            return self._is_listening

    async def _listen(self) -> None:
        try:
            while not self._is_closed:
                await trio.lowlevel.wait_readable(self._receive)
                os.read(self._receive, 1)
                self._tell()
        finally:
            # Trio ends its system tasks before it closes what was left open: that may
            # still have something to write.
            with self._lock:
                self._is_listening = False
                os.close(self._receive)
                os.close(self._send)
            self._token.run_sync_soon(self._tell)

    def _tell(self) -> None:
        while self._results:
            done, result = self._results.popleft()
            done(result)

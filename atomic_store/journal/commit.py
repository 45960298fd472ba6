"""A commit, seen from Trio: what one write makes durable, and who waits for it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TypeAlias, final

import attrs
import trio

from ..errors import JournalFailed

Done: TypeAlias = Callable[[JournalFailed | None], object]


@final
@attrs.define(eq=False)
class Commit:
    """
    The records that become durable together, and those who wait for that.

    Made and ended by a journal, in Trio's thread; everybody else only waits.
    """

    is_durable: bool = False
    failure: JournalFailed | None = None
    # Invariant: empty once the commit is durable or failed.
    _waiting: deque[Done] = attrs.Factory(deque)

    @property
    def is_done(self) -> bool:
        """Whether it is durable, or will never be."""
        return self.is_durable or self.failure is not None

    def when_done(self, done: Done) -> None:
        """
        Have `done(failure)` called in Trio's thread once the commit is durable or failed.

        At once if it is already. In the order of asking. `done` must not raise.
        """
        if self.is_durable or self.failure is not None:
            done(self.failure)
        else:
            self._waiting.append(done)

    def complete(self, failure: JournalFailed | None = None) -> None:
        """End the commit, for the journal alone: durable, or failed. Once."""
        assert not self.is_done
        self.failure = failure
        self.is_durable = failure is None
        # One who is told may end the waiting of another, who then leaves the queue.
        waiting = self._waiting
        while waiting:
            waiting.popleft()(failure)

    @trio.lowlevel.enable_ki_protection
    async def wait(self) -> None:
        """
        Wait until the commit is durable.

        Checkpoints: always. Cancellation: may be cancelled, and changes nothing.

        Raises:
          JournalFailed: it never will be.
        """
        if self.is_done:
            await trio.lowlevel.checkpoint()
        else:
            task = trio.lowlevel.current_task()

            def wake(failure: JournalFailed | None) -> None:
                trio.lowlevel.reschedule(task)

            def abort(raise_cancel: object) -> trio.lowlevel.Abort:
                self._waiting.remove(wake)
                return trio.lowlevel.Abort.SUCCEEDED

            self._waiting.append(wake)
            await trio.lowlevel.wait_task_rescheduled(abort)
        if self.failure is not None:
            raise self.failure.again()


def durable_commit() -> Commit:
    """A commit that is durable already: the one before the first."""
    return Commit(is_durable=True)

"""Where a call's task waits for what happens to it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import final

import attrs
import trio

from .calls import Happening


@final
@attrs.define(eq=False)
class Box:
    """What has happened to one call, and was not looked at yet."""

    failure: Callable[[], Exception] | None = None
    """Makes the error of a client that has stopped."""
    on_put: Callable[[], object] | None = None
    """Is told each time that something happens."""
    _happenings: deque[Happening] = attrs.Factory(deque)
    _stirred: trio.Event = attrs.Factory(trio.Event)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to look at."""
        return not self._happenings and self.failure is None

    def put(self, happening: Happening) -> None:
        """Something happened."""
        self._happenings.append(happening)
        self._stir()

    def fail(self, failure: Callable[[], Exception]) -> None:
        """Nothing more will happen."""
        self.failure = failure
        self._stir()

    def take(self) -> Happening | None:
        """
        Give the next thing that happened; None if there is none.

        Raises:
          GatewayClosed: nor will there be any.
        """
        if self._happenings:
            return self._happenings.popleft()
        if self.failure is not None:
            raise self.failure()
        return None

    async def wait(self) -> None:
        """Wait until there is something to look at. Checkpoints if there is not."""
        while self.is_empty:
            await self._stirred.wait()
            self._stirred = trio.Event()

    async def next(self) -> Happening:
        """
        Wait for the next thing that happens.

        Checkpoints: always. Cancellation: nothing is lost.

        Raises:
          GatewayClosed: there will be none.
        """
        await trio.lowlevel.checkpoint()
        while True:
            found = self.take()
            if found is not None:
                return found
            await self.wait()

    def _stir(self) -> None:
        self._stirred.set()
        if self.on_put is not None:
            self.on_put()

"""
The actor of a live scope: the task that opens its rounds and ends them at their deadline.

It is told by its memory channel that there is something to do. The channel holds one
wake-up: one that is already there says all there is to say.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import final

import attrs
import trio

from .scope import Scope

PLAIN_ROUNDS_MAX = 64
"""How many plain functions may run between two checkpoints."""


@final
@attrs.define(eq=False)
class Bell:
    """Rings an actor, as often as one likes: it wakes once."""

    _send: trio.MemorySendChannel[None]
    receive: trio.MemoryReceiveChannel[None]
    # Invariant: a wake-up is in the channel, or the actor has not gone to sleep since.
    is_rung: bool = False

    def ring(self) -> None:
        """Wake the actor, unless it is awake."""
        if not self.is_rung:
            self.is_rung = True
            self._send.send_nowait(None)

    async def wait(self) -> None:
        """Sleep until somebody rings."""
        await self.receive.receive()
        self.is_rung = False


def make_bell() -> Bell:
    """A bell that is silent."""
    # One place: see the module's first words.
    send, receive = trio.open_memory_channel[None](1)
    return Bell(send, receive)


@final
@attrs.define(eq=False)
class Actor:
    """
    Drives one scope until it has been idle for long enough.

    Args:
      scope: what it drives.
      bell: what wakes it.
      idle_after: says how long the scope may stay without work now, in seconds.
      retire: called when the scope has been idle for that long; it ends the actor.
    """

    scope: Scope
    bell: Bell
    idle_after: Callable[[], float]
    retire: Callable[[Scope], None]
    is_retired: bool = False

    @trio.lowlevel.enable_ki_protection
    async def run(self) -> None:
        """Load the scope, then serve it. Returns when it was retired."""
        await self.scope.load()
        self.scope.last_used = trio.current_time()
        while not self.is_retired:
            await self._serve_until_due()
            await self._do_what_is_due()

    async def _serve_until_due(self) -> None:
        """Open rounds whenever somebody rings, until a deadline passes or the actor retires."""
        # One cancel scope for many rounds: its deadline is that of a round long past,
        # or sooner than any to come. It may end too early, never too late.
        with trio.CancelScope() as watch:
            while not self.is_retired:
                await self._open_rounds()
                due = self._due()
                if due < watch.deadline:
                    watch.deadline = due
                self.scope.watched_until = watch.deadline
                await self.bell.wait()

    async def _open_rounds(self) -> None:
        rounds = 0
        scope = self.scope
        while scope.error is None and scope.open_next():
            rounds += 1
            if rounds == PLAIN_ROUNDS_MAX:
                rounds = 0
                scope.parts.journal.flush_nowait()
                await trio.lowlevel.checkpoint()
        if scope.error is not None:
            raise scope.error
        scope.parts.journal.flush_nowait()

    def _due(self) -> float:
        round_ = self.scope.admission.round
        if round_ is not None:
            return round_.deadline
        return self.scope.last_used + self.idle_after()

    async def _do_what_is_due(self) -> None:
        now = trio.current_time()
        self.scope.expire(now)
        if now >= self._due():
            if self.is_retired:
                return
            if self.scope.is_at_rest:
                self.retire(self.scope)
            else:
                # Somebody is being looked up, or the disk is slow: that is work, too.
                self.scope.last_used = now

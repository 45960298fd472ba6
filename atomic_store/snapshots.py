"""
The states of a fold on their way to the journal and back, so that no long past is folded twice.

Scopes offer their states; a task of the store's own encodes those that are durable and
hands them to the journal, many at a time. Nobody waits for it, and whatever goes wrong with
it is told in the statistics and to nobody else: without snapshots everything takes longer,
and is the same.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, final

import attrs
import trio

from .errors import AtomicStoreError, InvalidEvent
from .events import StateCodec
from .journal import Commit, Journal, Snapshot
from .uninterrupted import wait_uninterrupted

OFFERS_MAX = 1_000
"""How many states may wait; others are kept when more events have come, or not at all."""
GOING_OFTENER = 10
"""The state of a scope that goes is worth keeping after so many times fewer events."""
BATCH_BYTES = 4 * 1024 * 1024
"""About how many bytes of states are encoded, and held, for one write."""
CLOSING_SECONDS = 1.0
"""How long closing a store waits for snapshots."""


class Folded(Protocol):
    """A scope with a state."""

    name: str
    sequence: int
    """The last event that the state knows."""
    state: Any
    commit: Commit
    """The state is durable once this is."""
    snapshot: int
    """The sequence of the last state that was kept, or is about to be."""


@attrs.frozen
class _Offer:
    """A scope's state, which may not be durable yet."""

    sequence: int
    state: Any
    commit: Commit


@final
@attrs.define(eq=False)
class Snapshots:
    """
    The snapshots of a store's fold.

    Args:
      journal: keeps them.
      codec: writes and reads states.
      version: the fold's.
      every: after how many events a state is worth keeping, while its scope is live.
    """

    _journal: Journal
    _codec: StateCodec
    _version: int
    _every: int
    written: int = attrs.field(default=0, init=False)
    used: int = attrs.field(default=0, init=False)
    _undecodable: int = attrs.field(default=0, init=False)
    error: str | None = attrs.field(default=None, init=False)
    """What went wrong last: with one state, or with all."""
    # Invariant: at most one for each scope, and OFFERS_MAX in all.
    _offers: dict[str, _Offer] = attrs.field(factory=dict, init=False)
    _is_over: bool = attrs.field(default=False, init=False)
    _is_closing: bool = attrs.field(default=False, init=False)
    _offered: trio.Event = attrs.field(factory=trio.Event, init=False)
    _on_over: Callable[[], None] = attrs.field(default=lambda: None, init=False)
    _work: trio.CancelScope = attrs.field(factory=trio.CancelScope, init=False)

    @property
    def skipped(self) -> int:
        """How many could not be used: damaged, of another history, or not states any more."""
        return self._journal.snapshots_skipped + self._undecodable

    async def load(self, scope: str, last: int | None) -> tuple[Any, int] | None:
        """
        Give the newest state of a scope, and its sequence; None if there is none.

        Args:
          last: a sequence; only one of this or a lower one.
        """
        while True:
            kept = await self._journal.load_snapshot(scope, version=self._version, last=last)
            if kept is None:
                return None
            try:
                state = self._codec.decode(kept.state)
            except InvalidEvent:
                # The type has changed; that would have been a reason to raise the version.
                self._undecodable += 1
                last = kept.sequence - 1
                continue
            self.used += 1
            return state, kept.sequence

    def keep(self, scope: Folded, *, is_going: bool = False) -> None:
        """
        Keep a scope's state once it is durable, if it is well ahead of what was kept last.

        Args:
          is_going: the scope will not come back with a later one.
        """
        every = max(1, self._every // GOING_OFTENER) if is_going else self._every
        if scope.sequence - scope.snapshot < every or self._is_over:
            return
        if len(self._offers) < OFFERS_MAX or scope.name in self._offers:
            self._offers[scope.name] = _Offer(scope.sequence, scope.state, scope.commit)
            self._offered.set()
            scope.snapshot = scope.sequence

    async def run(self) -> None:
        """Keep what is offered, until `close`, or until it cannot be kept."""
        try:
            with self._work:
                while not self._is_closing:
                    await self._offered.wait()
                    self._offered = trio.Event()
                    while self._offers:
                        await self._save_some()
        except Exception as error:
            # They are not worth a failure of the store, whatever it was.
            self.error = _told(error)
        finally:
            self._is_over = True
            self._offers.clear()
            self._on_over()

    async def close(self) -> None:
        """Keep what was offered, unless that takes long. Nothing interrupts it."""
        self._is_closing = True
        self._offered.set()
        self._work.deadline = trio.current_time() + CLOSING_SECONDS
        await wait_uninterrupted(self._when_over)

    def _when_over(self, over: Callable[[], None]) -> None:
        if self._is_over:
            over()
        else:
            self._on_over = over

    async def _save_some(self) -> None:
        batch: list[Snapshot] = []
        size = 0
        while self._offers and size < BATCH_BYTES:
            scope = next(iter(self._offers))
            offer = self._offers.pop(scope)
            await offer.commit.wait()
            try:
                data = self._codec.encode(offer.state)
            except Exception as error:
                # A state or a codec of the user's; the others are none the worse for it.
                self.error = _told(error)
                continue
            batch.append(Snapshot(scope, offer.sequence, self._version, data))
            size += len(data)
        if batch:
            await self._journal.save_snapshots(batch)
            self.written += len(batch)


def _told(error: Exception) -> str:
    return str(error) if isinstance(error, AtomicStoreError) else repr(error)

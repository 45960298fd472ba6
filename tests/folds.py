"""A fold over bids, and stores that keep its states, for the tests of snapshots."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import attrs
from trio.testing import wait_all_tasks_blocked

from atomic_store import Decision, Fold, Store, open_store
from atomic_store.journal.memory import MemoryJournal
from atomic_store.request import ValidationRequest
from bids import Bid, lot_of


@attrs.frozen
class Tally:
    """A fold's state: how many bids there were, and the highest."""

    count: int = 0
    best: Bid | None = None


class Folding:
    """A fold that counts how often it is asked."""

    def __init__(self, **options: Any) -> None:
        self.calls = 0
        self.fold: Fold[Any, Bid] = Fold(Tally(), self.evolve, **{"state_type": Tally, **options})

    def evolve(self, tally: Tally, bid: Bid) -> Tally:
        self.calls += 1
        best = bid if tally.best is None or bid.cents > tally.best.cents else tally.best
        return Tally(tally.count + 1, best)


@asynccontextmanager
async def store_on(
    journal: MemoryJournal, fold: Fold[Any, Bid], **options: Any
) -> AsyncIterator[Store[Bid]]:
    """Open a store on a journal that outlives it."""
    options = {"snapshot_every": 10, **options}
    async with open_store(journal, events=Bid, scope_of=lot_of, state=fold, **options) as store:
        yield store


async def bid(store: Store[Bid], times: int, lot: str = "lot") -> list[Tally]:
    """Propose so many bids, one after the other; give the states that they saw."""
    seen = []

    def look(request: ValidationRequest[Bid]) -> Decision:
        seen.append(request.state)
        return request.accept()

    for _ in range(times):
        await store.store_if_valid(Bid(lot, "ada", 5), look)
    return seen


async def kept_in(journal: MemoryJournal, scope: str = "lot", version: int = 1) -> int:
    """The sequence of the newest state that a journal keeps; 0 if there is none."""
    await wait_all_tasks_blocked()
    snapshot = await journal.load_snapshot(scope, version=version)
    return 0 if snapshot is None else snapshot.sequence

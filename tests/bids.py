"""A small auction: the event, validators and the store that the tests share."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import attrs
import trio

from atomic_store import Decision, Fold, Result, Store, ValidationRequest, open_store
from atomic_store.journal.memory import MemoryJournal, open_memory_journal


@attrs.frozen
class Bid:
    """One bid for one lot."""

    lot: str
    bidder: str
    cents: int


def lot_of(bid: Bid) -> str:
    """The scope of a bid."""
    return bid.lot


def higher(request: ValidationRequest[Bid]) -> Decision:
    """Accept what is higher than all before."""
    best = max((bid.cents for bid in request.past_events), default=0)
    if request.prospective_event.cents > best:
        return request.accept()
    return request.reject(f"not above {best}")


async def higher_slowly(request: ValidationRequest[Bid]) -> Decision:
    """Do the same, with a checkpoint in between."""
    await trio.lowlevel.checkpoint()
    return higher(request)


def accept(request: ValidationRequest[Bid]) -> Decision:
    """Accept everything."""
    return request.accept()


async def accept_slowly(request: ValidationRequest[Bid]) -> Decision:
    """Accept everything, after a checkpoint."""
    await trio.lowlevel.checkpoint()
    return request.accept()


HIGHEST: Fold[int, Bid] = Fold(0, lambda best, bid: max(best, bid.cents))


@asynccontextmanager
async def bids(**options: Any) -> AsyncIterator[tuple[Store[Bid], MemoryJournal]]:
    """Open a store for bids in memory, and give its journal along."""
    async with (
        open_memory_journal() as journal,
        open_store(journal, events=Bid, scope_of=lot_of, **options) as store,
    ):
        yield store, journal


@contextmanager
def paused(journal: MemoryJournal) -> Iterator[None]:
    """
    Let no commit become durable in the block.

    Behind it they do, also if the test has failed in it: else it would wait for the disk for ever.
    """
    journal.pause()
    try:
        yield
    finally:
        journal.resume()


class Call:
    """A call in a task of its own: what became of it, once it is over."""

    def __init__(self, nursery: trio.Nursery, call: Callable[[], Awaitable[Any]]) -> None:
        self.value: Any = None
        self.error: BaseException | None = None
        self.is_over = False
        self.scope = trio.CancelScope()
        nursery.start_soon(self._run, call)

    async def _run(self, call: Callable[[], Awaitable[Any]]) -> None:
        try:
            with self.scope:
                self.value = await call()
        except Exception as error:
            self.error = error
        finally:
            self.is_over = True

    @property
    def result(self) -> Result[Bid]:
        """Its result; it is over, and did not fail."""
        assert self.is_over
        assert self.error is None, self.error
        result: Result[Bid] = self.value
        return result

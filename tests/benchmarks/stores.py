"""The store at the same work as its peers, and at work that only it does."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import attrs
import trio

from atomic_store import Decision, Fold, Store, ValidationRequest, open_store

from .workload import Bid, bid, bids, crowd


def accept(request: ValidationRequest[Bid]) -> Decision:
    """Accept at once."""
    return request.accept()


async def accept_later(request: ValidationRequest[Bid]) -> Decision:
    """Accept after one checkpoint."""
    await trio.lowlevel.checkpoint()
    return request.accept()


@asynccontextmanager
async def bid_store(directory: Path, **options: Any) -> AsyncIterator[Store[Bid]]:
    """Open a store of bids, durable, with the defaults of the library."""
    async with open_store(
        directory, events=Bid, scope_of=lambda event: event.lot, **options
    ) as store:
        yield store


def propose_all(
    directory: Path, validate: Any, lots: Sequence[str], warmup_each: int, each: int
) -> float:
    """
    Have one proposer a lot bid so many times, each result awaited.

    Returns:
      The seconds that all bids after the warm-up took together.
    """
    warmup = bids(lots, warmup_each)
    measured = bids(lots, each, warmup_each + 1)

    async def main() -> float:
        async with bid_store(directory) as store:

            async def propose(event: Bid) -> None:
                result = await store.store_if_valid(event, validate)
                assert result.was_accepted

            return await crowd(propose, warmup, measured)

    return trio.run(main)


def latencies(
    directory: Path, validate: Any, lots: Sequence[str], warmup_each: int, each: int
) -> list[float]:
    """As `propose_all`; returns how many seconds each bid took from proposal to result."""
    taken: list[float] = []
    warmup = bids(lots, warmup_each)
    measured = bids(lots, each, warmup_each + 1)

    async def main() -> None:
        async with bid_store(directory) as store:

            async def propose(event: Bid) -> None:
                began = time.perf_counter()
                await store.store_if_valid(event, validate)
                taken.append(time.perf_counter() - began)

            await crowd(propose, warmup, measured)

    trio.run(main)
    return taken[len(lots) * warmup_each :]


def decisions_for_each_event(directory: Path, contenders: int, events: int) -> float:
    """
    Have contenders bid in one lot, all the time, until it has so many events.

    Returns:
      How many times the validator ran for each event that got in.
    """
    decisions = accepted = 0

    async def decide(request: ValidationRequest[Bid]) -> Decision:
        nonlocal decisions
        decisions += 1
        await trio.lowlevel.checkpoint()
        return request.accept()

    async def main() -> None:
        async with bid_store(directory) as store, trio.open_nursery() as nursery:

            async def contender(number: int) -> None:
                nonlocal accepted
                while accepted < events:
                    result = await store.store_if_valid(bid("lot-1", number, accepted), decide)
                    accepted += result.was_accepted

            for number in range(contenders):
                nursery.start_soon(contender, number)

    trio.run(main)
    return decisions / accepted


async def fill(store: Store[Bid], lots: Sequence[str], each: int, first_cents: int = 1) -> float:
    """Store so many bids in each of the lots, one proposer a lot; gives the seconds it took."""

    async def propose(event: Bid) -> None:
        await store.store_if_valid(event, accept)

    return await crowd(propose, [()] * len(lots), bids(lots, each, first_cents))


async def fill_by_decisions(store: Store[Bid], lot: str, count: int, at_once: int) -> None:
    """Store many bids in a lot with few decisions, where only their number matters."""
    events = [bid(lot, 1, cents) for cents in range(count)]

    def accept_many(several: Sequence[Bid]) -> Callable[[ValidationRequest[Bid]], Decision]:
        return lambda request: request.accept(events=several)

    for start in range(0, count, at_once):
        several = events[start : start + at_once]
        await store.store_if_valid(several[0], accept_many(several))


@attrs.frozen
class HighestBid:
    """A fold's state."""

    cents: int = 0


def highest(state: HighestBid, event: Bid) -> HighestBid:
    """The fold of the flat-cost row."""
    return state if event.cents <= state.cents else HighestBid(event.cents)


def prepared(directory: Path, records: int) -> Path:
    """Make a closed store of so many records, over 1,000 scopes."""
    lots = [f"lot-{k}" for k in range(min(1_000, records))]

    async def main() -> None:
        # With a fold, no past is kept in memory while the store is filled.
        async with bid_store(directory, state=Fold(HighestBid(), highest)) as store:
            await fill(store, lots, -(-records // len(lots)))

    trio.run(main)
    return directory

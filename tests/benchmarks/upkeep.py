"""What the store costs beside admission rates: flat cost, verifying, opening, memory, latency."""

from __future__ import annotations

import gc
import statistics
import time
import tracemalloc
from pathlib import Path
from typing import TYPE_CHECKING

import trio

from atomic_store import Fold, Store
from atomic_store.events import event_types
from atomic_store.journal.verify import verify

from . import stores
from .stores import HighestBid, accept, bid_store, fill
from .workload import Bid, bids, one_lot

if TYPE_CHECKING:
    from .runner import Round

_AT_ONCE = 100
"""How many proposers bid at the same time in a timed slice."""


def flat_cost(round_: Round) -> float:
    """
    Admit slices of bids, in turn to a scope with a long past and to ones with a short past.

    Returns:
      What a slice of the long scope costs, as a multiple of the short one's.
    """
    sizes = round_.sizes
    long_s: list[float] = []
    short_s: list[float] = []

    async def main() -> None:
        fold = Fold(HighestBid(), stores.highest, state_type=HighestBid)
        async with bid_store(round_.directory / "bids.store", state=fold) as store:
            await stores.fill_by_decisions(store, "long", sizes.long_past, 10_000)
            for number in range(sizes.flat_slices):
                short = f"short-{number}"
                await stores.fill_by_decisions(store, short, sizes.short_past, 10_000)
                pair = [("long", long_s), (short, short_s)]
                # They take turns in coming first, and a full collection, which is due once
                # in some slices and takes half as long as one, is in none.
                for lot, taken in pair if number % 2 else reversed(pair):
                    gc.collect()
                    taken.append(await _slice(store, lot, sizes.flat_each))

    trio.run(main)
    return statistics.median(long_s) / statistics.median(short_s)


async def _slice(store: Store[Bid], lot: str, count: int) -> float:
    proposers = min(_AT_ONCE, count)
    return await fill(store, [lot] * proposers, count // proposers)


def verify_rate(round_: Round) -> float:
    """Verify a store; gives records a second."""
    directory = _prepared(round_, round_.sizes.verified)
    began = time.perf_counter()
    verify(directory)
    return round_.sizes.verified / (time.perf_counter() - began)


def _prepared(round_: Round, records: int) -> Path:
    """A closed store of so many records; made once, then the same in all rounds."""
    directory = round_.shared / f"{records}.store"
    return directory if directory.exists() else stores.prepared(directory, records)


def live_scope_bytes(round_: Round) -> float:
    """Bring scopes to life by a bid each; gives what Python's memory grows by for each."""
    count = round_.sizes.live_scopes

    async def main() -> float:
        async with bid_store(round_.directory / "bids.store") as store:
            await fill(store, ["warm-up"], 1)
            # All that is not kept by the store is garbage after the crowd has gone.
            tracemalloc.start()
            try:
                await fill(store, [f"lot-{k}" for k in range(count)], 1)
                gc.collect()
                grown, _ = tracemalloc.get_traced_memory()
            finally:
                tracemalloc.stop()
        return grown / count

    return trio.run(main)


def latency_ms(quantile: float, proposers: int | None, round_: Round) -> float:
    """How long a bid takes from its proposal to its durable result, in milliseconds."""
    if "taken" not in round_.kept:
        sizes = round_.sizes
        crowded = sizes.proposers if proposers is None else proposers
        each = sizes.each if proposers is None else sizes.single
        round_.kept["taken"] = sorted(
            stores.latencies(round_.directory / "bids.store", accept, one_lot(crowded), 1, each)
        )
    taken: list[float] = round_.kept["taken"]
    return 1e3 * taken[int(quantile * (len(taken) - 1))]


def encode_us(round_: Round) -> float:
    """Encode bids; gives microseconds each."""
    types = event_types(Bid)
    (events,) = bids(["lot-1"], round_.sizes.coded)
    began = time.perf_counter()
    for event in events:
        types.encode(event)
    return 1e6 * (time.perf_counter() - began) / len(events)


def decode_us(round_: Round) -> float:
    """Decode bids; gives microseconds each."""
    types = event_types(Bid)
    encoded = [types.encode(event) for event in bids(["lot-1"], round_.sizes.coded)[0]]
    began = time.perf_counter()
    for event in encoded:
        types.decode(event.type, event.version, event.data)
    return 1e6 * (time.perf_counter() - began) / len(encoded)

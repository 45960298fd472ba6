"""What it costs to make index files while a store is written."""

from __future__ import annotations

import gc
import time
from typing import TYPE_CHECKING

import trio

from atomic_store import open_store
from atomic_store.journal.file import open_file_journal
from atomic_store.journal.indexer import PIECE_BYTES

from .stores import accept
from .workload import Bid, bids, own_lots

if TYPE_CHECKING:
    from .runner import Round

_PROPOSERS = 200
NEVER = 1 << 62


def rate_with_index(round_: Round) -> float:
    """Admit so many events while index files are made of them; gives events a second."""
    return _rate(round_, PIECE_BYTES)


def rate_without_index(round_: Round) -> float:
    """The same with no index file but the whole segments'; gives events a second."""
    return _rate(round_, NEVER)


def longest_pause_ms(piece_bytes: int, round_: Round) -> float:
    """The longest time for which Trio's loop did not turn meanwhile, in milliseconds."""
    return 1e3 * _admitted(round_, piece_bytes)[1]


def _rate(round_: Round, piece_bytes: int) -> float:
    return round_.sizes.indexed / _admitted(round_, piece_bytes)[0]


def _admitted(round_: Round, piece_bytes: int) -> tuple[float, float]:
    """The seconds that it took, and the longest pause."""
    each = round_.sizes.indexed // min(_PROPOSERS, round_.sizes.indexed)
    proposers = round_.sizes.indexed // each
    pause = 0.0
    ready = bids(own_lots(proposers), each)

    async def main() -> float:
        async with (
            open_file_journal(
                round_.directory / "bids.store", piece_bytes=piece_bytes, segment_bytes_max=NEVER
            ) as journal,
            open_store(journal, events=Bid, scope_of=lambda bid: bid.lot) as store,
            trio.open_nursery() as nursery,
        ):
            nursery.start_soon(watch)
            began = time.perf_counter()
            async with trio.open_nursery() as crowd:
                for mine in ready:
                    crowd.start_soon(propose, store, mine)
            took = time.perf_counter() - began
            nursery.cancel_scope.cancel()
        return took

    async def propose(store: object, mine: list[Bid]) -> None:
        for event in mine:
            await store.store_if_valid(event, accept)  # type: ignore[attr-defined]  # a store

    async def watch() -> None:
        nonlocal pause
        before = time.perf_counter()
        while True:
            await trio.lowlevel.checkpoint()
            now = time.perf_counter()
            pause, before = max(pause, now - before), now

    # What is ready-made here would be looked through by each full collection: 0.1 s.
    gc.collect()
    gc.freeze()
    try:
        return trio.run(main), pause
    finally:
        gc.unfreeze()

"""What it costs to make index files and snapshots while a store is written."""

from __future__ import annotations

import gc
import time
from typing import TYPE_CHECKING, Any

import attrs
import trio

from atomic_store import Fold, Store, open_store
from atomic_store.journal.file import open_file_journal
from atomic_store.journal.indexer import PIECE_BYTES

from .stores import HighestBid, accept, highest
from .workload import Bid, bids, own_lots

if TYPE_CHECKING:
    from .runner import Round

_PROPOSERS = 200
_NEVER = 1 << 62


@attrs.frozen
class Upkeep:
    """What a store does beside admission, and what it keeps."""

    piece_bytes: int = PIECE_BYTES
    snapshot_every: int = 100
    keeps_past: bool = False


WITH_FILES = Upkeep()
WITHOUT_FILES = Upkeep(_NEVER, _NEVER)
WITH_PAST = Upkeep(keeps_past=True)


def rate(upkeep: Upkeep, round_: Round) -> float:
    """Admit so many events; gives events a second."""
    return round_.sizes.indexed / _admitted(round_, upkeep)[0]


def longest_pause_ms(upkeep: Upkeep, round_: Round) -> float:
    """The longest time for which Trio's loop did not turn meanwhile, in milliseconds."""
    return 1e3 * _admitted(round_, upkeep)[1]


def _admitted(round_: Round, upkeep: Upkeep) -> tuple[float, float]:
    """The seconds that it took, and the longest pause."""
    each = round_.sizes.indexed // min(_PROPOSERS, round_.sizes.indexed)
    proposers = round_.sizes.indexed // each
    pause = 0.0
    ready = bids(own_lots(proposers), each)
    options: dict[str, Any] = {"snapshot_every": upkeep.snapshot_every}
    if not upkeep.keeps_past:
        options["state"] = Fold(HighestBid(), highest, state_type=HighestBid)

    async def main() -> float:
        async with (
            open_file_journal(
                round_.directory / "bids.store",
                piece_bytes=upkeep.piece_bytes,
                segment_bytes_max=_NEVER,
            ) as journal,
            open_store(journal, events=Bid, scope_of=lambda bid: bid.lot, **options) as store,
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

    async def propose(store: Store[Bid], mine: list[Bid]) -> None:
        for event in mine:
            await store.store_if_valid(event, accept)

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

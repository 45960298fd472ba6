"""A store to look at, for whoever has none: an auction that goes on while it is looked at."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import trio

if TYPE_CHECKING:
    from atomic_store import Store
    from atomic_store.cli.auction import LotEvent, Proposal

    from ..folding import Folding

LOTS: Final = 24
BIDDERS: Final = 60
BIDS_PER_BIDDER: Final = 80
LIVE_SHARE: Final = 0.75
"""How many of the bids come only while somebody looks."""
PACE_S: Final = 0.25
"""How long after a bid the next one comes."""


@asynccontextmanager
async def open_demo() -> AsyncIterator[Path]:
    """
    Hold an auction on a store in a temporary directory, which is removed at the end.

    Many bids are there at once, and one comes now and then.

    Checkpoints: always. Cancellation: ends it, and removes the directory.
    """
    # They are only needed here, and take time to import.
    from atomic_store import open_store
    from atomic_store.cli.auction import LOT_STATE, LotEvent, propose_at_once
    from atomic_store.cli.made_up import make_up

    sale = make_up(1, lots=LOTS, bidders=BIDDERS, bids_per_bidder=BIDS_PER_BIDDER)
    early = round(BIDS_PER_BIDDER * (1 - LIVE_SHARE))
    place = Path(await trio.to_thread.run_sync(partial(tempfile.mkdtemp, prefix="inspector-demo-")))
    try:
        path = place / "auction.store"
        async with open_store(
            path, events=LotEvent, scope_of=lambda event: event.lot, state=LOT_STATE
        ) as store:
            await propose_at_once(store, [[opening] for opening in sale.openings], _no_matter)
            await propose_at_once(store, [queue[:early] for queue in sale.queues], _no_matter)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(_go_on, store, _in_turn(sale.queues, early))
                yield path
                nursery.cancel_scope.cancel()
    finally:
        with trio.CancelScope(shield=True):
            await trio.to_thread.run_sync(partial(shutil.rmtree, place, ignore_errors=True))


def demo_folding() -> Folding:
    """Give what the demo's events amount to: who leads in a lot, and at which price."""
    from ..folding import load_folding

    auction = "atomic_store.cli.auction"
    return load_folding(f"{auction}:LOT_STATE", Path(), events=f"{auction}:LotEvent")


def _in_turn(queues: tuple[tuple[Proposal, ...], ...], first: int) -> Iterator[Proposal]:
    """What is left of the queues: a bid of each bidder, then the next of each."""
    for bids in zip(*(queue[first:] for queue in queues), strict=True):
        yield from bids


async def _go_on(store: Store[LotEvent], bids: Iterator[Proposal]) -> None:
    from atomic_store.cli.auction import judge

    for bid in bids:
        await trio.sleep(PACE_S)
        await store.store_if_valid(bid.event, judge, proposal_id=bid.id)


def _no_matter(result: object) -> None:
    """Bids that are refused belong to an auction."""

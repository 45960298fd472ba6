"""A store for bids, and a reader beside it, on a disk in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import trio

from atomic_store import (
    Feed,
    Reader,
    Record,
    Store,
    open_reader,
    open_store,
)
from atomic_store.journal.file import FileJournal, open_file_journal
from atomic_store.testing.faulty_disk import FaultyDisk
from bids import Bid, accept, lot_of
from journal_files import STORE, an_id, ticking_clock

BESIDE = {"from": "web"}


@asynccontextmanager
async def bids_on(
    disk: FaultyDisk, *, segment_bytes_max: int = 4000
) -> AsyncIterator[tuple[Store[Bid], FileJournal]]:
    """A store for bids on a disk in memory, in small segments and pieces."""
    async with (
        open_file_journal(
            STORE, disk=disk, clock=ticking_clock(), segment_bytes_max=segment_bytes_max,
            piece_bytes=1000,
        ) as journal,
        open_store(journal, events=Bid, scope_of=lot_of) as store,
    ):  # fmt: skip
        yield store, journal


async def bid_often(store: Store[Bid], count: int, *, begin: int = 0) -> None:
    """Add bids on three lots, one cent more each."""
    for n in range(begin, begin + count):
        await store.store_if_valid(
            Bid(f"lot-{n % 3}", "ada", n), accept, proposal_id=UUID(an_id(n)), metadata=BESIDE
        )


@asynccontextmanager
async def beside() -> AsyncIterator[tuple[Store[Bid], Reader[Bid], FaultyDisk]]:
    """A store with 40 bids, and a reader beside it."""
    disk = FaultyDisk()
    async with bids_on(disk) as (store, _):
        await bid_often(store, 40)
        async with open_reader(STORE, events=Bid, disk=disk) as reader:
            yield store, reader, disk


async def take(feed: Feed[Any], count: int) -> list[Any]:
    """The next items: a record's position, or the item."""
    items: list[Any] = []
    with trio.fail_after(5):
        while len(items) < count:
            item = await anext(feed)
            items.append(item.position if isinstance(item, Record) else item)
    return items

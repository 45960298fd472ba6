"""The events of a scope, one after the other."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable

import pytest

from atomic_store.errors import JournalCorrupt
from atomic_store.journal import StoredRecord
from event_desks import ListSource, bid, bids
from inspector.bridge import open_bridge
from inspector.desk import Desk
from inspector.walk import NotThere, Walk


def walking(
    records: Iterable[StoredRecord],
    main: Callable[[Walk, ListSource], Awaitable[None]],
    *,
    at: int = -1,
    damaged: Iterable[int] = (),
) -> None:
    """Walk through some records."""

    async def run() -> None:
        source = ListSource(list(records), frozenset(damaged))
        async with open_bridge() as bridge:
            await main(Walk.begin(Desk(bridge, source), source.records[at]), source)

    asyncio.run(run())


def test_what_is_near_is_read() -> None:
    """The first record costs nothing; what is around it comes in pages, and is then there."""

    async def main(walk: Walk, source: ListSource) -> None:
        assert (250, 1) == ((await walk.record(250)).sequence, len(source.asked) + 1)
        await walk.read_ahead(250)
        assert [(201, 249)] == source.asked
        assert 226 == walk.known(226).sequence  # type: ignore[union-attr]  # it was read
        assert 120 == (await walk.record(120)).sequence
        assert [(201, 249), (101, 200)] == source.asked

    walking(bids(250), main)


def test_events_that_come() -> None:
    """A look tells whether there are more, and they can be read."""

    async def main(walk: Walk, source: ListSource) -> None:
        assert not await walk.look()
        source.records.append(bid(4))
        assert await walk.look()
        assert (4, 4) == (walk.count, (await walk.record(4)).sequence)

    walking(bids(3), main)


def test_damage() -> None:
    """One record that cannot be read does not keep the others from being read."""

    async def main(walk: Walk, source: ListSource) -> None:
        assert 4 == (await walk.record(4)).sequence
        with pytest.raises(JournalCorrupt):
            await walk.record(5)
        await walk.read_ahead(4)
        assert (6, 9) == ((await walk.record(6)).sequence, (await walk.record(9)).sequence)

    walking(bids(9), main, at=2, damaged=[5])


def test_a_record_that_is_not_there() -> None:
    """It says so, again and again."""

    async def main(walk: Walk, source: ListSource) -> None:
        await walk.look()
        for _ in range(2):
            with pytest.raises(NotThere, match="expected event 2 there, found none"):
                await walk.record(2)

    walking([bid(1), bid(3)], main)


def test_large_records() -> None:
    """Beside a large record, pages would be too large: each is read by itself."""
    large = b'"%b"' % (b"x" * 100_000)

    async def main(walk: Walk, source: ListSource) -> None:
        await walk.record(40)
        await walk.read_ahead(40)
        await walk.record(38)
        assert [(39, 39), (38, 38)] == source.asked

    walking([bid(n, large) for n in range(1, 41)], main)

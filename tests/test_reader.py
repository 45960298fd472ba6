"""Asking a store beside the one that writes it gives the same answers."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from atomic_store import (
    FilterError,
    InvalidEvent,
    JsonEvent,
    StoreClosed,
    open_reader,
)
from atomic_store.testing.faulty_disk import FaultyDisk
from bids import Bid
from bids_beside import BESIDE, beside, bid_often, bids_on, take
from journal_files import STORE, an_id


async def test_the_same_answers() -> None:
    """Whatever can be asked of a store gives the same, and at once what was added meanwhile."""
    async with beside() as (store, reader, _):
        for more in (0, 25, 1):
            await bid_often(store, more, begin=len(await store.read().all()))

            assert await store.query_events("lot-1") == await reader.query_events("lot-1")
            assert await store.query_events("lot-2", last=3) == await reader.query_events(
                "lot-2", last=3
            )
            assert await store.read().all() == await reader.read().all()
            asked: dict[str, Any]
            for asked in (
                {"reverse": True, "limit": 5}, {"where": "data.cents = 7"},
                {"prefix": "lot-", "after": 30}, {"scope": "lot-0", "before": 50},
            ):  # fmt: skip
                assert await store.read(**asked).all() == await reader.read(**asked).all()
            assert await store.scopes(prefix="lot", after="lot-0", limit=1) == await reader.scopes(
                "lot", "lot-0", limit=1
            )
            assert store.head == reader.head == await reader.refresh()


async def test_what_became_of_a_proposal() -> None:
    """As a store would answer, with the past up to there."""
    async with beside() as (store, reader, _):
        outcome = await reader.outcome(UUID(an_id(7)), scope="lot-1")

        assert outcome is not None
        assert await store.outcome(UUID(an_id(7)), scope="lot-1") == outcome
        assert [1, 4, 7] == [bid.cents for bid in outcome.stored_events]
        assert Bid("lot-1", "ada", 7) == outcome.prospective_event
        assert await reader.outcome(UUID(an_id(7)), scope="lot-2") is None


async def test_others_in_the_place_of_a_proposal() -> None:
    """What was proposed is not known then."""
    async with beside() as (store, reader, _):
        proposal_id = UUID(an_id(99))
        await store.store_if_valid(
            Bid("lot-1", "eve", 1),
            lambda request: request.accept(Bid("lot-1", "eve", 2), Bid("lot-1", "eve", 3)),
            proposal_id=proposal_id,
        )
        outcome: Any = await reader.outcome(proposal_id, scope="lot-1")

        assert outcome.prospective_event is None
        assert [2, 3] == [record.event.cents for record in outcome.records]


async def test_events_as_plain_json() -> None:
    """Without event types a reader reads any store."""
    async with beside() as (_, _, disk):
        async with open_reader(STORE, disk=disk) as reader:
            (record,) = await reader.read(limit=1).all()

    assert JsonEvent("Bid", {"lot": "lot-0", "bidder": "ada", "cents": 0}) == record.event
    assert BESIDE == record.metadata


async def test_a_store_that_is_closed() -> None:
    """It can be read, and it says that it was closed; and when it goes on."""
    disk = FaultyDisk()
    said: list[bool] = []
    async with bids_on(disk) as (store, _):
        await bid_often(store, 5)
        async with open_reader(STORE, events=Bid, disk=disk) as early:
            said.append(early.was_closed)
    async with open_reader(STORE, events=Bid, disk=disk) as reader:
        said.append(reader.was_closed)
        assert 5 == reader.head.position == len(await reader.read().all())
        closed = reader.head
        async with bids_on(disk) as (store, _):
            assert closed == await reader.refresh()
            await bid_often(store, 1, begin=5)
            assert 6 == (await reader.refresh()).position
            said.append(reader.was_closed)
        await reader.refresh()
        said.append(reader.was_closed)
        assert 6 == reader.head.position

    assert [False, True, False, True] == said


async def test_a_store_without_records() -> None:
    """Nothing is there to read, and then something."""
    disk = FaultyDisk()
    async with bids_on(disk) as (store, journal), open_reader(STORE, disk=disk) as reader:
        assert journal.head == reader.head
        assert [] == await reader.read().all() == await reader.scopes()
        assert [] == await reader.query_events("lot-1")
        await bid_often(store, 1)
        assert [1] == [record.position for record in await reader.read().all()]


async def test_what_cannot_be_asked() -> None:
    """It is refused as a store refuses it."""
    async with beside() as (_, reader, _):
        with pytest.raises(InvalidEvent):
            await reader.query_events("")
        with pytest.raises(InvalidEvent):
            await reader.outcome(UUID(int=1), scope="")
        with pytest.raises(ValueError, match="found both"):
            reader.read(scope="a", prefix="b")
        wrong: dict[str, Any]
        for wrong, error in (
            ({"where": "cents"}, FilterError),
            ({"after": 41}, ValueError),
            ({"scope": "a", "prefix": "b"}, ValueError),
        ):
            with pytest.raises(error):
                async with reader.subscribe(**wrong):
                    pass


async def test_after_the_block() -> None:
    """Nothing can be asked any more."""
    async with beside() as (_, _, disk):
        async with open_reader(STORE, disk=disk) as reader:
            reading = reader.read()
            await anext(reading)
        for call in (
            reader.refresh, reader.scopes, lambda: reader.query_events("lot-1"),
            lambda: reader.outcome(UUID(int=1), scope="lot-1"), reader.read().all,
        ):  # fmt: skip
            with pytest.raises(StoreClosed, match="the reader was closed"):
                await call()
        for ask in (
            lambda: reader._journal.find("lot-1", an_id(1)),
            lambda: reader._journal.read_scope("lot-1"),
            reader._journal.scopes,
        ):
            with pytest.raises(StoreClosed):
                await ask()


async def test_nothing_is_written() -> None:
    """Not even where an index file is missing or damaged: the disk sees reading alone."""
    async with beside() as (store, _, disk):
        await bid_often(store, 40, begin=40)
        copy = disk.copy()
        for path, content in copy.files().items():
            if path.endswith(".idx"):
                copy.put(path, content[:4000])
        changes = copy.changes
        async with open_reader(STORE, events=Bid, disk=copy) as reader:
            assert await store.read().all() == await reader.read().all()
            assert await store.scopes() == await reader.scopes()
            async with reader.subscribe() as feed:
                await take(feed, 81)

        assert changes == copy.changes
        assert {"open", "read", "list", "stat", "fstat", "close"} >= {
            operation for operation, _ in copy.log
        }

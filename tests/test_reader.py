"""Reading a store beside the one that writes it: the same answers, and everything that follows."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from atomic_store import (
    CaughtUp,
    Feed,
    FilterError,
    InvalidEvent,
    JsonEvent,
    Reader,
    Record,
    Store,
    StoreClosed,
    open_reader,
    open_store,
)
from atomic_store.journal.file import FileJournal, open_file_journal
from atomic_store.testing.faulty_disk import FaultyDisk
from bids import Bid, Call, accept, lot_of
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


# --- asking ------------------------------------------------------------------------------


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


# --- following ---------------------------------------------------------------------------


@pytest.fixture
def jumping() -> MockClock:
    """A clock that jumps to the next deadline when all tasks wait."""
    return MockClock(autojump_threshold=0)


async def test_history_then_live(jumping: MockClock) -> None:
    """History, `CaughtUp`, then what is added, over cuts of segments, a close and a reopening."""
    disk = FaultyDisk()
    async with bids_on(disk) as (store, _):
        await bid_often(store, 30)
        async with (
            open_reader(STORE, events=Bid, disk=disk) as reader,
            reader.subscribe(after=10) as feed,
        ):
            assert [*range(11, 31), CaughtUp(30)] == await take(feed, 21)
            await bid_often(store, 30, begin=30)
            assert [*range(31, 61)] == await take(feed, 30)
            await store.store_if_valid(Bid("lot-1", "eve", 60), accept)
            assert [61] == await take(feed, 1)


async def test_going_on_when_the_store_does(jumping: MockClock) -> None:
    """A feed waits while the store is closed, and goes on with its next writer."""
    disk = FaultyDisk()
    async with bids_on(disk) as (store, _):
        await bid_often(store, 3)
    async with (
        open_reader(STORE, disk=disk) as reader,
        reader.subscribe() as feed,
        trio.open_nursery() as nursery,
    ):
        assert [1, 2, 3, CaughtUp(3)] == await take(feed, 4)
        call = Call(nursery, feed.__anext__)
        await trio.sleep(1)
        assert not call.is_over
        async with bids_on(disk) as (store, _):
            await bid_often(store, 1, begin=3)
            await trio.sleep(0.05)
            assert 4 == call.value.position


async def test_not_more_than_50_ms_behind(jumping: MockClock) -> None:
    """However long nothing came, it is seen soon."""
    async with beside() as (store, reader, _), reader.subscribe(after="end") as feed:
        assert [CaughtUp(40)] == await take(feed, 1)
        for n, pause in enumerate((0, 0.001, 0.01, 0.1, 1, 10, 0.03)):
            async with trio.open_nursery() as nursery:
                call = Call(nursery, feed.__anext__)
                await trio.sleep(pause)
                await bid_often(store, 1, begin=40 + n)
                began = trio.current_time()
            assert 41 + n == call.value.position
            assert trio.current_time() - began <= 0.05


async def test_filters_and_scopes(jumping: MockClock) -> None:
    """Only what is wanted is given, as history and live; the position moves over the rest."""
    async with beside() as (store, reader, _):
        async with (
            reader.subscribe(where="data.cents >= 38") as dear,
            reader.subscribe(scope="lot-1", after=35) as lot,
            reader.subscribe(prefix="x") as nothing,
        ):
            assert [39, 40, CaughtUp(40)] == await take(dear, 3)
            assert [38, CaughtUp(40)] == await take(lot, 2)
            assert [CaughtUp(40)] == await take(nothing, 1)
            await bid_often(store, 3, begin=40)
            assert [41, 42, 43] == await take(dear, 3)
            assert [41] == await take(lot, 1)
            with trio.move_on_after(1) as scope:
                await take(nothing, 1)
            assert scope.cancelled_caught
            assert 43 == nothing.position


async def test_many_feeds_look_once(jumping: MockClock) -> None:
    """One of those that wait looks for all; if it goes, another one does."""
    async with beside() as (store, reader, disk), trio.open_nursery() as nursery:
        async with (
            reader.subscribe(after="end") as one,
            reader.subscribe(after="end") as two,
            reader.subscribe(after="end") as three,
        ):
            for feed in (one, two, three):
                await take(feed, 1)
            calls = [Call(nursery, one.__anext__)]
            # The first that waits looks.
            await trio.sleep(0.5)
            calls += [Call(nursery, feed.__anext__) for feed in (two, three)]
            await trio.sleep(1)
            disk.log.clear()
            await trio.sleep(1)
            looks = sum(op == "open" and path.endswith("store.json") for op, path in disk.log)
            assert 20 <= looks <= 30
            calls[0].scope.cancel()
            await trio.sleep(0.1)
            await bid_often(store, 1, begin=40)
            await trio.sleep(0.05)
            assert [None, 41, 41] == [call.value and call.value.position for call in calls]
        assert 0 == reader._polled.feeds


async def test_feeds_that_come_and_go(jumping: MockClock) -> None:
    """What came while there was none is not missing from the next."""
    async with beside() as (store, reader, _):
        for head in (40, 50, 60):
            async with reader.subscribe(after=head - 2) as feed:
                assert [head - 1, head, CaughtUp(head)] == await take(feed, 3)
                await bid_often(store, 2, begin=head)
                assert [head + 1, head + 2] == await take(feed, 2)
            await bid_often(store, 8, begin=head + 2)
            await reader.refresh()


async def test_a_cancelled_taking_loses_nothing(jumping: MockClock) -> None:
    """Wherever it was, the next call goes on."""
    async with beside() as (store, reader, _), reader.subscribe() as feed:
        seen: list[Any] = []
        for n in range(400):
            if n == 200:
                await bid_often(store, 20, begin=40)
            with trio.move_on_after(0 if n % 3 else 0.01):
                item = await anext(feed)
                seen.append(item.position)

        assert [*range(1, 41), 40, *range(41, 61)] == seen


async def test_leaving_blocks_ends_feeds(jumping: MockClock) -> None:
    """A task that waits finds the end, when its feed's block is left or the reader's."""
    async with beside() as (_, _, disk), trio.open_nursery() as nursery:
        async with open_reader(STORE, disk=disk) as reader:
            async with reader.subscribe(after="end") as feed, reader.subscribe() as other:
                await take(feed, 1)
                await take(other, 41)
                calls = [Call(nursery, one.__anext__) for one in (feed, other)]
                await trio.sleep(0.5)
            await wait_all_tasks_blocked()
            assert [StopAsyncIteration] * 2 == [type(call.error) for call in calls]
            async with reader.subscribe(after="end") as feed:
                await take(feed, 1)
                reader._polled.close()
                reader._journal.close()
                with pytest.raises(StopAsyncIteration):
                    await anext(feed)


async def test_a_reader_that_closes_while_a_feed_looks() -> None:
    """The feed ends, and no error is raised."""
    async with beside() as (_, reader, _), trio.open_nursery() as nursery:
        async with reader.subscribe(after="end") as feed:
            await take(feed, 1)
            async with reader._journal._looking:
                call = Call(nursery, feed.__anext__)
                await wait_all_tasks_blocked()
                reader._polled.close()
                reader._journal.close()
            await wait_all_tasks_blocked()

            assert isinstance(call.error, StopAsyncIteration)

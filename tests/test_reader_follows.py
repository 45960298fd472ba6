"""Following a store beside the one that writes it: history, then everything that is added."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from atomic_store import (
    CaughtUp,
    open_reader,
)
from atomic_store.testing.faulty_disk import FaultyDisk
from bids import Bid, Call, accept
from bids_beside import beside, bid_often, bids_on, take
from journal_files import STORE, an_id


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


@pytest.mark.parametrize(("many", "is_left_alone"), [(15, False), (16, True), (100, True)])
async def test_a_busy_writer_is_left_alone(
    jumping: MockClock, many: int, is_left_alone: bool
) -> None:
    """After many records at once a feed lets others gather before it looks again; not for long."""
    async with beside() as (store, reader, _), reader.subscribe(after="end") as feed:
        assert [CaughtUp(40)] == await take(feed, 1)
        await bid_often(store, many, begin=40)
        assert [*range(41, 41 + many)] == await take(feed, many)
        came = trio.current_time()
        await bid_often(store, 1, begin=40 + many)
        assert [41 + many] == await take(feed, 1)

        assert is_left_alone == (trio.current_time() - came >= 0.02)
        assert trio.current_time() - came <= 0.05


async def test_closing_ends_a_feed_that_lets_records_gather(jumping: MockClock) -> None:
    """A feed that is about to look again ends at once with its reader."""
    async with beside() as (store, reader, _), trio.open_nursery() as nursery:
        async with reader.subscribe(after="end") as feed:
            assert [CaughtUp(40)] == await take(feed, 1)
            await bid_often(store, 20, begin=40)
            await take(feed, 20)
            came = trio.current_time()
            call = Call(nursery, feed.__anext__)
            await wait_all_tasks_blocked()
        await wait_all_tasks_blocked()

        assert isinstance(call.error, StopAsyncIteration)
        assert trio.current_time() == came


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


async def test_what_another_call_has_taken_up(jumping: MockClock) -> None:
    """A feed that waits gives it, though its own look finds nothing new any more."""
    async with beside() as (store, reader, _), reader.subscribe(after="end") as feed:
        await take(feed, 1)
        async with trio.open_nursery() as nursery:
            call = Call(nursery, feed.__anext__)
            await trio.sleep(1)
            await bid_often(store, 1, begin=40)
            assert 41 == (await reader.refresh()).position
            assert not call.is_over
            await trio.sleep(0.05)
            nursery.cancel_scope.cancel()
        assert 41 == call.value.position


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


async def test_looking_a_proposal_up_while_following() -> None:
    """What has just come is found by its proposal's id, also by several at once."""
    async with beside() as (store, reader, _), reader.subscribe(after="end") as feed:
        assert [CaughtUp(40)] == await take(feed, 1)
        found: list[int] = []

        async def look_up(number: int) -> None:
            result = await reader.outcome(UUID(an_id(number)), scope=f"lot-{number % 3}")
            assert result is not None
            found.append(number)

        for begin in (40, 50):
            await bid_often(store, 10, begin=begin)
            await take(feed, 10)
            async with trio.open_nursery() as nursery:
                for number in (0, 39, begin, begin + 9):
                    nursery.start_soon(look_up, number)
        assert [0, 0, 39, 39, 40, 49, 50, 59] == sorted(found)
        assert await reader.outcome(UUID(an_id(60)), scope="lot-0") is None

"""Subscriptions."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from atomic_store import (
    CaughtUp,
    Feed,
    FilterError,
    JournalFailed,
    Record,
    StoreClosed,
    parse_filter,
)
from atomic_store import feed as feed_module
from atomic_store.journal import StoredRecord
from bids import Bid, Call, accept, bids


async def take(feed: Feed[Bid], count: int) -> list[Any]:
    """The next items: a record's bidder, or the item."""
    items: list[Any] = []
    with trio.fail_after(5):
        while len(items) < count:
            item = await anext(feed)
            items.append(item.event.bidder if isinstance(item, Record) else item)
    return items


async def test_history_then_live() -> None:
    """History comes first, then `CaughtUp`, then what is admitted."""
    async with bids() as (store, _):
        await store.store_if_valid(Bid("lot", "ada", 1), accept)
        await store.store_if_valid(Bid("lot", "bob", 2), accept)
        async with store.subscribe() as feed:
            assert await take(feed, 3) == ["ada", "bob", CaughtUp(2)]
            await store.store_if_valid(Bid("lot", "eve", 3), accept)
            assert await take(feed, 1) == ["eve"]
            assert feed.position == 3


async def test_one_record_of_the_window() -> None:
    """A record is found by its position while it is among the latest ones."""
    async with bids() as (store, _):
        hub = store._hub
        assert hub.record(1) is None
        for cents in (1, 2, 3):
            await store.store_if_valid(Bid("lot", "ada", cents), accept)
        hub.window.popleft()

        found = [hub.record(position) for position in range(5)]
        assert [None, None, *hub.window, None] == found


@pytest.mark.parametrize("window_bytes_max", [0, 300, 1 << 20])
@pytest.mark.parametrize("kind", ["all", "scope", "prefix", "after"])
async def test_no_gap_and_no_duplicate(
    kind: str, window_bytes_max: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the window holds and whoever is slow, each record comes once, in order."""
    monkeypatch.setattr(feed_module, "PAGE_RECORDS", 7)
    choices: dict[str, dict[str, Any]] = {
        "all": {},
        "scope": {"scope": "lot-1"},
        "prefix": {"prefix": "lot-"},
        "after": {"scope": "lot-1", "after": 41},
    }
    choice = choices[kind]
    seen: list[int] = []
    async with bids() as (store, _):
        store._hub.window_bytes_max = window_bytes_max

        async def propose(start: int) -> None:
            for n in range(start, start + 60):
                lot = f"lot-{n % 2}" if n % 3 else "other"
                await store.store_if_valid(Bid(lot, "ada", n), accept)

        async def follow() -> None:
            async with store.subscribe(**choice) as feed:
                async for item in feed:
                    if isinstance(item, Record):
                        seen.append(item.position)
                    # Slow now and then, so that it falls out of the window.
                    for _ in range(len(seen) % 5 * 9):
                        await trio.lowlevel.checkpoint()

        await propose(0)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(follow)
            await propose(100)
            await wait_all_tasks_blocked()
            nursery.cancel_scope.cancel()
        expected = [
            record.position
            for scope in await store.scopes()
            for record in await store.query_events(scope.scope)
            if record.scope.startswith(choice.get("prefix", choice.get("scope", "")))
            and record.position > choice.get("after", 0)
        ]

    assert seen == sorted(expected)
    assert len(seen) >= 10


async def test_from_the_end() -> None:
    """From the end, only what is not durable yet is given."""
    async with bids() as (store, _):
        await store.store_if_valid(Bid("lot", "ada", 1), accept)
        async with store.subscribe(after="end") as feed:
            assert await take(feed, 1) == [CaughtUp(1)]
            await store.store_if_valid(Bid("lot", "bob", 2), accept)
            assert await take(feed, 1) == ["bob"]


async def test_resuming() -> None:
    """Going on after the last position seen shows neither a duplicate nor a gap."""
    async with bids() as (store, _):
        for n in range(5):
            await store.store_if_valid(Bid("lot", f"bidder-{n}", n), accept)
        async with store.subscribe(after=3) as feed:
            assert await take(feed, 3) == ["bidder-3", "bidder-4", CaughtUp(5)]


async def test_cancelled_taking_loses_nothing() -> None:
    """A cancelled `anext` leaves the feed where it was."""
    async with bids() as (store, _):
        await store.store_if_valid(Bid("lot", "ada", 1), accept)
        async with store.subscribe() as feed:
            with trio.CancelScope() as scope:
                scope.cancel()
                await anext(feed)
            assert await take(feed, 2) == ["ada", CaughtUp(1)]
            with trio.move_on_after(0.01):
                await anext(feed)
            await store.store_if_valid(Bid("lot", "bob", 2), accept)
            assert await take(feed, 1) == ["bob"]


async def test_closing_ends_feeds() -> None:
    """When the store closes, a feed gives all that is durable, and ends."""
    seen: list[object] = []

    async with trio.open_nursery() as nursery:
        async with bids() as (store, journal):

            async def follow() -> None:
                async with store.subscribe() as feed:
                    seen.extend([item async for item in feed])

            nursery.start_soon(follow)
            await wait_all_tasks_blocked()
            journal.pause()
            Call(nursery, partial(store.store_if_valid, Bid("lot", "ada", 1), accept))
            await wait_all_tasks_blocked()
            journal.resume()

    assert [type(item) for item in seen] == [CaughtUp, Record]
    with pytest.raises(StoreClosed):
        async with store.subscribe():
            pass


async def test_closing_gives_what_was_decided() -> None:
    """When the store closes, a feed gives also what was decided and is not durable yet."""
    seen: list[object] = []

    async with trio.open_nursery() as nursery:
        async with bids() as (store, journal):

            async def follow() -> None:
                async with store.subscribe() as feed:
                    seen.extend([item async for item in feed])

            async def resume() -> None:
                await wait_all_tasks_blocked()
                journal.resume()

            nursery.start_soon(follow)
            await wait_all_tasks_blocked()
            journal.pause()
            Call(nursery, partial(store.store_if_valid, Bid("lot", "ada", 1), accept))
            await wait_all_tasks_blocked()
            nursery.start_soon(resume)

    assert [type(item) for item in seen] == [CaughtUp, Record]


async def test_failure_ends_feeds() -> None:
    """When the journal fails, a feed gives what is durable, and raises."""
    caught: list[BaseException | None] = []
    async with trio.open_nursery() as nursery:
        with pytest.raises(JournalFailed):
            async with bids() as (store, journal):
                async with store.subscribe() as feed:
                    assert await take(feed, 1) == [CaughtUp(0)]
                    call = Call(nursery, feed.__anext__)
                    await wait_all_tasks_blocked()
                    with trio.CancelScope(shield=True):
                        journal.fail()
                        await wait_all_tasks_blocked()
                    caught.append(call.error)

    assert [type(error) for error in caught] == [JournalFailed]


async def test_one_task_at_a_time() -> None:
    """Two tasks cannot take from one feed."""
    async with bids() as (store, _), trio.open_nursery() as nursery:
        async with store.subscribe(after="end") as feed:
            await anext(feed)
            call = Call(nursery, feed.__anext__)
            await wait_all_tasks_blocked()
            with pytest.raises(trio.BusyResourceError):
                await anext(feed)
            call.scope.cancel()
            await wait_all_tasks_blocked()
        with pytest.raises(StopAsyncIteration):
            await anext(feed)


async def test_bad_arguments() -> None:
    """A position ahead of the head, or two ways to choose, are errors."""
    async with bids() as (store, _):
        wrong: list[dict[str, Any]] = [{"after": after} for after in (1, -1, "start", True)]
        for arguments in wrong:
            with pytest.raises(ValueError, match="expected a position from 0 to 0"):
                async with store.subscribe(**arguments):
                    pass
        with pytest.raises(ValueError, match="found both"):
            async with store.subscribe(scope="a", prefix="b"):
                pass


def test_the_window() -> None:
    """The latest records are kept, as many as fit; it says when it does not reach far enough."""
    records = [StoredRecord(p, "lot", p, f"{p:036}", "", "Bid", b"{}") for p in range(1, 31)]
    weigh = feed_module._weight
    hub = feed_module.Hub(window_bytes_max=10 * weigh(records[-1]))
    for record in records:
        hub.publish([record])

    assert records[20:] == list(hub.window)
    assert sum(map(weigh, hub.window)) == hub.window_bytes
    assert [None, None, records[20:]] == [hub.page(after) for after in (0, 19, 20)]
    assert [records[21:], []] == [hub.page(after) for after in (21, 30)]


async def test_falling_behind_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """A feed of a scope that was caught up by the window, and fell behind again, goes on."""
    monkeypatch.setattr(feed_module, "PAGE_RECORDS", 10)
    seen: list[int] = []
    async with bids() as (store, _):

        async def propose(count: int) -> None:
            for n in range(count):
                await store.store_if_valid(Bid("lot", "ada", n), accept)

        async def follow(feed: Feed[Bid], count: int) -> None:
            while len(seen) < count:
                item = await anext(feed)
                if isinstance(item, Record):
                    seen.append(item.position)

        await propose(20)
        store._hub.window_bytes_max = 0
        store._hub.publish([])
        async with store.subscribe(scope="lot") as feed:
            await follow(feed, 10)
            store._hub.window_bytes_max = 1 << 20
            store._hub.window.extend(await store._parts.journal.read_scope("lot", first=5))
            await follow(feed, 20)
            store._hub.window.clear()
            store._hub.window_bytes = store._hub.window_bytes_max = 0
            await propose(20)
            await follow(feed, 40)

    assert seen == [*range(1, 41)]


async def test_leaving_the_block_ends_waiting() -> None:
    """Another task that waits for the next item is not left waiting."""
    async with bids() as (store, _), trio.open_nursery() as nursery:
        async with store.subscribe(after="end") as feed:
            await anext(feed)
            call = Call(nursery, feed.__anext__)
            await wait_all_tasks_blocked()
        await wait_all_tasks_blocked()

        assert call.is_over


@pytest.mark.parametrize("window_bytes_max", [0, 2000, 1 << 20])
@pytest.mark.parametrize("which", [{}, {"scope": "lot-1"}, {"prefix": "lot"}], ids=str)
async def test_filtered(
    which: dict[str, Any], window_bytes_max: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only what matches is given, as history and live, from the journal and from the window."""
    monkeypatch.setattr(feed_module, "PAGE_RECORDS", 7)
    where = parse_filter("data.cents > 9 data.bidder != eve", now=datetime.now(UTC))
    items: list[Any] = []
    async with bids() as (store, _):
        store._hub.window_bytes_max = window_bytes_max

        async def propose() -> None:
            for n in range(40):
                bid = Bid(f"lot-{n % 3}", "eve" if n % 5 else "ada", n % 20)
                await store.store_if_valid(bid, accept)

        async def follow() -> None:
            async with store.subscribe(where=where, **which) as feed:
                while True:
                    items.append(await anext(feed))

        await propose()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(follow)
            await wait_all_tasks_blocked()
            await propose()
            await wait_all_tasks_blocked()
            nursery.cancel_scope.cancel()
        expected = await store.read(where=where, **which).all()

    history = [record for record in expected if record.position <= 40]
    assert len(history) > 0
    assert items == [*history, CaughtUp(40), *expected[len(history) :]]


async def test_passing_by_what_does_not_match() -> None:
    """The position moves on over it, so that resuming there misses and repeats nothing."""
    async with bids() as (store, _), trio.open_nursery() as nursery:
        for n in range(5):
            await store.store_if_valid(Bid("lot", "ada", n), accept)
        async with store.subscribe(where="data.cents = 1") as feed:
            assert [2, CaughtUp(5)] == [
                item if isinstance(item, CaughtUp) else item.position
                for item in [await anext(feed), await anext(feed)]
            ]
            assert 5 == feed.position
            call = Call(nursery, feed.__anext__)
            await store.store_if_valid(Bid("lot", "ada", 6), accept)
            await wait_all_tasks_blocked()
            assert not call.is_over
            assert 6 == feed.position
            await store.store_if_valid(Bid("lot", "ada", 1), accept)
            await wait_all_tasks_blocked()
            assert 7 == call.value.position


async def test_what_is_no_filter() -> None:
    """It is refused when one subscribes."""
    async with bids() as (store, _):
        with pytest.raises(FilterError, match="at offset 0"):
            async with store.subscribe(where="cents > 5"):
                pass

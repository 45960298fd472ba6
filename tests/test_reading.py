"""`Store.read`: what it gives, in which order, and what cannot be asked for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing
from hypothesis import given, settings
from hypothesis import strategies as st

from atomic_store import (
    FilterError,
    InvalidEvent,
    JsonEvent,
    Reading,
    Record,
    Store,
    open_store,
    parse_filter,
)
from atomic_store import reading as reading_module
from atomic_store.journal import Page, Wanted
from bids import Bid, Call, accept, bids

NOW = datetime(2026, 11, 23, tzinfo=UTC)


async def fill(store: Store[Bid], count: int = 30) -> list[Record[Bid]]:
    """Store some bids, and give all records."""
    for n in range(count):
        await store.store_if_valid(Bid(f"lot-{n % 3}", "ada", n), accept)
    return await store.read().all()


def positions(records: list[Record[Bid]]) -> list[int]:
    return [record.position for record in records]


async def test_all_three_ways(monkeypatch: pytest.MonkeyPatch) -> None:
    """One by one, some at a time or all at once, and mixed: the same records."""
    monkeypatch.setattr(reading_module, "PAGE_RECORDS", 7)
    async with bids() as (store, _):
        records = await fill(store)

        assert [*range(1, 31)] == positions(records)
        assert records == [record async for record in store.read()]
        assert [Bid("lot-0", "ada", 0), Bid("lot-1", "ada", 1)] == [
            record.event async for record in store.read(limit=2)
        ]
        mixed = store.read()
        first = await anext(mixed)
        page = await mixed.page()
        assert [first, *page, *await mixed.all()] == records
        assert len(page) == 6
        assert [] == await mixed.page() == await mixed.all()
        with pytest.raises(StopAsyncIteration):
            await anext(mixed)


async def test_a_loop_may_be_left_anywhere() -> None:
    """Nothing has to be closed; going on later goes on where it was left."""
    async with bids() as (store, _):
        records = await fill(store)
        reading = store.read()
        async for record in reading:
            if record.position == 3:
                break

        assert records[3] == await anext(reading)


whole = st.none() | st.integers(0, 33)


@settings(max_examples=100)
@given(
    st.fixed_dictionaries(
        {
            "after": whole,
            "before": whole,
            "limit": whole,
            "reverse": st.booleans(),
            "which": st.sampled_from([{}, {"scope": "lot-1"}, {"prefix": "lot"}, {"prefix": "x"}]),
            "where": st.sampled_from(
                [None, "", "data.cents > 7", "scope = lot-2", "data.cents = 5"]
            ),
            "at": st.none() | st.integers(-1, 30),
        }
    ),
    st.sampled_from([1, 4, 500]),
)
def test_whatever_is_asked(asked: dict[str, Any], page_records: int) -> None:
    """It is what filtering a list of all records gives."""

    async def main() -> None:
        async with bids() as (store, journal):
            times = iter(range(1000))
            journal._clock = lambda: NOW + timedelta(seconds=next(times) // 2)
            records = await fill(store)
            wish = dict(asked)
            which, at = wish.pop("which"), wish.pop("at")
            moment = None if at is None else NOW + timedelta(seconds=at)

            actual = await store.read(**wish, **which, at=moment).all()

            where = parse_filter(wish["where"] or "", now=NOW)
            expected = [
                record
                for record in records
                if record.position > (wish["after"] or 0)
                and (wish["before"] is None or record.position < wish["before"])
                and which.get("scope", record.scope) == record.scope
                and record.scope.startswith(which.get("prefix", ""))
                and where.matches(record._stored)
                and (
                    moment is None
                    or (record.at <= moment if wish["reverse"] else record.at >= moment)
                )
            ]
            if wish["reverse"]:
                expected.reverse()
            assert positions(expected[: wish["limit"]]) == positions(actual)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading_module, "PAGE_RECORDS", page_records)
        trio.run(main)


async def test_times_in_any_writing() -> None:
    """A moment in any zone, a text as in a filter, a day: its first moment, or its last."""
    async with bids() as (store, journal):
        times = iter(range(1000))
        journal._clock = lambda: NOW + timedelta(hours=8 * next(times))
        await fill(store, 9)

        for at, forwards, backwards in (
            (datetime(2026, 11, 23, 10, tzinfo=timezone(timedelta(hours=2))), 2, 2),
            ("2026-11-23T10:00+02:00", 2, 2),
            ("2026-11-24", 4, 6),
            ("2030-01-01", None, 9),
            ("2000-01-01", 1, None),
        ):
            for reverse, expected in ((False, forwards), (True, backwards)):
                found = await store.read(at=at, reverse=reverse, limit=1).all()
                assert ([] if expected is None else [expected]) == positions(found)
        assert [] == await store.read(at="-1s").all()


async def test_it_ends_where_the_store_ended() -> None:
    """What is admitted after the first was taken is not read, however slowly one reads."""
    async with bids() as (store, _):
        await fill(store, 2)
        reading = store.read()
        assert 1 == (await anext(reading)).position
        await fill(store, 2)

        assert [2] == positions(await reading.all())


async def test_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each time that some were looked at, also if none was found, up to the end."""
    monkeypatch.setattr(reading_module, "PAGE_RECORDS", 10)
    monkeypatch.setattr("atomic_store.journal.memory.LOOKED_AT_MAX", 8)
    steps: list[tuple[int, int]] = []
    asked: dict[str, Any]
    async with bids() as (store, _):
        await fill(store)
        for asked, expected in (
            ({"where": "data.cents > 50"}, [(8, 30), (16, 30), (24, 30), (30, 30)]),
            ({"reverse": True, "after": 5}, [(23, 6), (15, 6), (7, 6), (6, 6)]),
            ({"limit": 9}, [(8, 30), (30, 30)]),
        ):
            steps.clear()
            await store.read(**asked, on_progress=lambda *step: steps.append(step)).all()
            assert expected == steps


@pytest.mark.parametrize(
    ("asked", "error", "message"),
    [
        ({"scope": "a", "prefix": "b"}, ValueError, "found both"),
        ({"scope": ""}, InvalidEvent, "expected 1 to 512 bytes"),
        ({"after": -1}, ValueError, "after: expected an integer from 0"),
        ({"before": 1.5}, ValueError, "before: expected an integer from 0"),
        ({"limit": True}, ValueError, "limit: expected an integer from 0"),
        ({"at": datetime(2026, 11, 23)}, ValueError, "expected a time with a zone"),
        ({"at": "noon"}, ValueError, "at: expected a time: .* found 'noon'"),
        ({"where": "type ="}, FilterError, "at offset 6"),
    ],
    ids=str,
)
async def test_what_cannot_be_asked(
    asked: dict[str, Any], error: type[Exception], message: str
) -> None:
    """It is refused at the call, before anything is read."""
    async with bids() as (store, _):
        with pytest.raises(error, match=message):
            store.read(**asked)


async def test_checkpoints() -> None:
    """Each taking checkpoints, at the end too."""
    async with bids() as (store, _):
        await fill(store, 2)
        reading = store.read()
        for take in (reading.__anext__, reading.__anext__, reading.page, reading.all):
            with trio.testing.assert_checkpoints():
                await take()
        for take in (store.read(limit=0).page, store.read().page):
            with trio.testing.assert_checkpoints():
                await take()


async def test_a_cancelled_taking_loses_nothing() -> None:
    """The next call goes on."""
    async with bids() as (store, _):
        records = await fill(store, 4)
        reading = store.read()
        taken: list[Record[Bid]] = []
        for _ in range(3):
            for take in (reading.__anext__, reading.page):
                with trio.move_on_after(0) as scope:
                    await take()
                assert scope.cancelled_caught
            if len(taken) < 2:
                taken.append(await anext(reading))

        assert records == [*taken, *await reading.all()]


class _Held:
    """A source that gives nothing before it is told to."""

    def __init__(self, store: Store[Bid]) -> None:
        self.head = store.head
        self.may_go = trio.Event()

    async def scan(self, wanted: Wanted, *, limit: int) -> Page:
        await self.may_go.wait()
        return Page([], None)


async def test_one_task_at_a_time() -> None:
    """A second one is told so; the first is not disturbed."""
    async with bids() as (store, _), trio.open_nursery() as nursery:
        await fill(store, 2)
        held = _Held(store)
        reading: Reading[Bid] = Reading(held, store._parts.record, Wanted(last=2), None)  # type: ignore[arg-type]  # all that is needed of one
        call = Call(nursery, reading.page)
        await trio.testing.wait_all_tasks_blocked()
        for take in (reading.page, partial(anext, reading)):
            with pytest.raises(trio.BusyResourceError):
                await take()
        held.may_go.set()
        await trio.testing.wait_all_tasks_blocked()

        assert [] == call.value


async def test_two_times_that_bound(tmp_path: Path) -> None:
    """`at` and a filter's time both count: the later one bounds."""
    async with open_store(tmp_path / "a.store", events=None) as store:
        for number in range(3):
            await store.store_if_valid(
                JsonEvent("Said", {"n": number}), lambda request: request.accept(), scope="a"
            )
        records = await store.read().all()
        early, late = records[0].at.isoformat(), records[1].at.isoformat()

        for at, since in ((early, late), (late, early)):
            found = await store.read(at=at, where=f'at >= "{since}"').all()
            assert records[1:] == found

"""Pages and searches over any records, and how a search tells of its progress."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
import trio
from trio.testing import MockClock

from atomic_store.journal import Head, Page, StoredRecord, Wanted
from inspector.model.which import Which
from inspector.sources.looking import (
    FIRST_RECORDS,
    PROGRESS_S,
    SHOWING_S,
    page_of,
    search,
    wanted_of,
)
from inspector_sources import Heard


def record(position: int) -> StoredRecord:
    """A record."""
    return StoredRecord(position, "lot", position, "id", "", "Bid", b"{}")


@attrs.define
class Slow:
    """Records that are looked through ten at a time, each time for a while."""

    hits: frozenset[int]
    step_s: float = 0.03
    limits: list[int] = attrs.Factory(list)
    head: Head = attrs.field(factory=lambda: Head(1_000, ""))

    async def scan(self, wanted: Wanted, *, limit: int) -> Page:
        await trio.sleep(self.step_s)
        self.limits.append(limit)
        assert wanted.last is not None
        if wanted.reverse:
            looked = range(wanted.last, max(wanted.first, wanted.last - 9) - 1, -1)
        else:
            looked = range(wanted.first, min(wanted.last, wanted.first + 9) + 1)
        found = [record(position) for position in looked if position in self.hits]
        is_over = looked[-1] == (wanted.first if wanted.reverse else wanted.last)
        following = looked[-1] - 1 if wanted.reverse else looked[-1] + 1
        return Page(found, None if is_over else following)

    async def read_scope(self, scope: str, **bounds: Any) -> list[StoredRecord]:
        raise AssertionError("nobody asks for it")


async def test_hits_are_told_at_once(autojump_clock: MockClock) -> None:
    """Each page with hits is sent as soon as it is there; the first ones have time to be shown."""
    source, heard, times = Slow(frozenset({5, 15, 300})), Heard(), []

    async def send(found: Any) -> None:
        times.append(trio.current_time())
        await heard.send(found)

    began = trio.current_time()
    await search(source, send, wanted_of(Which()), 1_000)

    hits = [
        (one.done, at - began) for one, at in zip(heard.parts, times, strict=True) if one.records
    ]
    assert [10, 20, 300] == [done for done, _ in hits]
    expected = [0.03, 0.06 + SHOWING_S, 0.9 + SHOWING_S]
    assert expected == pytest.approx([at for _, at in hits])
    assert [5, 15, 300] == [one.position for one in heard.records]


async def test_progress_without_hits(autojump_clock: MockClock) -> None:
    """It is told, but not more often than it can be looked at."""
    source, heard = Slow(frozenset()), Heard()
    began = trio.current_time()
    await search(source, heard.send, wanted_of(Which()), 1_000)
    took = trio.current_time() - began

    assert took / PROGRESS_S - took / PROGRESS_S / 3 < len(heard.parts) <= took / PROGRESS_S + 1
    assert {1_000} == {one.total for one in heard.parts}
    assert 1_000 == heard.parts[-1].done


@pytest.mark.parametrize("reverse", [False, True])
async def test_progress_counts_what_was_looked_at(autojump_clock: MockClock, reverse: bool) -> None:
    """From either end, and between bounds."""
    source, heard = Slow(frozenset(range(1, 1_000)), 0), Heard()
    await search(
        source, heard.send, wanted_of(Which(), after=100, before=141, reverse=reverse), 1_000
    )

    assert [(10, 40), (20, 40), (30, 40), (40, 40)] == [(f.done, f.total) for f in heard.parts]
    positions = list(range(101, 141))
    assert (positions[::-1] if reverse else positions) == [r.position for r in heard.records]


async def test_pages_grow(autojump_clock: MockClock) -> None:
    """The first ones are small, so that somebody sees something at once."""
    source = Slow(frozenset(range(1, 1_001)), 0)
    await search(source, Heard().send, wanted_of(Which()), 1_000)

    assert FIRST_RECORDS == source.limits[0]
    assert sorted(source.limits) == source.limits
    assert source.limits[-1] == 500


async def test_what_comes_later_is_not_looked_at(autojump_clock: MockClock) -> None:
    """A search ends where the store ended when it began."""
    source, heard = Slow(frozenset(range(1, 1_001)), 0), Heard()
    await search(source, heard.send, wanted_of(Which(), before=5_000), 25)

    assert 25 == heard.records[-1].position
    assert 25 == heard.parts[-1].total


async def test_a_page_goes_on_until_it_is_full(autojump_clock: MockClock) -> None:
    """Pages of the source that have nothing, or not enough, are followed by others."""
    source = Slow(frozenset({5, 205, 405, 605}), 0)
    wanted = wanted_of(Which(), before=700)
    assert [5, 205, 405] == [one.position for one in await page_of(source, wanted, 3)]
    assert [] == await page_of(source, None, 3)


def test_what_cannot_be() -> None:
    """Bounds that cross, and names that no scope has, want nothing."""
    assert wanted_of(Which(), after=5, before=6) is None
    assert wanted_of(Which(), before=1) is None
    assert wanted_of(Which("\0")) is None
    assert wanted_of(Which(prefix="\udc80")) is None
    assert Wanted(first=1, last=4) == wanted_of(Which(), after=-3, before=5)

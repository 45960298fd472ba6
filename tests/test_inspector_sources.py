"""What all sources do alike: files that are closed, written, damaged; and a gateway."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing

from atomic_store import parse_filter
from atomic_store.filter import Filter
from atomic_store.journal.clock import utc_now
from inspector.model.scope_seen import ScopeSeen
from inspector.model.which import Which
from inspector.sources.errors import CannotDo, NotATime
from inspector.sources.source import Feature, Followed
from inspector_sources import KINDS, LIVE, RECORDS, SCOPES, Heard, Looked, Open, add, positions

every_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
live_kinds = pytest.mark.parametrize("kind", LIVE, ids=lambda kind: kind.__name__)

IMPOSSIBLE = ["", "\0", "\ud800", "x" * 513]


def where(text: str) -> Filter:
    """A filter."""
    return parse_filter(text, now=utc_now())


def cents(looked: Looked, least: int) -> list[int]:
    """The positions of records with so high a number."""
    return [record.position for record in looked.records if record.position > least]


@every_kind
async def test_pages(kind: Open, tmp_path: Path) -> None:
    """Any part of all records, of a scope or a prefix, comes in the order of position."""
    async with kind(tmp_path) as looked:
        source = looked.source
        assert looked.records[-1].position == await source.position()
        for which in (Which(), Which("lot/2"), Which(prefix="lot/"), Which(prefix="ö"), Which("x")):
            wanted = looked.wanted(which.scope, which.prefix)
            assert wanted == await source.page(which, limit=1000)
            assert wanted[::-1] == await source.page(which, reverse=True, limit=1000)
            assert wanted[:3] == await source.page(which, limit=3)
            assert wanted[:-4:-1] == await source.page(which, reverse=True, limit=3)
            between = [record for record in wanted if 20 < record.position < 40]
            assert between == await source.page(which, after=20, before=40, limit=100)
            assert between[-1:] == await source.page(
                which, after=20, before=40, reverse=True, limit=1
            )
            assert [] == await source.page(which, after=RECORDS, limit=5)
            assert [] == await source.page(which, after=2**70, limit=5)
            assert [] == await source.page(which, before=1, limit=5)
            assert [] == await source.page(which, limit=0)


@every_kind
async def test_a_scope_by_sequence(kind: Open, tmp_path: Path) -> None:
    """A scope's records come from one sequence to another."""
    async with kind(tmp_path) as looked:
        wanted = looked.wanted("lot/1")
        assert wanted == await looked.source.in_scope("lot/1", 1, 10**30)
        some = [record for record in wanted if 3 <= record.sequence <= 8]
        assert some == await looked.source.in_scope("lot/1", 3, 8)
        assert [] == await looked.source.in_scope("lot/1", 9, 8)
        assert [] == await looked.source.in_scope("nothing", 1, 8)


@every_kind
async def test_where_scopes_end(kind: Open, tmp_path: Path) -> None:
    """A scope ends with its last record; one without records does not exist."""
    async with kind(tmp_path) as looked:
        last = looked.wanted("lot/3")[-1]
        end = await looked.source.scope_end("lot/3")
        assert end is not None
        assert (12, last.position, last.at) == (end.sequence, end.position, end.at)
        for scope in ("lot/", "lot/33", *IMPOSSIBLE):
            assert await looked.source.scope_end(scope) is None


@every_kind
async def test_names_that_no_scope_has(kind: Open, tmp_path: Path) -> None:
    """They have no records, and are no error."""
    async with kind(tmp_path) as looked:
        for scope in IMPOSSIBLE:
            assert [] == await looked.source.page(Which(scope), limit=5)
            assert [] == await looked.source.in_scope(scope, 1, 5)
            heard = Heard()
            await looked.source.search(heard.send, Which(scope))
            assert [] == heard.records
        assert [] == await looked.source.page(Which(prefix="\ud800"), limit=5)


@every_kind
async def test_times(kind: Open, tmp_path: Path) -> None:
    """The first record not before a time is given; what is no time is refused."""
    async with kind(tmp_path) as looked:
        source, some = looked.source, looked.records[40]
        assert some == await source.at_time(some.at, Which())
        in_scope = next(record for record in looked.wanted("lot/1") if record.at >= some.at)
        assert in_scope == await source.at_time(some.at, Which("lot/1"))
        assert looked.records[0] == await source.at_time("-2h", Which())
        assert await source.at_time("2999-01-01", Which()) is None
        for text in ("", "yesterday", "\x1b[31m", "[/x]"):
            with pytest.raises(NotATime, match="expected a time"):
                await source.at_time(text, Which())


@every_kind
async def test_searching(kind: Open, tmp_path: Path) -> None:
    """All that matches is found, in order, from either end; and it is told how far it is."""
    async with kind(tmp_path) as looked:
        wanted = [r for r in looked.records if r.type == "Even" and r.position > 5]
        for reverse in (False, True):
            heard = Heard()
            await looked.source.search(
                heard.send, Which(where=where("type = Even")), after=5, reverse=reverse
            )
            assert (wanted[::-1] if reverse else wanted) == heard.records
            done = [found.done for found in heard.parts]
            assert sorted(done) == done
            assert heard.parts[-1].done == heard.parts[-1].total
            assert len(heard.parts[0].records) <= 16

        heard = Heard()
        which = Which("lot/2", where=where("data.n > 20"))
        await looked.source.search(heard.send, which, before=50)
        assert [r for r in looked.wanted("lot/2") if 21 < r.position < 50] == heard.records


@every_kind
async def test_searching_in_vain(kind: Open, tmp_path: Path) -> None:
    """It is told that all was looked at, also where there is nothing to look at."""
    async with kind(tmp_path) as looked:
        for after in (0, RECORDS, 10**9):
            heard = Heard()
            await looked.source.search(
                heard.send, Which(where=where('"nobody says so"')), after=after
            )
            assert [] == heard.records
            assert heard.parts[-1].done == heard.parts[-1].total


@every_kind
async def test_history_is_followed(kind: Open, tmp_path: Path) -> None:
    """What was there comes first, in order, behind where one begins."""
    async with kind(tmp_path) as looked, trio.open_nursery() as nursery:
        for which in (Which(), Which("lot/1"), Which(prefix="lot"), Which(where=where("data.n>9"))):
            heard = Heard()
            nursery.start_soon(looked.source.follow, heard.send, which, 7)
            await heard.until(lambda heard=heard: positions_reach(heard, RECORDS))  # type: ignore[misc]
            wanted = looked.wanted(which.scope, which.prefix)
            least = 10 if which.where else 7
            assert [r for r in wanted if r.position > least] == heard.records
        nursery.cancel_scope.cancel()


def positions_reach(heard: Heard, position: int) -> bool:
    """Whether a stream has come so far."""
    return any(part.position >= position for part in heard.parts)


@live_kinds
async def test_what_comes_is_followed(kind: Open, tmp_path: Path) -> None:
    """What is written while one follows comes as well, once and in order."""
    async with kind(tmp_path) as looked, trio.open_nursery() as nursery:
        heard, scope = Heard(), Heard()
        nursery.start_soon(looked.source.follow, heard.send, Which(), 0)
        nursery.start_soon(looked.source.follow, scope.send, Which("lot/1"), RECORDS)
        await heard.until(lambda: positions_reach(heard, RECORDS))
        assert looked.store is not None
        await add(looked.store, RECORDS, RECORDS + 40)
        await heard.until(lambda: positions_reach(heard, RECORDS + 40))
        await scope.until(lambda: len(scope.records) == 8)
        nursery.cancel_scope.cancel()

    wanted = [*positions(looked.records), *range(RECORDS + 1, RECORDS + 41)]
    assert wanted == positions(heard.records)
    assert [61, 66, 71, 76, 81, 86, 91, 96] == positions(scope.records)
    assert all(isinstance(part, Followed) for part in heard.parts)


@every_kind
async def test_scopes_are_listed(kind: Open, tmp_path: Path) -> None:
    """All scopes come in the order of their names, or those that begin so; none is one page."""
    async with kind(tmp_path) as looked, trio.open_nursery() as nursery:
        for prefix in ("", "lot/", "zzz", "\ud800"):
            heard = Heard()
            nursery.start_soon(looked.source.watch_scopes, heard.send, prefix)
            wanted = [name for name in SCOPES if name.startswith(prefix)]
            await heard.until(lambda heard=heard: bool(heard.parts))  # type: ignore[misc]
            await heard.until(partial(has_all, heard, len(wanted)))
            assert wanted == list(heard.scopes)
            assert all(isinstance(one, ScopeSeen) for part in heard.parts for one in part)
            for name, one in heard.scopes.items():
                assert looked.wanted(name)[-1].position == one.position
        nursery.cancel_scope.cancel()


def has_all(heard: Heard, count: int) -> bool:
    """Whether so many scopes have come."""
    return len(heard.scopes) >= count


@live_kinds
async def test_scopes_that_change(kind: Open, tmp_path: Path) -> None:
    """They are told again, with where they end now; new ones, too."""
    async with kind(tmp_path) as looked, trio.open_nursery() as nursery:
        heard = Heard()
        nursery.start_soon(looked.source.watch_scopes, heard.send, "lot")
        await heard.until(lambda: len(heard.scopes) == 3)
        assert looked.store is not None
        await add(looked.store, RECORDS, RECORDS + 40)
        await heard.until(lambda: {20} == {one.sequence for one in heard.scopes.values()})
        nursery.cancel_scope.cancel()

    for name in ("lot/1", "lot/2", "lot/3"):
        seen = [one.sequence for part in heard.parts for one in part if one.scope == name]
        assert sorted(seen) == seen


@every_kind
async def test_only_what_it_can(kind: Open, tmp_path: Path) -> None:
    """What a source cannot do it does not promise, and says so when it is asked."""
    async with kind(tmp_path) as looked:
        source = looked.source
        calls: dict[Feature, Any] = {
            Feature.END_ROUND: lambda: source.end_round("lot/1", "r-1"),
            Feature.FIGURES: source.figures,
            Feature.FILES: source.stock,
        }
        for feature, call in calls.items():
            if feature not in source.features:
                with pytest.raises(CannotDo):
                    await call()


@every_kind
async def test_checking_all(kind: Open, tmp_path: Path) -> None:
    """A check finds the damage there is, and none elsewhere, and tells how far it is."""
    async with kind(tmp_path) as looked:
        told: list[tuple[int, int]] = []
        assert Feature.VERIFY in looked.source.features
        found = await looked.source.verify(lambda done, total: told.append((done, total)))

    is_sound = len(looked.records) == RECORDS
    assert is_sound == (not found.damage)
    assert found.records <= RECORDS
    assert told
    assert told[-1][0] == told[-1][1]


@every_kind
async def test_streams_end_when_cancelled(kind: Open, tmp_path: Path) -> None:
    """Whatever goes on ends at once, wherever it is, and the source is as good as before."""
    async with kind(tmp_path) as looked:
        for n in range(12):
            with trio.fail_after(10), trio.CancelScope() as scope:
                async with trio.open_nursery() as nursery:
                    heard = Heard()
                    nursery.start_soon(looked.source.follow, heard.send, Which(), 0)
                    nursery.start_soon(looked.source.watch_scopes, heard.send)
                    nursery.start_soon(
                        looked.source.search, heard.send, Which(where=where("data.n = 3"))
                    )
                    for _ in range(n * 3):
                        await trio.lowlevel.checkpoint()
                    scope.cancel()
        assert looked.records[:3] == await looked.source.page(Which(), limit=3)


@every_kind
async def test_all_calls_checkpoint(kind: Open, tmp_path: Path) -> None:
    """Each call gives others a turn, and can be cancelled."""
    async with kind(tmp_path) as looked:
        source, heard = looked.source, Heard()
        calls: list[Any] = [
            source.health, source.position, lambda: source.scope_end("lot/1"),
            lambda: source.scope_end(""), lambda: source.page(Which(), limit=0),
            lambda: source.page(Which(""), limit=5), lambda: source.in_scope("", 1, 2),
            lambda: source.at_time("-2h", Which()), lambda: source.search(heard.send, Which("")),
        ]  # fmt: skip
        for call in calls:
            with trio.testing.assert_checkpoints():
                await call()
            with trio.CancelScope() as scope:
                scope.cancel()
                await call()
                raise AssertionError("it was not cancelled")
        assert scope.cancelled_caught


@every_kind
async def test_nothing_is_left(kind: Open, tmp_path: Path) -> None:
    """A source that was closed leaves no task behind."""
    before = trio.lowlevel.current_statistics().tasks_living
    async with kind(tmp_path) as looked:
        await looked.source.page(Which(), limit=3)

    assert before == trio.lowlevel.current_statistics().tasks_living

"""Damaged stores: what is said of them, and what becomes of them while they are looked at."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import trio

from atomic_store import JournalCorrupt, JournalFailed, NotAStore, StoreReplaced, open_store
from atomic_store import parse_filter as parse
from atomic_store.journal.clock import utc_now
from followed_journals import records_in
from inspector.model.which import Which
from inspector.sources.damaged import DamagedSource, open_damaged, salvage
from inspector.sources.files import open_files
from inspector.sources.lasting import LastingSource, open_directory
from inspector.sources.opening import open_source
from inspector.sources.source import OnProgress
from inspector_sources import (
    LOST,
    RECORDS,
    Heard,
    add,
    damaged,
    fill,
    indexed,
    positions,
    spoil,
    spoiled,
    written,
)

DAMAGE = JournalCorrupt("/a.store/journal/00000000000000000001.jsonl", 77, "a line", "none")


async def test_what_is_said(tmp_path: Path) -> None:
    """It is told where the first damage is, how many places there are, and who writes."""
    path = tmp_path / "a.store"
    await fill(path)
    spoil(path, 7)
    spoil(path, LOST)
    async with open_damaged(str(path), DAMAGE) as source:
        health = await source.health()
        assert not health.is_well
        assert (
            "damaged: 00000000000000000001.jsonl at offset 77, 2 places; what can be read is shown"
        ) == health.words


async def test_a_damaged_store_is_opened(tmp_path: Path) -> None:
    """What no reader opens is shown all the same."""
    async with damaged(tmp_path) as looked:
        assert isinstance(looked.source, DamagedSource)
        words = (await looked.source.health()).words
        assert words.endswith(", 1 place; what can be read is shown")
        assert isinstance(looked.source.damage, JournalCorrupt)


async def test_how_far_it_has_come(tmp_path: Path) -> None:
    """Reading all of it is told, up to its end, to whoever opens it."""
    async with damaged(tmp_path) as looked:
        told: list[tuple[int, int]] = []

        def tell(done: int, total: int) -> None:
            told.append((done, total))

        path = looked.source.place
        async with open_source(path, on_progress=tell) as source:
            assert isinstance(source, DamagedSource)
        segments = (await source.stock()).segments
        assert {sum(segment.bytes for segment in segments)} == {total for _, total in told}
        assert 0 == told[0][0]
        assert sorted(told) == told
        assert len(told) == len(segments)


async def test_the_identity_is_damaged(tmp_path: Path) -> None:
    """Without a readable store.json there are records still."""
    path = tmp_path / "a.store"
    await fill(path)
    records = records_in(path)
    (path / "store.json").write_bytes(b"{}")
    async with open_directory(str(path)) as source:
        assert isinstance(source, DamagedSource)
        assert records == await source.page(Which(), limit=100)
        stock = await source.stock()
        assert (RECORDS, 5, "") == (stock.head.position, stock.scopes, stock.store)
        assert (await source.health()).words == (
            "damaged: store.json at offset 0; what can be read is shown"
        )


async def test_the_stock_of_what_is_left(tmp_path: Path) -> None:
    """It is counted by segment, as far as it can be read."""
    async with damaged(tmp_path) as looked:
        stock = await looked.source.stock()
    assert RECORDS - 1 == sum(segment.records for segment in stock.segments)
    assert all(segment.bytes > 0 for segment in stock.segments)
    assert looked.records[-1].at == stock.at


async def test_it_goes_on_being_written(tmp_path: Path) -> None:
    """What a writer adds to a damaged store is followed, and told of scopes."""
    path = tmp_path / "a.store"
    async with written(path) as store:
        await add(store, 0, RECORDS)
        async with open_damaged(str(path), DAMAGE) as source, trio.open_nursery() as nursery:
            heard, scopes = Heard(), Heard()
            nursery.start_soon(source.follow, heard.send, Which("lot/1"), 50)
            nursery.start_soon(source.watch_scopes, scopes.send)
            await scopes.until(lambda: len(scopes.scopes) == 5)
            await add(store, RECORDS, RECORDS + 40)
            await heard.until(lambda: len(heard.records) == 10)
            await scopes.until(lambda: {20} == {one.sequence for one in scopes.scopes.values()})
            assert list(range(51, 101, 5)) == positions(heard.records)
            assert "this process has it open for writing" in (await source.health()).words
            nursery.cancel_scope.cancel()


async def test_it_is_taken_away(tmp_path: Path) -> None:
    """All calls say so, and those that follow; another store is not taken for it."""
    path = tmp_path / "a.store"
    await fill(path)
    async with open_damaged(str(path), DAMAGE) as source:
        shutil.rmtree(path)
        for call in (
            source.position, lambda: source.page(Which(), limit=1), source.stock,
            lambda: source.follow(Heard().send, Which(), 0),
            lambda: source.watch_scopes(Heard().send),
            lambda: source.search(Heard().send, Which()),
        ):  # fmt: skip
            with pytest.raises(NotAStore, match="found nothing"):
                await call()
        async with open_store(path, events=None):
            pass
        with pytest.raises(StoreReplaced):
            await source.position()


async def test_files_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that refuses is no damage, and is told."""
    path = tmp_path / "a.store"
    await fill(path)

    def refused(self: object, path: str, access: object) -> int:
        raise PermissionError(13, "no", path)

    async with open_damaged(str(path), DAMAGE) as source:
        monkeypatch.setattr("atomic_store.journal.disk.OSDisk.open", refused)
        with pytest.raises(JournalFailed):
            await source.page(Which(), limit=5)


# --- damage that is met later ---------------------------------------------------------------------


async def test_damage_that_is_met_while_reading(tmp_path: Path) -> None:
    """The call that meets it shows the rest, and from then on it is told."""
    async with spoiled(tmp_path) as looked:
        source = looked.source
        assert isinstance(source, LastingSource)
        assert (await source.health()).is_well
        some = await source.page(Which(), after=LOST - 3, limit=5)
        assert [LOST - 2, LOST - 1, LOST + 1, LOST + 2, LOST + 3] == positions(some)
        health = await source.health()
        assert not health.is_well
        assert ", 1 place; " in health.words


async def test_how_it_goes_while_the_rest_is_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told that it is damaged, and how much was looked through; also if that fails."""
    async with spoiled(tmp_path) as looked:
        source, said = looked.source, []

        async def slow(
            path: str, damage: JournalCorrupt, *, disk: object, on_progress: OnProgress
        ) -> DamagedSource:
            on_progress(3, 8)
            said.append(await source.health())
            return await salvage(path, damage, on_progress=on_progress)

        async def failing(*_: object, on_progress: OnProgress, **__: object) -> DamagedSource:
            on_progress(0, 0)
            said.append(await source.health())
            raise JournalFailed("read", "x", "try again")

        monkeypatch.setattr("inspector.sources.lasting.salvage", failing)
        with pytest.raises(JournalFailed):
            await source.page(Which(), limit=RECORDS)
        assert (await source.health()).is_well
        monkeypatch.setattr("inspector.sources.lasting.salvage", slow)
        await source.page(Which(), limit=RECORDS)
        assert ["0%", "38%"] == [health.words.rpartition(" ")[2] for health in said]
        assert all("damaged: looking for" in health.words for health in said)
        assert "what can be read is shown" in (await source.health()).words


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("bounds", [{}, {"after": 4, "before": 55}, {"after": LOST - 1}])
async def test_damage_that_a_search_meets(
    tmp_path: Path, reverse: bool, bounds: dict[str, int]
) -> None:
    """It goes on behind it: no hit comes twice, and none is left out."""
    async with spoiled(tmp_path) as looked:
        heard = Heard()
        await looked.source.search(heard.send, Which(), reverse=reverse, **bounds)
        low, high = bounds.get("after", 0), bounds.get("before", RECORDS + 1)
        wanted = [one for one in looked.records if low < one.position < high]
        assert (wanted[::-1] if reverse else wanted) == heard.records
        done = [found.done for found in heard.parts]
        assert sorted(done) == done
        assert heard.parts[-1].done == heard.parts[-1].total == high - low - 1


async def test_a_search_that_meets_it_with_a_filter(tmp_path: Path) -> None:
    """Also where hits are few."""
    async with spoiled(tmp_path) as looked:
        heard = Heard()
        where = parse(f"data.n in (3, {LOST - 2}, {LOST}, 58)", now=utc_now())
        await looked.source.search(heard.send, Which(where=where))
        assert [4, LOST - 1, LOST + 1, 59] == positions(heard.records)


async def test_a_store_that_is_damaged_meanwhile(tmp_path: Path) -> None:
    """Streams that are under way go on behind what was spoiled, with nothing twice."""
    path = tmp_path / "a.store"
    async with written(path) as store:
        await add(store, 0, RECORDS)
        await indexed(path, LOST)
        async with open_directory(str(path)) as source, trio.open_nursery() as nursery:
            heard, go = Heard(), trio.Event()

            async def send(part: object) -> None:
                await heard.send(part)
                await go.wait()

            spoil(path, LOST)
            nursery.start_soon(source.follow, send, Which(), 3)
            await heard.until(lambda: bool(heard.parts))
            go.set()
            await heard.until(lambda: heard.parts[-1].position >= RECORDS)
            await add(store, RECORDS, RECORDS + 5)
            await heard.until(lambda: heard.parts[-1].position >= RECORDS + 5)
            nursery.cancel_scope.cancel()
        wanted = [n for n in range(4, RECORDS + 6) if n != LOST]
        assert wanted == positions(heard.records)


async def test_reader_alone_refuses(tmp_path: Path) -> None:
    """Without what lasts, the reader's own source raises what it met."""
    path = tmp_path / "a.store"
    async with written(path) as store:
        await add(store, 0, RECORDS)
        await indexed(path, LOST)
        spoil(path, LOST)
        async with open_files(str(path)) as source:
            with pytest.raises(JournalCorrupt):
                await source.page(Which(), limit=100)
            assert positions(await source.page(Which(), after=LOST, limit=2)) == [31, 32]

"""A store's files as a source: how it goes with them, and what becomes of them meanwhile."""

from __future__ import annotations

import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing

from atomic_store import JsonEvent, NotAStore, StoreClosed, StoreReplaced, open_store
from inspector.model.which import Which
from inspector.sources.errors import CannotDo
from inspector.sources.files import FEW_SCOPES, FileSource, open_files
from inspector.sources.source import Feature, Health
from inspector_sources import RECORDS, Heard, add, fill, positions, written

Ask = Callable[[FileSource], Awaitable[Any]]

ASKED: list[Ask] = [
    lambda source: source.position(),
    lambda source: source.scope_end("lot/1"),
    lambda source: source.page(Which(), limit=3),
    lambda source: source.in_scope("lot/1", 1, 3),
    lambda source: source.at_time("-2h", Which()),
    lambda source: source.search(Heard().send, Which()),
    lambda source: source.follow(Heard().send, Which(), 0),
    lambda source: source.watch_scopes(Heard().send),
    lambda source: source.stock(),
    lambda source: source.verify(lambda done, total: None),
]
"""All that reads."""


async def test_health(tmp_path: Path) -> None:
    """It is told who writes it, that it was closed, and that it is open again."""
    path = tmp_path / "a.store"
    await fill(path)
    async with open_files(str(path)) as source:
        assert Health(True, "closed cleanly") == await source.health()
        async with written(path) as store:
            assert Health(True, "this process has it open for writing") == await source.health()
            await add(store, 0, 1)
            assert Health(True, "this process has it open for writing") == await source.health()
        assert Health(True, "closed cleanly") == await source.health()


async def test_health_of_what_a_crash_left(tmp_path: Path) -> None:
    """A store that nobody closed and nobody writes is told apart, and read up to its end."""
    path = tmp_path / "a.store"
    await fill(path)
    last = max((path / "journal").glob("*.jsonl"))
    lines = last.read_bytes().splitlines(keepends=True)
    assert lines[-1].startswith(b'{"close"')
    last.write_bytes(b"".join(lines[:-1]) + b'{"position":61,"sco')
    async with open_files(str(path)) as source:
        health = await source.health()
        assert (False, True) == (health.is_well, health.words.startswith("not closed: its writer"))
        assert RECORDS == await source.position()


async def test_files_that_are_taken_away(tmp_path: Path) -> None:
    """All calls say that the store is gone; so do streams that were waiting."""
    path = tmp_path / "a.store"
    await fill(path)
    async with open_files(str(path)) as source, trio.open_nursery() as nursery:
        ended: list[BaseException] = []

        async def stream(ask: Ask) -> None:
            try:
                await ask(source)
            except NotAStore as error:
                ended.append(error)

        heard, scopes = Heard(), Heard()
        nursery.start_soon(stream, lambda source: source.follow(heard.send, Which(), 0))
        nursery.start_soon(stream, lambda source: source.watch_scopes(scopes.send))
        await heard.until(lambda: len(heard.records) == RECORDS)
        await scopes.until(lambda: bool(scopes.parts))
        # At once: while it is taken apart, it looks damaged.
        path.rename(tmp_path / "elsewhere")
        for ask in ASKED:
            with pytest.raises(NotAStore, match="found nothing"):
                await ask(source)
        health = await source.health()
        assert not health.is_well
        assert health.words.startswith("gone: expected a store at ")

    assert 2 == len(ended)


async def test_another_store_in_its_place(tmp_path: Path) -> None:
    """It is no longer the store that was opened, and all calls that ask its reader say so."""
    path = tmp_path / "a.store"
    await fill(path)
    async with open_files(str(path)) as source:
        shutil.rmtree(path)
        async with open_store(path, events=None):
            pass
        for ask in ASKED[:-2]:
            with pytest.raises(StoreReplaced):
                await ask(source)
        health = await source.health()
        assert not health.is_well
        assert health.words.startswith("replaced: expected store ")


async def test_files_that_are_closed(tmp_path: Path) -> None:
    """Once its block was left, it says that it is closed."""
    await fill(tmp_path / "a.store")
    async with open_files(str(tmp_path / "a.store")) as source:
        pass
    for ask in ASKED[:-2]:
        with pytest.raises(StoreClosed):
            await ask(source)
    assert Health(False, "the reader was closed") == await source.health()


async def test_a_position_that_is_not_there_yet(tmp_path: Path) -> None:
    """Following from behind the end means another store."""
    await fill(tmp_path / "a.store")
    async with open_files(str(tmp_path / "a.store")) as source:
        with pytest.raises(StoreReplaced, match=f"with {RECORDS + 1} records or more"):
            await source.follow(Heard().send, Which(), RECORDS + 1)
        assert {Feature.FILES, Feature.VERIFY} == source.features
        with pytest.raises(CannotDo):
            await source.end_round("lot/1", "r-1")
        with pytest.raises(CannotDo):
            await source.figures()


async def test_an_empty_store(tmp_path: Path) -> None:
    """It has nothing, and says so."""
    path = tmp_path / "a.store"
    async with open_store(path, events=None):
        pass
    async with open_files(str(path)) as source, trio.open_nursery() as nursery:
        assert 0 == await source.position()
        assert [] == await source.page(Which(), limit=5)
        assert await source.at_time("-2h", Which()) is None
        heard, scopes = Heard(), Heard()
        nursery.start_soon(source.follow, heard.send, Which(), 0)
        nursery.start_soon(source.watch_scopes, scopes.send)
        await heard.until(lambda: bool(heard.parts))
        await scopes.until(lambda: bool(scopes.parts))
        assert [0] == [part.position for part in heard.parts]
        assert [()] == [tuple(part) for part in scopes.parts]
        assert 0 == (await source.stock()).head.position
        nursery.cancel_scope.cancel()


async def test_many_scopes_that_begin_alike(tmp_path: Path) -> None:
    """A page of a prefix is the same, whether there are few such scopes or many."""
    path = tmp_path / "a.store"
    async with written(path) as store:
        for n in range(3 * FEW_SCOPES):
            for name in (f"a/{n}", "b"):
                await store.store_if_valid(
                    JsonEvent("E", {}), lambda request: request.accept(), scope=name
                )
    async with open_files(str(path)) as source:
        every = await source.page(Which(), limit=10_000)
        for prefix in ("a", "a/", "a/1", "b", "a/71"):
            wanted = [record for record in every if record.scope.startswith(prefix)]
            for limit in (1, 7, 1000):
                found = await source.page(Which(prefix=prefix), limit=limit)
                assert positions(wanted[:limit]) == positions(found)
                found = await source.page(Which(prefix=prefix), limit=limit, reverse=True)
                assert positions(wanted[::-1][:limit]) == positions(found)


async def test_a_check_that_is_cancelled(tmp_path: Path) -> None:
    """It ends in the middle, and the next one begins anew."""
    path = tmp_path / "a.store"
    await fill(path)
    async with open_files(str(path)) as source:
        told: list[int] = []
        with trio.CancelScope() as scope:

            def on_progress(done: int, total: int) -> None:
                told.append(done)
                if len(told) == 2:
                    trio.from_thread.run_sync(scope.cancel)

            await source.verify(on_progress)
        assert scope.cancelled_caught
        assert 2 == len(told)
        assert RECORDS == (await source.verify(lambda done, total: None)).records


async def test_the_stock(tmp_path: Path) -> None:
    """It says what the files hold."""
    path = tmp_path / "a.store"
    await fill(path)
    async with open_files(str(path)) as source:
        stock = await source.stock()
    assert (RECORDS, 5) == (stock.head.position, stock.scopes)
    assert len(stock.segments) > 2


async def test_a_slow_looker(tmp_path: Path) -> None:
    """A stream waits while its part is not taken, and nothing is lost."""
    path = tmp_path / "a.store"
    await fill(path)
    async with open_files(str(path)) as source, trio.open_nursery() as nursery:
        heard, go = Heard(), trio.Event()

        async def send(part: Any) -> None:
            await heard.send(part)
            await go.wait()

        nursery.start_soon(source.follow, send, Which(), 0)
        await heard.until(lambda: bool(heard.parts))
        async with written(path) as store:
            await add(store, 0, 50)
        await trio.testing.wait_all_tasks_blocked()
        assert 1 == len(heard.parts)
        go.set()
        await heard.until(lambda: len(heard.records) == RECORDS + 50)
        assert list(range(1, RECORDS + 51)) == positions(heard.records)
        nursery.cancel_scope.cancel()

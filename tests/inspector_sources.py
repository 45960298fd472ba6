"""What the inspector can look at, each kind with the same records, as the tests need it."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, TypeAlias, final

import attrs
import trio

from atomic_store import JsonEvent, Store, open_store
from atomic_store.gateway import open_gateway
from atomic_store.journal import StoredRecord
from atomic_store.journal.file import open_file_journal
from followed_journals import records_in
from inspector.model.scope_seen import ScopeSeen
from inspector.sources.opening import open_source
from inspector.sources.source import Source

RECORDS = 60
SCOPES = ("lot/1", "lot/2", "lot/3", "order/9", "ö <[/x]>")
LOST = 30
"""The position of the record that is damaged, in the kinds that are."""


@final
@attrs.define(eq=False)
class Looked:
    """A source, what it should show, and who writes there, if anybody does."""

    source: Source
    records: list[StoredRecord]
    store: Store[Any] | None = None

    def wanted(self, scope: str | None = None, prefix: str = "") -> list[StoredRecord]:
        """The records of a scope, or of those that begin so."""
        return [
            record
            for record in self.records
            if (scope is None or record.scope == scope) and record.scope.startswith(prefix)
        ]


Open: TypeAlias = Callable[[Path], AbstractAsyncContextManager[Looked]]


@asynccontextmanager
async def written(path: Path) -> AsyncIterator[Store[Any]]:
    """A store in small segments."""
    async with (
        open_file_journal(path, segment_bytes_max=4000, piece_bytes=1000) as journal,
        open_store(journal, events=None) as store,
    ):
        yield store


async def add(store: Store[Any], begin: int, end: int) -> None:
    """Add records of all scopes in turn."""
    for n in range(begin, end):
        result = await store.store_if_valid(
            JsonEvent("Even" if n % 2 else "Odd", {"n": n, "note": "x" * 40}),
            lambda request: request.accept(),
            scope=SCOPES[n % len(SCOPES)],
        )
        assert result.was_accepted


async def fill(path: Path) -> None:
    """Make the store that all kinds show."""
    async with written(path) as store:
        await add(store, 0, RECORDS)


def spoil(path: Path, position: int) -> Path:
    """Change one byte in the line of a record; give the segment that it is in."""
    needle = b'{"position":%d,' % position
    for segment in sorted((path / "journal").glob("*.jsonl")):
        content = segment.read_bytes()
        if needle in content:
            at = content.index(needle) + len(needle) + 3
            segment.write_bytes(content[:at] + b"?" + content[at + 1 :])
            return segment
    raise AssertionError(f"no record {position}")


# --- the kinds ------------------------------------------------------------------------------------


@asynccontextmanager
async def closed(tmp: Path) -> AsyncIterator[Looked]:
    """Files that nobody writes."""
    path = tmp / "a.store"
    await fill(path)
    async with open_source(str(path)) as source:
        yield Looked(source, records_in(path))


@asynccontextmanager
async def beside(tmp: Path) -> AsyncIterator[Looked]:
    """Files beside their writer."""
    path = tmp / "a.store"
    async with written(path) as store:
        await add(store, 0, RECORDS)
        async with open_source(str(path)) as source:
            yield Looked(source, records_in(path), store)


@asynccontextmanager
async def damaged(tmp: Path) -> AsyncIterator[Looked]:
    """Files that no reader opens."""
    path = tmp / "a.store"
    await fill(path)
    records = records_in(path)
    spoil(path, LOST)
    shutil.rmtree(path / "index")
    async with open_source(str(path)) as source:
        yield Looked(source, [record for record in records if record.position != LOST])


@asynccontextmanager
async def spoiled(tmp: Path) -> AsyncIterator[Looked]:
    """Files that a reader opens, because an index covers what is damaged; beside their writer."""
    path = tmp / "a.store"
    async with written(path) as store:
        await add(store, 0, RECORDS)
        await indexed(path, LOST)
        records = records_in(path)
        spoil(path, LOST)
        async with open_source(str(path)) as source:
            yield Looked(source, [record for record in records if record.position != LOST], store)


async def indexed(path: Path, position: int) -> None:
    """Wait until an index file covers a position."""
    # The next segment's is made behind its own.
    while not any(int(file.name[:20]) > position for file in (path / "index").glob("0*.idx")):  # noqa: ASYNC110 - nobody tells
        await trio.sleep(0.005)


@asynccontextmanager
async def served(tmp: Path) -> AsyncIterator[Looked]:
    """A gateway."""
    path = tmp / "a.store"
    async with written(path) as store, open_gateway(store) as gateway:
        await add(store, 0, RECORDS)
        async with open_source(gateway.url) as source:
            yield Looked(source, records_in(path), store)


KINDS: list[Open] = [closed, beside, damaged, spoiled, served]
LIVE: list[Open] = [beside, spoiled, served]


# --- looking --------------------------------------------------------------------------------------


@final
@attrs.define(eq=False)
class Heard:
    """Takes what a stream sends, and lets tests wait for it."""

    parts: list[Any] = attrs.Factory(list)
    _more: trio.Event = attrs.Factory(trio.Event)

    async def send(self, part: Any) -> None:
        """Take a part."""
        await trio.lowlevel.checkpoint()
        self.parts.append(part)
        self._more.set()

    async def until(self, is_enough: Callable[[], bool]) -> None:
        """Wait until enough has come."""
        with trio.fail_after(20):
            while not is_enough():
                self._more = trio.Event()
                await self._more.wait()

    @property
    def records(self) -> list[StoredRecord]:
        """All records that have come."""
        return [record for part in self.parts for record in part.records]

    @property
    def scopes(self) -> dict[str, ScopeSeen]:
        """Of each scope the latest."""
        return {one.scope: one for part in self.parts for one in part}


def positions(records: Sequence[StoredRecord]) -> list[int]:
    """Where they are."""
    return [record.position for record in records]

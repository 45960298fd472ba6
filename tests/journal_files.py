"""Small file journals on a disk in memory, for the tests of the file journal."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import cast
from uuid import UUID

import attrs
import pytest
import trio

from atomic_store.errors import JournalCorrupt, JournalFailed
from atomic_store.journal import Draft, EncodedEvent, Head, Recovery, StoredRecord
from atomic_store.journal.commit import Commit
from atomic_store.journal.disk import Disk
from atomic_store.journal.file import FileJournal, open_file_journal
from atomic_store.journal.indexer import PIECE_BYTES
from atomic_store.journal.opening import OpenedFiles, open_files
from atomic_store.testing.faulty_disk import FaultyDisk

STORE = "/shop.store"
JOURNAL = f"{STORE}/journal"
INDEX = f"{STORE}/index"
SEGMENT_BYTES_MAX = 1200


def segment(first: int) -> str:
    """The path of a segment."""
    return f"{JOURNAL}/{first:020}.jsonl"


def ticking_clock() -> Callable[[], datetime]:
    """A clock that goes on by 1.5 ms each time that it is read."""
    moments = iter(range(1_000_000))
    start = datetime(2026, 11, 23, 15, 4, 5, 123456, UTC)
    return lambda: start + timedelta(microseconds=1500 * next(moments))


def an_id(number: int) -> str:
    """A proposal id."""
    return str(UUID(int=number + (7 << 76)))


def a_draft(scope: str, number: int, *, events: int = 1, pad: int = 0) -> Draft:
    """A decision with one event or several."""
    return Draft(
        scope,
        an_id(number),
        tuple(
            EncodedEvent("Bid", 1, b'{"cents":%d,"pad":"%b"}' % (100 * number + k, b"x" * pad))
            for k in range(events)
        ),
    )


@attrs.define
class Writing:
    """What a store appended, and what of it was acknowledged."""

    journal: FileJournal
    appended: list[StoredRecord] = attrs.Factory(list)
    acknowledged: list[StoredRecord] = attrs.Factory(list)

    def put(self, draft: Draft) -> Commit:
        """Append a decision behind what the scope has."""
        sequence = sum(record.scope == draft.scope for record in self.appended)
        sequence += self.started.get(draft.scope, 0)
        records, commit = self.journal.append_nowait(draft, expected_sequence=sequence)
        self.appended += records

        def done(failure: JournalFailed | None) -> None:
            if failure is None:
                self.acknowledged.extend(records)

        commit.when_done(done)
        return commit

    started: dict[str, int] = attrs.Factory(dict)
    """What each scope had before."""

    async def commit(self, *drafts: Draft) -> None:
        """Append decisions and wait until they are durable, as one commit."""
        commits = [self.put(draft) for draft in drafts]
        self.journal.flush_nowait()
        await commits[-1].wait()


@asynccontextmanager
async def writing(
    disk: FaultyDisk,
    *,
    segment_bytes_max: int = SEGMENT_BYTES_MAX,
    piece_bytes: int = PIECE_BYTES,
) -> AsyncIterator[Writing]:
    """Open the journal on a disk in memory."""
    async with open_file_journal(
        STORE,
        disk=disk,
        clock=ticking_clock(),
        segment_bytes_max=segment_bytes_max,
        piece_bytes=piece_bytes,
    ) as journal:
        started = {end.scope: end.sequence for end in await journal.scopes()}
        yield Writing(journal, started=started)


async def live(disk: FaultyDisk, told: list[StoredRecord] | None = None) -> Head:
    """
    Live a life that meets everything: several scopes, decisions of several events, cuts.

    Args:
      disk: where.
      told: gets what was acknowledged, also if an error ends this.
    """
    async with writing(disk) as store:
        store.acknowledged = told if told is not None else []
        await store.commit(a_draft("lot-1", 1))
        await store.commit(a_draft("lot-2", 2, events=3), a_draft('"ö"', 3))
        for number in range(4, 9):
            await store.commit(a_draft("lot-1", number, pad=100))
        await store.commit(a_draft("lot-2", 9), a_draft("lot-1", 10, events=2))
        return store.journal.head


def lived(*, is_closed: bool, has_index: bool = False) -> FaultyDisk:
    """
    A disk with a store of several segments: closed, or left as a kill leaves it.

    Args:
      has_index: leave the index files, so that not all of it is read when it is opened.
    """
    disk = FaultyDisk()

    async def main() -> None:
        nonlocal disk
        if is_closed:
            await live(disk)
        else:
            async with writing(disk) as store:
                await store.commit(a_draft("lot-1", 1), a_draft("lot-2", 2))
                for number in range(3, 8):
                    await store.commit(a_draft("lot-1", number, pad=50))
                await store.commit(a_draft("lot-2", 8, events=2), a_draft("lot-1", 9, pad=300))
                disk = disk.copy()

    trio.run(main)
    if not has_index:
        disk.remove(INDEX)
    return disk


def open_again(disk: FaultyDisk) -> tuple[list[StoredRecord], FileJournal]:
    """Open and close the store on a disk; give its records, and the journal as it was."""

    async def main() -> tuple[list[StoredRecord], FileJournal]:
        async with writing(disk) as store:
            return await store.journal.read_all(limit=1000), store.journal

    return trio.run(main)


def only_open(disk: FaultyDisk) -> None:
    """Open the store on a disk and leave it as a kill would: cheaper than a whole life."""
    only_open_at(disk, STORE)


def only_open_at(disk: FaultyDisk, place: str) -> None:
    """Open the store at a path and leave it as a kill would."""
    open_files_at(disk, place).close()


def open_files_at(disk: FaultyDisk, place: str) -> OpenedFiles:
    """Open the files of the store at a path; make them if there are none."""
    return open_files(
        disk,
        place,
        now=lambda: "2026-11-23T16:00:00.000000Z",
        segment_bytes_max=SEGMENT_BYTES_MAX,
        on_progress=lambda read, in_all: None,
    )


def wrapped(disk: FaultyDisk, **instead: object) -> Disk:
    """A disk that does some things otherwise."""

    class Wrapped:
        def __getattr__(self, name: str) -> object:
            return instead.get(name) or getattr(disk, name)

    return cast("Disk", Wrapped())


def moving(before: FaultyDisk, path: str, content: bytes, closings: int) -> Disk:
    """A disk on which a file is replaced after it has been closed so many times."""
    disk = before.copy()
    closed: list[str] = []

    def close(file: int) -> None:
        closed.append(disk._open[file][1])
        disk.close(file)
        if closed[-1] == path and closed.count(path) == closings:
            disk.put(path, content)

    return wrapped(disk, close=close)


LAST = segment(8)
"""The last segment of the store that was killed."""


def with_file(disk: FaultyDisk, path: str, content: bytes) -> FaultyDisk:
    """A copy of a disk, with other bytes in one file."""
    changed = disk.copy()
    changed.put(path, content)
    return changed


def last_commit(content: bytes) -> int:
    """Where the last commit of a segment begins."""
    lines = content.splitlines(keepends=True)
    end = len(content) - len(lines.pop())
    while b',"commit":"' not in lines[-1]:
        end -= len(lines.pop())
    return end


def opened(disk: FaultyDisk) -> Recovery:
    """Open and close the store; give what opening found."""
    return open_again(disk)[1].recovery


def refusal(disk: FaultyDisk) -> JournalCorrupt:
    """Try to open the store; give why it was refused, when nothing was changed."""
    before = disk.files()
    with pytest.raises(JournalCorrupt) as refused:
        only_open(disk)
    after = disk.files()
    before.pop(f"{STORE}/lock", None)
    after.pop(f"{STORE}/lock", None)

    assert before == after
    return refused.value

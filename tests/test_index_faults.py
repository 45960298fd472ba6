"""Trouble below index/: a full disk, errors, crashes. The journal never fails for any of it."""

from __future__ import annotations

import errno

import pytest
import trio

from atomic_store.errors import JournalFailed
from atomic_store.journal import StoredRecord
from atomic_store.journal.disk import Kind
from atomic_store.journal.verify import verify
from atomic_store.testing.faulty_disk import FaultyDisk
from indexed_journals import (
    asked,
    compare,
    expected_of,
    index_files,
    indexed,
    indexing,
    with_index,
    write,
)
from journal_files import INDEX, STORE

OPERATIONS = (
    "stat",
    "list",
    "mkdir",
    "open",
    "write",
    "rename",
    "unlink",
    "read",
    "fstat",
    "close",
)


async def life(disk: FaultyDisk, told: list[StoredRecord] | None = None) -> None:
    """Go on with the small store: some pieces, a cut, all questions; keep what was told."""
    async with indexing(disk) as store:
        store.acknowledged = [] if told is None else told
        store.acknowledged += await store.journal.read_all(limit=1000)
        await write(store, 37, 48)
        records = store.acknowledged
        compare(await asked(store.journal), expected_of(records), "while it goes on")


async def reopened(disk: FaultyDisk, told: list[StoredRecord], of: object) -> None:
    """Open it twice: the same is there, with all that was told, and answers are right."""
    async with indexing(disk) as store:
        records = await store.journal.read_all(limit=1000)
        assert (of, told) == (of, records[: len(told)])
        compare(await asked(store.journal), expected_of(records), of)
    async with indexing(disk) as store:
        assert (of, records) == (of, await store.journal.read_all(limit=1000))
    assert (of, ()) == (of, verify(STORE, disk=disk).damage)


def lives_with(disk: FaultyDisk, of: object) -> bool:
    """Live on a disk with faults below index/; whether one struck."""
    told: list[StoredRecord] = []
    trio.run(life, disk, told)
    disk._faults.clear()
    trio.run(reopened, disk, told, of)
    return bool(disk.failures)


class TestErrors:
    @pytest.mark.parametrize("operation", OPERATIONS)
    def test_for_good(self, operation: str) -> None:
        """An operation that never succeeds below index/ costs time, and nothing else."""
        has_struck = False
        for error in (errno.EIO, errno.ENOSPC, errno.EACCES):
            start = indexed(is_closed=False) if error == errno.EIO else with_index(indexed(), {})
            start.fail(operation, path=INDEX, error=error, times=None)
            has_struck |= lives_with(start, (operation, error))

        assert has_struck

    @pytest.mark.parametrize("operation", OPERATIONS)
    def test_once(self, operation: str) -> None:
        """An operation that fails once, whichever it is, does no harm."""
        nth = 1
        while True:
            start = indexed(is_closed=False) if operation != "mkdir" else with_index(indexed(), {})
            start.fail(operation, path=INDEX, nth=nth)
            if not lives_with(start, (operation, nth)):
                break
            nth += 1 + nth // 2

        assert nth > 1

    def test_short_writes(self) -> None:
        """A disk that is full in the middle of a file leaves nothing of it lying around."""
        for short in (0, 1, 4096, 5000):
            disk = indexed()
            disk.fail("write", path=INDEX, short=short, error=errno.ENOSPC, times=None)
            assert lives_with(disk, short)
            assert [] == [path for path in disk.files() if "/.new-" in path]

    async def test_written_later(self) -> None:
        """What could not be written serves from memory, and is written when that goes again."""
        disk = with_index(indexed(), {})
        async with indexing(disk) as store:
            index = store.journal._records.coverage.store
            disk.fail("write", path=INDEX, error=errno.ENOSPC, times=None)
            await write(store, 37, 60)
            assert "No space left on device" in (index.error or "")
            names = {stretch.name for stretch in store.journal._records.coverage.stretches}
            assert index._unwritten < names
            disk._faults.clear()
            await write(store, 61, 70)

            covered = store.journal._records.coverage.stretches
            assert set() == index._unwritten
            assert {f"{INDEX}/{stretch.name}" for stretch in covered} <= index_files(disk).keys()
            assert {} == index._images

    async def test_unreadable_when_just_written(self) -> None:
        """On a disk that gives nothing back, files stay in memory once they were made again."""
        disk = indexed()
        async with indexing(disk) as store:
            disk.fail("read", path=INDEX, times=None)
            for _ in range(2):
                disk.log.clear()
                records = await store.journal.read_all(limit=1000)
                compare(await asked(store.journal), expected_of(records), "unreadable")
            made = [path for operation, path in disk.log if operation == "rename"]

            assert [] == made

    async def test_nothing_through_a_link(self) -> None:
        """Where index/ becomes a link while the journal is open, nothing is touched behind it."""
        disk = indexed()
        async with indexing(disk) as store:
            disk.remove(INDEX)
            disk.put(INDEX, b"elsewhere", Kind.LINK)
            await write(store, 37, 60)
            records = await store.journal.read_all(limit=1000)
            compare(await asked(store.journal), expected_of(records), "a link")

        assert b"elsewhere" == disk.files()[INDEX]


def live_until(disk: FaultyDisk, change: int) -> list[StoredRecord]:
    """Live until the power goes off; give what was told."""
    told: list[StoredRecord] = []
    disk.changes = 0
    disk.power_off_at(change)
    with pytest.raises(JournalFailed):
        trio.run(life, disk, told)
    return told


class TestCrashes:
    @pytest.mark.parametrize("without_index", [False, True])
    def test_every_step(self, without_index: bool) -> None:
        """A crash at any step, of making, replacing and removing files, too, loses nothing."""
        start = indexed(is_closed=False)
        start = with_index(start, {}) if without_index else start
        whole = start.copy()
        trio.run(life, whole)
        for change in range(1, whole.changes + 1, 1 + without_index):
            disk = start.copy()
            told = live_until(disk, change)
            survivor = disk.crash(change) if change % 3 else disk.copy()
            trio.run(reopened, survivor, told, (change, without_index))

    def test_opening_that_rebuilds(self) -> None:
        """A crash at any step of opening, also one that makes and removes files, is harmless."""
        start = indexed(is_closed=False)
        old = index_files(start)

        async def go_on(disk: FaultyDisk) -> None:
            async with indexing(disk) as store:
                await write(store, 37, 46)

        trio.run(go_on, start)
        stale = {path: content for path, content in old.items() if "-" in path[len(INDEX) :]}
        kept = dict(sorted(index_files(start).items())[3:])
        start = with_index(start, stale | kept)

        async def only_open(disk: FaultyDisk, told: list[StoredRecord]) -> None:
            async with indexing(disk) as store:
                told += await store.journal.read_all(limit=1000)

        told: list[StoredRecord] = []
        whole = start.copy()
        trio.run(only_open, whole, told)
        assert whole.changes > 15
        for change in range(1, whole.changes + 1):
            disk = start.copy()
            disk.power_off_at(change)
            with pytest.raises(JournalFailed):
                trio.run(only_open, disk, [])
            for seed in range(2):
                trio.run(reopened, disk.crash(seed), told, (change, seed))

    def test_files_that_were_not_written(self) -> None:
        """Index files are not synced: whatever a loss of power leaves of them is harmless."""
        disk = with_index(indexed(), {})
        told: list[StoredRecord] = []
        trio.run(life, disk, told)
        for seed in range(8):
            trio.run(reopened, disk.crash(seed), told, seed)


def test_control() -> None:
    """What these tests compare does differ for another journal: they can fail."""
    disk = indexed()
    told: list[StoredRecord] = []
    trio.run(life, disk.copy(), told)
    with pytest.raises(AssertionError):
        trio.run(reopened, disk, told, "control")

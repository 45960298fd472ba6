"""Compacting the snapshot log: what counts stays, the rest goes, at any crash and any failure."""

from __future__ import annotations

import errno
from contextlib import suppress
from typing import Any, cast

import pytest
import trio

from atomic_store.errors import JournalFailed
from atomic_store.journal.snapshots import compaction as compaction_module
from atomic_store.testing.faulty_disk import FaultyDisk
from journal_files import STORE, Writing, open_again, wrapped, writing
from snapshot_stores import (
    SCOPES,
    SNAPSHOTS,
    keep,
    keeping,
    log_path,
    newest,
    newest_in,
    newest_on,
    state_of,
)


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have small logs compacted, a line or two at a time."""
    monkeypatch.setattr(compaction_module, "WASTE_BYTES_MIN", 500)
    monkeypatch.setattr(compaction_module, "STEP_BYTES", 200)


def logs_on(disk: FaultyDisk) -> list[str]:
    """The paths of all snapshot files on a disk."""
    return [path for path in disk.files() if path.startswith(SNAPSHOTS)]


async def keep_many(store: Writing) -> None:
    """Keep states until the log was compacted twice."""
    for sequence in range(1, 13):
        await keep(store, sequence)


async def test_it_gets_smaller() -> None:
    """When more than half of a log does not count any more, a smaller one takes its place."""
    disk = FaultyDisk()
    sizes = []
    async with writing(disk) as store:
        for sequence in range(1, 31):
            await keep(store, sequence)
            (path,) = logs_on(disk)
            sizes.append(len(disk.files()[path]))
            assert await newest(store.journal) == [sequence, sequence]
            for scope in SCOPES:
                older = await store.journal.load_snapshot(scope, version=1, last=sequence - 1)
                assert older == (state_of(scope, sequence - 1) if sequence > 1 else None)

    assert path > log_path(4)
    assert max(sizes) < 2_000
    assert await newest_in(disk) == [30, 30]


async def test_it_costs_no_more_than_writing() -> None:
    """What is written for compaction is about as much as what was saved, at most."""
    disk = FaultyDisk()
    written = {"old": 0, "new": 0}

    def counting(file: int, data: bytes | memoryview, offset: int) -> int:
        path = disk._open[file][1]
        if SNAPSHOTS in path:
            written["new" if "/.new-" in path else "old"] += len(data)
        return disk.pwrite(file, data, offset)

    async with writing(cast("FaultyDisk", wrapped(disk, pwrite=counting))) as store:
        for sequence in range(1, 101):
            await keep(store, sequence)

    assert 0 < written["new"] < 1.5 * written["old"]


async def test_what_does_not_count_is_left_out() -> None:
    """Damaged lines, deleted ones and those of other versions of the fold are not copied."""
    disk = await keeping(1, 2)
    content = disk.files()[log_path()]
    disk.put(log_path(), content.replace(b'["lot-2",2]', b'["lot-2",7]'))
    async with writing(disk) as store:
        await store.journal.save_snapshots([state_of("lot-1", 1, version=2)])
        await store.journal.delete_snapshots("lot-1", first=1, last=1)
        for sequence in range(3, 8):
            await store.journal.save_snapshots([])
            await keep(store, sequence, version=3)
        assert await newest(store.journal, version=3) == [7, 7]
    (path,) = logs_on(disk)
    left = disk.files()[path]

    assert path > log_path()
    assert b'"fold":1' not in left
    assert b'"fold":2' not in left
    assert b"deleted" not in left


async def test_a_part_that_cannot_be_read() -> None:
    """Lines that cannot be read do not count; the others are copied."""
    disk = FaultyDisk()
    async with writing(disk) as store:
        for sequence in range(1, 20):
            if not disk.log.count(("rename", log_path(2))):
                disk._faults.clear()
                disk.fail("read", path=log_path(1), nth=1)
            await keep(store, sequence)
        assert await newest(store.journal) == [19, 19]

    assert await newest_in(disk) == [19, 19]


async def test_a_reader_meanwhile() -> None:
    """Whoever reads a line while the log is replaced reads it in the new one."""
    disk = FaultyDisk()
    async with writing(disk) as store:
        for sequence in range(1, 9):
            await keep(store, sequence)
        own: Any = store.journal._snapshots
        run = own._run

        async def run_late(work: object) -> object:
            own._run = run
            # Somebody saves so much in between that the log is compacted.
            before = own._log
            sequence = 8
            while own._log is before:
                sequence += 1
                await keep(store, sequence)
            return await run(work)

        own._run = run_late
        found = await store.journal.load_snapshot("lot-1", version=1)
        assert found is not None
        assert found.sequence in (8, 9, 10, 11, 12)
        assert own.skipped == 0


def changes_of_a_life() -> tuple[int, int]:
    """The numbers of the first and the last change that concerns snapshots."""
    disk = FaultyDisk()
    trio.run(life, disk)
    return 8, disk.changes


async def life(disk: FaultyDisk) -> None:
    """Live for as long as that takes."""
    async with writing(disk) as store:
        await keep_many(store)


@pytest.mark.parametrize("is_power_loss", [True, False])
def test_a_crash_at_every_step(*, is_power_loss: bool) -> None:
    """After a crash at any step the store opens, gives no wrong state, and goes on."""
    first, last = changes_of_a_life()
    met = set()
    for change in range(first, last):
        disk = FaultyDisk(change)
        disk.power_off_at(change)
        with suppress(JournalFailed):
            trio.run(life, disk)
        disk.kill()
        left = disk.crash(change) if is_power_loss else disk.copy()
        met.add(newest_on(left)[0])
        trio.run(go_on, left)
        assert len(logs_on(left)) == 1

    assert len(met) > 8


async def go_on(disk: FaultyDisk) -> None:
    """Keep more states in a later life, long enough for a compaction."""
    async with writing(disk) as store:
        for sequence in range(30, 38):
            await keep(store, sequence)
            assert await newest(store.journal) == [sequence, sequence]


OPERATIONS = ("open", "write", "fdatasync", "close")


@pytest.mark.parametrize(
    ("operation", "path"),
    [
        *(
            (operation, f"{SNAPSHOTS}/.new-")
            for operation in ("open", "write", "fdatasync", "close")
        ),
        ("rename", log_path(2)),
        ("fsync", SNAPSHOTS),
    ],
)
@pytest.mark.parametrize("is_stuck", [False, True])
def test_a_failure_at_every_step(operation: str, path: str, *, is_stuck: bool) -> None:
    """If it fails, no more snapshots are written, the store goes on, and what was kept counts."""
    disk = FaultyDisk()

    async def main() -> int:
        async with writing(disk) as store:
            await keep(store, 1)
            disk.fail(operation, path=path, error=errno.ENOSPC)
            if is_stuck:
                disk.fail("unlink", times=None)
            with pytest.raises(JournalFailed):
                for sequence in range(2, 50):
                    await keep(store, sequence)
            with pytest.raises(JournalFailed):
                await store.journal.save_snapshots([state_of("lot-1", 1)])
            assert store.journal.failure is None
            # The batch before it was written.
            assert await newest(store.journal) == [sequence, sequence]
            return sequence

    sequence = trio.run(main)
    if not is_stuck:
        assert [path for path in logs_on(disk) if "/.new-" in path] == []
    assert newest_on(disk) == [sequence, sequence]
    records, _ = open_again(disk)
    assert len(records) == 2 * sequence


async def test_left_over_files() -> None:
    """What an interrupted compaction left is removed by the next one; other files are not."""
    disk = await keeping(1)
    disk.put(f"{SNAPSHOTS}/.new-00000000000000000002.jsonl", b"left over")
    disk.put(f"{SNAPSHOTS}/00000000000000000000.jsonl", b"old")
    disk.put(f"{SNAPSHOTS}/notes.txt", b"mine")
    async with writing(disk) as store:
        for sequence in range(2, 12):
            await keep(store, sequence)
    names = [path.removeprefix(f"{STORE}/snapshots/") for path in logs_on(disk)]

    assert len(names) == 2
    assert names[1] == "notes.txt"


async def test_a_cancelled_compaction() -> None:
    """A compaction that is cancelled leaves the log as it is; the next one begins anew."""
    disk = FaultyDisk()
    begun = ("fdatasync", f"{SNAPSHOTS}/.new-00000000000000000002.jsonl")
    async with writing(disk) as store:
        own: Any = store.journal._snapshots
        real = own._run
        sequence = 0
        while not disk.log.count(begun):
            sequence += 1
            scope = trio.CancelScope()

            async def run(work: object, scope: trio.CancelScope = scope) -> object:
                if disk.log.count(begun):
                    scope.cancel()
                return await real(work)

            own._run = run
            with scope:
                await keep(store, sequence)
            own._run = real
            assert scope.cancelled_caught == (begun in disk.log)
            assert await newest(store.journal) == [sequence, sequence]
        assert logs_on(disk) == [begun[1], log_path()]
        await keep(store, sequence + 1)
        assert logs_on(disk) == [log_path(2)]

    assert await newest_in(disk) == [sequence + 1, sequence + 1]

"""The file journal on disks that fail, lie, lose power; and how it tells of a failure."""

from __future__ import annotations

import errno

import pytest
import trio
import trio.testing

from atomic_store.errors import (
    JournalCorrupt,
    JournalFailed,
    NotAStore,
)
from atomic_store.journal import ScopeEnd, StoredRecord
from atomic_store.journal.verify import verify
from atomic_store.testing.faulty_disk import FaultyDisk
from journal_files import (
    INDEX,
    STORE,
    a_draft,
    live,
    lived,
    open_again,
    segment,
    writing,
)

SNAPSHOTS = f"{STORE}/snapshots"
CHANGING = ("write", "fdatasync", "fsync", "rename", "open", "mkdir", "ftruncate", "flock")
"""The operations that a journal does to change something, or to come to that."""


def expect_all(told: list[StoredRecord], disk: FaultyDisk, of: object) -> None:
    """Check that a store holds what was acknowledged, once, in order, and is sound."""
    records, _ = open_again(disk)

    assert (of, told) == (of, records[: len(told)])
    assert (of, [*range(1, len(records) + 1)]) == (of, [r.position for r in records])
    assert (of, ()) == (of, verify(STORE, disk=disk).damage)


def live_until_failure(disk: FaultyDisk) -> tuple[list[StoredRecord], JournalFailed | None]:
    """Live a life on a faulty disk; give what was acknowledged, and what ended it."""
    told: list[StoredRecord] = []
    try:
        trio.run(live, disk, told)
    except JournalFailed as failure:
        return told, failure
    return told, None


class TestFaults:
    @pytest.mark.parametrize("operation", [*CHANGING, "stat", "list", "read", "fstat", "close"])
    @pytest.mark.parametrize("is_lasting", [False, True])
    def test_every_operation(self, operation: str, is_lasting: bool) -> None:
        """Each operation that fails, once or for good, fails the store and loses nothing told."""
        nth = 0
        while True:
            nth += 1
            disk = FaultyDisk(nth)
            disk.fail(operation, nth=nth, times=None if is_lasting else 1)
            told, failure = live_until_failure(disk)
            if not disk.failures:
                break

            if failure is None:
                # Derived files do not matter, nor what is read to make index files anew.
                assert disk.failures[0][1].startswith((INDEX, SNAPSHOTS))
                assert 13 == len(told)
            else:
                assert operation == failure.operation
                assert isinstance(failure.__cause__, OSError)
            disk.kill()
            crashed = disk.crash()
            expect_all(told, crashed, (operation, nth, "crash"))
            if not is_lasting:
                # In the same boot, then a loss of power.
                expect_all(told, disk, (operation, nth, "again"))
                expect_all(told, disk.crash(), (operation, nth, "again, then crash"))

        assert nth > 1

    @pytest.mark.parametrize("error", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
    def test_short_writes(self, error: int) -> None:
        """A write that is short, and then fails, is never acknowledged."""
        for nth in range(1, 30):
            for short in (0, 1, 100):
                disk = FaultyDisk(nth + short)
                disk.fail("write", nth=nth, short=short, error=error)
                told, _ = live_until_failure(disk)
                disk.kill()
                expect_all(told, disk.crash(), (nth, short))

    def test_short_write_that_goes_on(self) -> None:
        """A write that is short for a moment is continued."""
        disk = FaultyDisk()
        for nth in (5, 8, 11):
            disk.fail("write", nth=nth, short=30, times=0)
        told, failure = live_until_failure(disk)

        assert (13, None) == (len(told), failure)
        assert () == verify(STORE, disk=disk).damage

    @pytest.mark.parametrize("operation", ["write", "fdatasync"])
    def test_nothing_after_a_failure(self, operation: str) -> None:
        """After a failure nothing is written or synced any more, by anybody, until reopened."""
        disk = FaultyDisk()
        disk.fail(operation, path="jsonl", nth=4)
        live_until_failure(disk)
        at = max(k for k, (name, path) in enumerate(disk.log) if name == operation)

        assert {"close"} == {name for name, _ in disk.log[at + 1 :]}

    def test_sync_that_lies_later(self) -> None:
        """What a failed sync lost is written again on reopening, though a later sync says yes."""
        for seed in range(20):
            disk = FaultyDisk(seed)
            disk.fail("fdatasync", nth=3)
            told, failure = live_until_failure(disk)
            assert failure is not None
            seen, _ = open_again(disk)

            assert len(seen) > len(told)
            # It was shown: so it must be there, whatever the cache said.
            expect_all(seen, disk.crash(), seed)

    def test_what_is_shown_again_is_durable(self) -> None:
        """What a failed sync lost is on the disk before a journal that is opened again shows it."""

        async def shown_on(disk: FaultyDisk) -> tuple[list[StoredRecord], FaultyDisk]:
            async with writing(disk) as store:
                return await store.journal.read_all(limit=1000), disk.crash()

        for seed in range(20):
            disk = FaultyDisk(seed)
            disk.fail("fdatasync", nth=3)
            live_until_failure(disk)
            disk.kill()
            shown, left = trio.run(shown_on, disk)

            assert (seed, shown) == (seed, open_again(left)[0])

    def test_every_crash(self) -> None:
        """A crash at any step of a life keeps every acknowledged record, once, in order."""
        whole = FaultyDisk()
        trio.run(live, whole)
        for change in range(1, whole.changes + 1):
            for seed in range(4):
                disk = FaultyDisk(seed)
                disk.power_off_at(change)
                told, _ = live_until_failure(disk)
                expect_all(told, disk.crash(), (change, seed))

    def test_every_crash_of_opening(self) -> None:
        """A crash at any step of opening a torn store loses nothing; opening again mends it."""
        torn = lived(is_closed=False)
        torn.put(segment(8), torn.files()[segment(8)][:-40])
        whole = torn.copy()
        told, _ = open_again(whole)
        for change in range(1, whole.changes + 1):
            for seed in range(4):
                disk = torn.copy()
                disk.power_off_at(change)
                with pytest.raises(JournalFailed):
                    open_again(disk)
                expect_all(told, disk.crash(seed), (change, seed))

    def test_kill_at_every_step(self) -> None:
        """A killed process, whose writes the cache keeps, loses nothing either."""
        whole = FaultyDisk()
        trio.run(live, whole)
        for change in range(1, whole.changes + 1):
            disk = FaultyDisk()
            disk.power_off_at(change)
            told, _ = live_until_failure(disk)
            expect_all(told, disk.copy(), change)

    def test_control(self) -> None:
        """Without its syncs the same life does lose what was told: these tests can fail."""
        losses = 0
        for seed in range(20):
            disk = FaultyDisk(seed)
            disk.sync = False
            told, _ = live_until_failure(disk)
            try:
                expect_all(told, disk.crash(), seed)
            except (AssertionError, JournalCorrupt, NotAStore):
                losses += 1

        assert losses > 10


class TestFailing:
    async def test_everybody_is_told(self, autojump_clock: trio.testing.MockClock) -> None:
        """A failure is told to the observer first, then to both batches, then to all who come."""
        disk = FaultyDisk()
        said: list[str] = []
        with pytest.raises(JournalFailed):
            async with writing(disk) as store:
                journal = store.journal
                journal.observe(lambda records: None, lambda failure: said.append("observer"))
                disk.fail("fdatasync")
                written = store.put(a_draft("lot-1", 1))
                journal.flush_nowait()
                waiting = store.put(a_draft("lot-1", 2))
                written.when_done(lambda failure: said.append("written"))
                waiting.when_done(lambda failure: said.append("waiting"))
                with trio.move_on_after(1):
                    with pytest.raises(
                        JournalFailed, match=r"fdatasync failed on .*: check the disk"
                    ):
                        await waiting.wait()
                    said.append("waited")
                with pytest.raises(JournalFailed):
                    store.put(a_draft("lot-1", 3))
                journal.flush_nowait()
                end = await journal.scope_end("lot-1")

        # Not in the block: it fails by itself, and nobody would hear of anything else.
        assert ["observer", "written", "waiting", "waited"] == said
        assert journal.failure is waiting.failure
        assert ScopeEnd("lot-1", 0, 0) == end

    async def test_failure_at_the_end(self) -> None:
        """A failure to make the last records durable, or to close, leaves the block."""
        for operation in ("write", "fdatasync"):
            disk = FaultyDisk()
            with pytest.raises(JournalFailed, match=operation):
                async with writing(disk) as store:
                    store.put(a_draft("lot-1", 1))
                    disk.fail(operation, nth=1)
            disk = FaultyDisk()
            with pytest.raises(JournalFailed, match=operation):
                async with writing(disk) as store:
                    await store.commit(a_draft("lot-1", 1))
                    disk.fail(operation, nth=1)

    async def test_failure_keeps_the_cause(self) -> None:
        """Another error that leaves the block stays the context of the failure."""
        disk = FaultyDisk()
        with pytest.raises(JournalFailed) as failed:
            async with writing(disk) as store:
                store.put(a_draft("lot-1", 1))
                disk.fail("write")
                raise KeyError("mine")

        assert isinstance(failed.value.__context__, KeyError)

    async def test_failure_on_its_way_out(self) -> None:
        """A failure that leaves the block itself stays the same object."""
        disk = FaultyDisk()
        with pytest.raises(JournalFailed) as failed:
            async with writing(disk) as store:
                disk.fail("write")
                await store.commit(a_draft("lot-1", 1))

        assert failed.value.__context__ is None

    async def test_raising_observer(self) -> None:
        """An observer that raises fails the journal, with the error as the cause."""
        disk = FaultyDisk()
        with pytest.raises(JournalFailed, match="report this as a bug") as failed:
            async with writing(disk) as store:
                store.journal.observe(lambda records: 1 // 0, lambda failure: None)
                await store.commit(a_draft("lot-1", 1))

        assert isinstance(failed.value.__cause__, ZeroDivisionError)

    async def test_raising_twice(self) -> None:
        """An observer that raises when it is told of a failure keeps nobody else from it."""
        disk = FaultyDisk()
        with pytest.raises(JournalFailed):
            async with writing(disk) as store:
                store.journal.observe(lambda records: None, lambda failure: 1 // 0)
                disk.fail("write")
                with pytest.raises(JournalFailed):
                    await store.commit(a_draft("lot-1", 1))
                assert store.journal.failure is not None

                assert "ZeroDivisionError" in store.journal.failure.__notes__[0]

    async def test_no_thread(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A journal for which no thread can be started fails, at a commit and at the end."""

        def refuse(*args: object) -> None:
            raise RuntimeError("can't start new thread")

        for is_at_the_end in (False, True):
            with pytest.raises(JournalFailed, match="can't start new thread"):
                async with writing(FaultyDisk()) as store:
                    monkeypatch.setattr(type(store.journal._pipeline), "_in_thread", refuse)
                    if not is_at_the_end:
                        await store.commit(a_draft("lot-1", 1))
            monkeypatch.undo()

    async def test_name_of_the_next_segment_taken(self) -> None:
        """A cut never puts its new segment in the place of something else."""
        disk = FaultyDisk()
        disk.put(f"{STORE}/x")
        disk.remove(f"{STORE}/x")
        with pytest.raises(JournalFailed, match=r"rename failed on .*02.jsonl .File exists.: find"):
            async with writing(disk, segment_bytes_max=10) as store:
                await store.commit(a_draft("lot-1", 1))
                disk.put(segment(2), b"somebody's")
                await store.commit(a_draft("lot-1", 2))

        assert b"somebody's" == disk.files()[segment(2)]

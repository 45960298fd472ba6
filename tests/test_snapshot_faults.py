"""Disks that refuse to write or read snapshots: the store goes on without."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import pytest
import trio

from atomic_store import Fold, open_store
from atomic_store.errors import JournalCorrupt, JournalFailed
from atomic_store.journal import Snapshot
from atomic_store.journal.disk import Kind
from bids import Bid, lot_of
from journal_files import a_draft, open_again, segment, writing
from snapshot_stores import (
    SNAPSHOTS,
    keep,
    keeping,
    kept,
    log_path,
    newest,
    newest_on,
    state_of,
)
from test_disk import started

FAILURES: list[tuple[str, int, dict[str, Any]]] = [
    ("write", 1, {"error": errno.ENOSPC}),
    ("write", 1, {"short": 50}),
    ("write", 1, {"short": 200}),
    ("open", 1, {}),
    ("close", 1, {}),
]
"""Ways in which writing a batch of snapshots can fail."""


class TestFailure:
    @pytest.mark.parametrize(("operation", "nth", "how"), FAILURES)
    def test_writing(self, operation: str, nth: int, how: dict[str, Any]) -> None:
        """If they cannot be written, no more are, and the store goes on; what was kept counts."""
        disk = kept(3, 4)

        async def main() -> None:
            async with writing(disk) as store:
                assert await newest(store.journal) == [4, 4]
                disk.fail(operation, path=SNAPSHOTS, nth=nth, **how)
                for _ in range(3):
                    with pytest.raises(JournalFailed) as raised:
                        await keep(store, 5)
                    assert raised.value.path == log_path()
                assert store.journal.failure is None
                assert await newest(store.journal) == [4, 4]

        trio.run(main)
        assert newest_on(disk) == ([5, 5] if operation == "close" else [4, 4])
        assert len(open_again(disk)[0]) == 10

    def test_a_full_disk_gets_its_room_back(self) -> None:
        """What was half written is cut off again, so that others can have the room."""
        disk = kept(3)
        before = disk.files()[log_path()]

        async def main(*, is_stuck: bool) -> None:
            async with writing(disk) as store:
                disk.fail("write", path=SNAPSHOTS, short=50, error=errno.ENOSPC)
                if is_stuck:
                    disk.fail("ftruncate", path=SNAPSHOTS)
                with pytest.raises(JournalFailed):
                    await keep(store, 4)

        trio.run(lambda: main(is_stuck=False))
        assert disk.files()[log_path()] == before
        trio.run(lambda: main(is_stuck=True))
        assert len(disk.files()[log_path()]) == len(before) + 50
        assert newest_on(disk) == [3, 3]

    @pytest.mark.parametrize(
        ("operation", "nth"),
        [("mkdir", 1), ("stat", 1), ("open", 1), ("write", 1), ("fsync", 1), ("rename", 1)],
    )
    def test_making_the_log(self, operation: str, nth: int) -> None:
        """The same when the log cannot be made; the next life makes it."""
        disk = kept()

        async def main() -> None:
            async with writing(disk) as store:
                disk.fail(operation, path=SNAPSHOTS, nth=nth)
                with pytest.raises(JournalFailed):
                    await keep(store, 3)
                assert await newest(store.journal) == [0, 0]
                await store.commit(a_draft("lot-1", 99))

        async def again() -> None:
            async with writing(disk) as store:
                await keep(store, 5)

        trio.run(main)
        trio.run(again)
        assert newest_on(disk) == [5, 5]

    def test_reading(self) -> None:
        """What cannot be read is not there: an older one is given, or none."""
        disk = kept(3, 6)

        async def main(*faults: tuple[str, int]) -> list[int]:
            async with writing(disk) as store:
                for operation, nth in faults:
                    disk.fail(operation, path=SNAPSHOTS, nth=nth)
                return await newest(store.journal)

        # The first reading and opening are for the header, the next for looking through it.
        for fault in (
            ("list", 1),
            ("open", 1),
            ("read", 1),
            ("fstat", 1),
            ("open", 2),
            ("read", 2),
        ):
            assert trio.run(main, fault) == [0, 0], fault
        assert trio.run(main, ("open", 3)) == [3, 6]
        assert trio.run(main, ("open", 3), ("open", 3)) == [0, 6]
        assert trio.run(main) == [6, 6]

    async def test_the_records_cannot_be_read(self) -> None:
        """Where the record that vouches for a snapshot cannot be read, nothing is known of it."""
        disk = await keeping(3)
        async with writing(disk) as store:
            disk.fail("read", path="/journal/")
            assert await newest(store.journal) == [0, 3]
            assert store.journal.snapshots_skipped == 1

    async def test_the_last_record_is_damaged(self) -> None:
        """Where no record can vouch for them, no snapshots are kept."""
        disk = await keeping(3)
        async with writing(disk) as store:
            path = segment(1)
            content = disk.files()[path]
            at = content.index(b'"position":6')
            disk.put(path, content[:at] + b"x" + content[at + 1 :])
            with pytest.raises(JournalCorrupt):
                await store.journal.save_snapshots([state_of("lot-1", 2)])

    async def test_a_failed_journal(self) -> None:
        """A journal that has failed keeps no more snapshots, and still gives those it has."""
        disk = await keeping(3)
        with pytest.raises(JournalFailed):
            async with writing(disk) as store:
                disk.fail("fdatasync")
                with pytest.raises(JournalFailed):
                    await store.commit(a_draft("lot-1", 9))
                with pytest.raises(JournalFailed):
                    await store.journal.save_snapshots([state_of("lot-1", 3)])
                with pytest.raises(JournalFailed):
                    await store.journal.delete_snapshots("lot-1")
                assert await newest(store.journal) == [3, 3]

    async def test_a_log_that_is_replaced_while_it_is_written(self) -> None:
        """Something else in the place of the log stops the writing of snapshots."""
        disk = await keeping(3)
        async with writing(disk) as store:
            assert await newest(store.journal) == [3, 3]
            disk.put(log_path(), kind=Kind.OTHER)
            with pytest.raises(JournalCorrupt):
                await keep(store, 4)
            with pytest.raises(JournalFailed, match="move it away"):
                await keep(store, 4)

    async def test_states_that_are_refused(self) -> None:
        """A state that is no JSON in one line is refused, and so is a version that is none."""
        disk = await keeping(3)
        async with writing(disk) as store:
            for snapshot in (
                Snapshot("lot-1", 3, 1, b'{"a":'),
                Snapshot("lot-1", 3, 1, b'{"a":\n1}'),
                Snapshot("lot-1", 3, 0, b"1"),
                Snapshot("lot-1", 3, 10**18, b"1"),
            ):
                with pytest.raises(ValueError):
                    await store.journal.save_snapshots([snapshot])

    async def test_a_newer_record_that_is_not_durable(self) -> None:
        """A line beyond the durable records vouches for nothing, also while the store is open."""
        disk = await keeping(3)
        async with writing(disk) as store:
            assert await store.journal._commit_at(6) is not None
            assert await store.journal._commit_at(5) is not None
            assert await store.journal._commit_at(7) is None

    async def test_removing(self) -> None:
        """What cannot be removed stays, and does not matter."""
        disk = await keeping(3)
        disk.put(log_path(0), b"old")
        disk.put(f"{SNAPSHOTS}/.new-x", b"left over")
        disk.fail("unlink", times=None)
        async with writing(disk) as store:
            await keep(store, 4)
            assert await newest(store.journal) == [4, 4]


WRITER = """
import sys, trio
sys.path.insert(0, "tests")
from atomic_store import Fold, open_store
from bids import Bid, lot_of

ALL = Fold((), lambda cents, bid: (*cents, bid.cents), state_type=tuple[int, ...])

async def main(path):
    async with open_store(
        path, events=Bid, scope_of=lot_of, state=ALL, snapshot_every=1
    ) as store:
        print("open", flush=True)
        while True:
            for lot in ("a", "b", "c"):
                bid = lambda request: request.accept(Bid(lot, "ada", len(request.state)))
                result = await store.store_if_valid(Bid(lot, "ada", 0), bid)
            assert store.statistics().snapshots_error is None
            print(result.records[0].sequence, flush=True)

trio.run(main, sys.argv[1])
"""


class TestProcesses:
    async def test_kill(self, tmp_path: Path) -> None:
        """A writer that is killed while it keeps states leaves none that is wrong."""
        path = tmp_path / "auction.store"
        fold: Fold[Any, Bid] = Fold(
            (), lambda cents, bid: (*cents, bid.cents), state_type=tuple[int, ...]
        )
        used = 0
        for cycle in range(6):
            process = started(WRITER, path)
            assert process.stdout is not None
            for _ in range(5 + 7 * cycle):
                process.stdout.readline()
            process.kill()
            process.communicate()

            async with open_store(path, events=Bid, scope_of=lot_of, state=fold) as store:
                for lot in "abc":
                    count = len(await store.query_events(lot))
                    async with store.consider(Bid(lot, "ada", 0)) as request:
                        assert request.state == tuple(range(count))
                statistics = store.statistics()
                used += statistics.snapshots_used
                assert statistics.snapshots_skipped == 0
        assert used > 12

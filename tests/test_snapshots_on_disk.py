"""Snapshots in files: whatever is in these, no wrong one is given."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import attrs
import pytest
import trio

from atomic_store.errors import JournalCorrupt, JournalFailed
from atomic_store.journal.disk import Kind
from atomic_store.journal.snapshots import index as index_module
from atomic_store.journal.snapshots.keeper import SnapshotKeeper
from atomic_store.journal.snapshots.log import LogPlace
from atomic_store.journal.snapshots.witness import refuse_missing_records
from atomic_store.testing.faulty_disk import FaultyDisk
from journal_files import STORE, a_draft, open_again, writing
from snapshot_logs import with_crc
from snapshot_stores import (
    SCOPES,
    SNAPSHOTS,
    keep,
    keeping,
    kept,
    log_path,
    newest,
    newest_on,
    state_of,
)


@asynccontextmanager
async def keepers(disk: FaultyDisk) -> AsyncIterator[Any]:
    """Open a store, and give a function that makes a new keeper on another disk's log."""
    async with writing(disk, segment_bytes_max=10**6) as store:
        own = store.journal._snapshots

        def keeper_of(content: bytes) -> SnapshotKeeper:
            other = FaultyDisk()
            other.put(log_path(), content)
            place = LogPlace(other, STORE, own._place.store, own._place.history)
            # It must never refuse, and this is where opening would.
            refuse_missing_records(place, store.journal.head.position, "", 0)
            return SnapshotKeeper(
                place, store.journal._records.in_thread, own._head, own._commit_at
            )

        yield keeper_of


async def check_harmless(keeper: SnapshotKeeper) -> bool:
    """Check that a keeper gives only what was kept; whether it gives the newest of all."""
    is_whole = True
    for scope in SCOPES:
        snapshot = await keeper.load(scope, 1, 6)
        assert snapshot is None or snapshot == state_of(scope, snapshot.sequence)
        is_whole &= snapshot is not None and snapshot.sequence == 6
        assert await keeper.load(scope, 2, 6) is None
    return is_whole


class TestDamage:
    async def test_every_bit(self) -> None:
        """With any bit of the log flipped, an older state is given, or none: no wrong one."""
        disk = await keeping(3, 6)
        content = disk.files()[log_path()]
        harmed = 0
        async with keepers(disk) as keeper_of:
            assert await check_harmless(keeper_of(content))
            for bit in range(8 * len(content)):
                flipped = bytearray(content)
                flipped[bit // 8] ^= 1 << bit % 8
                harmed += not await check_harmless(keeper_of(bytes(flipped)))

        # What is harmed is the header, and the newest line of each scope.
        assert harmed > 8 * len(content) * 0.5

    async def test_every_cut(self) -> None:
        """Cut off at any byte, a log gives what is whole, and can be gone on with."""
        disk = await keeping(3, 6)
        content = disk.files()[log_path()]
        async with keepers(disk) as keeper_of:
            for end in range(len(content)):
                keeper = keeper_of(content[:end])
                await check_harmless(keeper)
                await keeper.save([state_of("lot-1", 6)])
                for other in (keeper, attrs.evolve(keeper)):
                    assert await other.load("lot-1", 1, 6) == state_of("lot-1", 6)
                    assert await other.load("lot-2", 1, 6) in (
                        None,
                        state_of("lot-2", 3),
                        state_of("lot-2", 6),
                    )

    async def test_every_byte_replaced(self) -> None:
        """The same where a byte, or all from there to the end of a sector, is zero."""
        disk = await keeping(3, 6)
        content = disk.files()[log_path()]
        async with keepers(disk) as keeper_of:
            for at in range(len(content)):
                await check_harmless(keeper_of(content[:at] + b"\0" + content[at + 1 :]))
                zeros = min(512 - at % 512, len(content) - at)
                await check_harmless(keeper_of(content[:at] + bytes(zeros) + content[at + zeros :]))

    async def test_moved_lines(self) -> None:
        """Lines that are doubled, missing or in another order are harmless."""
        disk = await keeping(3, 6)
        header, *lines = disk.files()[log_path()].splitlines(keepends=True)
        async with keepers(disk) as keeper_of:
            assert await check_harmless(keeper_of(b"".join([header, *reversed(lines)])))
            assert await check_harmless(keeper_of(b"".join([header, *lines, *lines])))
            assert not await check_harmless(keeper_of(b"".join([header, *lines[:2]])))
            assert not await check_harmless(keeper_of(b"".join(lines)))

    def test_deleted(self) -> None:
        """Without the files everything is there but what they saved; they come again."""
        disk = kept(3, 6)
        disk.remove(log_path())
        assert newest_on(disk) == [0, 0]
        disk.remove(SNAPSHOTS)
        records, _ = open_again(disk)
        assert len(records) == 12

        async def main() -> None:
            async with writing(disk) as store:
                await keep(store, 7)

        trio.run(main)
        assert newest_on(disk) == [7, 7]


class TestForeign:
    def test_without_store_json(self) -> None:
        """A store with snapshots that lacks its store.json is damaged, not something else."""
        disk = kept(3)
        disk.remove(f"{STORE}/store.json")
        with pytest.raises(JournalCorrupt):
            newest_on(disk)

    def test_another_store(self) -> None:
        """The log of another store is not used; a new one takes its place."""
        disk = kept(3)
        disk.put(log_path(), kept(3).files()[log_path()])
        assert newest_on(disk) == [0, 0]

        async def main() -> None:
            async with writing(disk) as store:
                await keep(store, 4)

        trio.run(main)
        assert newest_on(disk) == [4, 4]
        assert [path for path in disk.files() if path.startswith(SNAPSHOTS)] == [log_path(2)]

    @pytest.mark.parametrize(
        ("member", "value"), [("history", "0198c0de"), ("format", 2), ("snapshots", 2), ("new", 1)]
    )
    def test_another_header(self, member: str, value: object) -> None:
        """Nor is a log from before a restore, of a later version, or under another's name."""
        disk = kept(3)
        header, _, lines = disk.files()[log_path()].partition(b"\n")
        parsed = json.loads(header)
        parsed[member] = value
        parsed["crc"] = parsed.pop("crc")
        other = with_crc(json.dumps(parsed, separators=(",", ":")).encode())
        assert other != header
        disk.put(log_path(), other + b"\n" + lines)

        assert newest_on(disk) == [0, 0]

    def test_an_older_log_that_is_usable(self) -> None:
        """If the newest log cannot be used, the one before it is, if it is still there."""
        disk = kept(3)
        disk.put(log_path(2), b"garbage")
        disk.put(log_path(3), kind=Kind.DIRECTORY)
        disk.put(f"{SNAPSHOTS}/notes.txt", b"mine")
        assert newest_on(disk) == [3, 3]

    @pytest.mark.parametrize("kind", [Kind.FILE, Kind.LINK, Kind.OTHER])
    def test_something_else_in_its_place(self, kind: Kind) -> None:
        """Where no directory of snapshots can be, there are none, and the store goes on."""
        disk = kept()
        disk.put(SNAPSHOTS, kind=kind)

        async def main() -> None:
            async with writing(disk) as store:
                assert await newest(store.journal) == [0, 0]
                with pytest.raises(JournalFailed):
                    await keep(store, 3)
                await store.commit(a_draft("lot-1", 99))

        trio.run(main)
        assert newest_on(disk) == [0, 0]

    def test_another_version_of_the_fold(self) -> None:
        """States that another version of the fold made do not count."""
        assert newest_on(kept(3, 6), version=2) == [0, 0]

    def test_the_files_of_another_branch(self) -> None:
        """States that were kept beside a copy of the journal that went another way do not count."""
        disk = kept(3)
        other = disk.copy()

        async def main(there: FaultyDisk, lot: str) -> None:
            async with writing(there) as store:
                await store.commit(a_draft(lot, 77))
                await keep(store, 5)

        trio.run(main, disk, "lot-1")
        trio.run(main, other, "lot-2")
        disk.put(log_path(), other.files()[log_path()])

        # What was kept before they parted counts.
        assert newest_on(disk) == [3, 3]


class TestKeeper:
    async def test_many_at_once(self) -> None:
        """However many ask first, the log is looked through once."""
        disk = await keeping(3)
        async with writing(disk) as store, trio.open_nursery() as nursery:
            before = disk.log.count(("list", SNAPSHOTS))
            for _ in range(5):
                nursery.start_soon(newest, store.journal)
        assert disk.log.count(("list", SNAPSHOTS)) == before + 1

    async def test_equal_hashes(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Scopes with the same hash push each other out, but are not given what is not theirs."""
        monkeypatch.setattr(index_module, "_key", lambda scope, version: 5)
        disk = await keeping(3)
        async with writing(disk) as store:
            assert await newest(store.journal) == [0, 3]
            assert await store.journal.load_snapshot("lot-3", version=1) is None
            assert await store.journal.load_snapshot("lot-1", version=2) is None
            assert await newest(store.journal) == [0, 3]
            assert store.journal.snapshots_skipped == 0

"""What repair reads around, where it finds whose store it is, and what it refuses."""

from __future__ import annotations

import errno

import pytest

from atomic_store.errors import JournalCorrupt, NotAStore, StoreLocked, TargetRefused
from atomic_store.journal.creating import read_identity
from atomic_store.journal.disk import Access, Kind
from atomic_store.journal.line import StoreLine, store_line, with_crc
from atomic_store.safekeeping import backup, repair
from atomic_store.testing.faulty_disk import FaultyDisk
from followed_journals import records_in
from journal_files import (
    LAST,
    SEGMENT_BYTES_MAX,
    STORE,
    lived,
    open_again,
    segment,
)
from kept_safe import TARGET, without_places
from repaired_stores import NAMES, kept_of, place_of, repaired, spoil


class TestReading:
    def test_bad_blocks(self) -> None:
        """Where the disk gives an error, what lies around it is read, and the block is told."""
        disk = lived(is_closed=True)
        before = records_in(STORE, disk)
        path, at = place_of(disk, 7)
        bad = _Failing(disk, path, at + 20)
        done = repair(STORE, TARGET, disk=bad, segment_bytes_max=SEGMENT_BYTES_MAX)  # type: ignore[arg-type]
        records = records_in(TARGET, disk)

        assert kept_of(before, set(range(6, 9))) == without_places(records)
        assert any("an error: Input/output error" in damage.found for damage in done.damage)

    def test_a_bad_block_at_the_end_is_not_torn(self) -> None:
        """A tail that cannot be read was not left by a crash: it is told, and counts."""
        disk = lived(is_closed=False)
        path, at = place_of(disk, 10)
        bad = _Failing(disk, path, at + 20, block_bytes=at)
        done = repair(STORE, TARGET, disk=bad)  # type: ignore[arg-type]

        assert done.missing
        assert done.file is not None

    def test_a_long_stretch_without_a_newline(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """What is too long to be a line is passed by in pieces."""
        monkeypatch.setattr("atomic_store.safekeeping.repairing.LINE_BYTES_MAX", 500)
        monkeypatch.setattr("atomic_store.safekeeping.repairing.CHUNK_BYTES", 100)
        disk = lived(is_closed=True)
        path, at = place_of(disk, 7)
        content = disk.files()[path]
        disk.put(path, content[:at] + b"y" * 2_000 + b"\n" + content[at:])
        done, records = repaired(disk)

        assert (13, 0) == (len(records), done.missing)
        assert len(done.told) > 2


class _Failing:
    """A disk on which one place of one file cannot be read."""

    def __init__(self, disk: FaultyDisk, path: str, at: int, block_bytes: int = 0) -> None:
        self.disk, self.path, self.at = disk, path, at
        self.begin = block_bytes

    def __getattr__(self, name: str) -> object:
        return getattr(self.disk, name)

    def pread(self, file: int, size: int, offset: int) -> bytes:
        """Read, but not across the bad place."""
        if self.disk._open[file][1] == self.path and offset <= self.at < offset + size:
            raise OSError(errno.EIO, "Input/output error")
        return self.disk.pread(file, size, offset)


class TestIdentity:
    def test_without_store_json(self) -> None:
        """Whose store it is, headers tell as well; if nothing does, it gets a new id."""
        disk = lived(is_closed=True)
        store = read_identity(disk, STORE).store
        for content in (b"{}\n", None):
            if content is None:
                disk.remove(f"{STORE}/store.json")
            else:
                disk.put(f"{STORE}/store.json", content)
            done, records = repaired(disk)

            assert (store, 13) == (done.store, len(records))
        for name in NAMES:
            spoil(disk, segment(name), 5)
        done, records = repaired(disk)

        assert 13 == len(records)
        assert store != done.store
        assert ("Nothing tells the store's id: it has a new one.",) == done.notes[-1:]

    def test_a_backup(self) -> None:
        """A damaged backup is repaired like a store, and is one then."""
        disk = lived(is_closed=True)
        backup(STORE, "/b", disk=disk)
        spoil(disk, segment(6).replace(STORE, "/b"), 600)
        done = repair("/b", TARGET, disk=disk)

        assert not read_identity(disk, TARGET).backup
        assert done.missing == 1

    def test_a_later_format(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A store, or a segment, of a later format is not repaired, however damaged."""
        disk = lived(is_closed=True)
        body = disk.files()[segment(6)].partition(b"\n")[0][: -len(',"crc":"00000000"}')]
        later = with_crc(body.replace(b'"format":1', b'"format":2'))
        disk.put(segment(6), later + disk.files()[segment(6)].partition(b"\n")[2])
        with pytest.raises(NotAStore, match="is of format 2"):
            repair(STORE, TARGET, disk=disk)
        # Where there is much damage, it is only met when the rest is read.
        monkeypatch.setattr("atomic_store.journal.verify.DAMAGE_MAX", 1)
        spoil(disk, segment(1), 300)
        with pytest.raises(NotAStore, match="is of format 2"):
            repair(STORE, TARGET, disk=disk)
        disk.put(f"{STORE}/store.json", store_line(StoreLine(2, "x", "y", "z")))
        with pytest.raises(NotAStore):
            repair(STORE, TARGET, disk=disk)

    def test_no_journal(self) -> None:
        """Where there is nothing to be repaired, nothing is made."""
        disk = lived(is_closed=True)
        disk.remove(f"{STORE}/journal")
        with pytest.raises(JournalCorrupt):
            repair(STORE, TARGET, disk=disk)

        assert disk.kind(TARGET) is Kind.NOTHING


class TestRefusals:
    def test_a_live_writer(self) -> None:
        """A store that is open for writing is refused, with who has it; the lock is not touched."""
        disk = lived(is_closed=True)
        lock = disk.open(f"{STORE}/lock", Access.LOCK)
        assert disk.lock(lock)
        before = disk.files()
        with pytest.raises(StoreLocked, match=r"/shop.store/lock is locked by this process"):
            repair(STORE, TARGET, disk=disk)
        assert before == disk.files()
        disk.close(lock)
        repair(STORE, TARGET, disk=disk)

        assert before == {p: c for p, c in disk.files().items() if not p.startswith(TARGET)}
        # It is free again.
        assert 13 == len(open_again(disk)[0])

    def test_without_a_lock_file(self) -> None:
        """A copy of a store that has no lock file is repaired, and does not get one."""
        disk = lived(is_closed=True)
        disk.remove(f"{STORE}/lock")
        repair(STORE, TARGET, disk=disk)

        assert f"{STORE}/lock" not in disk.files()

    def test_a_lock_that_is_no_file(self) -> None:
        """Something else in the place of the lock is told."""
        disk = lived(is_closed=True)
        disk.put(f"{STORE}/lock", kind=Kind.OTHER)
        with pytest.raises(JournalCorrupt, match="expected a regular file"):
            repair(STORE, TARGET, disk=disk)

    def test_targets(self) -> None:
        """The target is a new directory, outside of the source."""
        disk = lived(is_closed=True)
        disk.put("/taken/file")
        for target in ("/taken", STORE, f"{STORE}/repaired"):
            with pytest.raises(TargetRefused):
                repair(STORE, target, disk=disk)

    def test_too_much_damage_to_tell(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """However much damage there is, all of it is in the file; nothing is taken for torn."""
        for name in ("repairing.DAMAGE_MAX", "repairing.TOLD_MAX"):
            monkeypatch.setattr(f"atomic_store.safekeeping.{name}", 1)
        monkeypatch.setattr("atomic_store.safekeeping.left_out._BUFFER_BYTES", 1)
        monkeypatch.setattr("atomic_store.journal.verify.DAMAGE_MAX", 1)
        disk = lived(is_closed=False)
        disk.put(LAST, disk.files()[LAST][:-30])
        path, at = place_of(disk, 1)
        spoil(disk, path, at + 150)
        done, _ = repaired(disk)

        assert 1 == len(done.told)
        assert done.file is not None
        assert disk.files()[done.file].count(b"\n") > 5

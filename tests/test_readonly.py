"""Reading a store without its lock."""

from __future__ import annotations

import pytest

from atomic_store.errors import JournalCorrupt, JournalFailed, NotAStore
from atomic_store.journal.line import StoreLine, next_value, store_line
from atomic_store.journal.readonly import list_scopes, read_records
from atomic_store.journal.verify import Damage, verify
from atomic_store.testing.faulty_disk import FaultyDisk
from journal_files import (
    JOURNAL,
    STORE,
    lived,
    segment,
)


def changed(path: str, old: bytes, new: bytes, *, is_closed: bool = True) -> FaultyDisk:
    """A small store in which some bytes were replaced."""
    disk = lived(is_closed=is_closed)
    content = disk.files()[path]
    assert 1 == content.count(old)
    disk.put(path, content.replace(old, new))
    return disk


def lines_of(disk: FaultyDisk, path: str) -> list[bytes]:
    """A file's lines, with their newlines."""
    return disk.files()[path].splitlines(keepends=True)


class TestReading:
    def test_after(self) -> None:
        """Records behind a position are read from the segment that holds the next one."""
        disk = lived(is_closed=True)
        for after in range(15):
            disk.log.clear()
            records = list(read_records(STORE, after=after, disk=disk))

            assert [*range(after + 1, 14)] == [record.position for record in records]
        assert segment(9) not in {path for _, path in disk.log}

    def test_torn(self) -> None:
        """Reading ends with the last closed commit."""
        disk = lived(is_closed=False)
        disk.put(segment(8), disk.files()[segment(8)][:-1])

        assert [*range(1, 8)] == [r.position for r in read_records(STORE, disk=disk)]

    def test_being_cut(self) -> None:
        """A segment that is just being cut ends the reading, without an error."""
        disk = lived(is_closed=False)
        content = disk.files()[segment(5)]
        disk.put(segment(5), content[: content.index(b'{"cut"') + 20])
        header = lines_of(disk, segment(8))[0]
        disk.put(segment(8), header)

        assert [*range(1, 8)] == [r.position for r in read_records(STORE, disk=disk)]

    def test_damage(self) -> None:
        """What lies before damage is read, then it is raised."""
        disk = changed(segment(11), b'"cents":900', b'"cents":901')
        records = read_records(STORE, disk=disk)

        assert [*range(1, 11)] == [next(records).position for _ in range(10)]
        with pytest.raises(JournalCorrupt, match="line 2"):
            next(records)

    def test_scopes(self) -> None:
        """Scopes are listed by code point, each with where it ends."""
        scopes = list_scopes(STORE, disk=lived(is_closed=True))

        assert [('"ö"', 1, 5), ("lot-1", 8, 13), ("lot-2", 4, 11)] == [
            (end.scope, end.sequence, end.position) for end in scopes
        ]
        assert all(len(end.at) == 27 for end in scopes)

    def test_damage_values(self) -> None:
        """A finding without a line number says where it is without one."""
        assert "a, offset 1: expected b, found c" == str(Damage("a", 1, None, "b", "c"))
        assert next_value("x", b"ab") == next_value("x", b"a", b"b")


class TestRefused:
    def test_no_store(self) -> None:
        """What is no store, or one of a later format, is no damage."""
        begun = FaultyDisk()
        begun.put(f"{JOURNAL}/.new-x")
        with pytest.raises(NotAStore, match="with no records in it"):
            verify(STORE, disk=begun)
        for check in (verify, lambda path, disk: list(read_records(path, disk=disk))):
            with pytest.raises(NotAStore, match="expected a store"):
                check("/nowhere", disk=FaultyDisk())
            disk = lived(is_closed=True)
            disk.put(f"{STORE}/store.json", store_line(StoreLine(2, "x", "y", "z")))
            with pytest.raises(NotAStore, match="format 2"):
                check(STORE, disk=disk)

    def test_disk_errors(self) -> None:
        """A disk that refuses to be read is no damage either."""
        for operation in ("open", "read", "list", "fstat", "stat"):
            disk = lived(is_closed=True)
            disk.fail(operation, path="journal")
            with pytest.raises(JournalFailed, match=f"{operation} failed"):
                verify(STORE, disk=disk)

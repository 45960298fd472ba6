"""What `verify` refuses: no damage, but nothing that could be checked."""

from __future__ import annotations

import pytest

from atomic_store.errors import JournalFailed, NotAStore
from atomic_store.journal.line import StoreLine, next_value, store_line
from atomic_store.journal.verify import Damage, verify
from atomic_store.testing.faulty_disk import FaultyDisk
from journal_files import JOURNAL, STORE, lived


def test_no_store() -> None:
    """What is no store, or one of a later format, is no damage."""
    begun = FaultyDisk()
    begun.put(f"{JOURNAL}/.new-x")
    with pytest.raises(NotAStore, match="with no records in it"):
        verify(STORE, disk=begun)
    with pytest.raises(NotAStore, match="expected a store"):
        verify("/nowhere", disk=FaultyDisk())
    disk = lived(is_closed=True)
    disk.put(f"{STORE}/store.json", store_line(StoreLine(2, "x", "y", "z")))
    with pytest.raises(NotAStore, match="format 2"):
        verify(STORE, disk=disk)


def test_disk_errors() -> None:
    """A disk that refuses to be read is no damage either."""
    for operation in ("open", "read", "list", "fstat", "stat"):
        disk = lived(is_closed=True)
        disk.fail(operation, path="journal")
        with pytest.raises(JournalFailed, match=f"{operation} failed"):
            verify(STORE, disk=disk)


def test_damage_values() -> None:
    """A finding without a line number says where it is without one."""
    assert "a, offset 1: expected b, found c" == str(Damage("a", 1, None, "b", "c"))
    assert next_value("x", b"ab") == next_value("x", b"a", b"b")

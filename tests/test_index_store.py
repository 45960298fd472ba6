"""The files in index/, one by one."""

from __future__ import annotations

import errno

import pytest

from atomic_store.journal.disk import Kind
from atomic_store.journal.index_file import IndexDamaged
from atomic_store.journal.index_store import IndexStore, Stretch
from atomic_store.testing.faulty_disk import FaultyDisk
from index_files import HISTORY, STORE, file_of, run_of
from journal_files import INDEX
from journal_files import STORE as PATH

RUN = run_of([(f"lot-{k % 3}", 1, 1, None) for k in range(9)])
IMAGE = file_of(RUN)
OTHER = file_of(run_of([("lot-9", 1, 1, None)]))


def name(number: int) -> str:
    """A file's name."""
    return f"{number:020}.idx"


def store_on(disk: FaultyDisk, *, is_writer: bool = True) -> IndexStore:
    """The index files of a store on a disk."""
    store = IndexStore(disk, PATH, STORE, HISTORY)
    store.is_writer = is_writer
    return store


def disk_with(*numbers: int, image: bytes = IMAGE) -> FaultyDisk:
    """A disk with a store's directory, and as many index files."""
    disk = FaultyDisk()
    disk.put(f"{PATH}/store.json")
    for number in numbers:
        disk.put(f"{INDEX}/{name(number)}", image)
    return disk


def opened_files(disk: FaultyDisk) -> list[str]:
    """The files that are open."""
    return [path for _, path, _ in disk._open.values()]


class TestReading:
    def test_names(self) -> None:
        """Files are listed by what they are called."""
        disk = disk_with(1, 2)
        disk.put(f"{INDEX}/.new-{name(3)}")
        disk.put(f"{INDEX}/notes")

        assert {name(1), name(2)} == store_on(disk).names()
        assert set() == store_on(disk_with()).names()

    def test_names_that_cannot_be_said(self) -> None:
        """Where the directory cannot be listed there are none; why is kept."""
        for operation in ("list", "stat"):
            disk = disk_with(1)
            store = store_on(disk)
            disk.fail(operation, error=errno.EACCES)
            assert set() == store.names()
            assert store.error is not None
            assert f"{operation} failed on {INDEX}" in store.error

    def test_every_bit_of_what_it_is_about(self) -> None:
        """A file is not used if a single bit of its first page is another one."""
        disk = disk_with(1)
        store = store_on(disk)
        for offset in [*range(250), 4000, *range(4092, 4096)]:
            for bit in range(8):
                flipped = bytearray(IMAGE)
                flipped[offset] ^= 1 << bit
                disk.put(f"{INDEX}/{name(1)}", bytes(flipped))

                assert store.stretch(name(1)) is None
        assert [] == opened_files(disk)

    def test_few_are_open(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """So many files are open, those that were asked last."""
        monkeypatch.setattr("atomic_store.journal.index_store.FILES_OPEN_MAX", 2)
        disk = disk_with(1, 2, 3)
        store = store_on(disk)
        stretches = [store.stretch(name(number)) for number in (1, 2, 1, 3)]

        assert None not in stretches
        assert [f"{INDEX}/{name(1)}", f"{INDEX}/{name(3)}"] == opened_files(disk)
        store.close()
        assert [] == opened_files(disk)

    def test_another_file(self) -> None:
        """A file that is not the one that it was is damaged, whatever it is now."""
        disk = disk_with(1)
        store = store_on(disk)
        stretch = store.stretch(name(1))
        assert stretch is not None
        assert store.reader(stretch) is store.reader(stretch)
        for content in (OTHER, IMAGE[:8] + b"\2" + IMAGE[9:], b"", b"x" * 5000):
            store.forget(name(1))
            disk.put(f"{INDEX}/{name(1)}", content)
            with pytest.raises(IndexDamaged):
                store.reader(stretch)
            with pytest.raises(IndexDamaged):
                store.own_reader(stretch)

    def test_same_file_again(self) -> None:
        """One with the same bytes is as good."""
        disk = disk_with(1)
        store = store_on(disk)
        stretch = store.stretch(name(1))
        assert stretch is not None
        store.forget(name(1))
        disk.put(f"{INDEX}/{name(1)}", IMAGE)

        assert stretch.header == store.reader(stretch).header
        assert stretch.header == store.own_reader(stretch).header

    def test_own_reader_is_checked(self) -> None:
        """A reader of one's own is only given of a file that is right to its end."""
        disk = disk_with(1)
        store = store_on(disk)
        stretch = store.stretch(name(1))
        assert stretch is not None
        disk.put(f"{INDEX}/{name(1)}", IMAGE[:-1] + b"x")
        with pytest.raises(IndexDamaged, match="page 4: the checksum is not right"):
            store.own_reader(stretch)


class TestWriting:
    def test_saved(self) -> None:
        """A file is written under another name first, and then not kept in memory."""
        disk = disk_with()
        store = store_on(disk)
        stretch = store.save(name(1), IMAGE)

        assert Stretch(store.reader(stretch).header, name(1)) == stretch
        assert {f"{INDEX}/{name(1)}": IMAGE}.items() <= disk.files().items()
        assert ("rename", f"{INDEX}/{name(1)}") in disk.log
        assert {} == store._images

    def test_not_before_it_may(self) -> None:
        """Until it may write, files are kept in memory; then they are written."""
        disk = disk_with()
        store = store_on(disk, is_writer=False)
        stretch = store.save(name(1), IMAGE)
        store.remove(name(2))
        assert stretch.header == store.reader(stretch).header
        assert [f"{PATH}/store.json"] == [*disk.files()]
        store.begin_writing()

        assert IMAGE == disk.files()[f"{INDEX}/{name(1)}"]

    @pytest.mark.parametrize("operation", ["stat", "mkdir", "open", "write", "rename", "unlink"])
    def test_refused(self, operation: str) -> None:
        """What cannot be written serves from memory, and is written with the next one."""
        disk = disk_with()
        disk.put(f"{INDEX}/.new-{name(1)}") if operation == "unlink" else None
        store = store_on(disk)
        disk.fail(operation, times=None, error=errno.ENOSPC)
        stretch = store.save(name(1), IMAGE)
        assert stretch.header == store.reader(stretch).header
        assert IMAGE == store._images[name(1)]
        assert store.error is not None
        assert f"{operation} failed on {INDEX}" in store.error
        disk._faults.clear()
        store.save(name(2), IMAGE)

        assert {name(1), name(2)} == store.names()
        assert {} == store._images
        assert [] == [path for path in disk.files() if "/.new-" in path]

    def test_one_that_hinders_no_other(self) -> None:
        """A file that can never be written keeps no other one from it."""
        disk = disk_with()
        disk.put(f"{INDEX}/.new-{name(1)}", kind=Kind.DIRECTORY)
        disk.fail("unlink", path=name(1), times=None)
        store = store_on(disk)
        store.save(name(1), IMAGE)
        store.save(name(2), IMAGE)

        assert {name(2)} == store.names()
        assert [name(1)] == [*store._images]

    def test_kept(self) -> None:
        """A file whose disk gives nothing back is written and stays in memory."""
        disk = disk_with()
        store = store_on(disk)
        stretch = store.save(name(1), IMAGE, keep=True)
        disk.fail("read", times=None)

        assert IMAGE == disk.files()[f"{INDEX}/{name(1)}"]
        assert stretch.header == store.reader(stretch).header
        store.save(name(2), IMAGE)
        assert [name(1)] == [*store._images]

    def test_removed(self) -> None:
        """A file that is removed is closed first; one that is gone already is no trouble."""
        disk = disk_with(1)
        store = store_on(disk)
        store.stretch(name(1))
        store.remove(name(1))
        store.remove(name(1))

        assert (set(), None, []) == (store.names(), store.error, opened_files(disk))

    def test_removing_is_refused(self) -> None:
        """One that cannot be removed stays, and why is kept."""
        disk = disk_with(1)
        store = store_on(disk)
        disk.fail("unlink", error=errno.EACCES)
        store.remove(name(1))

        assert {name(1)} == store.names()
        assert store.error is not None
        assert "unlink failed" in store.error

    def test_closed(self) -> None:
        """When it is closed nothing stays open and nothing is written, but all is answered."""
        disk = disk_with(1)
        store = store_on(disk)
        stretch = store.stretch(name(1))
        assert stretch is not None
        store.close()
        store.close()
        assert stretch.header == store.reader(stretch).header
        assert store.stretch(name(7)) is None
        later = store.save(name(2), IMAGE)
        store.remove(name(1))

        assert later.header == store.reader(later).header
        assert [] == opened_files(disk)
        assert {name(1)} == store.names()

"""The disk in memory: what it forgets, what it keeps, and how it fails."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from atomic_store.journal.disk import Access, Kind, NotAFile
from atomic_store.testing.faulty_disk import FaultyDisk


def written(disk: FaultyDisk, path: str, content: bytes, *, sync: bool = False) -> int:
    """Make a file with some bytes; give its descriptor."""
    file = disk.open(path, Access.NEW)
    assert len(content) == disk.pwrite(file, content, 0)
    if sync:
        disk.fsync(file)
        disk.fsync_directory(path.rpartition("/")[0] or "/")
    return file


class TestCrash:
    def test_synced(self) -> None:
        """What was synced survives every crash, its name included."""
        disk = FaultyDisk()
        written(disk, "/a", b"x" * 2000, sync=True)

        assert all({"/a": b"x" * 2000} == disk.crash(seed).files() for seed in range(30))

    def test_unsynced(self) -> None:
        """Of what was not synced any sectors, sizes and names survive: all, some, none."""
        disk = FaultyDisk()
        file = written(disk, "/a", b"x" * 100, sync=True)
        disk.pwrite(file, b"y" * 1900, 100)
        left = [disk.crash(seed).files()["/a"] for seed in range(200)]

        assert all(content[:100] == b"x" * 100 for content in left)
        assert {100, 2000} < {len(content) for content in left}
        assert b"x" * 100 + b"y" * 1900 in left
        assert any(bytes(412) in content for content in left)
        assert any(content[512:1024] == bytes(512) and content[-1:] == b"y" for content in left)

    def test_unsynced_names(self) -> None:
        """A new or renamed file that was not synced into its directory may be missing."""
        disk = FaultyDisk()
        disk.mkdir("/d")
        disk.fsync_directory("/")
        written(disk, "/d/a", b"x", sync=True)
        disk.rename("/d/a", "/d/b")
        left = {tuple(disk.crash(seed).files()) for seed in range(50)}

        assert {("/d/a",), ("/d/b",)} == left

    def test_removed_names(self) -> None:
        """A name that was taken away may come back, until the directory is synced."""
        disk = FaultyDisk()
        written(disk, "/a", b"x", sync=True)
        disk.unlink("/a")
        assert {} == disk.files()
        assert {(), ("/a",)} == {tuple(disk.crash(seed).files()) for seed in range(20)}

        disk.fsync_directory("/")
        assert all({} == disk.crash(seed).files() for seed in range(20))

    def test_truncated(self) -> None:
        """A file that was cut off may come back longer."""
        disk = FaultyDisk()
        file = written(disk, "/a", b"x" * 1000, sync=True)
        disk.ftruncate(file, 10)
        left = {len(disk.crash(seed).files()["/a"]) for seed in range(50)}

        assert {10, 1000} <= left
        disk.fsync(file)
        assert 10 == len(disk.crash().files()["/a"])
        disk.ftruncate(file, 20)
        assert b"x" * 10 + bytes(10) == disk.files()["/a"]

    def test_same_seed(self) -> None:
        """The same seed gives the same crash."""
        disk = FaultyDisk()
        written(disk, "/a", b"xy" * 5000)

        assert disk.crash(7).files() == disk.crash(7).files()

    def test_kill(self) -> None:
        """A process that ends loses nothing, and gives its locks back."""
        disk = FaultyDisk()
        file = written(disk, "/a", b"x")
        assert disk.lock(file)
        other = disk.open("/a", Access.READ)
        assert not disk.lock(other)
        disk.kill()

        assert {"/a": b"x"} == disk.files()
        assert disk.lock(disk.open("/a", Access.READ))


class TestFaults:
    def test_nth(self) -> None:
        """The n-th call fails, on the paths that were named, as often as was said."""
        disk = FaultyDisk()
        file = written(disk, "/a", b"")
        other = written(disk, "/b", b"")
        disk.fail("write", path="/a", nth=2, times=2, error=errno.ENOSPC)
        disk.pwrite(other, b"x", 0)
        disk.pwrite(file, b"x", 0)
        for _ in range(2):
            with pytest.raises(OSError, match="No space left"):
                disk.pwrite(file, b"x", 0)
        disk.pwrite(file, b"x", 0)

    def test_short_and_no_failure(self) -> None:
        """A write may be short once, and none fail."""
        disk = FaultyDisk()
        file = written(disk, "/a", b"")
        disk.fail("write", nth=2, short=2, times=0)

        assert [4, 2, 4] == [disk.pwrite(file, b"abcd", 0) for _ in range(3)]
        assert [] == disk.failures

    def test_short(self) -> None:
        """A short write is told as such; the one after it fails."""
        disk = FaultyDisk()
        file = written(disk, "/a", b"")
        disk.fail("write", short=2)

        assert 2 == disk.pwrite(file, b"abc", 0)
        with pytest.raises(OSError, match="Input/output error"):
            disk.pwrite(file, b"c", 2)
        assert b"ab" == disk.files()["/a"]

    def test_sync_that_lies(self) -> None:
        """After a failed sync the cache shows what no later sync brings to the disk."""
        disk = FaultyDisk()
        file = written(disk, "/a", b"old", sync=True)
        disk.pwrite(file, b"new", 0)
        disk.fail("fsync")
        with pytest.raises(OSError, match="Input/output error"):
            disk.fsync(file)
        disk.fsync(file)

        assert b"new" == disk.files()["/a"]
        assert all(b"old" == disk.crash(seed).files()["/a"] for seed in range(20))
        disk.pwrite(file, b"new", 0)
        disk.fsync(file)
        assert b"new" == disk.crash().files()["/a"]

    def test_power_off(self) -> None:
        """From a change on, everything fails; what failed then changes nothing."""
        disk = FaultyDisk()
        disk.power_off_at(3)
        file = written(disk, "/a", b"x")
        for operation in (disk.fsync, disk.fdatasync, disk.size):
            with pytest.raises(OSError, match="the power is off"):
                operation(file)
        with pytest.raises(OSError, match="the power is off"):
            disk.list_directory("/")

    def test_mended(self) -> None:
        """Mended, nothing fails any more; a sync that failed has still lost what it was for."""
        disk = FaultyDisk()
        file = written(disk, "/a", b"old", sync=True)
        disk.pwrite(file, b"new", 0)
        disk.fail("fsync", times=None)
        with pytest.raises(OSError, match="Input/output error"):
            disk.fsync(file)
        disk.power_off_at(disk.changes)
        assert (True, ["/a"]) == (disk.is_off, disk.open_files)

        disk.mend()
        disk.fsync(file)
        disk.close(file)

        assert (False, [], []) == (disk.is_off, disk.open_files, disk.failures)
        assert {"/a": b"new"} == disk.files()
        assert {"/a": b"old"} == disk.crash(1).files()

    def test_no_sync(self) -> None:
        """A disk that never syncs says that it does."""
        disk = FaultyDisk()
        disk.sync = False
        written(disk, "/a", b"x", sync=True)

        assert {} in [disk.crash(seed).files() for seed in range(20)]


class TestFiles:
    def test_errors(self) -> None:
        """It refuses what a real disk refuses."""
        disk = FaultyDisk()
        written(disk, "/a", b"")
        disk.put("/link", kind=Kind.LINK)
        disk.mkdir("/d")
        for error, call in (
            (FileExistsError, lambda: disk.open("/a", Access.NEW)),
            (FileExistsError, lambda: disk.mkdir("/d")),
            (FileNotFoundError, lambda: disk.open("/b", Access.READ)),
            (FileNotFoundError, lambda: disk.unlink("/b")),
            (IsADirectoryError, lambda: disk.unlink("/d")),
            (FileNotFoundError, lambda: disk.list_directory("/b")),
            (NotADirectoryError, lambda: disk.list_directory("/a")),
            (NotAFile, lambda: disk.open("/link", Access.READ)),
            (NotAFile, lambda: disk.open("/d", Access.READ)),
            (OSError, lambda: disk.pwrite(disk.open("/a", Access.READ), b"", 0)),
        ):
            with pytest.raises(error):
                call()
        kinds = [disk.kind(path) for path in ("/", "/a", "/d", "/link", "/b", "/b/c")]

        assert [
            Kind.DIRECTORY, Kind.FILE, Kind.DIRECTORY, Kind.LINK, Kind.NOTHING, Kind.NOTHING,
        ] == kinds  # fmt: skip

    def test_real_directories(self, tmp_path: Path) -> None:
        """Its files go to a real directory and come back."""
        disk = FaultyDisk()
        disk.put("/a/b", b"x")
        disk.put("/c", b"y")
        disk.export_to(tmp_path)

        assert disk.files() == FaultyDisk.imported_from(tmp_path).files() == disk.copy().files()

    def test_paths(self) -> None:
        """Paths are made absolute from the root."""
        disk = FaultyDisk()

        assert ["/a", "/b", "/a/c"] == [disk.resolve(p) for p in ("a", "/a/../b", Path("a/c"))]
        assert not disk.uses_threads
        assert (1, "here") == disk.process()
        assert disk.is_running(1)

"""
A disk in memory that fails, lies and forgets on demand.

It knows what a real one knows: which bytes, sizes and names are durable and which are
only in the cache. `crash` gives a new disk with what survives a loss of power: all that
was synced, and of the rest whatever a seeded generator picks. It is synchronous and
has no threads, so a run is repeated exactly by its seed.

What it must be possible to survive on it: any operation that fails, once or for good;
writes that are short; a crash before any operation, after which any of the unsynced
512-byte sectors, sizes and names are there and the others are not; a failed sync after
which the cache shows what the disk never gets, and later syncs say that all is well.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import final

import attrs

from ..journal.disk import Access, Kind, NotAFile
from .cached_files import CachedDirectory, CachedFile
from .disk_fault import DiskFault


@final
@attrs.define(eq=False)
class FaultyDisk:
    """
    A `Disk` in memory, for tests.

    Operations are named as errors name them: open, read, write, fstat, ftruncate,
    fdatasync, fsync (of files and directories), rename, unlink, mkdir, rmdir, list, stat,
    flock, close.

    Args:
      seed: decides what survives a crash.

    Attributes:
      log: every operation so far, with the path that it was for.
      failures: those that were made to fail.
      changes: how many of them were meant to change something.
      sync: whether syncs do anything; a disk that lies of all of them is a control, on
        which a test must fail.
      pid, running: what it says of processes.
    """

    seed: int = 0
    log: list[tuple[str, str]] = attrs.field(factory=list, init=False)
    failures: list[tuple[str, str]] = attrs.field(factory=list, init=False)
    changes: int = attrs.field(default=0, init=False)
    pid: int = attrs.field(default=1, init=False)
    running: set[int] = attrs.field(factory=lambda: {1}, init=False)
    sync: bool = attrs.field(default=True, init=False)
    _root: CachedDirectory = attrs.field(factory=CachedDirectory, init=False)
    _faults: list[DiskFault] = attrs.field(factory=list, init=False)
    _off_at: int | None = attrs.field(default=None, init=False)
    _open: dict[int, tuple[CachedFile, str, Access]] = attrs.field(factory=dict, init=False)
    _next_file: int = attrs.field(default=3, init=False)

    # --- faults -----------------------------------------------------------------------

    def fail(
        self,
        operation: str,
        *,
        path: str = "",
        nth: int = 1,
        error: int = errno.EIO,
        short: int | None = None,
        times: int | None = 1,
    ) -> None:
        """
        Have an operation fail.

        After a failed sync, what should have been synced counts as synced and is not.

        Args:
          operation: its name.
          path: only where the path contains this.
          nth: the call, from now, that fails first.
          error: the error number.
          short: for a write: it writes this many bytes and succeeds, and the call after it
            fails.
          times: how many calls fail; None for all from then on. 0, with `short`: a write is
            short, and none fails.
        """
        self._faults.append(DiskFault(operation, path, error, short, times, nth))

    def power_off_at(self, change: int) -> None:
        """Have every operation fail from this change on (1 is the first since the beginning)."""
        self._off_at = change

    def mend(self) -> None:
        """Have nothing fail any more, and no `failures` yet; what failed syncs lost stays lost."""
        self._faults.clear()
        self.failures.clear()
        self._off_at = None

    def crash(self, seed: int | None = None) -> FaultyDisk:
        """Give a disk with what a loss of power leaves of this one; this one is not changed."""
        left = FaultyDisk(self.seed if seed is None else seed)
        left._root = self._root.survivor(Random(left.seed))
        return left

    def kill(self) -> None:
        """End the process that uses it: its files are closed, what it wrote is in the cache."""
        for file in list(self._open):
            self._close(file)

    def copy(self) -> FaultyDisk:
        """Give another disk with the same files, all durable, and no faults."""
        copy = FaultyDisk(self.seed)
        for path, content in self.files().items():
            copy.put(path, content)
        return copy

    # --- what is on it --------------------------------------------------------------------

    @property
    def is_off(self) -> bool:
        """Whether every operation fails now."""
        return self._off_at is not None and self.changes >= self._off_at

    @property
    def open_files(self) -> list[str]:
        """The paths of the files that are open, in the order of opening."""
        return [path for _, path, _ in self._open.values()]

    def files(self) -> dict[str, bytes]:
        """Every file's bytes, as a process would read them now."""
        return {path: bytes(file.data) for path, file in _files(self._root, "")}

    def put(self, path: str, content: bytes = b"", kind: Kind = Kind.FILE) -> None:
        """Lay something at a path, durably, in the place of what was there."""
        directory = self._root
        *parents, name = path.strip("/").split("/")
        for parent in parents:
            if parent not in directory.names:
                directory.link(parent, CachedDirectory())
                directory.sync()
            node = directory.names[parent]
            assert isinstance(node, CachedDirectory)
            directory = node
        file = CachedFile(bytearray(content), bytearray(content), kind=kind)
        directory.link(name, CachedDirectory() if kind is Kind.DIRECTORY else file)
        directory.sync()

    def remove(self, path: str) -> None:
        """Take a file or directory away, durably."""
        directory, name = self._parent(path)
        del directory.names[name]
        directory.sync()

    def export_to(self, directory: Path) -> None:
        """Write all files below a real directory."""
        for path, content in self.files().items():
            target = directory / path.lstrip("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)

    @classmethod
    def imported_from(cls, directory: Path, seed: int = 0) -> FaultyDisk:
        """Give a disk with the files below a real directory."""
        disk = cls(seed)
        for file in sorted(filter(Path.is_file, directory.rglob("*"))):
            disk.put(f"/{file.relative_to(directory)}", file.read_bytes())
        return disk

    # --- Disk ------------------------------------------------------------------------------

    @property
    def uses_threads(self) -> bool:
        """It never blocks."""
        return False

    def resolve(self, path: str | os.PathLike[str]) -> str:
        """Make a path absolute."""
        return os.path.normpath(f"/{os.fspath(path)}").replace("//", "/")

    def kind(self, path: str, *, follow: bool = False) -> Kind:
        """Say what lies at a path."""
        self._operate("stat", path)
        if path == "/":
            return Kind.DIRECTORY
        try:
            directory, name = self._parent(path)
        except FileNotFoundError:
            return Kind.NOTHING
        node = directory.names.get(name)
        if node is None:
            return Kind.NOTHING
        return node.kind if isinstance(node, CachedFile) else Kind.DIRECTORY

    def list_directory(self, path: str) -> list[str]:
        """The names in a directory."""
        self._operate("list", path)
        return list(self._directory(path).names)

    def mkdir(self, path: str) -> None:
        """Make a directory."""
        self._operate("mkdir", path, changes=True)
        directory, name = self._parent(path)
        if name in directory.names:
            raise OSError(errno.EEXIST, os.strerror(errno.EEXIST), path)
        directory.link(name, CachedDirectory())

    def open(self, path: str, access: Access) -> int:
        """Open a file."""
        self._operate("open", path, changes=access in (Access.NEW, Access.LOCK))
        directory, name = self._parent(path)
        node = directory.names.get(name)
        if node is None:
            if access not in (Access.NEW, Access.LOCK):
                raise OSError(errno.ENOENT, os.strerror(errno.ENOENT), path)
            node = CachedFile()
            directory.link(name, node)
        elif access is Access.NEW:
            raise OSError(errno.EEXIST, os.strerror(errno.EEXIST), path)
        if not isinstance(node, CachedFile) or node.kind is not Kind.FILE:
            raise NotAFile(path, Kind.DIRECTORY if isinstance(node, CachedDirectory) else node.kind)
        file, self._next_file = self._next_file, self._next_file + 1
        self._open[file] = (node, path, access)
        return file

    def close(self, file: int) -> None:
        """Close an open file."""
        path = self._open[file][1]
        # Also an error closes it.
        self._close(file)
        self._operate("close", path)

    def size(self, file: int) -> int:
        """An open file's size in bytes."""
        node, path, _ = self._open[file]
        self._operate("fstat", path)
        return len(node.data)

    def pread(self, file: int, size: int, offset: int) -> bytes:
        """Read up to `size` bytes."""
        node, path, _ = self._open[file]
        self._operate("read", path)
        return bytes(node.data[offset : offset + size])

    def pwrite(self, file: int, data: bytes | memoryview, offset: int) -> int:
        """Write, perhaps fewer bytes than given."""
        node, path = self._writable(file)
        short = self._operate("write", path, changes=True)
        written = bytes(data)[:short]
        if written:
            node.write(written, offset)
        return len(written)

    def ftruncate(self, file: int, size: int) -> None:
        """Cut an open file off."""
        node, path = self._writable(file)
        self._operate("ftruncate", path, changes=True)
        node.truncate(size)

    def fdatasync(self, file: int) -> None:
        """Make an open file's bytes durable."""
        self._sync("fdatasync", file)

    def fsync(self, file: int) -> None:
        """Make an open file durable."""
        self._sync("fsync", file)

    def rename(self, old: str, new: str) -> None:
        """Give a file or a directory another name, in the same directory."""
        self._operate("rename", new, changes=True)
        directory, name = self._parent(old)
        other, new_name = self._parent(new)
        assert other is directory
        directory.link(new_name, directory.names[name], instead_of=name)

    def unlink(self, path: str) -> None:
        """Take a file's name away."""
        self._operate("unlink", path, changes=True)
        directory, name = self._parent(path)
        node = directory.names.get(name)
        if node is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        if not isinstance(node, CachedFile):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
        directory.unlink(name)

    def rmdir(self, path: str) -> None:
        """Take an empty directory away."""
        self._operate("rmdir", path, changes=True)
        directory, name = self._parent(path)
        if self._directory(path).names:
            raise OSError(errno.ENOTEMPTY, os.strerror(errno.ENOTEMPTY), path)
        directory.unlink(name)

    def fsync_directory(self, path: str) -> None:
        """Make a directory's names durable."""
        self._operate("fsync", path, changes=True)
        if self.sync:
            self._directory(path).sync()

    def lock(self, file: int) -> bool:
        """Take an open file's lock; whether it was free."""
        node, path, _ = self._open[file]
        self._operate("flock", path)
        if node.locked_by is not None:
            return False
        node.locked_by = file
        return True

    def process(self) -> tuple[int, str]:
        """The `pid` attribute, and a made-up host."""
        return self.pid, "here"

    def is_running(self, pid: int) -> bool:
        """Whether the `running` attribute has it."""
        return pid in self.running

    # --- inside ---------------------------------------------------------------------------

    def _operate(self, operation: str, path: str, *, changes: bool = False) -> int | None:
        """Log an operation and fail it if it is to; for a write, how short it is to be."""
        self.log.append((operation, path))
        self.changes += changes
        if self.is_off:
            raise OSError(errno.EIO, "the power is off", path)
        for fault in self._faults:
            if fault.strikes(operation, path):
                if fault.short is not None:
                    short, fault.short = fault.short, None
                    fault.times = None if fault.times is None else fault.times + 1
                    return short
                self.failures.append((operation, path))
                raise OSError(fault.error, os.strerror(fault.error), path)
        return None

    def _sync(self, operation: str, file: int) -> None:
        node, path = self._writable(file)
        try:
            self._operate(operation, path, changes=True)
        except OSError:
            # The cache's pages are clean now, and the disk does not have them.
            if not self.is_off:
                node.dirty.clear()
            raise
        if self.sync:
            node.sync()

    def _writable(self, file: int) -> tuple[CachedFile, str]:
        node, path, access = self._open[file]
        if access is Access.READ:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF), path)
        return node, path

    def _close(self, file: int) -> None:
        node, _, _ = self._open.pop(file)
        if node.locked_by == file:
            node.locked_by = None

    def _parent(self, path: str) -> tuple[CachedDirectory, str]:
        head, _, name = path.rpartition("/")
        return self._directory(head or "/"), name

    def _directory(self, path: str) -> CachedDirectory:
        directory = self._root
        for name in path.strip("/").split("/"):
            if name:
                node = directory.names.get(name)
                if node is None:
                    raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
                if not isinstance(node, CachedDirectory):
                    raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), path)
                directory = node
        return directory


def _files(directory: CachedDirectory, path: str) -> Iterator[tuple[str, CachedFile]]:
    for name, node in sorted(directory.names.items()):
        if isinstance(node, CachedDirectory):
            yield from _files(node, f"{path}/{name}")
        else:
            yield f"{path}/{name}", node

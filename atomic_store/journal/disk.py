"""
The disk: everything that a file journal asks of the operating system.

`OSDisk` is the real one. Tests put another in its place, one that fails, lies or
forgets on demand; nothing else in this library opens, writes or syncs a file of a
store.
"""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import stat
from enum import Enum
from pathlib import Path
from typing import Protocol, final

import attrs


class Access(Enum):
    """What a file is opened for."""

    READ = os.O_RDONLY
    WRITE = os.O_RDWR
    NEW = os.O_RDWR | os.O_CREAT | os.O_EXCL
    """To be made: an error if it exists."""
    LOCK = os.O_RDWR | os.O_CREAT
    """To be made if it does not exist."""


class Kind(Enum):
    """What lies at a path."""

    NOTHING = "nothing"
    FILE = "a regular file"
    DIRECTORY = "a directory"
    LINK = "a symbolic link"
    OTHER = "a FIFO, socket or device"


class NotAFile(OSError):
    """Something that is not a regular file lies where one should."""

    def __init__(self, path: str, kind: Kind) -> None:
        super().__init__(errno.EINVAL, f"expected a regular file, found {kind.value}", path)
        self.kind = kind


class Disk(Protocol):
    """
    What a file journal needs. All calls may raise `OSError`.

    A disk that never really blocks, such as one in memory, says that it uses no threads:
    then nothing waits for one, and tests can run on a clock of their own.
    """

    @property
    def uses_threads(self) -> bool:
        """Whether its calls may block, and so are made in threads."""
        ...

    def resolve(self, path: str | os.PathLike[str]) -> str:
        """Make a path absolute."""
        ...

    def kind(self, path: str, *, follow: bool = False) -> Kind:
        """Say what lies at a path; a symbolic link is one, unless followed."""
        ...

    def list_directory(self, path: str) -> list[str]:
        """The names in a directory, in any order."""
        ...

    def mkdir(self, path: str) -> None:
        """Make a directory that only its owner may enter."""
        ...

    def open(self, path: str, access: Access) -> int:
        """
        Open a regular file; a new one is its owner's alone.

        Raises:
          NotAFile: something else lies there; symbolic links are not followed.
        """
        ...

    def close(self, file: int) -> None:
        """Close an open file."""
        ...

    def size(self, file: int) -> int:
        """An open file's size in bytes."""
        ...

    def pread(self, file: int, size: int, offset: int) -> bytes:
        """Read up to `size` bytes; fewer at the file's end."""
        ...

    def pwrite(self, file: int, data: bytes | memoryview, offset: int) -> int:
        """Write; give how many bytes were written, which may be fewer than given."""
        ...

    def ftruncate(self, file: int, size: int) -> None:
        """Cut an open file off."""
        ...

    def fdatasync(self, file: int) -> None:
        """Make an open file's bytes durable."""
        ...

    def fsync(self, file: int) -> None:
        """Make an open file durable."""
        ...

    def rename(self, old: str, new: str) -> None:
        """Give a file or a directory another name."""
        ...

    def unlink(self, path: str) -> None:
        """Take a file's name away; of a store, only of files that are derived."""
        ...

    def rmdir(self, path: str) -> None:
        """Take an empty directory away; of a store, only of one that was never finished."""
        ...

    def fsync_directory(self, path: str) -> None:
        """Make a directory's names durable."""
        ...

    def lock(self, file: int) -> bool:
        """Take an open file's lock, which ends with its last descriptor; whether it was free."""
        ...

    def process(self) -> tuple[int, str]:
        """This process's id, and the name of its host."""
        ...

    def is_running(self, pid: int) -> bool:
        """Whether there is a process with this id on this host."""
        ...


@final
@attrs.frozen
class OSDisk:
    """The operating system's files (POSIX)."""

    @property
    def uses_threads(self) -> bool:
        """Its calls block."""
        return True

    def resolve(self, path: str | os.PathLike[str]) -> str:
        """Make a path absolute."""
        return os.path.abspath(path)  # noqa: PTH100 - `Path.absolute` keeps `..`

    def kind(self, path: str, *, follow: bool = False) -> Kind:
        """Say what lies at a path; a symbolic link is one, unless followed."""
        try:
            mode = Path(path).stat(follow_symlinks=follow).st_mode
        except (FileNotFoundError, NotADirectoryError):
            return Kind.NOTHING
        return _kind(mode)

    def list_directory(self, path: str) -> list[str]:
        """The names in a directory, in any order."""
        return os.listdir(path)  # noqa: PTH208 - names, not paths

    def mkdir(self, path: str) -> None:
        """Make a directory that only its owner may enter."""
        Path(path).mkdir(0o700)

    def open(self, path: str, access: Access) -> int:
        """Open a regular file; a new one is its owner's alone."""
        # Without O_NONBLOCK, opening a FIFO would wait for its other end.
        flags = access.value | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
        try:
            file = os.open(path, flags, 0o600)
        except OSError as error:
            if error.errno in (errno.ELOOP, errno.EISDIR, errno.ENXIO):
                raise NotAFile(path, self.kind(path)) from error
            raise
        mode = os.fstat(file).st_mode
        if not stat.S_ISREG(mode):
            os.close(file)
            raise NotAFile(path, _kind(mode))
        return file

    def close(self, file: int) -> None:
        """Close an open file."""
        os.close(file)

    def size(self, file: int) -> int:
        """An open file's size in bytes."""
        return os.fstat(file).st_size

    def pread(self, file: int, size: int, offset: int) -> bytes:
        """Read up to `size` bytes; fewer at the file's end."""
        return os.pread(file, size, offset)

    def pwrite(self, file: int, data: bytes | memoryview, offset: int) -> int:
        """Write; give how many bytes were written, which may be fewer than given."""
        return os.pwrite(file, data, offset)

    def ftruncate(self, file: int, size: int) -> None:
        """Cut an open file off."""
        os.ftruncate(file, size)

    def fdatasync(self, file: int) -> None:
        """Make an open file's bytes durable."""
        _fdatasync(file)

    def fsync(self, file: int) -> None:
        """Make an open file durable."""
        os.fsync(file)

    def rename(self, old: str, new: str) -> None:
        """Give a file or a directory another name."""
        os.rename(old, new)  # noqa: PTH104 - paths are strings here

    def unlink(self, path: str) -> None:
        """Take a file's name away."""
        os.unlink(path)  # noqa: PTH108 - paths are strings here

    def rmdir(self, path: str) -> None:
        """Take an empty directory away."""
        os.rmdir(path)  # noqa: PTH106 - paths are strings here

    def fsync_directory(self, path: str) -> None:
        """Make a directory's names durable."""
        directory = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)

    def lock(self, file: int) -> bool:
        """Take an open file's lock, which ends with its last descriptor; whether it was free."""
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def process(self) -> tuple[int, str]:
        """This process's id, and the name of its host."""
        return os.getpid(), socket.gethostname()

    def is_running(self, pid: int) -> bool:
        """Whether there is a process with this id on this host."""
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return True
        return True


# macOS has no fdatasync.
_fdatasync = getattr(os, "fdatasync", os.fsync)


def _kind(mode: int) -> Kind:
    if stat.S_ISREG(mode):
        return Kind.FILE
    if stat.S_ISDIR(mode):
        return Kind.DIRECTORY
    return Kind.LINK if stat.S_ISLNK(mode) else Kind.OTHER

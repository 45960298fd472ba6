"""What is done to files in several steps: reading a range, writing all, making one durable."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count

from .disk import Access, Disk, Kind
from .failing import attempting

CHUNK_BYTES = 4 * 1024 * 1024


@contextmanager
def opened(disk: Disk, path: str, access: Access) -> Iterator[int]:
    """
    Open a file for the length of a block.

    Raises:
      JournalFailed: it cannot be opened.
      JournalCorrupt: it is something else than a regular file.
    """
    with attempting("open", path):
        file = disk.open(path, access)
    try:
        yield file
    except BaseException:
        close_quietly(disk, file)
        raise
    with attempting("close", path):
        disk.close(file)


def close_quietly(disk: Disk, file: int) -> None:
    """Close a file while another error is on its way, which says more than one of closing."""
    with suppress(OSError):
        disk.close(file)


def size_of(disk: Disk, path: str) -> int:
    """Give a file's size in bytes."""
    with opened(disk, path, Access.READ) as file, attempting("fstat", path):
        return disk.size(file)


def read_range(disk: Disk, file: int, path: str, begin: int, end: int) -> bytes:
    """Read the bytes from `begin` up to `end`; fewer if the file ends before."""
    with attempting("read", path):
        data = piece = disk.pread(file, end - begin, begin) if begin < end else b""
        while piece and len(data) < end - begin:
            piece = disk.pread(file, end - begin - len(data), begin + len(data))
            data += piece
    return data


def write_all(disk: Disk, file: int, path: str, data: bytes, offset: int) -> None:
    """
    Write all of `data`, in as many calls as the disk takes.

    Raises:
      JournalFailed: the disk refused; some of it may be written.
    """
    written = 0
    with attempting("write", path):
        while written < len(data):
            # A write may be short for a moment (a signal) or because the disk is full:
            # then the next one says so.
            more = disk.pwrite(file, memoryview(data)[written:], offset + written)
            if more <= 0:
                raise OSError(errno.EIO, "nothing was written")
            written += more


def make_durable_file(disk: Disk, directory: str, name: str, content: bytes) -> None:
    """
    Make a new file that is either not there or whole, after any crash.

    Raises:
      JournalFailed: the disk refused, or something has that name already.
    """
    temporary = f"{directory}/{free_name(disk, directory, f'.new-{name}')}"
    with opened(disk, temporary, Access.NEW) as file:
        write_all(disk, file, temporary, content, 0)
        with attempting("fsync", temporary):
            disk.fsync(file)
    path = f"{directory}/{name}"
    is_free = kind_of(disk, path) is Kind.NOTHING
    with attempting("rename", path):
        if not is_free:
            # Renaming would put the new file in the place of this one.
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), path)
        disk.rename(temporary, path)
    sync_directory(disk, directory)


def sync_directory(disk: Disk, path: str) -> None:
    """Make a directory's names durable."""
    with attempting("fsync", path):
        disk.fsync_directory(path)


def kind_of(disk: Disk, path: str) -> Kind:
    """Say what lies at a path; a symbolic link is one."""
    with attempting("stat", path):
        return disk.kind(path)


def free_name(disk: Disk, directory: str, name: str) -> str:
    """Give a name that no file has: this one, or the same with a number behind it."""
    for k in count(1):
        candidate = name if k == 1 else f"{name}.{k}"
        if kind_of(disk, f"{directory}/{candidate}") is Kind.NOTHING:
            return candidate
    raise AssertionError("count never ends")

"""What opening writes to mend what a crash left, each so that a crash in it does no harm."""

from __future__ import annotations

from contextlib import suppress

from ..errors import JournalFailed
from .chain import ClosedCommit
from .disk import Access, Disk
from .failing import attempting
from .files import free_name, opened, read_range, sync_directory, write_all
from .layout import torn_name
from .tail import Torn


def write_cut(disk: Disk, path: str, offset: int, line: bytes) -> None:
    """Write a cut line, or write it again: nothing behind it may be lost for want of it."""
    with opened(disk, path, Access.WRITE) as file:
        write_all(disk, file, path, line, offset)
        with attempting("fsync", path):
            disk.fsync(file)


def keep_aside(disk: Disk, directory: str, name: str, file: int, torn: Torn) -> str:
    """Copy an unfinished commit into a file of its own; gives its path."""
    path = f"{directory}/{name}"
    tail = read_range(disk, file, path, torn.offset, torn.offset + torn.size)
    kept = f"{directory}/{free_name(disk, directory, torn_name(name, torn.offset))}"
    with opened(disk, kept, Access.NEW) as copy:
        try:
            write_all(disk, copy, kept, tail, 0)
            with attempting("fsync", kept):
                disk.fsync(copy)
        except JournalFailed:
            # On a full disk, one copy more for each time that it is tried would fill it for good.
            with suppress(OSError):
                disk.unlink(kept)
            raise
    sync_directory(disk, directory)
    return kept


def write_again(
    disk: Disk, path: str, file: int, commit: ClosedCommit, lacks_newline: bool
) -> None:
    """Write the last commit again: the same bytes, in the same place."""
    data = read_range(disk, file, path, commit.offset, commit.end)
    if lacks_newline:
        data += b"\n"
    assert len(data) == commit.end - commit.offset
    write_all(disk, file, path, data, commit.offset)
    with attempting("fsync", path):
        disk.fsync(file)

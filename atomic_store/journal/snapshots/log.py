"""
The file of the snapshot log: choosing it, reading, appending, making a new one.

Everything here blocks. Whatever cannot be read is taken as not there; what cannot be
written raises. A log is not synced when it is written: after a loss of power the last
snapshots may be missing or torn, which shows when they are read.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from typing import final

import attrs

from ...errors import JournalCorrupt, JournalFailed
from ..disk import Access, Disk, Kind
from ..failing import attempting
from ..files import (
    kind_of,
    make_durable_file,
    opened,
    read_range,
    sync_directory,
    write_all,
)
from ..layout import SNAPSHOTS, log_name
from .index import SnapshotIndex
from .lines import SnapshotLine, header_line, parse_snapshot
from .scan import Seen, scan

_LOG_NAME = re.compile(r"[0-9]{20}\.jsonl", re.ASCII)


@final
@attrs.frozen
class LogPlace:
    """Where a store's snapshot logs are, and whose they must be."""

    disk: Disk
    store_path: str
    store: str
    history: str

    @property
    def directory(self) -> str:
        """The directory that holds them."""
        return f"{self.store_path}/{SNAPSHOTS}"

    def path(self, number: int) -> str:
        """Where the log of this number is."""
        return f"{self.directory}/{log_name(number)}"

    def header(self, number: int) -> bytes:
        """The first line of the log of this number."""
        return header_line(self.store, self.history, number)

    def names(self) -> list[str]:
        """What is in the directory; nothing if there is none."""
        try:
            return self.disk.list_directory(self.directory)
        except OSError:
            return []


@final
@attrs.define(eq=False)
class Log:
    """A log that can be read, and gone on with."""

    number: int
    path: str
    end: int
    """Where the next line goes."""
    is_torn: bool = False
    """The last line lacks its newline."""
    index: SnapshotIndex = attrs.Factory(SnapshotIndex)


def newest_number(names: Sequence[str]) -> int:
    """Give the highest number that a log in a directory has by its name; 0 if there is none."""
    return max((int(name[:20]) for name in names if _LOG_NAME.fullmatch(name)), default=0)


def find_log(place: LogPlace) -> tuple[int, int] | None:
    """Give the number of the newest usable log, and its size; None if there is none."""
    names = sorted(filter(_LOG_NAME.fullmatch, place.names()), reverse=True)
    for name in names:
        with suppress(JournalFailed, JournalCorrupt):
            path = f"{place.directory}/{name}"
            with opened(place.disk, path, Access.READ) as file:
                number = int(name[:20])
                header = place.header(number)
                # A log of another store, history or format begins otherwise.
                if read_range(place.disk, file, path, 0, len(header)) == header:
                    with attempting("fstat", path):
                        return number, place.disk.size(file)
    return None


def open_log(place: LogPlace) -> Log | None:
    """Look through the newest usable log; None if there is none, or it cannot be read."""
    found = find_log(place)
    if found is None:
        return None
    number, size = found
    path = place.path(number)
    log = Log(number, path, size)
    try:
        with opened(place.disk, path, Access.READ) as file:

            def read(begin: int, end: int) -> bytes:
                return read_range(place.disk, file, path, begin, end)

            for line in scan(read, len(place.header(number)), size):
                if isinstance(line, Seen):
                    log.index.add(*line)
                else:
                    log.index.delete(*line)
            log.is_torn = read(size - 1, size) != b"\n"
    except (JournalFailed, JournalCorrupt):
        return None
    return log


def read_snapshot(disk: Disk, path: str, offset: int, size: int) -> SnapshotLine | None:
    """Read the snapshot at an offset; None if it is damaged, or cannot be read."""
    try:
        with opened(disk, path, Access.READ) as file:
            line = read_range(disk, file, path, offset, offset + size)
    except (JournalFailed, JournalCorrupt):
        return None
    return parse_snapshot(line[:-1]) if line.endswith(b"\n") else None


def append(disk: Disk, log: Log, data: bytes) -> int:
    """
    Write lines behind the last one.

    Returns:
      Where the first of them begins.

    Raises:
      JournalFailed, JournalCorrupt: it could not be; the log is as it was, as far as can be.
    """
    # What a crash left of a line becomes a line of its own, which is none.
    gap = b"\n" if log.is_torn else b""
    offset = log.end + len(gap)
    with opened(disk, log.path, Access.WRITE) as file:
        try:
            write_all(disk, file, log.path, gap + data, log.end)
        except JournalFailed:
            # On a full disk others can use the room.
            with suppress(OSError):
                disk.ftruncate(file, log.end)
            raise
    log.end = offset + len(data)
    log.is_torn = False
    return offset


def create_log(place: LogPlace) -> Log:
    """
    Make a new log, and the directory for it; it replaces what cannot be used.

    Raises:
      JournalFailed, JournalCorrupt: it could not be made.
    """
    if kind_of(place.disk, place.directory) is Kind.NOTHING:
        with attempting("mkdir", place.directory):
            place.disk.mkdir(place.directory)
        sync_directory(place.disk, place.store_path)
    number = newest_number(place.names()) + 1
    header = place.header(number)
    make_durable_file(place.disk, place.directory, log_name(number), header)
    remove_others(place, number)
    return Log(number, place.path(number), len(header))


def remove_others(place: LogPlace, number: int) -> None:
    """Remove older logs, and files whose making was interrupted; those that can be."""
    for name in place.names():
        is_old = _LOG_NAME.fullmatch(name) is not None and name < log_name(number)
        if is_old or name.startswith(".new-"):
            with suppress(OSError):
                place.disk.unlink(f"{place.directory}/{name}")

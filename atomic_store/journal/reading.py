"""Reading single records: from their places to the records, each checked again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby

import attrs

from ..errors import JournalCorrupt, JournalFailed
from .disk import Access, Disk
from .files import opened, read_range
from .layout import segment_name
from .line import NotALine, RecordLine, has_right_crc, parse_line, parse_record, to_stored
from .record import StoredRecord

GAP_BYTES_MAX = 16 * 1024
"""Records that lie closer together than this are read at once, with what is between."""
READ_BYTES_MAX = 4 * 1024 * 1024
"""How much is read at once, unless one record is larger."""


@attrs.frozen
class Place:
    """Where a record is, and what it must be."""

    position: int
    first: int
    """Its segment's first position."""
    begin: int
    end: int
    """An offset behind its newline, and before the next record's."""
    scope: str | None = None
    """None if any will do."""
    sequence: int = 0


def read_places(disk: Disk, directory: str, places: Sequence[Place]) -> list[StoredRecord]:
    """
    Read records, in the order of their places, which must rise or fall all the way.

    Raises:
      JournalCorrupt: one is damaged, or cannot be read.
      JournalFailed: no file can be opened now; the journal itself goes on.
    """
    records: list[StoredRecord] = []
    for first, groups in groupby(_grouped(places), key=lambda group: group[0].first):
        path = f"{directory}/{segment_name(first)}"
        with as_damage(path, 0), opened(disk, path, Access.READ) as file:
            for group in groups:
                begin = min(group[0].begin, group[-1].begin)
                end = max(group[0].end, group[-1].end)
                with as_damage(path, begin):
                    data = read_range(disk, file, path, begin, end)
                records += [_read_one(path, p, data, p.begin - begin) for p in group]
    return records


@contextmanager
def as_damage(path: str, offset: int) -> Iterator[None]:
    """Take what can't be read for damage of the records there, and of nothing else."""
    try:
        yield
    except JournalFailed as error:
        if error.operation == "read" or isinstance(error.__cause__, FileNotFoundError):
            raise JournalCorrupt(path, offset, "records", error.reason) from error
        raise


def lines_between(disk: Disk, path: str, begin: int, end: int) -> Iterator[tuple[int, RecordLine]]:
    """
    Read the records of a part of a segment that holds whole commits, each with its offset.

    Raises:
      JournalCorrupt: a line is damaged.
      JournalFailed: the disk refused.
    """
    rest = b""
    with opened(disk, path, Access.READ) as file:
        for start in range(begin, end, READ_BYTES_MAX):
            data = rest + read_range(disk, file, path, start, min(end, start + READ_BYTES_MAX))
            *lines, rest = data.split(b"\n")
            for line in lines:
                try:
                    parsed = parse_line(line)
                except NotALine as error:
                    raise JournalCorrupt(path, begin, error.expected, error.found) from error
                if isinstance(parsed, RecordLine):
                    yield begin, parsed
                begin += len(line) + 1
    if begin != end:
        raise JournalCorrupt(path, begin, f"whole lines up to {end}", f"{len(rest)} bytes")


def read_commit_value(disk: Disk, directory: str, place: Place) -> str | None:
    """
    Read the commit value on a record's line; None if it does not close a commit.

    Raises:
      JournalCorrupt, JournalFailed: as `read_places`.
    """
    path = f"{directory}/{segment_name(place.first)}"
    with opened(disk, path, Access.READ) as file:
        data = read_range(disk, file, path, place.begin, place.end)
    return _line_at(path, place, data, 0).commit


def _grouped(places: Sequence[Place]) -> list[list[Place]]:
    groups: list[list[Place]] = []
    begin = end = first = -1
    for place in places:
        low, high = min(begin, place.begin), max(end, place.end)
        gap = max(place.begin - end, begin - place.end)
        if place.first == first and gap <= GAP_BYTES_MAX and high - low <= READ_BYTES_MAX:
            groups[-1].append(place)
            begin, end = low, high
        else:
            groups.append([place])
            begin, end, first = place.begin, place.end, place.first
    return groups


def _read_one(path: str, place: Place, data: bytes, begin: int) -> StoredRecord:
    return to_stored(_line_at(path, place, data, begin))


def _line_at(path: str, place: Place, data: bytes, begin: int) -> RecordLine:
    end = data.find(b"\n", begin)
    line = data[begin:end] if end >= 0 else data[begin:]
    try:
        if not has_right_crc(line):
            raise NotALine(f"record {place.position} with a right crc", f"{line[:24]!r}"[1:])
        record = parse_record(line)
    except NotALine as error:
        raise JournalCorrupt(path, place.begin, error.expected, error.found) from error
    if record.position != place.position or (
        place.scope is not None
        and (record.scope != place.scope or record.sequence != place.sequence)
    ):
        wanted = "" if place.scope is None else f", sequence {place.sequence} of {place.scope!r}"
        raise JournalCorrupt(
            path,
            place.begin,
            f"position {place.position}{wanted}",
            f"position {record.position}, sequence {record.sequence} of {record.scope!r}",
        )
    return record

"""
The snapshot log as a witness: what it says was durable must be in the journal.

A journal whose last commits were cut off cleanly looks like one that never had them.
Each line of the log tells of the last durable record when it was written, and none tells
of an earlier one than the line before it: the last line that is whole says enough.
"""

from __future__ import annotations

from ...errors import JournalCorrupt, JournalFailed
from ..disk import Access
from ..files import opened, read_range
from .lines import witnessed
from .log import LogPlace, find_log

_TAIL_BYTES = 64 * 1024
TAIL_BYTES_MAX = 64 * 1024 * 1024
"""If there is no whole line in so many bytes at the end, the log says nothing."""


def refuse_missing_records(place: LogPlace, position: int, path: str, end: int) -> None:
    """
    Refuse a journal that ends before what the store's snapshots rest on.

    Args:
      position: the journal's last record.
      path, end: the file and the offset where it ends.

    Raises:
      JournalCorrupt: records are missing.
    """
    last = last_position(place)
    if last > position:
        raise JournalCorrupt(
            path,
            end,
            f"records up to position {last}, on which snapshots in {place.directory} rest (if "
            "they are missing for a good reason, delete that directory)",
            f"{position} as the last position",
        )


def last_position(place: LogPlace) -> int:
    """Give the last position that a store's snapshots tell of; 0 if they tell of none."""
    found = find_log(place)
    if found is None:
        return 0
    number, size = found
    path = place.path(number)
    length = _TAIL_BYTES
    try:
        with opened(place.disk, path, Access.READ) as file:
            while True:
                begin = max(0, size - length)
                position = _witnessed_in(read_range(place.disk, file, path, begin, size))
                if position is not None or begin == 0 or length >= TAIL_BYTES_MAX:
                    return position or 0
                length *= 4
    except (JournalFailed, JournalCorrupt):
        return 0


def _witnessed_in(data: bytes) -> int | None:
    *lines, _ = data.split(b"\n")
    return next((p for line in reversed(lines) if (p := witnessed(line)) is not None), None)

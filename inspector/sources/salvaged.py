"""Reading the records of a damaged store, as others are read: a page at a time."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from heapq import merge
from typing import final

import attrs

from atomic_store.errors import JournalCorrupt
from atomic_store.journal import Page, StoredRecord, Wanted
from atomic_store.journal.disk import Access
from atomic_store.journal.files import opened, read_range
from atomic_store.journal.index_file import to_text
from atomic_store.journal.line import LINE_BYTES_MAX, quick_record, to_stored
from atomic_store.journal.line_search import Clauses, candidates
from atomic_store.journal.reading import as_damage
from atomic_store.journal.sought import sought_for

from .salvage import OFFSET_BITS, Check, Salvage

BLOCK_BYTES = 256 * 1024
"""How much is searched at a time."""
LINE_BYTES = 4096
"""How much is read of a line at first."""
PAGE_BYTES_MAX = 8 * 1024 * 1024
"""After so much a page ends, whatever was found."""
RECORD_BYTES = 4096
"""What looking at a single record costs, in bytes that could be searched instead."""

_OFFSET = (1 << OFFSET_BITS) - 1


@final
@attrs.define(eq=False)
class SalvagedPage:
    """
    The search for one page of what can be read. It blocks.

    Args:
      check: is called between reads; what it raises ends it.
    """

    salvage: Salvage
    wanted: Wanted
    limit: int
    check: Check = lambda: None
    _found: list[StoredRecord] = attrs.field(factory=list, init=False)
    _cost: int = attrs.field(default=0, init=False)

    def page(self) -> Page:
        """
        Look for records until there is a page of them.

        Raises:
          JournalFailed: no file can be opened now.
        """
        salvage, reverse = self.salvage, self.wanted.reverse
        sought = sought_for(self.wanted, salvage.last)
        low, high = salvage.from_position(sought.first), salvage.from_position(sought.last + 1)
        if sought.since is not None:
            low = max(low, self._from_time(to_text(sought.since), low, high))
        keys = sought.keys
        if keys is not None and all(key.member is None for key in keys):
            steps = self._of_scopes([key.name for key in keys], low, high)
        else:
            steps = self._in_blocks(sought.clauses, low, high)
        for number, record in steps:
            if record is not None and self.wanted.matches(record):
                self._found.append(record)
            if len(self._found) >= self.limit or self._cost >= PAGE_BYTES_MAX:
                following = number - 1 if reverse else number + 1
                is_over = not low <= following < high
                return Page(self._found, None if is_over else salvage.position(following))
        return Page(self._found, None)

    # --- the records to look at, each with its number; None for one that is not wanted ----------

    def _of_scopes(
        self, scopes: Sequence[str], low: int, high: int
    ) -> Iterator[tuple[int, StoredRecord | None]]:
        reverse = self.wanted.reverse
        ordered: list[Iterator[int]] = []
        for scope in scopes:
            numbers = self.salvage.of_scope(scope)
            part = numbers[bisect_left(numbers, low) : bisect_left(numbers, high)]
            ordered.append(reversed(part) if reverse else iter(part))
        for number in merge(*ordered, reverse=reverse):
            self.check()
            self._cost += RECORD_BYTES
            yield number, record_of(self.salvage, number)

    def _in_blocks(
        self, clauses: Clauses, low: int, high: int
    ) -> Iterator[tuple[int, StoredRecord | None]]:
        reverse = self.wanted.reverse
        while low < high:
            self.check()
            begin, end = self._block(low, high)
            yield from self._searched(clauses, begin, end)
            if reverse:
                high = begin
            else:
                low = end
            # All of the block was looked at.
            yield (begin if reverse else end - 1), None

    def _block(self, low: int, high: int) -> tuple[int, int]:
        """Some records that lie in the same segment, not far from each other."""
        where = self.salvage.where
        if self.wanted.reverse:
            last = where[high - 1]
            least = max(last & ~_OFFSET, last - BLOCK_BYTES)
            return bisect_left(where, least, low, high), high
        first = where[low]
        most = min(first | _OFFSET, first + BLOCK_BYTES)
        return low, bisect_right(where, most, low, high)

    def _searched(
        self, clauses: Clauses, begin: int, end: int
    ) -> Iterator[tuple[int, StoredRecord | None]]:
        where = self.salvage.where
        base = where[begin]
        data = _bytes_of(self.salvage, base, where[end - 1])
        self._cost += len(data)
        for offset, line in candidates(data, clauses, reverse=self.wanted.reverse):
            number = bisect_left(where, base + offset, begin, end)
            # What lies between the records is no concern of anybody.
            if number < end and where[number] == base + offset:
                self._cost += RECORD_BYTES // 4
                yield number, _record(self.salvage, number, line)

    def _from_time(self, at: str, low: int, high: int) -> int:
        """The number of the first record that is not before a time."""

        def time_of(number: int) -> str:
            record = record_of(self.salvage, number)
            return "" if record is None else record.at

        return bisect_left(range(high), at, low, high, key=time_of)


def record_of(salvage: Salvage, number: int) -> StoredRecord | None:
    """Read one record again; None if it cannot be read any more."""
    place = salvage.where[number]
    return _record(salvage, number, _bytes_of(salvage, place, place).partition(b"\n")[0])


def records_of(salvage: Salvage, numbers: Sequence[int], check: Check) -> list[StoredRecord]:
    """Read some records again, without those that cannot be read any more."""
    found = []
    for number in numbers:
        check()
        record = record_of(salvage, number)
        if record is not None:
            found.append(record)
    return found


def _record(salvage: Salvage, number: int, line: bytes) -> StoredRecord | None:
    try:
        parsed = quick_record(line)
    except RecursionError:
        return None
    if parsed is None or parsed.position != salvage.position(number):
        return None
    return to_stored(parsed)


def _bytes_of(salvage: Salvage, first: int, last: int) -> bytes:
    """The bytes from one place to the end of the line at another one, in the same segment."""
    segment = salvage.segments[first >> OFFSET_BITS]
    begin, end = first & _OFFSET, last & _OFFSET
    path, size = salvage.path_of(segment), LINE_BYTES
    try:
        with as_damage(path, begin), opened(salvage.disk, path, Access.READ) as file:
            data = read_range(salvage.disk, file, path, begin, end)
            line = b""
            while b"\n" not in line and end + len(line) < segment.next and size < LINE_BYTES_MAX:
                line += read_range(
                    salvage.disk, file, path, end + len(line), min(end + size, segment.next)
                )
                size *= 4
    except JournalCorrupt:
        return b""
    return data + line.partition(b"\n")[0] + b"\n"

"""
What can still be read of a damaged journal.

Where a reader stops at the first damage, this takes each line by itself: one that is whole,
by its own checksum, is a record, whatever lies around it. What is not is passed by and counted.
Of each record only its place is kept, its scope and its sequence; it is read again, and checked
again, when it is shown. Nothing is written.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from typing import TypeAlias, final

import attrs
import msgspec

from atomic_store.errors import AtomicStoreError, JournalCorrupt
from atomic_store.journal import ScopeEnd
from atomic_store.journal.disk import Access, Disk
from atomic_store.journal.failing import attempting
from atomic_store.journal.files import opened, read_range, size_of
from atomic_store.journal.layout import JOURNAL
from atomic_store.journal.line import (
    LINE_BYTES_MAX,
    RECORD_START,
    FutureFormat,
    NotALine,
    has_right_crc,
    parse_line,
)
from atomic_store.journal.reading import as_damage
from atomic_store.journal.segment_reader import list_journal

from .source import OnProgress, nobody_looks

CHUNK_BYTES = 1024 * 1024
"""How much is read at a time."""
OFFSET_BITS = 40
"""A place is a segment's number and an offset in it, in one integer."""
SEQUENCE_MAX = 2**32 - 1
POSITION_MAX = 2**53 - 1
LISTS_MAX = 4
"""Of so many scopes it is remembered which records they have."""

Check: TypeAlias = Callable[[], object]


class _Sketch(msgspec.Struct, gc=False):
    """Of a record's line, what is kept."""

    position: int
    scope: str
    sequence: int
    at: str


_decode_sketch = msgspec.json.Decoder(_Sketch).decode


@final
@attrs.define(eq=False)
class Segment:
    """A segment, as far as it was read."""

    name: str
    next: int = 0
    """Where to read on."""
    records: int = 0
    first_at: str = ""
    last_at: str = ""

    @property
    def first(self) -> int:
        """The position that its first record should have."""
        return int(self.name[:20])


@final
@attrs.define(eq=False)
class Salvage:
    """
    Where the records of a damaged store lie, in the order of position. Its calls block.

    A record counts if its line is whole and its position belongs into its segment, behind
    all before it. What is foreign or doubled is damage, too.

    Args:
      path: the store's directory.
    """

    disk: Disk
    path: str
    segments: list[Segment] = attrs.field(factory=list, init=False)
    places: int = attrs.field(default=0, init=False)
    """How many places are damaged: stretches that are no lines, and records that are missing."""
    last: int = attrs.field(default=0, init=False)
    """The last record's position."""
    at: str = attrs.field(default="", init=False)
    """Its time."""
    # By record, in order: its place, its scope's number, and its sequence.
    where: array[int] = attrs.field(factory=lambda: array("Q"), init=False)
    _owners: array[int] = attrs.field(factory=lambda: array("I"), init=False)
    _sequences: array[int] = attrs.field(factory=lambda: array("I"), init=False)
    # Runs of records without a gap: the position and the number of the first one of each.
    _run_positions: list[int] = attrs.field(factory=list, init=False)
    _run_numbers: list[int] = attrs.field(factory=list, init=False)
    # By scope: its number; and by that its name, and its last record's number and time.
    _scopes: dict[str, int] = attrs.field(factory=dict, init=False)
    _lasts: array[int] = attrs.field(factory=lambda: array("Q"), init=False)
    _ats: list[str] = attrs.field(factory=list, init=False)
    _sorted: list[str] = attrs.field(factory=list, init=False)
    _lists: dict[int, array[int]] = attrs.field(factory=dict, init=False)
    # The number of the segment that is read, or was last.
    _reading: int = attrs.field(default=0, init=False)
    # The last line was none: whatever follows up to the next record is the same damage.
    _is_bad: bool = attrs.field(default=False, init=False)

    @property
    def count(self) -> int:
        """How many records there are."""
        return len(self.where)

    def path_of(self, segment: Segment) -> str:
        """The path of a segment."""
        return f"{self.path}/{JOURNAL}/{segment.name}"

    # --- looking for lines ------------------------------------------------------------------

    def is_stale(self) -> bool:
        """Whether files were cut off or taken away since: then all must be read anew."""
        known = [segment.name for segment in self.segments]
        return known != self._names()[: len(known)] or any(map(self._is_cut, self.segments[-1:]))

    def read_on(self, check: Check = lambda: None, on_progress: OnProgress = nobody_looks) -> None:
        """
        Take up what was written since.

        Args:
          check: is called between reads; what it raises ends it, and nothing is lost.
          on_progress: is called with how many bytes were read, of how many.

        Raises:
          JournalFailed: the disk refused.
        """
        begin = self._reading
        self.segments += map(Segment, self._names()[len(self.segments) :])
        sizes = [self.size(segment) for segment in self.segments[begin:]]
        total = sum(sizes)
        for number in range(begin, len(self.segments)):
            self._reading = number
            done, segment = sum(sizes[: number - begin]), self.segments[number]

            def between(done: int = done, segment: Segment = segment) -> None:
                check()
                on_progress(done + segment.next, total)

            try:
                self._read_segment(number, between)
            except JournalCorrupt:
                self._bad()

    def size(self, segment: Segment) -> int:
        """How large a segment's file is, in bytes; 0 if that cannot be known."""
        try:
            return size_of(self.disk, self.path_of(segment))
        except AtomicStoreError:
            return 0

    def _names(self) -> list[str]:
        try:
            return list_journal(self.disk, self.path)[0]
        except JournalCorrupt:
            return []

    def _is_cut(self, segment: Segment) -> bool:
        try:
            with opened(self.disk, self.path_of(segment), Access.READ) as file:
                return self.disk.size(file) < segment.next
        except (JournalCorrupt, OSError):
            return False

    def _read_segment(self, number: int, check: Check) -> None:
        segment, path = self.segments[number], self.path_of(self.segments[number])
        is_last = number == len(self.segments) - 1
        bound = POSITION_MAX if is_last else self.segments[number + 1].first
        rest = b""
        with as_damage(path, segment.next), opened(self.disk, path, Access.READ) as file:
            with attempting("fstat", path):
                size = self.disk.size(file)
            while segment.next + len(rest) < size:
                check()
                begin = segment.next + len(rest)
                data = read_range(self.disk, file, path, begin, min(size, begin + CHUNK_BYTES))
                if not data:
                    break
                *lines, rest = (rest + data).split(b"\n")
                for line in lines:
                    self._take(number, line, bound)
                    segment.next += len(line) + 1
                if len(rest) > LINE_BYTES_MAX:
                    self._bad()
                    segment.next += len(rest)
                    rest = b""
        if rest and not is_last:
            # At the very end it is what a crash leaves, or is being written.
            self._bad()
            segment.next += len(rest)

    def _take(self, number: int, line: bytes, bound: int) -> None:
        segment = self.segments[number]
        if line.startswith(RECORD_START):
            sketch = _sketched(line)
            first = max(segment.first, self.last + 1)
            if sketch is not None and first <= sketch.position < bound:
                self._add(number, sketch)
                return
        elif _is_mark(line):
            return
        self._bad()

    def _add(self, number: int, sketch: _Sketch) -> None:
        segment, position = self.segments[number], sketch.position
        if position != self.last + 1 or not self.where:
            if position != self.last + 1 and not self._is_bad:
                self.places += 1
            self._run_positions.append(position)
            self._run_numbers.append(self.count)
        self._is_bad = False
        owner = self._scopes.setdefault(sketch.scope, len(self._ats))
        if owner == len(self._ats):
            self._ats.append("")
            self._lasts.append(0)
            self._sorted = []
        self._lasts[owner], self._ats[owner] = self.count, sketch.at
        self.where.append(number << OFFSET_BITS | segment.next)
        self._owners.append(owner)
        self._sequences.append(sketch.sequence)
        self.last, self.at = position, sketch.at
        segment.records += 1
        segment.first_at, segment.last_at = segment.first_at or sketch.at, sketch.at
        self._lists.clear()

    def _bad(self) -> None:
        self.places += not self._is_bad
        self._is_bad = True

    # --- by number ----------------------------------------------------------------------------

    def position(self, number: int) -> int:
        """The position of the record of this number."""
        run = bisect_right(self._run_numbers, number) - 1
        return self._run_positions[run] + number - self._run_numbers[run]

    def from_position(self, position: int) -> int:
        """The number of the first record at a position or behind it; the count if none is."""
        run = bisect_right(self._run_positions, position) - 1
        if run < 0:
            return 0
        end = self.count if run + 1 == len(self._run_numbers) else self._run_numbers[run + 1]
        return min(end, self._run_numbers[run] + position - self._run_positions[run])

    # --- by scope -------------------------------------------------------------------------------

    def end(self, scope: str) -> ScopeEnd | None:
        """Where a scope ends, of what can be read."""
        owner = self._scopes.get(scope)
        if owner is None:
            return None
        number = self._lasts[owner]
        return ScopeEnd(scope, self._sequences[number], self.position(number), self._ats[owner])

    def scopes(self, prefix: str, after: str | None, limit: int) -> list[ScopeEnd]:
        """A page of the scopes, by code point."""
        self._sorted = self._sorted or sorted(self._scopes)
        begin = bisect_left(self._sorted, prefix)
        if after is not None:
            begin = max(begin, bisect_right(self._sorted, after))
        names = self._sorted[begin : begin + max(0, limit)]
        ends = [self.end(name) for name in names if name.startswith(prefix)]
        return [end for end in ends if end is not None]

    @property
    def scope_count(self) -> int:
        """How many scopes there are."""
        return len(self._scopes)

    def of_scope(self, scope: str) -> array[int]:
        """The numbers of a scope's records."""
        owner = self._scopes.get(scope)
        if owner is None:
            return array("Q")
        found = self._lists.get(owner)
        if found is None:
            found = array("Q")
            number = -1
            try:
                while True:
                    number = self._owners.index(owner, number + 1)
                    found.append(number)
            except ValueError:
                pass
            if len(self._lists) >= LISTS_MAX:
                del self._lists[next(iter(self._lists))]
            self._lists[owner] = found
        return found

    def of_sequences(self, scope: str, first: int, last: int) -> array[int]:
        """The numbers of a scope's records from one sequence to another, both included."""
        numbers, sequence = self.of_scope(scope), self._sequences.__getitem__
        begin = bisect_left(numbers, first, key=sequence)
        return numbers[begin : bisect_right(numbers, last, key=sequence)]


def _sketched(line: bytes) -> _Sketch | None:
    """Read what is kept of a record's line; None if it is not whole."""
    if not has_right_crc(line):
        return None
    try:
        sketch = _decode_sketch(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return sketch if 1 <= sketch.sequence <= SEQUENCE_MAX else None


def _is_mark(line: bytes) -> bool:
    """Whether it is a whole line that holds no record."""
    try:
        parse_line(line)
    except (NotALine, FutureFormat, RecursionError):
        return False
    return True

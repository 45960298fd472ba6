"""
Finding the records that are wanted, next to the data: a page at a time, in a thread.

An index says where to look if it can: by scope, by proposal, by correlation. Else the
bytes of the segments are searched for what the lines must hold, and only lines that hold
it are cut out. Each of those is checked and decoded before it counts. What is passed by
is not checked: that is `verify`'s work.

A page ends when it has enough records, or when enough was looked at. So memory is
bounded, whoever waits hears how far it has come, and cancelling need not wait long.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from typing import final

import attrs

from ..errors import JournalCorrupt
from .coverage import Coverage
from .disk import Access, Disk
from .files import opened, read_range
from .index_file import MemoryIndex
from .layout import segment_name
from .line import RECORD_START, NotALine, parse_line, quick_record, to_stored
from .line_search import candidates
from .lookup import CoveredRun, Extent, MemoryRun, Run, extent_of
from .reading import Place, as_damage, read_places
from .record import StoredRecord
from .sought import Sought, sought_for
from .wanted import Page, Wanted

SEARCHED_BYTES = 64 * 1024
"""How much a page searches first, so that what is found often is not cut out for nothing."""
SEARCHED_BYTES_MAX = 1024 * 1024
"""How much is searched at once. Searching lets no other thread run: a millisecond of it."""
PAGE_BYTES_MAX = 16 * 1024 * 1024
"""After so much a page ends, whatever was found."""
DECODED_BYTES = 4096
"""What decoding a record costs, or asking an index, in bytes that could be searched instead."""
BATCH_RECORDS = 256
"""How many single records are read at once."""


@attrs.frozen
class _Batch:
    """Records to read one by one, and the position at which to go on."""

    places: Sequence[Place]
    next: int


@attrs.frozen
class _Starts:
    """Where decisions may begin: how many records each has is not known before it is read."""

    places: Sequence[Place]


@final
@attrs.define(eq=False, slots=False)
class Scan:
    """
    The search for one page. Its calls block.

    Args:
      memory: what lies behind the coverage; it may grow, but is not looked at behind `count`.
      count: how many records are durable.
      limit: how many are wanted at most, from 1.
      check: is called between reads; what it raises ends the scan.
    """

    disk: Disk
    directory: str
    coverage: Coverage
    memory: Sequence[MemoryIndex]
    count: int
    wanted: Wanted
    limit: int
    check: Callable[[], object] = lambda: None
    _found: list[StoredRecord] = attrs.field(factory=list, init=False)
    _cost: int = attrs.field(default=0, init=False)
    _bytes: int = attrs.field(default=SEARCHED_BYTES, init=False)
    _is_out_of_order: bool = attrs.field(default=False, init=False)
    # Invariant: nothing outside of them is wanted.
    _first: int = attrs.field(default=1, init=False)
    _last: int = attrs.field(default=0, init=False)

    @cached_property
    def _sought(self) -> Sought:
        return sought_for(self.wanted, self.count)

    def page(self) -> Page:
        """
        Look for records until there is a page of them.

        Raises:
          JournalCorrupt: a line that was looked at is damaged, or cannot be read, and
            nothing was found before it.
          JournalFailed: no file can be opened now.
          InvalidEvent: data that the filter had to decode is not JSON text.
        """
        sought = self._sought
        self._first, self._last = sought.first, sought.last
        if sought.first <= sought.last:
            self.coverage.answer(self._narrow)
        at = self._last if self.wanted.reverse else self._first
        while self._first <= at <= self._last:
            if len(self._found) == self.limit or self._cost >= PAGE_BYTES_MAX:
                return Page(self._found, at)
            self.check()
            before = len(self._found)
            try:
                at = self._step(at)
            except JournalCorrupt:
                # What lies before the damage is given first; the next page meets it again.
                if self._is_out_of_order:
                    del self._found[before:]
                if not self._found:
                    raise
                found_here = len(self._found) > before
                return Page(
                    self._found, self._beyond(self._found[-1].position) if found_here else at
                )
        return Page(self._found, None)

    # --- where to look -------------------------------------------------------------------

    def _narrow(self) -> None:
        """Leave out what is before or behind the times that are wanted, or the scopes' ends."""
        sought = self._sought
        first, last = sought.first, sought.last
        if sought.since is not None:
            run = self._run_at(sought.since)
            first = max(first, self.count + 1 if run is None else run.in_time(sought.since).start)
        if sought.until is not None:
            run = self._run_at(sought.until + 1)
            if run is not None:
                last = min(last, run.in_time(sought.until + 1).stop - 1)
        keys = sought.keys
        if keys is not None and all(key.member is None for key in keys):
            last = min(last, max((self._last_of(key.name) for key in keys), default=0))
        self._first, self._last = first, last

    def _run_at(self, microseconds: int) -> Run | None:
        """The run in which the first record is that is not before a time."""
        for stretch in self.coverage.stretches:
            if stretch.header.last_at >= microseconds:
                return self._run(stretch.header.first)
        for index in self.memory:
            if index.last >= index.first and index.contents.last_at >= microseconds:
                return self._run(index.first)
        return None

    def _last_of(self, scope: str) -> int:
        for index in reversed(self.memory):
            span = index.scope(scope)
            if span is not None:
                return span.last_position
        end = self.coverage.end(scope)
        return 0 if end is None else end.position

    def _run(self, position: int) -> Run:
        """The run that a position is in."""
        if position <= self.coverage.last:
            return CoveredRun(self.coverage.store.reader(self.coverage.at(position)))
        index = next(index for index in self.memory if position <= index.last)
        return MemoryRun(index, min(index.last, self.count))

    def _plan(self, position: int) -> tuple[int, _Batch | _Starts | Extent]:
        """Say what to look at next, and in which segment."""
        run = self._run(position)
        low, high = self._part(run, position)
        plan = self._by_id(run) or self._by_key(run, low, high) or self._extent(run, low, high)
        return run.segment_first, plan

    def _extent(self, run: Run, low: int, high: int) -> Extent:
        reverse, bytes_max = self.wanted.reverse, self._bytes
        if not self._sought.clauses:
            # Each record is one that is wanted, or most are.
            few = self.limit - len(self._found) - 1
            low, high = (max(low, high - few), high) if reverse else (low, min(high, low + few))
        return extent_of(run, low, high, bytes_max, reverse=reverse)

    def _part(self, run: Run, position: int) -> tuple[int, int]:
        """What of a run is still to be looked at."""
        if self.wanted.reverse:
            return max(self._first, run.first), position
        return position, min(self._last, run.last)

    def _by_id(self, run: Run) -> _Starts | None:
        starts = None if self._sought.ids is None else run.of_ids(sorted(self._sought.ids))
        return None if starts is None else _Starts([run.place(start) for start in starts])

    def _by_key(self, run: Run, low: int, high: int) -> _Batch | None:
        if self._sought.keys is None:
            return None
        reverse = self.wanted.reverse
        found: set[int] = set()
        end = low if reverse else high
        for key in self._sought.keys:
            some = run.found(key, low, high, BATCH_RECORDS, reverse=reverse)
            if some is None:
                return None
            if len(some) == BATCH_RECORDS:
                # There may be more of this one, so that all of them are known up to here.
                end = max(end, some[-1]) if reverse else min(end, some[-1])
            found.update(some)
        known = (p for p in found if (p >= end if reverse else p <= end))
        places = [run.place(p) for p in sorted(known, reverse=reverse)]
        if end == run.first and reverse:
            return _Batch(places, self._before(run))
        return _Batch(places, self._beyond(end))

    def _before(self, run: Run) -> int:
        """Where to go on downwards from a run, past those that have nothing of the scopes."""
        before = [run.before(key) for key in self._sought.keys or ()]
        known = [position for position in before if position is not None]
        return max(known) if len(known) == len(before) else run.first - 1

    def _beyond(self, position: int) -> int:
        return position - 1 if self.wanted.reverse else position + 1

    # --- looking -------------------------------------------------------------------------

    def _step(self, position: int) -> int:
        """Look at some records from a position on; give the one at which to go on."""
        first, plan = self.coverage.answer(lambda: self._plan(position))
        self._cost += DECODED_BYTES
        if isinstance(plan, Extent):
            path = f"{self.directory}/{segment_name(first)}"
            self._cost += plan.end - plan.begin
            self._bytes = min(4 * self._bytes, SEARCHED_BYTES_MAX)
            end = plan.first if self.wanted.reverse else plan.last
            return self._take(self._searched(path, plan), self._beyond(end))
        batch = plan if isinstance(plan, _Batch) else self._decisions(plan, position)
        return self._take(self._read(batch.places), batch.next)

    def _decisions(self, starts: _Starts, position: int) -> _Batch:
        """All records of the decisions that begin there."""
        ids = self._sought.ids or frozenset()
        reverse = self.wanted.reverse
        positions = sorted(
            (
                position
                for record in self._read(starts.places)
                if record.id in ids
                for position in range(record.position, record.position + _parts(record))
            ),
            reverse=reverse,
        )
        return self.coverage.answer(lambda: self._batch(positions, position))

    def _batch(self, positions: Sequence[int], position: int) -> _Batch:
        run = self._run(position)
        low, high = self._part(run, position)
        wanted = [p for p in positions if low <= p <= high]
        some = wanted[:BATCH_RECORDS]
        end = some[-1] if len(some) < len(wanted) else low if self.wanted.reverse else high
        return _Batch([run.place(p) for p in some], self._beyond(end))

    def _take(self, records: Iterable[StoredRecord], next_: int) -> int:
        """Take what is wanted of some records, which lie before `next_`; give where to go on."""
        for record in records:
            self._cost += DECODED_BYTES
            if self.wanted.matches(record):
                self._found.append(record)
                if len(self._found) == self.limit:
                    return self._beyond(record.position)
        return next_

    def _read(self, places: Sequence[Place]) -> Iterator[StoredRecord]:
        try:
            records = read_places(self.disk, self.directory, places)
        except JournalCorrupt:
            # One of them is damaged: those before it can be read.
            for place in places:
                yield from read_places(self.disk, self.directory, [place])
        else:
            yield from records

    def _searched(self, path: str, extent: Extent) -> Iterator[StoredRecord]:
        """Give what may be wanted of records that follow each other."""
        begin, clauses = extent.begin, self._sought.clauses
        with as_damage(path, begin), opened(self.disk, path, Access.READ) as file:
            data = read_range(self.disk, file, path, begin, extent.end)
        if len(data) != extent.end - begin:
            raise JournalCorrupt(
                path, begin + len(data), f"records up to offset {extent.end}", "the file's end"
            )
        low, high, reverse = extent.first, extent.last, self.wanted.reverse
        for offset, line in candidates(data, clauses, reverse=reverse):
            record = _record(path, begin + offset, line)
            if record is None:
                continue
            if not clauses:
                # No line was left out, so that it must be the very next.
                low, high = (high, high) if reverse else (low, low)
            if not low <= record.position <= high:
                self._is_out_of_order = True
                expected = f"a record from {low} to {high}"
                raise JournalCorrupt(path, begin + offset, expected, f"record {record.position}")
            low, high = record.position + 1, extent.last
            if reverse:
                low, high = extent.first, record.position - 1
            yield record


def _record(path: str, offset: int, line: bytes) -> StoredRecord | None:
    """Read a line; None if it is none of a record."""
    parsed = quick_record(line) if line.startswith(RECORD_START) else None
    if parsed is not None:
        return to_stored(parsed)
    try:
        parse_line(line)
    except NotALine as error:
        raise JournalCorrupt(path, offset, error.expected, error.found) from error
    return None


def _parts(record: StoredRecord) -> int:
    return 1 if record.part is None else record.part[1]

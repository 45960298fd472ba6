"""
Reading what is durable: first what is known in memory, then the index files, then the lines.

What is in memory is looked at in Trio's thread, where it also grows. Index files and
segments are read in threads. Each record is checked again when it is read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar, final

import attrs
import trio

from . import ScopeEnd
from .coverage import Coverage
from .disk import Disk
from .index_file import MemoryIndex, Span
from .reading import Place, read_commit_value, read_places
from .record import StoredRecord
from .scanning import Scan
from .wanted import Page, Wanted

T = TypeVar("T")

READING_THREADS_MAX = 4
"""How many threads read for one journal at a time."""


@final
@attrs.define(eq=False, repr=False)
class Records:
    """
    A journal's durable records.

    Args:
      disk: where they lie.
      directory: the one of the segments.
      coverage: what the index files cover.
      memory: what lies behind that; the last one grows.
    """

    disk: Disk
    directory: str
    coverage: Coverage
    # Invariant: they follow each other and the coverage, without a gap; at least one.
    memory: list[MemoryIndex]
    _threads: trio.CapacityLimiter = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._threads = trio.CapacityLimiter(READING_THREADS_MAX)

    @property
    def count(self) -> int:
        """How many there are: the last one's position."""
        return self.memory[-1].last

    # --- by scope ---------------------------------------------------------------------

    def end_in_memory(self, scope: str) -> ScopeEnd | None:
        """Where a scope ends, if that need not be read; sequence 0 if it has no record."""
        for index in reversed(self.memory):
            span = index.scope(scope)
            if span is not None:
                return _end(span)
        return None if self.coverage.stretches else ScopeEnd(scope, 0, 0)

    def end_in_files(self, scope: str) -> ScopeEnd:
        """Where a scope ends that has no record in memory. Blocks."""
        return _end_in(self.coverage, scope)

    async def sequences(self, scopes: Iterable[str]) -> list[int]:
        """Give the last sequences of some scopes. Checkpoints; may be cancelled."""
        coverage = self.coverage
        known = [(scope, self.end_in_memory(scope)) for scope in scopes]
        if any(end is None for _, end in known):
            return await self.in_thread(
                lambda: [(end or _end_in(coverage, scope)).sequence for scope, end in known]
            )
        await trio.lowlevel.checkpoint()
        return [end.sequence for _, end in known if end is not None]

    async def scope_end(self, scope: str) -> ScopeEnd:
        """Where a scope ends; sequence 0 for an unknown one. Checkpoints; may be cancelled."""
        coverage, end = self.coverage, self.end_in_memory(scope)
        if end is None:
            return await self.in_thread(lambda: _end_in(coverage, scope))
        await trio.lowlevel.checkpoint()
        return end

    async def read_scope(
        self, scope: str, first: int, last: int | None, limit: int | None, *, reverse: bool
    ) -> tuple[list[StoredRecord], ScopeEnd]:
        """
        Read a scope's records by sequence, both bounds included, and say where it ends.

        Checkpoints; may be cancelled.

        Raises:
          JournalCorrupt: a record that was asked for is damaged, or cannot be read.
          JournalFailed: no file can be opened now.
        """
        coverage, end = self.coverage, self.end_in_memory(scope)
        known, from_memory = self._places_in_memory(scope, first, last, limit, end, reverse=reverse)

        def read() -> tuple[list[StoredRecord], ScopeEnd]:
            found = end or _end_in(coverage, scope)
            begin, until = _bounds(found.sequence, first, last, limit, reverse=reverse)
            until = min(until, from_memory - 1)
            places = known
            if begin <= until:
                covered = coverage.answer(lambda: coverage.scope_places(scope, begin, until))
                assert len(covered) == until - begin + 1
                places = covered + known
            if reverse:
                places = places[::-1]
            return read_places(self.disk, self.directory, places), found

        if end is not None and not known:
            begin, until = _bounds(end.sequence, first, last, limit, reverse=reverse)
            if begin > min(until, from_memory - 1):
                # There is nothing to read: whoever is up to date asks for what lies behind the end.
                await trio.lowlevel.checkpoint()
                return [], end
        return await self.in_thread(read)

    def _places_in_memory(
        self,
        scope: str,
        first: int,
        last: int | None,
        limit: int | None,
        end: ScopeEnd | None,
        *,
        reverse: bool,
    ) -> tuple[list[Place], int]:
        """Say where wanted records are in memory, and the first sequence that is."""
        if end is None or not end.sequence:
            return [], 1 << 63
        begin, until = _bounds(end.sequence, first, last, limit, reverse=reverse)
        from_memory = end.sequence + 1
        groups: list[list[Place]] = []
        for index in reversed(self.memory):
            span = index.scope(scope)
            if span is not None:
                from_memory = span.first_sequence
                start = max(begin, from_memory)
                groups.append([
                    Place(p, index.segment_first, *index.extent(p), scope, start + k)
                    for k, p in enumerate(index.positions(span, start, until))
                ])  # fmt: skip
        return [place for group in reversed(groups) for place in group], from_memory

    async def scopes(self, prefix: str, after: str | None, limit: int) -> list[ScopeEnd]:
        """A page of the scopes ever used, by code point. Checkpoints; may be cancelled."""
        limit, coverage = max(0, limit), self.coverage
        newest = {
            span.scope: _end(span)
            for index in self.memory
            for span in index.scopes(prefix, after, limit)
        }
        if coverage.stretches:
            found = await self.in_thread(
                lambda: coverage.answer(lambda: coverage.scopes(prefix, after, limit))
            )
            newest = found | newest
        else:
            await trio.lowlevel.checkpoint()
        return [newest[scope] for scope in sorted(newest)[:limit]]

    # --- by position and id -----------------------------------------------------------

    async def read_all(self, after: int, limit: int) -> list[StoredRecord]:
        """Read records by position, `after` excluded. Otherwise like `read_scope`."""
        coverage = self.coverage
        begin = max(after, 0) + 1
        end = min(self.count, begin + limit - 1)
        known = self._places_between(max(begin, coverage.last + 1), end)
        covered_end = min(end, coverage.last)

        def read() -> list[StoredRecord]:
            places = known
            if begin <= covered_end:
                places = coverage.answer(lambda: coverage.places(begin, covered_end)) + known
            return read_places(self.disk, self.directory, places)

        return await self.in_thread(read)

    async def commit_value(self, position: int) -> str | None:
        """Read the commit value on a record's line; None if it closes no commit."""
        coverage = self.coverage
        known = self._places_between(max(position, coverage.last + 1), position)

        def read() -> str | None:
            (place,) = known or coverage.answer(lambda: coverage.places(position, position))
            return read_commit_value(self.disk, self.directory, place)

        return await self.in_thread(read)

    async def scan(self, wanted: Wanted, limit: int) -> Page:
        """Give a page of the records that are wanted. Checkpoints; may be cancelled."""
        scan = Scan(
            self.disk, self.directory, self.coverage, tuple(self.memory), self.count,
            wanted, max(1, limit),
            trio.from_thread.check_cancelled if self.disk.uses_threads else lambda: None,
        )  # fmt: skip
        return await self.in_thread(scan.page)

    async def find(self, scope: str, proposal_id: str) -> tuple[StoredRecord, ...]:
        """Give the durable records of one admitted proposal, if any. Like `read_scope`."""
        if not (_is_text(scope) and _is_text(proposal_id)):
            await trio.lowlevel.checkpoint()
            return ()
        for index in reversed(self.memory):
            for position in index.find_id(scope, proposal_id):
                (record,) = await self.read_all(position - 1, 1)
                if (record.scope, record.id) == (scope, proposal_id):
                    return await self._decision(record)
        coverage = self.coverage
        if coverage.stretches:
            found = await self.in_thread(lambda: self._find_in(coverage, scope, proposal_id))
            if found is not None:
                return await self._decision(found)
        else:
            await trio.lowlevel.checkpoint()
        return ()

    def lacks(self, scope: str, proposal_id: str) -> bool:
        """Whether `find` finds nothing, and no file has to be read to know it."""
        if self.coverage.stretches or not _is_text(proposal_id):
            return False
        return not any(index.find_id(scope, proposal_id) for index in self.memory)

    def _find_in(self, coverage: Coverage, scope: str, proposal_id: str) -> StoredRecord | None:
        def places(position: int) -> list[Place]:
            return coverage.answer(lambda: coverage.places(position, position))

        for position in coverage.answer(lambda: coverage.candidates(scope, proposal_id)):
            (record,) = read_places(self.disk, self.directory, places(position))
            if (record.scope, record.id) == (scope, proposal_id):
                return record
        return None

    async def _decision(self, first: StoredRecord) -> tuple[StoredRecord, ...]:
        n = 1 if first.part is None else first.part[1]
        if n == 1:
            return (first,)
        return (first, *await self.read_all(first.position, n - 1))

    def _places_between(self, first: int, last: int) -> list[Place]:
        return [
            Place(position, index.segment_first, *index.extent(position))
            for index in self.memory
            for position in range(max(first, index.first), min(last, index.last) + 1)
        ]

    async def in_thread(self, work: Callable[[], T]) -> T:
        """Do what may block. Cancellation waits for it, unless it looks out for that."""
        if not self.disk.uses_threads:
            await trio.lowlevel.checkpoint()
            return work()
        return await trio.to_thread.run_sync(work, limiter=self._threads)


def _end_in(coverage: Coverage, scope: str) -> ScopeEnd:
    return coverage.answer(lambda: coverage.end(scope)) or ScopeEnd(scope, 0, 0)


def _is_text(name: str) -> bool:
    """Whether UTF-8 can hold it; nothing that is stored has another name."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _end(span: Span) -> ScopeEnd:
    return ScopeEnd(span.scope, span.last_sequence, span.last_position, span.at)


def _bounds(
    count: int, first: int, last: int | None, limit: int | None, *, reverse: bool
) -> tuple[int, int]:
    """The first and the last sequence that are wanted of so many; crossed if none is."""
    begin = max(first, 1)
    end = count if last is None else min(last, count)
    if limit is not None and max(limit, 0) < end - begin + 1:
        limit = max(limit, 0)
        return (end - limit + 1, end) if reverse else (begin, begin + limit - 1)
    return begin, end

"""
Runs of records that lie in one segment, and what their index says of them.

A run is what one index file covers, or an index in memory; here both are asked alike.
Asking an index file may read it, so it is done in threads and under the coverage's lock;
an index in memory may grow meanwhile, but not before the position that was asked for.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from itertools import islice, takewhile
from typing import Protocol, final

import attrs

from .index_file import NOT_SETTLED, IndexReader, MemoryIndex, find_time
from .reading import Place


@attrs.frozen
class Key:
    """What an index is asked for."""

    name: str
    member: str | None = None
    """The member of metadata that is this name; None if it is a scope's."""


@attrs.frozen
class Extent:
    """Records that follow each other, and the bytes in which they lie; marks may, too."""

    first: int
    last: int
    begin: int
    end: int


class Run(Protocol):
    """Records that follow each other in one segment."""

    @property
    def first(self) -> int:
        """The first position."""
        ...

    @property
    def last(self) -> int:
        """The last position."""
        ...

    @property
    def segment_first(self) -> int:
        """The first position of its segment."""
        ...

    def place(self, position: int) -> Place:
        """Where a record lies."""
        ...

    def in_time(self, microseconds: int) -> range:
        """Positions of which one is the first not before a time; empty if all are before it."""
        ...

    def found(
        self, key: Key, first: int, last: int, limit: int, *, reverse: bool
    ) -> list[int] | None:
        """
        Positions of what may be meant by a key, between two, so many at most.

        None: the index has no such keys.
        """
        ...

    def before(self, key: Key) -> int | None:
        """
        The position of a scope's last record before the run, 0 if there is none.

        None: that is not known here.
        """
        ...

    def of_ids(self, ids: Sequence[str]) -> list[int] | None:
        """Where the records of these proposals may begin, rising; None if that is not known."""
        ...


@final
@attrs.frozen(eq=False)
class CoveredRun:
    """What an index file covers."""

    reader: IndexReader

    @property
    def first(self) -> int:
        """The first position."""
        return self.reader.header.first

    @property
    def last(self) -> int:
        """The last position."""
        return self.reader.header.last

    @property
    def segment_first(self) -> int:
        """The first position of its segment."""
        return self.reader.header.segment_first

    def place(self, position: int) -> Place:
        """Where a record lies."""
        return Place(position, self.segment_first, *self.reader.extent(position))

    def in_time(self, microseconds: int) -> range:
        """Positions of which one is the first not before a time; empty if all are before it."""
        return self.reader.positions_at(microseconds)

    def found(
        self, key: Key, first: int, last: int, limit: int, *, reverse: bool
    ) -> list[int] | None:
        """Positions of what may be meant by a key, between two, so many at most."""
        if key.member is not None:
            positions = self.reader.find_correlation(key.member, key.name, first=first)
            some = takewhile(lambda position: position <= last, positions)
            return [*some][: -limit - 1 : -1] if reverse else [*islice(some, limit)]
        span = self.reader.scope(key.name)
        if span is None:
            return []
        places, begin = self.reader.tables.places, span.first_place
        low, high = _between(
            lambda k: self.first + places[begin + k], span.count, first, last, limit,
            reverse=reverse,
        )  # fmt: skip
        positions = (self.first + n for n in places[begin + low : begin + high])
        return _ordered(positions, reverse=reverse)

    def before(self, key: Key) -> int | None:
        """The position of a scope's last record before the run; None if it is not known."""
        span = None if key.member is not None else self.reader.scope(key.name)
        return None if span is None else span.before

    def of_ids(self, ids: Sequence[str]) -> list[int] | None:
        """Where the records of these proposals may begin, rising."""
        return sorted({p for id_ in ids for p in self.reader.find_id_anywhere(id_)})


@final
@attrs.frozen(eq=False)
class MemoryRun:
    """What an index in memory covers, up to a position."""

    index: MemoryIndex
    last: int

    @property
    def first(self) -> int:
        """The first position."""
        return self.index.first

    @property
    def segment_first(self) -> int:
        """The first position of its segment."""
        return self.index.segment_first

    def place(self, position: int) -> Place:
        """Where a record lies."""
        return Place(position, self.segment_first, *self.index.extent(position))

    def in_time(self, microseconds: int) -> range:
        """Positions of which one is the first not before a time; empty if all are before it."""
        contents = self.index.contents
        return find_time(self.first, self.last, contents.last_at, contents.times, microseconds)

    def found(
        self, key: Key, first: int, last: int, limit: int, *, reverse: bool
    ) -> list[int] | None:
        """Positions of a scope's records; other keys are not known: there is little here."""
        if key.member is not None:
            return None
        found = self.index.contents.scopes.get(key.name)
        if found is None:
            return []
        ordinals = found.ordinals
        low, high = _between(
            lambda k: self.first + ordinals[k], len(ordinals), first, last, limit, reverse=reverse
        )
        return _ordered((self.first + n for n in ordinals[low:high]), reverse=reverse)

    def before(self, key: Key) -> int | None:
        """The position of a scope's last record before the run; None if it is not known."""
        found = None if key.member is not None else self.index.contents.scopes.get(key.name)
        if found is None or found.first_sequence == 1:
            return None if found is None else 0
        # It is looked for when the index is written out, not before.
        return None if found.before == NOT_SETTLED else found.before

    def of_ids(self, ids: Sequence[str]) -> list[int] | None:
        """None: there is so little here that it is searched."""
        return None


def extent_of(run: Run, first: int, last: int, bytes_max: int, *, reverse: bool) -> Extent:
    """
    Give as many records as fit into so many bytes, at least one.

    Args:
      first, last: positions in the run; of these.
      reverse: take those before `last`, else those behind `first`.
    """
    positions = range(first, last + 1)
    if reverse:
        end = run.place(last).end
        k = bisect_left(positions, end - bytes_max, key=lambda p: run.place(p).begin)
        first = min(first + k, last)
        return Extent(first, last, run.place(first).begin, end)
    begin = run.place(first).begin
    k = bisect_right(positions, begin + bytes_max, key=lambda p: run.place(p).end)
    last = max(first, first + k - 1)
    return Extent(first, last, begin, run.place(last).end)


def _between(
    position: Callable[[int], int], count: int, first: int, last: int, limit: int, *, reverse: bool
) -> tuple[int, int]:
    """Which of so many rising positions lie between two: the first, and behind the last."""
    low = bisect_left(range(count), first, key=position)
    high = bisect_right(range(count), last, key=position)
    if high - low > limit:
        return (high - limit, high) if reverse else (low, low + limit)
    return low, high


def _ordered(positions: Iterable[int], *, reverse: bool) -> list[int]:
    return [*positions][::-1] if reverse else [*positions]

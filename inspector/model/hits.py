"""The hits of a search that goes out from a place in both directions."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import takewhile
from operator import neg
from typing import Final, final

import attrs

from atomic_store.journal import StoredRecord

from .kept_records import KeptRecords
from .listing import PAGE_RECORDS, BySearch, Fetch, Grown

HITS_MAX: Final = 4_000_000
"""How many hits are held, 8 bytes each: whoever has more wants another filter."""


@final
@attrs.define(eq=False)
class HitListing:
    """
    Hits in the order of position, found in any order: a `Listing`.

    A search goes out from where somebody stands, behind and before; both add to what was
    found. So indexes move: a place that is to stay is kept as a position, and `index_at`
    tells where that is now.
    """

    hits_max: int = HITS_MAX
    _kept: KeptRecords = attrs.field(factory=KeptRecords, alias="kept")
    # Invariant: all in `_before`, which falls, are below all in `_behind`, which rises.
    _before: array[int] = attrs.field(factory=lambda: array("Q"), init=False)
    _behind: array[int] = attrs.field(factory=lambda: array("Q"), init=False)
    _absent: set[int] = attrs.field(factory=set, init=False)

    @property
    def count(self) -> int:
        """How many hits were found."""
        return len(self._before) + len(self._behind)

    @property
    def is_full(self) -> bool:
        """There are so many that no more are taken; the search may end."""
        return self.count >= self.hits_max

    def position(self, index: int) -> int:
        """
        Give the position of the hit at an index, from 0.

        Raises:
          IndexError: there is no such hit.
        """
        if not 0 <= index < self.count:
            raise IndexError(f"expected an index below {self.count}, found {index}")
        before = len(self._before)
        return self._before[before - 1 - index] if index < before else self._behind[index - before]

    def index_at(self, position: int) -> int:
        """Say where the hit at a position is, or the first one behind it, or the last one."""
        return max(0, min(self._place(position), self.count - 1))

    def wants(self, first: int, last: int) -> list[Fetch]:
        """Say what must be searched for again; see `Listing`."""
        first, last = max(first, 0), min(last, self.count - 1)
        if last < first:
            return []
        positions = [self.position(index) for index in range(first, last + 1)]
        missing = [p for p in self._kept.look(positions) if p not in self._absent]
        if not missing:
            return []
        low, high = self._place(missing[0]), self._place(missing[-1])
        low -= low % PAGE_RECORDS
        high = min(high - high % PAGE_RECORDS + PAGE_RECORDS, self.count) - 1
        return [BySearch(self.position(low), self.position(high))]

    def take(self, records: Sequence[StoredRecord], fetch: Fetch | None = None) -> Grown:
        """Take hits: found ones, new ones, and those that were searched for again."""
        before = behind = 0
        for record in records:
            side = self._add(record.position)
            before += side < 0
            behind += side > 0
            if side or self._is_hit(record.position):
                self._absent.discard(record.position)
                self._kept.put(record.position, record)
        if isinstance(fetch, BySearch):
            came = {record.position for record in records}
            self._absent.update(set(self._between(fetch.first, fetch.last)) - came)
        return Grown(before, behind)

    def record(self, index: int) -> StoredRecord | None:
        """Give the hit at an index; see `Listing`."""
        return self._kept.get(self.position(index)) if 0 <= index < self.count else None

    def index_of(self, record: StoredRecord) -> int | None:
        """Say where a hit is; None if it is none."""
        is_hit = self._is_hit(record.position)
        return self._place(record.position) if is_hit else None

    def _add(self, position: int) -> int:
        """Add a position: -1 if it lies before those that were there, 1 if behind, 0 if known."""
        before, behind = self._before, self._behind
        if self.is_full or self._is_hit(position):
            return 0
        if not behind or position > behind[0]:
            if not behind and before and position < before[0]:
                before.insert(bisect_left(before, -position, key=neg), position)
                return -1
            # Mostly the last one, where it costs nothing.
            behind.insert(bisect_left(behind, position), position)
            return 1
        before.insert(bisect_left(before, -position, key=neg), position)
        return -1

    def _place(self, position: int) -> int:
        """How many hits lie before a position."""
        if self._behind and position >= self._behind[0]:
            return len(self._before) + bisect_left(self._behind, position)
        # In what falls, all behind the found place are below it; those equal to it are not.
        at = bisect_left(self._before, -position, key=neg)
        is_there = at < len(self._before) and self._before[at] == position
        return len(self._before) - at - is_there

    def _is_hit(self, position: int) -> bool:
        place = self._place(position)
        return place < self.count and self.position(place) == position

    def _between(self, first: int, last: int) -> Iterator[int]:
        start = self._place(first)
        inside = (self.position(index) for index in range(start, self.count))
        return takewhile(lambda position: position <= last, inside)

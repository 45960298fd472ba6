"""
Lists of records that are too long to be held: which record is at which index.

A list shows some rows. It asks its listing what it `wants` for them, has that fetched, lets
the listing `take` what came, and shows each `record` that is there. Records that were asked
for and are not there, since the store lacks them, are not asked for again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, Protocol, TypeAlias, final

import attrs

from atomic_store.journal import StoredRecord

from .kept_records import KeptRecords

PAGE_RECORDS: Final = 100
"""Records are fetched in pages of so many: the next rows are mostly wanted next."""


@final
@attrs.frozen
class ByPosition:
    """Fetch the records at these positions, of all scopes; both ends included."""

    first: int
    last: int


@final
@attrs.frozen
class BySequence:
    """Fetch the records of a scope with these sequences; both ends included."""

    scope: str
    first: int
    last: int


@final
@attrs.frozen
class BySearch:
    """Search again between these positions, both included: there are hits that were dropped."""

    first: int
    last: int


Fetch: TypeAlias = ByPosition | BySequence | BySearch
"""What must be fetched so that some rows can be shown."""


@final
@attrs.frozen
class Grown:
    """By how many rows a listing has become longer."""

    before: int = 0
    """Above those that were there: each of their indexes is higher by so much now."""
    behind: int = 0
    """Below."""


class Listing(Protocol):
    """Records by index, from 0."""

    @property
    def count(self) -> int:
        """How many records there are, whether they were fetched or not."""
        ...

    def wants(self, first: int, last: int) -> list[Fetch]:
        """
        Say what must be fetched so that these indexes can be shown; nothing, if all is there.

        What is on the screen is told by this: it is not dropped for what comes.
        """
        ...

    def take(self, records: Sequence[StoredRecord], fetch: Fetch | None = None) -> Grown:
        """
        Take records that were fetched, found, or came behind the last one.

        Args:
          records: in any order.
          fetch: what they were fetched for: what it covers and is not among them is not
            there, and is not wanted any more.
        """
        ...

    def record(self, index: int) -> StoredRecord | None:
        """Give the record at an index; None if it must be fetched, or is not there."""
        ...

    def index_of(self, record: StoredRecord) -> int | None:
        """Say where a record is; None if it is not in this listing."""
        ...


@final
@attrs.define(eq=False)
class _Numbered:
    """Records with numbers from 1 to `count`, without a gap: index n has number n + 1."""

    count: int
    kept: KeptRecords
    _absent: set[int] = attrs.field(factory=set, init=False)

    def wants(self, first: int, last: int) -> list[tuple[int, int]]:
        """The numbers to be fetched, in runs that end where pages do."""
        first, last = max(first, 0), min(last, self.count - 1)
        missing = set(self.kept.look(range(first + 1, last + 2))) - self._absent
        runs: list[tuple[int, int]] = []
        for page in sorted({(number - 1) // PAGE_RECORDS for number in missing}):
            low = page * PAGE_RECORDS + 1
            high = min(low + PAGE_RECORDS - 1, self.count)
            low, high = self._narrowed(low, high)
            if runs and runs[-1][1] + 1 == low:
                runs[-1] = (runs[-1][0], high)
            else:
                runs.append((low, high))
        return runs

    def _narrowed(self, low: int, high: int) -> tuple[int, int]:
        """Without what is there already at both ends."""
        while self._is_known(low):
            low += 1
        while self._is_known(high):
            high -= 1
        return low, high

    def _is_known(self, number: int) -> bool:
        return number in self._absent or self.kept.get(number) is not None

    def take(
        self, records: Iterable[tuple[int, StoredRecord]], asked: tuple[int, int] | None
    ) -> Grown:
        count = self.count
        came = set()
        for number, record in records:
            came.add(number)
            self._absent.discard(number)
            self.kept.put(number, record)
            self.count = max(self.count, number)
        if asked is not None:
            self._absent.update(set(range(asked[0], asked[1] + 1)) - came)
        return self._grown(count)

    def grow(self, count: int) -> Grown:
        before = self.count
        self.count = max(before, count)
        return self._grown(before)

    def _grown(self, before: int) -> Grown:
        if self.count > before:
            # What a reader did not have yet when it was asked, it may have now.
            self._absent.clear()
        return Grown(behind=self.count - before)


@final
class AllListing:
    """
    All records of a store: the one at index n has position n + 1.

    Args:
      count: the last position.
    """

    __slots__ = ("_numbered",)

    def __init__(self, count: int, kept: KeptRecords | None = None) -> None:
        self._numbered = _Numbered(count, kept or KeptRecords())

    @property
    def count(self) -> int:
        """The last position."""
        return self._numbered.count

    def grow(self, count: int) -> Grown:
        """Learn that there are more, though they have not been seen."""
        return self._numbered.grow(count)

    def wants(self, first: int, last: int) -> list[Fetch]:
        """Say what must be fetched; see `Listing`."""
        return [ByPosition(low, high) for low, high in self._numbered.wants(first, last)]

    def take(self, records: Sequence[StoredRecord], fetch: Fetch | None = None) -> Grown:
        """Take records; see `Listing`."""
        asked = (fetch.first, fetch.last) if isinstance(fetch, ByPosition) else None
        return self._numbered.take(((record.position, record) for record in records), asked)

    def record(self, index: int) -> StoredRecord | None:
        """Give the record at an index; see `Listing`."""
        return self._numbered.kept.get(index + 1)

    def index_of(self, record: StoredRecord) -> int | None:
        """Say where a record is; see `Listing`."""
        return record.position - 1 if 0 < record.position <= self.count else None

    def index_at(self, position: int) -> int:
        """Say where a position is, or the nearest to it; 0 if there is nothing at all."""
        return max(0, min(position, self.count) - 1)


@final
class ScopeListing:
    """
    All records of a scope: the one at index n has sequence n + 1.

    Args:
      scope: the scope.
      count: its last sequence.
    """

    __slots__ = ("_numbered", "scope")

    def __init__(self, scope: str, count: int, kept: KeptRecords | None = None) -> None:
        self.scope = scope
        self._numbered = _Numbered(count, kept or KeptRecords())

    @property
    def count(self) -> int:
        """The last sequence."""
        return self._numbered.count

    def grow(self, count: int) -> Grown:
        """Learn that there are more, though they have not been seen."""
        return self._numbered.grow(count)

    def wants(self, first: int, last: int) -> list[Fetch]:
        """Say what must be fetched; see `Listing`."""
        runs = self._numbered.wants(first, last)
        return [BySequence(self.scope, low, high) for low, high in runs]

    def take(self, records: Sequence[StoredRecord], fetch: Fetch | None = None) -> Grown:
        """Take records; see `Listing`. Those of other scopes are passed by."""
        asked = (fetch.first, fetch.last) if isinstance(fetch, BySequence) else None
        own = ((record.sequence, record) for record in records if record.scope == self.scope)
        return self._numbered.take(own, asked)

    def record(self, index: int) -> StoredRecord | None:
        """Give the record at an index; see `Listing`."""
        return self._numbered.kept.get(index + 1)

    def index_of(self, record: StoredRecord) -> int | None:
        """Say where a record is; see `Listing`."""
        is_here = record.scope == self.scope and 0 < record.sequence <= self.count
        return record.sequence - 1 if is_here else None

"""The events of one scope, one after the other, read before they are wanted."""

from __future__ import annotations

from typing import Final, final

import attrs

from atomic_store.errors import AtomicStoreError
from atomic_store.journal import StoredRecord
from atomic_store.journal.record import size_of

from .desk import Desk
from .model.listing import BySequence, Fetch, ScopeListing

AHEAD: Final = 24
"""So many events before and behind are read, too: a key that is held down finds them there."""
LARGE_BYTES: Final = 64 * 1024
"""Events beside one so large are read one by one: a page of them might be a hundred megabytes."""


class NotThere(AtomicStoreError, LookupError):
    """The store has no event at this place, or lacks it."""


@final
@attrs.define(eq=False)
class Walk:
    """
    Where somebody is in a scope.

    All of it raises what the source raises, and changes nothing then.
    """

    desk: Desk
    listing: ScopeListing
    """The scope's records, as far as they were read."""
    _is_large: bool = False

    @classmethod
    def begin(cls, desk: Desk, record: StoredRecord) -> Walk:
        """Begin at a record."""
        listing = ScopeListing(record.scope, record.sequence)
        listing.take([record])
        return cls(desk, listing)

    @property
    def scope(self) -> str:
        """Where we are."""
        return self.listing.scope

    @property
    def count(self) -> int:
        """The last sequence, as of the last `look`."""
        return self.listing.count

    async def look(self) -> bool:
        """See whether more events have come."""
        end = await self.desk.bridge.call(self.desk.source.scope_end, self.scope)
        return end is not None and bool(self.listing.grow(end.sequence).behind)

    def known(self, sequence: int) -> StoredRecord | None:
        """Give a record at once, if it was read."""
        return self.listing.record(sequence - 1)

    async def record(self, sequence: int) -> StoredRecord:
        """
        Give a record.

        Raises:
          NotThere: there is none.
        """
        record = self.known(sequence)
        if record is None:
            await self._read(sequence)
            record = self.known(sequence)
        if record is None:
            raise NotThere(f"expected event {sequence:,} there, found none: the store lacks it")
        self._is_large = size_of(record) > LARGE_BYTES
        return record

    async def read_ahead(self, sequence: int) -> None:
        """Read what is around a record; what cannot be read is left for when it is wanted."""
        around = 1 if self._is_large else AHEAD
        await self.read(sequence - around, sequence + around)

    async def read(self, first: int, last: int) -> None:
        """Read what is between two sequences, both included; as `read_ahead`."""
        if self._is_large:
            fetches: list[Fetch] = [
                BySequence(self.scope, sequence, sequence)
                for sequence in range(max(first, 1), min(last, self.count) + 1)
                if self.known(sequence) is None
            ]
        else:
            fetches = self.listing.wants(first - 1, last - 1)
        for fetch in fetches:
            try:
                await self._fetch(fetch)
            except AtomicStoreError:
                continue

    async def _read(self, sequence: int) -> None:
        if not self._is_large:
            for fetch in self.listing.wants(sequence - 1, sequence - 1):
                try:
                    await self._fetch(fetch)
                    return
                except AtomicStoreError:
                    # One of the others may be what cannot be read.
                    break
        await self._fetch(BySequence(self.scope, sequence, sequence))

    async def _fetch(self, fetch: Fetch) -> None:
        assert isinstance(fetch, BySequence)
        source = self.desk.source
        records = await self.desk.bridge.call(source.in_scope, self.scope, fetch.first, fetch.last)
        self.listing.take(records, fetch)

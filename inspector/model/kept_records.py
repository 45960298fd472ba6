"""Records that were fetched and may be shown again: the last used ones, within bounds."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import Final, final

import attrs

from atomic_store.journal import StoredRecord
from atomic_store.journal.record import size_of

RECORDS_MAX: Final = 5_000
BYTES_MAX: Final = 16 * 1024 * 1024
"""Of data and metadata; what is on the screen is kept beyond that."""


@final
@attrs.define(eq=False)
class KeptRecords:
    """
    Records by a number: a position, or a sequence.

    Those of the last `look` are never dropped, however large they are: they would be
    fetched again at once.
    """

    records_max: int = RECORDS_MAX
    bytes_max: int = BYTES_MAX
    # Invariant: the last used is the last; `_bytes` is the sum of their sizes.
    _records: OrderedDict[int, StoredRecord] = attrs.field(factory=OrderedDict, init=False)
    _bytes: int = attrs.field(default=0, init=False)
    _looked_at: frozenset[int] = attrs.field(default=frozenset(), init=False)

    def __len__(self) -> int:
        return len(self._records)

    @property
    def size_bytes(self) -> int:
        """How much data and metadata is kept."""
        return self._bytes

    def get(self, number: int) -> StoredRecord | None:
        """Give a record, if it is kept."""
        return self._records.get(number)

    def look(self, numbers: Iterable[int]) -> list[int]:
        """Say what is on the screen now, and get back what of it is not kept."""
        self._looked_at = frozenset(numbers)
        missing = []
        for number in self._looked_at:
            if number in self._records:
                self._records.move_to_end(number)
            else:
                missing.append(number)
        missing.sort()
        return missing

    def put(self, number: int, record: StoredRecord) -> None:
        """Keep a record; the one that has not been used for longest may go."""
        old = self._records.pop(number, None)
        if old is not None:
            self._bytes -= size_of(old)
        self._records[number] = record
        self._bytes += size_of(record)
        self._drop()

    def clear(self) -> None:
        """Forget all."""
        self._records.clear()
        self._bytes = 0

    def _drop(self) -> None:
        spared = 0
        while len(self._records) > self.records_max or self._bytes > self.bytes_max:
            if spared >= len(self._records):
                return
            number, record = self._records.popitem(last=False)
            if number in self._looked_at:
                self._records[number] = record
                spared += 1
            else:
                self._bytes -= size_of(record)

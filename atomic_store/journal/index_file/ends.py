"""Where every scope of a store ends, at the end of a segment: kept as bytes, not as objects."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import final

import attrs

from .layout import END_ROW
from .moments import to_text
from .names import NameTable, encoded


@attrs.frozen
class ScopeLast:
    """Where a scope ends."""

    scope: str
    sequence: int
    """Its last record's sequence."""
    position: int
    at: str


@final
@attrs.frozen(eq=False)
class EndsTable:
    """
    Every scope up to the end of a segment. Complete in memory: nothing here reads.

    Args:
      payloads: what the table's pages hold.
      count: how many scopes there are.
    """

    _payloads: Sequence[bytes] = ()
    _count: int = 0
    _table: NameTable = attrs.field(
        init=False,
        default=attrs.Factory(
            lambda self: NameTable(
                self._payloads.__getitem__, 0, len(self._payloads), END_ROW.size
            ),
            takes_self=True,
        ),
    )

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[ScopeLast]:
        return (_last(name, row) for name, row in self._table.rows())

    def find(self, scope: str) -> ScopeLast | None:
        """Say where a scope ends; None if it has no record up to here."""
        name = encoded(scope)
        row = self._table.find(name)
        return None if row is None else _last(name, row)

    def page(
        self, prefix: str = "", after: str | None = None, limit: int = 1000
    ) -> list[ScopeLast]:
        """Give some scopes, ordered by code point."""
        return [_last(name, row) for name, row in self.some_rows(prefix, after, limit)]

    def some_rows(
        self, prefix: str, after: str | None, limit: int
    ) -> Iterator[tuple[bytes, bytes]]:
        """Give some names and rows, ordered by code point."""
        return self._table.select(prefix, after, limit)

    def last(self, name: bytes, row: bytes) -> ScopeLast:
        """Read what a row says of where a scope ends."""
        return _last(name, row)

    def rows(self) -> Iterator[tuple[bytes, bytes]]:
        """Give all names and rows, as they lie in the file."""
        return self._table.rows()


def _last(name: bytes, row: bytes) -> ScopeLast:
    sequence, position, at = END_ROW.unpack(row)
    return ScopeLast(name.decode(), sequence, position, to_text(at))


def merged_rows(
    before: EndsTable, newer: Iterable[tuple[bytes, bytes]]
) -> Iterator[tuple[bytes, bytes]]:
    """Give the rows of a table and newer ones in order; of two with one name, the newer."""
    older = before.rows()
    waiting = next(older, None)
    for row in newer:
        while waiting is not None and waiting[0] < row[0]:
            yield waiting
            waiting = next(older, None)
        if waiting is not None and waiting[0] == row[0]:
            waiting = next(older, None)
        yield row
    if waiting is not None:
        yield waiting
        yield from older

"""Records as the lines of a list."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol, final

import attrs

from atomic_store.journal import StoredRecord

from ..model.rows import Column, Columns, Kind, Sizes, columns_for, row
from ..model.texts import cells_of, visible
from .virtual_list import Line, Part

LOOK_OF: Final = {
    Kind.POSITION: "dim",
    Kind.TIME: "dim",
    Kind.SCOPE: "key",
    Kind.SEQUENCE: "number",
    Kind.TYPE: "name",
}
NAME_CELLS_MAX: Final = 40
"""How much of a name is looked at to see how wide its column should be."""


class Records(Protocol):
    """Records by index."""

    @property
    def count(self) -> int:
        """How many there are."""
        ...

    def record(self, index: int) -> StoredRecord | None:
        """Give one; None if it is not there yet."""
        ...


@final
@attrs.define(eq=False)
class EventLines:
    """
    What a list of events shows.

    Args:
      records: where they are.
      on_wants: is told which ones are on the screen.
      is_one_scope: all are of one scope.
    """

    records: Records
    on_wants: Callable[[int, int], None]
    is_one_scope: bool = False
    _sizes: Sizes = attrs.Factory(lambda: Sizes(scope_cells=1, type_cells=1))
    _columns: tuple[int, Sizes, Columns] | None = None

    @property
    def count(self) -> int:
        """How many lines there are."""
        return self.records.count

    def wants(self, first: int, last: int) -> None:
        """Have what is on the screen fetched."""
        self.on_wants(first, last)

    def measure(self, first: int, last: int) -> bool:
        """Learn how wide columns should be from what is there; whether that has changed."""
        sizes = self._sizes
        for index in range(first, last + 1):
            if (record := self.records.record(index)) is not None:
                sizes = _larger(sizes, record)
        changed = sizes != self._sizes
        self._sizes = sizes
        return changed

    def title(self, cells: int) -> Line:
        """Name the columns."""
        columns = self._chosen(cells)
        return _joined([Part(column.title) for column in columns.columns], columns.gap)

    def line(self, index: int, cells: int) -> Line | None:
        """Show a record; None if it is not there yet."""
        record = self.records.record(index)
        if record is None:
            return None
        columns = self._chosen(cells)
        texts = row(record, columns)
        parts = [
            Part(text, _look(column)) for text, column in zip(texts, columns.columns, strict=True)
        ]
        return _joined(parts, columns.gap)

    def _chosen(self, cells: int) -> Columns:
        if self._columns is None or self._columns[:2] != (cells, self._sizes):
            columns = columns_for(max(1, cells - 1), self._sizes, is_one_scope=self.is_one_scope)
            self._columns = cells, self._sizes, columns
        return self._columns[2]


def _look(column: Column) -> str:
    return LOOK_OF.get(column.kind, "")


def _joined(parts: list[Part], gap: int) -> Line:
    """Set parts beside each other, one cell from the border."""
    line = [Part(" ")]
    for part in parts:
        if len(line) > 1:
            line.append(Part(" " * gap))
        line.append(part)
    return tuple(line)


def _larger(sizes: Sizes, record: StoredRecord) -> Sizes:
    """Sizes that also have room for a record."""
    return Sizes(
        position=max(sizes.position, record.position),
        sequence=max(sizes.sequence, record.sequence),
        scope_cells=max(sizes.scope_cells, cells_of(visible(record.scope, NAME_CELLS_MAX))),
        type_cells=max(sizes.type_cells, cells_of(visible(record.type, NAME_CELLS_MAX))),
    )

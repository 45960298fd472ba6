"""
What a list of events shows of each record: which columns, how wide, and their cells.

Columns are chosen once for a width; a row's cells are made when it is shown, and cost what
is shown of it, however large the record is.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import Enum
from typing import Final, TypeAlias, final

import attrs

from atomic_store.journal import StoredRecord

from .summary import summary
from .texts import cells_of, fitted, visible
from .words import when


class Kind(Enum):
    """What a column is about; its value is the title above it."""

    POSITION = "position"
    TIME = "time"
    SCOPE = "scope"
    SEQUENCE = "#"
    TYPE = "type"
    DATA = "data"
    EVENT = "event"
    """Type and data in one, where there is no room for two."""


_TO_THE_RIGHT: Final = frozenset({Kind.POSITION, Kind.SEQUENCE})


@final
@attrs.frozen
class Column:
    """A column of a list."""

    kind: Kind
    cells: int
    """How wide it is."""

    @property
    def title(self) -> str:
        """What stands above it, as wide as the column."""
        name = self.kind.value
        if self.kind is Kind.POSITION and self.cells < len(name):
            name = "pos"
        return fitted(name, self.cells, is_right=self.kind in _TO_THE_RIGHT)


@final
@attrs.frozen
class Columns:
    """The columns of a list, from left to right."""

    columns: tuple[Column, ...]
    gap: int
    """How many blank cells are between two of them."""


@final
@attrs.frozen
class Sizes:
    """How much room a list's records want."""

    position: int = 1
    """The highest position that is shown."""
    sequence: int = 1
    """The highest sequence that is shown."""
    scope_cells: int = 16
    """The widest name of a scope, about."""
    type_cells: int = 16
    """The widest name of a type, about."""


@final
@attrs.frozen
class _Layout:
    """One way to use a width; 0 leaves a column out."""

    time: int
    scope_max: int
    type_max: int
    data_min: int
    """What must be left for the data."""
    gap: int
    has_position: bool = True
    has_sequence: bool = True


# From the most generous to the poorest: the first that fits is taken.
_LAYOUTS: Final = (
    _Layout(time=26, scope_max=40, type_max=32, data_min=72, gap=2),
    _Layout(time=23, scope_max=32, type_max=24, data_min=56, gap=2),
    _Layout(time=19, scope_max=24, type_max=20, data_min=40, gap=2),
    _Layout(time=19, scope_max=16, type_max=14, data_min=30, gap=2),
    _Layout(time=14, scope_max=16, type_max=14, data_min=28, gap=2),
    _Layout(time=14, scope_max=14, type_max=12, data_min=20, gap=1),
    _Layout(time=8, scope_max=12, type_max=10, data_min=18, gap=1),
    _Layout(time=8, scope_max=12, type_max=10, data_min=12, gap=1, has_position=False),
    _Layout(time=0, scope_max=12, type_max=0, data_min=16, gap=1, has_position=False),
)
_POOREST: Final = _Layout(0, 8, 0, 0, 1, has_position=False, has_sequence=False)

_REPEATED_CELLS_MAX: Final = 64
"""A scope's name that is longer is not looked for in the data."""
_MEMBER_CELLS: Final = 24
"""How long the name of a member is that repeats it, about."""
_MEMBER: Final = re.compile(r"(?:^| )[\w-]+=")

_Wish: TypeAlias = tuple[Kind, int]


def columns_for(cells: int, sizes: Sizes, *, is_one_scope: bool = False) -> Columns:
    """
    Choose the columns of a list.

    Args:
      cells: how wide a row may be.
      sizes: how much room the records want.
      is_one_scope: all are of one scope: its name is not shown, nor the position where
        room is scarce; the sequence always is.
    """
    for layout in _LAYOUTS:
        wishes = _wishes(layout, sizes, is_one_scope)
        left = cells - sum(width + layout.gap for _, width in wishes)
        if left >= layout.data_min:
            return _columns(layout, wishes, left)
    poorest = attrs.evolve(_POOREST, has_sequence=is_one_scope)
    wishes = _wishes(poorest, sizes, is_one_scope)
    left = cells - sum(width + poorest.gap for _, width in wishes)
    # Even poorer: the event alone.
    return _columns(poorest, wishes, left) if left >= 8 else _columns(poorest, [], max(cells, 1))


def _wishes(layout: _Layout, sizes: Sizes, is_one_scope: bool) -> list[_Wish]:
    """The columns before the data."""
    # Where records come and go at the end, a digit more should not move everything.
    position = max(5, len(str(sizes.position)))
    sequence = max(4 if is_one_scope else 3, len(str(sizes.sequence)))
    wishes: list[_Wish] = []
    if layout.has_position:
        wishes.append((Kind.POSITION, position))
    if is_one_scope and layout.has_sequence:
        wishes.append((Kind.SEQUENCE, sequence))
    if layout.time:
        wishes.append((Kind.TIME, layout.time))
    if not is_one_scope:
        wishes.append((Kind.SCOPE, min(max(5, sizes.scope_cells), layout.scope_max)))
        if layout.has_sequence:
            wishes.append((Kind.SEQUENCE, sequence))
    if layout.type_max:
        wishes.append((Kind.TYPE, min(max(4, sizes.type_cells), layout.type_max)))
    return wishes


def _columns(layout: _Layout, wishes: Sequence[_Wish], left: int) -> Columns:
    last = Kind.DATA if layout.type_max else Kind.EVENT
    return Columns(
        tuple(Column(kind, width) for kind, width in [*wishes, (last, left)]), layout.gap
    )


def row(record: StoredRecord, columns: Columns) -> tuple[str, ...]:
    """Give a record's cells: a text for each column, exactly as wide as the column."""
    return tuple(_cell(record, column) for column in columns.columns)


def _cell(record: StoredRecord, column: Column) -> str:
    cells = column.cells
    match column.kind:
        case Kind.POSITION:
            text = str(record.position)
        case Kind.SEQUENCE:
            text = str(record.sequence)
        case Kind.TIME:
            text = when(record.at, cells)
        case Kind.SCOPE:
            text = record.scope
        case Kind.TYPE:
            text = type_of(record, cells)
        case Kind.DATA:
            text = data_of(record, cells)
        case Kind.EVENT:
            text = f"{type_of(record, min(cells, 24))} {data_of(record, cells)}"
    return fitted(text, cells, is_right=column.kind in _TO_THE_RIGHT)


def data_of(record: StoredRecord, cells_max: int) -> str:
    """Say what a record's data are, without the member that only repeats the scope's name."""
    scope = visible(record.scope, _REPEATED_CELLS_MAX)
    text = summary(record.data, cells_max + cells_of(scope) + _MEMBER_CELLS)
    return visible(_without_value(text, scope).lstrip(), cells_max)


def _without_value(text: str, value: str) -> str:
    """Leave out the first member of a summary that has this value."""
    for member in _MEMBER.finditer(text):
        for said in (value, f'"{value}"'):
            end = member.end() + len(said)
            if text.startswith(said, member.end()) and text[end : end + 1] in ("", " "):
                return text[: member.start()] + text[end:]
    return text


def type_of(record: StoredRecord, cells_max: int) -> str:
    """Name a record's type, and version and part where there are such: ``Bid v2 1/3``."""
    behind = "" if record.version == 1 else f" v{record.version}"
    if record.part is not None:
        behind += f" {record.part[0]}/{record.part[1]}"
    # What is behind it is short, and worth more than the name's end, unless there is no room.
    if len(behind) + min(4, len(record.type)) > cells_max:
        return visible(record.type, cells_max)
    return visible(record.type, cells_max - len(behind)) + behind

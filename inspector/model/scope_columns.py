"""What a list of scopes shows of each: which columns, how wide, and their cells."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import Enum
from typing import Final, NamedTuple, final

import attrs

from .scope_seen import Round, ScopeSeen, State
from .scope_table import Order
from .texts import fitted, visible
from .words import ago, duration, when

SCOPE_CELLS_MAX: Final = 64
"""However much room there is: an eye must find its way from the name to the rest."""


AGO_CELLS: Final = 12
"""How wide "364 days ago" is."""
WHO_CELLS_MAX: Final = 48
"""How long a name may be in a sentence."""


UNTOLD: Final = "\u2013"
"""Stands where nobody tells."""


class Kind(Enum):
    """What a column is about; its value is the title above it."""

    SCOPE = "scope"
    EVENTS = "events"
    AT = "last event"
    AGO = "ago"
    BARS = "last minute"
    RATE = "rate"
    STATE = "state"
    HOLDER = "held by"
    OPEN = "for"
    LEFT = "left"
    WAITING = "wait"


_TO_THE_RIGHT: Final = frozenset(
    {Kind.EVENTS, Kind.AGO, Kind.RATE, Kind.OPEN, Kind.LEFT, Kind.WAITING}
)

ORDERS: Final = {
    Kind.SCOPE: Order.NAME,
    Kind.EVENTS: Order.EVENTS,
    Kind.AT: Order.ACTIVITY,
    Kind.AGO: Order.ACTIVITY,
    Kind.BARS: Order.RATE,
    Kind.RATE: Order.RATE,
    Kind.STATE: Order.STATE,
    Kind.WAITING: Order.WAITING,
}
"""What the columns are sorted by."""


class Cell(NamedTuple):
    """A text exactly as wide as its column, and how it looks."""

    text: str
    look: str = ""


@final
@attrs.frozen
class Column:
    """A column of a list."""

    kind: Kind
    cells: int
    """How wide it is."""


@final
@attrs.frozen
class Columns:
    """The columns of a list, from left to right."""

    columns: tuple[Column, ...]
    gap: int
    """How many blank cells are between two of them."""

    def at(self, x: int) -> Column | None:
        """Say which column is at a cell of the line."""
        for column in self.columns:
            if 0 <= x < column.cells + self.gap:
                return column
            x -= column.cells + self.gap
        return None


@final
@attrs.frozen
class Moment:
    """What is to be known beside a scope, to show it now."""

    now: datetime
    passed_s: float = 0.0
    """How long ago the scope's round was told."""
    bars: str = ""
    rate: float = 0.0
    """Events a second."""


@final
@attrs.frozen
class _Layout:
    """One way to use a width; the name gets what is left, at least `scope_min`."""

    scope_min: int
    rest: tuple[tuple[Kind, int], ...]
    gap: int = 2


_EVENTS: Final = (Kind.EVENTS, 10)
_AGO: Final = (Kind.AGO, AGO_CELLS)
_BARS: Final = (Kind.BARS, 12)
_RATE: Final = (Kind.RATE, 8)
_STATE: Final = (Kind.STATE, 10)
_OPEN: Final = (Kind.OPEN, 8)
_LEFT: Final = (Kind.LEFT, 8)
_WAITING: Final = (Kind.WAITING, 5)

# From the most generous to the poorest: the first that fits is taken.
_POOR: Final = (
    _Layout(12, ((Kind.EVENTS, 8), (Kind.AGO, 6)), gap=1),
    _Layout(8, ((Kind.EVENTS, 7),), gap=1),
    _Layout(1, ()),
)
_LIVE: Final = (
    _Layout(32, (_EVENTS, (Kind.AT, 19), _AGO, _BARS, _RATE, _STATE, (Kind.HOLDER, 20), _OPEN,
        _LEFT, _WAITING)),
    _Layout(24, (_EVENTS, _AGO, _BARS, _RATE, _STATE, (Kind.HOLDER, 16), _OPEN, _LEFT, _WAITING)),
    _Layout(20, (_EVENTS, _AGO, _BARS, _STATE, (Kind.HOLDER, 14), _OPEN, _WAITING)),
    _Layout(18, ((Kind.EVENTS, 8), (Kind.AGO, 6), _STATE, (Kind.HOLDER, 11), _OPEN,
        (Kind.WAITING, 4))),
    _Layout(12, ((Kind.EVENTS, 8), _STATE, (Kind.HOLDER, 8), _OPEN), gap=1),
    _Layout(12, ((Kind.EVENTS, 7), _STATE), gap=1),
    *_POOR,
)  # fmt: skip
_STILL: Final = (
    _Layout(32, (_EVENTS, (Kind.AT, 23), _AGO, _BARS, _RATE, (Kind.STATE, 5))),
    _Layout(24, (_EVENTS, (Kind.AT, 19), _AGO, _BARS, (Kind.STATE, 5))),
    _Layout(18, ((Kind.EVENTS, 8), (Kind.AT, 14), (Kind.AGO, 6), _BARS, (Kind.STATE, 5))),
    _Layout(16, ((Kind.EVENTS, 8), (Kind.AGO, 6), _BARS)),
    *_POOR,
)


def columns_for(cells: int, *, scope_cells: int, is_live: bool) -> Columns:
    """
    Choose the columns of a list.

    Args:
      cells: how wide a row may be.
      scope_cells: the widest name of a scope, about.
      is_live: it is known what scopes do.
    """
    for layout in _LIVE if is_live else _STILL:
        room = cells - sum(width + layout.gap for _, width in layout.rest)
        if room >= layout.scope_min:
            break
    else:
        return Columns((Column(Kind.SCOPE, max(1, cells)),), 1)
    # What a short name does not need is left blank behind the last column.
    wanted = max(layout.scope_min, min(scope_cells, SCOPE_CELLS_MAX))
    rest = tuple(Column(kind, width) for kind, width in layout.rest)
    return Columns((Column(Kind.SCOPE, min(room, wanted)), *rest), layout.gap)


def titles(columns: Columns, order: Order, *, is_reverse: bool) -> tuple[Cell, ...]:
    """Give what stands above the columns, with an arrow where scopes are sorted by one."""
    found: list[Cell] = []
    is_told = False
    for column in columns.columns:
        # Two columns may be sorted alike: one arrow is enough.
        is_by_this = ORDERS.get(column.kind) is order and not is_told
        is_told |= is_by_this
        found.append(_title(column, ("▼" if is_reverse else "▲") if is_by_this else ""))
    return tuple(found)


def _title(column: Column, arrow: str) -> Cell:
    room = column.cells - len(arrow)
    name = visible(column.kind.value, room)
    text = f"{name}{arrow}"
    is_right = column.kind in _TO_THE_RIGHT
    return Cell(fitted(text, column.cells, is_right=is_right), "key" if arrow else "")


def row(seen: ScopeSeen, columns: Columns, moment: Moment) -> tuple[Cell, ...]:
    """Give a scope's cells."""
    return tuple(_cell(seen, column, moment) for column in columns.columns)


def _cell(seen: ScopeSeen, column: Column, moment: Moment) -> Cell:
    text, look = _said(seen, column, moment)
    return Cell(fitted(text, column.cells, is_right=column.kind in _TO_THE_RIGHT), look)


def _said(seen: ScopeSeen, column: Column, moment: Moment) -> tuple[str, str]:
    match column.kind:
        case Kind.SCOPE:
            return seen.scope, "name"
        case Kind.EVENTS:
            return number(seen.sequence, column.cells), "number"
        case Kind.AT:
            return when(seen.at, column.cells), "dim"
        case Kind.AGO:
            return since(seen.at, moment.now, column.cells), ""
        case Kind.BARS:
            return moment.bars, "good"
        case Kind.RATE:
            return (f"{moment.rate:.1f}/s" if moment.rate >= 0.05 else ""), "good"
        case Kind.STATE:
            return _state(seen.state)
        case Kind.WAITING:
            return (number(seen.waiting, column.cells), "warning") if seen.waiting else ("", "")
    return _of_round(seen.round, column, moment.passed_s) if seen.round else ("", "")


def _state(state: State) -> tuple[str, str]:
    match state:
        case State.UNKNOWN:
            return UNTOLD, "dim"
        case State.IDLE:
            return state.value, "dim"
        case State.AVAILABLE:
            return state.value, "good"
        case State.VALIDATING:
            return state.value, "warning"


def _of_round(seen: Round, column: Column, passed_s: float) -> tuple[str, str]:
    match column.kind:
        case Kind.HOLDER:
            return seen.principal or UNTOLD, ""
        case Kind.OPEN if seen.since_s is not None:
            return ticking(seen.since_s + passed_s), "warning"
        case Kind.LEFT if seen.deadline_s is not None:
            left_s = seen.deadline_s - passed_s
            return (ticking(left_s), "dim") if left_s > 0 else ("over", "bad")
        case _:
            return UNTOLD, "dim"


def number(value: int, cells: int) -> str:
    """Write a number in so many cells: in full if that fits, else about: ``1.2M``."""
    text = f"{value:,}"
    if len(text) <= cells:
        return text
    for unit, name in ((10**12, "T"), (10**9, "G"), (10**6, "M"), (10**3, "k")):
        if value >= unit:
            return f"{value / unit:.1f}{name}" if value < 100 * unit else f"{value // unit}{name}"
    return text


def ticking(seconds: float) -> str:
    """Write a time that is running, as clocks do: ``0:41``, ``12:03``, ``3:20:00``, ``2 d 4 h``."""
    whole = max(0, int(seconds))
    minutes, hours, days = whole // 60, whole // 3_600, whole // 86_400
    if days:
        return f"{days} d" if days > 99 else f"{days} d {hours % 24} h"
    if hours:
        return f"{hours}:{minutes % 60:02}:{whole % 60:02}"
    return f"{minutes}:{whole % 60:02}"


def since(at: str, now: datetime, cells: int = AGO_CELLS) -> str:
    """
    Say how long ago a time of the journal was; nothing if it is none.

    Args:
      cells: ``3 days ago`` where there is room for it, else ``3 d``.
    """
    try:
        seconds = (now - datetime.fromisoformat(at)).total_seconds()
    except (ValueError, TypeError):
        return ""
    words = ago(seconds)
    if cells >= AGO_CELLS:
        return words
    return words.removesuffix(" ago").replace(" days", " d").replace(" day", " d")


def holding(seen: ScopeSeen, passed_s: float) -> Sequence[str]:
    """Say in sentences who holds a scope's round, and since when."""
    held = seen.round
    if held is None:
        return ()
    who = visible(held.principal, WHO_CELLS_MAX) if held.principal else "Somebody"
    whose = f"{who} holds the round of {visible(seen.scope, WHO_CELLS_MAX)}"
    if held.since_s is not None:
        whose += f", for {duration(held.since_s + passed_s)} now"
    lines = [f"{whose}."]
    if held.deadline_s is not None:
        left_s = held.deadline_s - passed_s
        lines.append(
            f"It ends by itself in {duration(left_s)}."
            if left_s > 0
            else "It should have ended by itself already."
        )
    if seen.waiting:
        lines.append(
            "One proposal waits for it." if seen.waiting == 1
            else f"{seen.waiting:,} proposals wait for it."
        )  # fmt: skip
    return lines

"""What is known of a store, as the lines of a list."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final, assert_never, final

import attrs
from textual.binding import Binding, BindingType

from atomic_store.journal.stock import SegmentStock

from ..model.facts import Fact, Item, SegmentFact, SegmentTitle, Title
from ..model.figure_facts import rate
from ..model.texts import cells_of, fitted, visible
from ..model.words import size, when
from .virtual_list import Line, Part, VirtualList

LABEL_CELLS: Final = 10
"""How much room labels have at least."""
LABEL_CELLS_MAX: Final = 18
TEXT_CELLS_MAX: Final = 10_000
"""How long a line may be that is copied."""
NARROW: Final = 44
"""Below so many cells labels have less room."""

# What a segment's columns want, by the order in which they are given up.
_COLUMNS: Final = (
    ("segment", 26),
    ("size", 8),
    ("records", 11),
    ("last at", 19),
    ("index", 6),
    ("rate", 9),
    ("first at", 19),
)
_ORDER: Final = ("segment", "size", "records", "rate", "first at", "last at", "index")
_TO_THE_RIGHT: Final = frozenset({"size", "records", "rate"})


class FactList(VirtualList):
    """A list of facts: there is nothing to open, only to copy."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,l,right", "open", "Copy", show=False),
    ]


@final
@attrs.define(eq=False)
class FactLines:
    """What a list shows of some items."""

    items: Sequence[Item] = ()
    words: str = ""
    """What stands above them."""
    _label_cells: int = attrs.field(default=LABEL_CELLS, init=False)

    def show(self, items: Sequence[Item], words: str) -> None:
        """Show other items."""
        self.items, self.words = items, words
        labels = (cells_of(visible(i.label, LABEL_CELLS_MAX)) for i in items if isinstance(i, Fact))
        self._label_cells = max(LABEL_CELLS, *labels, 0)

    @property
    def count(self) -> int:
        """How many lines there are."""
        return len(self.items)

    def wants(self, first: int, last: int) -> None:
        """All of it is here."""

    def title(self, cells: int) -> Line:
        """Say what all of it is about."""
        return (Part(f" {visible(self.words, max(0, cells - 2))}"),)

    def line(self, index: int, cells: int) -> Line | None:
        """Show an item."""
        item = self.items[index]
        room = max(1, cells - 2)
        match item:
            case None:
                return (Part(""),)
            case Title():
                return (Part(" "), Part(visible(item.text, room), item.look))
            case Fact():
                return _fact(item, room, self._label_cells)
            case SegmentTitle():
                columns = _columns(room)
                parts = [Part(_cell(name, name, width), "dim") for name, width in columns]
                return _joined(parts)
            case SegmentFact():
                return _joined([_segment_part(item.segment, *one) for one in _columns(room)])
            case _:
                assert_never(item)

    def text(self, index: int) -> str:
        """Say an item as text, at whatever length it has."""
        line = self.line(index, TEXT_CELLS_MAX) or ()
        return "".join(part.text for part in line).rstrip()


def _fact(fact: Fact, room: int, label_cells: int) -> Line:
    label_cells = label_cells if room >= NARROW else min(9, room // 2)
    label = fitted(fact.label, label_cells, is_right=fact.label[:1].isdigit())
    value = visible(fact.value, max(0, room - label_cells - 2))
    return (Part("  "), Part(label, "dim"), Part(" "), Part(value, fact.look))


def _columns(room: int) -> list[tuple[str, int]]:
    """Choose what there is room for."""
    chosen: dict[str, int] = {}
    left = room - 1
    for name, width in _COLUMNS:
        # A file's name may be cut: its end says which it is.
        width = min(width, max(8, left)) if name == "segment" else width
        if width > left:
            break
        chosen[name] = width
        left -= width + 2
    return [(name, chosen[name]) for name in _ORDER if name in chosen]


def _segment_part(segment: SegmentStock, column: str, width: int) -> Part:
    look = ""
    match column:
        case "segment":
            text = segment.name
            if cells_of(visible(text, 64)) > width:
                text = f"…{text[-(width - 1) :]}"
        case "size":
            text = size(segment.bytes)
        case "records":
            text, look = f"{segment.records:,}", "number"
        case "rate":
            per_s = segment.records_a_second
            text = "" if per_s is None else rate(per_s)
        case "first at":
            text, look = when(segment.first_at, 19), "dim"
        case "last at":
            text, look = when(segment.last_at, 19), "dim"
        case _:
            text = segment.index
    return Part(_cell(column, text, width), look)


def _cell(column: str, text: str, width: int) -> str:
    return fitted(text, width, is_right=column in _TO_THE_RIGHT)


def _joined(parts: list[Part]) -> Line:
    line = [Part("  ")]
    for part in parts:
        line += [part, Part("  ")]
    return tuple(line)

"""What is different, as the lines of a list."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final, final

import attrs
from textual.binding import Binding, BindingType

from ..model.change_rows import ChangeRow
from ..model.texts import cells_of, visible
from .virtual_list import Line, Part, VirtualList

MARKS: Final = {"+": ("+", "good"), "-": ("-", "bad"), "~": ("~", "warning")}
WORDS: Final = {"=": "name", ":": "dim"}


@final
@attrs.define(eq=False)
class ChangeLines:
    """
    Differences.

    Args:
      rows: what is different.
      heading: what stands above them.
    """

    rows: Sequence[ChangeRow]
    heading: str

    @property
    def count(self) -> int:
        """How many lines there are."""
        return len(self.rows)

    def title(self, cells: int) -> Line:
        """Say what is compared."""
        return (Part(f" {visible(self.heading, cells - 1)}"),)

    def line(self, index: int, cells: int) -> Line | None:
        """Draw a difference."""
        return change_line(self.rows[index], cells)

    def wants(self, first: int, last: int) -> None:
        """All is there."""


class ChangeList(VirtualList):
    """A list of differences; none of them can be opened."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,l,right", "open", "Open", show=False),
    ]


def change_line(row: ChangeRow, cells: int) -> Line:
    """Draw a line about a difference."""
    if row.mark in WORDS:
        return (Part(f" {visible(row.words, cells - 2)}", WORDS[row.mark]),)
    if not row.mark:
        return _gone_on(row, cells)
    mark, look = MARKS[row.mark]
    parts = [Part(f" {mark} ", look), Part(visible(row.path, max(4, cells // 2)), "key")]
    room = cells - 4 - cells_of(parts[1].text)
    if row.before is not None and row.after is not None:
        before = visible(row.before, max(0, room // 2 - 3))
        after = visible(row.after, max(0, room - cells_of(before) - 5))
        return (*parts, Part("  "), Part(before, "dim"), Part(" → ", "dim"), Part(after, "name"))
    value = row.after if row.before is None else row.before
    if value is None:
        return tuple(parts)
    look = "" if row.before is None else "dim"
    return (*parts, Part("  "), Part(visible(value, max(0, room - 3)), look))


def _gone_on(row: ChangeRow, cells: int) -> Line:
    value, is_new = (row.after, True) if row.before is None else (row.before, False)
    mark = Part("     + ", "good") if is_new else Part("     - ", "bad")
    return (mark, Part(visible(value or "", max(0, cells - 8)), "" if is_new else "dim"))

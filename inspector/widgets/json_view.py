"""JSON texts as trees that are unfolded line by line."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar, Final, final

import attrs
from textual.actions import SkipAction
from textual.binding import Binding, BindingType
from textual.events import Click

from ..model.change_rows import named_path
from ..model.json_tree import Kind, label, path_of
from ..model.summary import summary
from ..model.texts import cells_of, visible
from ..model.unfolding import Opened, Row, Section, Unfolding
from .virtual_list import Line, Part, VirtualList

INDENT_CELLS: Final = 2
PATH_CELLS_MAX: Final = 2_000
NO_JSON_CELLS_MIN: Final = 20
"""With less room, what is no JSON is shown without a word about it."""

LOOK_OF: Final = {
    Kind.NUMBER: "number",
    Kind.BOOLEAN: "number",
    Kind.NULL: "number",
    Kind.OBJECT: "dim",
    Kind.ARRAY: "dim",
}


@final
@attrs.define(eq=False)
class _JsonLines:
    """Rows of a tree as the lines of a list."""

    unfolding: Unfolding
    cursor: Callable[[], int]

    @property
    def count(self) -> int:
        return len(self.unfolding.rows)

    def title(self, cells: int) -> Line:
        """Where the cursor is: the end of a path says most."""
        if not self.count:
            return ()
        path = visible(path_at(self.unfolding.rows[min(self.cursor(), self.count - 1)]), 4096)
        room = max(1, cells - 2)
        if cells_of(path) > room:
            path = visible("…" + path[-(room - 1) :], room)
        return (Part(f" {path}"),)

    def line(self, index: int, cells: int) -> Line | None:
        return row_line(self.unfolding.rows[index], cells)

    def wants(self, first: int, last: int) -> None:
        """All is there."""


def path_at(row: Row) -> str:
    """Write where a row is, as in a filter; any text."""
    if row.node is None or row.depth == 0:
        return row.section.name
    steps = path_of(row.node)
    root = None if row.section.name == "envelope" else row.section.name
    if not steps and root is None:
        return row.section.name
    path = named_path(steps[-PATH_CELLS_MAX:], root)
    return f"{path} {label(row.node)}" if row.node.kind is Kind.RANGE else path


def row_line(row: Row, cells: int) -> Line:
    """Draw a row."""
    indent, parts = _indent(row.depth, cells)
    marker = ("▾ " if row.is_open else "▸ ") if row.can_open else "  "
    parts.append(Part(marker, "dim"))
    room = cells - indent - 2
    name = _name(row, max(4, room * 2 // 3))
    if name is not None:
        parts.append(name)
        room -= cells_of(name.text)
    if row.key[1]:
        # JSON forbids no key to be there twice.
        again = f" ({row.key[1] + 1})"
        parts.append(Part(again, "warning"))
        room -= len(again)
    if not row.is_open:
        parts += [Part("  " if row.can_open else ": ", "dim"), *_value(row, max(0, room - 3))]
    return tuple(parts)


def _indent(depth: int, cells: int) -> tuple[int, list[Part]]:
    """Indent by depth, up to a third of the width; what is deeper says how deep it is."""
    wanted = 1 + depth * INDENT_CELLS
    most = max(1, cells // 3)
    if wanted <= most:
        return wanted, [Part(" " * wanted)]
    name = f" {depth:,} "
    room = max(most, len(name))
    return room, [Part(f"{name:>{room}}", "dim")]


def _name(row: Row, cells: int) -> Part | None:
    if row.depth == 0:
        return Part(visible(row.section.name, cells), "name")
    assert row.node is not None
    if row.node.kind is Kind.RANGE or isinstance(row.node.step, int):
        return Part(label(row.node, cells), "dim")
    return Part(label(row.node, cells) or '""', "key")


def _value(row: Row, cells: int) -> list[Part]:
    if row.node is None or row.section.tree is None:
        word = "no JSON: " if cells >= NO_JSON_CELLS_MIN else ""
        return [Part(word, "bad"), Part(visible(row.section.text, cells - len(word)), "warning")]
    if row.node.kind is Kind.RANGE:
        return [Part(summary(row.section.tree.literal(row.node)[: cells * 8], cells), "dim")]
    preview = row.section.tree.preview(row.node, cells)
    return [Part(preview, LOOK_OF.get(row.node.kind, ""))]


class JsonView(VirtualList):
    """
    Trees over JSON texts.

    What is open, and where the cursor is, is carried over from one text to the next.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "Unfold", key_display="⏎", show=False),
        Binding("l,right", "unfold", "Unfold", show=False),
        Binding("h,left", "fold", "Fold", show=False),
        Binding("plus,equals_sign", "unfold_all", "Unfold all", show=False),
        Binding("minus", "fold_all", "Fold all", show=False),
        Binding("asterisk", "unfold_below", "Unfold what is in it", show=False),
    ]

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.opened = Opened()
        self._unfolding = Unfolding((), self.opened)

    # --- what is shown ------------------------------------------------------------------------

    def show_sections(self, sections: Sequence[Section], *, cursor: int | None = None) -> None:
        """Show other texts, with the cursor where it was in the last ones, or on a row."""
        before, offset = self._unfolding, self.cursor - round(self.scroll_y)
        self._unfolding = Unfolding(sections, self.opened)
        if cursor is None and before.rows:
            cursor = self._unfolding.find(before.place(self.cursor))
        self.show(_JsonLines(self._unfolding, lambda: self.cursor))
        self.go_to(cursor or 0)
        # On the line of the screen where it was: whoever steps looks at one place.
        self.scroll_to(y=max(0, self.cursor - offset), animate=False, immediate=True)
        self._show_cursor()

    @property
    def row(self) -> Row | None:
        """The row under the cursor."""
        rows = self._unfolding.rows
        return rows[self.cursor] if self.cursor < len(rows) else None

    def unfold_all(self) -> bool:
        """Unfold everything; whether that was not too much."""
        is_all = self._unfolding.unfold_all()
        self.changed()
        return is_all

    # --- keys ---------------------------------------------------------------------------------

    def action_open(self) -> None:
        """Unfold a row or fold it again; one that holds nothing was chosen."""
        if self.row is None:
            return
        if not self.row.can_open:
            super().action_open()
        elif self.row.is_open:
            self._fold(self.cursor)
        else:
            self.action_unfold()

    def action_unfold(self) -> None:
        """Unfold a row; if it is unfolded, go to the first in it."""
        if (row := self.row) is None or not row.can_open:
            return
        if self._unfolding.unfold(self.cursor):
            self.changed()
            self._show_below(self.cursor)
        else:
            self.action_move(1)

    def action_fold(self) -> None:
        """Fold a row; if it is folded, go to what it is in; from the outermost, go away."""
        if self.row is None:
            raise SkipAction
        if self.row.is_open:
            self._fold(self.cursor)
            return
        parent = self._unfolding.parent(self.cursor)
        if parent is None:
            raise SkipAction
        self.go_to(parent)

    def action_unfold_all(self) -> None:
        """Unfold everything."""
        place = self._unfolding.place(self.cursor) if self.row else ()
        if not self.unfold_all():
            self._say_too_much()
        self.go_to(self._unfolding.find(place))

    def action_unfold_below(self) -> None:
        """Unfold all that is in a row."""
        if self.row is None:
            return
        if not self._unfolding.unfold_all(self.cursor):
            self._say_too_much()
        self.changed()

    def action_fold_all(self) -> None:
        """Fold everything but the sections."""
        if self.row is None:
            return
        place = self._unfolding.place(self.cursor)
        self._unfolding.fold_all()
        self.changed()
        self.go_to(self._unfolding.find(place))

    def on_click(self, event: Click) -> None:
        """Unfold or fold where the mark was clicked."""
        super().on_click(event)
        offset = event.get_content_offset(self)
        if offset is None or offset.y == 0 or event.chain != 1 or (row := self.row) is None:
            return
        indent, _ = _indent(row.depth, self.scrollable_content_region.width)
        is_on_row = round(self.scroll_y) + offset.y - 1 == self.cursor
        if row.can_open and is_on_row and indent <= offset.x < indent + 2:
            self.action_open()

    def _fold(self, index: int) -> None:
        self._unfolding.fold(index)
        self.changed()

    def _show_below(self, index: int) -> None:
        """Scroll so that what was unfolded can be seen, as far as there is room."""
        rows = self._unfolding.rows
        end = index + 1
        while end < len(rows) and rows[end].depth > rows[index].depth:
            end += 1
            if end - index > self.page_lines:
                break
        top = min(index, max(round(self.scroll_y), end - self.page_lines))
        self.scroll_to(y=top, animate=False, immediate=True)

    def _say_too_much(self) -> None:
        self.notify(
            "It is very long: the first part is unfolded, the rest can be unfolded by hand.",
            markup=False,
        )

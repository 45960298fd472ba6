"""
Which nodes of JSON trees are unfolded, and the rows that makes.

What is unfolded is kept by keys and not by nodes, so that it can be carried over to another
text: who steps through events finds open what was open before. It is a tree of keys itself:
a path for each node would take memory by the square of the depth.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeAlias, final

import attrs

from .json_tree import JsonTree, Kind, Node, Step
from .json_values import NotJson

ROWS_MAX: Final = 20_000
"""Unfolding all ends with so many rows; node by node there may be more."""

Key: TypeAlias = tuple[Step | None, int]
"""Under what a node is kept: its step and, if that is there several times, which one it is."""
Place: TypeAlias = tuple[Key, ...]
"""The keys from a section down to a node."""


@final
@attrs.frozen(eq=False)
class Section:
    """A JSON text with a name: a record's data, a state."""

    name: str
    text: bytes
    tree: JsonTree | None
    """None: it is no JSON, and cannot be unfolded."""


def section(name: str, text: bytes) -> Section:
    """Give a JSON text a name."""
    try:
        return Section(name, text, JsonTree(text))
    except NotJson:
        return Section(name, text, None)


@final
@attrs.define(eq=False)
class Opened:
    """The keys that are unfolded in a node, and what is unfolded in those."""

    inner: dict[Key, Opened] = attrs.field(factory=dict)


@final
@attrs.define(eq=False)
class Row:
    """A line: a node, or a section that is no JSON."""

    section: Section
    node: Node | None
    depth: int
    key: Key
    within: Opened
    """Where it is kept whether the node is unfolded."""

    @property
    def is_open(self) -> bool:
        """Whether what is in it is shown below it."""
        return self.can_open and self.key in self.within.inner

    @property
    def can_open(self) -> bool:
        """Whether there is something in it."""
        node = self.node
        return node is not None and node.can_unfold and node.end - node.start > len("{}")


@final
class Unfolding:
    """
    The rows of some sections, as they are unfolded.

    Args:
      sections: from above to below.
      opened: what is unfolded; it goes on being kept there.
    """

    def __init__(self, sections: Sequence[Section], opened: Opened) -> None:
        self.opened = opened
        self.rows: list[Row] = []
        for section in sections:
            node = None if section.tree is None else section.tree.root
            row = Row(section, node, 0, (section.name, 0), opened)
            self.rows.append(row)
            if row.is_open:
                self.rows += self._below(row, ROWS_MAX - len(self.rows))

    # --- folding ------------------------------------------------------------------------------

    def unfold(self, index: int) -> bool:
        """Show what is in a row; whether that changed anything."""
        row = self.rows[index]
        if not row.can_open or row.is_open:
            return False
        row.within.inner[row.key] = Opened()
        self.rows[index + 1 : index + 1] = self._below(row, ROWS_MAX)
        return True

    def fold(self, index: int) -> bool:
        """Hide what is in a row; whether that changed anything."""
        row = self.rows[index]
        if not row.is_open:
            return False
        del row.within.inner[row.key]
        del self.rows[index + 1 : self._end_of(index)]
        return True

    def unfold_all(self, index: int | None = None) -> bool:
        """
        Unfold all that is in a row, or everything.

        Returns:
          Whether that is all; else there are too many rows, and the rest stays folded.
        """
        tops = [] if index is None else [index]
        if index is None:
            tops = [at for at, row in enumerate(self.rows) if row.depth == 0]
        is_all = True
        for top in reversed(tops):
            row = self.rows[top]
            self.fold(top)
            below, is_whole = self._all_below(row)
            self.rows[top + 1 : top + 1] = below
            is_all = is_all and is_whole
        return is_all

    def fold_all(self) -> None:
        """Fold everything but the sections."""
        tops = [row for row in self.rows if row.depth == 0]
        open_tops = [row.is_open for row in tops]
        self.opened.inner.clear()
        self.rows = []
        for row, is_open in zip(tops, open_tops, strict=True):
            self.rows.append(row)
            if is_open:
                self.unfold(len(self.rows) - 1)

    # --- places -------------------------------------------------------------------------------

    def parent(self, index: int) -> int | None:
        """Say which row the one at an index is in; None if it is a section."""
        depth = self.rows[index].depth
        if depth == 0:
            return None
        for above in range(index - 1, -1, -1):
            if self.rows[above].depth < depth:
                return above
        raise AssertionError("whatever is in something stands below it")

    def place(self, index: int) -> Place:
        """Say what a row is, so that it can be found again in another text."""
        keys = []
        at: int | None = index
        while at is not None:
            keys.append(self.rows[at].key)
            at = self.parent(at)
        return tuple(reversed(keys))

    def find(self, place: Place) -> int:
        """Say where a place is; where it is not, what would be nearest around it."""
        found = index = 0
        for depth, key in enumerate(place):
            while index < len(self.rows):
                row = self.rows[index]
                if row.depth < depth:
                    return found
                if row.depth == depth and row.key == key:
                    break
                index += 1
            else:
                return found
            found = index
            index += 1
        return found

    # --- inside -------------------------------------------------------------------------------

    def _end_of(self, index: int) -> int:
        depth = self.rows[index].depth
        end = index + 1
        while end < len(self.rows) and self.rows[end].depth > depth:
            end += 1
        return end

    def _children(self, row: Row) -> list[Row]:
        tree, node = row.section.tree, row.node
        assert tree is not None
        assert node is not None
        within = row.within.inner[row.key]
        seen: dict[Step | None, int] = {}
        rows = []
        for child in tree.children(node):
            # A range has no step: its first value tells it from the others.
            step = child.step if child.kind is not Kind.RANGE else child.first
            times = seen.get(step, 0)
            seen[step] = times + 1
            rows.append(Row(row.section, child, row.depth + 1, (step, times), within))
        return rows

    def _below(self, row: Row, rows_max: int) -> list[Row]:
        """The rows in one that is open, with those in all that is open there."""
        below: list[Row] = []
        waiting = self._children(row)[::-1]
        while waiting:
            inner = waiting.pop()
            below.append(inner)
            if not inner.is_open:
                continue
            if len(below) + len(waiting) < rows_max:
                waiting += self._children(inner)[::-1]
            else:
                del inner.within.inner[inner.key]
        return below

    def _all_below(self, row: Row) -> tuple[list[Row], bool]:
        if not row.can_open:
            return [], True
        row.within.inner[row.key] = Opened()
        below: list[Row] = []
        waiting = self._children(row)[::-1]
        is_all = True
        while waiting:
            inner = waiting.pop()
            below.append(inner)
            if not inner.can_open:
                continue
            if len(below) + len(waiting) > ROWS_MAX:
                is_all = False
                continue
            inner.within.inner[inner.key] = Opened()
            waiting += self._children(inner)[::-1]
        return below, is_all

"""The list of scopes: what the table knows, drawn row by row."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Final, final

import attrs
from textual.events import Click
from textual.message import Message

from ..model.scope_columns import ORDERS, Columns, Moment, columns_for, row, titles
from ..model.scope_seen import ScopeSeen
from ..model.scope_table import Order, ScopeTable
from .virtual_list import Line, Part, VirtualList

SCOPE_CELLS_MIN: Final = 12


@final
@attrs.define(eq=False)
class ScopeLines:
    """The table's scopes as lines of a `VirtualList`."""

    is_live: bool
    """The source knows what scopes do."""
    table: ScopeTable = attrs.Factory(ScopeTable)
    _scope_cells: int = SCOPE_CELLS_MIN
    # When the rounds were told: from then on their seconds are counted here.
    _told: dict[str, float] = attrs.Factory(dict)

    @property
    def count(self) -> int:
        """How many scopes are shown."""
        return self.table.count

    def columns(self, cells: int) -> Columns:
        """Choose the columns at a width."""
        # The last cell stays blank: beside it is the scroll bar.
        return columns_for(cells - 1, scope_cells=self._scope_cells, is_live=self.is_live)

    def title(self, cells: int) -> Line:
        """Name the columns, with an arrow at the one that scopes are sorted by."""
        columns = self.columns(cells)
        order, is_reverse = self.table.order
        return _line(titles(columns, order, is_reverse=is_reverse), columns.gap)

    def line(self, index: int, cells: int) -> Line:
        """Show a scope."""
        columns = self.columns(cells)
        seen, now_s = self.table.scope(index), time.monotonic()
        moment = Moment(
            datetime.now(UTC),
            self.passed_s(seen.scope, now_s),
            self.table.bars(index, now_s),
            self.table.rate(index, now_s),
        )
        return _line(row(seen, columns, moment), columns.gap)

    def wants(self, first: int, last: int) -> None:
        """They are all here."""

    def learn(self, scopes: Sequence[ScopeSeen]) -> None:
        """Take what was seen of scopes; they come to stand elsewhere with `ScopeTable.refresh`."""
        now_s = time.monotonic()
        self.table.update(scopes, now_s)
        for seen in scopes:
            if seen.round is not None:
                self._told[seen.scope] = now_s
            elif self._told:
                self._told.pop(seen.scope, None)
        # A name has about as many cells as characters; the widest ones are cut anyway.
        self._scope_cells = max(self._scope_cells, *(len(s.scope) for s in scopes), 0)

    def passed_s(self, scope: str, now_s: float | None = None) -> float:
        """How long ago a scope's round was told."""
        now_s = time.monotonic() if now_s is None else now_s
        return now_s - self._told.get(scope, now_s)


def _line(cells: Iterable[tuple[str, str]], gap: int) -> Line:
    blank = Part(" " * gap)
    parts = [part for text, look in cells for part in (Part(text, look), blank)]
    return tuple(parts)


class ScopesList(VirtualList):
    """A list whose titles can be clicked, and whose cursor stays with its scope."""

    class TitleClicked(Message):
        """Somebody wants scopes sorted by what is in this column."""

        def __init__(self, order: Order) -> None:
            super().__init__()
            self.order = order

    def __init__(self, lines: ScopeLines) -> None:
        super().__init__(lines)
        self.scopes = lines

    @property
    def under_cursor(self) -> ScopeSeen | None:
        """The scope that the cursor is on."""
        table = self.scopes.table
        return table.scope(self.cursor) if self.cursor < table.count else None

    def stay_with(self, scope: str | None) -> None:
        """
        Draw anew, with the cursor on a scope wherever it stands now.

        The scope stays where it is on the screen; but a list that shows its beginning goes on
        showing it, as long as the scope is to be seen there.
        """
        index = None if scope is None else self.scopes.table.index_of(scope)
        if index is None:
            self.changed()
        elif round(self.scroll_y) == 0:
            self.changed()
            self.go_to(index)
        else:
            self.changed(inserted=index - self.cursor)

    def on_click(self, event: Click) -> None:
        """Sort by a column whose title was clicked."""
        offset = event.get_content_offset(self)
        if offset is None or offset.y != 0:
            return
        column = self.scopes.columns(self.size.width).at(offset.x)
        if column is not None and (order := ORDERS.get(column.kind)) is not None:
            self.post_message(self.TitleClicked(order))

"""The filters that somebody has saved, to choose one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import attrs
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen

from ..habits_file import HabitsFile
from ..model.habits import SavedFilter
from ..model.texts import fitted
from ..widgets.virtual_list import Line, Part, VirtualList

NAME_CELLS = 20


@attrs.define(eq=False)
class _Filters:
    """Saved filters as the lines of a list."""

    filters: Sequence[SavedFilter]

    @property
    def count(self) -> int:
        return len(self.filters)

    def title(self, cells: int) -> Line:
        return (Part(fitted("saved filter", NAME_CELLS)), Part("  where"))

    def line(self, index: int, cells: int) -> Line:
        saved = self.filters[index]
        name = Part(fitted(saved.name, NAME_CELLS), "key")
        return (name, Part("  "), Part(fitted(saved.where, max(1, cells - NAME_CELLS - 2))))

    def wants(self, first: int, last: int) -> None:
        """All of them are here."""


class FiltersScreen(ModalScreen[str | None]):
    """Gives the text of the filter that was chosen; None if none was."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,f", "leave", "Leave"),
        Binding("d,delete", "forget", "Forget it"),
    ]

    DEFAULT_CSS = """
    FiltersScreen {
        align: center middle;
        #box {
            width: 90%; max-width: 100; height: 60%; min-height: 4;
            background: $surface; border: round $primary;
            border-title-color: $text-primary; border-title-style: bold;
        }
    }
    """

    def __init__(self, habits: HabitsFile) -> None:
        super().__init__()
        self._habits = habits

    def compose(self) -> ComposeResult:
        """Show them."""
        with Vertical(id="box") as box:
            box.border_title = "Saved filters"
            box.border_subtitle = "enter uses it, d forgets it"
            yield VirtualList(id="filters")

    def on_mount(self) -> None:
        """Read them."""
        self._show(self._habits.load()[0].filters)
        self.query_one(VirtualList).focus()

    def _show(self, filters: Sequence[SavedFilter]) -> None:
        self._filters = filters
        listed = self.query_one(VirtualList)
        listed.words_if_empty = "none yet: W in a filtered list saves its filter"
        listed.show(_Filters(filters), listed.cursor)

    @on(VirtualList.Opened)
    def _chosen(self, event: VirtualList.Opened) -> None:
        event.stop()
        self.dismiss(self._filters[event.index].where)

    def action_leave(self) -> None:
        """Choose none."""
        self.dismiss(None)

    def action_forget(self) -> None:
        """Forget the one under the cursor."""
        if self._filters:
            name = self._filters[self.query_one(VirtualList).cursor].name
            self._show(self._habits.change(lambda habits: habits.without_filter(name)).filters)

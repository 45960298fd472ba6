"""One event, and the way through its scope, event by event."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar, Final, cast

from textual import on
from textual.app import SuspendNotSupported
from textual.binding import Binding, BindingType
from textual.events import Resize
from textual.widget import Widget

from atomic_store.filter.terms import DOCUMENTS, NUMBER_FIELDS, TEXT_FIELDS, Root
from atomic_store.journal import StoredRecord
from atomic_store.reading import filter_of

from ..desk import Desk
from ..model.correlation import related, ties_of
from ..model.filter_terms import term_for
from ..model.json_tree import Step
from ..model.json_values import NotJson
from ..model.rows import type_of
from ..model.texts import visible
from ..model.unfolding import Row
from ..model.which import Which
from ..model.words import ago, size, when
from ..outside import EDITOR, PAGER, Program, export_event, open_in
from ..walk import Walk
from ..widgets.event_head import EventHead, TabLine
from ..widgets.virtual_list import VirtualList
from .base import SourceScreen
from .event_panes import EventPanes, View, steps_at

COPY_BYTES_MAX: Final = 256 * 1024
"""Many terminals drop what is longer, and say nothing."""
LOOK_S: Final = 1.0
"""How often it is seen whether the scope goes on."""
WORDS_CELLS_MAX: Final = 300
HEAD_LINES_MIN: Final = 12
"""On a lower screen, the line about the event is left out …"""
TABS_LINES_MIN: Final = 8
"""… and on one lower than this, the line with the views' names."""

VIEWS: Final = tuple(View)
ROOTS: Final = TEXT_FIELDS | NUMBER_FIELDS | DOCUMENTS | {"at"}


class EventScreen(SourceScreen):
    """
    One event.

    Args:
      record: the event to begin at.
    """

    DEFAULT_CSS = """
    EventScreen {
        & EventPanes { height: 1fr; }
        & EventPanes > * { height: 1fr; }
        &.-low EventHead { display: none; }
        &.-flat TabLine { display: none; }
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        *(Binding(str(n), f"view({n - 1})", v.value, show=False) for n, v in enumerate(VIEWS, 1)),
        Binding("tab", "turn(1)", "Next view", show=False),
        Binding("shift+tab", "turn(-1)", "View before", show=False),
        Binding(
            "p,left_square_bracket", "step(-1)", "Prev", tooltip="The event before it in its scope"
        ),
        Binding(
            "n,right_square_bracket", "step(1)", "Next", tooltip="The event behind it in its scope"
        ),
        Binding(
            "P,left_curly_bracket",
            "go_first",
            "First event",
            show=False,
            tooltip="Its scope's first event",
        ),
        Binding(
            "N,right_curly_bracket",
            "go_last",
            "Last event",
            show=False,
            tooltip="Its scope's last event",
        ),
        Binding(
            "r", "lay_out", "Lay out", tooltip="Each member on its own line, or the line as it is"
        ),
        Binding(
            "f", "filter", "Filter", tooltip="All events of the store with this value in this place"
        ),
        Binding(
            "c",
            "correlation",
            "Related",
            tooltip="All events of its correlation and causation, over all scopes",
        ),
        Binding("o", "scope", "Its scope", show=False, tooltip="The list of its scope's events"),
        Binding(
            "w",
            "around",
            "Around it",
            show=False,
            tooltip="What happened in the whole store around it",
        ),
        Binding("y", "copy", "Copy", tooltip="Copy what is under the cursor"),
        Binding("Y", "copy_all", "Copy all", show=False, tooltip="Copy all that is shown"),
        Binding("e", "editor", "Editor", show=False, tooltip="Open a copy in $VISUAL or $EDITOR"),
        Binding("v", "pager", "Pager", show=False, tooltip="Open it in $PAGER"),
        Binding(
            "x",
            "export",
            "Export",
            show=False,
            tooltip="Write it into a new file in this directory",
        ),
    ]

    def __init__(self, desk: Desk, record: StoredRecord) -> None:
        super().__init__(desk)
        self.walk = Walk.begin(desk, record)
        self.sequence = record.sequence
        self.view = View.TREE

    # --- what is shown ------------------------------------------------------------------------

    def body(self) -> Iterable[Widget]:
        """Give what it is, the views' names, and the views."""
        yield EventHead()
        yield TabLine([view.value for view in VIEWS])
        yield EventPanes(self.desk, self.walk, self.work)

    def crumbs(self) -> list[str]:
        """Say which event this is."""
        return [self.walk.scope, f"{self.sequence:,} of {self.walk.count:,}"]

    def on_mount(self) -> None:
        """Begin to look."""
        self.set_interval(LOOK_S, self._look)
        self._look()
        self.go_to(self.sequence)

    def on_resize(self, event: Resize) -> None:
        """Where there is little room, leave out what says least."""
        self.set_class(event.size.height < HEAD_LINES_MIN, "-low")
        self.set_class(event.size.height < TABS_LINES_MIN, "-flat")

    @property
    def panes(self) -> EventPanes:
        """The views."""
        return self.query_one(EventPanes)

    @property
    def record(self) -> StoredRecord | None:
        """The event; None while it is not there, or cannot be read."""
        return self.walk.known(self.sequence)

    def go_to(self, sequence: int) -> None:
        """Show another event of the scope, in the same view and place."""
        self.sequence = sequence
        self._show_head()
        self.work(self._show(), "view")
        self.work(self.walk.read_ahead(sequence), "ahead", is_quiet=True)

    async def _show(self) -> None:
        await self.panes.look_at(self.view, self.sequence)
        self._show_head()
        self.refresh_bindings()

    def _show_head(self) -> None:
        self.show_place()
        head, record = self.query_one(EventHead), self.record
        if record is None:
            head.name_, head.words, head.right = f"event {self.sequence:,}", "", ""
            return
        head.name_ = type_of(record, 60)
        seconds = _seconds_since(record.at)
        past = "" if seconds is None else f"  ·  {ago(seconds)}"
        head.words = f"{when(record.at)} UTC{past}"
        head.right = f"position {record.position:,}"

    def _look(self) -> None:
        if self.is_current:
            self.work(self._see_end(), "end", is_quiet=True)

    async def _see_end(self) -> None:
        await self.walk.look()
        self._show_head()

    @on(EventPanes.Goes)
    def _goes(self, event: EventPanes.Goes) -> None:
        self.query_one(TabLine).right = event.words

    # --- views ----------------------------------------------------------------------------------

    def action_view(self, index: int) -> None:
        """Look at it in another way."""
        self.view = VIEWS[index]
        self.query_one(TabLine).chosen = index
        self.go_to(self.sequence)

    def action_turn(self, by: int) -> None:
        """Look at it in the next way."""
        self.action_view((VIEWS.index(self.view) + by) % len(VIEWS))

    @on(TabLine.Chosen)
    def _tab_chosen(self, event: TabLine.Chosen) -> None:
        self.action_view(event.index)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Laying out is for text."""
        return self.view is View.RAW if action == "lay_out" else True

    def action_lay_out(self) -> None:
        """Give each member its line, or show the line as it is."""
        self.panes.is_laid_out = not self.panes.is_laid_out
        self.go_to(self.sequence)

    # --- through time ---------------------------------------------------------------------------

    def action_step(self, by: int) -> None:
        """Go to the event before or behind."""
        sequence = self.sequence + by
        if 1 <= sequence <= self.walk.count:
            self.go_to(sequence)
        else:
            self._tell("this is the scope's first event" if by < 0 else "this is its last event")

    def action_go_first(self) -> None:
        """Go to the scope's first event."""
        self.go_to(1)

    def action_go_last(self) -> None:
        """Go to the scope's last event."""
        self.go_to(self.walk.count)

    @on(VirtualList.Opened)
    def _opened(self, event: VirtualList.Opened) -> None:
        if event.control.id == "past":
            self.go_to(event.index + 1)

    # --- to others --------------------------------------------------------------------------------

    def action_filter(self) -> None:
        """Show all events of the store with this value in this place."""
        row = self.panes.row
        if row is None:
            self._tell("go to a value in the tree first: 1 shows it")
        elif (term := _term(row)) is None:
            self._tell("events can be filtered by a text, a number, true, false or null")
        else:
            self._show_events(Which(where=filter_of(term)))

    def action_correlation(self) -> None:
        """Show all that belongs to this event, over all scopes."""
        if (record := self._record()) is None:
            return
        ties = ties_of(record)
        if ties.correlation is None and ties.causation is None:
            self._tell("its metadata names no correlation and no causation")
        elif text := related(ties):
            self._show_events(Which(where=filter_of(text)))

    def action_scope(self) -> None:
        """Show the events of its scope."""
        self._show_events(Which(scope=self.walk.scope))

    def action_around(self) -> None:
        """Show what happened in the whole store around this event."""
        self._show_events(Which())

    def _show_events(self, which: Which) -> None:
        from .events import EventsScreen

        record = self.record
        position = None if record is None else record.position
        self.app.push_screen(EventsScreen(self.desk, which, position))

    # --- taking away ------------------------------------------------------------------------------

    def action_copy(self) -> None:
        """Copy what is under the cursor."""
        self._copy(self.panes.text_here())

    def action_copy_all(self) -> None:
        """Copy all that is shown."""
        if (record := self._record()) is not None:
            self._copy(self.panes.text(record))

    def _copy(self, text: str | None) -> None:
        if text is None:
            self._tell("there is nothing to copy")
            return
        data = text.encode("utf-8", "replace")
        if len(data) > COPY_BYTES_MAX:
            self._tell(f"{size(len(data))} are too long to copy: e or v opens it, x writes it")
            return
        self.app.copy_to_clipboard(data.decode())
        self._tell(f"copied: {visible(data, 40)}")

    def action_editor(self) -> None:
        """Open it in an editor."""
        self._open(EDITOR)

    def action_pager(self) -> None:
        """Open it in a pager."""
        self._open(PAGER)

    def _open(self, program: Program) -> None:
        if (record := self._record()) is None:
            return
        try:
            complaint = open_in(program, self.panes.text(record), self.app.suspend)
        except SuspendNotSupported:
            complaint = f"{program.noun} needs a terminal of its own, and there is none here"
        self.refresh(layout=True)
        if complaint is not None:
            self.trouble(complaint)

    def action_export(self) -> None:
        """Write it into a file in this directory."""
        if (record := self._record()) is None:
            return
        try:
            path = export_event(record, Path.cwd())
        except OSError as error:
            self.trouble(f"not written: {error}")
        else:
            self._tell(f"written: {path}")

    def _record(self) -> StoredRecord | None:
        """The event, or words about it."""
        if self.record is None:
            self._tell("this event has not been read")
        return self.record

    def _tell(self, words: str) -> None:
        self.notify(visible(words, WORDS_CELLS_MAX), markup=False, timeout=3)


def _term(row: Row) -> str | None:
    """Write the filter term for a row; None if there is none."""
    steps: tuple[Step, ...] = steps_at(row)
    root = row.section.name
    if root == "envelope" and steps:
        root, steps = str(steps[0]), steps[1:]
    if row.node is None or row.section.tree is None or row.can_open or root not in ROOTS:
        return None
    try:
        value = row.section.tree.value(row.node)
    except NotJson:
        return None
    return term_for(cast("Root", root), steps, value)


def _seconds_since(at: str) -> float | None:
    try:
        return (datetime.now(UTC) - datetime.fromisoformat(at)).total_seconds()
    except (ValueError, TypeError, OverflowError):
        return None

"""The events of a scope, or of the whole store; filtered, or not."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar

from textual import on, work
from textual.binding import Binding, BindingType
from textual.widget import Widget

from atomic_store.errors import FilterError
from atomic_store.journal import StoredRecord
from atomic_store.reading import filter_of

from ..browsing import Browsing
from ..desk import Desk
from ..exporting import export
from ..model.correlation import related, ties_of
from ..model.hits import HitListing
from ..model.jumps import HINT, Jump, ToPosition, ToSequence, parse_jump
from ..model.listing import Grown
from ..model.texts import visible
from ..model.which import Which
from ..model.words import counted
from ..widgets.ask_bar import AskBar
from ..widgets.event_lines import EventLines
from ..widgets.status_line import StatusLine
from ..widgets.virtual_list import VirtualList
from .base import SourceScreen
from .filters import FiltersScreen

EXPORT_HINT = "events.jsonl or events.csv: a new file"
_ASKING = frozenset({"ask_filter", "ask_jump", "ask_export", "save"})
FILTER_HINT = 'type = Bid and data.cents > 500 · "ada" · at > -2h'


class EventsScreen(SourceScreen):
    """
    Events in their order.

    Args:
      which: which ones.
      at: the position to begin at; None: the last one.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "ask_filter", "Filter", key_display="/", priority=True),
        Binding("colon,number_sign", "ask_jump", "Jump", key_display=":", priority=True),
        Binding("t", "follow", "Follow"),
        Binding("c", "correlation", "Correlation"),
        Binding("o", "scope", "Its scope"),
        Binding("w", "around", "Around it", show=False),
        Binding("f", "saved", "Saved filters", show=False),
        Binding("W", "save", "Save the filter", show=False, priority=True),
        Binding("e", "ask_export", "Export", show=False, priority=True),
    ]

    def __init__(self, desk: Desk, which: Which, at: int | None = None) -> None:
        super().__init__(desk)
        self.which = which
        self.at = at
        self.is_following = True
        self.browsing = Browsing(desk, which, at, self._changed)
        self._lines = EventLines(
            self.browsing.listing, self.browsing.wants, is_one_scope=which.scope is not None
        )
        # Where the cursor was put; None once somebody has moved it, or all is there.
        self._placed_at: int | None = 0
        self._exporting = ""
        # The row that was chosen before it was there.
        self._awaited: int | None = None

    # --- what is shown ------------------------------------------------------------------------

    def body(self) -> Iterable[Widget]:
        """Give the list, and the lines below it."""
        yield VirtualList(id="events")
        yield AskBar("filter", FILTER_HINT, id="filter")
        yield AskBar("go to", HINT, id="jump")
        yield AskBar("save the filter as", "a name", id="save")
        yield AskBar("export to", EXPORT_HINT, id="export")
        yield StatusLine()

    def crumbs(self) -> list[str]:
        """Say which events these are."""
        which = self.which
        what = which.scope if which.scope is not None else f"{which.prefix}*"
        crumbs = ["all events" if which.scope is None and not which.prefix else what]
        if which.where is not None:
            crumbs.append(f"where {which.where.text}")
        return crumbs

    def on_mount(self) -> None:
        """Begin to read."""
        self._list.show(self._lines)
        self._list.focus()
        self.work(self.browsing.run(), "browse")

    @property
    def _list(self) -> VirtualList:
        return self.query_one("#events", VirtualList)

    def _changed(self, grown: Grown, is_new: bool) -> None:
        """Draw what has come; a list that is followed stays at its end."""
        if not self.is_mounted:
            return
        listed = self._list
        was_at_end = listed.cursor >= listed.lines.count - 1 - grown.behind
        was_moved = self._placed_at is None or listed.cursor != self._placed_at
        top = round(listed.scroll_y)
        self._lines.measure(top, top + listed.page_lines)
        listed.changed(inserted=grown.before)
        if is_new and grown.behind and self.is_following and was_at_end:
            listed.go_to(listed.lines.count - 1)
        elif was_moved:
            self._placed_at = None
        elif self.browsing.is_begun and self.browsing.listing.count:
            # Hits come from both sides: the cursor goes to the one that is nearest so far.
            listed.go_to(self.browsing.begin_index)
            self._placed_at = listed.cursor if self.browsing.is_searching else None
        self._show_status()
        if self._awaited is not None:
            self._awaited += grown.before
            self._open_awaited()

    @on(VirtualList.Moved)
    def _moved(self) -> None:
        if self._awaited != self._list.cursor:
            self._awaited = None
        self._show_status()

    def _show_status(self) -> None:
        browsing, line = self.browsing, self.query_one(StatusLine)
        count = browsing.listing.count
        word = "event" if self.which.where is None else "hit"
        row = f"{self._list.cursor + 1:,} of " if count else ""
        line.left = f"{row}{count:,} {word}{'' if count == 1 else 's'}"
        right = [self._exporting] if self._exporting else []
        if browsing.is_searching:
            right.append(f"searching {browsing.searched:.0%}, esc stops")
        if isinstance(browsing.listing, HitListing) and browsing.listing.is_full:
            right.append("too many hits: the rest is not shown")
        right.append("following" if self.is_following else "standing still")
        line.right = " · ".join(right)
        words = "no events yet" if self.which.where is None else "no event matches"
        is_known = browsing.is_begun and not browsing.is_searching
        self._list.words_if_empty = words if is_known else "looking …"

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """
        Say whether a key does something now.

        Those that ask have the first look at each key, so that what is typed right behind them
        is for the line that they open; while that is open they have none.
        """
        if action in _ASKING:
            return not any(bar.is_asking for bar in self.query(AskBar))
        return super().check_action(action, parameters)

    # --- one event ----------------------------------------------------------------------------

    @property
    def record(self) -> StoredRecord | None:
        """The record under the cursor; None while it is not there."""
        return self.browsing.listing.record(self._list.cursor)

    @on(VirtualList.Opened)
    def _opened(self, event: VirtualList.Opened) -> None:
        self._awaited = event.index
        self._open_awaited()

    def _open_awaited(self) -> None:
        """Go into the event that was chosen; one that is not there yet is waited for."""
        from .event import EventScreen

        if self._awaited is None or not self.is_current:
            return
        if (record := self.browsing.listing.record(self._awaited)) is not None:
            self._awaited = None
            self.app.push_screen(EventScreen(self.desk, record))

    def action_correlation(self) -> None:
        """Show all events with the same correlation or causation, over all scopes."""
        if (record := self.record) is None:
            return
        which = Which(where=filter_of(related(ties_of(record))))
        self.app.push_screen(EventsScreen(self.desk, which, record.position))

    def action_scope(self) -> None:
        """Show all events of this one's scope, with the cursor on this one."""
        if (record := self.record) is not None:
            which = Which(scope=record.scope)
            self.app.push_screen(EventsScreen(self.desk, which, record.position))

    def action_around(self) -> None:
        """Show what happened in the whole store around this event."""
        if (record := self.record) is not None:
            self.app.push_screen(EventsScreen(self.desk, Which(), record.position))

    # --- following and stopping ---------------------------------------------------------------

    def action_follow(self) -> None:
        """Stay at the end as events come, or stand still."""
        self.is_following = not self.is_following
        if self.is_following:
            self._list.action_last()
        self._show_status()

    def action_back(self) -> None:
        """Stop an export or a search that goes on; else go back."""
        if self._exporting:
            self._works["export"].cancel()
        elif self.browsing.is_searching:
            self.browsing.stop_searching()
        else:
            super().action_back()

    # --- filters --------------------------------------------------------------------------------

    def action_ask_filter(self) -> None:
        """Ask for a filter; the one that holds is there to be changed."""
        where = self.which.where
        self.query_one("#filter", AskBar).ask("" if where is None else where.text)

    @on(AskBar.Answered, "#filter")
    def _filter(self, event: AskBar.Answered) -> None:
        self._use(event.text.strip(), event.bar)

    def _use(self, text: str, bar: AskBar) -> None:
        """Filter, or say what is wrong with the filter and let it be mended."""
        try:
            where = filter_of(text) if text else None
        except FilterError as error:
            if not bar.is_asking:
                bar.ask(text)
            bar.trouble(str(error))
            return
        bar.close()
        self._list.focus()
        self.look_at(Which(scope=self.which.scope, prefix=self.which.prefix, where=where))

    def look_at(self, which: Which) -> None:
        """Show other events in this place, from about where the cursor is."""
        if which == self.which:
            return
        record = self.record
        at = self.at if record is None else record.position
        self.app.switch_screen(EventsScreen(self.desk, which, at))

    @on(AskBar.Left)
    def _left(self) -> None:
        self._list.focus()

    @work(exclusive=True, group="saved")
    async def action_saved(self) -> None:
        """Choose one of the saved filters."""
        text = await self.app.push_screen_wait(FiltersScreen(self.desk.habits))
        if text is not None:
            self._use(text, self.query_one("#filter", AskBar))

    def action_save(self) -> None:
        """Give the filter that holds a name."""
        if self.which.where is None:
            self.notify("there is no filter to be saved", markup=False)
        else:
            self.query_one("#save", AskBar).ask()

    @on(AskBar.Answered, "#save")
    def _save(self, event: AskBar.Answered) -> None:
        assert self.which.where is not None
        text = self.which.where.text
        try:
            self.desk.habits.change(lambda habits: habits.with_filter(event.text, text))
        except ValueError as error:
            event.bar.trouble(str(error))
            return
        event.bar.close()
        self._list.focus()

    # --- exports ----------------------------------------------------------------------------

    def action_ask_export(self) -> None:
        """Ask where to write what is listed."""
        self.query_one("#export", AskBar).ask()

    @on(AskBar.Answered, "#export")
    def _export(self, event: AskBar.Answered) -> None:
        try:
            path = Path(event.text.strip()).expanduser()
            if not event.text.strip() or not path.parent.is_dir():
                raise ValueError(f"expected a file in a directory that is there, found {path}")
        except (ValueError, RuntimeError) as error:
            event.bar.trouble(str(error))
            return
        event.bar.close()
        self._list.focus()
        self.work(self._write(path), "export")

    async def _write(self, path: Path) -> None:
        def show(count: int, part: float) -> None:
            self._exporting = f"exporting {count:,}, {part:.0%}, esc stops"
            self._show_status()

        try:
            count = await export(self.desk, self.which, path, show)
        except ValueError as error:
            self.trouble(str(error))
        else:
            words = f"{counted(count, 'event')} in {path}"
            self.notify(visible(words, 300), markup=False)
        finally:
            self._exporting = ""
            self._show_status()

    # --- jumps ----------------------------------------------------------------------------------

    def action_ask_jump(self) -> None:
        """Ask where to go."""
        self.query_one("#jump", AskBar).ask()

    @on(AskBar.Answered, "#jump")
    def _jump(self, event: AskBar.Answered) -> None:
        try:
            jump = parse_jump(event.text, is_one_scope=self.browsing.is_by_sequence)
        except ValueError as error:
            event.bar.trouble(str(error))
            return
        event.bar.close()
        self._list.focus()
        self.work(self._go(jump), "jump")

    async def _go(self, jump: Jump) -> None:
        if isinstance(jump, ToSequence):
            self._land(jump.sequence - 1)
            return
        if isinstance(jump, ToPosition):
            index = await self.browsing.index_at(jump.position)
        else:
            index = await self.browsing.index_at_time(jump.at)
        if index is None:
            self.notify("there is no event as late as that", markup=False)
        else:
            self._land(index)

    def _land(self, index: int) -> None:
        self._placed_at = None
        self._list.go_to(index)

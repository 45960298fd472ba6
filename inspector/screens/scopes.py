"""The first screen: all scopes, and what they do now."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Sequence
from typing import ClassVar, Final

from textual import on
from textual.binding import Binding, BindingType
from textual.widget import Widget

from atomic_store.errors import AtomicStoreError

from ..desk import Desk
from ..model.scope_columns import holding
from ..model.scope_seen import ScopeSeen
from ..model.scope_table import Order
from ..model.texts import visible
from ..model.which import Which
from ..model.words import counted
from ..sources.source import Feature
from ..widgets.ask_bar import AskBar
from ..widgets.scopes_list import ScopeLines, ScopesList
from ..widgets.status_line import StatusLine
from .base import SourceScreen
from .confirm import ConfirmScreen

TICK_S: Final = 0.06
"""How often is looked whether something is to be drawn: at most 17 times a second."""
COUNT_UP_S: Final = 1.0
"""How often all is drawn although nothing has happened: times go on."""
SORT_S: Final = 1.0
"""How often scopes come to stand elsewhere, once all are there."""
SORT_SHARE: Final = 10
"""Sorting takes at most one part in so many of the time."""
QUIET_S: Final = 0.5
"""If nothing has come for so long, all scopes are there."""

_ORDERS: Final = (Order.NAME, Order.EVENTS, Order.ACTIVITY, Order.RATE)
_LIVE_ORDERS: Final = (*_ORDERS, Order.STATE, Order.WAITING)
FILTER_HINT: Final = "part of a name"
_GONE: Final = frozenset({"not_found", "stale_round"})


class ScopesScreen(SourceScreen):
    """All scopes of a store: filtered, sorted, and as they change."""

    HELP = """
    Each line is a scope: how many events it has, when the last one came, and how many came in
    the last minute. A gateway also tells what a scope does: idle, available to the next
    proposal, or validating one; who holds the round, for how long, how much time is left, and
    how many proposals wait. Files do not tell that: there it is a dash.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "all_events", "All", tooltip="The events of all scopes"),
        Binding(
            "slash",
            "filter",
            "Filter",
            key_display="/",
            tooltip="Only names with a text",
            priority=True,
        ),
        Binding("s", "sort", "Sort", tooltip="Sort by the next thing; or click a title"),
        Binding("S", "turn_round", "Turn round", show=False, tooltip="Turn the order round"),
        Binding("x", "end_round", "End round", tooltip="End the round under the cursor"),
        Binding("i", "store", "Store", tooltip="What the store consists of"),
        Binding("p", "app.places", "Places", show=False, tooltip="Look at another store"),
        Binding("r", "again", "Ask again", show=False, tooltip="Ask for all scopes again"),
        Binding("down", "to_list", "To the list", show=False),
        Binding("escape,backspace,h,left", "back", "Back", show=False),
    ]

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self.lines = ScopeLines(is_live=desk.can(Feature.STATES))
        self._filter = ""
        self._is_dirty = False
        self._is_loading = True
        self._stopped: str | None = None
        self._last_name = ""
        self._heard_s = self._drawn_s = time.monotonic()
        self._sort_s = 0.0

    # --- what is there -----------------------------------------------------------------------

    def body(self) -> Iterable[Widget]:
        """Give the list, and the lines below it."""
        yield ScopesList(self.lines)
        yield AskBar("filter", FILTER_HINT)
        yield StatusLine()

    @property
    def list(self) -> ScopesList:
        """The scopes."""
        return self.query_one(ScopesList)

    def on_mount(self) -> None:
        """Begin to watch."""
        self.list.focus()
        self.set_interval(TICK_S, self._tick)
        self.work(self._watch(), "watch")
        self._say()

    def on_screen_resume(self) -> None:
        """Show what has happened while something else was shown."""
        self._is_dirty = True

    # --- watching ----------------------------------------------------------------------------

    async def _watch(self) -> None:
        try:
            async with self.desk.bridge.stream(self.desk.source.watch_scopes) as batches:
                async for batch in batches:
                    for scopes in batch:
                        is_first = not self.lines.table.total
                        self._learn(scopes)
                        if is_first:
                            # Somebody waits for just that.
                            self._tick()
                        # A key press never waits for more than one page.
                        await asyncio.sleep(0)
        except Exception as error:
            self._stopped = str(error)
            raise
        finally:
            self._is_loading = False
            self._is_dirty = True

    def _learn(self, scopes: Sequence[ScopeSeen]) -> None:
        # They come by name at first; what comes behind a later one has changed.
        if scopes and self._is_loading:
            self._is_loading = scopes[0].scope > self._last_name
            self._last_name = scopes[-1].scope
        elif not scopes:
            self._is_loading = False
        self.lines.learn(scopes)
        self._is_dirty = True
        self._heard_s = time.monotonic()

    def _tick(self) -> None:
        now_s = time.monotonic()
        if not self.is_current:
            return
        if self._is_loading and self.lines.table.total and now_s - self._heard_s > QUIET_S:
            self._is_loading = False
            self._is_dirty = True
        if self._is_dirty or now_s - self._drawn_s >= COUNT_UP_S:
            self._is_dirty = False
            self._drawn_s = now_s
            self._draw(now_s)

    def _draw(self, now_s: float) -> None:
        under = self.list.under_cursor
        # While all is still coming, whoever has not moved sees the first ones.
        is_at_rest = under is None or (self._is_loading and self.list.cursor == 0)
        self._stand_anew(now_s)
        self.list.stay_with(None if is_at_rest or under is None else under.scope)
        self._say()

    def _stand_anew(self, now_s: float) -> None:
        if now_s < self._sort_s and self.lines.table.count:
            return
        self.lines.table.refresh(now_s)
        took_s = time.monotonic() - now_s
        pause_s = 0.0 if self._is_loading else SORT_S
        self._sort_s = now_s + max(pause_s, took_s * SORT_SHARE)

    # --- the line below ----------------------------------------------------------------------

    def _say(self) -> None:
        line, table = self.query_one(StatusLine), self.lines.table
        order, is_reverse = table.order
        many = counted(table.total, "scope")
        if self._filter:
            # While it is typed, it is to be seen in the line above.
            holds = "" if self.query_one(AskBar).is_asking else f"/{self._filter} · "
            many = f"{holds}{table.count:,} of {many}"
        line.left = many
        if self._stopped is not None:
            line.right = "not watched any more: r asks again"
        elif self._is_loading:
            line.right = "more are coming …"
        else:
            line.right = f"by {order.value} {'▼' if is_reverse else '▲'}"
        self.list.words_if_empty = self._words_if_empty()

    def _words_if_empty(self) -> str:
        if self._stopped is not None:
            return visible(self._stopped, 400)
        if self._is_loading:
            return "looking …"
        if self.lines.table.total:
            return f"no scope has “{visible(self._filter, 40)}” in its name: esc shows all"
        return "no events yet: what comes is shown here"

    # --- the filter --------------------------------------------------------------------------

    def action_filter(self) -> None:
        """Ask for a part of a name."""
        self.query_one(AskBar).ask(self._filter)

    @on(AskBar.Changed)
    def _typed(self, event: AskBar.Changed) -> None:
        self._show_only(event.text)

    @on(AskBar.Answered)
    @on(AskBar.Left)
    def _to_list(self) -> None:
        self.query_one(AskBar).close()
        self.list.focus()
        self._say()

    def action_to_list(self) -> None:
        """Go from what is typed to what was found."""
        if self.query_one(AskBar).is_asking:
            self._to_list()

    def _show_only(self, text: str) -> None:
        under = self.list.under_cursor
        self._filter = text
        self.lines.table.filter(text)
        index = None if under is None else self.lines.table.index_of(under.scope)
        self.list.changed()
        self.list.go_to(index or 0)
        self._say()

    def action_back(self) -> None:
        """Let go of the filter; without one, go back."""
        if self._filter:
            self._show_only("")
        else:
            super().action_back()

    # --- sorting -----------------------------------------------------------------------------

    def action_sort(self) -> None:
        """Sort by the next thing."""
        orders = _LIVE_ORDERS if self.lines.is_live else _ORDERS
        order, _ = self.lines.table.order
        self._sort(orders[(orders.index(order) + 1) % len(orders)])

    def action_turn_round(self) -> None:
        """Sort the other way round."""
        order, is_reverse = self.lines.table.order
        self._sort(order, is_reverse=not is_reverse)

    @on(ScopesList.TitleClicked)
    def _title_clicked(self, event: ScopesList.TitleClicked) -> None:
        if self.lines.table.order[0] is event.order:
            self.action_turn_round()
        else:
            self._sort(event.order)

    def _sort(self, order: Order, *, is_reverse: bool | None = None) -> None:
        is_reverse = order.begins_high if is_reverse is None else is_reverse
        self.lines.table.sort(order, reverse=is_reverse)
        self.lines.table.refresh(time.monotonic())
        self.list.changed()
        self.list.go_to(0)
        self._say()

    # --- where to go -------------------------------------------------------------------------

    @on(ScopesList.Opened)
    def _opened(self) -> None:
        if (seen := self.list.under_cursor) is not None:
            self._show_events(Which(scope=seen.scope))

    def action_all_events(self) -> None:
        """Show the events of the whole store."""
        self._show_events(Which())

    def _show_events(self, which: Which) -> None:
        from .events import EventsScreen

        self.app.push_screen(EventsScreen(self.desk, which))

    def action_store(self) -> None:
        """Show what the store consists of."""
        from .store import StoreScreen

        self.app.push_screen(StoreScreen(self.desk))

    def action_again(self) -> None:
        """Watch anew."""
        self._stopped = None
        self._is_loading, self._last_name = True, ""
        self.work(self._watch(), "watch")

    # --- rounds ------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer only what the source can do, and no filter to who types one."""
        if action == "filter":
            # It has the first look at each key: what is typed right behind it is for its line.
            return not any(bar.is_asking for bar in self.query(AskBar))
        return action != "end_round" or self.desk.can(Feature.END_ROUND)

    def action_end_round(self) -> None:
        """Ask whether to end the round of the scope under the cursor."""
        seen = self.list.under_cursor
        if seen is None:
            return
        if seen.round is None or seen.round.token is None:
            name = visible(seen.scope, 60)
            why = "no round is open" if seen.round is None else "no right to end the round"
            self.notify(f"{why} in {name}", markup=False)
            return
        token = seen.round.token
        lines = [
            *holding(seen, self.lines.passed_s(seen.scope)),
            "If it is ended, the proposal is withdrawn, and its proposer told so.",
        ]

        def answered(is_yes: bool | None) -> None:
            if is_yes:
                self.work(self._end_round(seen.scope, token), "end round")

        question = ConfirmScreen("End this round?", lines, yes="End it", no="Leave it")
        self.app.push_screen(question, answered)

    async def _end_round(self, scope: str, token: str) -> None:
        try:
            await self.desk.bridge.call(self.desk.source.end_round, scope, token)
        except AtomicStoreError as error:
            if getattr(error, "code", None) not in _GONE:
                raise
            words = "was over before it could be ended"
        else:
            words = "has been ended"
        self.notify(f"The round of {visible(scope, 60)} {words}.", markup=False)

"""The store itself: what its files hold, whether they are sound, how it goes while it is live."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar, final

import attrs
from textual import on
from textual.binding import Binding, BindingType
from textual.events import Resize
from textual.widget import Widget

from atomic_store.errors import AtomicStoreError
from atomic_store.journal.stock import Stock

from ..desk import Desk
from ..model.facts import Fact, Item, Title, copied_of
from ..model.figure_facts import figure_items
from ..model.figures import Figures
from ..model.store_facts import stock_items, verification_items
from ..model.words import counted, duration, size
from ..sources.source import Feature, Health
from ..widgets.fact_lines import FactLines, FactList
from ..widgets.plots import Plots
from ..widgets.progress_line import ProgressLine
from ..widgets.virtual_list import VirtualList
from .base import SourceScreen

FIGURES_S = 1.0
"""How often figures are asked for."""
STOCK_S = 5.0
"""How often it is looked whether the files have grown; taking stock may take a tenth of it."""
PROGRESS_S = 0.1
"""How often the progress of a check is drawn."""
PLOTS_FROM_ROWS = 14
"""On a lower screen there is no room for plots."""


@final
@attrs.define(eq=False)
class _Known:
    """What is known of a store; kept as long as it is open."""

    stock: Stock | None = None
    trouble: str = ""
    """Why it could not be looked at last; empty if it could."""
    checked: list[Item] = attrs.Factory(list)
    """What the last check has found."""
    figures: Figures = attrs.Factory(Figures)


class StoreScreen(SourceScreen):
    """
    A store's files, or a gateway's figures, or both; all of it can be checked.

    Args:
      clock: gives seconds, from any origin.
    """

    HELP = """
    What a store's files hold: who it is, where it ends, each segment, what is derived from them,
    and what opening has cut off after a crash. The head's position and commit value stand for all
    bytes before them. Over a gateway: what it counts, and how that went over the last minutes;
    p99 is how long 99 of 100 of the last 1,000 commits took at most, each a write and an fsync.

    A check reads every byte. It says where something is damaged: file, offset, line, what was
    expected there and what was found.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("v", "verify", "Verify", tooltip="Check every byte"),
        Binding("r", "again", "Look again", tooltip="Look at the files again"),
        Binding("y,c", "copy", "Copy", tooltip="Copy what the line says"),
        Binding("Y,C", "copy_all", "Copy all", key_display="Y", tooltip="Copy all lines"),
    ]

    DEFAULT_CSS = """
    StoreScreen {
        #plots {
            height: auto;
            max-height: 50%;
            min-height: 0;
            background: $surface;
        }
        &.-low #plots { display: none; }
    }
    """

    def __init__(self, desk: Desk, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(desk)
        self._clock = clock
        self._known: _Known = desk.kept.setdefault("store", _Known())
        self._lines = FactLines()
        self._health: Health | None = None
        self._progress = (0, 0)
        self._since = 0.0

    # --- what is shown ------------------------------------------------------------------------

    def body(self) -> Iterable[Widget]:
        """Give the plots if there are figures, and the list."""
        if self.desk.can(Feature.FIGURES):
            yield Plots(id="plots")
        yield FactList(id="facts")
        yield ProgressLine(id="progress")

    def crumbs(self) -> list[str]:
        """Say that it is the store itself."""
        return ["store"]

    def on_mount(self) -> None:
        """Begin to look."""
        self.show_facts()
        self._list.focus()
        self.set_interval(PROGRESS_S, self._draw_progress)
        self.action_again()
        if self.desk.can(Feature.FIGURES):
            self.work(self._watch_figures(), "figures")

    def on_resize(self, event: Resize) -> None:
        """Leave the plots out where there is no room."""
        self.set_class(event.size.height < PLOTS_FROM_ROWS, "-low")

    @property
    def _list(self) -> VirtualList:
        return self.query_one("#facts", FactList)

    def show_facts(self) -> None:
        """Draw what is known now; the cursor stays on its line."""
        if not self.is_attached:
            return
        known = self._known
        items: list[Item] = []
        if known.trouble:
            items += [Title("it cannot be looked at", "bad"), Fact("", known.trouble, "bad")]
            if self.desk.can(Feature.VERIFY):
                items.append(Fact("", "v checks all of it, and says what is damaged", "dim"))
            items.append(None)
        items += known.checked
        if known.figures.last:
            items += [*figure_items(known.figures), None]
        if known.stock is not None:
            health = self._health or Health(True, "")
            items += stock_items(known.stock, health.words, is_well=health.is_well)
        self._lines.show(items, self._summary())
        self._list.words_if_empty = "looking …"
        if self._list.lines is self._lines:
            self._list.changed()
        else:
            self._list.show(self._lines)

    def _summary(self) -> str:
        stock, figures = self._known.stock, self._known.figures.last
        if stock is None:
            position = figures.get("position")
            return counted(position, "record") if isinstance(position, int) else ""
        held = sum(s.bytes for s in stock.segments) + stock.index.bytes + stock.snapshots.bytes
        return (
            f"{counted(stock.head.position, 'record')} of {counted(stock.scopes, 'scope')}, "
            f"{size(held)} in all"
        )

    # --- looking ------------------------------------------------------------------------------

    def action_again(self) -> None:
        """Look again at what the files hold."""
        if self.desk.can(Feature.FILES):
            self.work(self._watch_stock(), "stock")

    async def _watch_stock(self) -> None:
        """Take stock, and again whenever there is more."""
        position = -1
        while True:
            began = self._clock()
            try:
                now = await self.desk.bridge.call(self.desk.source.position)
                if now != position:
                    self._known.stock = await self.desk.bridge.call(self.desk.source.stock)
                    position = now
                self._health = await self.desk.bridge.call(self.desk.source.health)
                self._known.trouble = ""
            except (AtomicStoreError, OSError) as error:
                # What was known before stands, below why there is nothing newer.
                self._known.trouble = str(error)
                position = -1
            self.show_facts()
            await asyncio.sleep(max(STOCK_S, 10 * (self._clock() - began)))

    async def _watch_figures(self) -> None:
        """Ask for figures, again and again."""
        while True:
            try:
                figures = await self.desk.bridge.call(self.desk.source.figures)
            except (AtomicStoreError, OSError) as error:
                self.trouble(str(error), is_quiet=True)
            else:
                self.take_figures(figures)
            await asyncio.sleep(FIGURES_S)

    def take_figures(self, figures: Mapping[str, Any]) -> None:
        """Show some figures, and how they went."""
        self._known.figures.add(self._clock(), figures)
        self.query_one(Plots).show(self._known.figures)
        self.show_facts()

    # --- checking -----------------------------------------------------------------------------

    def action_verify(self) -> None:
        """Check everything; what is still being checked goes on."""
        if not self.desk.can(Feature.VERIFY):
            self.notify("nothing can be checked here", markup=False)
        elif not self.is_working("verify"):
            self._since, self._progress = self._clock(), (0, 0)
            task = self.work(self._verify(self._since), "verify")
            task.add_done_callback(lambda _: self._draw_progress())
            self._draw_progress()

    async def _verify(self, since: float) -> None:
        # It comes from another thread, often: the next drawing takes what was told last.
        def on_progress(done: int, total: int) -> None:
            self._progress = done, total

        found = await self.desk.bridge.call(self.desk.source.verify, on_progress)
        took_s = self._clock() - since
        self._known.checked = verification_items(found, took_s, self.desk.source.place)
        self.show_facts()
        self._list.go_to(0)

    def _draw_progress(self) -> None:
        if not self.is_attached:
            return
        line = self.query_one(ProgressLine)
        line.display = self.is_working("verify")
        if line.display:
            done, total = self._progress
            words = f"{size(done)} of {size(total)}" if total else "beginning"
            took = duration(max(0.0, self._clock() - self._since))
            line.show("verifying", done / total if total else 0.0, f"{words}, {took}; esc stops")

    def action_back(self) -> None:
        """Stop a check that goes on; else go back."""
        if self.is_working("verify"):
            self._works["verify"].cancel()
        else:
            super().action_back()

    # --- copying ------------------------------------------------------------------------------

    def action_copy(self) -> None:
        """Copy what the line under the cursor says."""
        items = self._lines.items
        text = copied_of(items[self._list.cursor]) if items else ""
        if text:
            self.app.copy_to_clipboard(text)
            self.notify("copied", markup=False, timeout=2)

    @on(VirtualList.Opened)
    def _opened(self) -> None:
        self.action_copy()

    def action_copy_all(self) -> None:
        """Copy all that the list says, as text."""
        texts = [self._lines.text(index) for index in range(self._lines.count)]
        self.app.copy_to_clipboard("\n".join(texts))
        self.notify(f"copied {counted(len(texts), 'line')}", markup=False, timeout=2)

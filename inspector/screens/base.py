"""What all screens that look at a source have in common."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widget import Widget

from atomic_store.errors import AtomicStoreError

from ..bridge import BridgeClosed
from ..desk import Desk
from ..model.texts import visible
from ..widgets.keys_line import KeysLine
from ..widgets.top_bar import TopBar

HEALTH_S = 1.0
"""How often a screen asks how it goes."""
TROUBLE_CELLS_MAX = 600
"""How long an error may be on the screen."""


class SourceScreen(Screen[None]):
    """
    A screen over a source: a line above with the place and how it goes, keys below.

    Subclasses give `body` and `crumbs`, and do what takes time in `work`.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,backspace,h,left", "back", "Back"),
    ]

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk = desk
        self._works: dict[str, asyncio.Task[None]] = {}

    def body(self) -> Iterable[Widget]:
        """Give what is between the two lines."""
        raise NotImplementedError

    def crumbs(self) -> list[str]:
        """Say what is shown, from the whole to the part; any text."""
        return []

    def compose(self) -> ComposeResult:
        """Put the lines around the body."""
        yield TopBar()
        yield from self.body()
        yield KeysLine()

    def on_mount(self) -> None:
        """Begin to look."""
        self.show_place()
        self.ask_health()
        self.set_interval(HEALTH_S, self.ask_health)

    def on_screen_resume(self) -> None:
        """Be up to date again."""
        self.ask_health()

    def action_back(self) -> None:
        """Go back to where we came from; the first screen stays."""
        if len(self.app.screen_stack) > 2:
            self.app.pop_screen()

    # --- the line above ----------------------------------------------------------------------

    def show_place(self) -> None:
        """Say in the line above what is shown."""
        self.query_one(TopBar).place = " > ".join([self.desk.source.place, *self.crumbs()])

    def ask_health(self) -> None:
        """Ask how it goes, if anybody looks."""
        if self.is_current and not self.is_working("health"):
            self.work(self._show_health(), "health", is_quiet=True)

    async def _show_health(self) -> None:
        health = await self.desk.bridge.call(self.desk.source.health)
        bar = self.query_one(TopBar)
        bar.health, bar.is_well = health.words, health.is_well

    # --- what takes time -----------------------------------------------------------------------

    def work(
        self, what: Coroutine[Any, Any, None], group: str, *, is_quiet: bool = False
    ) -> asyncio.Task[None]:
        """
        Do something that takes time; what is still done in the same group is cancelled.

        It ends with the screen.

        Args:
          is_quiet: trouble is shown in the line above only.
        """
        if (before := self._works.get(group)) is not None:
            before.cancel()
        task = asyncio.create_task(self._guarded(what, is_quiet), name=group)
        self._works[group] = task
        # Textual's workers leave behind what was cancelled before it had begun.
        task.add_done_callback(lambda _: what.close())
        return task

    def is_working(self, group: str) -> bool:
        """Whether something of a group is still done."""
        return group in self._works and not self._works[group].done()

    async def on_unmount(self) -> None:
        """End what is still done."""
        works = [task for task in self._works.values() if not task.done()]
        for task in works:
            task.cancel()
        if works:
            await asyncio.wait(works)

    async def _guarded(self, what: Coroutine[Any, Any, None], is_quiet: bool) -> None:
        try:
            await what
        except BridgeClosed:
            return
        except (AtomicStoreError, OSError) as error:
            self.trouble(str(error), is_quiet=is_quiet)
        except Exception as error:
            if not self.query(TopBar):
                # The screen was left in the meantime, and its widgets are gone.
                return
            # It is our fault, and no reason to end: what else is shown still stands.
            self.log.error(error)
            words = f"{type(error).__name__}: {error}"
            self.trouble(f"unexpected, please report it: {words}", is_quiet=is_quiet)

    def trouble(self, words: str, *, is_quiet: bool = False) -> None:
        """Say what went wrong."""
        if is_quiet:
            bar = self.query_one(TopBar)
            bar.health, bar.is_well = words, False
        else:
            self.notify(
                visible(words, TROUBLE_CELLS_MAX), severity="error", markup=False, timeout=8
            )

"""The app: the bridge, and one screen upon the other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.theme import Theme
from textual.worker import Worker

from atomic_store.journal.clock import timestamp, utc_now

from .bridge import Bridge, open_bridge
from .desk import Desk
from .habits_file import HabitsFile
from .model.habits import Habits
from .model.texts import visible
from .model.which import Which
from .palette import commands_of
from .screens.opening import OpeningScreen
from .screens.scopes import ScopesScreen
from .sources.opening import open_source
from .sources.source import OnProgress
from .terminal import mind_the_terminal

if TYPE_CHECKING:
    from .folding import Folding

DEMO = "a demo"


class Inspector(App[None]):
    """
    See what is in a store, and what happens in it now.

    Args:
      place: a store's directory, or a gateway's URL; None: ask.
      token: for the gateway at `place`; without a place, for the one that is chosen.
      fold: what a scope's events amount to, as `inspector.folding` gives it.
      which: the events to begin with at `place`; None: with the scopes.
      habits: where what is remembered is kept.
    """

    TITLE = "atomic_store"
    CSS_PATH = "inspector.tcss"
    ENABLE_COMMAND_PALETTE = True
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q,ctrl+q", "quit", "Quit", key_display="q"),
        Binding("question_mark,f1", "help", "Help", key_display="?"),
    ]

    def __init__(
        self,
        place: str | None = None,
        *,
        token: str | None = None,
        fold: Folding | None = None,
        which: Which | None = None,
        habits: HabitsFile | None = None,
    ) -> None:
        super().__init__()
        # What screens look like may depend on how much room there is.
        self.HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]
        self.VERTICAL_BREAKPOINTS = [(0, "-short"), (9, "-tall")]
        self.place = place
        self.token = token
        self.fold = fold
        self.which = which
        self.habits = habits or HabitsFile(None)
        self._kept_theme = self.theme
        self._open = AsyncExitStack()
        self._bridge: Bridge | None = None
        self._source: asyncio.Task[None] | None = None

    async def on_mount(self) -> None:
        """Begin."""
        if not self.is_headless:
            mind_the_terminal(self)
        known, complaint = self.habits.load()
        if known.theme is not None and known.theme in self.available_themes:
            self._kept_theme = self.theme = known.theme
        self.theme_changed_signal.subscribe(self, self._remember_theme)
        if complaint is not None:
            self.notify(visible(complaint, 300), severity="warning", markup=False)
        self._bridge = await self._open.enter_async_context(open_bridge())
        if self.place is not None:
            self.open_place(self.place)
        else:
            self.action_places()

    async def on_unmount(self) -> None:
        """End what was begun."""
        await self._close_source()
        await self._open.aclose()

    # --- places -----------------------------------------------------------------------------

    def action_places(self) -> None:
        """Ask what to look at."""
        from .screens.picker import Choices, PickerScreen

        assert self._bridge is not None
        choices = Choices(self.open_place, self.open_demo, self._forget)
        known, _ = self.habits.load()
        self.show_alone(PickerScreen(self._bridge, known.places, choices))
        self._run_alone(self._close_source)

    def open_place(self, place: str) -> None:
        """Look at a place; its first screen comes when it is open."""
        is_asked = self.place in (None, place)
        which = self.which if place == self.place else None
        opening = OpeningScreen(place, lambda: self.open_place(place))
        token = self.token if is_asked else None
        self._begin(self._place(place, token, opening.progress), opening, which)

    def open_demo(self) -> None:
        """Look at a store that is made for that, and removed again."""
        self._begin(self._demo(), OpeningScreen(DEMO, self.open_demo))

    def _begin(
        self,
        desk: AbstractAsyncContextManager[Desk],
        opening: OpeningScreen,
        which: Which | None = None,
    ) -> None:
        self.show_alone(opening)
        self._run_alone(partial(self._show_when_open, desk, opening, which))

    def _run_alone(self, what: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Do what opens or closes a place; what was still done of that is cancelled."""
        # As a function: one that is cancelled before it has begun leaves nothing behind.
        _: Worker[None] = self.run_worker(what, group="opening", exclusive=True)

    async def _show_when_open(
        self, desk: AbstractAsyncContextManager[Desk], opening: OpeningScreen, which: Which | None
    ) -> None:
        await self._close_source()
        ready: asyncio.Future[Desk] = asyncio.get_running_loop().create_future()
        self._source = asyncio.create_task(_keep_open(desk, ready))
        either: set[asyncio.Future[Any]] = {self._source, ready}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if not ready.done():
            if (error := self._source.exception()) is not None:
                opening.failed(error)
            return
        self.show_alone(ScopesScreen(ready.result()))
        if which is not None:
            from .screens.events import EventsScreen

            self.push_screen(EventsScreen(ready.result(), which))

    @asynccontextmanager
    async def _place(
        self, place: str, token: str | None, on_progress: OnProgress
    ) -> AsyncIterator[Desk]:
        assert self._bridge is not None
        async with self._bridge.entered(
            open_source, place, token=token, on_progress=self._bridge.back(on_progress)
        ) as source:
            # Meanwhile: it takes a sync.
            self._remember(lambda habits: habits.with_place(source.place, timestamp(utc_now())))
            yield Desk(self._bridge, source, self.fold, self.habits)

    @asynccontextmanager
    async def _demo(self) -> AsyncIterator[Desk]:
        from .sources.demo import demo_folding, open_demo

        assert self._bridge is not None
        async with (
            self._bridge.entered(open_demo) as path,
            self._bridge.entered(open_source, str(path)) as source,
        ):
            folding = await asyncio.to_thread(demo_folding)
            yield Desk(self._bridge, source, folding, self.habits)

    async def _close_source(self) -> None:
        if self._source is not None:
            source, self._source = self._source, None
            source.cancel()
            await asyncio.wait({source})

    def show_alone(self, screen: Screen[None]) -> None:
        """Show a screen in the place of all others."""
        while len(self.screen_stack) > 2:
            self.pop_screen()
        if len(self.screen_stack) == 2:
            self.switch_screen(screen)
        else:
            self.push_screen(screen)

    # --- habits -----------------------------------------------------------------------------

    def _forget(self, place: str) -> None:
        self._remember(lambda habits: habits.without_place(place))

    def _remember_theme(self, theme: Theme) -> None:
        # One is told of the theme at the beginning, too.
        if theme.name == self._kept_theme:
            return
        self._kept_theme = theme.name
        self._remember(lambda habits: habits.with_theme(theme.name))

    def _remember(self, change: Callable[[Habits], Habits]) -> None:
        _: Worker[None] = self.run_worker(partial(self._change_habits, change))

    async def _change_habits(self, change: Callable[[Habits], Habits]) -> None:
        await asyncio.to_thread(self.habits.change, change)

    # --- help and the palette ---------------------------------------------------------------

    def action_help(self) -> None:
        """Show what is seen, and all keys."""
        from .screens.help import HelpScreen

        self.push_screen(HelpScreen(self.screen))

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """Give the palette's commands: what the keys do, the theme, a picture."""
        yield from commands_of(self, screen)
        yield SystemCommand("Theme", "Choose other colours", self.action_change_theme)
        yield SystemCommand("Screenshot", "Save a picture of the screen as SVG", self._picture)

    def _picture(self) -> None:
        # Once the palette is gone.
        self.set_timer(0.1, self._save_picture)

    def _save_picture(self) -> None:
        try:
            path = self.save_screenshot()
        except OSError as error:
            self.notify(visible(str(error), 300), severity="error", markup=False)
        else:
            self.notify(f"saved as {visible(path, 300)}", markup=False)


async def _keep_open(desk: AbstractAsyncContextManager[Desk], ready: asyncio.Future[Desk]) -> None:
    """Hold something open until cancelled."""
    async with desk as opened:
        ready.set_result(opened)
        await asyncio.Event().wait()

"""The app: the bridge, and one screen upon the other."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any, ClassVar

from textual.app import App
from textual.binding import Binding, BindingType
from textual.screen import Screen

from .bridge import Bridge, open_bridge
from .desk import Desk
from .screens.opening import OpeningScreen
from .screens.scopes import ScopesScreen
from .sources.opening import open_source


class Inspector(App[None]):
    """
    See what is in a store, and what happens in it now.

    Args:
      place: a store's directory, or a gateway's URL; None: ask.
      token: for the gateway.
      fold: what a scope's events amount to, as `inspector.folding` gives it.
    """

    TITLE = "atomic_store"
    CSS_PATH = "inspector.tcss"
    ENABLE_COMMAND_PALETTE = True
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q,ctrl+q", "quit", "Quit"),
        Binding("question_mark,f1", "show_help_panel", "Help", key_display="?"),
    ]

    def __init__(
        self, place: str | None = None, *, token: str | None = None, fold: Any = None
    ) -> None:
        super().__init__()
        self.place = place
        self.token = token
        self.fold = fold
        self._open = AsyncExitStack()
        self._bridge: Bridge | None = None
        self._source: asyncio.Task[None] | None = None

    async def on_mount(self) -> None:
        """Begin."""
        self._bridge = await self._open.enter_async_context(open_bridge())
        if self.place is not None:
            self.open_place(self.place)

    async def on_unmount(self) -> None:
        """End what was begun."""
        await self._close_source()
        await self._open.aclose()

    # --- places -----------------------------------------------------------------------------

    def open_place(self, place: str) -> None:
        """Look at a place; its first screen comes when it is open."""
        opening = OpeningScreen(place, lambda: self.open_place(place))
        self._show_alone(opening)
        self.run_worker(self._open_place(place, opening), group="opening", exclusive=True)

    async def _open_place(self, place: str, opening: OpeningScreen) -> None:
        await self._close_source()
        ready: asyncio.Future[Desk] = asyncio.get_running_loop().create_future()
        self._source = asyncio.create_task(self._keep_open(place, ready))
        either: set[asyncio.Future[Any]] = {self._source, ready}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if ready.done():
            self._show_alone(ScopesScreen(ready.result()))
        elif (error := self._source.exception()) is not None:
            opening.failed(error)

    async def _keep_open(self, place: str, ready: asyncio.Future[Desk]) -> None:
        assert self._bridge is not None
        async with self._bridge.entered(open_source, place, token=self.token) as source:
            ready.set_result(Desk(self._bridge, source, self.fold))
            await asyncio.Event().wait()

    async def _close_source(self) -> None:
        if self._source is not None:
            self._source.cancel()
            await asyncio.wait({self._source})
            self._source = None

    def _show_alone(self, screen: Screen[None]) -> None:
        """Show a screen in the place of all others."""
        while len(self.screen_stack) > 2:
            self.pop_screen()
        if len(self.screen_stack) == 2:
            self.switch_screen(screen)
        else:
            self.push_screen(screen)


def run(make: Callable[[], Inspector]) -> int:
    """Run the app; gives the exit code."""
    app = make()
    app.run()
    return app.return_code or 0

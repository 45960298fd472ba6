"""The two lines above an event."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from textual.app import App, ComposeResult
from textual.pilot import Pilot

from inspector.widgets.event_head import EventHead, TabLine


class HeadApp(App[None]):
    def __init__(self) -> None:
        super().__init__()
        self.chosen: list[int] = []

    def compose(self) -> ComposeResult:
        yield EventHead()
        yield TabLine(["Tree", "Raw", "Changes"])

    def on_tab_line_chosen(self, event: TabLine.Chosen) -> None:
        self.chosen.append(event.index)

    def lines(self) -> list[str]:
        return [strip.text.rstrip() for strip in self.screen._compositor.render_strips()][:2]


def piloted(main: Callable[[HeadApp, Pilot[None]], Awaitable[None]], width: int) -> None:
    """Run an app with the two lines."""

    async def run() -> None:
        app = HeadApp()
        async with app.run_test(size=(width, 3)) as pilot:
            head = app.query_one(EventHead)
            head.name_, head.words, head.right = "Bid[/x]\x1b", "at some time", "position 5"
            app.query_one(TabLine).right = "working [b]\x07"
            await pilot.pause()
            await main(app, pilot)

    asyncio.run(run())


def test_with_room() -> None:
    """Both ends are shown, as they are."""

    async def main(app: HeadApp, pilot: Pilot[None]) -> None:
        assert [
            " Bid[/x]␛  at some time                position 5",
            " 1 Tree  2 Raw  3 Changes            working [b]␇",
        ] == app.lines()

    piloted(main, 50)


def test_without_room() -> None:
    """What is on the right goes first."""

    async def main(app: HeadApp, pilot: Pilot[None]) -> None:
        assert [" Bid[/x]␛  at some time", " 1 Tree  2 Raw  3 Changes  wo…"] == app.lines()
        await pilot.resize_terminal(12, 3)
        await pilot.pause()
        assert [" Bid[…  at…", " 1 Tree  2 R"] == app.lines()

    piloted(main, 31)


def test_clicks() -> None:
    """A name can be clicked, and nothing beside them."""

    async def main(app: HeadApp, pilot: Pilot[None]) -> None:
        for x in (0, 7, 8, 14, 15, 25, 26, 40):
            await pilot.click(TabLine, offset=(x, 0))
        assert [0, 0, 1, 1, 2, 2] == app.chosen

    piloted(main, 50)

"""A long text on the screen."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from textual.app import App, ComposeResult
from textual.pilot import Pilot

from inspector.model.raw_lines import TEXT_BYTES_MAX
from inspector.widgets.text_view import TextView


class TextApp(App[None]):
    def compose(self) -> ComposeResult:
        yield TextView(id="text")

    @property
    def view(self) -> TextView:
        return self.query_one(TextView)

    def lines(self) -> list[str]:
        return [strip.text[:-1].rstrip() for strip in self.screen._compositor.render_strips()]


def piloted(main: Callable[[TextApp, Pilot[None]], Awaitable[None]]) -> None:
    """Run an app with a text, and twenty cells for it."""

    async def run() -> None:
        app = TextApp()
        async with app.run_test(size=(23, 5)) as pilot:
            app.view.focus()
            await main(app, pilot)

    asyncio.run(run())


def test_it_is_broken() -> None:
    """Where it has newlines, and where a line is full; what is odd is made visible."""

    async def main(app: TextApp, pilot: Pilot[None]) -> None:
        app.view.show_text(b"0123456789012345678901\n[/x]\x1b", heading="above")
        await pilot.pause()
        assert [" above", " 01234567890123456789", " 01", " [/x]␛", ""] == app.lines()
        await pilot.press("j")
        assert "01" == app.view.line_text()

    piloted(main)


def test_another_width() -> None:
    """It is broken anew, and the cursor stays about where it was."""

    async def main(app: TextApp, pilot: Pilot[None]) -> None:
        app.view.show_text(b"x" * 2_000)
        await pilot.press("G")
        for width, count in ((43, 50), (18, 134), (23, 100)):
            await pilot.resize_terminal(width, 5)
            await pilot.pause()
            assert count == app.view.lines.count
            assert app.view.cursor > count * 0.9

    piloted(main)


def test_nothing_and_too_much() -> None:
    """Nothing is an empty line; of what is too long the beginning is shown, and that it is."""

    async def main(app: TextApp, pilot: Pilot[None]) -> None:
        assert "" == app.view.line_text()
        app.view.show_text(b"")
        assert ("", 1) == (app.view.line_text(), app.view.lines.count)
        app.view.show_text(b"x" * (TEXT_BYTES_MAX + 2_000))
        await pilot.press("G")
        assert "… and 2.0 kB more" == app.view.line_text()

    piloted(main)

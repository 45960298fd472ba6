"""A list of any length."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import attrs
import pytest
from textual.app import App, ComposeResult
from textual.color import Color
from textual.pilot import Pilot

from inspector.widgets.virtual_list import LOOKS, Line, Part, VirtualList


@attrs.define(eq=False)
class Numbers:
    """Lines with their numbers; only some of them are there."""

    count: int
    there: range | None = None
    wanted: list[tuple[int, int]] = attrs.Factory(list)
    made: list[int] = attrs.Factory(list)

    def title(self, cells: int) -> Line:
        return (Part(f"numbers, {cells} cells", "dim"),)

    def line(self, index: int, cells: int) -> Line | None:
        if self.there is not None and index not in self.there:
            return None
        self.made.append(index)
        return (Part(f"line {index} ", "number"), Part("x" * 500))

    def wants(self, first: int, last: int) -> None:
        self.wanted.append((first, last))


class ListApp(App[None]):
    def __init__(self, lines: Numbers) -> None:
        super().__init__()
        self.lines = lines
        self.told: list[str] = []

    def compose(self) -> ComposeResult:
        yield VirtualList(self.lines, id="list")

    def on_virtual_list_moved(self, event: VirtualList.Moved) -> None:
        self.told.append(f"at {event.index}")

    def on_virtual_list_opened(self, event: VirtualList.Opened) -> None:
        self.told.append(f"open {event.index}")

    @property
    def list(self) -> VirtualList:
        return self.query_one(VirtualList)


def shown(app: ListApp) -> list[str]:
    """What is on the screen, without blanks at the ends."""
    height = app.list.size.height
    return [app.list.render_line(y).text.split(" x")[0].rstrip() for y in range(height)]


def piloted(
    lines: Numbers, main: Callable[[ListApp, Pilot[None]], Awaitable[None]], height: int = 6
) -> None:
    """Run an app with a list, five lines high and a title."""

    async def run() -> None:
        app = ListApp(lines)
        async with app.run_test(size=(40, height)) as pilot:
            app.list.focus()
            await pilot.pause()
            await main(app, pilot)

    asyncio.run(run())


def test_a_million_lines() -> None:
    """Only what is on the screen is made, and asked for."""
    lines = Numbers(1_000_000)

    async def main(app: ListApp, pilot: Pilot[None]) -> None:
        assert ["numbers, 39 cells", *(f"line {n}" for n in range(5))] == shown(app)
        await pilot.press("G")
        assert [f"line {n}" for n in range(999_995, 1_000_000)] == shown(app)[1:]
        assert (999_995, 999_999) == lines.wanted[-1]
        assert len(set(lines.made)) <= 10

    piloted(lines, main)


def test_what_is_wanted_is_told_at_once() -> None:
    """Whoever has the lines can fetch them before the screen is drawn."""
    lines = Numbers(1_000_000)

    async def main(app: ListApp, pilot: Pilot[None]) -> None:
        app.list.go_to(500)
        assert (496, 500) == lines.wanted[-1]
        app.list.action_move_pages(1.0)
        assert (501, 505) == lines.wanted[-1]

    piloted(lines, main)


@pytest.mark.parametrize(
    ("keys", "cursor", "top"),
    [
        ("down", 1, 0), ("j j j j", 4, 0), ("j j j j j", 5, 1), ("j k", 0, 0), ("k", 0, 0),
        ("pagedown", 5, 5), ("space space pageup", 5, 5), ("ctrl+d", 2, 2), ("G", 99, 95),
        ("G g", 0, 0), ("end home", 0, 0), ("G k", 98, 95), ("G j", 99, 95),
        ("G ctrl+u", 97, 93),
    ],
)  # fmt: skip
def test_keys(keys: str, cursor: int, top: int) -> None:
    """Each key moves the cursor, and the screen when it must."""

    async def main(app: ListApp, pilot: Pilot[None]) -> None:
        await pilot.press(*keys.split())
        assert (cursor, top) == (app.list.cursor, round(app.list.scroll_y))

    piloted(Numbers(100), main)


def test_opening() -> None:
    """Enter and a double click open the line; a click goes to it; the title is no line."""

    async def main(app: ListApp, pilot: Pilot[None]) -> None:
        await pilot.press("j", "enter")
        await pilot.double_click("#list", offset=(3, 4))
        await pilot.click("#list", offset=(3, 0))
        assert ["at 1", "open 1", "at 3", "open 3"] == app.told

    piloted(Numbers(100), main)


def test_lines_that_come_later() -> None:
    """What is not there yet is shown as such, and drawn when it has come."""
    lines = Numbers(100, there=range(2))

    async def main(app: ListApp, pilot: Pilot[None]) -> None:
        assert ["line 0", "line 1", "  …", "  …", "  …"] == shown(app)[1:]
        lines.there = range(100)
        app.list.changed()
        await pilot.pause()
        assert [f"line {n}" for n in range(5)] == shown(app)[1:]

    piloted(lines, main)


def test_growing() -> None:
    """Lines at the end move nothing; the scrollbar knows of them."""
    lines = Numbers(10)

    async def main(app: ListApp, pilot: Pilot[None]) -> None:
        await pilot.press("G")
        at_end = [app.list.is_at_end]
        lines.count = 20
        app.list.changed()
        await pilot.pause()
        assert (9, 5) == (app.list.cursor, round(app.list.scroll_y))
        at_end.append(app.list.is_at_end)
        assert [True, False] == at_end
        assert 21 == app.list.virtual_size.height

    piloted(lines, main)


def test_lines_before_the_cursor() -> None:
    """Lines that come in before the cursor leave it, and the screen, on the same lines."""
    lines = Numbers(100)

    async def main(app: ListApp, pilot: Pilot[None]) -> None:
        await pilot.press("pagedown", "j")
        before = app.list.cursor, round(app.list.scroll_y)
        lines.count = 130
        app.list.changed(inserted=30)
        await pilot.pause()
        assert (before[0] + 30, before[1] + 30) == (app.list.cursor, round(app.list.scroll_y))

    piloted(lines, main)


def test_shrinking() -> None:
    """The cursor is never behind the end, and tells where it went."""
    lines = Numbers(100)

    async def main(app: ListApp, pilot: Pilot[None]) -> None:
        await pilot.press("G")
        lines.count = 3
        app.list.changed()
        await pilot.pause()
        assert 2 == app.list.cursor
        assert "at 2" == app.told[-1]
        lines.count = 0
        app.list.words_if_empty = "nothing here"
        app.list.changed()
        await pilot.press("enter", "j")
        assert 0 == app.list.cursor
        assert "  nothing here" == shown(app)[2]
        assert "open" not in app.told[-1]

    piloted(lines, main)


def test_sizes() -> None:
    """Whatever the size of the terminal, the cursor is on the screen."""

    async def main(app: ListApp, pilot: Pilot[None]) -> None:
        await pilot.press("pagedown", "j", "j")
        for width, height in ((20, 5), (200, 50), (1, 1), (80, 24), (3, 2), (40, 6)):
            await pilot.resize_terminal(width, height)
            await pilot.pause()
            top = round(app.list.scroll_y)
            assert top <= app.list.cursor < top + app.list.page_lines

    piloted(Numbers(100), main)


# --- colours --------------------------------------------------------------------------------


class LookApp(App[None]):
    """A list with a line of each look, the cursor on the first."""

    def compose(self) -> ComposeResult:
        yield VirtualList(Looks(), id="list")


class Looks(Numbers):
    def __init__(self) -> None:
        super().__init__(2)

    def line(self, index: int, cells: int) -> Line | None:
        return tuple(Part(f"{look} ", look) for look in ("", *LOOKS))


def test_each_look_can_be_read() -> None:
    """In each theme, on the usual background and on the cursor's."""

    async def run() -> None:
        app = LookApp()
        async with app.run_test(size=(80, 5)) as pilot:
            view = app.query_one(VirtualList)
            for theme in app.available_themes.values():
                app.theme = theme.name
                await pilot.pause()
                for segment in (*view.render_line(1), *view.render_line(2)):
                    style = segment.style
                    if style is None or style.color is None or style.bgcolor is None:
                        continue
                    text, behind = style.color, style.bgcolor
                    if text.triplet is None or behind.triplet is None or not segment.text.strip():
                        continue
                    one, other = Color.from_rich_color(text), Color.from_rich_color(behind)
                    difference = abs(one.brightness - other.brightness)
                    assert difference > 0.2, (theme.name, segment.text)

    asyncio.run(run())

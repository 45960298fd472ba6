"""A plot, as it is drawn."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from textual.app import App, ComposeResult
from textual.pilot import Pilot

from inspector.model.curves import Curve
from inspector.widgets.plot import Plot
from inspector.widgets.progress_line import ProgressLine

CURVE = Curve(tuple((float(at), at / 10) for at in range(1, 61)), 60.0, 60.0)

BARS = ["", "                 ▁▁▂▂▃▃▄▄▅▅▆▆▇▇", " ▂▂▂▃▃▃▄▄▅▅▆▆▇▇████████████████"]


class Drawing(App[None]):
    """An app with a plot and a line of progress, and nothing else."""

    CSS = "Plot { width: 100%; }"

    def compose(self) -> ComposeResult:
        """Give both."""
        yield Plot("accepted", "good")
        yield ProgressLine()


def drawn(
    use: Callable[[Drawing, Pilot[None]], Awaitable[None]], size: tuple[int, int] = (32, 8)
) -> list[str]:
    """What is on the screen after somebody has used it."""
    lines: list[str] = []

    async def main() -> None:
        app = Drawing()
        async with app.run_test(size=size) as pilot:
            await use(app, pilot)
            await pilot.pause()
            lines.extend(strip.text.rstrip() for strip in app.screen._compositor.render_strips())

    asyncio.run(main())
    return lines


def words(value: float) -> str:
    """Write a number for a plot."""
    return f"{value:.1f}/s"


def test_a_curve() -> None:
    """Name and number above, bars, and below from when to when they go and how high."""

    async def use(app: Drawing, pilot: Pilot[None]) -> None:
        app.query_one(Plot).show(CURVE, 6.0, words)

    name, *bars, axis = drawn(use)[:5]

    assert " accepted                 6.0/s" == name
    assert " 1 min ago            to 10.0/s" == axis
    assert BARS == bars


def test_nothing_yet() -> None:
    """Nothing is known: a dash, and no bars."""

    async def use(app: Drawing, pilot: Pilot[None]) -> None:
        await pilot.pause()

    name, *bars, axis = drawn(use)[:5]
    assert " accepted                     \u2013" == name
    assert ["", "", ""] == bars
    assert " 1 min ago" == axis


def test_a_number_that_is_not_known_any_more() -> None:
    """The curve stays, the number is gone."""

    async def use(app: Drawing, pilot: Pilot[None]) -> None:
        app.query_one(Plot).show(CURVE, None, words)

    assert " accepted                     \u2013" == drawn(use)[0]


def test_hardly_any_room() -> None:
    """The number has its room first; no size is too small."""

    async def use(app: Drawing, pilot: Pilot[None]) -> None:
        app.query_one(Plot).show(CURVE, 6.0, words)
        for height in range(5):
            app.query_one(Plot).styles.height = height
            await pilot.pause()

    assert " acc… 6.0/s" == drawn(use, (12, 5))[0]
    for width in range(1, 12):
        assert 4 == len(drawn(use, (width, 4)))


def test_progress() -> None:
    """What is done, a bar, and how much that is; words have their room first."""

    async def use(app: Drawing, pilot: Pilot[None]) -> None:
        line = app.query_one(ProgressLine)
        line.display = True
        line.show("verifying", 0.42, "4 of 10 MB")

    assert " verifying 42%  " + "█" * 8 + "▉" + "░" * 12 + "  4 of 10 MB" == drawn(use, (50, 8))[5]
    assert " verifying 42%  4 of…" == drawn(use, (22, 8))[5]
    assert " verif…" == drawn(use, (8, 8))[5]


def test_progress_beyond_its_ends() -> None:
    """Less than nothing is nothing, more than all is all."""

    async def use(app: Drawing, pilot: Pilot[None]) -> None:
        line = app.query_one(ProgressLine)
        line.display = True
        line.show("v", -1.0, "")
        await pilot.pause()
        line.show("v", 7.0, "")

    assert "v100%  ██████████" in drawn(use, (30, 8))[5]

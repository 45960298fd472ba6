"""A small plot of how something went over the last minutes, in block characters."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, Final

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

from ..model.curves import Curve, bars, top_for
from ..model.figure_facts import UNKNOWN
from ..model.texts import cells_of, visible
from ..model.words import duration

AXIS_FROM_ROWS: Final = 4
"""A plot of fewer lines has no axis."""
_EMPTY: Final = Curve((), 0.0, 60.0)


class Plot(Widget):
    """
    A curve: its name and the number now above it, time below it.

    Args:
      title: what is shown.
      look: its colour: `good`, `warning`, `bad` or `number`.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "plot--now", "plot--dim",
        "plot--good", "plot--warning", "plot--bad", "plot--number",
    }  # fmt: skip

    DEFAULT_CSS = """
    Plot {
        height: 5;
        padding: 0 1;
        & > .plot--dim { text-style: dim; }
        & > .plot--now { color: $text; text-style: bold; }
        & > .plot--good { color: $success; }
        & > .plot--warning { color: $warning; }
        & > .plot--bad { color: $error; }
        & > .plot--number { color: $primary; }
    }
    """

    def __init__(self, title: str, look: str = "number", *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.title = title
        self._look = look
        self._now = UNKNOWN
        self._top = ""
        self._curve = _EMPTY

    def show(self, curve: Curve, now: float | None, words: Callable[[float], str]) -> None:
        """
        Show a curve.

        Args:
          now: the number now; None if it is not known.
          words: writes a number.
        """
        self._curve = curve
        self._now = UNKNOWN if now is None else words(now)
        self._top = words(top_for(curve.highest)) if curve.points else ""
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """Draw a line."""
        cells, rows = self.size.width, self.size.height
        has_axis = rows >= AXIS_FROM_ROWS
        high = rows - 1 - has_axis
        if y == 0:
            return self._strip(self._head(cells), cells)
        if y <= high:
            columns = self._curve.columns(max(1, cells))
            drawn = bars(columns, high, top_for(self._curve.highest))[y - 1]
            return self._strip([(drawn, f"plot--{self._look}")], cells)
        return self._strip([(self._axis(cells), "plot--dim")], cells)

    def _head(self, cells: int) -> list[tuple[str, str]]:
        now = visible(self._now, cells)
        name = visible(self.title, max(0, cells - cells_of(now) - 1))
        blanks = " " * (cells - cells_of(now) - cells_of(name))
        return [(name + blanks, "plot--dim"), (now, "plot--now")]

    def _axis(self, cells: int) -> str:
        begin = f"{duration(self._curve.span_s)} ago"
        end = self._top and f"to {self._top}"
        blanks = cells - cells_of(begin) - cells_of(end)
        return f"{begin}{' ' * blanks}{end}" if blanks > 0 else begin

    def _strip(self, parts: list[tuple[str, str]], cells: int) -> Strip:
        segments = [Segment(text, self._style(name)) for text, name in parts]
        return Strip(segments).adjust_cell_length(cells, self.rich_style)

    def _style(self, name: str) -> Style:
        return self.rich_style + self.get_component_rich_style(name, partial=True)

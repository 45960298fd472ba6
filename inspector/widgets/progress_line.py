"""How far something has come that takes time."""

from __future__ import annotations

from typing import Final

from rich.text import Text
from textual.widget import Widget

from ..model.texts import cells_of, visible

BAR_CELLS_MAX: Final = 30
_PARTS: Final = " ▏▎▍▌▋▊▉█"


class ProgressLine(Widget):
    """One line: what is done, a bar, how much is done."""

    DEFAULT_CSS = """
    ProgressLine {
        height: 1;
        padding: 0 1;
        background: $panel;
        color: $text-accent;
        display: none;
    }
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._what = self._words = ""
        self._share = 0.0

    def show(self, what: str, share: float, words: str) -> None:
        """
        Show how far it is.

        Args:
          share: from 0 to 1.
          words: how much that is.
        """
        self._what, self._share, self._words = what, share, words
        self.refresh()

    def render(self) -> Text:
        """Give the words their room first, and the bar what is left."""
        cells = self.content_size.width
        percent = f"{max(0.0, min(1.0, self._share)):4.0%}"
        left = visible(f"{self._what}{percent}", cells)
        bar_cells = min(BAR_CELLS_MAX, max(0, cells - cells_of(left) - len(self._words) - 4))
        bar = f"  {_bar(self._share, bar_cells)}" if bar_cells >= 4 else ""
        words = visible(self._words, max(0, cells - cells_of(left) - cells_of(bar) - 2))
        return Text(f"{left}{bar}  {words}", no_wrap=True, overflow="crop")


def _bar(share: float, cells: int) -> str:
    """A bar of so many cells, of which a share is full."""
    eighths = round(max(0.0, min(1.0, share)) * cells * 8)
    whole, part = divmod(eighths, 8)
    bar = "█" * whole + (_PARTS[part] if part else "")
    return bar + "░" * (cells - len(bar))

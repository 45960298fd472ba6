"""The line below a list: where the cursor is, and what goes on."""

from __future__ import annotations

from rich.text import Text
from textual.reactive import reactive
from textual.widget import Widget

from ..model.texts import cells_of, visible


class StatusLine(Widget):
    """One line: words on the left and on the right; the left ones have their room first."""

    DEFAULT_CSS = """
    StatusLine {
        height: 1;
        padding: 0 1;
        background: $panel;
        color: $text-muted;
    }
    """

    left: reactive[str] = reactive("")
    right: reactive[str] = reactive("")

    def render(self) -> Text:
        """Set both at their ends."""
        cells = self.content_size.width
        left = visible(self.left, cells)
        right = visible(self.right, max(0, cells - cells_of(left) - 2))
        blanks = " " * max(0, cells - cells_of(left) - cells_of(right))
        return Text(f"{left}{blanks}{right}", no_wrap=True, overflow="crop")

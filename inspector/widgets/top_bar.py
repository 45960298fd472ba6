"""The line above everything: where we are, and how it goes there."""

from __future__ import annotations

from rich.text import Text
from textual.reactive import reactive
from textual.widget import Widget

from ..model.texts import cells_of, visible


class TopBar(Widget):
    """One line: what is shown on the left, how it goes on the right."""

    DEFAULT_CSS = """
    TopBar {
        dock: top;
        height: 1;
        padding: 0 1;
        background: $primary;
        color: $text;
        text-style: bold;
        &.-bad { background: $error; }
    }
    """

    place: reactive[str] = reactive("")
    """What is shown; safe or not."""
    health: reactive[str] = reactive("")
    """How it goes."""
    is_well: reactive[bool] = reactive(True)

    def watch_is_well(self, is_well: bool) -> None:
        """Show trouble."""
        self.set_class(not is_well, "-bad")

    def render(self) -> Text:
        """Give the place its room first: the end of a path says more than its beginning."""
        cells = self.content_size.width
        health = visible(self.health, max(0, cells // 2))
        room = max(4, cells - cells_of(health) - 2)
        place = visible(self.place, 4096)
        if cells_of(place) > room:
            place = visible("…" + place[-(room - 1) :], room)
        blanks = " " * max(0, cells - cells_of(place) - cells_of(health))
        return Text(f"{place}{blanks}{health}", no_wrap=True, overflow="crop")

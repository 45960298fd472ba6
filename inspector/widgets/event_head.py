"""The two lines above an event: what it is, and how it may be looked at."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.style import Style
from rich.text import Text
from textual.events import Click
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget

from ..model.texts import cells_of, visible


class EventHead(Widget):
    """One line: what it is on the left, where it is on the right."""

    DEFAULT_CSS = """
    EventHead {
        height: 1;
        padding: 0 1;
        background: $surface;
        color: $text;
    }
    """

    name_: reactive[str] = reactive("")
    """Its type, safe to show."""
    words: reactive[str] = reactive("")
    """What else there is to say."""
    right: reactive[str] = reactive("")
    """What may be left out first."""

    def render(self) -> Text:
        """Set what there is room for."""
        cells = self.content_size.width
        name = visible(self.name_, max(1, cells // 2))
        room = cells - cells_of(name) - 2
        words = visible(self.words, max(0, room))
        room -= cells_of(words) + 2
        text = Text(no_wrap=True, overflow="crop")
        text.append(name, Style(bold=True))
        text.append(f"  {words}")
        if cells_of(self.right) <= room:
            text.append(" " * (room + 2 - cells_of(self.right)) + self.right)
        text.truncate(cells)
        return text


class TabLine(Widget):
    """One line: the names of views, one of them chosen, and a word on the right."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"tab-line--chosen", "tab-line--key"}

    DEFAULT_CSS = """
    TabLine {
        height: 1;
        background: $surface;
        color: $text-muted;
        & > .tab-line--chosen { background: $panel; color: $text; text-style: bold; }
        & > .tab-line--key { color: $text-accent; }
    }
    """

    chosen: reactive[int] = reactive(0)
    right: reactive[str] = reactive("")
    """What goes on."""

    class Chosen(Message):
        """A view was clicked."""

        def __init__(self, index: int) -> None:
            super().__init__()
            self.index = index

    def __init__(self, names: Sequence[str], *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.names = tuple(names)

    def render(self) -> Text:
        """Set the names beside each other."""
        text = Text(no_wrap=True, overflow="crop")
        for index, name in enumerate(self.names):
            is_chosen = index == self.chosen
            style = self.get_component_rich_style("tab-line--chosen") if is_chosen else Style.null()
            key = self.get_component_rich_style("tab-line--key", partial=True)
            text.append(f" {index + 1} ", style + key)
            text.append(f"{name} ", style)
        room = self.size.width - cells_of(text.plain) - 1
        right = visible(self.right, max(0, room - 1))
        text.append(" " * max(0, room - cells_of(right)) + right)
        text.truncate(self.size.width)
        return text

    def on_click(self, event: Click) -> None:
        """Choose the view that was clicked."""
        begin = 0
        for index, name in enumerate(self.names):
            end = begin + len(name) + 4
            if begin <= event.x < end:
                self.post_message(self.Chosen(index))
            begin = end

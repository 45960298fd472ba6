"""A long text, broken into lines as wide as the screen."""

from __future__ import annotations

from typing import ClassVar, Final, final

import attrs
from textual.binding import Binding, BindingType
from textual.events import Resize

from ..model.raw_lines import RawLines
from ..model.words import size
from .virtual_list import Line, Part, VirtualList

EDGE_CELLS: Final = 2
"""What is left free on both sides together."""


@final
@attrs.define(eq=False)
class _TextLines:
    """A text at one width."""

    lines: RawLines
    heading: str
    look: str

    @property
    def count(self) -> int:
        return self.lines.count + bool(self.lines.left_out_bytes)

    def title(self, cells: int) -> Line:
        return (Part(f" {self.heading}"),)

    def line(self, index: int, cells: int) -> Line | None:
        if index == self.lines.count:
            return (Part(f" … and {size(self.lines.left_out_bytes)} more", "warning"),)
        return (Part(f" {self.lines.line(index)}", self.look),)

    def wants(self, first: int, last: int) -> None:
        """All is there."""


class TextView(VirtualList):
    """A text; what is too wide goes on in the next line."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,l,right", "open", "Open", show=False),
    ]

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._text: bytes | None = None
        self._heading, self._look, self._cells = "", "", 0

    def show_text(self, text: bytes, *, heading: str = "", look: str = "") -> None:
        """
        Show a text, with the cursor in the line where it was.

        Args:
          text: anything, in UTF-8.
          heading: what stands above it, safe to show.
          look: see `virtual_list.LOOKS`.
        """
        self._text, self._heading, self._look = text, heading, look
        self._break(self.cursor)

    def line_text(self) -> str:
        """Give the line under the cursor, as it is shown."""
        line = (
            self.lines.line(self.cursor, self.scrollable_content_region.width)
            if self.lines.count
            else None
        )
        return "" if line is None else "".join(part.text for part in line)[1:]

    def on_resize(self, event: Resize) -> None:
        """Break it anew, and stay about where we were."""
        if self._text is not None and self.scrollable_content_region.width != self._cells:
            share = self.cursor / max(1, self.lines.count)
            self._break(None)
            self.go_to(round(share * self.lines.count))
        super().on_resize(event)

    def _break(self, cursor: int | None) -> None:
        assert self._text is not None
        self._cells = self.scrollable_content_region.width
        lines = RawLines(self._text, max(1, self._cells - EDGE_CELLS))
        self.show(_TextLines(lines, self._heading, self._look), cursor or 0)

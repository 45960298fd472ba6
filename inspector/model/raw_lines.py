"""A long text as lines of a terminal's width, made visible when they are shown."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from typing import Final, final

from .texts import take

TEXT_BYTES_MAX: Final = 16 * 1024 * 1024
"""Of a longer text, only so much is broken into lines."""


@final
class RawLines:
    """
    A text broken into lines: where it has newlines, and where a line is full.

    Where lines begin is found once, some milliseconds for a megabyte of plain text; what is
    on them is made visible only when it is asked for.

    Args:
      data: the text, in UTF-8; what is none is shown as ``�``.
      cells: how wide a line may be, at least 1.
    """

    __slots__ = ("_cells", "_ends", "_starts", "_text", "left_out_bytes")

    def __init__(self, data: bytes, cells: int) -> None:
        self.left_out_bytes = max(0, len(data) - TEXT_BYTES_MAX)
        """How much of the text is not shown, since it is too long."""
        # The widest stand-in takes eleven cells: one that never fits would never be passed.
        self._cells = max(cells, 11)
        self._text = data[:TEXT_BYTES_MAX].decode("utf-8", "replace")
        self._starts, self._ends = array("Q"), array("Q")
        for start, end in _lines(self._text, self._cells):
            self._starts.append(start)
            self._ends.append(end)

    @property
    def count(self) -> int:
        """How many lines there are: at least one."""
        return len(self._starts)

    def line(self, index: int) -> str:
        """Give a line, from 0, safe to show."""
        text = self._text[self._starts[index] : self._ends[index]]
        return take(text, self._cells)[0]


def _lines(text: str, cells: int) -> Iterator[tuple[int, int]]:
    """Where each line begins and ends; the newline that ends it belongs to none."""
    start = 0
    while True:
        newline = text.find("\n", start)
        end = len(text) if newline < 0 else newline
        while True:
            at = _full_at(text, start, end, cells)
            yield start, at
            start = at
            if at >= end:
                break
        if newline < 0:
            return
        start = newline + 1


def _full_at(text: str, start: int, end: int, cells: int) -> int:
    """Where the line that begins at `start` is full, at `end` at the latest."""
    plain = text[start : min(start + cells, end)]
    if plain.isascii() and plain.isprintable():
        return start + len(plain)
    # Marks without a width may go on for as long as they like: not on one line.
    part = text[start : min(start + cells * 8, end)]
    return start + max(1, take(part, cells)[1])

"""
A curve as bars of block characters: which points fall into which column, and how high it is.

Columns begin at whole multiples of their width on the clock, so that a curve moves to the
left as time goes on, and does not flicker.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, TypeAlias, final

import attrs

Point: TypeAlias = tuple[float, float]
"""When, in seconds on any clock, and how much, from 0."""

SPANS_S: Final = (60.0, 120.0, 300.0, 600.0)
"""How much time a curve may show."""
HOLD_S: Final = 2.5
"""A point stands for so much time behind it, where no other one comes."""
_BARS: Final = " ▁▂▃▄▅▆▇█"
_STEPS: Final = (1.0, 2.0, 5.0, 10.0)


@final
@attrs.frozen
class Curve:
    """What is drawn: points over a span of time that ends now."""

    points: tuple[Point, ...]
    """In the order of time."""
    now_s: float
    span_s: float
    is_mean: bool = True
    """A column shows the mean of its points; else the highest."""

    @property
    def highest(self) -> float:
        """The highest point of the span; 0 if there is none."""
        begin = self.now_s - self.span_s
        return max((value for at, value in self.points if at > begin), default=0.0)

    def columns(self, count: int) -> list[float | None]:
        """Give the height of each column, the oldest first; None where nothing is known."""
        width = self.span_s / count
        last = math.floor(self.now_s / width)
        fallen: list[list[float]] = [[] for _ in range(count)]
        for at, value in self.points:
            column = math.floor(at / width) - last + count - 1
            if 0 <= column < count:
                fallen[column].append(value)
        heights = [self._height(values) for values in fallen]
        held = math.ceil(HOLD_S / width)
        return [_held(heights, column, held) for column in range(count)]

    def _height(self, values: Sequence[float]) -> float | None:
        if not values:
            return None
        return sum(values) / len(values) if self.is_mean else max(values)


def _held(heights: Sequence[float | None], column: int, held: int) -> float | None:
    """A column's height, or that of the last known one not far before it."""
    for before in range(column, max(-1, column - held), -1):
        if (height := heights[before]) is not None:
            return height
    return None


def span_for(age_s: float) -> float:
    """Choose how much time to show when there are points of so many seconds."""
    return next((span for span in SPANS_S if age_s <= span), SPANS_S[-1])


def top_for(highest: float) -> float:
    """Choose what a whole bar stands for: the next of 1, 2, 5, 10, 20, … or of 0.1, 0.2, …"""
    if not 0 < highest < math.inf:
        return 1.0
    unit = 10.0 ** math.floor(math.log10(highest))
    return next((unit * step for step in _STEPS if highest <= unit * step), 10 * unit)


def bars(columns: Sequence[float | None], rows: int, top: float) -> list[str]:
    """
    Draw columns in so many rows, the highest first.

    Nothing known is a blank, nothing at all a line at the bottom; whatever is more than that
    is higher than the line.
    """
    levels = [_level(value, rows * 8, top) for value in columns]
    return [
        "".join(_BARS[max(0, min(8, level - 8 * row))] for level in levels)
        for row in reversed(range(rows))
    ]


def _level(value: float | None, levels: int, top: float) -> int:
    if value is None:
        return 0
    return 1 if value <= 0 else max(2, min(levels, math.ceil(value / top * levels)))

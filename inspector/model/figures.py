"""What a gateway counts, over the last minutes."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any, Final, final

import attrs

from .curves import SPANS_S, Curve, Point, span_for

GAP_S: Final = 5.0
"""Two samples further apart say nothing about the time between them."""
SAMPLES_MAX: Final = 1_200
NAMES_MAX: Final = 200
"""So many figures are looked at; a gateway could tell any number of them."""


@final
@attrs.frozen
class _Sample:
    at_s: float
    numbers: Mapping[str, float]


@final
@attrs.define(eq=False)
class Figures:
    """
    Samples of a gateway's figures. Times are seconds on one clock that never goes back.

    What is no number is kept of the last sample only. Names and texts are the gateway's, and
    may be anything.
    """

    last: dict[str, Any] = attrs.field(factory=dict, init=False)
    """The last sample, with all that is in it."""
    _samples: deque[_Sample] = attrs.field(factory=lambda: deque(maxlen=SAMPLES_MAX), init=False)

    def add(self, at_s: float, figures: Mapping[str, Any]) -> None:
        """Take a sample."""
        self.last = dict(list(figures.items())[:NAMES_MAX])
        numbers = {name: float(x) for name, x in self.last.items() if is_number(x)}
        self._samples.append(_Sample(at_s, numbers))
        while self._samples[0].at_s < at_s - SPANS_S[-1]:
            self._samples.popleft()

    @property
    def at_s(self) -> float | None:
        """When the last sample was taken; None if there is none."""
        return self._samples[-1].at_s if self._samples else None

    def per_second(self, name: str) -> Curve:
        """How fast a counter grew, a second, between each sample and the one before."""
        return self._curve(self._rates(name), is_mean=True)

    def level(self, name: str, factor: float = 1.0) -> Curve:
        """How high something was, each sample's times a factor."""
        points = (
            (sample.at_s, sample.numbers[name] * factor)
            for sample in self._samples
            if name in sample.numbers
        )
        return self._curve(points, is_mean=False)

    def rate_now(self, name: str) -> float | None:
        """How fast a counter grew last; None if that is not known."""
        points = self.per_second(name).points
        return points[-1][1] if points and points[-1][0] == self.at_s else None

    def _rates(self, name: str) -> Iterator[Point]:
        before: _Sample | None = None
        for sample in self._samples:
            if before is not None and name in sample.numbers and name in before.numbers:
                more = sample.numbers[name] - before.numbers[name]
                seconds = sample.at_s - before.at_s
                # A counter that went back is another one: the gateway was started again.
                if more >= 0 and 0 < seconds <= GAP_S:
                    yield sample.at_s, more / seconds
            before = sample

    def _curve(self, points: Iterator[Point], *, is_mean: bool) -> Curve:
        now_s = self.at_s or 0.0
        first = self._samples[0].at_s if self._samples else now_s
        return Curve(tuple(points), now_s, span_for(now_s - first), is_mean)


def is_number(value: Any) -> bool:
    """Whether something can be drawn: a finite number of a size that is not absurd."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return -1e18 < value < 1e18 and math.isfinite(value)

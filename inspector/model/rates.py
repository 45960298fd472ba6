"""How often something happened lately, for very many rows at once."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from operator import sub
from typing import Final, final

import attrs

BUCKET_S: Final = 5
BUCKETS: Final = 12
"""Twelve times five seconds: the last minute."""
COUNT_MAX: Final = 100_000_000
"""A bucket counts no further."""

BARS: Final = "▁▂▃▄▅▆▇█"


@final
@attrs.define(eq=False)
class Rates:
    """
    Counts of the last minute, in buckets of five seconds, for rows from 0.

    A bucket is one array over all rows, so that time goes on at the cost of one array.
    All times are seconds on one clock that never goes back.
    """

    _rows: int = attrs.field(default=0, init=False)
    # Invariant: `_totals` is the sum of the buckets. A bucket is None if nothing happened.
    _buckets: list[array[int] | None] = attrs.field(init=False)
    _totals: array[int] = attrs.field(factory=lambda: array("I"), init=False)
    _now: int = attrs.field(default=0, init=False)
    """The number of the newest bucket, counted from the clock's zero."""
    _since_s: float | None = attrs.field(default=None, init=False)
    """When counting began."""

    def __attrs_post_init__(self) -> None:
        self._buckets = [None] * BUCKETS

    def add_row(self) -> None:
        """Have one row more."""
        self._rows += 1
        self._totals.append(0)

    def count(self, row: int, number: int, now_s: float) -> None:
        """Count that something happened so many times."""
        self.go_on(now_s)
        slot = self._now % BUCKETS
        bucket = self._buckets[slot]
        if bucket is None:
            bucket = self._buckets[slot] = array("I")
        if len(bucket) < self._rows:
            bucket.extend(array("I", bytes(bucket.itemsize * (self._rows - len(bucket)))))
        # More than a number of four bytes holds is no rate, but somebody's mistake.
        number = min(number, COUNT_MAX - bucket[row])
        bucket[row] += number
        self._totals[row] += number

    def go_on(self, now_s: float) -> bool:
        """Let time go on; say whether that has changed any rate."""
        newest = int(now_s // BUCKET_S)
        if self._since_s is None:
            self._since_s, self._now = now_s, newest
        passed = min(newest - self._now, BUCKETS)
        is_changed = False
        for step in range(1, passed + 1):
            is_changed |= self._drop((self._now + step) % BUCKETS)
        self._now = max(self._now, newest)
        return is_changed

    def _drop(self, slot: int) -> bool:
        bucket = self._buckets[slot]
        if bucket is None:
            return False
        # A bucket may be shorter than the rows are many by now.
        length = len(bucket)
        self._totals[:length] = array("I", map(sub, self._totals[:length], bucket))
        self._buckets[slot] = None
        return True

    @property
    def totals(self) -> Sequence[int]:
        """How often it happened in the last minute, by row."""
        return self._totals

    def per_second(self, row: int, now_s: float) -> float:
        """How often it happens a second: over the last minute, or since counting began."""
        total = self._totals[row]
        if total == 0 or self._since_s is None:
            return 0.0
        # The newest bucket has only begun; the oldest is whole.
        window_s = (BUCKETS - 1) * BUCKET_S + now_s % BUCKET_S
        return total / max(1.0, min(now_s - self._since_s, window_s))

    def counts(self, row: int) -> list[int]:
        """How often it happened in each bucket, the oldest first."""
        slots = ((self._now + 1 + step) % BUCKETS for step in range(BUCKETS))
        buckets = (self._buckets[slot] for slot in slots)
        return [0 if bucket is None or row >= len(bucket) else bucket[row] for bucket in buckets]


def sparkline(counts: Sequence[int], highest: int = 0) -> str:
    """
    Draw counts as bars of one cell each; a blank where there is nothing.

    Args:
      counts: from 0.
      highest: what a whole bar stands for; the highest of them, if it is lower.
    """
    top = max(highest, *counts, 1) if counts else 1
    return "".join(BARS[(len(BARS) * count - 1) // top] if count else " " for count in counts)

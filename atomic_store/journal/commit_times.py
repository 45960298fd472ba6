"""How long commits take: what a disk does to everybody who waits for it."""

from __future__ import annotations

import math
from collections import deque
from typing import Final, final

import attrs

COMMITS_KEPT: Final = 1_000
"""Of so many of the last commits it is known how long they took."""


@final
@attrs.define(eq=False)
class CommitTimes:
    """How many commits there were, and how long each of the last ones took. For one thread."""

    count: int = attrs.field(default=0, init=False)
    """How many there were since the journal was opened."""
    _last: deque[float] = attrs.field(factory=lambda: deque(maxlen=COMMITS_KEPT), init=False)

    def add(self, seconds: float) -> None:
        """Remember how long one took: its write and its fdatasync."""
        self.count += 1
        self._last.append(seconds)

    def quantiles_s(self, *shares: float) -> tuple[float | None, ...]:
        """
        Say how long the last commits took, in seconds; None if there was none.

        Args:
          shares: each from 0 to 1: this share of them took that long at most. 1: the longest.
        """
        ordered = sorted(self._last)
        if not ordered:
            return (None,) * len(shares)
        last = len(ordered) - 1
        # The nearest rank: a time that was really taken, not one between two.
        return tuple(ordered[min(last, max(0, math.ceil(q * (last + 1)) - 1))] for q in shares)

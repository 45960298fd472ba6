"""Finding a time among records of which every 64th one's is kept."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

from .layout import TIMES_EVERY


def find_time(
    first: int, last: int, last_at: int, times: Sequence[int], microseconds: int
) -> range:
    """
    Say where to look for the first record that is not before a time.

    Args:
      first, last: the positions that there are; the last is less if there are none.
      last_at: the last one's time.
      times: those of the positions that are multiples of `TIMES_EVERY`.
      microseconds: the time that is sought.

    Returns:
      Positions of which one is it, at most 64. Empty if all records are before the time;
      then it begins behind the last.
    """
    if last < first or microseconds > last_at:
        return range(last + 1, last + 1)
    k = bisect_left(times, microseconds)
    grid = -(-first // TIMES_EVERY) * TIMES_EVERY
    # Record grid + (k - 1) * 64 is before the time, grid + k * 64 is not.
    begin = grid + (k - 1) * TIMES_EVERY + 1
    return range(max(first, begin), min(last, begin + TIMES_EVERY - 1) + 1)

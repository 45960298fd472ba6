"""Times for records that are the same in every run."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

import trio

from ..errors import shown
from ..journal.clock import Clock

START: Final = datetime(2000, 1, 1, tzinfo=UTC)
"""When tests begin, unless they say otherwise."""


def in_utc(moment: datetime, name: str) -> datetime:
    """
    Give the same moment in UTC.

    Raises:
      TypeError, ValueError: it is no time, or has no time zone; `name` says whose it is.
    """
    if not isinstance(moment, datetime):
        raise TypeError(f"{name}: expected a datetime, found {shown(moment)}")
    if moment.utcoffset() is None:
        raise ValueError(f"{name}: expected a time with a time zone, found {shown(moment)}")
    return moment.astimezone(UTC)


def trio_clock(start: datetime = START) -> Clock:
    """
    Make a clock for a journal that goes as Trio's own.

    Under `trio.testing.MockClock` the records' times are then part of the test. To be
    called under Trio.

    Args:
      start: what it says now; it needs a time zone.
    """
    begin = in_utc(start, "start")
    opened = trio.current_time()
    return lambda: begin + timedelta(seconds=trio.current_time() - opened)

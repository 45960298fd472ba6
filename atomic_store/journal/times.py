"""The times that records get."""

from __future__ import annotations

from datetime import datetime
from typing import final

import attrs

from .clock import Clock, timestamp


@final
@attrs.define(eq=False)
class RisingTimes:
    """
    Times as the journal writes them, never before the last one given.

    Args:
      clock: gives the time now.
      last: nothing earlier is given.
    """

    clock: Clock
    last: str = ""
    # The second of the last time, and its text: the microseconds alone are quick to format.
    _second: datetime | None = attrs.field(default=None, init=False)
    _prefix: str = attrs.field(default="", init=False)

    def now(self) -> str:
        """The time now, or the last one given if the clock has gone back behind it."""
        moment = self.clock()
        second = self._second
        if second is not None:
            delta = moment - second
            if delta.days == 0 == delta.seconds:
                return self._rising(f"{self._prefix}{delta.microseconds:06d}Z")
        self._second = moment.replace(microsecond=0)
        text = timestamp(moment)
        self._prefix = text[:20]
        return self._rising(text)

    def _rising(self, text: str) -> str:
        if text > self.last:
            self.last = text
        return self.last

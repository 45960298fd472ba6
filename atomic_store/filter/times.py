"""The times that `at` is compared with: ISO times, dates, and so long ago."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import attrs

EXPECTED = "a time: 2026-11-23T15:04:05Z, a date: 2026-11-23, or how long ago: -2h (s m h d w)"

# Stricter than fromisoformat(), which also takes week dates and cuts a seventh digit off.
_ISO = re.compile(
    r"(?P<date>\d{4}-\d\d-\d\d)"
    r"(?:T(?P<time>(?:[01]\d|2[0-3]):\d\d(?::\d\d(?:\.\d{1,6})?)?)(?P<zone>Z|[+-]\d\d:\d\d)?)?",
    re.ASCII,
)
_AGO = re.compile(r"-(?P<count>\d{1,9})(?P<unit>[smhdw])", re.ASCII)
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


@attrs.frozen
class Period:
    """
    A moment, or a whole day in UTC, from its first moment to its last.

    Both are written as records have them, so that they compare as strings.
    """

    first: str
    last: str

    def __str__(self) -> str:
        return self.first if self.first == self.last else self.first[:10]


def period(text: str, now: datetime) -> Period | None:
    """
    Read a time.

    Args:
      text: an ISO time (in UTC if it names no zone), a date, or how long ago it was.
      now: what it was so long before; with a zone.

    Returns:
      The period, or None if it is no time, or one before year 1 or after year 9999.
    """
    try:
        if (ago := _AGO.fullmatch(text)) is not None:
            return _moment(now - timedelta(**{_UNITS[ago["unit"]]: int(ago["count"])}))
        if (iso := _ISO.fullmatch(text)) is None:
            return None
        if iso["time"] is not None:
            return _moment(datetime.fromisoformat(text if iso["zone"] else f"{text}Z"))
        first = datetime.fromisoformat(f"{text}T00:00:00Z")
        last = first.replace(hour=23, minute=59, second=59, microsecond=999_999)
        return Period(_written(first), _written(last))
    except (ValueError, OverflowError):  # the 30th of February; the year 0
        return None


def _moment(moment: datetime) -> Period:
    text = _written(moment)
    return Period(text, text)


def _written(moment: datetime) -> str:
    utc = moment.astimezone(UTC)
    return utc.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"

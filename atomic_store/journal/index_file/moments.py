"""Times as numbers: microseconds since 1970, for the 27 characters that records have."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import lru_cache

EPOCH = datetime(1970, 1, 1)


def to_microseconds(at: str) -> int:
    """
    Give the number for a time like ``2026-11-23T15:04:05.123456Z``.

    Raises:
      ValueError: it does not have exactly this form.
    """
    fraction = at[20:26]
    if at[19:20] != "." or at[26:] != "Z" or not (fraction.isascii() and fraction.isdigit()):
        raise ValueError(f"expected a time of 27 characters, found {at!r}")
    return _second(at[:19]) + int(fraction)


def to_text(microseconds: int) -> str:
    """Give the 27 characters for a number that `to_microseconds` gave."""
    moment = EPOCH + timedelta(microseconds=microseconds)
    return moment.isoformat(timespec="microseconds") + "Z"


# Records that follow each other share their second, and parsing it is what takes time.
@lru_cache(maxsize=256)
def _second(text: str) -> int:
    moment = datetime.fromisoformat(text)
    if moment.isoformat() != text:
        raise ValueError(f"expected a time to the second, found {text!r}")
    return (moment - EPOCH) // timedelta(microseconds=1)

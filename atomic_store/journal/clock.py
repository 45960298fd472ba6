"""Times as the journal writes them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeAlias

Clock: TypeAlias = Callable[[], datetime]
"""Gives the time now, in UTC."""


def utc_now() -> datetime:
    """The system's clock."""
    return datetime.now(UTC)


def timestamp(moment: datetime) -> str:
    """A UTC time with microseconds and a ``Z``, always 27 characters long (RFC 3339)."""
    return moment.isoformat(timespec="microseconds")[:26] + "Z"

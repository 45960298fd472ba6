"""What is seen of a scope."""

from __future__ import annotations

from enum import Enum
from typing import final

import attrs


class State(Enum):
    """What a scope does now."""

    UNKNOWN = "unknown"
    """Files do not tell."""
    IDLE = "idle"
    AVAILABLE = "available"
    VALIDATING = "validating"


@final
@attrs.frozen
class Round:
    """An open round of a scope."""

    token: str | None
    """By which it can be ended; None without the right to."""
    principal: str | None
    """Whose proposal is decided."""
    since_s: float | None
    """For how long it had been open when this was told."""
    deadline_s: float | None
    """How long it could stay open then."""


@final
@attrs.frozen
class ScopeSeen:
    """A scope: where it ends, and what it does."""

    scope: str
    sequence: int
    """Its last record's, and so the number of its events."""
    position: int
    """Its last record's."""
    at: str
    """Its last record's time, as in the journal: ``2026-11-23T15:04:05.123456Z``."""
    state: State = State.UNKNOWN
    round: Round | None = None
    waiting: int = 0
    """How many proposals wait their turn."""

"""What the kernel says of its clock and of this process's limits."""

from __future__ import annotations

import ctypes
import resource
from typing import Final

from .facts import Limits

_TIME_ERROR: Final = 5
"""What adjtimex(2) returns for a clock that nothing synchronises."""
_TIMEX_BYTES: Final = 512
"""More than a `struct timex` has anywhere."""


def is_clock_synchronised() -> bool | None:
    """Say whether something keeps the clock right; None where the system does not tell."""
    try:
        adjtimex = ctypes.CDLL(None, use_errno=True).adjtimex
    except (OSError, AttributeError):
        return None
    # Zeros ask for nothing to be changed, which everybody may.
    state: int = adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES))
    return None if state < 0 else state != _TIME_ERROR


def limits() -> Limits:
    """Give the limits of this process."""
    return Limits(_soft(resource.RLIMIT_FSIZE), _soft(resource.RLIMIT_NOFILE))


def _soft(kind: int) -> int | None:
    soft, _ = resource.getrlimit(kind)
    return None if soft == resource.RLIM_INFINITY else soft

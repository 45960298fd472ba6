"""Does the clock tell the time, and does it go on evenly?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from ..facts import Clock, Facts
from ..findings import Finding, Severity

CHECK: Final = "clock"

BEGINNING: Final = datetime(2025, 1, 1, tzinfo=UTC)
"""Before there was this library."""
AHEAD_MAX: Final = timedelta(seconds=1)
"""A writer may be at work while the clock is read."""
FAR_AHEAD: Final = timedelta(hours=1)
STEP_S_MAX: Final = 0.1

_TIMES_STAND: Final = (
    "The times of records never go back: until the clock has caught up, all new ones are given "
    "that time."
)
_SET_IT: Final = "Set the clock, and keep it so: `timedatectl set-ntp true`, or chrony."


def check_clock(facts: Facts) -> Finding:
    """Judge the clock: by the calendar, the last record, itself, and other clocks."""
    clock = facts.clock
    return _of_date(clock) or _of_records(clock) or _of_itself(clock)


def _of_date(clock: Clock) -> Finding | None:
    if clock.now >= BEGINNING:
        return None
    return Finding(
        CHECK, Severity.PROBLEM, f"it says {_shown(clock.now)}",
        "That was before there was this library; records, tokens and certificates are judged by "
        "it.",
        _SET_IT,
    )  # fmt: skip


def _of_records(clock: Clock) -> Finding | None:
    if clock.last_record_error is not None:
        return Finding(
            CHECK, Severity.WARNING,
            f"the last record's time could not be read: {clock.last_record_error}",
            "The store is damaged, or being changed.",
            "`atomic-store verify` says which.",
        )  # fmt: skip
    if clock.last_record is None or clock.last_record - clock.now <= AHEAD_MAX:
        return None
    severity = Severity.PROBLEM if clock.last_record - clock.now > FAR_AHEAD else Severity.WARNING
    return Finding(
        CHECK, severity,
        f"it says {_shown(clock.now)}, the last record {_shown(clock.last_record)}",
        _TIMES_STAND,
        f"Find out which is right. {_SET_IT}",
    )  # fmt: skip


def _of_itself(clock: Clock) -> Finding:
    if abs(clock.step_seconds) > STEP_S_MAX:
        way = "forwards" if clock.step_seconds > 0 else "backwards"
        return Finding(
            CHECK, Severity.WARNING,
            f"it jumped {way} by {abs(clock.step_seconds):.1f} s while it was looked at",
            f"Something sets it. {_TIMES_STAND}",
            "Have one program keep the time, and only one.",
        )  # fmt: skip
    if clock.is_synchronised is False:
        return Finding(
            CHECK, Severity.NOTE, f"{_shown(clock.now)}; nothing on this system synchronises it",
            "It may go wrong slowly. In a container or a virtual machine, the host may see to it.",
            _SET_IT,
        )  # fmt: skip
    known = "" if clock.is_synchronised else "; whether it is synchronised could not be told"
    return Finding(CHECK, Severity.OK, f"{_shown(clock.now)}{known}")


def _shown(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(sep=" ", timespec="seconds").replace("+00:00", " UTC")

"""Does a lock keep a second process out?"""

from __future__ import annotations

from ..facts import Facts, LockTrial
from ..findings import Finding, Severity


def check_lock(facts: Facts) -> Finding:
    """Judge what became of a second process that tried to lock a locked file."""
    match facts.probe.lock:
        case LockTrial.REFUSED:
            return Finding("lock", Severity.OK, "flock keeps a second process out")
        case LockTrial.GOT_IT:
            return Finding(
                "lock", Severity.PROBLEM, "flock lets a second process in",
                "Two writers could open a store here at the same time, and would ruin it.",
                "Put the store on a file system whose locks hold: a local one.",
            )  # fmt: skip
        case LockTrial.UNKNOWN:
            return Finding(
                "lock", Severity.NOTE, "flock could not be tried",
                "A lock that does not hold lets two writers in.",
                "See to what else is wrong here, and look again.",
            )  # fmt: skip

"""
What every journal must do, as cases that run against any of them.

In this room: one file for each kind of promise, and what puts them together. Nothing
here needs pytest.
"""

from __future__ import annotations

from .check import cases_of, check_journal, failures_of
from .faults import FailingJournalConformance, HeldJournalConformance
from .snapshots import DamagedSnapshotsConformance
from .suite import JournalConformance, PersistentJournalConformance

__all__ = [
    "DamagedSnapshotsConformance",
    "FailingJournalConformance",
    "HeldJournalConformance",
    "JournalConformance",
    "PersistentJournalConformance",
    "cases_of",
    "check_journal",
    "failures_of",
]

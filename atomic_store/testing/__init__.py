"""
What the tests of those who use, or extend, the library need.

In this room: a journal in memory that can be paused and made to fail, the suite that
every journal passes, and a disk that fails, lies and forgets on demand.
"""

from __future__ import annotations

from ..journal.memory import MemoryJournal, open_memory_journal
from .conformance import (
    DamagedSnapshotsConformance,
    FailingJournalConformance,
    HeldJournalConformance,
    JournalConformance,
    PersistentJournalConformance,
    check_journal,
)
from .faulty_disk import FaultyDisk

__all__ = [
    "DamagedSnapshotsConformance",
    "FailingJournalConformance",
    "FaultyDisk",
    "HeldJournalConformance",
    "JournalConformance",
    "MemoryJournal",
    "PersistentJournalConformance",
    "check_journal",
    "open_memory_journal",
]

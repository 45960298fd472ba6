"""
What the tests of those who use, or extend, the library need.

In this room: given, when and then for validators, without a store; a store in memory on
Trio's clock; a journal in memory that can be paused and made to fail; the suite that
every journal passes; and a disk that fails, lies and forgets on demand.
"""

from __future__ import annotations

from ..journal.memory import MemoryJournal, open_memory_journal
from .clocks import trio_clock
from .conformance import (
    DamagedSnapshotsConformance,
    FailingJournalConformance,
    HeldJournalConformance,
    JournalConformance,
    PersistentJournalConformance,
    check_journal,
)
from .faulty_disk import FaultyDisk
from .opening import open_test_store
from .options import StoreOptions
from .scenarios import Scenario, Then, scenario

__all__ = [
    "DamagedSnapshotsConformance",
    "FailingJournalConformance",
    "FaultyDisk",
    "HeldJournalConformance",
    "JournalConformance",
    "MemoryJournal",
    "PersistentJournalConformance",
    "Scenario",
    "StoreOptions",
    "Then",
    "check_journal",
    "open_memory_journal",
    "open_test_store",
    "scenario",
    "trio_clock",
]

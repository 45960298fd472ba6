"""A journal of memory that can be opened again, and ways in which that can be broken."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypeAlias

import attrs
import trio

from atomic_store.errors import StoreLocked
from atomic_store.journal import Head, Recovery, Snapshot, StoredRecord
from atomic_store.journal.memory import MemoryJournal

Snapshots: TypeAlias = dict[tuple[str, int], list[Snapshot]]


class KeptJournal(MemoryJournal):
    """A memory journal that begins with records from before."""

    was_created = True

    @property
    def recovery(self) -> Recovery:
        return Recovery(was_created=self.was_created)

    def load(self, records: list[StoredRecord], snapshots: Snapshots) -> None:
        self._snapshots = snapshots
        self._index(records)
        for record in records:
            self._sequences[record.scope] = record.sequence
            self._position, self._at = record.position, record.at
        self._head = Head(self._position, self._head.commit)


@attrs.define(eq=False)
class Shelf:
    """Where one journal's records are kept between two openings."""

    records: list[StoredRecord] | None = None
    snapshots: Snapshots = attrs.Factory(dict)
    is_open: bool = False

    def lock(self) -> None:
        if self.is_open:
            raise StoreLocked("the shelf is in use")
        self.is_open = True

    def load(self, journal: KeptJournal, records: list[StoredRecord]) -> None:
        journal.was_created = False
        journal.load(records, self.snapshots)

    def saved(self, journal: KeptJournal) -> list[StoredRecord]:
        journal._close()
        return journal._records

    @asynccontextmanager
    async def open(self) -> AsyncIterator[KeptJournal]:
        await trio.lowlevel.checkpoint()
        self.lock()
        journal = KeptJournal()
        if self.records is not None:
            self.load(journal, self.records)
        try:
            yield journal
        finally:
            self.records = self.saved(journal)
            self.snapshots = journal._snapshots
            self.is_open = False


class UnlockedShelf(Shelf):
    def lock(self) -> None:
        """Let everybody in."""


class ForgetfulShelf(Shelf):
    def saved(self, journal: KeptJournal) -> list[StoredRecord]:
        return super().saved(journal)[:-1]


class HastyShelf(Shelf):
    def saved(self, journal: KeptJournal) -> list[StoredRecord]:
        durable = journal._records.copy()
        super().saved(journal)
        return durable


class ShelfWithoutSequences(Shelf):
    def load(self, journal: KeptJournal, records: list[StoredRecord]) -> None:
        super().load(journal, records)
        journal._sequences.clear()


class ShelfWithoutIds(Shelf):
    def load(self, journal: KeptJournal, records: list[StoredRecord]) -> None:
        super().load(journal, records)
        journal._by_id.clear()


class ShelfWithoutRecovery(Shelf):
    def load(self, journal: KeptJournal, records: list[StoredRecord]) -> None:
        journal.load(records, self.snapshots)


class ShelfThatNeedsRecords(Shelf):
    def load(self, journal: KeptJournal, records: list[StoredRecord]) -> None:
        journal.load(records, self.snapshots)
        journal._at = records[-1].at


class ShelfWithoutSnapshots(Shelf):
    def load(self, journal: KeptJournal, records: list[StoredRecord]) -> None:
        self.snapshots = {}
        super().load(journal, records)


BROKEN_SHELVES: list[tuple[type[Shelf], str]] = [
    (UnlockedShelf, "test_opened_twice"),
    (ForgetfulShelf, "test_reopened_everything_is_there"),
    (HastyShelf, "test_what_was_appended_when_it_closed_is_there"),
    (ShelfWithoutSequences, "test_reopened_it_goes_on"),
    (ShelfWithoutIds, "test_reopened_everything_is_there"),
    (ShelfWithoutRecovery, "test_recovery_says_what_was_found"),
    (ShelfWithoutSnapshots, "test_reopened_snapshots_are_there"),
    (ShelfThatNeedsRecords, "test_reopened_before_anything_was_appended"),
]
"""The broken ones, each with a case of the suite that must fail for it."""

"""Journals that each keep snapshots badly in one small way: the suite must notice them all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from atomic_store.journal import Snapshot
from atomic_store.journal.memory import MemoryJournal

BROKEN_SNAPSHOTS: list[tuple[type[MemoryJournal], str]] = []
"""The broken journals, each with a case of the suite that must fail for it."""


def caught_by(case: str) -> Any:
    """Say which case of the suite must fail for this journal."""

    def note(journal_type: type[MemoryJournal]) -> type[MemoryJournal]:
        BROKEN_SNAPSHOTS.append((journal_type, case))
        return journal_type

    return note


class LoadsOtherwise(MemoryJournal):
    """Gives another snapshot than the right one."""

    def other(self, kept: list[Snapshot], last: int | None) -> Snapshot | None:
        return kept[-1] if kept else None

    async def load_snapshot(
        self, scope: str, *, version: int, last: int | None = None
    ) -> Snapshot | None:
        await super().load_snapshot(scope, version=version, last=last)
        return self.other(self._snapshots.get((scope, version), []), last)


@caught_by("test_no_snapshot")
class RaisesForUnknownScopes(MemoryJournal):
    async def load_snapshot(self, scope: str, **arguments: Any) -> Snapshot | None:
        found = await super().load_snapshot(scope, **arguments)
        if found is None:
            raise KeyError(scope)
        return found


@caught_by("test_the_newest_snapshot")
class KeepsTheFirst(LoadsOtherwise):
    def other(self, kept: list[Snapshot], last: int | None) -> Snapshot | None:
        return kept[0] if kept else None


@caught_by("test_the_newest_snapshot_is_not_the_last_saved")
class GivesTheLastSaved(LoadsOtherwise):
    def other(self, kept: list[Snapshot], last: int | None) -> Snapshot | None:
        fitting = [one for one in kept if last is None or one.sequence <= last]
        return fitting[-1] if fitting else None


@caught_by("test_the_newest_snapshot_up_to_a_sequence")
class LeavesTheBoundOut(LoadsOtherwise):
    def other(self, kept: list[Snapshot], last: int | None) -> Snapshot | None:
        fitting = [one for one in kept if last is None or one.sequence < last]
        return fitting[-1] if fitting else None


@caught_by("test_the_newest_snapshot_up_to_a_sequence")
class TakesABoundOfZeroForNone(MemoryJournal):
    async def load_snapshot(
        self, scope: str, *, version: int, last: int | None = None
    ) -> Snapshot | None:
        return await super().load_snapshot(scope, version=version, last=last or None)


class SavesOtherwise(MemoryJournal):
    """Keeps other snapshots than it was given."""

    def others(self, snapshots: Sequence[Snapshot]) -> Sequence[Snapshot]:
        return snapshots

    async def save_snapshots(self, snapshots: Sequence[Snapshot]) -> None:
        await super().save_snapshots(self.others(snapshots))


@caught_by("test_a_snapshot_saved_again")
class KeepsTheFirstOfASequence(SavesOtherwise):
    def others(self, snapshots: Sequence[Snapshot]) -> Sequence[Snapshot]:
        known = {
            (scope, one.sequence) for (scope, _), kept in self._snapshots.items() for one in kept
        }
        return [one for one in snapshots if (one.scope, one.sequence) not in known]


@caught_by("test_large_snapshots")
class CutsLargeStates(SavesOtherwise):
    def others(self, snapshots: Sequence[Snapshot]) -> Sequence[Snapshot]:
        return [one for one in snapshots if len(one.state) < 65_536]


@caught_by("test_snapshots_are_never_mixed_up")
class CutsLongNames(MemoryJournal):
    async def load_snapshot(self, scope: str, **arguments: Any) -> Snapshot | None:
        found = await super().load_snapshot(scope[:511], **arguments)
        return found or await super().load_snapshot(scope, **arguments)


@caught_by("test_snapshots_of_another_version")
class IgnoresTheVersion(SavesOtherwise):
    def others(self, snapshots: Sequence[Snapshot]) -> Sequence[Snapshot]:
        return [msgspec.structs.replace(one, version=1) for one in snapshots]

    async def load_snapshot(self, scope: str, **arguments: Any) -> Snapshot | None:
        return await super().load_snapshot(scope, **{**arguments, "version": 1})


class DeletesOtherwise(MemoryJournal):
    """Deletes other snapshots than it was told to."""

    def other(self, first: int, last: int | None) -> tuple[int, int | None]:
        return first, last

    async def delete_snapshots(
        self, scope: str, *, first: int = 1, last: int | None = None
    ) -> None:
        first, last = self.other(first, last)
        await super().delete_snapshots(scope, first=first, last=last)


@caught_by("test_deleted_snapshots")
class DeletesAll(DeletesOtherwise):
    def other(self, first: int, last: int | None) -> tuple[int, int | None]:
        return 1, None


@caught_by("test_deleted_snapshots")
class LeavesTheLastToDelete(DeletesOtherwise):
    def other(self, first: int, last: int | None) -> tuple[int, int | None]:
        return first, None if last is None else last - 1


@caught_by("test_deleted_snapshots")
class DeletesNothing(MemoryJournal):
    async def delete_snapshots(
        self, scope: str, *, first: int = 1, last: int | None = None
    ) -> None:
        await super().delete_snapshots(scope, first=2, last=1)


@caught_by("test_a_snapshot_of_what_is_not_there")
class KeepsWhatIsNotDurable(MemoryJournal):
    async def save_snapshots(self, snapshots: Sequence[Snapshot]) -> None:
        for one in snapshots:
            self._snapshots[one.scope, one.version] = [one]


@caught_by("test_a_snapshot_of_what_is_not_there")
class KeepsWhatStandsBesideTheRefused(MemoryJournal):
    async def save_snapshots(self, snapshots: Sequence[Snapshot]) -> None:
        for one in snapshots:
            await super().save_snapshots([one])


@caught_by("test_many_snapshots")
class KeepsOne(MemoryJournal):
    async def save_snapshots(self, snapshots: Sequence[Snapshot]) -> None:
        await super().save_snapshots(snapshots)
        for kept in self._snapshots.values():
            del kept[:-1]


@caught_by("test_snapshots_of_a_closed_journal")
class KeepsThemWhenClosed(MemoryJournal):
    def _check_writable(self) -> None:
        """Let everybody in."""

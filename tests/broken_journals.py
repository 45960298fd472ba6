"""Journals that are each broken in one small way: the conformance suite must notice them all."""

from __future__ import annotations

import unicodedata
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

import attrs
import msgspec
import trio

from atomic_store.errors import SequenceConflict
from atomic_store.journal import Commit, Draft, Head, ScopeEnd, StoredRecord
from atomic_store.journal.memory import MemoryJournal, _Batch

Appended: TypeAlias = tuple[tuple[StoredRecord, ...], Commit]

BROKEN: list[tuple[type[MemoryJournal], str]] = []
"""The broken journals, each with a case of the suite that must fail for it."""


@asynccontextmanager
async def opened(journal_type: type[MemoryJournal]) -> AsyncIterator[MemoryJournal]:
    """Open a journal of this class as `open_memory_journal` would."""
    await trio.lowlevel.checkpoint()
    journal = journal_type()
    try:
        yield journal
    finally:
        journal._close()


def caught_by(case: str) -> Callable[[type[MemoryJournal]], type[MemoryJournal]]:
    """Say which case of the suite must fail for this journal."""

    def note(journal_type: type[MemoryJournal]) -> type[MemoryJournal]:
        BROKEN.append((journal_type, case))
        return journal_type

    return note


# --- appending -------------------------------------------------------------------


@caught_by("test_a_new_journal_is_empty")
class BeginsWithoutACommitValue(MemoryJournal):
    @property
    def head(self) -> Head:
        return self._head if self._position else Head(0, "")


@caught_by("test_a_record_has_its_place_at_once")
class GivesIdsOfItsOwn(MemoryJournal):
    def append_nowait(self, draft: Draft, *, expected_sequence: int) -> Appended:
        draft = msgspec.structs.replace(draft, id=draft.id.upper())
        return super().append_nowait(draft, expected_sequence=expected_sequence)


@caught_by("test_a_wrong_expected_sequence_is_refused")
class IgnoresTheExpectedSequence(MemoryJournal):
    def append_nowait(self, draft: Draft, *, expected_sequence: int) -> Appended:
        expected_sequence = self._sequences.get(draft.scope, 0)
        return super().append_nowait(draft, expected_sequence=expected_sequence)


@caught_by("test_a_wrong_expected_sequence_is_refused")
class AcceptsAnExpectedSequenceThatIsTooHigh(MemoryJournal):
    def append_nowait(self, draft: Draft, *, expected_sequence: int) -> Appended:
        expected_sequence = min(expected_sequence, self._sequences.get(draft.scope, 0))
        return super().append_nowait(draft, expected_sequence=expected_sequence)


@caught_by("test_a_wrong_expected_sequence_is_refused")
class StoresWhatItRefuses(MemoryJournal):
    def append_nowait(self, draft: Draft, *, expected_sequence: int) -> Appended:
        found = self._sequences.get(draft.scope, 0)
        appended = super().append_nowait(draft, expected_sequence=found)
        if found != expected_sequence:
            raise SequenceConflict(draft.scope, expected_sequence, found)
        return appended


@caught_by("test_the_expected_sequence_counts_what_is_not_durable")
class ComparesWithTheDurableSequence(MemoryJournal):
    def append_nowait(self, draft: Draft, *, expected_sequence: int) -> Appended:
        found = self._end(draft.scope).sequence
        if expected_sequence != found:
            raise SequenceConflict(draft.scope, expected_sequence, found)
        found = self._sequences.get(draft.scope, 0)
        return super().append_nowait(draft, expected_sequence=found)


@caught_by("test_what_cannot_be_stored_is_refused")
class TakesDecisionsWithoutEvents(MemoryJournal):
    def append_nowait(self, draft: Draft, *, expected_sequence: int) -> Appended:
        if not draft.events:
            return (), self._open.commit
        return super().append_nowait(draft, expected_sequence=expected_sequence)


@caught_by("test_what_cannot_be_stored_is_refused")
class CountsWhatItRefuses(MemoryJournal):
    def append_nowait(self, draft: Draft, *, expected_sequence: int) -> Appended:
        if not draft.events:
            self._position += 1
        return super().append_nowait(draft, expected_sequence=expected_sequence)


class ChangesWhatItStores(MemoryJournal):
    def changed(self, record: StoredRecord) -> StoredRecord:
        return record

    def _index(self, records: list[StoredRecord]) -> None:
        super()._index([self.changed(record) for record in records])


@caught_by("test_every_member_comes_back")
class ForgetsTheMetadata(ChangesWhatItStores):
    def changed(self, record: StoredRecord) -> StoredRecord:
        return msgspec.structs.replace(record, metadata=None)


@caught_by("test_every_member_comes_back")
class ForgetsTheVersion(ChangesWhatItStores):
    def changed(self, record: StoredRecord) -> StoredRecord:
        return msgspec.structs.replace(record, version=1)


@caught_by("test_decisions_of_many_events")
class ForgetsTheParts(ChangesWhatItStores):
    def changed(self, record: StoredRecord) -> StoredRecord:
        return msgspec.structs.replace(record, part=None)


@caught_by("test_large_events")
class CutsLargeEvents(ChangesWhatItStores):
    def changed(self, record: StoredRecord) -> StoredRecord:
        return msgspec.structs.replace(record, data=record.data[:65_536])


@caught_by("test_time_never_decreases")
class BelievesItsClock(MemoryJournal):
    def append_nowait(self, draft: Draft, *, expected_sequence: int) -> Appended:
        self._at = ""
        now = datetime(2026, 1, 1, tzinfo=UTC) - timedelta(seconds=self._position)
        self._clock = lambda: now
        return super().append_nowait(draft, expected_sequence=expected_sequence)


@caught_by("test_a_decision_is_seen_whole")
class ShowsHalfADecision(MemoryJournal):
    def _written(self, batch: _Batch) -> None:
        if batch is self._writing and len(self._records) < batch.records[0].position:
            half = len(batch.records) // 2
            self._index(batch.records[:half])
            self._token.run_sync_soon(super()._written, batch)

    def _index(self, records: list[StoredRecord]) -> None:
        super()._index([r for r in records if r.position > len(self._records)])


@caught_by("test_a_proposal_is_found_by_its_id")
class FindsByTheIdAlone(MemoryJournal):
    async def find(self, scope: str, proposal_id: str) -> tuple[StoredRecord, ...]:
        await trio.lowlevel.checkpoint()
        return next((found for key, found in self._by_id.items() if key[1] == proposal_id), ())


@caught_by("test_a_proposal_is_found_by_its_id")
class LacksWhatItHas(MemoryJournal):
    def lacks(self, scope: str, proposal_id: str) -> bool:
        return True


@caught_by("test_decisions_of_many_events")
class FindsOneRecordOfADecision(MemoryJournal):
    async def find(self, scope: str, proposal_id: str) -> tuple[StoredRecord, ...]:
        return (await super().find(scope, proposal_id))[:1]


# --- reading ---------------------------------------------------------------------


class ReadsWithOtherArguments(MemoryJournal):
    def other(self, arguments: dict[str, Any]) -> dict[str, Any]:
        return arguments

    async def read_scope(self, scope: str, **arguments: Any) -> list[StoredRecord]:
        return await super().read_scope(scope, **self.other(arguments))


@caught_by("test_all_bounds_of_a_scope")
class BeginsOneTooLate(ReadsWithOtherArguments):
    def other(self, arguments: dict[str, Any]) -> dict[str, Any]:
        first = arguments.get("first", 1)
        return {**arguments, "first": first + 1 if first > 1 else 1}


@caught_by("test_all_bounds_of_a_scope")
class LeavesTheUpperBoundOut(ReadsWithOtherArguments):
    def other(self, arguments: dict[str, Any]) -> dict[str, Any]:
        last = arguments.get("last")
        return {**arguments, "last": None if last is None else last - 1}


@caught_by("test_all_bounds_of_a_scope")
class TakesAnUpperBoundOfZeroForNone(ReadsWithOtherArguments):
    def other(self, arguments: dict[str, Any]) -> dict[str, Any]:
        return {**arguments, "last": arguments.get("last") or None}


@caught_by("test_all_bounds_of_a_scope")
class TakesALimitOfZeroForNone(ReadsWithOtherArguments):
    def other(self, arguments: dict[str, Any]) -> dict[str, Any]:
        return {**arguments, "limit": arguments.get("limit") or None}


@caught_by("test_the_last_records_of_a_scope")
class LimitsBeforeItReverses(MemoryJournal):
    async def read_scope(self, scope: str, **arguments: Any) -> list[StoredRecord]:
        reverse = arguments.pop("reverse", False)
        records = await super().read_scope(scope, **arguments)
        return records[::-1] if reverse else records


@caught_by("test_an_unknown_scope_is_empty")
class RaisesForUnknownScopes(MemoryJournal):
    async def read_scope(self, scope: str, **arguments: Any) -> list[StoredRecord]:
        if scope not in self._by_scope:
            raise KeyError(scope)
        return await super().read_scope(scope, **arguments)


@caught_by("test_an_unknown_scope_is_empty")
class MakesTheScopesThatAreRead(MemoryJournal):
    async def scope_end(self, scope: str) -> ScopeEnd:
        end = await super().scope_end(scope)
        if scope not in self._scopes:
            self._scopes.append(scope)
        return end


@caught_by("test_the_end_of_a_scope")
class EndsScopesWhereTheStoreEnds(MemoryJournal):
    async def scope_end(self, scope: str) -> ScopeEnd:
        end = await super().scope_end(scope)
        return attrs.evolve(end, position=self._position) if end.sequence else end


@caught_by("test_pages_of_everything")
class ReadsFromThePositionItself(MemoryJournal):
    async def read_all(self, *, after: int = 0, limit: int) -> list[StoredRecord]:
        return await super().read_all(after=max(0, after - 1), limit=limit)


@caught_by("test_pages_of_everything")
class ReadsOneMore(MemoryJournal):
    async def read_all(self, *, after: int = 0, limit: int) -> list[StoredRecord]:
        return await super().read_all(after=after, limit=limit + 1)


@caught_by("test_ten_thousand_records")
class HasABufferOfAThousand(MemoryJournal):
    async def read_all(self, *, after: int = 0, limit: int) -> list[StoredRecord]:
        return [] if after >= 1000 else await super().read_all(after=after, limit=limit)


@caught_by("test_large_decisions_do_not_interleave")
class ReadsInTheOrderOfSequence(MemoryJournal):
    async def read_all(self, *, after: int = 0, limit: int) -> list[StoredRecord]:
        await trio.lowlevel.checkpoint()
        records = sorted(self._records, key=lambda record: (record.sequence, record.position))
        return records[after : after + limit]


@caught_by("test_many_at_once")
class SkipsWhatIsReadSlowly(MemoryJournal):
    async def read_all(self, *, after: int = 0, limit: int) -> list[StoredRecord]:
        if 0 < after < len(self._records) - 50:
            after += 1
        return await super().read_all(after=after, limit=limit)


# --- scopes ----------------------------------------------------------------------


class ChangesTheNamesOfScopes(MemoryJournal):
    def name(self, scope: str) -> str:
        return scope

    async def read_scope(self, scope: str, **arguments: Any) -> list[StoredRecord]:
        await trio.lowlevel.checkpoint()
        name = self.name(scope)
        return [record for record in self._records if self.name(record.scope) == name]


@caught_by("test_scopes_are_never_mixed_up")
class IgnoresCase(ChangesTheNamesOfScopes):
    def name(self, scope: str) -> str:
        return scope.lower()


@caught_by("test_scopes_are_never_mixed_up")
class StripsNames(ChangesTheNamesOfScopes):
    def name(self, scope: str) -> str:
        return scope.strip()


@caught_by("test_scopes_are_never_mixed_up")
class NormalizesNames(ChangesTheNamesOfScopes):
    def name(self, scope: str) -> str:
        return unicodedata.normalize("NFC", scope)


@caught_by("test_scopes_are_never_mixed_up")
class CutsLongNames(ChangesTheNamesOfScopes):
    def name(self, scope: str) -> str:
        return scope[:511]


@caught_by("test_scopes_are_never_mixed_up")
class TakesNamesForPrefixes(MemoryJournal):
    async def read_scope(self, scope: str, **arguments: Any) -> list[StoredRecord]:
        await trio.lowlevel.checkpoint()
        return [record for record in self._records if record.scope.startswith(scope)]


class ListsOtherScopes(MemoryJournal):
    def other(self, ends: list[ScopeEnd]) -> list[ScopeEnd]:
        return ends

    async def scopes(self, **arguments: Any) -> list[ScopeEnd]:
        return self.other(await super().scopes(**arguments))


@caught_by("test_each_scope_is_listed_once")
class OrdersScopesByUtf16(ListsOtherScopes):
    def other(self, ends: list[ScopeEnd]) -> list[ScopeEnd]:
        return sorted(ends, key=lambda end: end.scope.encode("utf-16-be"))


@caught_by("test_each_scope_is_listed_once")
class ListsScopesTwice(ListsOtherScopes):
    def other(self, ends: list[ScopeEnd]) -> list[ScopeEnd]:
        return [end for end in ends for _ in range(2)]


@caught_by("test_a_new_scope_is_listed")
class KeepsItsFirstListOfScopes(ListsOtherScopes):
    def other(self, ends: list[ScopeEnd]) -> list[ScopeEnd]:
        return [end for end in ends if self._by_scope[end.scope][0].position < 3]


@caught_by("test_scopes_by_prefix")
class IgnoresTheCaseOfPrefixes(MemoryJournal):
    async def scopes(self, *, prefix: str = "", **arguments: Any) -> list[ScopeEnd]:
        ends = await super().scopes(**arguments)
        return [end for end in ends if end.scope.lower().startswith(prefix.lower())]


@caught_by("test_scopes_in_pages")
class BeginsPagesWithTheLastOfTheOneBefore(MemoryJournal):
    async def scopes(self, **arguments: Any) -> list[ScopeEnd]:
        page = await super().scopes(**arguments)
        after = arguments.get("after")
        repeated = [self._end(after)] if page and after in self._by_scope else []
        return [*repeated, *page][: arguments.get("limit", 1000)]


@caught_by("test_a_page_may_begin_behind_any_name")
class NeedsAScopeToBeginBehind(MemoryJournal):
    async def scopes(self, *, after: str | None = None, **arguments: Any) -> list[ScopeEnd]:
        after = after if after in self._by_scope else None
        return await super().scopes(after=after, **arguments)

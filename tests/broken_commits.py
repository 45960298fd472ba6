"""More journals that are each broken in one small way: in how they commit, close and fail."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import trio

from atomic_store.errors import JournalFailed
from atomic_store.journal import Commit, Draft, Head, StoredRecord
from atomic_store.journal.memory import MemoryJournal, _Batch
from broken_journals import Appended, caught_by


def tell_nobody(_: object) -> None:
    """Leave the observer out."""


@caught_by("test_nothing_is_shown_before_its_commit")
class ShowsWhatIsNotDurable(MemoryJournal):
    def append_nowait(self, draft: Draft, *, expected_sequence: int) -> Appended:
        appended = super().append_nowait(draft, expected_sequence=expected_sequence)
        super()._index(list(appended[0]))
        return appended

    def _index(self, records: list[StoredRecord]) -> None:
        """They are there already."""


@caught_by("test_nothing_is_shown_before_its_commit")
class MovesTheHeadAtOnce(MemoryJournal):
    def append_nowait(self, draft: Draft, *, expected_sequence: int) -> Appended:
        appended = super().append_nowait(draft, expected_sequence=expected_sequence)
        self._head = Head(self._position, self._head.commit)
        return appended


@caught_by("test_the_head_moves_with_each_commit")
class KeepsOneCommitValue(MemoryJournal):
    @property
    def head(self) -> Head:
        return Head(self._head.position, "0" * 32)


@caught_by("test_what_is_appended_together_is_committed_together")
class FlushesEachDecision(MemoryJournal):
    def append_nowait(self, draft: Draft, *, expected_sequence: int) -> Appended:
        appended = super().append_nowait(draft, expected_sequence=expected_sequence)
        self.flush_nowait()
        return appended


@caught_by("test_a_flush_of_nothing")
class TellsOfEmptyCommits(MemoryJournal):
    def flush_nowait(self) -> None:
        if self._writing is None and not self._open.records:
            self._on_commit([])
        super().flush_nowait()


@caught_by("test_what_is_appended_during_a_write_comes_next")
class ForgetsToGoOn(MemoryJournal):
    def _written(self, batch: _Batch) -> None:
        waiting, self._open = self._open, _Batch()
        super()._written(batch)
        self._open = waiting


@caught_by("test_what_is_appended_during_a_write_comes_next")
class TellsOfLaterCommitsFirst(MemoryJournal):
    def observe(self, on_commit: Any, on_failure: Any) -> None:
        held: list[Sequence[StoredRecord]] = []

        def swap(records: Sequence[StoredRecord]) -> None:
            held.append(records)
            if len(held) == 2:
                on_commit(held.pop())
                on_commit(held.pop())

        super().observe(swap, on_failure)


@caught_by("test_history_then_live")
class TellsTheObserverTwice(MemoryJournal):
    def observe(self, on_commit: Any, on_failure: Any) -> None:
        super().observe(lambda records: (on_commit(records), on_commit(records)), on_failure)


@caught_by("test_the_order_in_which_a_commit_tells")
class TellsNoObserver(MemoryJournal):
    def observe(self, on_commit: Any, on_failure: Any) -> None:
        super().observe(tell_nobody, on_failure)


@caught_by("test_the_order_in_which_a_commit_tells")
class TellsTheObserverLast(MemoryJournal):
    def observe(self, on_commit: Any, on_failure: Any) -> None:
        super().observe(lambda rs: self._token.run_sync_soon(on_commit, rs), on_failure)


@caught_by("test_the_order_in_which_a_commit_tells")
class MovesTheHeadLast(MemoryJournal):
    _shown = Head(0, "0" * 32)

    @property
    def head(self) -> Head:
        return self._shown

    def _written(self, batch: _Batch) -> None:
        super()._written(batch)
        self._shown = self._head


@caught_by("test_appending_when_told")
class LosesWhatIsAppendedWhenTold(MemoryJournal):
    def _written(self, batch: _Batch) -> None:
        super()._written(batch)
        self._writing = None


@caught_by("test_checkpoints")
class ReadsNothingWithoutACheckpoint(MemoryJournal):
    async def read_all(self, *, after: int = 0, limit: int) -> list[StoredRecord]:
        return await super().read_all(after=after, limit=limit) if limit else []


# --- closing -----------------------------------------------------------------------


@caught_by("test_closed_while_appends_wait")
class ForgetsWhoWaits(MemoryJournal):
    def _close(self) -> None:
        self._is_closed = True
        self._writing, self._open = None, _Batch()


@caught_by("test_closed_while_appends_wait")
class FinishesOnlyTheWriteThatIsUnderWay(MemoryJournal):
    def _close(self) -> None:
        self._open = _Batch()
        super()._close()


@caught_by("test_closed_by_an_exception")
class FailsWhatWaits(MemoryJournal):
    def _close(self) -> None:
        self.fail()
        super()._close()


@caught_by("test_closed_by_cancellation")
class IsInAHurryWhenCancelled(MemoryJournal):
    def _close(self) -> None:
        if trio.current_effective_deadline() == -math.inf:
            self._open = _Batch()
        super()._close()


@caught_by("test_closed_refuses")
class TakesAppendsWhenClosed(MemoryJournal):
    def _close(self) -> None:
        super()._close()
        self._is_closed = False


# --- failing -----------------------------------------------------------------------


@caught_by("test_a_failed_journal_refuses")
class GoesOnAfterAFailure(MemoryJournal):
    def append_nowait(self, draft: Draft, *, expected_sequence: int) -> Appended:
        failure, self._failure = self._failure, None
        try:
            expected_sequence = self._sequences.get(draft.scope, 0)
            return super().append_nowait(draft, expected_sequence=expected_sequence)
        finally:
            self._failure = failure


@caught_by("test_a_failed_journal_refuses")
class KeepsItsFailureToItself(MemoryJournal):
    @property
    def failure(self) -> JournalFailed | None:
        return None


@caught_by("test_a_failure_is_told_once_and_first")
class TellsOfItsFailureTwice(MemoryJournal):
    def fail(self, failure: JournalFailed | None = None) -> None:
        super().fail(failure)
        assert self._failure is not None
        self._on_failure(self._failure)


@caught_by("test_a_failure_is_told_once_and_first")
class TellsOfItsFailureLast(MemoryJournal):
    def fail(self, failure: JournalFailed | None = None) -> None:
        on_failure, self._on_failure = self._on_failure, tell_nobody
        super().fail(failure)
        assert self._failure is not None
        on_failure(self._failure)


@caught_by("test_a_failure_is_told_once_and_first")
class TellsOfFailedCommits(MemoryJournal):
    def fail(self, failure: JournalFailed | None = None) -> None:
        self._on_commit(self._open.records)
        super().fail(failure)


@caught_by("test_everybody_is_told_of_a_failure")
class ForgetsWhoWaitsWhenItFails(MemoryJournal):
    def fail(self, failure: JournalFailed | None = None) -> None:
        self._open.commit = Commit()
        super().fail(failure)


@caught_by("test_a_failed_journal_can_be_read")
class ShowsWhatFailed(MemoryJournal):
    def fail(self, failure: JournalFailed | None = None) -> None:
        self._index(self._open.records)
        super().fail(failure)


@caught_by("test_a_failed_journal_can_be_read")
class RefusesToReadAfterAFailure(MemoryJournal):
    async def read_all(self, *, after: int = 0, limit: int) -> list[StoredRecord]:
        if self._failure is not None:
            raise self._failure.again()
        return await super().read_all(after=after, limit=limit)


@caught_by("test_commits_fail_in_order")
class FailsOnlyTheWriteThatIsUnderWay(MemoryJournal):
    def fail(self, failure: JournalFailed | None = None) -> None:
        if self._writing is not None:
            self._open.commit.complete()
            self._open = _Batch()
        super().fail(failure)


@caught_by("test_a_held_commit_is_not_shown")
class DoesNotWaitForTheDisk(MemoryJournal):
    def pause(self) -> None:
        """Say that it is durable when it may not be."""


@caught_by("test_appends_during_a_write_become_one_commit")
class WritesDecisionByDecision(MemoryJournal):
    def append_nowait(self, draft: Draft, *, expected_sequence: int) -> Appended:
        records, commit = super().append_nowait(draft, expected_sequence=expected_sequence)
        return records, commit if self._writing is None else Commit()

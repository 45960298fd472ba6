"""A journal that keeps its records in memory: for tests, and for stores that may be forgotten."""

from __future__ import annotations

import itertools
from bisect import bisect_left, bisect_right, insort
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from hashlib import blake2b
from typing import TypeAlias

import attrs
import msgspec
import trio
import uuid_utils

from ..errors import InvalidEvent, JournalFailed, SequenceConflict, StoreClosed, shown
from . import Head, OnCommit, OnFailure, Recovery, ScopeEnd
from .clock import Clock, timestamp, utc_now
from .commit import Commit
from .drafts import check_snapshot
from .record import Draft, Snapshot, StoredRecord, records_of
from .wanted import Page, Wanted

CommitHook: TypeAlias = Callable[[Sequence[StoredRecord]], object]

DECISION_BYTES_MAX = 64 * 1024 * 1024
SNAPSHOTS_KEPT = 2
LOOKED_AT_MAX = 1000
"""How many records a page looks at: some 1 ms of work."""
EMPTY = Head(0, blake2b(digest_size=16).hexdigest())


def _nothing(_: object) -> None:
    """Observe nothing."""


@attrs.define(eq=False)
class _Batch:
    """What one commit will make durable."""

    commit: Commit = attrs.Factory(Commit)
    records: list[StoredRecord] = attrs.Factory(list)
    encoded: list[bytes] = attrs.Factory(list)


# Not final: a test that needs a journal with a fault of its own makes a subclass.
@attrs.define(eq=False)
class MemoryJournal:
    """
    A `Journal` in memory, opened by `open_memory_journal`.

    "Durable" means here: as durable as this object. Commits take their time all the
    same (they end in a later turn of Trio's loop, one after the other), so that a
    program meets the same order of things as with a file.

    `pause`, `resume` and `fail` are for tests.
    """

    _clock: Clock = utc_now
    _decision_bytes_max: int = DECISION_BYTES_MAX
    _commit_hook: CommitHook | None = None
    _token: trio.lowlevel.TrioToken = attrs.field(factory=trio.lowlevel.current_trio_token)

    history: str = attrs.field(factory=lambda: str(uuid_utils.uuid7()), init=False)
    """An id of what is in here: it has never been anywhere else."""
    # What is durable, and readable. Invariant: `_records[n - 1].position == n`.
    _head: Head = EMPTY
    _records: list[StoredRecord] = attrs.Factory(list)
    _by_scope: dict[str, list[StoredRecord]] = attrs.Factory(dict)
    _by_id: dict[tuple[str, str], tuple[StoredRecord, ...]] = attrs.Factory(dict)
    _scopes: list[str] = attrs.Factory(list)  # Invariant: sorted, the keys of `_by_scope`.

    # By scope and version, in the order in which they were saved.
    _snapshots: dict[tuple[str, int], list[Snapshot]] = attrs.Factory(dict)

    # Where the next record goes; what is not yet durable counts.
    _position: int = 0
    _sequences: dict[str, int] = attrs.Factory(dict)
    _at: str = ""

    # Invariant: `_writing` holds records, and its commit is not done.
    _open: _Batch = attrs.Factory(_Batch)
    _writing: _Batch | None = None

    _on_commit: OnCommit = _nothing
    _on_failure: OnFailure = _nothing
    _failure: JournalFailed | None = None
    _is_closed: bool = False
    _is_paused: bool = False

    @property
    def sole_writer(self) -> bool:
        """True: nobody else can reach this memory."""
        return True

    @property
    def head(self) -> Head:
        """The last durable record and commit value; also after closing."""
        return self._head

    @property
    def recovery(self) -> Recovery:
        """That there was nothing before."""
        return Recovery(was_created=True)

    @property
    def failure(self) -> JournalFailed | None:
        """What `fail` or the commit hook gave, if they did."""
        return self._failure

    def observe(self, on_commit: OnCommit, on_failure: OnFailure) -> None:
        """Have the one observer told of commits and of the failure; see `Journal`."""
        self._on_commit = on_commit
        self._on_failure = on_failure

    # --- appending -----------------------------------------------------------

    def append_nowait(
        self, draft: Draft, *, expected_sequence: int
    ) -> tuple[tuple[StoredRecord, ...], Commit]:
        """Put the events of one decision behind all others; see `Journal`."""
        self._check_writable()
        sequence = self._sequences.get(draft.scope, 0)
        if sequence != expected_sequence:
            raise SequenceConflict(draft.scope, expected_sequence, sequence)
        at = max(self._at, timestamp(self._clock()))
        records = records_of(draft, position=self._position + 1, sequence=sequence + 1, at=at)
        # Nothing has changed up to here: a draft that is refused leaves no trace.
        encoded = self._encode(records)
        self._at = at
        self._position += len(records)
        self._sequences[draft.scope] = sequence + len(records)
        self._open.records += records
        self._open.encoded.append(encoded)
        return records, self._open.commit

    def _encode(self, records: tuple[StoredRecord, ...]) -> bytes:
        """The bytes that stand for a decision's records in the commit value."""
        if not records:
            raise InvalidEvent("a decision stores at least one event, this one has none")
        try:
            encoded = msgspec.msgpack.encode(records)
        except UnicodeEncodeError as error:
            text = shown(error.object)
            raise InvalidEvent(f"expected text that UTF-8 can hold, found {text}") from error
        if len(encoded) > self._decision_bytes_max:
            raise InvalidEvent(
                f"expected a decision of at most {self._decision_bytes_max} bytes, "
                f"found {len(encoded)} in scope {shown(records[0].scope)}"
            )
        return encoded

    def flush_nowait(self) -> None:
        """Start writing what was appended, unless a write is under way; see `Journal`."""
        if self._writing is not None or not self._open.records:
            return
        self._writing, self._open = self._open, _Batch()
        if self._commit_hook is not None:
            try:
                self._commit_hook(self._writing.records)
            except JournalFailed as failure:
                self.fail(failure)
                return
        self._token.run_sync_soon(self._written, self._writing)

    def _written(self, batch: _Batch) -> None:
        """Make a batch durable, tell everybody, and begin with the next one."""
        if self._is_paused or batch is not self._writing:
            return  # It is held; or it has failed, or was completed by closing.
        self._writing = None
        self._index(batch.records)
        chained = blake2b(self._head.commit.encode(), digest_size=16)
        for encoded in batch.encoded:
            chained.update(encoded)
        self._head = Head(batch.records[-1].position, chained.hexdigest())
        self._on_commit(batch.records)
        batch.commit.complete()
        self.flush_nowait()

    def _index(self, records: list[StoredRecord]) -> None:
        """Let readers see these records."""
        self._records += records
        for record in records:
            if record.scope not in self._by_scope:
                insort(self._scopes, record.scope)
                self._by_scope[record.scope] = []
            self._by_scope[record.scope].append(record)
        for key, decision in itertools.groupby(records, lambda record: (record.scope, record.id)):
            self._by_id.setdefault(key, tuple(decision))

    # --- reading -------------------------------------------------------------

    async def scope_end(self, scope: str) -> ScopeEnd:
        """Where a scope ends; sequence 0 for an unknown one. Checkpoints; may be cancelled."""
        await trio.lowlevel.checkpoint()
        self._check_open()
        return self._end(scope)

    def _end(self, scope: str) -> ScopeEnd:
        records = self._by_scope.get(scope)
        if not records:
            return ScopeEnd(scope, 0, 0)
        return ScopeEnd(scope, records[-1].sequence, records[-1].position, records[-1].at)

    async def read_scope(
        self,
        scope: str,
        *,
        first: int = 1,
        last: int | None = None,
        limit: int | None = None,
        reverse: bool = False,
    ) -> list[StoredRecord]:
        """Read a scope's durable records by sequence, both bounds included; see `Journal`."""
        await trio.lowlevel.checkpoint()
        self._check_open()
        records = self._by_scope.get(scope, [])
        end = len(records) if last is None else max(0, last)
        records = records[max(0, first - 1) : end]
        if reverse:
            records.reverse()
        return records[:limit]

    async def read_all(self, *, after: int = 0, limit: int) -> list[StoredRecord]:
        """Read durable records of all scopes in the order of position; see `Journal`."""
        await trio.lowlevel.checkpoint()
        self._check_open()
        return self._records[after : after + limit]

    async def scan(self, wanted: Wanted, *, limit: int) -> Page:
        """Look at durable records for those that are wanted; see `Journal`."""
        await trio.lowlevel.checkpoint()
        self._check_open()
        count = len(self._records)
        first, last = (
            max(1, wanted.first),
            min(count, count if wanted.last is None else wanted.last),
        )
        found: list[StoredRecord] = []
        positions = range(last, first - 1, -1) if wanted.reverse else range(first, last + 1)
        for looked_at, position in enumerate(positions):
            if len(found) >= limit or looked_at == LOOKED_AT_MAX:
                return Page(found, position)
            record = self._records[position - 1]
            if wanted.matches(record):
                found.append(record)
        return Page(found, None)

    async def find(self, scope: str, proposal_id: str) -> tuple[StoredRecord, ...]:
        """The durable records of one admitted proposal; none if there is no such."""
        await trio.lowlevel.checkpoint()
        self._check_open()
        return self._by_id.get((scope, proposal_id), ())

    def lacks(self, scope: str, proposal_id: str) -> bool:
        """Whether no durable record is of this proposal; see `Journal`."""
        return (scope, proposal_id) not in self._by_id

    async def scopes(
        self, *, prefix: str = "", after: str | None = None, limit: int = 1000
    ) -> list[ScopeEnd]:
        """A page of the scopes ever used, ordered by code point; see `Journal`."""
        await trio.lowlevel.checkpoint()
        self._check_open()
        start = bisect_left(self._scopes, prefix)
        if after is not None:
            start = max(start, bisect_right(self._scopes, after))
        page = self._scopes[start : start + limit]
        return [self._end(scope) for scope in page if scope.startswith(prefix)]

    # --- snapshots -----------------------------------------------------------

    @property
    def snapshots_skipped(self) -> int:
        """None: what is in memory is not damaged."""
        return 0

    async def load_snapshot(
        self, scope: str, *, version: int, last: int | None = None
    ) -> Snapshot | None:
        """Give the newest snapshot of a scope; see `Journal`."""
        await trio.lowlevel.checkpoint()
        self._check_open()
        kept = self._snapshots.get((scope, version), [])
        usable = [one for one in kept if last is None or one.sequence <= last]
        return max(usable, key=lambda one: one.sequence, default=None)

    async def save_snapshots(self, snapshots: Sequence[Snapshot]) -> None:
        """Keep the states of some scopes, each as of a durable record; see `Journal`."""
        await trio.lowlevel.checkpoint()
        self._check_writable()
        for one in snapshots:
            check_snapshot(one, self._end(one.scope).sequence)
        for one in snapshots:
            kept = self._snapshots.get((one.scope, one.version), [])
            others = [other for other in kept if other.sequence != one.sequence]
            self._snapshots[one.scope, one.version] = [*others, one][-SNAPSHOTS_KEPT:]

    async def delete_snapshots(
        self, scope: str, *, first: int = 1, last: int | None = None
    ) -> None:
        """Forget snapshots of a scope, by sequence; see `Journal`."""
        await trio.lowlevel.checkpoint()
        self._check_writable()
        end = self._end(scope).sequence if last is None else last
        for key, kept in self._snapshots.items():
            if key[0] == scope:
                self._snapshots[key] = [one for one in kept if not first <= one.sequence <= end]

    def _check_writable(self) -> None:
        if self._failure is not None:
            raise self._failure.again()
        self._check_open()

    # --- its life ------------------------------------------------------------

    def pause(self) -> None:
        """Let no commit become durable until `resume`; what is appended waits."""
        self._is_paused = True

    def resume(self) -> None:
        """Let commits become durable again, those that were held first."""
        self._is_paused = False
        if self._writing is not None:
            self._token.run_sync_soon(self._written, self._writing)

    def fail(self, failure: JournalFailed | None = None) -> None:
        """
        Fail for good, as if the disk had refused: all that is not durable is lost.

        Args:
          failure: what everybody is told; one that says it was asked for, if left out.
        """
        if self._failure is not None:
            return
        if failure is None:
            failure = JournalFailed("write", ":memory:", "a test asked for this failure")
        self._failure = failure
        self._on_failure(failure)
        lost = [self._writing, self._open]
        self._writing, self._open = None, _Batch()
        for batch in lost:
            if batch is not None:
                batch.commit.complete(failure)

    def _close(self) -> None:
        """Complete what was appended, also if commits are held, and refuse from then on."""
        self._is_closed = True
        self._is_paused = False
        self.flush_nowait()
        while self._writing is not None:
            self._written(self._writing)

    def _check_open(self) -> None:
        if self._is_closed:
            raise StoreClosed("the journal is closed")


@asynccontextmanager
async def open_memory_journal(
    *,
    clock: Clock = utc_now,
    decision_bytes_max: int = DECISION_BYTES_MAX,
    commit_hook: CommitHook | None = None,
) -> AsyncIterator[MemoryJournal]:
    """
    Open a new, empty journal in memory.

    Leaving the block makes what was appended durable, also if commits are paused or
    the block is cancelled; from then on the journal refuses with `StoreClosed`.

    Args:
      clock: gives the records their times.
      decision_bytes_max: how large the records of one decision may be together.
      commit_hook: called with a commit's records when its write starts, in Trio's
        thread. It may `pause` the journal, or raise `JournalFailed`: the write fails.

    Checkpoints: on entering. Cancellation: may be cancelled on entering.
    """
    await trio.lowlevel.checkpoint()
    journal = MemoryJournal(clock, decision_bytes_max, commit_hook)
    try:
        yield journal
    finally:
        journal._close()

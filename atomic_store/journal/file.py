"""
The file journal, as a store sees it: appending, and reading what is durable.

Appending fixes a record's place and its bytes at once, in Trio's thread; `pipeline`
makes them durable. Only then do the index and the head move on, so that reading shows
nothing else. Reading goes from the index to the files, and checks each record again.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, TypeVar, final

import attrs
import trio

from ..errors import InvalidEvent, JournalFailed, SequenceConflict, StoreClosed
from . import Head, OnCommit, OnFailure, Recovery, ScopeEnd
from .clock import Clock, utc_now
from .commit import Commit
from .disk import Disk, OSDisk
from .drafts import check_draft, check_scope, check_snapshot
from .index import Index, ScopeIndex
from .line import CRC_BYTES, LINE_BYTES_MAX, LINE_END_BYTES, record_body
from .opening import OpenedFiles, Progress, open_files
from .pipeline import Batch, CommitPipeline
from .reading import Place, read_commit_value, read_places
from .record import Draft, Snapshot, StoredRecord, records_of
from .segments import WrittenCommit
from .snapshots.keeper import SnapshotKeeper
from .times import RisingTimes

if TYPE_CHECKING:
    import os

T = TypeVar("T")

MEBIBYTE = 1024 * 1024
READING_THREADS_MAX = 4
"""How many threads read for one journal at a time."""


@final
@attrs.define(eq=False)
class FileJournal:
    """A journal in files, opened by `open_file_journal`; a `Journal`."""

    _disk: Disk
    _files: OpenedFiles
    _times: RisingTimes
    _decision_bytes_max: int
    _index: Index = attrs.field(init=False)
    _pipeline: CommitPipeline = attrs.field(init=False)
    _head: Head = attrs.field(init=False)
    _position: int = attrs.field(init=False)
    """The last position given away."""
    _readers: trio.CapacityLimiter = attrs.field(init=False)
    _snapshots: SnapshotKeeper = attrs.field(init=False)
    _on_commit: OnCommit = attrs.field(default=lambda records: None, init=False)

    def __attrs_post_init__(self) -> None:
        self._index = self._files.index
        self._head = self._files.head
        self._position = self._head.position
        self._pipeline = CommitPipeline(self._disk, self._files.writer, self._written)
        self._readers = trio.CapacityLimiter(READING_THREADS_MAX)
        self._snapshots = SnapshotKeeper(
            self._files.snapshots, self._run, lambda: self._head.position, self._commit_at
        )

    # --- what it is --------------------------------------------------------------------

    @property
    def sole_writer(self) -> bool:
        """Nobody else can append: the lock keeps them out."""
        return True

    @property
    def head(self) -> Head:
        """The last durable record and commit value."""
        return self._head

    @property
    def recovery(self) -> Recovery:
        """What opening found, and what it did about it."""
        return self._files.recovery

    @property
    def failure(self) -> JournalFailed | None:
        """Why the journal stopped, if it has; what is durable can still be read."""
        return self._pipeline.failure

    def observe(self, on_commit: OnCommit, on_failure: OnFailure) -> None:
        """Have `on_commit(records)` called for each commit, `on_failure(failure)` once."""
        self._on_commit = on_commit
        self._pipeline.on_failure = on_failure

    # --- appending ---------------------------------------------------------------------

    @trio.lowlevel.enable_ki_protection
    def append_nowait(
        self, draft: Draft, *, expected_sequence: int
    ) -> tuple[tuple[StoredRecord, ...], Commit]:
        """
        Put the events of one decision behind all others: all of them, or none.

        Args:
          expected_sequence: the scope's last sequence, not yet durable ones included.

        Returns:
          The records with their places, and the commit that makes them durable.

        Raises:
          SequenceConflict, InvalidEvent, JournalFailed, StoreClosed: nothing was stored.
        """
        pipeline = self._pipeline
        if pipeline.failure is not None:
            raise pipeline.failure.again()
        if pipeline.is_closing:
            raise StoreClosed(f"the journal in {self._files.directory} is closed")
        entry = self._index.scopes.get(draft.scope)
        appended = 0 if entry is None else entry.appended
        if appended != expected_sequence:
            raise SequenceConflict(draft.scope, expected_sequence, appended)
        check_draft(draft, self._decision_bytes_max)
        if entry is None:
            check_scope(draft.scope)
        records = records_of(
            draft, position=self._position + 1, sequence=appended + 1, at=self._times.now()
        )
        bodies = _encoded(records)
        # Nothing has changed so far, and from here on nothing can go wrong.
        if entry is None:
            entry = self._index.scopes[draft.scope] = ScopeIndex(draft.scope)
        batch = pipeline.batch
        batch.records += records
        batch.bodies += bodies
        count = len(records)
        entry.appended = appended + count
        self._position += count
        return records, batch.commit

    def flush_nowait(self) -> None:
        """Start writing what was appended, unless a write is under way: then that comes first."""
        self._pipeline.flush_nowait()

    def _written(self, batch: Batch, written: WrittenCommit) -> None:
        """Show a commit that is durable."""
        index = self._index
        if index.firsts[-1] != written.first:
            index.begin_segment(written.first)
        offset = written.offset
        add = index.add
        for record, body in zip(batch.records, batch.bodies, strict=True):
            k = 1 if record.part is None else record.part[0]
            add(record.position, record.scope, record.id, record.at, k, offset)
            offset += len(body) + CRC_BYTES + 1
        index.ends[-1] = written.end
        self._head = Head(batch.records[-1].position, written.value)
        self._on_commit(batch.records)

    # --- reading -----------------------------------------------------------------------

    async def scope_end(self, scope: str) -> ScopeEnd:
        """Where a scope ends; sequence 0 for an unknown one. Checkpoints; may be cancelled."""
        await trio.lowlevel.checkpoint()
        return self._scope_end(scope)

    async def read_scope(
        self,
        scope: str,
        *,
        first: int = 1,
        last: int | None = None,
        limit: int | None = None,
        reverse: bool = False,
    ) -> list[StoredRecord]:
        """
        Read a scope's durable records by sequence, both bounds included.

        Checkpoints: always. Cancellation: may be cancelled.

        Raises:
          JournalCorrupt: a record that was asked for is damaged, or cannot be read.
          JournalFailed: no file can be opened now; the journal itself goes on.
        """
        positions = self._index.positions(scope, first, last, limit, reverse=reverse)
        begin = max(first, 1)
        if reverse and positions:
            end = len(self._index.scopes[scope].positions)
            begin = end if last is None else min(last, end)
        step = -1 if reverse else 1
        return await self._read(
            [self._place(p, scope, begin + step * k) for k, p in enumerate(positions)]
        )

    async def read_all(self, *, after: int = 0, limit: int) -> list[StoredRecord]:
        """Read durable records by position, `after` excluded. Otherwise like `read_scope`."""
        begin = max(after, 0) + 1
        end = min(self._index.count, begin + limit - 1)
        return await self._read([self._place(p) for p in range(begin, end + 1)])

    async def find(self, scope: str, proposal_id: str) -> tuple[StoredRecord, ...]:
        """Give the durable records of one admitted proposal, if any. Like `read_scope`."""
        for position in self._index.candidates(scope, proposal_id):
            (record,) = await self._read([self._place(position)])
            if (record.scope, record.id) == (scope, proposal_id):
                n = 1 if record.part is None else record.part[1]
                places = [
                    self._place(position + k, scope, record.sequence + k) for k in range(1, n)
                ]
                return (record, *await self._read(places))
        await trio.lowlevel.checkpoint()
        return ()

    async def scopes(
        self, *, prefix: str = "", after: str | None = None, limit: int = 1000
    ) -> list[ScopeEnd]:
        """A page of the scopes ever used, by code point. Checkpoints; may be cancelled."""
        await trio.lowlevel.checkpoint()
        return [self._scope_end(name) for name in self._index.names(prefix, after, limit)]

    def _scope_end(self, scope: str) -> ScopeEnd:
        entry = self._index.scopes.get(scope)
        if entry is None or not entry.positions:
            return ScopeEnd(scope, 0, 0)
        return ScopeEnd(scope, len(entry.positions), entry.positions[-1], entry.at)

    def _place(self, position: int, scope: str | None = None, sequence: int = 0) -> Place:
        index = self._index
        segment = index.segment_of(position)
        begin = index.offsets[position - 1]
        is_last = segment + 1 == len(index.firsts)
        next_first = index.count + 1 if is_last else index.firsts[segment + 1]
        is_last_there = position + 1 == next_first
        end = index.ends[segment] if is_last_there else index.offsets[position]
        return Place(position, index.firsts[segment], begin, end, scope, sequence)

    async def _read(self, places: Sequence[Place]) -> list[StoredRecord]:
        if not places:
            await trio.lowlevel.checkpoint()
            return []
        return await self._run(lambda: read_places(self._disk, self._files.directory, places))

    async def _run(self, work: Callable[[], T]) -> T:
        """Do something where it may block."""
        if not self._disk.uses_threads:
            await trio.lowlevel.checkpoint()
            return work()
        return await trio.to_thread.run_sync(work, limiter=self._readers)

    # --- snapshots ---------------------------------------------------------------------

    @property
    def snapshots_skipped(self) -> int:
        """How many were found damaged, or not to match the records."""
        return self._snapshots.skipped

    async def load_snapshot(
        self, scope: str, *, version: int, last: int | None = None
    ) -> Snapshot | None:
        """Give the newest usable snapshot of a scope; see `Journal`."""
        return await self._snapshots.load(scope, version, last)

    async def save_snapshots(self, snapshots: Sequence[Snapshot]) -> None:
        """Keep the states of some scopes, each as of a durable record; see `Journal`."""
        self._check_writable()
        for snapshot in snapshots:
            end = self._scope_end(snapshot.scope).sequence
            check_snapshot(snapshot, end)
        if snapshots:
            await self._snapshots.save(snapshots)
        else:
            await trio.lowlevel.checkpoint()

    async def delete_snapshots(
        self, scope: str, *, first: int = 1, last: int | None = None
    ) -> None:
        """Forget snapshots of a scope, by sequence; see `Journal`."""
        self._check_writable()
        end = self._scope_end(scope).sequence
        await self._snapshots.delete(scope, first, end if last is None else last)

    def _check_writable(self) -> None:
        if self._pipeline.failure is not None:
            raise self._pipeline.failure.again()
        if self._pipeline.is_closing:
            raise StoreClosed(f"the journal in {self._files.directory} is closed")

    async def _commit_at(self, position: int) -> str | None:
        """Read the commit value on a durable record's line; None if it closes no commit."""
        if not 0 < position <= self._head.position:
            return None
        place = self._place(position)
        return await self._run(lambda: read_commit_value(self._disk, self._files.directory, place))


def _encoded(records: tuple[StoredRecord, ...]) -> list[bytes]:
    """Encode records up to their checksums, or raise `InvalidEvent`."""
    try:
        bodies = [record_body(record) for record in records]
    except UnicodeEncodeError as error:
        raise InvalidEvent(f"type: expected text ({error})") from error
    for body in bodies:
        if len(body) > LINE_BYTES_MAX - LINE_END_BYTES:
            raise InvalidEvent(f"data: expected lines of at most {LINE_BYTES_MAX} bytes")
    return bodies


@asynccontextmanager
@trio.lowlevel.enable_ki_protection
async def open_file_journal(
    path: str | os.PathLike[str],
    *,
    disk: Disk | None = None,
    clock: Clock = utc_now,
    segment_bytes_max: int = 64 * MEBIBYTE,
    decision_bytes_max: int = 64 * MEBIBYTE,
    on_progress: Progress | None = None,
) -> AsyncIterator[FileJournal]:
    """
    Open the journal of a store's directory, the only writer; make the store if there is none.

    Leaving the block makes durable what was appended, writes the close line, and gives
    the lock back; nothing interrupts that.

    Args:
      path: the store's directory, or where to make it.
      disk: another disk than the operating system's.
      clock: gives the time now.
      segment_bytes_max: a segment is cut before it gets larger, unless one commit is.
      decision_bytes_max: a decision's data and metadata may be as large together.
      on_progress: is called, in Trio's thread, with the bytes read and the bytes in all.

    Raises:
      NotAStore: the path holds something else, or a store of a later format.
      StoreLocked: another writer has it open.
      JournalCorrupt: it is damaged; nothing was changed.
      JournalFailed: the disk refused, while opening, inside the block or at its end.

    Checkpoints: on entering and on leaving. Cancellation: may be cancelled while it
    opens; a crash then and a cancellation leave the same.
    """
    real_disk: Disk = OSDisk() if disk is None else disk
    times = RisingTimes(clock)
    files = await _open_files(
        real_disk, real_disk.resolve(path), times, segment_bytes_max, on_progress
    )
    times.last = max(times.last, files.at)
    journal = FileJournal(real_disk, files, times, decision_bytes_max)
    leaving: BaseException | None = None
    try:
        yield journal
    except BaseException as error:
        leaving = error
        raise
    finally:
        try:
            await journal._pipeline.aclose(times.now)
        finally:
            files.close()
        if journal.failure is not None and not isinstance(leaving, JournalFailed):
            raise journal.failure.again()
        # A local that holds an exception keeps its whole traceback alive.
        del leaving


async def _open_files(
    disk: Disk,
    path: str,
    times: RisingTimes,
    segment_bytes_max: int,
    on_progress: Progress | None,
) -> OpenedFiles:
    report = on_progress or (lambda read, in_all: None)

    def report_from_thread(read: int, in_all: int) -> None:
        trio.from_thread.check_cancelled()
        trio.from_thread.run_sync(report, read, in_all)

    await trio.lowlevel.checkpoint()
    if not disk.uses_threads:
        return open_files(
            disk, path, now=times.now, segment_bytes_max=segment_bytes_max, on_progress=report
        )
    return await trio.to_thread.run_sync(
        lambda: open_files(
            disk, path, now=times.now, segment_bytes_max=segment_bytes_max,
            on_progress=report_from_thread,
        ),
        limiter=trio.CapacityLimiter(1),
    )  # fmt: skip

"""
The file journal, as a store sees it: appending, and reading what is durable.

Appending fixes a record's place and its bytes at once, in Trio's thread; `pipeline`
makes them durable. Only then do the index and the head move on, so that reading
(`records`) shows nothing else.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, final

import attrs
import trio

from ..errors import InvalidEvent, JournalFailed, SequenceConflict, StoreClosed
from . import Head, OnCommit, OnFailure, Recovery, ScopeEnd
from .clock import Clock, utc_now
from .commit import Commit
from .commit_times import CommitTimes
from .disk import Disk, OSDisk
from .drafts import check_draft, check_scope, check_snapshot
from .given_ends import GivenEnd, GivenEnds
from .index_file import Entry
from .indexer import PIECE_BYTES, Indexer
from .line import CRC_BYTES, LINE_BYTES_MAX, LINE_END_BYTES, record_body
from .opening import OpenedFiles, Progress, open_files
from .pipeline import Batch, CommitPipeline
from .record import Draft, Snapshot, StoredRecord, records_of
from .records import Records
from .segments import WrittenCommit
from .snapshots.keeper import SnapshotKeeper
from .times import RisingTimes
from .wanted import Page, Wanted

if TYPE_CHECKING:
    import os

T = TypeVar("T")

MEBIBYTE = 1024 * 1024


@final
@attrs.define(eq=False, repr=False)
class FileJournal:
    """A journal in files, opened by `open_file_journal`; a `Journal`."""

    _disk: Disk
    _files: OpenedFiles
    _times: RisingTimes
    _decision_bytes_max: int
    _piece_bytes: int
    _records: Records = attrs.field(init=False)
    _indexer: Indexer = attrs.field(init=False)
    _pipeline: CommitPipeline = attrs.field(init=False)
    _head: Head = attrs.field(init=False)
    _position: int = attrs.field(init=False)
    """The last position given away."""
    _ends: GivenEnds = attrs.field(factory=GivenEnds, init=False)
    _snapshots: SnapshotKeeper = attrs.field(init=False)
    _on_commit: OnCommit = attrs.field(default=lambda records: None, init=False)

    def __attrs_post_init__(self) -> None:
        files = self._files
        self._head = files.head
        self._position = self._head.position
        self._records = Records(self._disk, files.directory, files.coverage, [files.index])
        self._indexer = Indexer(self._records, self._piece_bytes)
        self._pipeline = CommitPipeline(self._disk, files.writer, self._written)
        self._snapshots = SnapshotKeeper(
            files.snapshots, self._records.in_thread, lambda: self._head.position, self._commit_at
        )

    # --- what it is --------------------------------------------------------------------

    @property
    def sole_writer(self) -> bool:
        """Nobody else can append: the lock keeps them out."""
        return True

    @property
    def history(self) -> str:
        """The id of the store's history: another one after a restore."""
        return self._files.coverage.store.history

    @property
    def path(self) -> Path | None:
        """The store's directory; None if its files are not the operating system's."""
        is_real = isinstance(self._disk, OSDisk)
        return Path(self._files.directory).parent if is_real else None

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

    @property
    def commit_times(self) -> CommitTimes:
        """How long the last commits took."""
        return self._pipeline.times

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
          SequenceConflict, InvalidEvent, JournalFailed, JournalCorrupt, StoreClosed: nothing was
            stored.
        """
        pipeline = self._pipeline
        if pipeline.failure is not None:
            raise pipeline.failure.again()
        if pipeline.is_closing:
            raise StoreClosed(f"the journal in {self._files.directory} is closed")
        scope = draft.scope
        end = self._ends.get(scope) or self._look_up(scope)
        if end.sequence != expected_sequence:
            raise SequenceConflict(scope, expected_sequence, end.sequence)
        check_draft(draft, self._decision_bytes_max)
        if not end.sequence:
            check_scope(scope)
        records = records_of(
            draft, position=self._position + 1, sequence=end.sequence + 1, at=self._times.now()
        )
        bodies = _encoded(records)
        # Nothing has changed so far, and from here on nothing can go wrong.
        batch = pipeline.batch
        batch.records += records
        batch.bodies += bodies
        batch.before.setdefault(scope, end.position)
        last = records[-1]
        self._position = last.position
        self._ends.put(scope, GivenEnd(last.sequence, last.position), self._head.position)
        return records, batch.commit

    def _look_up(self, scope: str) -> GivenEnd:
        """
        Find out where a scope ends that nobody has read before appending to it.

        It may read index files, in Trio's thread. A store always has read its scopes.
        """
        end = self._records.end_in_memory(scope) or self._records.end_in_files(scope)
        return GivenEnd(end.sequence, end.position)

    def flush_nowait(self) -> None:
        """Start writing what was appended, unless a write is under way: then that comes first."""
        self._pipeline.flush_nowait()

    def _written(self, batch: Batch, written: WrittenCommit) -> None:
        """Show a commit that is durable."""
        indexer, offset = self._indexer, written.offset
        if written.first != indexer.open.segment_first:
            indexer.begin_segment(written.first, offset, written.value)
        index = indexer.open
        add, before = index.add, batch.before.__getitem__
        for r, body in zip(batch.records, batch.bodies, strict=True):
            k = 1 if r.part is None else r.part[0]
            add(Entry(offset, r.scope, r.sequence, r.id, r.at, k, r.metadata), before)
            offset += len(body) + CRC_BYTES + 1
        index.end, index.commit = written.end, written.value
        self._head = Head(batch.records[-1].position, written.value)
        self._on_commit(batch.records)
        indexer.seal_if_large()

    async def aclose(self) -> None:
        """Make durable what was appended, and that it was closed. Nothing interrupts it."""
        await self._pipeline.aclose(self._times.now)
        await self._indexer.aclose(is_sound=self.failure is None)

    # --- reading -----------------------------------------------------------------------

    async def scope_end(self, scope: str) -> ScopeEnd:
        """Where a scope ends; sequence 0 for an unknown one. Checkpoints; may be cancelled."""
        forgotten = self._ends.forgotten
        end = await self._records.scope_end(scope)
        self._ends.learn(end, forgotten, self._head.position)
        return end

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
        forgotten = self._ends.forgotten
        records, end = await self._records.read_scope(scope, first, last, limit, reverse=reverse)
        self._ends.learn(end, forgotten, self._head.position)
        return records

    async def read_all(self, *, after: int = 0, limit: int) -> list[StoredRecord]:
        """Read durable records by position, `after` excluded. Otherwise like `read_scope`."""
        return await self._records.read_all(after, limit)

    async def scan(self, wanted: Wanted, *, limit: int) -> Page:
        """Give a page of the durable records that are wanted. Otherwise like `read_scope`."""
        return await self._records.scan(wanted, limit)

    async def find(self, scope: str, proposal_id: str) -> tuple[StoredRecord, ...]:
        """Give the durable records of one admitted proposal, if any. Like `read_scope`."""
        return await self._records.find(scope, proposal_id)

    def lacks(self, scope: str, proposal_id: str) -> bool:
        """Whether it is known at once that no durable record is of this proposal."""
        return self._records.lacks(scope, proposal_id)

    async def scopes(
        self, *, prefix: str = "", after: str | None = None, limit: int = 1000
    ) -> list[ScopeEnd]:
        """A page of the scopes ever used, by code point. Checkpoints; may be cancelled."""
        return await self._records.scopes(prefix, after, limit)

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
        ends = await self._records.sequences(snapshot.scope for snapshot in snapshots)
        for snapshot, end in zip(snapshots, ends, strict=True):
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
        (end,) = await self._records.sequences([scope])
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
        return await self._records.commit_value(position)


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
    piece_bytes: int = PIECE_BYTES,
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
      piece_bytes: an index file is made of the open segment each time that it has grown by
        as much.
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
    journal = FileJournal(real_disk, files, times, decision_bytes_max, piece_bytes)
    leaving: BaseException | None = None
    try:
        yield journal
    except BaseException as error:
        leaving = error
        raise
    finally:
        try:
            await journal.aclose()
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

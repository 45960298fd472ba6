"""
How batches become commits: one at a time, in a thread, each with one write and one sync.

Theory of operation
-------------------
Records are put into the open batch, in Trio's thread. `flush_nowait` hands that batch
to a thread, which makes it one commit. What is put in meanwhile is the next batch. No
task waits for the thread: it reports back (`handover`), and `_written` then
tells the journal, wakes whoever waits for the commit, and starts the next batch at
once. At the first failure the pipeline has failed: both batches end with it, and
nothing is written or synced any more.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeAlias, TypeVar, final

import attrs
import outcome
import trio

from ..errors import JournalFailed
from . import OnFailure
from .commit import Commit
from .commit_times import CommitTimes
from .disk import Disk
from .handover import Handover
from .record import StoredRecord
from .segments import SegmentWriter, WrittenCommit

T = TypeVar("T")
_NOT_NOW = trio.lowlevel.Abort.FAILED


@final
@attrs.define(eq=False)
class Batch:
    """What will be one commit."""

    commit: Commit = attrs.Factory(Commit)
    records: list[StoredRecord] = attrs.Factory(list)
    bodies: list[bytes] = attrs.Factory(list)
    """Each record's line up to its checksums."""
    before: dict[str, int] = attrs.Factory(dict)
    """For each scope in it, the position of its last record before."""
    took_s: float = 0.0
    """How long it took to make it durable, once it is."""


OnWritten: TypeAlias = Callable[[Batch, WrittenCommit], object]


@final
@attrs.define(eq=False)
class CommitPipeline:
    """
    The open batch, and the one that is being written.

    Args:
      disk: says whether there are threads.
      writer: writes; used by one thread at a time.
      on_written: is told of each batch that is durable, in order, in Trio's thread, before
        those who wait for its commit.
    """

    _disk: Disk
    _writer: SegmentWriter
    _on_written: OnWritten
    on_failure: OnFailure = attrs.field(default=lambda failure: None, init=False)
    """Is told of the failure, once, before anyone else."""
    batch: Batch = attrs.field(factory=Batch, init=False)
    """The open one."""
    failure: JournalFailed | None = attrs.field(default=None, init=False)
    is_closing: bool = attrs.field(default=False, init=False)
    times: CommitTimes = attrs.field(factory=CommitTimes, init=False)
    # Invariant: not None exactly while something is written.
    _writing: Batch | None = attrs.field(default=None, init=False)
    _closer: trio.lowlevel.Task | None = attrs.field(default=None, init=False)
    _token: trio.lowlevel.TrioToken = attrs.field(
        factory=trio.lowlevel.current_trio_token, init=False
    )
    _handover: Handover | None = attrs.field(init=False)
    """None: the disk does without threads."""

    def __attrs_post_init__(self) -> None:
        self._handover = Handover() if self._disk.uses_threads else None

    @trio.lowlevel.enable_ki_protection
    def flush_nowait(self) -> None:
        """Start writing the open batch, unless it is empty or another is being written."""
        if self._writing is None and self.batch.records and self.failure is None:
            batch = self._writing = self.batch
            self.batch = Batch()
            try:
                self._in_thread(lambda: self._write(batch), self._written)
            except BaseException as error:
                self._fail(error)

    @trio.lowlevel.enable_ki_protection
    async def aclose(self, at: Callable[[], str]) -> None:
        """
        Make durable what was put in, then that the journal was closed. Never raises.

        Checkpoints: always. Cancellation: neither that nor Ctrl-C ends it.

        Args:
          at: gives the time of closing.
        """
        self.is_closing = True
        self.flush_nowait()
        await self._until_idle()
        if self.failure is None:
            self._writing = Batch()
            closed_at = at()
            try:
                self._in_thread(lambda: self._writer.write_close(closed_at), self._closed)
            except BaseException as error:
                self._fail(error)
            await self._until_idle()
        if self._handover is not None:
            self._handover.close()

    def _write(self, batch: Batch) -> WrittenCommit:
        """Make a batch durable; in the thread."""
        started = time.perf_counter()
        written = self._writer.write_commit(batch.bodies, batch.records[-1].position)
        batch.took_s = time.perf_counter() - started
        return written

    def _in_thread(self, work: Callable[[], T], done: Callable[[outcome.Outcome[T]], None]) -> None:
        """Run `work` where it may block, then `done` with its outcome in Trio's thread."""
        if self._handover is not None:
            self._handover.start(work, done)
        else:
            self._token.run_sync_soon(lambda: done(outcome.capture(work)))

    def _written(self, result: outcome.Outcome[WrittenCommit]) -> None:
        """Tell everybody what became of the batch; in Trio's thread, where it must not raise."""
        batch = self._writing
        assert batch is not None
        try:
            self._on_written(batch, result.unwrap())
            self.times.add(batch.took_s)
            self._writing = None
            batch.commit.complete()
            self.flush_nowait()
        except BaseException as error:
            self._fail(error)
        self._wake_closer()

    def _closed(self, result: outcome.Outcome[None]) -> None:
        try:
            result.unwrap()
            self._writing = None
        except BaseException as error:
            self._fail(error)
        self._wake_closer()

    def _fail(self, error: BaseException) -> None:
        """Stop for good, and tell everybody who waits."""
        if isinstance(error, JournalFailed):
            failure = error
        else:
            failure = JournalFailed(
                "commit", self._writer.directory, "report this as a bug", repr(error)
            )
            failure.__cause__ = error
        self.failure = failure
        batches = [self._writing, self.batch]
        self._writing, self.batch = None, Batch()
        tell = [self.on_failure]
        tell += [b.commit.complete for b in batches if b is not None and not b.commit.is_done]
        for told in tell:
            try:
                told(failure)
            except BaseException as raised:
                # It must not, but then the others must still be told.
                failure.add_note(f"{told!r} raised {raised!r} when it was told")

    async def _until_idle(self) -> None:
        """Wait until nothing is written. Neither a cancellation nor Ctrl-C ends it."""
        if self._writing is None:
            await trio.lowlevel.cancel_shielded_checkpoint()
        else:
            self._closer = trio.lowlevel.current_task()
            await trio.lowlevel.wait_task_rescheduled(lambda raise_cancel: _NOT_NOW)

    def _wake_closer(self) -> None:
        if self._closer is not None and self._writing is None:
            closer, self._closer = self._closer, None
            trio.lowlevel.reschedule(closer)

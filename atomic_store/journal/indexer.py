"""
Making index files while the journal is written: in the background, one at a time.

The index of the newest records is in memory. When it has grown enough it is sealed, and
becomes a piece's file; when its segment was cut, the whole segment's. Until the file is
there, the sealed one serves. Nothing waits for any of this, and no trouble with it is
the journal's: what could not be made is tried again when the next one is sealed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import partial
from typing import TypeVar, final

import attrs
import outcome
import trio

from .coverage import Coverage
from .index_file import MemoryIndex, merge_pieces
from .index_file.write import file_chunks
from .index_store import reader_of
from .layout import index_name
from .records import Records

T = TypeVar("T")

MEBIBYTE = 1024 * 1024
PIECE_BYTES = 8 * MEBIBYTE
"""How much of the open segment is indexed in memory only, and read again on opening."""
_REST_SHARE = 8
"""On closing, a last piece is made of what is at least such a part of one."""
_NOT_NOW = trio.lowlevel.Abort.FAILED


class _Stopped(Exception):
    """The journal is being closed."""


@attrs.frozen
class _Job:
    index: MemoryIndex
    ends_segment: bool


@final
@attrs.define(eq=False, repr=False)
class Indexer:
    """
    Turns sealed indexes into files.

    Args:
      records: whose indexes they are; they are replaced there.
    """

    _records: Records
    piece_bytes: int = PIECE_BYTES
    error: BaseException | None = attrs.field(default=None, init=False)
    """Why the last index could not be made, if it could not; it is in memory."""
    # Invariant: the memory indexes of the records but the last one, in order, while not busy.
    _jobs: deque[_Job] = attrs.field(factory=deque, init=False)
    # Invariant: True exactly while a thread works for it.
    _is_busy: bool = attrs.field(default=False, init=False)
    _is_stopped: bool = attrs.field(default=False, init=False)
    # Pieces of segments that are covered as a whole. They are taken away one job later:
    # somebody may still be reading them.
    _superseded: list[str] = attrs.field(factory=list, init=False)
    _closer: trio.lowlevel.Task | None = attrs.field(default=None, init=False)
    _token: trio.lowlevel.TrioToken = attrs.field(
        factory=trio.lowlevel.current_trio_token, init=False
    )

    @property
    def open(self) -> MemoryIndex:
        """The index that grows."""
        return self._records.memory[-1]

    def begin_segment(self, first: int, end: int, commit: str) -> None:
        """Go on in a new segment, in which the next record lies."""
        sealed = self.open
        self._records.memory.append(MemoryIndex(sealed.segment + 1, first, first, end, commit))
        self._seal(sealed, ends_segment=True)

    def seal_if_large(self) -> None:
        """Begin a new piece, if there is enough for one."""
        self._seal_from(self.piece_bytes)

    async def aclose(self, *, is_sound: bool) -> None:
        """
        Stop, wait until nothing is written, and close the files.

        What stands in no file is given one before, unless it is quickly read again.

        Checkpoints: always. Cancellation: neither that nor Ctrl-C ends it.

        Args:
          is_sound: whether what was written last is known to be durable.
        """
        if is_sound:
            await self._cover_rest()
        self._is_stopped = True
        await self._until_idle()
        try:
            self._start(self._close, self._closed)
        except RuntimeError:
            # No thread can be had. What is left to do takes no time worth one.
            self._close()
        await self._until_idle()

    async def _cover_rest(self) -> None:
        self._seal_from(max(1, self.piece_bytes // _REST_SHARE))
        while self._is_busy:
            await self._until_idle()

    # --- one job after the other -------------------------------------------------------

    def _seal_from(self, size: int) -> None:
        index = self.open
        if index.end - index.begin >= size:
            self._records.memory.append(index.following())
            self._seal(index, ends_segment=False)

    def _seal(self, index: MemoryIndex, *, ends_segment: bool) -> None:
        self._jobs.append(_Job(index, ends_segment))
        self._start_next()

    def _start_next(self) -> None:
        if self._is_busy or self._is_stopped or not self._jobs:
            return
        job, coverage = self._jobs[0], self._records.coverage
        try:
            self._start(lambda: self._covered(coverage, job), self._done)
        except RuntimeError as error:
            self.error = error

    def _done(self, result: outcome.Outcome[Coverage]) -> None:
        self._is_busy = False
        try:
            self._records.coverage = result.unwrap()
        except _Stopped:
            pass
        except BaseException as error:
            # What is in memory serves on; the next opening makes the file at the latest.
            self.error = error
        else:
            self._records.memory.remove(self._jobs.popleft().index)
            self._start_next()
        self._wake_closer()

    def _closed(self, result: outcome.Outcome[None]) -> None:
        self._is_busy = False
        self._wake_closer()

    def _start(self, work: Callable[[], T], done: Callable[[outcome.Outcome[T]], object]) -> None:
        """Run `work` where it may block, then `done` with its outcome in Trio's thread."""

        def deliver(result: outcome.Outcome[T]) -> None:
            with suppress(trio.RunFinishedError):
                self._token.run_sync_soon(done, result)

        if self._records.disk.uses_threads:
            trio.lowlevel.start_thread_soon(work, deliver)
        else:
            self._token.run_sync_soon(lambda: done(outcome.capture(work)))
        self._is_busy = True

    async def _until_idle(self) -> None:
        if self._is_busy:
            self._closer = trio.lowlevel.current_task()
            await trio.lowlevel.wait_task_rescheduled(lambda raise_cancel: _NOT_NOW)
        else:
            await trio.lowlevel.cancel_shielded_checkpoint()

    def _wake_closer(self) -> None:
        if self._closer is not None:
            closer, self._closer = self._closer, None
            trio.lowlevel.reschedule(closer)

    # --- in a thread -------------------------------------------------------------------

    def _covered(self, coverage: Coverage, job: _Job) -> Coverage:
        self._remove_superseded(coverage)
        store, index = coverage.store, job.index
        index.contents.settle(coverage.last_position)
        facts = index.facts(store.store, store.history)
        piece = b""
        if index.contents.count:
            piece = self._joined(file_chunks(index.contents, facts, None))
        if not job.ends_segment:
            name = index_name(index.segment_first, index.first)
            with store.lock:
                return coverage.with_piece(store.save(name, piece))
        image = self._merged(coverage, index, piece)
        with store.lock:
            whole = store.save(index_name(index.segment_first), image)
        covered = coverage.with_whole(whole)
        self._superseded += [piece.name for piece in coverage.pieces]
        return covered

    def _merged(self, coverage: Coverage, index: MemoryIndex, last: bytes) -> bytes:
        """Make the file of a whole segment from its pieces, of which the last is no file yet."""
        store = coverage.store
        readers = [coverage.answer(partial(store.own_reader, piece)) for piece in coverage.pieces]
        if last:
            readers.append(reader_of(last, ""))
        first = readers[0].header
        facts = attrs.evolve(
            index.facts(store.store, store.history), first=first.first, begin=first.begin
        )
        return self._joined(merge_pieces(readers, facts, coverage.ends))

    def _joined(self, chunks: Iterable[bytes]) -> bytes:
        return b"".join(self._until_stopped(chunks))

    def _until_stopped(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        # Python gives each of two busy threads its turn every 5 ms. Giving up one's turn
        # between chunks would leave this one behind a busy store, and memory fills.
        for chunk in chunks:
            if self._is_stopped:
                raise _Stopped
            yield chunk

    def _remove_superseded(self, coverage: Coverage) -> None:
        with coverage.store.lock:
            while self._superseded:
                coverage.store.remove(self._superseded.pop())

    def _close(self) -> None:
        coverage = self._records.coverage
        self._remove_superseded(coverage)
        coverage.store.close()

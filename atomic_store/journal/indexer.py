"""
Making index files while the journal is written: in the background, one at a time.

The index of the newest records is in memory. When it has grown enough it is sealed, and
becomes a piece's file; when its segment was cut, the whole segment's. Until the file is
there, the sealed one serves. Nothing waits for any of this, and no trouble with it is
the journal's.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from typing import final

import attrs
import outcome
import trio

from .coverage import Coverage
from .index_file import IndexReader, MemoryIndex, merge_pieces
from .index_file.write import file_chunks
from .index_store import Stretch, reader_of
from .layout import index_name
from .records import Records

MEBIBYTE = 1024 * 1024
PIECE_BYTES = 8 * MEBIBYTE
"""How much of the open segment is indexed in memory only, and read again on opening."""
_NOT_NOW = trio.lowlevel.Abort.FAILED


class _Stopped(Exception):
    """The journal is being closed."""


@attrs.frozen
class _Job:
    index: MemoryIndex
    ends_segment: bool


@final
@attrs.define(eq=False)
class Indexer:
    """
    Turns sealed indexes into files.

    Args:
      records: whose indexes they are; they are replaced there.
    """

    _records: Records
    piece_bytes: int = PIECE_BYTES
    error: BaseException | None = attrs.field(default=None, init=False)
    """What ended it, if something did: indexes stay in memory from then on."""
    _jobs: deque[_Job] = attrs.field(factory=deque, init=False)
    _is_busy: bool = attrs.field(default=False, init=False)
    _is_stopped: bool = attrs.field(default=False, init=False)
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
        index = self.open
        if index.end - index.begin >= self.piece_bytes:
            self._records.memory.append(index.following())
            self._seal(index, ends_segment=False)

    def _seal(self, index: MemoryIndex, *, ends_segment: bool) -> None:
        self._jobs.append(_Job(index, ends_segment))
        self._start_next()

    def _start_next(self) -> None:
        if self._is_busy or self._is_stopped or not self._jobs or self.error is not None:
            return
        self._is_busy = True
        job, coverage = self._jobs.popleft(), self._records.coverage

        def work() -> Coverage:
            return self._covered(coverage, job)

        def deliver(result: outcome.Outcome[Coverage]) -> None:
            self._token.run_sync_soon(self._done, job, result)

        if self._records.disk.uses_threads:
            try:
                trio.lowlevel.start_thread_soon(work, deliver)
            except RuntimeError as error:
                self._done(job, outcome.Error(error))
        else:
            self._token.run_sync_soon(lambda: self._done(job, outcome.capture(work)))

    def _done(self, job: _Job, result: outcome.Outcome[Coverage]) -> None:
        self._is_busy = False
        try:
            self._records.coverage = result.unwrap()
            self._records.memory.remove(job.index)
        except _Stopped:
            pass
        except BaseException as error:
            # What is in memory serves on; the next opening makes the files.
            self.error = error
        if self._closer is not None:
            trio.lowlevel.reschedule(self._closer)
        else:
            self._start_next()

    async def aclose(self) -> None:
        """Stop, and wait until nothing is written. Neither cancellation nor Ctrl-C ends it."""
        self._is_stopped = True
        if self._is_busy:
            self._closer = trio.lowlevel.current_task()
            await trio.lowlevel.wait_task_rescheduled(lambda raise_cancel: _NOT_NOW)
        else:
            await trio.lowlevel.cancel_shielded_checkpoint()

    # --- in a thread -------------------------------------------------------------------

    def _covered(self, coverage: Coverage, job: _Job) -> Coverage:
        store, index = coverage.store, job.index
        index.contents.settle(coverage.last_position)
        facts = index.facts(store.store, store.history)
        piece = b""
        if index.contents.count:
            piece = b"".join(self._until_stopped(file_chunks(index.contents, facts, None)))
        if not job.ends_segment:
            name = index_name(index.segment_first, index.first)
            with store.lock:
                return coverage.with_piece(store.save(name, piece))
        pieces = coverage.pieces
        readers = [coverage.answer(lambda p=p: _own_reader(coverage, p)) for p in pieces]  # type: ignore[misc]  # mypy infers no lambda with a default
        if piece:
            readers.append(reader_of(piece, ""))
        first = readers[0].header
        facts = attrs.evolve(facts, first=first.first, begin=first.begin)
        image = b"".join(self._until_stopped(merge_pieces(readers, facts, coverage.ends)))
        with store.lock:
            whole = store.save(index_name(index.segment_first), image)
            covered = coverage.with_whole(whole)
            for old in pieces:
                store.remove(old.name)
        return covered

    def _until_stopped(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        # Python gives each of two busy threads its turn every 5 ms. Giving up one's turn
        # between chunks would leave this one behind a busy store, and memory fills.
        for chunk in chunks:
            if self._is_stopped:
                raise _Stopped
            yield chunk


def _own_reader(coverage: Coverage, piece: Stretch) -> IndexReader:
    """A reader that nobody else uses, and so needs no lock."""
    return reader_of(coverage.store.image(piece.name), piece.name)

"""
A journal that somebody else writes, as a reader sees it: what is there, and what is added.

Nothing is written and no lock is taken, so that the writer never notices. Looking at the
files is done in a thread; what was found is taken up in Trio's thread, where it is read.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, final

import attrs
import trio

from ..errors import StoreClosed
from . import Head, OnCommit, ScopeEnd
from .disk import Disk, OSDisk
from .known import Known, know
from .layout import segment_name
from .line import CloseLine, CutLine, HeaderLine, to_stored
from .record import StoredRecord
from .records import Records
from .segment_reader import list_journal
from .wanted import Page, Wanted

if TYPE_CHECKING:
    import os
    from collections.abc import Callable

    from .chain import ClosedCommit


@final
@attrs.define(eq=False)
class FollowedJournal:
    """
    A store's journal, opened by `follow_journal` beside whoever writes it.

    `head` and what is read are as of the last `refresh`.
    """

    _known: Known
    _records: Records = attrs.field(init=False)
    _head: Head = attrs.field(init=False)
    _was_closed: bool = attrs.field(init=False)
    _looking: trio.Lock = attrs.field(factory=trio.Lock, init=False)
    _is_open: bool = attrs.field(default=True, init=False)
    on_commit: OnCommit = attrs.field(default=lambda records: None, init=False)
    """Is called with the records of each commit that is met, in order, once the head has moved."""

    def __attrs_post_init__(self) -> None:
        known, tail = self._known, self._known.tail
        directory = tail.segment.rpartition("/")[0]
        self._records = Records(tail.disk, directory, known.coverage, known.memory)
        last = tail.scan.last
        self._was_closed = last is not None and isinstance(last.mark, CloseLine)
        value = tail.chain.value if last is None or isinstance(last.mark, CutLine) else last.value
        self._head = Head(self._records.count, value)

    @property
    def head(self) -> Head:
        """The last record that was seen, and the commit value up to there."""
        return self._head

    @property
    def was_closed(self) -> bool:
        """Whether the last writer has closed it, and none has written since."""
        return self._was_closed

    @trio.lowlevel.enable_ki_protection
    async def refresh(self) -> None:
        """
        Take up what was written since, up to now at least.

        Checkpoints: always. Cancellation: nothing is lost.

        Raises:
          StoreClosed: this is closed.
          NotAStore: the store is not there any more.
          StoreReplaced: another one is, or another history of it.
          JournalCorrupt: what was written is damaged.
          JournalFailed: the disk refused.
        """
        async with self._looking:
            tail = self._known.tail
            newest = ""
            while True:
                self._check_open()
                first = tail.first
                step = await self._records.in_thread(tail.read_on)
                for commit in step.commits:
                    self._take(commit)
                if any(isinstance(commit.mark, HeaderLine) for commit in step.commits):
                    await self._cover()
                if tail.first != first:
                    # A writer may cut segments quicker than they are read: not for ever.
                    newest = newest or await self._records.in_thread(self._newest_segment)
                if step.is_last or (newest and segment_name(tail.first) > newest):
                    return

    def _newest_segment(self) -> str:
        tail = self._known.tail
        return list_journal(tail.disk, tail.path)[0][-1]

    async def _cover(self) -> None:
        """A segment was cut: have index files take the place of what is in memory."""
        covered = await self._records.in_thread(lambda: self._known.covered(must=False))
        if covered is not None:
            self._known.cover(covered)
            self._records.coverage = covered.coverage

    def _take(self, commit: ClosedCommit) -> None:
        self._known.take(commit)
        if isinstance(commit.mark, CutLine):
            return
        self._head = Head(self._records.count, commit.value)
        self._was_closed = isinstance(commit.mark, CloseLine)
        if commit.records:
            self.on_commit([to_stored(record) for record in commit.records])

    # --- reading, as a journal ------------------------------------------------------------

    async def read_scope(
        self,
        scope: str,
        *,
        first: int = 1,
        last: int | None = None,
        limit: int | None = None,
        reverse: bool = False,
    ) -> list[StoredRecord]:
        """Read a scope's records by sequence; see `Journal`."""
        self._check_open()
        records, _ = await self._records.read_scope(scope, first, last, limit, reverse=reverse)
        return records

    async def scan(self, wanted: Wanted, *, limit: int) -> Page:
        """Give a page of the records that are wanted; see `Journal`."""
        self._check_open()
        return await self._records.scan(wanted, limit)

    async def find(self, scope: str, proposal_id: str) -> tuple[StoredRecord, ...]:
        """Give the records of one admitted proposal, if any; see `Journal`."""
        # Ids are hashed by one thread at a time, and `refresh` may do so, too.
        async with self._looking:
            self._check_open()
            if self._known.has_late_hashes:
                await self._records.in_thread(self._known.hash_late)
            return await self._records.find(scope, proposal_id)

    async def scope_end(self, scope: str) -> ScopeEnd:
        """Say where a scope ends; sequence 0 if it was never used."""
        self._check_open()
        return await self._records.scope_end(scope)

    async def scopes(
        self, *, prefix: str = "", after: str | None = None, limit: int = 1000
    ) -> list[ScopeEnd]:
        """A page of the scopes ever used, by code point; see `Journal`."""
        self._check_open()
        return await self._records.scopes(prefix, after, limit)

    def close(self) -> None:
        """Close all files."""
        self._is_open = False
        self._records.coverage.store.close()

    def _check_open(self) -> None:
        if not self._is_open:
            raise StoreClosed("the reader was closed")


@asynccontextmanager
async def follow_journal(
    path: str | os.PathLike[str], *, disk: Disk | None = None
) -> AsyncIterator[FollowedJournal]:
    """
    Open a store's journal for reading, beside whoever writes it.

    Args:
      path: the store's directory.
      disk: another disk than the operating system's.

    Raises:
      NotAStore: the path holds something else, a store that is not finished, or one of a
        later format.
      JournalCorrupt: it is damaged, in what no index file covers.
      JournalFailed: the disk refused.

    Checkpoints: on entering. Cancellation: may be cancelled while it opens.
    """
    real_disk: Disk = OSDisk() if disk is None else disk
    await trio.lowlevel.checkpoint()
    journal = FollowedJournal(await _known(real_disk, real_disk.resolve(path)))
    try:
        yield journal
    finally:
        journal.close()


async def _known(disk: Disk, path: str) -> Known:
    if not disk.uses_threads:
        return know(disk, path)
    check: Callable[[], object] = trio.from_thread.check_cancelled
    return await trio.to_thread.run_sync(
        lambda: know(disk, path, check), limiter=trio.CapacityLimiter(1)
    )

"""
Reading a store from another process, beside the one that writes it.

A reader has no task of its own. Each call looks first at what was written since the last
one; a feed that waits looks again and again, at short intervals that grow while nothing
comes. So a reader that nobody asks costs nothing, and every error goes to who asked.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime
from types import UnionType
from typing import Any, Generic, Literal, TypeAlias, TypeVar, final, overload
from uuid import UUID

import attrs
import trio

from .errors import JournalFailed, StoreClosed
from .events import EventType, EventTypes, JsonEvent, event_types
from .feed import Feed, Hub, start_of
from .filter import Filter
from .intake import check_scope
from .journal import Head, ScopeEnd, StoredRecord, Wanted
from .journal.disk import Disk
from .journal.followed import FollowedJournal, follow_journal
from .parts import Options
from .reading import OnProgress, Reading, check_which, filter_of, query, reading
from .records import Record
from .result import Result, admitted_before

E = TypeVar("E")

Path: TypeAlias = str | os.PathLike[str]

POLL_S_MIN = 0.001
"""How soon a feed looks again after something came."""
POLL_S_MAX = 0.04
"""How long it waits at most before it looks again, so that it is not more than 50 ms behind."""
POLL_GROWTH = 1.5
BUSY_RECORDS = 16
"""If so many came at once, more will: looking for each commit takes a processor from the writer."""
BUSY_S = 0.02
"""How long a feed then lets them gather."""


@final
@attrs.define(eq=False)
class _Polled:
    """New records for feeds: one of those that wait looks for them, for all."""

    journal: FollowedJournal
    interval_s: float = POLL_S_MIN
    feeds: int = 0
    _hub: Hub = attrs.Factory(Hub)
    _is_looking: bool = False
    # Where the journal ended before the last look.
    _looked_from: int = attrs.field(init=False)
    _woken: trio.Event = attrs.Factory(trio.Event)

    def __attrs_post_init__(self) -> None:
        self._looked_from = self.journal.head.position

    @property
    def is_closed(self) -> bool:
        """Whether there will be no more."""
        return self._hub.is_closed

    @property
    def failure(self) -> JournalFailed | None:
        """None: what goes wrong is raised where it is met."""
        return None

    def publish(self, records: Sequence[StoredRecord]) -> None:
        """Take the records of a commit, and have all feeds look again."""
        if self.feeds:
            self._hub.publish(records)

    def page(self, after: int) -> list[StoredRecord] | None:
        """Records behind a position; None if it does not reach so far back."""
        return self._hub.page(after)

    @trio.lowlevel.enable_ki_protection
    async def wait(self) -> None:
        """Wait for more, or look for it if nobody does. May be cancelled."""
        if self._is_looking:
            await self._hub.wait()
            return
        self._is_looking = True
        try:
            await self._look()
        except StoreClosed:
            # The feed sees that itself.
            assert self.is_closed
        finally:
            self._is_looking = False
            self._hub.wake()

    async def _look(self) -> None:
        head = self.journal.head
        is_busy = head.position - self._looked_from >= BUSY_RECORDS
        self._looked_from = head.position
        if is_busy and await self._is_woken_in(BUSY_S):
            return
        while not self.is_closed:
            await self.journal.refresh()
            # Or another call took up what this one waits for, while it slept.
            if self.journal.head != head:
                self.interval_s = POLL_S_MIN
                return
            if await self._is_woken_in(self.interval_s):
                return
            self.interval_s = min(self.interval_s * POLL_GROWTH, POLL_S_MAX)

    async def _is_woken_in(self, seconds: float) -> bool:
        with trio.move_on_after(seconds):
            await self._woken.wait()
            self._woken = trio.Event()
            return True
        return False

    def wake(self) -> None:
        """Have all feeds look again."""
        self._woken.set()
        self._hub.wake()

    def leave(self) -> None:
        """A feed has ended. Without any, nothing is kept."""
        self.feeds -= 1
        if not self.feeds:
            self._hub = Hub(is_closed=self._hub.is_closed)

    def close(self) -> None:
        """End all feeds."""
        self._hub.close()
        self.wake()


@final
@attrs.define(eq=False)
class Reader(Generic[E]):
    """
    A store in files that somebody else may be writing, to be read only. Opened by `open_reader`.

    It sees whole commits, in order, as soon as they are written. All of it is for use in the
    Trio thread that opened it, from any number of tasks. All calls raise:

      StoreReplaced: another store, or another history of it, lies there now.
      NotAStore: it is not there any more.
      JournalCorrupt: what was written is damaged.
      JournalFailed: the disk refused to be read.
      StoreClosed: the block of `open_reader` was left.
    """

    _journal: FollowedJournal
    _types: EventTypes
    _polled: _Polled

    # --- asking -----------------------------------------------------------------------

    async def query_events(
        self,
        scope: str,
        *,
        after: int = 0,
        before: int | None = None,
        last: int | None = None,
        limit: int | None = None,
    ) -> list[Record[E]]:
        """
        Read a scope's records in the order of sequence; as `Store.query_events`.

        Checkpoints: always. Cancellation: changes nothing.
        """
        await self._journal.refresh()
        return await query(
            self._journal, self._record, scope, after=after, before=before, last=last, limit=limit
        )

    def read(
        self,
        *,
        scope: str | None = None,
        prefix: str | None = None,
        after: int | None = None,
        before: int | None = None,
        at: datetime | str | None = None,
        reverse: bool = False,
        where: str | Filter | None = None,
        limit: int | None = None,
        on_progress: OnProgress | None = None,
    ) -> Reading[E]:
        """Read records in the order of position, filtered; as `Store.read`."""
        return reading(
            self._journal, self._record, scope=scope, prefix=prefix, after=after, before=before,
            at=at, reverse=reverse, where=where, limit=limit, on_progress=on_progress,
            refresh=self._journal.refresh,
        )  # fmt: skip

    async def outcome(self, proposal_id: UUID, *, scope: str) -> Result[E] | None:
        """
        Ask what became of a proposal; as `Store.outcome`.

        Checkpoints: always. Cancellation: changes nothing.
        """
        check_scope(scope)
        await self._journal.refresh()
        stored = await self._journal.find(scope, str(proposal_id))
        if not stored:
            return None
        past = await self._journal.read_scope(scope, last=stored[-1].sequence)
        records = tuple(map(self._record, stored))
        return admitted_before(records, list(map(self._record, past)), len(past))

    async def scopes(
        self, prefix: str = "", after: str | None = None, *, limit: int = 1_000
    ) -> list[ScopeEnd]:
        """
        Give a page of all scopes ever used, ordered by code point; as `Store.scopes`.

        Checkpoints: always. Cancellation: changes nothing.
        """
        await self._journal.refresh()
        return await self._journal.scopes(prefix=prefix, after=after, limit=limit)

    async def refresh(self) -> Head:
        """
        Look at what was written since. All other calls do so, too.

        Returns:
          The head as it is now.

        Checkpoints: always. Cancellation: nothing is lost.
        """
        await self._journal.refresh()
        return self.head

    @property
    def head(self) -> Head:
        """The last record's position and the commit value, as of the last look."""
        return self._journal.head

    @property
    def was_closed(self) -> bool:
        """Whether the writer has closed the store, as of the last look."""
        return self._journal.was_closed

    # --- following ----------------------------------------------------------------------

    @asynccontextmanager
    async def subscribe(
        self,
        *,
        scope: str | None = None,
        prefix: str | None = None,
        where: str | Filter | None = None,
        after: int | Literal["end"] = 0,
    ) -> AsyncIterator[Feed[E]]:
        """
        Follow records in the order of position: history, `CaughtUp`, then new ones.

        As `Store.subscribe`; the feed lives on when the store is closed, and goes on when
        somebody opens it again. It ends with the block of `open_reader`. It is at most 50 ms
        behind what is written, if it has nothing else to wait for.
        """
        check_which(scope, prefix)
        wanted = Wanted(scope=scope, prefix=prefix or "", where=filter_of(where))
        await self._journal.refresh()
        position = start_of(after, self.head.position)
        self._polled.feeds += 1
        feed: Feed[E] = Feed(position, self._journal, self._polled, self._record, wanted)
        try:
            yield feed
        finally:
            feed.close()
            self._polled.leave()

    def _record(self, stored: StoredRecord) -> Record[Any]:
        return Record(stored, self._types)


@overload
def open_reader(
    path: Path, *, events: None = None, disk: Disk | None = None
) -> AbstractAsyncContextManager[Reader[JsonEvent]]: ...
@overload
def open_reader(
    path: Path, *, events: type[E] | EventType[E], disk: Disk | None = None
) -> AbstractAsyncContextManager[Reader[E]]: ...
@overload
def open_reader(
    path: Path, *, events: UnionType | list[Any] | tuple[Any, ...], disk: Disk | None = None
) -> AbstractAsyncContextManager[Reader[Any]]: ...


def open_reader(
    path: Path, *, events: Any = None, disk: Disk | None = None
) -> AbstractAsyncContextManager[Reader[Any]]:
    """
    Open a store's files for reading, for a block; beside whoever writes them, or nobody.

    It takes no lock, writes nothing, and needs no right to: the writer never notices. What is
    read ends with the last whole commit. The system shows a commit before it is on the
    disk: a reader may be one commit ahead of what a loss of power would leave.

    Args:
      path: the store's directory.
      events: as for `open_store`; None: plain JSON, as `JsonEvent`.
      disk: another disk than the operating system's.

    Raises:
      NotAStore: there is something else at `path`, a store that is not finished, or one of
        a later version.
      JournalCorrupt: it is damaged, in what no index file covers; `atomic-store verify`
        finds all damage.
      JournalFailed: the disk refused.
      TypeError: what `events` says cannot be.

    Checkpoints: on entering. Cancellation: may be cancelled while it opens.
    """
    types = event_types(events, event_bytes_max=Options().event_bytes_max)
    return _open(path, types, disk)


@asynccontextmanager
async def _open(path: Path, types: EventTypes, disk: Disk | None) -> AsyncIterator[Reader[Any]]:
    async with follow_journal(path, disk=disk) as journal:
        polled = _Polled(journal)
        journal.on_commit = polled.publish
        reader: Reader[Any] = Reader(journal, types, polled)
        try:
            yield reader
        finally:
            polled.close()

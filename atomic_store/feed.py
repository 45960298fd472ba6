"""
Subscriptions: history first, then what is admitted from now on, without gap or duplicate.

A feed is a cursor, nothing more: it holds a position, and asks for what lies behind it.
New records come from a bounded window of the latest ones, which all feeds share; a feed
that has fallen behind the window reads the journal until it has caught up. So nothing is
dropped, and no feed needs more memory than a page.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from itertools import islice
from typing import Any, Generic, Literal, Protocol, TypeAlias, TypeVar, final

import attrs
import trio

from .errors import JournalFailed
from .journal import RecordSource, StoredRecord, Wanted
from .journal.record import size_of
from .one_task import OneTask
from .records import Record

E = TypeVar("E")

PAGE_RECORDS = 500
"""How many records a feed reads at a time."""
WINDOW_BYTES_MAX = 16 * 1024**2
"""How much of the latest records' data is kept for all feeds together."""


RECORD_BYTES = 500
"""What a record takes in memory beside its data, about."""


def _weight(record: StoredRecord) -> int:
    return size_of(record) + RECORD_BYTES


@final
@attrs.frozen
class CaughtUp:
    """History is over: what follows was admitted later than this feed came to here."""

    position: int
    """Everything up to it has been given, as far as the feed covers it."""


FeedItem: TypeAlias = Record[E] | CaughtUp


class Live(Protocol):
    """What a feed asks for new records: the latest ones, and to be woken when there are more."""

    @property
    def is_closed(self) -> bool:
        """Whether there will be no more."""
        ...

    @property
    def failure(self) -> JournalFailed | None:
        """Why there will be no more, if that is a failure."""
        ...

    def page(self, after: int) -> list[StoredRecord] | None:
        """Records behind a position; None if it does not reach so far back."""
        ...

    async def wait(self) -> None:
        """Wait until it is worth while to look again. May be cancelled."""
        ...

    def wake(self) -> None:
        """Have all feeds look again."""
        ...


@final
@attrs.define(eq=False)
class Hub:
    """The latest records, and the feeds that wait for more."""

    window_bytes_max: int = WINDOW_BYTES_MAX
    # Invariant: consecutive positions; the last one is the journal's head.
    window: deque[StoredRecord] = attrs.Factory(deque)
    window_bytes: int = 0
    is_closed: bool = False
    failure: JournalFailed | None = None
    _waiting: list[trio.lowlevel.Task] = attrs.Factory(list)

    def publish(self, records: Sequence[StoredRecord]) -> None:
        """Take the records of a commit, and wake all feeds that wait."""
        self.window.extend(records)
        self.window_bytes += sum(map(_weight, records))
        while self.window_bytes > self.window_bytes_max:
            self.window_bytes -= _weight(self.window.popleft())
        self.wake()

    def close(self, failure: JournalFailed | None = None) -> None:
        """End all feeds, once they have given all that is durable."""
        self.is_closed = True
        self.failure = failure
        self.wake()

    def page(self, after: int) -> list[StoredRecord] | None:
        """Records behind a position, from the window; None if it does not reach so far back."""
        if not self.window or self.window[0].position > after + 1:
            return None
        start = after + 1 - self.window[0].position
        if start < len(self.window) // 2:
            return list(islice(self.window, start, start + PAGE_RECORDS))
        # A deque is reached from both ends; feeds are mostly near the newer one.
        newest = list(islice(reversed(self.window), len(self.window) - start))
        newest.reverse()
        return newest[:PAGE_RECORDS]

    def record(self, position: int) -> StoredRecord | None:
        """The record at a position, from the window; None if it is not there."""
        at = position - self.window[0].position if self.window else -1
        return self.window[at] if 0 <= at < len(self.window) else None

    @trio.lowlevel.enable_ki_protection
    async def wait(self) -> None:
        """Wait for the next commit, or the end. May be cancelled."""
        task = trio.lowlevel.current_task()

        def abort(raise_cancel: object) -> trio.lowlevel.Abort:
            self._waiting.remove(task)
            return trio.lowlevel.Abort.SUCCEEDED

        self._waiting.append(task)
        await trio.lowlevel.wait_task_rescheduled(abort)

    def wake(self) -> None:
        """Have all feeds look again."""
        waiting, self._waiting = self._waiting, []
        for task in waiting:
            trio.lowlevel.reschedule(task)


@final
@attrs.define(eq=False)
class Feed(Generic[E]):
    """
    An async iterator over records, and one `CaughtUp` where history ends.

    ``async for item in feed`` takes them one by one, `page` all that are at hand: for whoever
    follows much, that is quicker. It ends when the store is closed, after everything that is
    durable; if the journal has failed, it raises `JournalFailed` there. Taking the next item
    checkpoints, and may be cancelled: nothing is lost, and the next call goes on. One task at
    a time.
    """

    position: int
    """Everything up to it was given, as far as the feed covers it."""
    _source: RecordSource
    _live: Live
    _record: Callable[[StoredRecord], Record[Any]]
    _wanted: Wanted
    _ready: deque[StoredRecord] = attrs.Factory(deque)
    # Where the page in _ready ends.
    _read_to: int = attrs.field(default=0, init=False)
    _has_caught_up: bool = attrs.field(default=False, init=False)
    _alone: OneTask = attrs.field(
        factory=lambda: OneTask("another task is taking from this feed"), init=False
    )
    _is_open: bool = attrs.field(default=True, init=False)

    def __attrs_post_init__(self) -> None:
        self._read_to = self.position

    def close(self) -> None:
        """End it: whoever takes from it, or waits to, finds nothing."""
        self._is_open = False
        self._live.wake()

    def __aiter__(self) -> AsyncIterator[FeedItem[E]]:
        return self

    @trio.lowlevel.enable_ki_protection
    async def __anext__(self) -> FeedItem[E]:
        with self._alone:
            await trio.lowlevel.checkpoint()
            return await self._next()

    @trio.lowlevel.enable_ki_protection
    async def page(self) -> list[FeedItem[E]]:
        """
        Take the next items: waits for one, and gives all that are at hand; none at the end.

        Checkpoints: always. Cancellation: nothing is lost.
        """
        with self._alone:
            await trio.lowlevel.checkpoint()
            try:
                found = [await self._next()]
            except StopAsyncIteration:
                return []
            found += map(self._record, self._ready)
            self._ready.clear()
            self.position = self._read_to
            return found

    async def _next(self) -> FeedItem[E]:
        while self._is_open:
            if self._ready:
                stored = self._ready.popleft()
                self.position = stored.position
                return self._record(stored)
            self.position = self._read_to
            head = self._source.head.position
            if self.position < head:
                await self._fill(head)
                if not self._ready:
                    await trio.lowlevel.checkpoint()
            elif not self._has_caught_up:
                self._has_caught_up = True
                return CaughtUp(self.position)
            elif self._live.failure is not None:
                raise self._live.failure.again()
            elif self._live.is_closed:
                break
            else:
                await self._live.wait()
        raise StopAsyncIteration

    async def _fill(self, head: int) -> None:
        """Get the next page, and move on by it; it may hold nothing for this feed."""
        window = self._live.page(self.position)
        if window is not None:
            # What was looked at, and does not match, is passed by as well.
            self._ready.extend([stored for stored in window if self._wanted.matches(stored)])
            self._read_to = window[-1].position
            return
        wanted = attrs.evolve(self._wanted, first=self.position + 1, last=head)
        page = await self._source.scan(wanted, limit=PAGE_RECORDS)
        self._ready.extend(page.records)
        self._read_to = head if page.next is None else page.next - 1


def start_of(after: int | Literal["end"], head: int) -> int:
    """
    Give the position behind which a feed begins.

    Raises:
      ValueError: it is none, or lies ahead.
    """
    position = head if after == "end" else after
    if type(position) is not int or not 0 <= position <= head:
        raise ValueError(f'after: expected a position from 0 to {head} or "end", found {after!r}')
    return position


__all__ = ["CaughtUp", "Feed", "FeedItem", "Hub", "start_of"]

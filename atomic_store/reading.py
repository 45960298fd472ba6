"""
Reading records by position or time, filtered.

A `Reading` is a cursor and nothing more: between two steps it holds no task, no thread and
no file. So it needs no block around it, and may be left in the middle of a loop.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, Generic, TypeAlias, TypeVar, final

import attrs
import trio

from .errors import shown
from .filter import Filter
from .filter import parse as parse_filter
from .filter.times import EXPECTED, period
from .intake import check_scope
from .journal import RecordSource, StoredRecord, Wanted
from .journal.clock import timestamp, utc_now
from .one_task import OneTask
from .records import Record

E = TypeVar("E")

PAGE_RECORDS = 500
"""How many records are read at a time."""

OnProgress: TypeAlias = Callable[[int, int], object]
Refresh: TypeAlias = Callable[[], Awaitable[object]]


@final
@attrs.define(eq=False)
class Reading(Generic[E]):
    """
    Records that were asked for: an async iterator, that can be left at any time.

    ``async for record in store.read(…)`` takes them one by one, `page` some at a time, and
    `all` all at once. It ends at what is the last durable record when it is first taken from.
    Taking checkpoints, and may be cancelled: nothing is lost, and the next call goes on. One
    task at a time.

    Raises, when it is taken from:
      JournalCorrupt: a record that was looked at is damaged; those before it were given.
      JournalFailed: the disk refused to be read.
      StoreClosed: a journal in memory is gone.
    """

    _source: RecordSource
    _record: Callable[[StoredRecord], Record[Any]]
    # What is not read yet; None: nothing.
    _wanted: Wanted | None
    _left: int | None
    _on_progress: OnProgress | None = None
    _refresh: Refresh | None = None
    _ready: deque[Record[Any]] = attrs.field(factory=deque, init=False)
    # The last position that will be looked at; None before the first one is.
    _end: int | None = attrs.field(default=None, init=False)
    _alone: OneTask = attrs.field(
        factory=lambda: OneTask("another task is taking from this reading"), init=False
    )

    def __aiter__(self) -> AsyncIterator[Record[E]]:
        return self

    @trio.lowlevel.enable_ki_protection
    async def __anext__(self) -> Record[E]:
        with self._alone:
            if self._ready:
                await trio.lowlevel.checkpoint()
            else:
                self._ready.extend(await self._fetch())
            if not self._ready:
                raise StopAsyncIteration
            return self._ready.popleft()

    @trio.lowlevel.enable_ki_protection
    async def page(self) -> list[Record[E]]:
        """
        Take the next records, as many as are there without waiting long; none at the end.

        Checkpoints: always. Cancellation: nothing is lost.
        """
        with self._alone:
            if not self._ready:
                return await self._fetch()
            await trio.lowlevel.checkpoint()
            found = [*self._ready]
            self._ready.clear()
            return found

    async def all(self) -> list[Record[E]]:
        """
        Take all that are left, as a list.

        Checkpoints: always. Cancellation: what was taken is lost.
        """
        found = await self.page()
        while page := await self.page():
            found += page
        return found

    async def _fetch(self) -> list[Record[E]]:
        """Give the next page that is not empty; an empty one at the end."""
        found: list[Record[E]] = []
        if self._is_over():
            await trio.lowlevel.checkpoint()
        elif self._end is None:
            await self._begin()
        while not found and not self._is_over():
            found = await self._next_page()
        return found

    async def _begin(self) -> None:
        """Find out where it ends."""
        wanted = self._wanted
        assert wanted is not None
        if self._refresh is not None:
            await self._refresh()
        head = self._source.head.position
        last = head if wanted.last is None else min(wanted.last, head)
        self._wanted = attrs.evolve(wanted, last=last)
        self._end = wanted.first if wanted.reverse else last

    def _is_over(self) -> bool:
        return self._wanted is None or self._left == 0

    async def _next_page(self) -> list[Record[E]]:
        wanted, left, end = self._wanted, self._left, self._end
        assert wanted is not None
        assert end is not None
        limit = PAGE_RECORDS if left is None else min(PAGE_RECORDS, left)
        page = await self._source.scan(wanted, limit=limit)
        if left is not None:
            self._left = left - len(page.records)
        self._wanted = None if page.next is None else wanted.going_on_at(page.next)
        if self._on_progress is not None:
            reached = end
            if page.next is not None and not self._is_over():
                reached = page.next + 1 if wanted.reverse else page.next - 1
            self._on_progress(reached, end)
        return [self._record(stored) for stored in page.records]


def reading(
    source: RecordSource,
    record: Callable[[StoredRecord], Record[Any]],
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
    refresh: Refresh | None = None,
) -> Reading[Any]:
    """
    Make a `Reading` of what `Store.read` is asked for.

    Args:
      refresh: is awaited before it is found out where the source ends.

    Raises:
      ValueError, InvalidEvent, FilterError: that cannot be asked for.
    """
    check_which(scope, prefix)
    for name, value in (("after", after), ("before", before), ("limit", limit)):
        check_count(name, value)
    since, until = (None, moment(at, reverse=True)) if reverse else (moment(at), None)
    wanted = Wanted(
        first=(after or 0) + 1, last=None if before is None else before - 1,
        since=since, until=until, scope=scope, prefix=prefix or "",
        where=filter_of(where), reverse=reverse,
    )  # fmt: skip
    return Reading(source, record, wanted, limit, on_progress, refresh)


async def query(
    source: RecordSource,
    record: Callable[[StoredRecord], Record[Any]],
    scope: str,
    *,
    after: int = 0,
    before: int | None = None,
    last: int | None = None,
    limit: int | None = None,
) -> list[Record[Any]]:
    """
    Read what `Store.query_events` is asked for.

    Raises:
      ValueError, InvalidEvent: that cannot be asked for.
      JournalCorrupt: a record that was asked for is damaged.
    """
    check_scope(scope)
    for name, value in (("after", after), ("before", before), ("last", last), ("limit", limit)):
        check_count(name, value)
    if last is not None and limit is not None:
        raise ValueError("expected `last` or `limit`, found both")
    stored = await source.read_scope(
        scope,
        first=after + 1,
        last=None if before is None else before - 1,
        limit=limit if last is None else last,
        reverse=last is not None,
    )
    if last is not None:
        stored.reverse()
    return list(map(record, stored))


def filter_of(where: str | Filter | None) -> Filter | None:
    """
    Give the filter that a text means; "so long ago" counts from now.

    Raises:
      FilterError: the text is none.
    """
    return parse_filter(where, now=utc_now()) if isinstance(where, str) else where


def check_which(scope: str | None, prefix: str | None) -> None:
    """
    Check which scopes are asked for.

    Raises:
      ValueError: both ways to say it are used.
      InvalidEvent: no scope can have this name.
    """
    if scope is not None and prefix is not None:
        raise ValueError("expected `scope` or `prefix`, found both")
    if scope is not None:
        check_scope(scope)


def check_count(name: str, value: int | None) -> None:
    """
    Check a position, a sequence or a limit.

    Raises:
      ValueError: it is none.
    """
    if value is not None and (type(value) is not int or value < 0):
        raise ValueError(f"{name}: expected an integer from 0, found {value!r}")


def moment(at: datetime | str | None, *, reverse: bool = False) -> str | None:
    """
    Write a time as records have it: of a day its first moment, or its last if reversed.

    Raises:
      ValueError: it is none, or has no zone.
    """
    if at is None:
        return None
    if isinstance(at, datetime):
        if at.utcoffset() is None:
            raise ValueError(f"at: expected a time with a zone, found {at}")
        return timestamp(at.astimezone(UTC))
    found = period(at, utc_now())
    if found is None:
        raise ValueError(f"at: expected {EXPECTED}, found {shown(at)}")
    return found.last if reverse else found.first

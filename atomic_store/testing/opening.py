"""A store for tests: in memory, on Trio's clock."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime
from types import UnionType
from typing import Any, TypeVar, Unpack, overload

from ..events import EventType, JsonEvent
from ..fold import Fold
from ..journal import Journal
from ..journal.memory import open_memory_journal
from ..opening import open_store
from ..store import Store
from .clocks import START, trio_clock
from .options import StoreOptions

E = TypeVar("E")


@overload
def open_test_store(
    *,
    events: type[E] | EventType[E],
    scope_of: Callable[[E], str] | None = None,
    state: Fold[Any, E] | None = None,
    start: datetime = ...,
    **options: Unpack[StoreOptions],
) -> AbstractAsyncContextManager[Store[E]]: ...
@overload
def open_test_store(
    *,
    events: None,
    scope_of: Callable[[JsonEvent], str] | None = None,
    state: Fold[Any, JsonEvent] | None = None,
    start: datetime = ...,
    **options: Unpack[StoreOptions],
) -> AbstractAsyncContextManager[Store[JsonEvent]]: ...
@overload
def open_test_store(
    *,
    events: UnionType | Sequence[Any],
    scope_of: Callable[[Any], str] | None = None,
    state: Fold[Any, Any] | None = None,
    start: datetime = ...,
    **options: Unpack[StoreOptions],
) -> AbstractAsyncContextManager[Store[Any]]: ...


def open_test_store(
    *,
    events: Any,
    scope_of: Callable[[Any], str] | None = None,
    state: Fold[Any, Any] | None = None,
    start: datetime = START,
    **options: Unpack[StoreOptions],
) -> AbstractAsyncContextManager[Store[Any]]:
    """
    Open a new store in memory whose records get their times from Trio's clock.

    No thread and no disk is used, so that under `trio.testing.MockClock`, autojump
    included, every timeout and every record's `at` is the same in each run.

    Args:
      events, scope_of, state, options: as `atomic_store.open_store` takes them.
      start: the time when the store opens, with a time zone.

    Raises:
      TypeError, ValueError: as `atomic_store.open_store`; or `start` has no time zone.
      BaseException: whatever the block raises, as itself.
    """

    def open_on(journal: Journal) -> AbstractAsyncContextManager[Store[Any]]:
        return open_store(journal, events=events, scope_of=scope_of, state=state, **options)

    return _open(start, open_on)


@asynccontextmanager
async def _open(
    start: datetime, open_on: Callable[[Journal], AbstractAsyncContextManager[Store[Any]]]
) -> AsyncIterator[Store[Any]]:
    async with open_memory_journal(clock=trio_clock(start)) as journal, open_on(journal) as store:
        yield store

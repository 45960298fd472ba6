"""Opening a store: its journal, its nursery, and how both end."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from pathlib import Path
from types import UnionType
from typing import Any, TypeAlias, TypeVar, overload

import trio

from .errors import JournalFailed, shown
from .events import EventType, JsonEvent, StateCodec, event_types, state_codec
from .feed import Hub
from .fold import Fold
from .intake import Intake
from .journal import Journal
from .journal.file import open_file_journal
from .journal.memory import open_memory_journal
from .parts import Options, Parts
from .receptionist import INBOX_MESSAGES_MAX, Receptionist
from .store import Store
from .supervisor import Supervisor
from .tasks import Tasks

E = TypeVar("E")

Location: TypeAlias = str | os.PathLike[str] | Journal
EventsSpec: TypeAlias = type[Any] | UnionType | EventType[Any] | Sequence[Any] | None


@overload
def open_store(
    location: Location,
    *,
    events: type[E] | EventType[E],
    scope_of: Callable[[E], str] | None = None,
    state: Fold[Any, E] | None = None,
    validation_timeout: float = ...,
    timeout_reason: str = ...,
    max_waiting: int = ...,
    idle_after: float = ...,
    live_scopes_max: int = ...,
    past_bytes_max: int = ...,
    event_bytes_max: int = ...,
    decision_events_max: int = ...,
    decision_bytes_max: int = ...,
    snapshot_every: int = ...,
) -> AbstractAsyncContextManager[Store[E]]: ...
@overload
def open_store(
    location: Location,
    *,
    events: None,
    scope_of: Callable[[JsonEvent], str] | None = None,
    state: Fold[Any, JsonEvent] | None = None,
    validation_timeout: float = ...,
    timeout_reason: str = ...,
    max_waiting: int = ...,
    idle_after: float = ...,
    live_scopes_max: int = ...,
    past_bytes_max: int = ...,
    event_bytes_max: int = ...,
    decision_events_max: int = ...,
    decision_bytes_max: int = ...,
    snapshot_every: int = ...,
) -> AbstractAsyncContextManager[Store[JsonEvent]]: ...
@overload
def open_store(
    location: Location,
    *,
    events: UnionType | Sequence[Any],
    scope_of: Callable[[Any], str] | None = None,
    state: Fold[Any, Any] | None = None,
    validation_timeout: float = ...,
    timeout_reason: str = ...,
    max_waiting: int = ...,
    idle_after: float = ...,
    live_scopes_max: int = ...,
    past_bytes_max: int = ...,
    event_bytes_max: int = ...,
    decision_events_max: int = ...,
    decision_bytes_max: int = ...,
    snapshot_every: int = ...,
) -> AbstractAsyncContextManager[Store[Any]]: ...


def open_store(
    location: Location,
    *,
    events: Any,
    scope_of: Callable[[Any], str] | None = None,
    state: Fold[Any, Any] | None = None,
    validation_timeout: float = 5.0,
    timeout_reason: str = "timed out",
    max_waiting: int = 10_000,
    idle_after: float = 60.0,
    live_scopes_max: int = 1_000,
    past_bytes_max: int = 256 * 1024**2,
    event_bytes_max: int = 256 * 1024,
    decision_events_max: int = 10_000,
    decision_bytes_max: int = 64 * 1024**2,
    snapshot_every: int = 1_000,
) -> AbstractAsyncContextManager[Store[Any]]:
    """
    Open a store for a block; nobody else can write to it meanwhile.

    Args:
      location: a directory, which is made if it is missing; ``":memory:"`` for one that
        is gone with the block; or an open `Journal`, which stays open.
      events: what may be stored: an attrs class, a union or a sequence of such;
        None: plain JSON, as `JsonEvent`.
      scope_of: gives an event's scope; without it, each call says `scope=`.
      state: a fold; the store then keeps a state for each scope instead of its past.
      validation_timeout: how long a round may stay open, in seconds from its opening.
      timeout_reason: the `reason` of results that timed out.
      max_waiting: how many proposals may wait in a scope.
      idle_after: how long a scope stays live after its last work, in seconds.
      live_scopes_max: how many scopes may be live while idle.
      past_bytes_max: how many bytes of events are kept in memory for idle scopes.
      event_bytes_max: the largest event, and the largest metadata, in bytes of JSON.
      decision_events_max, decision_bytes_max: the largest decision, in events and in
        bytes of JSON.
      snapshot_every: after how many events a scope's state is kept on disk, if the fold
        has a `state_type`; after a tenth of that when the scope goes.

    Leaving the block closes the store, however it is left: proposals that are not
    decided get `StoreClosed`, what was decided is made durable and returned, then the
    journal is closed. That is shielded from cancellation.

    Raises:
      StoreLocked: somebody has it open for writing.
      JournalCorrupt: it is damaged; `atomic-store verify` says where.
      NotAStore: there is something else at `location`.
      JournalFailed: the disk refused, now or while the block ran, which was then cancelled.
      TypeError, ValueError: what `events` or an option says cannot be.
      BaseException: whatever the block raises, as itself.
    """
    options = Options(
        validation_timeout=validation_timeout,
        timeout_reason=timeout_reason,
        max_waiting=max_waiting,
        idle_after=idle_after,
        live_scopes_max=live_scopes_max,
        past_bytes_max=past_bytes_max,
        event_bytes_max=event_bytes_max,
        decision_events_max=decision_events_max,
        decision_bytes_max=decision_bytes_max,
        snapshot_every=snapshot_every,
    )
    return _open(location, parts_maker(events, scope_of, state, options))


def parts_maker(
    events: Any,
    scope_of: Callable[[Any], str] | None,
    state: Fold[Any, Any] | None,
    options: Options,
) -> Callable[[Journal], Parts]:
    """
    Look at what `open_store` was given, before there is a journal.

    Returns:
      What makes the store's parts once there is one.

    Raises:
      TypeError, ValueError: what `events` or `state` says cannot be.
    """
    types = event_types(events, event_bytes_max=options.event_bytes_max)
    codec = _state_codec(state, events)
    return lambda journal: Parts(journal, types, state, codec, scope_of, options)


def _state_codec(state: object, events: Any) -> StateCodec | None:
    """Make the codec of a fold's states; None if they are not kept on disk."""
    if state is None:
        return None
    if not isinstance(state, Fold):
        raise TypeError(f"state: expected a Fold, found {shown(state)}")
    return None if state.state_type is None else state_codec(state.state_type, events)


def _journal_at(location: Location) -> AbstractAsyncContextManager[Journal]:
    if isinstance(location, str) and location == ":memory:":
        return open_memory_journal()
    if isinstance(location, str | os.PathLike):
        return open_file_journal(Path(location))
    return nullcontext(location)


@asynccontextmanager
@trio.lowlevel.enable_ki_protection
async def _open(
    location: Location, make_parts: Callable[[Journal], Parts]
) -> AsyncIterator[Store[Any]]:
    async with _journal_at(location) as journal:
        raised: BaseException | None = None
        try:
            async with trio.open_nursery() as outer:
                tasks = Tasks(outer)
                try:
                    hub = Hub()
                    store, receptionist = _start(make_parts(journal), tasks, hub)
                    try:
                        with trio.CancelScope() as body:

                            def fail(failure: JournalFailed) -> None:
                                store._fail(failure)
                                body.cancel()

                            journal.observe(hub.publish, fail)
                            yield store
                    except BaseException as error:
                        # It leaves as itself, so it must not pass through the nurseries.
                        raised = error
                    outer.cancel_scope.shield = True
                    await store._close(receptionist)
                finally:
                    tasks.cancel()
        except BaseExceptionGroup as group:
            # An interrupt that came while the store was closing waits in the nursery.
            interrupt, others = group.split(KeyboardInterrupt)
            if others is not None:
                raise others from raised
            raised = raised or _only(interrupt)
        if journal.failure is not None:
            raise journal.failure.again() from raised
        if raised is not None:
            raise raised


def _start(parts: Parts, tasks: Tasks, hub: Hub) -> tuple[Store[Any], Receptionist]:
    inbox, messages = trio.open_memory_channel[Any](INBOX_MESSAGES_MAX)
    supervisor = Supervisor(parts, tasks)
    store: Store[Any] = Store(parts, supervisor, Intake(parts, supervisor), hub, inbox)
    receptionist = Receptionist(store, messages)
    tasks.start_soon(receptionist.run)
    if parts.snapshots is not None:
        tasks.start_soon(parts.snapshots.run)
    return store, receptionist


def _only(group: BaseExceptionGroup[BaseException] | None) -> BaseException:
    assert group is not None
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error

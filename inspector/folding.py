"""
Folds that somebody names: what a scope's events amounted to, at any of its sequences.

The code is somebody else's. It may raise, leave, print, or never come back; so it runs in a
thread that is left alone when nobody waits any more, and what it raises is told in words.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar, final

import attrs
import trio

from atomic_store import Fold
from atomic_store.cli.folds import failure_of, load_event_types, load_fold
from atomic_store.errors import AtomicStoreError
from atomic_store.events import EventTypes
from atomic_store.journal import StoredRecord

from .model.json_text import json_text
from .model.states import FoldBroken, StatesKept, Way, gone
from .sources.source import OnProgress, Source

PAGE_RECORDS: Final = 1_000
"""So many records are read, and gone through, at a time."""
PAGE_RECORDS_FIRST: Final = 100
"""And at first: whoever waits sees progress soon."""
THREADS_MAX: Final = 4
"""So much of somebody's code may not come back before nobody can wait for more of it."""

T = TypeVar("T")


class FoldFailed(AtomicStoreError, RuntimeError):
    """A fold has raised, or an event cannot be given to it; the message says at which event."""


@final
@attrs.frozen(eq=False)
class Folding:
    """A fold, and how the records of a store become the events that it knows."""

    name: str
    """As it was named: ``rules:tally``."""
    fold: Fold[Any, Any]
    types: EventTypes

    def kept(self) -> StatesKept:
        """Begin to keep the states of a scope."""
        return StatesKept(self.fold.initial)

    def evolve(self, state: Any, record: StoredRecord) -> Any:
        """
        Give the state after one more record.

        Raises:
          FoldFailed: somebody's code has raised, or has tried to end the program.
        """
        try:
            event = self.types.decode(record.type, record.version, record.data)
            return self.fold.evolve(state, event)
        except BaseException as error:
            raise FoldFailed(
                f"{self.name} fails at event {record.sequence:,}: {failure_of(error)}"
            ) from None


@final
@attrs.frozen(eq=False)
class StateAt:
    """What a scope's events amounted to after one of them."""

    sequence: int
    """0: before the first one."""
    state: Any
    text: bytes
    """The state as JSON text."""


def load_folding(name: str, directory: Path, *, events: str | None = None) -> Folding:
    """
    Import a fold, and the event classes it is for.

    Args:
      name: ``module:name`` of a `Fold`, or of a function that gives one.
      directory: where modules are looked for first.
      events: ``module:name`` of event classes, as for `open_store`; None: plain JSON.

    Raises:
      CannotRun: there is no such thing; in one line.
    """
    fold = load_fold(name, directory)
    return Folding(name, fold, load_event_types(events, directory))


async def state_at(
    source: Source,
    folding: Folding,
    kept: StatesKept,
    scope: str,
    sequence: int,
    *,
    on_progress: OnProgress | None = None,
) -> StateAt:
    """
    Give a scope's state after one of its events. In Trio's thread.

    Args:
      kept: the scope's states, some of them; those on the way are added.
      sequence: from 0, which is before the first event.
      on_progress: is told how many events have been gone through, and of how many.

    Raises:
      FoldFailed: somebody's code has raised. What was gone through before is kept.
      AtomicStoreError: what `source` raises.

    Checkpoints: always. Cancellation: at once, also within somebody's code, whose thread is
    left alone then; what was gone through before is kept.
    """
    way = kept.way_to(sequence)
    total = way.last - way.sequence
    limit = PAGE_RECORDS_FIRST
    while not way.is_there:
        last = min(way.last, way.first + limit - 1)
        records = await source.in_scope(scope, way.first, last)
        if [record.sequence for record in records] != list(range(way.first, last + 1)):
            raise FoldFailed(
                f"{folding.name} needs all events from {way.first:,} to {last:,}, "
                f"found {len(records):,} of them"
            )
        way = await _go(folding, kept, way, records)
        limit = PAGE_RECORDS
        if on_progress is not None:
            on_progress(total - (way.last - way.sequence), total)
    state = way.state
    return StateAt(sequence, state, await _apart(lambda: json_text(state)))


async def _go(folding: Folding, kept: StatesKept, way: Way, records: Sequence[StoredRecord]) -> Way:
    """Go through some records, in a thread, and keep the states in this one."""
    states: list[tuple[int, Any]] = []
    is_left = False

    def evolve(state: Any, record: StoredRecord) -> Any:
        if is_left:
            raise FoldFailed("nobody waits for it any more")
        state = folding.evolve(state, record)
        states.append((record.sequence, state))
        return state

    # A thread that nobody waits for any more must not keep states beside the others.
    nowhere = StatesKept(None, kept_max=0, near_max=0)
    try:
        return await _apart(lambda: gone(way, records, evolve, nowhere))
    except FoldBroken as error:
        raise error.__cause__ or error from None
    finally:
        is_left = True
        for sequence, state in tuple(states):
            kept.keep(sequence, state)


async def _apart(work: Callable[[], T]) -> T:
    """Run somebody's code where it can be left alone. Checkpoints."""
    return await trio.to_thread.run_sync(work, abandon_on_cancel=True, limiter=_limiter())


_limiters: trio.lowlevel.RunVar[trio.CapacityLimiter] = trio.lowlevel.RunVar("folding_limiter")


def _limiter() -> trio.CapacityLimiter:
    """Give threads of our own: code that never comes back must not use up everybody's."""
    try:
        return _limiters.get()
    except LookupError:
        limiter = trio.CapacityLimiter(THREADS_MAX)
        _limiters.set(limiter)
        return limiter

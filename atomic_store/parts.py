"""What all scopes of a store share: options, counters, and access to the journal."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import count
from typing import Any, final

import attrs
import trio

from .events import EventTypes
from .fold import Fold
from .journal import Commit, EncodedEvent, Journal, StoredRecord
from .journal.commit import durable_commit
from .records import Record

FOLD_PAGE_RECORDS = 256
"""How many records are folded between two checkpoints; some 1 ms of work."""


def _positive(instance: object, attribute: attrs.Attribute[Any], value: float) -> None:
    if not value > 0:
        raise ValueError(f"{attribute.name}: expected a number above 0, found {value!r}")


@attrs.frozen(kw_only=True)
class Options:
    """The limits and habits of a store; `open_store` documents them."""

    validation_timeout: float = attrs.field(default=5.0, validator=_positive)
    timeout_reason: str = "timed out"
    max_waiting: int = attrs.field(default=10_000, validator=_positive)
    idle_after: float = attrs.field(default=60.0, validator=_positive)
    live_scopes_max: int = attrs.field(default=1_000, validator=_positive)
    past_bytes_max: int = attrs.field(default=256 * 1024**2, validator=_positive)
    event_bytes_max: int = attrs.field(default=256 * 1024, validator=_positive)
    decision_events_max: int = attrs.field(default=10_000, validator=_positive)
    decision_bytes_max: int = attrs.field(default=64 * 1024**2, validator=_positive)


@final
@attrs.define(eq=False)
class Counters:
    """What happened since the store was opened."""

    rounds: int = 0
    accepted: int = 0
    rejected: int = 0
    timed_out: int = 0
    withdrawn: int = 0
    raised: int = 0
    crashed: int = 0
    duplicates: int = 0
    records: int = 0


@final
@attrs.define(eq=False)
class Parts:
    """What a scope works with. One for each open store."""

    journal: Journal
    types: EventTypes
    fold: Fold[Any, Any] | None
    scope_of: Callable[[Any], str] | None
    options: Options
    counters: Counters = attrs.Factory(Counters)
    round_numbers: Iterator[int] = attrs.Factory(lambda: count(1))
    past_bytes: int = 0
    """The size of all pasts that are kept in memory."""
    last_commit: Commit = attrs.Factory(durable_commit)
    """The commit of the last record that was admitted, in whatever scope."""

    def record(self, stored: StoredRecord) -> Record[Any]:
        """A record as users see it."""
        return Record(stored, self.types)

    def records(self, stored: Sequence[StoredRecord]) -> tuple[Record[Any], ...]:
        """Some records as users see them."""
        types = self.types
        if len(stored) == 1:
            return (Record(stored[0], types),)
        return tuple([Record(one, types) for one in stored])

    def evolve(self, state: Any, events: Iterator[EncodedEvent] | Iterator[StoredRecord]) -> Any:
        """The fold's state after some more events."""
        assert self.fold is not None
        for event in events:
            state = self.fold.evolve(
                state, self.types.decode(event.type, event.version, event.data)
            )
        return state

    async def load(
        self, scope: str, last: int | None = None
    ) -> tuple[list[Record[Any]] | None, Any, int]:
        """
        Read a scope's durable past up to a sequence, or to its end.

        Returns:
          The records, or None where a fold is kept instead; the state; the last sequence.
        """
        if self.fold is None:
            stored = await self.journal.read_scope(scope, last=last)
            return list(map(self.record, stored)), None, len(stored)
        state, sequence = self.fold.initial, 0
        while True:
            bound = sequence + FOLD_PAGE_RECORDS
            page = await self.journal.read_scope(
                scope, first=sequence + 1, last=bound if last is None else min(bound, last)
            )
            state = self.evolve(state, iter(page))
            sequence += len(page)
            if len(page) < FOLD_PAGE_RECORDS:
                return None, state, sequence
            await trio.lowlevel.checkpoint()

    async def read_past(self, scope: str, last: int, commit: Commit) -> list[Record[Any]]:
        """Read a scope's past up to a sequence, once the commit is durable."""
        await commit.wait()
        return list(map(self.record, await self.journal.read_scope(scope, last=last)))

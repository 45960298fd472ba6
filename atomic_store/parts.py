"""What all scopes of a store share: options, counters, and access to the journal."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import count
from typing import Any, final

import attrs
import trio

from .events import EventTypes, StateCodec
from .fold import Fold
from .journal import Commit, Draft, EncodedEvent, Journal, StoredRecord
from .journal.commit import durable_commit
from .proposal import Proposal
from .records import Record
from .snapshots import Snapshots

FOLD_PAGE_RECORDS = 256
"""How many records are folded between two checkpoints; some 1 ms of work."""


def _positive(instance: object, attribute: attrs.Attribute[Any], value: float) -> None:
    if not value > 0:
        raise ValueError(f"{attribute.name}: expected a number above 0, found {value!r}")


def _count(instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
    if type(value) is not int or value < 1:
        raise ValueError(f"{attribute.name}: expected an integer from 1, found {value!r}")


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
    snapshot_every: int = attrs.field(default=1_000, validator=_count)


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
@attrs.frozen
class Loaded:
    """A scope's durable past, as far as it was asked for."""

    past: list[Record[Any]] | None
    """Its records; None where a fold is kept instead."""
    state: Any
    sequence: int
    """Its last record's."""
    snapshot: int = 0
    """The sequence of the snapshot that the state was made from; 0: from the first event."""


@final
@attrs.define(eq=False)
class Parts:
    """What a scope works with. One for each open store."""

    journal: Journal
    types: EventTypes
    fold: Fold[Any, Any] | None
    codec: StateCodec | None
    """Writes and reads the fold's states; None: they are not kept on disk."""
    scope_of: Callable[[Any], str] | None
    options: Options
    snapshots: Snapshots | None = attrs.field(init=False)
    counters: Counters = attrs.Factory(Counters)
    round_numbers: Iterator[int] = attrs.Factory(lambda: count(1))
    past_bytes: int = 0
    """The size of all pasts that are kept in memory."""
    last_commit: Commit = attrs.Factory(durable_commit)
    """The commit of the last record that was admitted, in whatever scope."""

    def __attrs_post_init__(self) -> None:
        self.snapshots = None
        if self.fold is not None and self.codec is not None:
            self.snapshots = Snapshots(
                self.journal, self.codec, self.fold.version, self.options.snapshot_every
            )

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

    def evolved(self, state: Any, proposal: Proposal, draft: Draft) -> Any:
        """The fold's state after a decision; None if there is no fold."""
        if self.fold is None:
            return None
        encoded = proposal.encoded
        if draft.events == (encoded,) and self.types.is_shared(encoded.type):
            return self.fold.evolve(state, proposal.event)
        return self.evolve(state, iter(draft.events))

    async def load(self, scope: str, last: int | None = None) -> Loaded:
        """Read a scope's durable past up to a sequence, or to its end."""
        if self.fold is None:
            stored = await self.journal.read_scope(scope, last=last)
            return Loaded(list(map(self.record, stored)), None, len(stored))
        state, snapshot = self.fold.initial, 0
        if self.snapshots is not None:
            state, snapshot = await self.snapshots.load(scope, last) or (state, snapshot)
        sequence = snapshot
        while True:
            bound = sequence + FOLD_PAGE_RECORDS
            page = await self.journal.read_scope(
                scope, first=sequence + 1, last=bound if last is None else min(bound, last)
            )
            state = self.evolve(state, iter(page))
            sequence += len(page)
            if len(page) < FOLD_PAGE_RECORDS:
                return Loaded(None, state, sequence, snapshot)
            await trio.lowlevel.checkpoint()

    async def read_past(
        self, scope: str, first: int, last: int, commit: Commit
    ) -> list[Record[Any]]:
        """Read some of a scope's past by sequence, both included, once the commit is durable."""
        await commit.wait()
        stored = await self.journal.read_scope(scope, first=first, last=last)
        return list(map(self.record, stored))

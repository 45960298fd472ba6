"""What a store would hold, as a value: adding to it gives another one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, final
from uuid import UUID

import attrs

from ..journal import Draft
from ..journal.clock import timestamp
from ..journal.record import records_of
from ..parts import Parts
from ..records import Record
from .clocks import START

SECOND = timedelta(seconds=1)

# What version 7 looks like when its time is the first and its random bits are zeros.
_ID_ZERO = (7 << 76) | (2 << 62)


@final
@attrs.frozen(eq=False)
class ScopePast:
    """The past of one scope, and what it amounts to."""

    records: tuple[Record[Any], ...]
    state: Any


@final
@attrs.frozen(eq=False)
class History:
    """The records of all scopes, and how far rounds and times have come."""

    parts: Parts
    pasts: Mapping[str, ScopePast] = MappingProxyType({})
    position: int = 0
    rounds: int = 0
    at: datetime = START - SECOND

    def of(self, scope: str) -> ScopePast:
        """One scope's past; an empty one if the scope is new."""
        past = self.pasts.get(scope)
        if past is None:
            fold = self.parts.fold
            past = ScopePast((), None if fold is None else fold.initial)
        return past

    def find(self, scope: str, proposal_id: str) -> tuple[Record[Any], ...]:
        """What a proposal added, if it was admitted."""
        return tuple(
            record for record in self.of(scope).records if str(record.proposal_id) == proposal_id
        )

    @property
    def next_id(self) -> UUID:
        """An id for the next round's proposal; the same in every run."""
        return UUID(int=_ID_ZERO + self.rounds + 1)

    def after_round(self) -> History:
        """One more round was opened."""
        return attrs.evolve(self, rounds=self.rounds + 1)

    def admit(self, draft: Draft, at: datetime | None = None) -> History:
        """
        Add the events of one decision, a second after the last ones unless `at` says when.

        As in a journal, no record is earlier than the one before it.
        """
        parts, past = self.parts, self.of(draft.scope)
        # The fold goes first: if it raises, nothing was stored.
        state = past.state if parts.fold is None else parts.evolve(past.state, iter(draft.events))
        moment = self.at + SECOND if at is None else max(self.at, at)
        stored = records_of(
            draft,
            position=self.position + 1,
            sequence=len(past.records) + 1,
            at=timestamp(moment),
        )
        added = ScopePast((*past.records, *map(parts.record, stored)), state)
        pasts = MappingProxyType({**self.pasts, draft.scope: added})
        position = self.position + len(stored)
        return attrs.evolve(self, pasts=pasts, position=position, at=moment)

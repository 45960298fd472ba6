"""What became of a proposal."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Any, Generic, TypeVar, final
from uuid import UUID

import attrs

from .errors import PastNotLoaded, shown
from .records import PastEvents, Record

E = TypeVar("E")


class Outcome(StrEnum):
    """The four ways in which a proposal ends."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    TIMED_OUT = "timed_out"
    WITHDRAWN = "withdrawn"


@final
@attrs.frozen
class Result(Generic[E]):
    """What became of a proposal; all that it shows is durable."""

    outcome: Outcome
    scope: str
    _proposal_id: str
    prospective_event: E
    """The event that was proposed, as it would be stored."""
    records: tuple[Record[E], ...] = ()
    """What this proposal added; empty unless it was accepted."""
    reason: str | None = None
    """Why it was not accepted."""
    meta: Any = None
    """What the decision gave along."""
    is_duplicate: bool = False
    """It was accepted before, in an earlier call with the same proposal id."""
    _past: Sequence[Record[E]] | None = attrs.field(default=None, repr=False, eq=False)
    _past_count: int = attrs.field(default=0, repr=False, eq=False)

    @property
    def proposal_id(self) -> UUID:
        """The proposal's id."""
        return UUID(self._proposal_id)

    @property
    def was_accepted(self) -> bool:
        """Whether it is stored."""
        return self.outcome is Outcome.ACCEPTED

    @property
    def timed_out(self) -> bool:
        """Whether its round ended at the deadline."""
        return self.outcome is Outcome.TIMED_OUT

    @property
    def stored_events(self) -> PastEvents[E]:
        """
        All events of the scope when this was decided; the new ones last iff accepted.

        Raises:
          PastNotLoaded: the store keeps a fold, so that the past was not read;
            `query_events` reads it.
        """
        if self._past is None:
            raise PastNotLoaded(
                f"the past of scope {shown(self.scope)} was not read, because the store keeps "
                "a fold: use `await store.query_events(scope)`"
            )
        return PastEvents(self._past, self._past_count)

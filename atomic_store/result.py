"""What became of a proposal."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Any, Generic, TypeVar, final
from uuid import UUID

import msgspec

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
class Result(msgspec.Struct, Generic[E], frozen=True, eq=False):
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
    _past: Sequence[Record[E]] | None = None
    _past_count: int = 0

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
          PastNotLoaded: the past was not read, because the store keeps a fold, or because
            somebody else decided; `query_events` reads it.
        """
        if self._past is None:
            raise PastNotLoaded(
                f"the past of scope {shown(self.scope)} was not read for this decision: "
                "use `await store.query_events(scope)`"
            )
        return PastEvents(self._past, self._past_count)

    def _shown(self) -> tuple[Any, ...]:
        """What it says of the proposal; the past belongs to the scope."""
        return (
            self.outcome,
            self.scope,
            self._proposal_id,
            self.prospective_event,
            self.records,
            self.reason,
            self.meta,
            self.is_duplicate,
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Result) and self._shown() == other._shown()

    def __ne__(self, other: object) -> bool:
        # A struct has its own, which compares identities.
        return not self == other

    def __hash__(self) -> int:
        return hash((self._proposal_id, self.scope, self.outcome))

    def __repr__(self) -> str:
        reason = "" if self.reason is None else f": {self.reason}"
        again = " again" if self.is_duplicate else ""
        return (
            f"<Result {self._proposal_id}: {self.outcome}{again}{reason}, "
            f"{self.scope!r}, {len(self.records)} records>"
        )


def admitted_before(
    records: tuple[Record[E], ...], past: Sequence[Record[E]] | None, count: int
) -> Result[E]:
    """
    Give the result of a proposal that was admitted, for one who does not propose it again.

    Args:
      records: what it added.
      past: the scope's records up to there; None if they were not read.
      count: how many they are.
    """
    first = records[0]
    # Where others took its place, what was proposed is not stored.
    event: Any = None if first._stored.proposed else first.event
    return Result(
        Outcome.ACCEPTED, first.scope, str(first.proposal_id), event, records,
        meta=first.meta, is_duplicate=True, _past=past, _past_count=count,
    )  # fmt: skip

"""
One round without a store: what a scope does with a proposal when nobody else is there.

All that looks at a proposal or a decision is the store's own. Only the few lines that a
scope has between its waiting room and its journal are here again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from datetime import datetime
from typing import Any, final
from uuid import UUID

import attrs
import trio

from .. import jsonvalue
from ..admission import RoundToken
from ..decision import Accept
from ..drafting import draft_of
from ..duplicates import check_same_event, duplicate_ending
from ..intake import Intake
from ..journal import Commit
from ..journal.commit import durable_commit
from ..proposal import Ending, Proposal
from ..records import Record
from ..request import ValidationRequest
from ..result import Outcome, Result
from ..validating import check_decision
from .history import History, ScopePast


@final
@attrs.define(eq=False)
class _Proposal(Proposal):
    """A proposal that is made and answered in one place."""

    def told(self) -> None:
        """Nobody waits for it."""


def _proposal(
    history: History,
    event: object,
    scope: str | None,
    proposal_id: UUID | None,
    metadata: Mapping[str, Any] | None,
    validation_timeout: float | None,
) -> _Proposal:
    # What looks at the arguments needs no scopes to bring the proposal into.
    no_supervisor: Any = None
    id_ = history.next_id if proposal_id is None else proposal_id
    arguments = Intake(history.parts, no_supervisor).arguments(
        event, scope, id_, metadata, validation_timeout
    )
    return _Proposal(*arguments)


def admit_given(
    history: History,
    event: object,
    scope: str | None,
    metadata: Mapping[str, Any] | None,
    at: datetime | None,
) -> History:
    """
    Add an event that nobody decides about.

    Raises:
      InvalidEvent, TypeError: as if it were proposed.
    """
    proposal = _proposal(history, event, scope, None, metadata, None)
    as_proposed = Accept(RoundToken(proposal.scope, 0))
    return history.after_round().admit(draft_of(history.parts, proposal, as_proposed), at)


@final
@attrs.define(eq=False)
class Trial:
    """A proposal, its round, and what the store would hold then."""

    history: History
    _proposal: _Proposal

    @classmethod
    def of(
        cls,
        history: History,
        event: object,
        *,
        scope: str | None,
        proposal_id: UUID | None,
        metadata: Mapping[str, Any] | None,
        principal: str | None,
        validation_timeout: float | None,
    ) -> Trial:
        """
        Make the proposal.

        Raises:
          InvalidEvent, TypeError, ValueError: as `Store.store_if_valid`.
        """
        proposal = _proposal(history, event, scope, proposal_id, metadata, validation_timeout)
        proposal.principal = principal
        return cls(history, proposal)

    @property
    def result(self) -> Result[Any]:
        """What the store would have returned; it has ended."""
        return self._proposal.result()

    def open(self) -> ValidationRequest[Any] | None:
        """
        Open the round, now; None if the proposal was admitted before, and so has ended.

        Raises:
          IdempotencyConflict: it was admitted before, with another event.
        """
        proposal = self._proposal
        past = self.history.of(proposal.scope)
        admitted = self.history.find(proposal.scope, proposal.id)
        if admitted:
            check_same_event(proposal, tuple(record._stored for record in admitted))
            self._end(duplicate_ending(admitted, self._shown(past)))
            return None
        self.history = self.history.after_round()
        proposal.round_token = RoundToken(proposal.scope, self.history.rounds)

        async def read_past(scope: str, first: int, last: int, commit: Commit) -> list[Record[Any]]:
            await commit.wait()
            return list(past.records[first - 1 : last])

        return ValidationRequest(
            proposal.event,
            proposal.scope,
            proposal.token,
            trio.current_time() + proposal.validation_timeout,
            proposal.principal,
            len(past.records),
            proposal.id,
            proposal.metadata,
            past.state,
            self._shown(past),
            durable_commit(),
            read_past,
        )

    async def decide_in_time(self, answer: Awaitable[object], deadline: float) -> None:
        """Await the validator until the deadline; what it says later does not count."""
        decision: object = None
        with trio.CancelScope(deadline=deadline):
            decision = await answer
        if trio.current_time() >= deadline:
            reason = self.history.parts.options.timeout_reason
            self._end_as(Outcome.TIMED_OUT, reason=reason)
        else:
            self.decide(decision)

    def decide(self, decision: object) -> None:
        """
        End the round with what the validator gave.

        Raises:
          TypeError: that is no decision of this round.
          InvalidEvent: what was accepted cannot be stored.
        """
        proposal = self._proposal
        checked = check_decision(decision, proposal.token)
        if isinstance(checked, Accept):
            self.history = self.history.admit(draft_of(self.history.parts, proposal, checked))
            records = self.history.find(proposal.scope, proposal.id)
            self._end_as(Outcome.ACCEPTED, records, meta=records[0].meta)
        else:
            meta = None if checked.meta is None else jsonvalue.encode(checked.meta)
            decoded = None if meta is None else jsonvalue.decode(meta)
            self._end_as(Outcome.REJECTED, reason=checked.reason, meta=decoded)

    def _end_as(
        self,
        outcome: Outcome,
        records: tuple[Record[Any], ...] = (),
        *,
        reason: str | None = None,
        meta: Any = None,
    ) -> None:
        past = self.history.of(self._proposal.scope)
        shown, count = self._shown(past), len(past.records)
        self._end(Ending(outcome, records, reason, meta, False, None, shown, count))

    def _end(self, ending: Ending) -> None:
        self._proposal.end(ending, durable_commit())

    def _shown(self, past: ScopePast) -> list[Record[Any]] | None:
        """What requests and results show of a past: with a fold, nothing."""
        return None if self.history.parts.fold is not None else list(past.records)

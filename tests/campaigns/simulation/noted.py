"""What a flow wrote down, and how what the store hands out is written down."""

from __future__ import annotations

from collections import Counter
from typing import Any, final

import attrs

from atomic_store import (
    AtomicStoreError,
    Fold,
    IdempotencyConflict,
    JournalFailed,
    Record,
    Result,
    ScopeBusy,
    ScopeFailed,
    StaleResponse,
    StoreClosed,
    ValidationRequest,
)
from bids import Bid

from ..case import Violation
from ..history import Answer, Event, History, Operation, Stored

ANSWERS: dict[type[Exception], Answer] = {
    IdempotencyConflict: "conflict",
    JournalFailed: "failed",
    ScopeBusy: "busy",
    ScopeFailed: "scope failed",
    StaleResponse: "stale",
    StoreClosed: "closed",
}


def event_of(bid: Bid) -> Event:
    """What is compared of an event."""
    return f"{bid.bidder} {bid.cents}"


EVENTS: Fold[tuple[str, ...], Bid] = Fold(
    (), lambda events, bid: (*events, event_of(bid)), state_type=tuple[str, ...]
)
"""The whole past as a state: whatever is wrong with a snapshot shows."""


def stored_of(record: Record[Bid]) -> Stored:
    """A record as it is compared."""
    event = event_of(record.event)
    id_, part = str(record.proposal_id), record.part
    return Stored(record.position, record.scope, record.sequence, id_, event, part)


def past_of(request: ValidationRequest[Bid]) -> tuple[Event, ...]:
    """What a round sees."""
    if request.state is not None:
        state: tuple[Event, ...] = request.state
        return state
    return tuple([event_of(bid) for bid in request.past_events])


@final
@attrs.define(eq=False)
class Notes:
    """
    What was done in a flow, and what was wrong with it so far.

    Attributes:
      counts: how often anything happened that a flow should meet.
      violations: what was wrong while it ran; the checker finds the rest.
    """

    history: History = attrs.Factory(History)
    counts: Counter[str] = attrs.Factory(Counter)
    violations: list[Violation] = attrs.Factory(list)

    def wrong(self, rule: str, problem: str, *operations: Operation) -> None:
        """Write down that a rule was broken."""
        self.violations.append(Violation(rule, problem, operations))

    def tell(self, operation: Operation, answer: Answer, records: Any = ()) -> None:
        """Write down what an operation was told."""
        self.history.tell(operation, answer, map(stored_of, records))
        self.counts[f"{operation.call}: {answer}"] += 1

    def tell_result(self, operation: Operation, result: Result[Bid]) -> None:
        """Write down a proposal's result."""
        if result.is_duplicate:
            self.tell(operation, "duplicate", result.records)
        elif result.was_accepted:
            self.tell(operation, "accepted", result.records)
        else:
            self.tell(operation, "timed out" if result.timed_out else "rejected")

    def tell_error(self, operation: Operation, error: AtomicStoreError) -> None:
        """Write down an error of the store's own."""
        self.tell(operation, ANSWERS.get(type(error), "error"))

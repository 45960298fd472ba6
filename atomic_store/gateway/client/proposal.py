"""A proposal from its task's side: its rounds, its validator, its result."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from itertools import count as counting
from typing import Any, TypeVar, final

import attrs
import msgspec
import trio

from ... import jsonvalue
from ...admission import RoundToken
from ...decision import Accept, Decision, Reject
from ...errors import InvalidEvent, StaleResponse, shown
from ...events import EventTypes
from ...journal import Commit
from ...journal.commit import durable_commit
from ...records import Record
from ...request import ValidationRequest
from ...result import Outcome, Result
from ...validating import check_decision
from ..protocol import client_messages as asked
from ..protocol import server_messages as said
from .box import Box
from .calls import Ended, Happening, Opened, Proposing, Refused, Shut
from .errors import GatewayError, refusal
from .link import Link
from .wire import received

E = TypeVar("E")

ReadPast = Callable[[str, int, int, Commit], Awaitable[list[Record[Any]]]]

WITHDRAW_S = 1.0
"""How long a cancelled call, that may be decided already, waits for what became of it."""

_round_numbers = counting(1)

ENDED = "ended"
"""The wire's name for a round that an operator ended."""


@final
@attrs.define(eq=False)
class Proposal:
    """One proposal, while its task waits for it."""

    event: Any
    """As everybody else will see it."""
    call: Proposing
    _link: Link
    _box: Box
    _read_past: ReadPast
    _scope_of: Callable[[Any], str] | None
    """Tells an event's scope, where that was not given with the call."""
    ended: Ended | None = attrs.field(default=None, init=False)
    round: Opened | None = attrs.field(default=None, init=False)
    """The open round."""

    # --- what happens to it -----------------------------------------------------------------

    def look(self) -> None:
        """
        Take in what happened so far.

        Raises:
          InvalidEvent, GatewayError: a decision was refused.
          GatewayClosed: nothing more will happen.
        """
        while self.ended is None and not self._box.is_empty:
            happening = self._box.take()
            assert happening is not None
            self._take(happening)

    async def step(self) -> None:
        """Wait for what happens next, and take it in; see `store_if_valid` for cancellation."""
        try:
            await self._box.wait()
        except trio.Cancelled:
            await self._settle()
            if self.ended is None or not _is_decided(self.ended):
                raise
        self.look()

    def leave(self) -> None:
        """Nobody answers its round any more."""
        if self.ended is None:
            self.round, self.ended = None, Ended(self.call, None)

    async def conclude(self) -> bool:
        """
        Wait for its end, once its round was answered; see `step`.

        Returns:
          False if a new round opened instead: the answer was lost with the connection.
        """
        while self.ended is None:
            await self.step()
            if self.round is not None:
                return False
        return True

    def _take(self, happening: Happening) -> None:
        match happening:
            case Opened():
                self.round = happening
            case Shut():
                self.round = None
            case Refused():
                raise refusal(happening.error, may_be_stored=False)
            case Ended():
                self.round, self.ended = None, happening

    async def _settle(self) -> None:
        """Take it back; if it may be too late for that, wait a moment for what it has become."""
        waits = self.call.may_be_stored
        is_told = self._link.conversation.withdraw(self.call)
        self._link.pump()
        if not waits or not is_told:
            return
        with trio.move_on_after(WITHDRAW_S, shield=True):
            while self.ended is None and self._box.failure is None:
                await self._box.wait()
                try:
                    self.look()
                except Exception:
                    # The cancellation is what leaves.
                    return

    # --- deciding ---------------------------------------------------------------------------

    def request(self) -> ValidationRequest[Any]:
        """The open round, as a validator sees it."""
        assert self.round is not None
        welcome = self._link.conversation.welcome
        principal = None if welcome is None else welcome.principal
        metadata = self.call.metadata
        return request_of(
            self.round, self.event, principal, self.call.proposal_id,
            None if metadata is None else jsonvalue.encode(metadata), self._read_past,
        )  # fmt: skip

    async def decide_by(self, validate: Callable[[ValidationRequest[Any]], Any]) -> None:
        """Run the validator for the open round; if that is over first, nothing is decided."""
        opened = self.round
        assert opened is not None
        request = self.request()
        decision: object = None
        with trio.CancelScope() as validating, self._watching(validating):
            decision = await answer_of(validate, request)
        if not validating.cancelled_caught:
            self.decide(opened, check_decision(decision, request.round))

    @contextmanager
    def _watching(self, validating: trio.CancelScope) -> Iterator[None]:
        # Whatever happens to a proposal in its round ends the round.
        self._box.on_put = validating.cancel
        try:
            yield
        finally:
            self._box.on_put = None

    def decide(self, opened: Opened, decision: Decision) -> None:
        """
        Send a decision; if its round is over, nothing is sent.

        Raises:
          InvalidEvent: what was accepted cannot be stored.
        """
        if self._scope_of is not None and isinstance(decision, Accept):
            check_scopes(decision, self._scope_of, self.call.scope)
        message = decision_message(opened.round, decision, self._link.conversation.types)
        send_decision(self._link, self.call, message)
        self.round = None

    # --- its end ----------------------------------------------------------------------------

    def result(self) -> Result[Any]:
        """
        What became of it, once it has ended.

        Raises:
          InvalidEvent, ScopeBusy, IdempotencyConflict, GatewayError: it was refused.
        """
        assert self.ended is not None
        answer = self.ended.answer
        if answer is None:
            raise StaleResponse(
                f"the round of scope {shown(self.call.scope)} is over: its block was left, or the "
                "connection was lost"
            )
        if isinstance(answer, said.Error):
            raise refusal(answer, may_be_stored=self.call.may_be_stored)
        assert isinstance(answer, said.Result)
        return self._result_of(answer)

    def _result_of(self, answer: said.Result) -> Result[Any]:
        types, call = self._link.conversation.types, self.call
        records = tuple(received(answer.records or [], types))
        past, count = None, 0
        if call.decides:
            held = call.view.past.records
            count = records[-1].sequence if records else call.view.count
            # A duplicate is answered with its own past, as far as that is known.
            past = held if count <= len(held) else None
        reason = answer.reason
        if answer.outcome == ENDED and reason is None:
            reason = "ended by an operator"
        return Result(
            outcome_of(answer), call.scope, call.proposal_id, self.event, records, reason,
            None if answer.meta is msgspec.UNSET else jsonvalue.decode(bytes(answer.meta)),
            answer.duplicate, past, count,
        )  # fmt: skip


def outcome_of(answer: said.Result) -> Outcome:
    """
    Give the outcome; a round that an operator ended counts as withdrawn.

    Raises:
      GatewayError: the gateway has one that this version does not know.
    """
    if answer.outcome == ENDED:
        return Outcome.WITHDRAWN
    try:
        return Outcome(answer.outcome)
    except ValueError:
        raise GatewayError(
            "bad_message", f"expected an outcome, found {shown(answer.outcome)}",
            outcome_is_open=True,
        ) from None  # fmt: skip


def _is_decided(ended: Ended) -> bool:
    answer = ended.answer
    return isinstance(answer, said.Result) and answer.outcome != Outcome.WITHDRAWN


def request_of(
    opened: Opened,
    event: Any,
    principal: str | None,
    proposal_id: str,
    metadata: bytes | None,
    read_past: ReadPast,
) -> ValidationRequest[Any]:
    """Make what a validator is shown. What leaves a gateway is durable."""
    return ValidationRequest(
        event, opened.scope, RoundToken(opened.scope, next(_round_numbers)),
        trio.current_time() + opened.deadline_s, principal, opened.sequence, proposal_id,
        metadata, None, opened.past.past.records, durable_commit(), read_past,
    )  # fmt: skip


def request_of_duplicate(proposal: Proposal) -> ValidationRequest[Any]:
    """
    Make the request that a proposal without a round would have had, having ended before.

    Raises:
      InvalidEvent, ScopeBusy, IdempotencyConflict, GatewayError: it was refused.
    """
    result, call = proposal.result(), proposal.call
    held = call.view.past.records
    sequence = result.records[0].sequence - 1 if result.records else call.view.count
    metadata = None if call.metadata is None else jsonvalue.encode(call.metadata)
    return ValidationRequest(
        proposal.event, call.scope, RoundToken(call.scope, 0), trio.current_time(), None, sequence,
        call.proposal_id, metadata, None, held if sequence <= len(held) else None,
        durable_commit(), proposal._read_past,
    )  # fmt: skip


async def answer_of(
    validate: Callable[[ValidationRequest[Any]], Any], request: ValidationRequest[Any]
) -> object:
    """Call a validator, plain or async, and give what it says."""
    answer = validate(request)
    return await answer if inspect.isawaitable(answer) else answer


def decision_message(round_: str, decision: Decision, types: EventTypes) -> asked.Decide:
    """
    Write a decision.

    Raises:
      InvalidEvent: what was accepted, or `meta`, cannot be stored.
    """
    meta = None if decision.meta is None else jsonvalue.copied(decision.meta)
    match decision:
        case Reject():
            return asked.Decide(id=0, round=round_, accept=False, reason=decision.reason, meta=meta)
        case Accept(events=None):
            return asked.Decide(id=0, round=round_, accept=True, meta=meta)
        case Accept(events=events):
            assert events is not None
            encoded = [types.encode_and_decode(event)[0] for event in events]
            written = [asked.Event(one.type, msgspec.Raw(one.data)) for one in encoded]
            return asked.Decide(id=0, round=round_, events=written, meta=meta)


def check_scopes(decision: Accept, scope_of: Callable[[Any], str], scope: str) -> None:
    """
    Check that what was accepted in place of an event stays in its scope.

    Raises:
      InvalidEvent: it does not.
    """
    for event in decision.events or ():
        found = scope_of(event)
        if found != scope:
            raise InvalidEvent(
                "events accepted in place of another belong to its scope: "
                f"expected {shown(scope)}, found {shown(found)}"
            )


def send_decision(link: Link, call: Any, message: asked.Decide) -> None:
    """
    Send a decision; if its round is over, nothing is sent.

    Raises:
      InvalidEvent: it is larger than a message may be.
    """
    try:
        link.conversation.decide(call, message)
    except ValueError as error:
        raise InvalidEvent(str(error)) from None
    link.pump()

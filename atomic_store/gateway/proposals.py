"""
Proposals that came over the wire: who asked, who decides, and how it is answered.

A `Job` is one of them, from its message to its end. It outlives the connection that asked
where others decide; asked again with the same id, it changes hands. What is told is what
the store tells, when the store tells it.
"""

from __future__ import annotations

import contextvars
from collections.abc import Awaitable, Callable
from contextlib import suppress
from enum import Enum, auto
from typing import Any, TypeAlias, final
from uuid import UUID

import attrs
import trio
import uuid_utils

from ..decision import Decision
from ..errors import StaleResponse, shown
from ..proposal import Proposal
from ..request import ValidationRequest
from ..store import Store
from .faults import conflict, error_for
from .past import known_for_sure, show_past
from .peer import Peer
from .protocol import server_messages as say
from .protocol.client_messages import Decide, Need, Propose
from .protocol.codes import ErrorCode
from .protocol.permission import fault_in_proposal
from .protocol.session import stale
from .results import result_message
from .rounds import WireRound, received
from .stamps import THE_GATEWAY, fault_in_given, stamped
from .validators import Validators

Validate: TypeAlias = Callable[[ValidationRequest[Any]], "Decision | Awaitable[Decision]"]


class By(Enum):
    """Who decides."""

    SELF = auto()
    FUNCTION = auto()
    VALIDATOR = auto()


@final
@attrs.define(eq=False)
class WireProposal(Proposal):
    """A proposal whose proposer is a connection."""

    # Its job; None only until that is made.
    job: Any = None

    def opened(self, answer: Awaitable[object] | None) -> bool:
        """Have somebody decide."""
        job: Job = self.job
        return job.opened(answer)

    def ended(self) -> None:
        """Stop the function that decides."""
        job: Job = self.job
        job.stop_deciding()

    def told(self) -> None:
        """Send the result."""
        job: Job = self.job
        job.told()


@final
@attrs.define(eq=False)
class Job:
    """One proposal of a client. Made by `Proposals.propose`."""

    proposals: Proposals
    proposal: WireProposal
    by: By
    principal: str
    has_own_id: bool
    peer: Peer | None
    """Who asked, and waits; None if it is gone."""
    request: Propose
    """The message by which it was asked for last."""
    round: WireRound
    was_ended: bool = False
    """An operator has ended its round."""
    has_entered: bool = False
    """It has its place in the scope."""
    _known: int = 0
    _entering: trio.CancelScope = attrs.Factory(trio.CancelScope)
    _deciding: trio.CancelScope | None = None

    @property
    def key(self) -> tuple[str, str]:
        """What it is known by."""
        return self.proposal.scope, self.proposal.id

    # --- taking its place ----------------------------------------------------------------

    async def run(self, before: trio.Event | None, has_entered: trio.Event) -> None:
        """Show the past, and take a place in the scope; ends before the proposal does."""
        id_ = self.request.id
        try:
            with self._entering:
                if before is not None:
                    await before.wait()
                await self._enter()
        except Exception as error:
            self._finish(error_for(error, id_))
        else:
            if self._entering.cancelled_caught:
                self._finish(say.Result(id=id_, accepted=False, outcome="withdrawn"))
        finally:
            has_entered.set()

    async def _enter(self) -> None:
        proposal, request = self.proposal, self.request
        if self.by is By.SELF:
            journal, scope = self.proposals.store._parts.journal, proposal.scope
            self._known = await known_for_sure(journal, scope, request.known, request.known_id)
            if request.past and self.peer is not None:
                self._known = await show_past(
                    self.peer, request.id, journal, scope, self._known, None
                )
        with trio.CancelScope(shield=True):
            # It has its place or not, and is never on its way: `withdraw` must find it.
            await self.proposals.store._intake.enter(proposal, has_own_id=self.has_own_id)
        self.has_entered = True
        if proposal.ending is None and proposal.request is None:
            self._say_waiting()

    def _say_waiting(self) -> None:
        scope = self.proposals.store._supervisor.scopes[self.proposal.scope]
        ahead = scope.admission.waiting - 1 + (scope.admission.round is not None)
        if self.peer is not None and ahead > 0:
            self.peer.say(say.Waiting(id=self.request.id, ahead=ahead))

    # --- its round ----------------------------------------------------------------------

    def opened(self, answer: Awaitable[object] | None) -> bool:
        """Have the round decided; False if there is nobody any more."""
        match self.by:
            case By.FUNCTION:
                assert answer is not None
                self.proposals.tasks.start_soon(self._decide_by_function, answer)
            case By.SELF:
                return self._show_proposer()
            case By.VALIDATOR:
                self.proposals.validators.assign(self.round)
        return True

    def _show_proposer(self) -> bool:
        if self.peer is None or self.peer.is_gone:
            return False
        request = self.request
        self.round.show(
            self.peer, request.id, known=self._known,
            with_past=request.past, with_state=request.state,
        )  # fmt: skip
        return True

    async def _decide_by_function(self, answer: Awaitable[object]) -> None:
        proposal, place = self.proposal, self.proposal.place
        assert place is not None
        try:
            with trio.CancelScope() as self._deciding:
                decision = await answer
                self._deciding = None
                with suppress(StaleResponse):
                    place.answer(proposal, decision)
        except Exception as error:
            if proposal.ending is None:
                place.fail_round(proposal, error)
        finally:
            self._deciding = None

    def stop_deciding(self) -> None:
        """The round is over: what the function would say counts no more."""
        if self._deciding is not None:
            self._deciding.cancel()

    # --- its end --------------------------------------------------------------------------

    def withdraw(self) -> None:
        """Take it back, if it is not decided; the result says what came first."""
        if not self.has_entered:
            self._entering.cancel()
        proposal = self.proposal
        if proposal.place is not None and proposal.ending is None:
            proposal.place.withdraw(proposal)

    def told(self) -> None:
        """Answer the proposer, and whoever was shown the round."""
        self.stop_deciding()
        outcome = "failed"
        try:
            result = self.proposal.result()
        except Exception as error:
            self._finish(error_for(error, self.request.id))
        else:
            outcome = "ended" if self.was_ended else str(result.outcome)
            self.proposals.on_outcome(outcome)
            self._finish(
                result_message(
                    result, self.request.id, outcome, self.principal, self.proposals.message_bytes
                )
            )
        self.round.over(outcome)

    def supersede(self) -> None:
        """Another request takes it over; the one that asked for it has ended."""
        what = "the same proposal was sent again, and took this one's place"
        self._leave_peer(say.error(ErrorCode.SUPERSEDED, what, self.request.id))

    def _finish(self, message: say.ServerMessage) -> None:
        self.proposals.forget(self)
        self._leave_peer(message)

    def _leave_peer(self, message: say.ServerMessage) -> None:
        peer, self.peer = self.peer, None
        if peer is not None:
            self.proposals.release(peer, self.request.id)
            peer.finish(self.request.id, message)

    def take_over(self, peer: Peer, request: Propose) -> None:
        """Go on for another request: same place, new name of the round."""
        self.peer, self.request, self._known = peer, request, 0
        if self.by is By.SELF and self.round.is_open:
            self._show_proposer()


@final
@attrs.define(eq=False)
class Proposals:
    """
    All proposals of a gateway's clients that have not ended.

    Args:
      validate: the gateway's own function, if it has one.
      on_outcome: is told the outcome of each.
    """

    store: Store[Any]
    validate: Validate | None
    validators: Validators
    tasks: trio.Nursery
    message_bytes: int
    on_outcome: Callable[[str], None]
    # Invariant: each job is under its key.
    _jobs: dict[tuple[str, str], Job] = attrs.Factory(dict)
    # Invariant: each job that has a peer is under that and its request.
    _asked: dict[tuple[int, int], Job] = attrs.Factory(dict)

    def propose(self, peer: Peer, request: Propose) -> None:
        """Take a proposal; it is answered with exactly one terminal message."""
        try:
            job = self._made(peer, request)
        except Exception as error:
            peer.finish(request.id, error_for(error, request.id))
            return
        if isinstance(job, say.Error):
            peer.finish(request.id, job)
            return
        older = self._jobs.get(job.key)
        if older is not None:
            if not _is_same(older, job):
                peer.finish(request.id, conflict(request.id))
                return
            older.supersede()
            if older.has_entered and older.by is job.by:
                self._asked[peer.number, request.id] = older
                older.take_over(peer, request)
                return
            older.withdraw()
        self._jobs[job.key] = self._asked[peer.number, request.id] = job
        before = peer.entering.get(job.proposal.scope)
        peer.entering[job.proposal.scope] = has_entered = trio.Event()
        self.tasks.start_soon(job.run, before, has_entered)

    def decide(self, peer: Peer, message: Decide) -> say.Error | None:
        """Take a proposer's own decision; gives why it does not count, if so."""
        job = self._asked.get((peer.number, message.id))
        if job is None or job.round.presentation(message.round, peer) is None:
            return stale(message, "that round is over, or another one")
        return job.round.decide(message, peer.principal.name)

    def need(self, peer: Peer, message: Need) -> say.Error | None:
        """Show a proposer its round again, with the past behind a sequence."""
        job = self._asked.get((peer.number, message.id))
        showing = None if job is None else job.round.presentation(message.round, peer)
        if showing is None or not showing.round.is_open:
            return stale(message, "that round is over, or another one")
        showing.with_past, showing.known = True, max(0, message.known)
        showing.show()
        return None

    def withdraw(self, peer: Peer, id_: int) -> None:
        """Take a proposal back, if it is not decided; its result is the answer."""
        job = self._asked.get((peer.number, id_))
        if job is not None:
            job.withdraw()

    def end_round(self, scope: str, round_: str) -> bool:
        """End the open round of a scope, if it has this name; whether it had."""
        live = self.store._supervisor.scopes.get(scope)
        opened = None if live is None else live.admission.round
        if live is None or opened is None or f"r-{opened.token.number}" != round_.split(".")[0]:
            return False
        proposal = opened.proposal
        if isinstance(proposal, WireProposal):
            proposal.job.was_ended = True
        return live.withdraw(proposal)

    def leave(self, peer: Peer) -> None:
        """A connection is gone: what it would decide is withdrawn, what others decide goes on."""
        for key, job in list(self._asked.items()):
            if key[0] == peer.number:
                del self._asked[key]
                job.peer = None
                if job.by is By.SELF:
                    job.withdraw()

    def forget(self, job: Job) -> None:
        """It has ended."""
        if self._jobs.get(job.key) is job:
            del self._jobs[job.key]

    def release(self, peer: Peer, id_: int) -> None:
        """A request for a proposal has ended."""
        self._asked.pop((peer.number, id_), None)

    # --- steps ----------------------------------------------------------------------------

    def _made(self, peer: Peer, request: Propose) -> Job | say.Error:
        parts = self.store._parts
        fault = fault_in_given(request.metadata)
        proposal_id = _uuid_of(request.proposal_id)
        if fault is None and proposal_id is None:
            fault = f"proposal_id: expected a UUID, found {shown(request.proposal_id)}"
        if fault is not None:
            return say.error(ErrorCode.BAD_MESSAGE, fault, request.id)
        timeout = request.validation_timeout_s
        if timeout is not None:
            timeout = min(timeout, parts.options.validation_timeout)
        arguments = self.store._intake.arguments(
            received(self.store, request.event), request.scope, proposal_id, request.metadata,
            timeout,
        )  # fmt: skip
        forbidden = fault_in_proposal(peer.principal, request, arguments[0])
        if forbidden is not None:
            return say.error(*forbidden, request.id)
        by = self._who_decides(request, arguments[0])
        if isinstance(by, say.Error):
            return by
        if request.state and parts.codec is None:
            what = "state: this store keeps none that has a JSON form"
            return say.error(ErrorCode.NO_STATE, what, request.id)
        name = peer.principal.name
        validate, decided_by = None, None
        if by is By.FUNCTION:
            validate, decided_by = self.validate, THE_GATEWAY
        proposal = WireProposal(
            *arguments[:4], stamped(request.metadata, name, decided_by), *arguments[5:],
            validate, contextvars.copy_context(), name,
        )  # fmt: skip
        round_ = WireRound(self.store, proposal, name, request.metadata)
        has_own_id = request.proposal_id is not None
        job = proposal.job = Job(self, proposal, by, name, has_own_id, peer, request, round_)
        return job

    def _who_decides(self, request: Propose, scope: str) -> By | say.Error:
        if request.decide == "self":
            return By.SELF
        if self.validate is not None:
            return By.FUNCTION
        if self.validators.has_any_for(scope):
            return By.VALIDATOR
        what = "nobody here decides for this scope, and you did not say that you do"
        return say.error(ErrorCode.NO_VALIDATOR, what, request.id)


def _is_same(older: Job, newer: Job) -> bool:
    return older.principal == newer.principal and older.proposal.encoded == newer.proposal.encoded


def _uuid_of(text: str | None) -> UUID | None:
    """The proposal's id; a new one if it has none; None if that is none."""
    if text is None:
        return UUID(str(uuid_utils.uuid7()))
    try:
        return UUID(text)
    except ValueError:
        return None

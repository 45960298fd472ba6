"""All proposals that came over the wire and have not ended, by what they are known by."""

from __future__ import annotations

import contextvars
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias, final
from uuid import UUID

import attrs
import msgspec
import trio
import uuid_utils

from .. import jsonvalue
from ..decision import Decision
from ..errors import InvalidEvent, shown
from ..intake import Arguments
from ..request import ValidationRequest
from ..store import Store
from ..tasks import Tasks
from .faults import conflict, error_for
from .job import By, Job, WireProposal
from .peer import Peer
from .protocol import server_messages as say
from .protocol.client_messages import Decide, Need, Propose
from .protocol.codes import ErrorCode
from .protocol.permission import fault_in_proposal
from .protocol.session import stale
from .rounds import WireRound, received
from .stamps import THE_GATEWAY, fault_in_given, stamped
from .validators import Validators

Validate: TypeAlias = Callable[[ValidationRequest[Any]], "Decision | Awaitable[Decision]"]


@final
@attrs.define(eq=False, repr=False)
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
    tasks: Tasks
    message_bytes: int
    on_outcome: Callable[[str], None]
    # Invariant: each job is under its key.
    _jobs: dict[tuple[str, str], Job] = attrs.Factory(dict)
    # Invariant: each job that has a peer is under that and its request, and no peer is there
    # without a job.
    _asked: dict[int, dict[int, Job]] = attrs.Factory(dict)
    # Who waits until a peer has no job left.
    _ends: dict[int, trio.Event] = attrs.Factory(dict)

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
                self._asked.setdefault(peer.number, {})[request.id] = older
                older.take_over(peer, request)
                return
            older.withdraw()
        self._jobs[job.key] = job
        self._asked.setdefault(peer.number, {})[request.id] = job
        before = peer.entering.get(job.proposal.scope)
        if before is None and job.enter_at_once():
            return
        peer.entering[job.proposal.scope] = mine = trio.Event()
        self.tasks.start_soon(_enter_in_turn, job, peer.entering, before, mine)

    def decide(self, peer: Peer, message: Decide) -> say.Error | None:
        """Take a proposer's own decision; gives why it does not count, if so."""
        job = self._job_of(peer, message.id)
        if job is None:
            return stale(message, "that round is over")
        return job.round.decide(message, peer)

    def need(self, peer: Peer, message: Need) -> say.Error | None:
        """Show a proposer its round again, with the past behind a sequence."""
        job = self._job_of(peer, message.id)
        showing = None if job is None else job.round.presentation(message.round, peer)
        if showing is None:
            return stale(message, "that round is over, or another one")
        showing.show_again(message.known)
        return None

    def withdraw(self, peer: Peer, id_: int) -> None:
        """Take a proposal back, if it is not decided; its result is the answer."""
        job = self._job_of(peer, id_)
        if job is not None:
            job.withdraw()

    def _job_of(self, peer: Peer, id_: int) -> Job | None:
        return self._asked.get(peer.number, {}).get(id_)

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
        self._ends.pop(peer.number, None)
        for job in self._asked.pop(peer.number, {}).values():
            job.peer = None
            if job.by is By.SELF:
                job.withdraw()

    def rights_changed(self, peer: Peer) -> None:
        """End a connection's proposals that are not decided, and that it may not make any more."""
        for id_, job in list(self._asked.get(peer.number, {}).items()):
            if job.proposal.ending is None:
                fault = fault_in_proposal(peer.principal, job.request, job.proposal.scope)
                if fault is not None:
                    job.give_up(say.error(*fault, id_))

    def stop(self, peer: Peer, why: say.Error) -> None:
        """End a connection's proposals that are not decided: with an error for each."""
        for id_, job in list(self._asked.get(peer.number, {}).items()):
            if job.proposal.ending is None:
                job.give_up(msgspec.structs.replace(why, id=id_))

    async def all_told(self, peer: Peer) -> None:
        """Wait until a connection waits for no result any more."""
        if peer.number in self._asked:
            await self._ends.setdefault(peer.number, trio.Event()).wait()

    def close(self) -> None:
        """Take back whatever is not decided."""
        for job in list(self._jobs.values()):
            job.withdraw()

    def forget(self, job: Job) -> None:
        """It has ended."""
        if self._jobs.get(job.key) is job:
            del self._jobs[job.key]

    def release(self, peer: Peer, id_: int) -> None:
        """A request for a proposal has ended."""
        of_peer = self._asked.get(peer.number, {})
        of_peer.pop(id_, None)
        if not of_peer:
            self._asked.pop(peer.number, None)
            if peer.number in self._ends:
                self._ends.pop(peer.number).set()

    # --- steps ----------------------------------------------------------------------------

    def _made(self, peer: Peer, request: Propose) -> Job | say.Error:
        parts = self.store._parts
        proposal_id = _uuid_of(request.proposal_id)
        fault = fault_in_given(request.metadata)
        if fault is None and proposal_id is None:
            fault = f"proposal_id: expected a UUID, found {shown(request.proposal_id)}"
        if fault is None and request.scope is None and parts.scope_of is None:
            fault = "scope: expected one, for this store does not tell it from the event"
        if fault is not None:
            return say.error(ErrorCode.BAD_MESSAGE, fault, request.id)
        arguments = self._arguments(request, proposal_id)
        forbidden = fault_in_proposal(peer.principal, request, arguments[0])
        if forbidden is not None:
            return say.error(*forbidden, request.id)
        if request.state and parts.codec is None:
            what = "state: this store keeps none that has a JSON form"
            return say.error(ErrorCode.NO_STATE, what, request.id)
        name, by = peer.principal.name, self._who_decides(request)
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

    def _arguments(self, request: Propose, proposal_id: UUID | None) -> Arguments:
        parts, scope, timeout = self.store._parts, request.scope, request.validation_timeout_s
        if timeout is not None:
            timeout = min(timeout, parts.options.validation_timeout)
        if parts.scope_of is not None:
            # Where an event belongs is for the store to say, and not for who sends it.
            scope = None
        arguments = self.store._intake.arguments(
            received(self.store, request.event), scope, proposal_id, request.metadata, timeout
        )
        if request.scope not in (None, arguments[0]):
            raise InvalidEvent(
                f"scope: expected {shown(arguments[0])}, for the event belongs there, "
                f"found {shown(request.scope)}"
            )
        return arguments

    def _who_decides(self, request: Propose) -> By:
        if request.decide == "self":
            return By.SELF
        return By.VALIDATOR if self.validate is None else By.FUNCTION


async def _enter_in_turn(
    job: Job, entering: dict[str, trio.Event], before: trio.Event | None, mine: trio.Event
) -> None:
    """Let a proposal take its place behind those that the same connection sent before it."""
    try:
        await job.run(before)
    finally:
        if before is not None:
            # It may have been withdrawn before that one had its place: the next one waits on.
            with trio.CancelScope(shield=True):
                await before.wait()
        mine.set()
        if entering.get(job.proposal.scope) is mine:
            del entering[job.proposal.scope]


def _is_same(older: Job, newer: Job) -> bool:
    one, other = older.proposal.encoded, newer.proposal.encoded
    return older.principal == newer.principal and (
        one == other
        or (one.type, one.version, jsonvalue.canonical(one.data))
        == (other.type, other.version, jsonvalue.canonical(other.data))
    )


def _uuid_of(text: str | None) -> UUID | None:
    """The proposal's id; a new one if it has none; None if that is none."""
    if text is None:
        return UUID(str(uuid_utils.uuid7()))
    try:
        return UUID(text)
    except ValueError:
        return None

"""
One proposal that came over the wire: who asked, who decides, and how it is answered.

A `Job` is a proposal from its message to its end. It outlives the connection that asked
where others decide; asked again with the same id, it changes hands. What is told is what
the store tells, when the store tells it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from enum import Enum, auto
from typing import Any, Protocol, final

import attrs
import trio

from ..errors import StaleResponse
from ..proposal import Proposal
from ..store import Store
from ..tasks import Tasks
from .faults import error_for
from .past import known_for_sure, show_past
from .peer import Peer
from .protocol import server_messages as say
from .protocol.client_messages import Propose
from .protocol.codes import ErrorCode
from .results import result_message
from .rounds import WireRound
from .validators import Validators


class Home(Protocol):
    """Where jobs live: what they need, and whom they tell."""

    store: Store[Any]
    validators: Validators
    tasks: Tasks
    message_bytes: int
    on_outcome: Callable[[str], None]

    def forget(self, job: Job) -> None:
        """It has ended."""
        ...

    def release(self, peer: Peer, id_: int) -> None:
        """A request for a proposal has ended."""
        ...


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

    home: Home
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

    @trio.lowlevel.enable_ki_protection
    async def run(self, before: trio.Event | None) -> None:
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

    async def _enter(self) -> None:
        proposal, request = self.proposal, self.request
        if self.by is By.SELF:
            journal, scope = self.home.store._parts.journal, proposal.scope
            self._known = await known_for_sure(
                self.home.store, scope, request.known, request.known_id
            )
            if request.past and self.peer is not None:
                self._known = await show_past(
                    self.peer, request.id, journal, scope, self._known, None
                )
        with trio.CancelScope(shield=True):
            # It has its place or not, and is never on its way: `withdraw` must find it.
            await self.home.store._intake.enter(proposal, has_own_id=self.has_own_id)
        self.has_entered = True
        if self._entering.cancel_called:
            self.withdraw()
        if proposal.ending is None and proposal.request is None:
            self._say_waiting()

    def _say_waiting(self) -> None:
        scope = self.home.store._supervisor.scopes[self.proposal.scope]
        ahead = scope.admission.waiting - 1 + (scope.admission.round is not None)
        if self.peer is not None and ahead > 0:
            self.peer.say(say.Waiting(id=self.request.id, ahead=ahead))

    # --- its round ----------------------------------------------------------------------

    def opened(self, answer: Awaitable[object] | None) -> bool:
        """Have the round decided; False if there is nobody any more."""
        match self.by:
            case By.FUNCTION:
                assert answer is not None
                self.home.tasks.start_soon(self._decide_by_function, answer)
            case By.SELF:
                return self._show_proposer()
            case By.VALIDATOR:
                self.home.validators.assign(self.round)
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

    @trio.lowlevel.enable_ki_protection
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
        except trio.Cancelled:
            self.withdraw()
            raise
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
            self.home.on_outcome(outcome)
            self._finish(
                result_message(
                    result, self.request.id, outcome, self.principal, self.home.message_bytes
                )
            )
        self.round.over(outcome)

    def supersede(self) -> None:
        """Another request takes it over; the one that asked for it has ended."""
        what = "the same proposal was sent again, and took this one's place"
        self._leave_peer(say.error(ErrorCode.SUPERSEDED, what, self.request.id))

    def give_up(self, message: say.ServerMessage) -> None:
        """Take it back, with an answer of one's own."""
        self._leave_peer(message)
        self.withdraw()

    def _finish(self, message: say.ServerMessage) -> None:
        self.home.forget(self)
        self._leave_peer(message)

    def _leave_peer(self, message: say.ServerMessage) -> None:
        peer, self.peer = self.peer, None
        if peer is not None:
            self.home.release(peer, self.request.id)
            peer.finish(self.request.id, message)

    def take_over(self, peer: Peer, request: Propose) -> None:
        """Go on for another request: same place, new name of the round."""
        self.peer, self.request, self._known = peer, request, 0
        if self.by is By.SELF and self.round.is_open:
            self._show_proposer()

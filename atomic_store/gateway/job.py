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
from .faults import NoValidator, error_for
from .past import Held, show_past
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
        """Stop whoever decides."""
        job: Job = self.job
        job.stop()

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
    _held: Held = attrs.field(init=False)
    _entering: trio.CancelScope = attrs.Factory(trio.CancelScope)
    _deciding: trio.CancelScope | None = None
    # The past that is shown while it waits, to somebody who took it over.
    _showing: trio.CancelScope | None = None

    def __attrs_post_init__(self) -> None:
        self._held = Held.claimed(self.request)

    @property
    def key(self) -> tuple[str, str]:
        """What it is known by."""
        return self.proposal.scope, self.proposal.id

    # --- taking its place ----------------------------------------------------------------

    def enter_at_once(self) -> bool:
        """
        Take a place in the scope, if there is nothing to show and to look up before that.

        Returns:
          False if there is: then nothing was done.
        """
        try:
            if not self._is_prepared() or not self.home.store._intake.enter_nowait(
                self.proposal, has_own_id=self.has_own_id
            ):
                return False
            self._entered()
        except Exception as error:
            self._finish(error_for(error, self.request.id))
        return True

    def _is_prepared(self) -> bool:
        """Whether it is known that `_prepare` has nothing to do."""
        store, scope = self.home.store, self.proposal.scope
        match self.by:
            case By.SELF:
                return not self.request.past or self._held.is_newest(store, scope)
            case By.VALIDATOR:
                return self.home.validators.has_any_for(scope)
            case By.FUNCTION:
                return True

    @trio.lowlevel.enable_ki_protection
    async def run(self, before: trio.Event | None) -> None:
        """Show the past, and take a place in the scope; ends before the proposal does."""
        try:
            with self._entering:
                if before is not None:
                    await before.wait()
                await self._prepare()
                await trio.lowlevel.checkpoint_if_cancelled()
                await self._enter()
            if self._entering.cancelled_caught:
                await self._end_before_entering()
        except Exception as error:
            self._finish(error_for(error, self.request.id))

    async def _prepare(self) -> None:
        """Do what holds up nobody, for it has no place yet."""
        match self.by:
            case By.SELF:
                await self._show_past(self._entering)
            case By.VALIDATOR if not self.home.validators.has_any_for(self.proposal.scope):
                if not await self._was_admitted():
                    what = "nobody here decides for this scope, and you did not say that you do"
                    raise NoValidator(what)
            case _:
                pass

    async def _show_past(self, showing: trio.CancelScope) -> None:
        if self.request.past and self.peer is not None:
            await show_past(
                self.peer, self.request.id, self.home.store, self.proposal.scope,
                self._held, None, showing,
            )  # fmt: skip

    async def _enter(self) -> None:
        with trio.CancelScope(shield=True):
            # It has its place or not, and is never on its way: `withdraw` must find it.
            await self.home.store._intake.enter(self.proposal, has_own_id=self.has_own_id)
        self._entered()

    def _entered(self) -> None:
        proposal = self.proposal
        self.has_entered = True
        if self._entering.cancel_called:
            self.withdraw()
        if proposal.ending is None and proposal.request is None:
            self._say_waiting()

    async def _end_before_entering(self) -> None:
        """It was taken back on its way: that is how it ends, unless it was admitted before."""
        if self.peer is not None and await self._was_admitted():
            await self._enter()
        else:
            self.home.on_outcome("withdrawn")
            self._finish(say.Result(id=self.request.id, accepted=False, outcome="withdrawn"))

    async def _was_admitted(self) -> bool:
        """Whether a proposal of this id was: then it ends as that one did."""
        if not self.has_own_id:
            return False
        scope, id_ = self.key
        live = self.home.store._supervisor.scopes.get(scope)
        if live is not None and live.recent.get(id_) is not None:
            return True
        return bool(await self.home.store._parts.journal.find(scope, id_))

    def _say_waiting(self) -> None:
        scope = self.home.store._supervisor.scopes[self.proposal.scope]
        ahead = scope.admission.waiting - 1 + (scope.admission.round is not None)
        if self.peer is not None and ahead > 0:
            self.peer.tell(self.request.id, say.Waiting(id=self.request.id, ahead=ahead))

    # --- its round ----------------------------------------------------------------------

    def opened(self, answer: Awaitable[object] | None) -> bool:
        """Have the round decided; False if there is nobody any more."""
        if answer is not None:
            self._deciding = trio.CancelScope()
            self.home.tasks.start_soon(self._decide_by_function, answer, self._deciding)
            return True
        if self._entering.cancel_called:
            # It was taken back while it was looked up.
            return False
        if self.by is By.SELF:
            return self._show_proposer()
        self.home.validators.assign(self.round)
        return True

    def _show_proposer(self) -> bool:
        self._stop_showing()
        if self.peer is None or self.peer.is_gone:
            return False
        request = self.request
        self.round.show(
            self.peer, request.id, held=self._held,
            with_past=request.past, with_state=request.state,
        )  # fmt: skip
        return True

    @trio.lowlevel.enable_ki_protection
    async def _decide_by_function(
        self, answer: Awaitable[object], deciding: trio.CancelScope
    ) -> None:
        proposal, place = self.proposal, self.proposal.place
        assert place is not None
        try:
            with deciding:
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

    def stop(self) -> None:
        """It has ended: nobody decides it, or is shown anything of it, any more."""
        if self._deciding is not None:
            self._deciding.cancel()
        self._stop_showing()
        self.round.stop()
        self.home.validators.drop(self.round)

    def _stop_showing(self) -> None:
        if self._showing is not None:
            self._showing.cancel()
            self._showing = None

    # --- its end --------------------------------------------------------------------------

    def withdraw(self) -> None:
        """Take it back, if it is not decided; the result says what came first."""
        proposal = self.proposal
        if not self.has_entered:
            self._entering.cancel()
            # It may be on its way: no function is to decide what was taken back.
            proposal.validate = None
        if proposal.place is not None and proposal.ending is None:
            proposal.place.withdraw(proposal)

    def told(self) -> None:
        """Answer the proposer, and whoever was shown the round."""
        self.stop()
        id_, outcome = self.request.id, "failed"
        answer: say.ServerMessage
        try:
            result = self.proposal.result()
            outcome = "ended" if self.was_ended else str(result.outcome)
            self.home.on_outcome(outcome)
            answer = result_message(
                result, id_, outcome, self.principal, self.home.message_bytes
            )  # fmt: skip
        except Exception as error:
            answer = error_for(error, id_)
        except BaseException as interrupt:
            # It came to a plain function, and nobody else would hear of it.
            answer = say.error(ErrorCode.INTERNAL, "the gateway was interrupted", id_)
            self.home.tasks.start_soon(_raise, interrupt)
        self._finish(answer)
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
        self._stop_showing()
        self.peer, self.request, self._held = peer, request, Held.claimed(request)
        if self.by is not By.SELF or self.proposal.ending is not None:
            return
        if self.round.is_open:
            self._show_proposer()
        else:
            self._showing = trio.CancelScope()
            peer.tasks.start_soon(self._show_past_meanwhile, self._showing)

    @trio.lowlevel.enable_ki_protection
    async def _show_past_meanwhile(self, showing: trio.CancelScope) -> None:
        """Show the past to somebody new while it waits; the rest comes with the round."""
        try:
            with showing:
                await self._show_past(showing)
        except Exception as error:
            if not showing.cancel_called:
                self.give_up(error_for(error, self.request.id))


async def _raise(error: BaseException) -> None:
    raise error

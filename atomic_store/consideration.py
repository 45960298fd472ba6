"""A round held by a block of code: validation that happens elsewhere."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, Generic, TypeVar, final

import attrs
import trio

from .decision import Decision
from .errors import StaleResponse, shown
from .proposal import TaskProposal
from .request import ValidationRequest
from .result import Result

E = TypeVar("E")


@final
@attrs.define(eq=False)
class ConsideredRequest(ValidationRequest[E]):
    """A `ValidationRequest` that is answered with `respond`."""

    _proposal: TaskProposal = attrs.field(repr=False)

    @property
    def result(self) -> Result[E] | None:
        """
        What became of the proposal; None while its round is open.

        Raises:
          StoreClosed, JournalFailed, ScopeFailed: what ended the round.
        """
        return self._proposal.result() if self._proposal.is_told else None

    @trio.lowlevel.enable_ki_protection
    async def respond(self, decision: Decision) -> Result[E]:
        """
        End the round with a decision.

        Args:
          decision: what this request's `accept` or `reject` gave.

        Returns:
          The result, once it is durable; for a proposal that was admitted before, that
          one's, whatever the decision.

        Checkpoints: always. Cancellation: once the decision counts, a cancellation waits
        for the result.

        Raises:
          StaleResponse: the round is over: timed out, withdrawn or answered before.
          TypeError: that is no decision of this request; the round stays open.
          InvalidEvent: what was accepted cannot be stored; the round stays open.
          StoreClosed, JournalFailed, ScopeFailed: what ended the round.
        """
        await trio.lowlevel.checkpoint_if_cancelled()
        proposal = self._proposal
        ending = proposal.ending
        if ending is not None:
            if ending.error is None and not ending.is_duplicate:
                raise StaleResponse(
                    f"the round of scope {shown(self.scope)} is over: {ending.outcome}"
                )
        else:
            assert proposal.place is not None
            proposal.place.answer(proposal, decision)
        await proposal.wait_told()
        await trio.lowlevel.cancel_shielded_checkpoint()
        return proposal.result()


@final
@attrs.define(eq=False)
class Consideration(Generic[E]):
    """What `Store.consider` gives: an async context manager around one round."""

    _start: Callable[[], Awaitable[TaskProposal]]
    _proposal: TaskProposal | None = attrs.field(default=None, init=False)

    @trio.lowlevel.enable_ki_protection
    async def __aenter__(self) -> ConsideredRequest[E]:
        self._proposal = proposal = await self._start()
        request: Any = proposal.request
        assert request is not None
        return ConsideredRequest(
            request.prospective_event,
            request.scope,
            request.round,
            request.deadline,
            request.principal,
            request.sequence,
            request._proposal_id,
            request._metadata,
            request._state,
            request._past,
            request._commit,
            request._read_past,
            proposal,
        )

    @trio.lowlevel.enable_ki_protection
    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        proposal = self._proposal
        assert proposal is not None
        if proposal.ending is None:
            assert proposal.place is not None
            proposal.place.withdraw(proposal)

"""A round held by a block of code, over a connection."""

from __future__ import annotations

from typing import Any, TypeVar, final

import attrs
import trio

from ...decision import Decision
from ...errors import StaleResponse, shown
from ...request import ValidationRequest
from ...result import Result
from ...validating import check_decision
from .proposal import Proposal, request_of_duplicate

E = TypeVar("E")


@final
@attrs.define(eq=False)
class RemoteRequest(ValidationRequest[E]):
    """A `ValidationRequest` of a gateway that is answered with `respond`."""

    _proposal: Proposal = attrs.field(repr=False)

    @property
    def result(self) -> Result[E] | None:
        """
        What became of the proposal; None while its round is open.

        Raises:
          StaleResponse: the connection was lost in the round; nothing was stored.
          GatewayError, GatewayClosed: what ended the round.
        """
        self._proposal.look()
        return None if self._proposal.ended is None else self._proposal.result()

    async def respond(self, decision: Decision) -> Result[E]:
        """
        End the round with a decision.

        Args:
          decision: what this request's `accept` or `reject` gave.

        Returns:
          The result; for a proposal that was admitted before, that one's, whatever the
          decision.

        Checkpoints: always. Cancellation: as `Client.store_if_valid`.

        Raises:
          StaleResponse: the round is over, or was before the decision arrived: timed out,
            withdrawn, answered before, or the connection was lost. Nothing was stored.
          TypeError: that is no decision of this request; the round stays open.
          InvalidEvent: what was accepted cannot be stored; the round stays open.
          GatewayError, GatewayClosed: what ended the round.
        """
        await trio.lowlevel.checkpoint()
        proposal = self._proposal
        proposal.look()
        if proposal.ended is not None:
            result: Result[E] = proposal.result()
            if not result.is_duplicate:
                raise self._stale(str(result.outcome))
            return result
        if proposal.round is None:
            raise self._stale("answered before, or the connection was lost")
        proposal.decide(proposal.round, check_decision(decision, self.round))
        if not await proposal.conclude():
            raise self._stale("the connection was lost before the decision arrived")
        return proposal.result()

    def _stale(self, why: str) -> StaleResponse:
        return StaleResponse(f"the round of scope {shown(self.scope)} is over: {why}")


def considered(proposal: Proposal) -> RemoteRequest[Any]:
    """Make the request of a proposal whose round is open, or that has ended without one."""
    request = proposal.request() if proposal.round is not None else request_of_duplicate(proposal)
    return RemoteRequest(
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

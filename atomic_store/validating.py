"""Calling a validator, and what counts as its answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import trio

from .admission import Round, RoundToken
from .decision import Accept, Decision, Reject
from .errors import shown
from .proposal import Proposal
from .request import ValidationRequest

DECISIONS = (Accept, Reject)


def call_validator(
    proposal: Proposal,
    validate: Callable[[ValidationRequest[Any]], object],
    request: ValidationRequest[Any],
) -> object:
    """Call the validator in its proposer's context; what it raises is its own."""
    assert proposal.context is not None
    if proposal.task is trio.lowlevel.current_task():
        return _call_unprotected(validate, request)
    return proposal.context.run(_call_unprotected, validate, request)


@trio.lowlevel.disable_ki_protection
def _call_unprotected(
    validate: Callable[[ValidationRequest[Any]], object], request: ValidationRequest[Any]
) -> object:
    return validate(request)


def as_decision(answer: object) -> Decision:
    """
    Give the answer, if it is a decision.

    Raises:
      TypeError: it is not.
    """
    if not isinstance(answer, DECISIONS):
        raise TypeError(
            f"a validator gives request.accept(…) or request.reject(…), found {shown(answer)}"
        )
    return answer


def check_decision(answer: object, token: RoundToken) -> Decision:
    """
    Give the decision, if it is one of this round.

    Raises:
      TypeError: it is not.
    """
    decision = as_decision(answer)
    if decision.round is not token and decision.round != token:
        raise TypeError(
            f"expected a decision of round {token.number} of scope {shown(token.scope)}, "
            f"found one of round {decision.round.number} of {shown(decision.round.scope)}"
        )
    return decision


def refuse_own_round(round_: Round[Proposal] | None, proposal: Proposal) -> None:
    """
    Refuse a proposal whose proposer holds the round for which it would wait.

    Raises:
      RuntimeError: it does.
    """
    if round_ is not None and proposal.task is not None and round_.proposal.task is proposal.task:
        raise RuntimeError(
            f"this task holds the open round of scope {shown(proposal.scope)}: "
            "proposing to it now would wait for itself"
        )

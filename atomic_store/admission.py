"""
How one scope admits: the waiting room and the round, as a pure state machine.

Everything that decides *whose turn it is* lives in this file. It knows nothing of
tasks, clocks, disks or events: proposals are opaque values, times are numbers that
are passed in. What an accepted decision stores is none of its business either.

Theory of operation
-------------------
A scope is in one of three phases. While it is `AVAILABLE`, no round is open, and
the proposal at the front of the waiting room may get one. `VALIDATING` means that
exactly one round is open. A round ends in exactly one way, `RoundEnd`, and whatever
that is, the scope is available again. `CLOSED` is final: nothing enters, nothing
opens. `TRANSITIONS` is the whole of it; the methods below look up their transition
there first, so that an illegal call raises and changes nothing.

A round is named by a token whose number no other round of the store ever had: an
answer that comes late names a round that is over, and can't end another one.
"""

from __future__ import annotations

from collections import OrderedDict
from enum import Enum, auto
from typing import Generic, TypeAlias, TypeVar, final

import attrs
import msgspec

from .errors import ScopeBusy, StaleResponse, StoreClosed, shown

P = TypeVar("P")


class Phase(Enum):
    """What a scope is doing."""

    # Members are looked up for every round, and Enum's own hash is slow.
    __hash__ = object.__hash__

    AVAILABLE = auto()
    VALIDATING = auto()
    CLOSED = auto()


class RoundEnd(Enum):
    """How a round ends; exactly one of these, once."""

    __hash__ = object.__hash__

    ACCEPTED = auto()
    REJECTED = auto()
    TIMED_OUT = auto()
    WITHDRAWN = auto()
    RAISED = auto()
    CRASHED = auto()


class Step(Enum):
    """What else happens to a scope."""

    __hash__ = object.__hash__

    ENTER = auto()
    OPEN = auto()
    CLOSE = auto()


Cause: TypeAlias = Step | RoundEnd

TRANSITIONS: dict[Phase, dict[Cause, Phase]] = {
    Phase.AVAILABLE: {
        Step.ENTER: Phase.AVAILABLE,
        Step.OPEN: Phase.VALIDATING,
        Step.CLOSE: Phase.CLOSED,
    },
    Phase.VALIDATING: {
        Step.ENTER: Phase.VALIDATING,
        **dict.fromkeys(RoundEnd, Phase.AVAILABLE),
        Step.CLOSE: Phase.CLOSED,
    },
    Phase.CLOSED: {},
}


@final
class RoundToken(msgspec.Struct, frozen=True, gc=False):
    """The name of a round: an answer that carries another one decides nothing."""

    scope: str
    number: int
    """Unique in the store, rising."""


@attrs.define
class Round(Generic[P]):
    """An open round. Nobody changes it; frozen, it would cost three times as much to make."""

    token: RoundToken
    proposal: P
    opened_at: float
    """On the clock that the caller passes in, in seconds."""
    deadline: float
    """On the same clock."""


@final
@attrs.define(eq=False)
class Admission(Generic[P]):
    """
    One scope's waiting room and round. Pure: no call waits, none reads a clock.

    Args:
      scope: the scope's name, for tokens and messages.
      waiting_max: how many proposals may wait.
    """

    scope: str
    waiting_max: int
    phase: Phase = Phase.AVAILABLE
    # Invariant: not None exactly while the phase is VALIDATING.
    round: Round[P] | None = None
    # Invariant: at most waiting_max; in the order of entering. Empty once closed.
    _waiting: OrderedDict[P, None] = attrs.field(factory=OrderedDict, init=False)

    @property
    def waiting(self) -> int:
        """How many proposals wait."""
        return len(self._waiting)

    @property
    def first(self) -> P | None:
        """The proposal whose turn is next, if any waits."""
        return next(iter(self._waiting), None)

    @property
    def next_up(self) -> P | None:
        """The proposal for which a round can be opened now: none if one is open."""
        if self.phase is not Phase.AVAILABLE:
            return None
        return next(iter(self._waiting), None)

    def enter(self, proposal: P) -> None:
        """
        Let a proposal wait its turn, behind all others.

        Raises:
          ScopeBusy: `waiting_max` proposals wait already.
          StoreClosed: the scope is closed.
        """
        phase = self._after(Step.ENTER)
        if len(self._waiting) >= self.waiting_max:
            raise ScopeBusy(
                f"scope {shown(self.scope)} has {len(self._waiting)} proposals waiting, "
                f"its limit is {self.waiting_max}"
            )
        assert proposal not in self._waiting
        self._waiting[proposal] = None
        self.phase = phase

    def leave(self, proposal: P) -> bool:
        """Take a proposal out of the waiting room; False if it does not wait there."""
        if proposal not in self._waiting:
            return False
        del self._waiting[proposal]
        return True

    def open(self, *, number: int, now: float, deadline: float) -> Round[P]:
        """
        Open a round for the proposal at the front. Only when there is a `next_up`.

        Args:
          number: one that no round of the store had.
          now, deadline: times, in seconds on one clock.
        """
        phase = self._after(Step.OPEN)
        proposal, _ = self._waiting.popitem(last=False)
        self.round = Round(RoundToken(self.scope, number), proposal, now, deadline)
        self.phase = phase
        return self.round

    def check(self, token: RoundToken) -> Round[P]:
        """
        Give the round that the token names.

        Raises:
          StaleResponse: it is not the one that is open.
        """
        round_ = self.round
        if round_ is None or (round_.token is not token and round_.token != token):
            raise StaleResponse(
                f"round {token.number} of scope {shown(self.scope)} is over: expected "
                + ("no answer" if round_ is None else f"one to round {round_.token.number}")
            )
        return round_

    def end(self, token: RoundToken, how: RoundEnd) -> P:
        """
        End the round that the token names, and give its proposal.

        Raises:
          StaleResponse: it is not the one that is open; nothing changed.
        """
        proposal = self.check(token).proposal
        self.phase = self._after(how)
        self.round = None
        return proposal

    def close(self) -> tuple[P | None, list[P]]:
        """
        Close for good, whatever is open or waiting.

        Returns:
          The proposal whose round was open, if one was, and those who waited, in order.
        """
        self.phase = self._after(Step.CLOSE)
        open_round, self.round = self.round, None
        waiting = list(self._waiting)
        self._waiting.clear()
        return (None if open_round is None else open_round.proposal), waiting

    def _after(self, cause: Cause) -> Phase:
        try:
            return TRANSITIONS[self.phase][cause]
        except KeyError:
            if self.phase is Phase.CLOSED:
                raise StoreClosed(f"scope {shown(self.scope)} is closed") from None
            message = f"{cause.name} is not possible while {self.phase.name}"
            raise RuntimeError(message) from None

"""The state machine of a scope."""

from __future__ import annotations

import attrs
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from atomic_store.admission import (
    TRANSITIONS,
    Admission,
    Phase,
    Round,
    RoundEnd,
    RoundToken,
    Step,
)
from atomic_store.errors import ScopeBusy, StaleResponse, StoreClosed


def admission(waiting_max: int = 3) -> Admission[str]:
    return Admission("lot-1", waiting_max)


def opened(*proposals: str) -> tuple[Admission[str], Round[str]]:
    scope = admission()
    for proposal in proposals:
        scope.enter(proposal)
    return scope, scope.open(number=1, now=10.0, deadline=15.0)


class TestWaitingRoom:
    def test_first_in_first_out(self) -> None:
        """Rounds open in the order of entering."""
        scope = admission()
        for proposal in "abc":
            scope.enter(proposal)
        order = []
        for number in range(3):
            round_ = scope.open(number=number, now=0, deadline=1)
            order.append(scope.end(round_.token, RoundEnd.ACCEPTED))

        assert order == ["a", "b", "c"]

    def test_full(self) -> None:
        """One more than the limit is refused, and changes nothing."""
        scope = admission(waiting_max=2)
        scope.enter("a")
        scope.enter("b")

        with pytest.raises(ScopeBusy, match="has 2 proposals waiting, its limit is 2"):
            scope.enter("c")

        assert scope.waiting == 2
        assert scope.first == "a"

    def test_open_round_does_not_wait(self) -> None:
        """The proposal in the round takes no place in the waiting room."""
        scope = admission(waiting_max=1)
        scope.enter("a")
        scope.open(number=1, now=0, deadline=1)
        scope.enter("b")

        assert scope.waiting == 1

    def test_leave(self) -> None:
        """Who leaves gets no round, and the others keep their order."""
        scope = admission()
        for proposal in "abc":
            scope.enter(proposal)

        assert scope.leave("b") is True
        assert scope.leave("b") is False
        assert scope.open(number=1, now=0, deadline=1).proposal == "a"
        scope.end(RoundToken("lot-1", 1), RoundEnd.REJECTED)
        assert scope.open(number=2, now=0, deadline=1).proposal == "c"


class TestRound:
    def test_opening(self) -> None:
        """A round carries its token, its proposal and its times."""
        scope, round_ = opened("a", "b")

        assert round_ == Round(RoundToken("lot-1", 1), "a", 10.0, 15.0)
        assert scope.phase is Phase.VALIDATING
        assert scope.next_up is None
        assert scope.waiting == 1

    @pytest.mark.parametrize("how", RoundEnd)
    def test_ending(self, how: RoundEnd) -> None:
        """However a round ends, the scope is available again, and the next can open."""
        scope, round_ = opened("a", "b")

        assert scope.end(round_.token, how) == "a"
        assert scope.phase is Phase.AVAILABLE
        assert scope.round is None
        assert scope.next_up is not None

    def test_only_one(self) -> None:
        """A second round cannot open while one is."""
        scope, round_ = opened("a", "b")

        with pytest.raises(RuntimeError, match="OPEN is not possible while VALIDATING"):
            scope.open(number=2, now=0, deadline=1)

        assert scope.round is round_
        assert scope.waiting == 1

    def test_late_answer(self) -> None:
        """An answer to a round that is over is stale, and changes nothing."""
        scope, first = opened("a", "b")
        scope.end(first.token, RoundEnd.TIMED_OUT)
        with pytest.raises(StaleResponse, match="round 1 of scope 'lot-1' is over: expected no"):
            scope.end(first.token, RoundEnd.ACCEPTED)
        second = scope.open(number=2, now=0, deadline=1)

        with pytest.raises(StaleResponse, match="expected one to round 2"):
            scope.end(first.token, RoundEnd.ACCEPTED)

        assert scope.round is second
        assert scope.phase is Phase.VALIDATING

    def test_foreign_scope(self) -> None:
        """A token of another scope with the same number is stale, too."""
        scope, _ = opened("a")

        with pytest.raises(StaleResponse):
            scope.check(RoundToken("lot-2", 1))


class TestClosing:
    def test_gives_everybody(self) -> None:
        """Closing hands out the open round's proposal and all who wait, in order."""
        scope, _ = opened("a", "b", "c")

        assert scope.close() == ("a", ["b", "c"])
        assert scope.phase is Phase.CLOSED
        assert scope.waiting == 0
        assert scope.first is None

    def test_without_a_round(self) -> None:
        """Closing an available scope has no round to hand out."""
        scope = admission()

        assert scope.close() == (None, [])

    def test_final(self) -> None:
        """Nothing happens to a closed scope any more."""
        scope = admission()
        scope.close()

        with pytest.raises(StoreClosed, match="scope 'lot-1' is closed"):
            scope.enter("a")
        with pytest.raises(StoreClosed):
            scope.open(number=1, now=0, deadline=1)
        with pytest.raises(StoreClosed):
            scope.close()
        assert TRANSITIONS[Phase.CLOSED] == {}

    def test_table_is_complete(self) -> None:
        """Every phase says of every cause what it does; only a round can end."""
        assert set(TRANSITIONS) == set(Phase)
        assert set(TRANSITIONS[Phase.VALIDATING]) == {Step.ENTER, Step.CLOSE, *RoundEnd}
        assert set(TRANSITIONS[Phase.AVAILABLE]) == set(Step)


@attrs.define
class Model:
    """What the state machine should do, in the plainest way."""

    waiting: list[int] = attrs.Factory(list)
    in_round: int | None = None


class AdmissionFlow(RuleBasedStateMachine):
    """Random flows against the model."""

    def __init__(self) -> None:
        super().__init__()
        self.scope: Admission[int] = Admission("s", 4)
        self.model = Model()
        self.count = 0
        self.rounds = 0
        self.old: list[RoundToken] = []

    @rule()
    def enter(self) -> None:
        self.count += 1
        if len(self.model.waiting) == 4:
            with pytest.raises(ScopeBusy):
                self.scope.enter(self.count)
        else:
            self.scope.enter(self.count)
            self.model.waiting.append(self.count)

    @precondition(lambda self: self.model.waiting)
    @rule(data=st.data())
    def leave(self, data: st.DataObject) -> None:
        who = data.draw(st.sampled_from(self.model.waiting))
        assert self.scope.leave(who)
        self.model.waiting.remove(who)

    @precondition(lambda self: self.model.waiting and self.model.in_round is None)
    @rule()
    def open(self) -> None:
        self.rounds += 1
        round_ = self.scope.open(number=self.rounds, now=0, deadline=1)
        self.model.in_round = self.model.waiting.pop(0)
        assert round_.proposal == self.model.in_round

    @precondition(lambda self: self.model.in_round is not None)
    @rule(how=st.sampled_from(RoundEnd))
    def end(self, how: RoundEnd) -> None:
        assert self.scope.round is not None
        token = self.scope.round.token
        assert self.scope.end(token, how) == self.model.in_round
        self.model.in_round = None
        self.old.append(token)

    @precondition(lambda self: self.old)
    @rule(data=st.data(), how=st.sampled_from(RoundEnd))
    def answer_late(self, data: st.DataObject, how: RoundEnd) -> None:
        with pytest.raises(StaleResponse):
            self.scope.end(data.draw(st.sampled_from(self.old)), how)

    @invariant()
    def agrees(self) -> None:
        round_ = self.scope.round
        assert (None if round_ is None else round_.proposal) == self.model.in_round
        assert (round_ is not None) == (self.scope.phase is Phase.VALIDATING)
        assert self.scope.waiting == len(self.model.waiting)
        assert self.scope.first == (self.model.waiting[0] if self.model.waiting else None)
        assert self.scope.next_up == (self.scope.first if round_ is None else None)


AdmissionFlow.TestCase.settings = settings(max_examples=100, stateful_step_count=50)
TestAdmissionFlow = AdmissionFlow.TestCase

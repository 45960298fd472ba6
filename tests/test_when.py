"""When: how a validator is run, with or without Trio, with a fold, and until its deadline."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, cast
from uuid import UUID

import pytest
import trio
import trio.testing

from atomic_store import (
    Accept,
    Decision,
    Fold,
    IdempotencyConflict,
    Outcome,
    PastNotLoaded,
    RoundToken,
    ValidationRequest,
)
from atomic_store.testing import scenario
from bids import HIGHEST, Bid, accept, higher, higher_slowly, lot_of
from trials import ADA, AUCTION, BEN, ID, OTHER, never, seen


class TestWhen:
    def test_the_request_is_whole(self) -> None:
        """All that a proposal says is in its request."""
        request = seen(
            AUCTION.given(OTHER),
            ADA,
            proposal_id=ID,
            metadata={"by": "web"},
            principal="ada@example.org",
        )

        assert ID == request.proposal_id
        assert {"by": "web"} == request.metadata
        assert "ada@example.org" == request.principal
        assert RoundToken("lot-1", 2) == request.round
        assert request.state is None

    def test_without_an_id_it_is_always_the_same(self) -> None:
        """Proposals without an id get one after the other, the same in every run."""
        after = AUCTION.given(ADA).when(BEN, lambda request: request.reject())

        assert UUID("00000000-0000-7000-8000-000000000002") == after.result.proposal_id
        assert UUID("00000000-0000-7000-8000-000000000003") == seen(after, BEN).proposal_id

    @pytest.mark.parametrize("validate", [higher, higher_slowly])
    def test_a_plain_test_takes_both_kinds(self, validate: Callable[..., Any]) -> None:
        """Where Trio does not run, `when` takes plain functions and `async def`s."""
        start = AUCTION.given(ADA)

        assert start.when(BEN, validate).was_accepted
        assert "not above 500" == start.when(ADA, validate).reason

    @pytest.mark.parametrize("validate", [higher, higher_slowly])
    async def test_an_async_test_takes_both_kinds(self, validate: Callable[..., Any]) -> None:
        """Under Trio, `when_async` takes plain functions and `async def`s, and checkpoints."""
        start = AUCTION.given(ADA)

        with trio.testing.assert_checkpoints():
            accepted = await start.when_async(BEN, validate)
        rejected = await accepted.when_async(ADA, validate)

        assert accepted.was_accepted
        assert "not above 600" == rejected.reason

    async def test_an_async_test_may_do_without_await(self) -> None:
        """Under Trio, `when` still takes plain functions."""
        assert AUCTION.when(ADA, higher).was_accepted

    async def test_an_async_validator_needs_await(self) -> None:
        """Under Trio, `when` refuses an `async def`, says what to do, and leaves no warning."""
        with pytest.raises(RuntimeError, match=r"higher_slowly.* is asynchronous, and Trio runs "):
            AUCTION.when(ADA, higher_slowly)

    async def test_any_awaitable_is_refused(self) -> None:
        """Under Trio, `when` refuses other awaitables too."""

        class Later:
            def __await__(self) -> Any:
                raise AssertionError("nobody awaits it")

        with pytest.raises(RuntimeError, match=r"use `await ….when_async\(…\)`"):
            AUCTION.when(ADA, cast("Any", lambda request: Later()))

    def test_the_past_grows(self) -> None:
        """What was accepted is in the past of what comes next; what was rejected is not."""
        after = AUCTION.when(ADA, higher).when(ADA, higher).when(BEN, higher)

        assert [ADA, BEN] == after.past_events
        more = after.given(OTHER, scope="lot-1").when(ADA, higher)
        assert [ADA, BEN, OTHER] == more.past_events

    def test_the_scope_stays(self) -> None:
        """A scenario's own scope is that of the steps after a proposal, too."""
        start = scenario(events=Bid, scope="a")

        assert [ADA, BEN] == start.when(ADA, accept).when(BEN, accept).past_events
        assert [ADA, BEN, ADA] == start.given(ADA).given(BEN).when(ADA, accept).past_events

    def test_the_result_is_a_store_s(self) -> None:
        """`result` is what the store would have returned."""
        result = AUCTION.given(OTHER, ADA).when(BEN, accept, metadata={"by": "web"}).result

        (record,) = result.records
        assert Outcome.ACCEPTED is result.outcome
        assert [ADA, BEN] == result.stored_events
        assert (3, 2, "lot-1") == (record.position, record.sequence, record.scope)
        assert datetime(2000, 1, 1, 0, 0, 2, tzinfo=UTC) == record.at
        assert {"by": "web"} == record.metadata

    def test_others_may_be_stored(self) -> None:
        """A decision may store other events, several in one."""
        after = AUCTION.when(ADA, lambda request: request.accept(BEN, ADA, meta=(1,)))

        assert (BEN, ADA) == after.new_events
        assert [1] == after.meta
        assert [(1, 2), (2, 2)] == [record.part for record in after.result.records]

    def test_asked_again_it_is_a_duplicate(self) -> None:
        """A proposal that was admitted is answered with its result, and not decided again."""
        after = AUCTION.when(ADA, accept, proposal_id=ID).when(BEN, accept)
        again = after.when(ADA, never, proposal_id=ID)

        assert again.result.is_duplicate
        assert (ADA,) == again.new_events
        assert [ADA] == again.result.stored_events
        assert [ADA, BEN] == again.past_events

    async def test_asked_again_under_trio_it_is_a_duplicate(self) -> None:
        """Under Trio the same holds, for both kinds of call."""
        after = await AUCTION.when_async(ADA, accept, proposal_id=ID)

        assert after.when(ADA, never, proposal_id=ID).result.is_duplicate
        assert (await after.when_async(ADA, never, proposal_id=ID)).result.is_duplicate

    def test_an_id_belongs_to_one_event(self) -> None:
        """The same id with another event is the store's own error."""
        after = AUCTION.when(ADA, accept, proposal_id=ID)

        with pytest.raises(IdempotencyConflict, match="with another event: expected the same"):
            after.when(BEN, accept, proposal_id=ID)


class TestFold:
    FOLDED = scenario(events=Bid, scope_of=lot_of, state=HIGHEST)

    def test_the_state_is_kept(self) -> None:
        """Each scope has the state of its own events, before and after."""
        start = self.FOLDED.given(ADA, OTHER)

        assert 500 == seen(start, BEN).state
        assert 0 == seen(start, Bid("lot-3", "eve", 1)).state
        assert 600 == start.when(BEN, accept).state
        assert 500 == start.when(BEN, lambda request: request.reject()).state

    def test_the_past_is_not_there(self) -> None:
        """With a fold, touching the past is the error that it is in a store."""
        with pytest.raises(PastNotLoaded, match=r"use `request\.state`, or `await request\.load_"):
            self.FOLDED.given(ADA).when(BEN, higher)

    def test_the_past_can_be_loaded(self) -> None:
        """`load_past` and `past_is_durable` work, and checkpoint."""

        async def look(request: ValidationRequest[Bid]) -> Decision:
            with trio.testing.assert_checkpoints():
                await request.past_is_durable()
            with trio.testing.assert_checkpoints():
                assert [ADA] == await request.load_past()
            assert [ADA] == request.past_events
            return request.accept()

        after = self.FOLDED.given(ADA).when(BEN, look)

        assert [ADA, BEN] == after.past_events

    def test_results_show_no_past(self) -> None:
        """With a fold, `result.stored_events` is the error that it is in a store."""
        after = self.FOLDED.when(ADA, accept, proposal_id=ID)

        with pytest.raises(PastNotLoaded):
            _ = after.result.stored_events
        with pytest.raises(PastNotLoaded):
            _ = after.when(ADA, accept, proposal_id=ID).result.stored_events

    def test_a_fold_that_raises(self) -> None:
        """What `evolve` raises leaves `when` as itself."""
        broken: Fold[int, Bid] = Fold(0, lambda state, bid: state // 0)

        with pytest.raises(ZeroDivisionError):
            scenario(events=Bid, scope_of=lot_of, state=broken).when(ADA, accept)


class TestDeadline:
    async def test_it_ends_the_round(self, autojump_clock: trio.testing.MockClock) -> None:
        """A validator that takes too long is cancelled, and the proposal timed out."""
        after = await AUCTION.when_async(ADA, never)

        assert 5.0 == trio.current_time()
        assert after.timed_out
        assert "timed out" == after.reason
        assert [] == after.past_events

    async def test_it_is_an_option(self, autojump_clock: trio.testing.MockClock) -> None:
        """The time and the reason are the store's options, the time also the proposal's."""
        slow = scenario(events=Bid, scope_of=lot_of, validation_timeout=7, timeout_reason="late")

        assert "late" == (await slow.when_async(ADA, never)).reason
        assert 7.0 == trio.current_time()
        await slow.when_async(ADA, never, validation_timeout=2)
        assert 9.0 == trio.current_time()

    def test_it_ends_a_plain_test_s_round(self) -> None:
        """Where Trio does not run, the deadline is one of real time, and the proposal's."""
        left: list[float] = []

        def look(request: ValidationRequest[Bid]) -> Decision:
            left.append(request.deadline - trio.current_time())
            return request.accept()

        AUCTION.when(ADA, look, validation_timeout=70)
        assert 60 < left[0] <= 70
        assert AUCTION.when(ADA, never, validation_timeout=0.001).timed_out

    async def test_it_is_shown(self, mock_clock: trio.testing.MockClock) -> None:
        """The request says the deadline, on Trio's clock."""
        mock_clock.jump(3)

        assert 8.0 == seen(AUCTION, ADA).deadline

    async def test_a_late_decision_does_not_count(self, mock_clock: trio.testing.MockClock) -> None:
        """An asynchronous decision at the deadline is late, also if nothing was cancelled."""

        async def blocks(request: ValidationRequest[Bid]) -> Decision:
            mock_clock.jump(5)
            return request.accept()

        assert (await AUCTION.when_async(ADA, blocks)).timed_out

    async def test_a_plain_function_is_never_late(self, mock_clock: trio.testing.MockClock) -> None:
        """A plain function can't be interrupted: its decision counts."""

        def blocks(request: ValidationRequest[Bid]) -> Decision:
            mock_clock.jump(50)
            return request.accept()

        assert AUCTION.when(ADA, blocks).was_accepted
        assert (await AUCTION.when_async(ADA, blocks)).was_accepted

    async def test_a_call_can_be_cancelled(self, autojump_clock: trio.testing.MockClock) -> None:
        """A cancelled call is cancelled, and is no timeout."""
        with trio.move_on_after(1) as scope:
            await AUCTION.when_async(ADA, never)

        assert scope.cancelled_caught
        assert 1.0 == trio.current_time()


def test_decisions_are_plain_values() -> None:
    """A decision that is made by hand, with the round's token, counts as any other."""
    after = AUCTION.when(ADA, lambda request: Accept(request.round, (BEN,)))

    assert (BEN,) == after.new_events

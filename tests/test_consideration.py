"""Rounds held by a block of code."""

from __future__ import annotations

from functools import partial
from uuid import uuid4

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from atomic_store import (
    Decision,
    InvalidEvent,
    JournalFailed,
    Outcome,
    StaleResponse,
    StoreClosed,
    ValidationRequest,
)
from bids import HIGHEST, Bid, Call, accept, bids

BID = Bid("lot", "ada", 1)


async def test_accept() -> None:
    """The block sees the past, and its answer is stored."""
    async with bids() as (store, _):
        await store.store_if_valid(Bid("lot", "bob", 5), accept)
        async with store.consider(BID, metadata={"from": "web"}) as request:
            before = request.result
            assert before is None
            assert list(request.past_events) == [Bid("lot", "bob", 5)]
            assert request.metadata == {"from": "web"}
            result = await request.respond(request.accept(meta=7))
            assert request.result == result

    assert result.was_accepted
    assert result.meta == 7
    assert result.records[0].metadata == {"from": "web"}
    assert [bid.cents for bid in result.stored_events] == [5, 1]


async def test_reject() -> None:
    """A rejection is a result, with its reason and meta."""
    async with bids() as (store, _), store.consider(BID) as request:
        result = await request.respond(request.reject("no", meta={"why": [1]}))

    assert (result.outcome, result.reason) == (Outcome.REJECTED, "no")
    assert result.meta == {"why": [1]}
    assert result.records == ()


async def test_no_answer() -> None:
    """Leaving the block without an answer withdraws the proposal; the next one's turn comes."""
    async with bids() as (store, _):
        async with store.consider(BID) as request:
            pass
        assert request.result is not None
        assert request.result.outcome is Outcome.WITHDRAWN
        result = await store.store_if_valid(BID, accept)

    assert result.records[0].sequence == 1


async def test_block_that_raises() -> None:
    """An exception withdraws the proposal and leaves the block as itself."""
    async with bids() as (store, _):
        with pytest.raises(ZeroDivisionError):
            async with store.consider(BID):
                raise ZeroDivisionError
        assert store.live_scopes()["lot"].is_validating is False


async def test_second_answer() -> None:
    """Answering twice raises StaleResponse, and stores nothing more."""
    async with bids() as (store, _):
        async with store.consider(BID) as request:
            await request.respond(request.accept())
            with pytest.raises(StaleResponse, match="accepted"):
                await request.respond(request.accept())
        with pytest.raises(StaleResponse):
            await request.respond(request.reject())
        assert len(await store.query_events("lot")) == 1


async def test_answer_after_the_block() -> None:
    """An answer after the block is stale: the proposal was withdrawn."""
    async with bids() as (store, _):
        async with store.consider(BID) as request:
            pass
        with pytest.raises(StaleResponse, match="withdrawn"):
            await request.respond(request.accept())


async def test_invalid_answers_leave_the_round_open() -> None:
    """What cannot be a decision of this request is refused; a right one still counts."""
    async with bids() as (store, _):
        async with store.consider(Bid("other", "eve", 1)) as other:
            foreign = other.accept()
        async with store.consider(BID) as request:
            with pytest.raises(TypeError, match="expected a decision of round"):
                await request.respond(foreign)
            with pytest.raises(TypeError, match=r"gives request.accept\(…\)"):
                await request.respond(True)  # type: ignore[arg-type]  # the point
            with pytest.raises(InvalidEvent, match="belong to its scope"):
                await request.respond(request.accept(Bid("elsewhere", "ada", 1)))
            assert store.live_scopes()["lot"].is_validating
            result = await request.respond(request.accept())

    assert result.was_accepted


@pytest.mark.parametrize("with_fold", [False, True])
async def test_duplicate(with_fold: bool) -> None:
    """A proposal that was admitted before opens no round, and shows what it was then."""
    id_ = uuid4()
    async with bids(state=HIGHEST if with_fold else None) as (store, _):
        await store.store_if_valid(Bid("lot", "bob", 5), accept)
        first = await store.store_if_valid(BID, accept, proposal_id=id_)
        await store.store_if_valid(Bid("lot", "bob", 9), accept)
        rounds = store.statistics().rounds
        async with store.consider(BID, proposal_id=id_) as request:
            assert request.result is not None
            assert request.result.is_duplicate
            if with_fold:
                assert request.state == 5
            assert list(await request.load_past()) == [Bid("lot", "bob", 5)]
            result = await request.respond(request.reject())

        assert store.statistics().rounds == rounds
        assert result.was_accepted
        assert result.records == first.records
        assert result.is_duplicate


async def test_deadline(autojump_clock: MockClock) -> None:
    """The deadline ends the round, not the block."""
    async with bids() as (store, _), trio.open_nursery() as nursery:
        async with store.consider(BID, validation_timeout=2.0) as request:
            assert request.deadline == trio.current_time() + 2.0
            call = Call(nursery, partial(store.store_if_valid, Bid("lot", "bob", 2), accept))
            await trio.sleep(10)
            assert call.result.records[0].sequence == 1
            assert request.result is not None
            assert request.result.timed_out


async def test_closed_store() -> None:
    """When the store closes, the block's answer raises StoreClosed."""
    async with bids() as (store, _):
        block = store.consider(BID)
        request = await block.__aenter__()
    with pytest.raises(StoreClosed):
        await request.respond(request.accept())
    with pytest.raises(StoreClosed):
        assert request.result
    await block.__aexit__(None, None, None)


async def test_failed_journal() -> None:
    """When the journal fails, the block's answer raises JournalFailed."""
    with pytest.raises(JournalFailed):
        async with bids() as (store, journal):
            async with store.consider(BID) as request:
                journal.fail()
                with trio.CancelScope(shield=True):
                    await request.respond(request.accept())


async def test_holder_is_seen() -> None:
    """While the block holds the round, the scope says so."""
    id_ = uuid4()
    async with bids() as (store, _), trio.open_nursery() as nursery:
        async with store.consider(BID, proposal_id=id_) as request:
            Call(nursery, partial(store.store_if_valid, Bid("lot", "bob", 2), accept))
            await wait_all_tasks_blocked()
            status = store.live_scopes()["lot"]

    assert (status.is_validating, status.waiting, status.sequence) == (True, 1, 0)
    assert (status.proposal_id, status.deadline) == (id_, request.deadline)


async def test_another_task_may_answer() -> None:
    """The answer may come from another task than the one that holds the block."""
    async with bids() as (store, _):
        async with store.consider(BID) as request, trio.open_nursery() as nursery:
            call = Call(nursery, partial(request.respond, request.accept()))

    assert call.result.was_accepted


async def test_answer_before_anybody_saw_the_deadline(mock_clock: MockClock) -> None:
    """An answer after the deadline is late, also if nobody else had a turn since."""

    async def slow(request: ValidationRequest[Bid]) -> Decision:
        mock_clock.jump(10)
        return request.accept()

    async with bids() as (store, _):
        async with store.consider(BID, validation_timeout=2.0) as request:
            mock_clock.jump(10)
            with pytest.raises(StaleResponse):
                await request.respond(request.accept())
        result = await store.store_if_valid(BID, slow, validation_timeout=2.0)
        assert result.timed_out
        assert await store.query_events("lot") == []
        assert (await store.store_if_valid(BID, accept)).was_accepted

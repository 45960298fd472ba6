"""The message-shaped interface."""

from __future__ import annotations

import logging
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from atomic_store import (
    Envelope,
    Failed,
    GetLiveLogScopes,
    IdempotencyConflict,
    InvalidEvent,
    LiveLogScopes,
    Outcome,
    QueriedEvents,
    QueryEvents,
    Result,
    StaleResponse,
    StoreClosed,
    StoreIfValid,
    ValidationRequest,
    ValidationResponse,
)
from bids import Bid, accept, bids

BID = Bid("lot", "ada", 1)


def channel() -> tuple[trio.MemorySendChannel[Any], trio.MemoryReceiveChannel[Any]]:
    return trio.open_memory_channel[Any](10)


async def test_a_proposal_from_end_to_end() -> None:
    """A proposal is answered by a request, and its response by a result."""
    send, receive = channel()
    async with bids() as (store, _):
        await store.receptionist.send(StoreIfValid(BID, send, metadata={"k": 1}))
        request = await receive.receive()
        assert isinstance(request, ValidationRequest)
        assert (request.prospective_event, list(request.past_events)) == (BID, [])
        await store.receptionist.send(ValidationResponse(request.accept(), send))
        result = await receive.receive()

    assert isinstance(result, Result)
    assert result.was_accepted
    assert result.records[0].metadata == {"k": 1}


async def test_envelope() -> None:
    """An envelope gives a message its scope; the message's own counts."""
    send, receive = channel()
    async with bids() as (store, _):
        for n in range(2):
            await store.store_if_valid(Bid(f"lot-{n}", "ada", n), accept)
        await store.receptionist.send(Envelope("lot-0", QueryEvents(send)))
        assert [record.event.lot for record in (await receive.receive()).records] == ["lot-0"]
        await store.receptionist.send(Envelope("lot-0", QueryEvents(send, scope="lot-1")))
        answer = await receive.receive()
        assert isinstance(answer, QueriedEvents)
        assert answer.scope == "lot-1"
        await store.receptionist.send(Envelope("lot-7", StoreIfValid(BID, send)))
        assert (await receive.receive()).scope == "lot-7"
        await store.receptionist.send(Envelope("lot-8", StoreIfValid(BID, send, scope="lot-9")))
        assert (await receive.receive()).scope == "lot-9"


async def test_late_and_second_answers() -> None:
    """An answer to a round that is over is answered with StaleResponse."""
    send, receive = channel()
    async with bids() as (store, _):
        await store.receptionist.send(StoreIfValid(BID, send))
        request = await receive.receive()
        response = ValidationResponse(request.reject("no"), send)
        await store.receptionist.send(response)
        assert (await receive.receive()).reason == "no"
        await store.receptionist.send(response)
        failed = await receive.receive()

    assert isinstance(failed, Failed)
    assert isinstance(failed.error, StaleResponse)
    assert failed.message is response


async def test_an_answer_that_is_no_decision() -> None:
    """It is refused in the words that a validator would get, and the round stays open."""
    send, receive = channel()
    nonsense: Any = "yes"
    async with bids() as (store, _):
        await store.receptionist.send(StoreIfValid(BID, send))
        request = await receive.receive()
        await store.receptionist.send(ValidationResponse(nonsense, send))
        failed = await receive.receive()
        await store.receptionist.send(ValidationResponse(request.accept(), send))
        result = await receive.receive()

    assert isinstance(failed, Failed)
    assert isinstance(failed.error, TypeError)
    assert str(failed.error) == (
        "a validator gives request.accept(…) or request.reject(…), found 'yes'"
    )
    assert result.was_accepted


async def test_deadline(autojump_clock: MockClock) -> None:
    """A proposer who never answers gets a result that timed out."""
    send, receive = channel()
    async with bids() as (store, _):
        await store.receptionist.send(StoreIfValid(BID, send, validation_timeout=2.0))
        request = await receive.receive()
        result = await receive.receive()
        assert trio.current_time() == request.deadline

    assert result.outcome is Outcome.TIMED_OUT


@pytest.mark.parametrize("how", ["closed", "full"])
async def test_proposer_is_gone(how: str) -> None:
    """If nobody can take the request, the proposal is withdrawn and the next one's turn comes."""
    send, receive = trio.open_memory_channel[Any](0)
    if how == "closed":
        receive.close()
    async with bids() as (store, _):
        await store.receptionist.send(StoreIfValid(BID, send))
        await wait_all_tasks_blocked()
        assert store.statistics().withdrawn == 1
        result = await store.store_if_valid(BID, accept)
        assert result.records[0].sequence == 1


async def test_result_that_nobody_takes() -> None:
    """A result that cannot be delivered is dropped; the record stays."""
    send, receive = channel()
    async with bids() as (store, _):
        await store.receptionist.send(StoreIfValid(BID, send))
        request = await receive.receive()
        receive.close()
        await store.receptionist.send(ValidationResponse(request.accept(), send))
        await wait_all_tasks_blocked()
        assert len(await store.query_events("lot")) == 1


async def test_errors_are_answered() -> None:
    """What cannot be served is answered with the error and the message."""
    send, receive = channel()
    id_ = uuid4()
    async with bids() as (store, _):
        await store.store_if_valid(BID, accept, proposal_id=id_)
        messages: list[tuple[Any, type[Exception]]] = [
            (StoreIfValid("no bid", send), InvalidEvent),
            (StoreIfValid(Bid("lot", "ada", 2), send, proposal_id=id_), IdempotencyConflict),
            (QueryEvents(send), TypeError),
            (QueryEvents(send, scope="lot", after=-1), ValueError),
        ]
        for message, kind in messages:
            await store.receptionist.send(message)
            failed = await receive.receive()
            assert isinstance(failed, Failed)
            assert type(failed.error) is kind
            assert failed.message is message


async def test_duplicate() -> None:
    """A proposal that was admitted before is answered with its result at once."""
    send, receive = channel()
    id_ = uuid4()
    async with bids() as (store, _):
        await store.store_if_valid(BID, accept, proposal_id=id_)
        await store.receptionist.send(StoreIfValid(BID, send, proposal_id=id_))
        result = await receive.receive()

    assert result.is_duplicate


async def test_live_scopes() -> None:
    """The live scopes can be asked for."""
    send, receive = channel()
    async with bids() as (store, _):
        await store.store_if_valid(BID, accept)
        await store.receptionist.send(GetLiveLogScopes(send))
        answer = await receive.receive()

    assert isinstance(answer, LiveLogScopes)
    assert list(answer.scopes) == ["lot"]


async def test_order_of_proposals() -> None:
    """Proposals to one scope are considered in the order of sending."""
    send, receive = trio.open_memory_channel[Any](100)
    async with bids() as (store, _):
        for n in range(20):
            own_id = uuid4() if n % 2 else None
            await store.receptionist.send(
                StoreIfValid(Bid("lot", "ada", n), send, proposal_id=own_id)
            )
        order = []
        accepted = 0
        while accepted < 20:
            answer = await receive.receive()
            if isinstance(answer, Result):
                accepted += answer.was_accepted
            else:
                order.append(answer.prospective_event.cents)
                await store.receptionist.send(ValidationResponse(answer.accept(), send))

    assert order == list(range(20))


async def test_no_way_to_answer(caplog: pytest.LogCaptureFixture) -> None:
    """A message without `reply_to` is logged and dropped; the store goes on."""
    async with bids() as (store, _):
        with caplog.at_level(logging.WARNING, logger="atomic_store"):
            await store.receptionist.send("hello")
            await wait_all_tasks_blocked()
        assert (await store.store_if_valid(BID, accept)).was_accepted

    assert "cannot answer, and dropped: 'hello'" in caplog.text


async def test_closing() -> None:
    """When the store closes, open proposals are answered with StoreClosed."""
    send, receive = channel()
    async with bids() as (store, _):
        await store.receptionist.send(StoreIfValid(BID, send))
        await receive.receive()
    failed = await receive.receive()

    assert isinstance(failed.error, StoreClosed)
    with pytest.raises(trio.ClosedResourceError):
        await store.receptionist.send(StoreIfValid(BID, send))


async def test_messages_that_were_not_read_yet() -> None:
    """What was sent before the store closed is answered, even if nobody has looked at it."""
    send, receive = channel()
    async with bids() as (store, _):
        await store.store_if_valid(BID, accept)
        inbox = store.receptionist.clone()
        for message in (StoreIfValid(BID, send), QueryEvents(send, scope="lot")):
            inbox.send_nowait(message)
    answers = [await receive.receive(), await receive.receive()]

    assert {type(answer) for answer in answers} == {Failed, QueriedEvents}
    (failed,) = (answer for answer in answers if isinstance(answer, Failed))
    assert isinstance(failed.error, StoreClosed)
    with pytest.raises(trio.BrokenResourceError):
        inbox.send_nowait(StoreIfValid(BID, send))


async def test_unknown_message() -> None:
    """A message that is none of the store's is answered as such, if it can be."""
    send, receive = channel()
    async with bids() as (store, _):
        await store.receptionist.send(SimpleNamespace(reply_to=send))
        failed = await receive.receive()

    assert type(failed.error) is TypeError
    assert "expected a message of atomic_store" in str(failed.error)


async def test_broken_channel(caplog: pytest.LogCaptureFixture) -> None:
    """Whatever a reply channel raises is logged, and harms nobody."""

    class Broken:
        def send_nowait(self, message: object) -> None:
            raise ZeroDivisionError

    broken: Any = Broken()
    async with bids() as (store, _):
        await store.receptionist.send(StoreIfValid(BID, broken))
        await wait_all_tasks_blocked()
        assert (await store.store_if_valid(BID, accept)).was_accepted

    assert "a reply could not be sent" in caplog.text

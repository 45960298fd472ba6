"""Proposing through a gateway, with a validator here or somewhere else."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec
import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from atomic_store import (
    Decision,
    IdempotencyConflict,
    InvalidEvent,
    JsonEvent,
    Outcome,
    PastNotLoaded,
    Result,
    ScopeBusy,
    ValidationRequest,
)
from atomic_store.gateway import GatewayClosed, GatewayError
from atomic_store.gateway.protocol import client_messages as asked
from atomic_store.gateway.protocol import server_messages as said
from atomic_store.gateway.protocol.codes import ErrorCode
from bids import Bid, accept, higher, higher_slowly, lot_of
from conversations import accepted, validate, wire
from fake_gateways import talking
from proposals import (
    BID,
    ID,
    At,
    decided,
    propose,
    proposed,
)


@pytest.fixture
def results() -> list[Any]:
    """What calls in other tasks gave, or raised."""
    return []


def wire_bid(position: int, cents: int) -> said.WireRecord:
    """A bid of the lot, on the wire."""
    data = b'{"lot":"lot","bidder":"ada","cents":%d}' % cents
    record: said.WireRecord = wire(position, data=msgspec.Raw(data))
    return record


@pytest.mark.parametrize("validator", [higher, higher_slowly])
async def test_a_validator_here_decides(
    autojump_clock: MockClock, validator: Any, results: list[Any]
) -> None:
    """It is shown the whole past and the event, and what it accepts comes back as a result."""
    async with talking(events=Bid, scope_of=lot_of) as (client, _, peer), trio.open_nursery() as n:

        async def bid() -> None:
            results.append(
                await client.store_if_valid(
                    Bid("lot", "ada", 5), validator, metadata={"a": 1}, validation_timeout=2.0
                )
            )

        n.start_soon(bid)
        proposed = await peer.hear(asked.Propose)
        assert ("lot", "self", {"a": 1}, 2.0) == (
            proposed.scope, proposed.decide, proposed.metadata, proposed.validation_timeout_s,
        )  # fmt: skip
        await peer.say(
            said.Past(id=1, after=0, records=[wire_bid(1, 4)], through=1), validate(1, "r-7", 1)
        )
        assert asked.Decide(id=1, round="r-7", accept=True) == await peer.hear(asked.Decide)
        await peer.say(accepted(1, wire_bid(2, 5)))

    (result,) = results
    assert isinstance(result, Result)
    assert result.was_accepted
    assert Bid("lot", "ada", 5) == result.prospective_event
    assert [4, 5] == [event.cents for event in result.stored_events]
    assert [5] == [record.event.cents for record in result.records]
    assert UUID(proposed.proposal_id) == result.proposal_id


async def test_a_validator_here_rejects(autojump_clock: MockClock, results: list[Any]) -> None:
    """A rejection is a result with its reason and meta; the past is there without the event."""

    def reject(request: ValidationRequest[JsonEvent]) -> Decision:
        assert ("ada", ID, {"b": 2}) == (request.principal, request.proposal_id, request.metadata)
        assert 5.0 == request.deadline - trio.current_time()
        return request.reject("low", meta=[len(request.past_events)])

    async with talking() as (client, _, peer), trio.open_nursery() as nursery:
        nursery.start_soon(
            lambda: propose(client, results, reject, proposal_id=ID, metadata={"b": 2})
        )
        await peer.hear(asked.Propose)
        await peer.say(said.Past(id=1, after=0, records=[wire(1)], through=1), validate(1, "r", 1))
        assert asked.Decide(
            id=1, round="r", accept=False, reason="low", meta=[1]
        ) == await peer.hear(asked.Decide)
        await peer.say(
            said.Result(
                id=1, accepted=False, outcome="rejected", reason="low", meta=msgspec.Raw(b"[1]")
            )
        )

    (result,) = results
    assert (Outcome.REJECTED, "low", [1], ()) == (
        result.outcome, result.reason, result.meta, result.records,
    )  # fmt: skip
    assert 1 == len(result.stored_events)


async def test_other_events_take_its_place(autojump_clock: MockClock, results: list[Any]) -> None:
    """What a validator stores in the event's place is sent along."""

    def split(request: ValidationRequest[JsonEvent]) -> Decision:
        return request.accept(JsonEvent("Half", 1), JsonEvent("Half", 2))

    async with talking() as (client, _, peer), trio.open_nursery() as nursery:
        nursery.start_soon(propose, client, results, split)
        await peer.hear(asked.Propose)
        await peer.say(validate(1, "r", 0))
        decide = await peer.hear(asked.Decide)
        await peer.say(accepted(1, wire(1), wire(2)))

    assert [asked.Event("Half", 1), asked.Event("Half", 2)] == decide.events
    assert decide.accept is None
    assert 2 == len(results[0].records)


async def test_somebody_else_decides(autojump_clock: MockClock, results: list[Any]) -> None:
    """Without a validator the gateway decides, and the result knows no past."""
    async with talking() as (client, _, peer), trio.open_nursery() as nursery:
        nursery.start_soon(propose, client, results)
        assert (await peer.hear(asked.Propose)).decide is None
        await peer.say(said.Waiting(id=1, ahead=2), accepted(1, wire(9, sequence=4)))

    (result,) = results
    assert [9] == [record.position for record in result.records]
    with pytest.raises(PastNotLoaded, match="query_events"):
        _ = result.stored_events


async def test_only_what_is_new_travels(autojump_clock: MockClock, results: list[Any]) -> None:
    """The second proposal says what is known, and its validator sees all of it."""
    seen: list[int] = []

    def count(request: ValidationRequest[JsonEvent]) -> Decision:
        seen.append(len(request.past_events))
        return request.accept()

    async with talking() as (client, _, peer), trio.open_nursery() as nursery:
        for id_, known in ((1, 0), (2, 3)):
            nursery.start_soon(propose, client, results, count)
            assert known == (await peer.hear(asked.Propose)).known
            news = [wire(known + 1), wire(known + 2)]
            await peer.say(said.Past(id=id_, after=known, records=news, through=known + 2))
            await peer.say(validate(id_, f"r-{id_}", known + 2))
            await peer.hear(asked.Decide)
            await peer.say(accepted(id_, wire(known + 3)))
            await wait_all_tasks_blocked()

    assert [2, 5] == seen
    assert [3, 6] == [len(result.stored_events) for result in results]


async def test_a_duplicate(autojump_clock: MockClock, results: list[Any]) -> None:
    """One that was admitted before is answered without a round, and the validator does not run."""
    async with talking() as (client, _, peer), trio.open_nursery() as nursery:
        nursery.start_soon(lambda: propose(client, results, accept, proposal_id=ID))
        await peer.hear(asked.Propose)
        await peer.say(accepted(1, wire(9, sequence=4), duplicate=True))

    (result,) = results
    assert result.is_duplicate
    assert result.was_accepted
    with pytest.raises(PastNotLoaded):
        _ = result.stored_events


@pytest.mark.parametrize(
    ("outcome", "expected", "reason"),
    [("timed_out", Outcome.TIMED_OUT, None), ("withdrawn", Outcome.WITHDRAWN, None),
     ("ended", Outcome.WITHDRAWN, "ended by an operator")],
)  # fmt: skip
async def test_other_outcomes(
    autojump_clock: MockClock,
    outcome: str,
    expected: Outcome,
    reason: str | None,
    results: list[Any],
) -> None:
    """They are results; a round that an operator ended counts as withdrawn."""
    async with talking() as (client, _, peer), trio.open_nursery() as nursery:
        nursery.start_soon(propose, client, results)
        await peer.hear(asked.Propose)
        await peer.say(said.Result(id=1, accepted=False, outcome=outcome))

    assert (expected, reason) == (results[0].outcome, results[0].reason)


async def test_an_unknown_outcome(autojump_clock: MockClock, results: list[Any]) -> None:
    """An outcome that this version does not know is an error that leaves it open."""
    async with talking() as (client, _, peer), trio.open_nursery() as nursery:
        nursery.start_soon(propose, client, results)
        await peer.hear(asked.Propose)
        await peer.say(said.Result(id=1, accepted=True, outcome="postponed"))

    assert isinstance(results[0], GatewayError)
    assert results[0].outcome_is_open


REFUSALS: list[tuple[ErrorCode, type[Exception], bool]] = [
    (ErrorCode.INVALID_EVENT, InvalidEvent, False),
    (ErrorCode.SCOPE_BUSY, ScopeBusy, False),
    (ErrorCode.PROPOSAL_CONFLICT, IdempotencyConflict, False),
    (ErrorCode.FORBIDDEN, GatewayError, False),
    (ErrorCode.NO_VALIDATOR, GatewayError, False),
    (ErrorCode.TOO_MANY, GatewayError, False),
    (ErrorCode.SUPERSEDED, GatewayError, True),
    (ErrorCode.STORE_FAILED, GatewayError, True),
    (ErrorCode.INTERNAL, GatewayError, True),
]


@pytest.mark.parametrize(("code", "kind", "is_open"), REFUSALS)
async def test_refusals(
    autojump_clock: MockClock,
    code: ErrorCode,
    kind: type[Exception],
    is_open: bool,
    results: list[Any],
) -> None:
    """A refusal is the store's error where it has one, and says whether the outcome is open."""
    async with talking() as (client, _, peer), trio.open_nursery() as nursery:
        nursery.start_soon(propose, client, results)
        await peer.hear(asked.Propose)
        await peer.say(said.error(code, "because", 1))

    (error,) = results
    assert kind is type(error)
    assert "because" in str(error)
    if isinstance(error, GatewayError):
        assert (code, "because", is_open) == (error.code, error.message, error.outcome_is_open)
        assert is_open is ("not known" in str(error))


async def test_a_failure_before_any_decision_is_not_open(
    autojump_clock: MockClock, results: list[Any]
) -> None:
    """Where its proposer was to decide and has not, nothing can be stored."""
    async with talking() as (client, _, peer), trio.open_nursery() as nursery:
        nursery.start_soon(propose, client, results, accept)
        await peer.hear(asked.Propose)
        await peer.say(said.error(ErrorCode.STORE_FAILED, "disk", 1))

    assert results[0].outcome_is_open is False


@pytest.mark.parametrize(
    ("members", "kind"),
    [({"scope": None}, TypeError), ({"scope": ""}, InvalidEvent), ({"metadata": [1]}, InvalidEvent),
     ({"metadata": {"a": {1}}}, InvalidEvent), ({"proposal_id": "7"}, TypeError),
     ({"validation_timeout": 0}, ValueError)],
)  # fmt: skip
async def test_what_cannot_be_proposed(
    autojump_clock: MockClock, members: dict[str, Any], kind: type[Exception]
) -> None:
    """It is refused here, as a store refuses it, and nothing is sent."""
    async with talking() as (client, _, _):
        changed: dict[str, Any] = {"scope": "lot"} | members
        with pytest.raises(kind):
            await client.store_if_valid(BID, accept, **changed)
        with pytest.raises(InvalidEvent):
            await client.store_if_valid(Bid("lot", "ada", 1), accept, scope="lot")
        assert not client._link.conversation.unanswered


@pytest.mark.parametrize(
    ("reach", "validator", "is_open"),
    [(proposed, (), True), (proposed, (accept,), False), (decided, (accept,), True)],
)
async def test_a_final_close_ends_proposals(
    autojump_clock: MockClock,
    reach: At,
    validator: tuple[Any, ...],
    is_open: bool,
    results: list[Any],
) -> None:
    """Who waits is told that the client has stopped, and whether the outcome is open."""
    async with talking() as (client, _, peer), trio.open_nursery() as nursery:
        nursery.start_soon(propose, client, results, *validator)
        await reach(peer)
        await peer.close(4403, "not you")
        await wait_all_tasks_blocked()
        with pytest.raises(GatewayClosed, match="4403: not you") as raised:
            await client.store_if_valid(BID, scope="lot")

    assert (4403, False) == (raised.value.close_code, raised.value.outcome_is_open)
    (error,) = results
    assert isinstance(error, GatewayClosed)
    assert is_open is error.outcome_is_open

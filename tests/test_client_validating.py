"""Deciding the proposals of others through a gateway."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import attrs
import msgspec
import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from atomic_store import Decision, InvalidEvent, ValidationRequest
from atomic_store.gateway import Client, GatewayClosed, GatewayError
from atomic_store.gateway.protocol import client_messages as asked
from atomic_store.gateway.protocol import server_messages as said
from atomic_store.gateway.protocol.codes import ErrorCode
from bids import Bid, accept, higher, higher_slowly
from conversations import past, proposal_id, wire
from fake_gateways import FakeGateway, Peer, talking

WHOSE = said.RoundFor("lot", proposal_id(7), "bob")


@attrs.define
class Offer:
    """An offer to decide, and how it ended."""

    client: Client[Any]
    gateway: FakeGateway
    peer: Peer
    scope: trio.CancelScope
    raised: list[BaseException] = attrs.Factory(list)

    async def end(self) -> None:
        """Cancel it, and see that the gateway is told."""
        self.scope.cancel()
        await self.peer.hear(asked.Unsubscribe)
        await self.peer.say(said.Done(id=1))


def bid(cents: int) -> dict[str, object]:
    """A bid as JSON."""
    return {"lot": "lot", "bidder": "ada", "cents": cents}


def show(round_: str, sequence: int, cents: int = 5, kind: str = "Bid") -> said.Validate:
    """Somebody else's round."""
    return said.Validate(
        id=1, round=round_, sequence=sequence, deadline_s=4.0, event=asked.Event(kind, bid(cents)),
        metadata=msgspec.Raw(b'{"m":1}'), for_=WHOSE,
    )  # fmt: skip


@asynccontextmanager
async def offering(validate: Any, **options: Any) -> AsyncIterator[Offer]:
    """Offer to decide, in a task of its own."""
    async with talking(events=Bid) as (client, gateway, peer), trio.open_nursery() as nursery:
        offer = Offer(client, gateway, peer, trio.CancelScope())

        async def run() -> None:
            with offer.scope:
                try:
                    await client.validate_for("lo", validate, **options)
                except Exception as error:
                    offer.raised.append(error)

        nursery.start_soon(run)
        asked_for = await peer.hear(asked.ValidateFor)
        assert ("lo", options.get("rounds", 16)) == (asked_for.prefix, asked_for.rounds)
        yield offer


@pytest.mark.parametrize("validator", [higher, higher_slowly])
async def test_rounds_of_others(autojump_clock: MockClock, validator: Any) -> None:
    """Each is decided with the whole past, and another one may follow on what was shown."""
    async with offering(validator, rounds=3) as offer:
        past_bid = wire(1, data=msgspec.Raw(msgspec.json.encode(bid(4))))
        page = said.Past(id=1, round="r-1", after=0, records=[past_bid], through=1)
        await offer.peer.say(page, show("r-1", 1, 5), show("r-2", 1, 3))

        decisions = [await offer.peer.hear(asked.Decide) for _ in range(2)]
        assert {
            asked.Decide(id=1, round="r-1", accept=True),
            asked.Decide(id=1, round="r-2", accept=False, reason="not above 4"),
        } == set(decisions)
        await offer.peer.say(said.Over(id=1, round="r-1", outcome="accepted"))
        await offer.end()

    assert [] == offer.raised


async def test_what_a_validator_is_shown(autojump_clock: MockClock) -> None:
    """It knows whose proposal it is, what came with it, and until when it may take."""
    requests: list[ValidationRequest[Bid]] = []

    def look(request: ValidationRequest[Bid]) -> Decision:
        requests.append(request)
        assert 4.0 == request.deadline - trio.current_time()
        return request.reject()

    async with offering(look) as offer:
        await offer.peer.say(show("r-1", 0))
        await offer.peer.hear(asked.Decide)
        await offer.end()

    (request,) = requests
    assert ("bob", "lot", UUID(proposal_id(7)), {"m": 1}, 0, None) == (
        request.principal, request.scope, request.proposal_id, request.metadata, request.sequence,
        request.state,
    )  # fmt: skip
    assert Bid("lot", "ada", 5) == request.prospective_event
    assert [] == list(await request.load_past())


async def test_rounds_that_are_over_are_cancelled(autojump_clock: MockClock) -> None:
    """A validator whose round has ended is cancelled, and the others go on."""
    running: list[str] = []

    async def slow(request: ValidationRequest[Bid]) -> Decision:
        name = str(request.prospective_event.cents)
        running.append(name)
        try:
            await trio.sleep_forever()
        finally:
            running.remove(name)
        raise AssertionError("slept for ever")

    async with offering(slow) as offer:
        await offer.peer.say(show("r-1", 0, 1), show("r-2", 0, 2), show("r-3", 0, 3))
        await wait_all_tasks_blocked()
        await offer.peer.say(said.Over(id=1, round="r-2", outcome="timed_out"))
        await wait_all_tasks_blocked()
        assert ["1", "3"] == sorted(running)
        await offer.peer.cut()
        other = await offer.gateway.welcome()
        await other.hear(asked.ValidateFor)
        assert [] == running
        offer.scope.cancel()


async def test_a_past_that_is_lacking_is_asked_for(autojump_clock: MockClock) -> None:
    """Where it holds nothing of what came before, it says so, and decides when it has it."""
    async with offering(accept) as offer:
        await offer.peer.say(past(1, 2, 3, "r-1"), show("r-1", 3))
        need = await offer.peer.hear(asked.Need)
        await offer.peer.say(past(1, 0, 3, "r-1"), show("r-1", 3))
        await offer.peer.hear(asked.Decide)
        await offer.end()

    assert asked.Need(id=1, round="r-1", known=0) == need


async def test_an_event_of_another_type_is_rejected(autojump_clock: MockClock) -> None:
    """What somebody proposes that is no event here does not end the offer."""
    async with offering(accept) as offer:
        await offer.peer.say(show("r-1", 0, kind="Ask"), show("r-2", 0))
        decisions = {one.round: one for one in [await offer.peer.hear(asked.Decide) for _ in "12"]}
        await offer.end()

    assert decisions["r-1"].accept is False
    assert "Ask" in (decisions["r-1"].reason or "")
    assert decisions["r-2"].accept is True
    assert [] == offer.raised


async def test_a_validator_that_fails_ends_the_offer(autojump_clock: MockClock) -> None:
    """Its error leaves as itself, the other rounds are cancelled, and the gateway is told."""

    async def fail(request: ValidationRequest[Bid]) -> Decision:
        if request.prospective_event.cents == 1:
            await trio.sleep_forever()
        raise KeyError("lot")

    async with offering(fail) as offer:
        await offer.peer.say(show("r-1", 0, 1), show("r-2", 0, 2))
        await offer.peer.hear(asked.Unsubscribe)

    assert [KeyError] == [type(error) for error in offer.raised]


@pytest.mark.parametrize("code", [ErrorCode.INVALID_EVENT, ErrorCode.STALE_ROUND])
async def test_a_decision_that_is_refused(autojump_clock: MockClock, code: ErrorCode) -> None:
    """One that cannot be stored ends the offer with its error; one that is late does not."""
    async with offering(accept) as offer:
        await offer.peer.say(show("r-1", 0))
        await offer.peer.hear(asked.Decide)
        error = said.error(code, "because", 1)
        await offer.peer.say(msgspec.structs.replace(error, final=False))
        if code is ErrorCode.STALE_ROUND:
            await offer.end()
        else:
            await offer.peer.hear(asked.Unsubscribe)

    expected = [] if code is ErrorCode.STALE_ROUND else [InvalidEvent]
    assert expected == [type(error) for error in offer.raised]


@pytest.mark.parametrize(
    ("end", "expected"),
    [(said.error(ErrorCode.FORBIDDEN, "no", 1), "forbidden"), (said.Done(id=1), "internal")],
)
async def test_an_offer_that_the_gateway_ends(
    autojump_clock: MockClock, end: said.ServerMessage, expected: str
) -> None:
    """It is an error that says so."""
    async with offering(accept) as offer:
        await offer.peer.say(end)
        await wait_all_tasks_blocked()

    (error,) = offer.raised
    assert isinstance(error, GatewayError)
    assert expected == error.code


async def test_an_offer_after_a_final_close(autojump_clock: MockClock) -> None:
    """It ends with the client."""
    async with offering(accept) as offer:
        await offer.peer.close(4403)
        await wait_all_tasks_blocked()

    assert [GatewayClosed] == [type(error) for error in offer.raised]


async def test_rounds_is_a_number(autojump_clock: MockClock) -> None:
    """How many rounds it takes is an integer from 1."""
    async with talking() as (client, _, _):
        with pytest.raises(ValueError, match="rounds"):
            await client.validate_for("", accept, rounds=0)

"""Rounds held by a block of code, through a gateway."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from atomic_store import (
    StaleResponse,
)
from atomic_store.gateway.protocol import client_messages as asked
from atomic_store.gateway.protocol import server_messages as said
from conversations import accepted, validate, wire
from fake_gateways import talking
from proposals import (
    BID,
    ID,
    admitted,
    client_asks_figures,
    decided,
    in_its_round,
    proposed,
)


@pytest.fixture
def results() -> list[Any]:
    """What calls in other tasks gave, or raised."""
    return []


async def test_considering(autojump_clock: MockClock) -> None:
    """The block holds the round; leaving it without an answer withdraws the proposal."""
    async with talking() as (client, _, peer), trio.open_nursery() as nursery:
        nursery.start_soon(in_its_round, peer)
        async with client.consider(BID, scope="lot") as request:
            assert request.result is None
            with pytest.raises(TypeError):
                await request.respond("yes")  # type: ignore[arg-type]  # on purpose
        assert asked.Withdraw(id=1) == await peer.hear(asked.Withdraw)


async def test_responding(autojump_clock: MockClock) -> None:
    """A round that is answered gives its result; a second answer is stale."""
    async with talking() as (client, _, peer), trio.open_nursery() as nursery:

        async def serve() -> None:
            await decided(peer)
            await admitted(peer)

        nursery.start_soon(serve)
        async with client.consider(BID, scope="lot") as request:
            result = await request.respond(request.accept())
            with pytest.raises(StaleResponse, match="accepted"):
                await request.respond(request.accept())
        assert result.was_accepted
        assert result == request.result


async def test_considering_past_the_deadline(autojump_clock: MockClock) -> None:
    """The deadline ends the round, not the block: an answer is stale, and the result there."""
    async with talking() as (client, _, peer), trio.open_nursery() as nursery:
        nursery.start_soon(in_its_round, peer)
        async with client.consider(BID, scope="lot") as request:
            await peer.say(said.Result(id=1, accepted=False, outcome="timed_out"))
            await wait_all_tasks_blocked()
            with pytest.raises(StaleResponse, match="timed_out"):
                await request.respond(request.accept())
            assert request.result is not None
            assert request.result.timed_out


async def test_considering_what_was_admitted_before(autojump_clock: MockClock) -> None:
    """No round opens; the result is there, and responding gives it whatever the answer."""
    async with talking() as (client, _, peer), trio.open_nursery() as nursery:

        async def serve() -> None:
            await proposed(peer)
            await peer.say(accepted(1, wire(4), duplicate=True))

        nursery.start_soon(serve)
        async with client.consider(BID, scope="lot", proposal_id=ID) as request:
            assert request.result is not None
            assert request.result.is_duplicate
            assert 3 == request.sequence
            assert request.result == await request.respond(request.reject())


async def test_considering_over_a_lost_connection(autojump_clock: MockClock) -> None:
    """A round that was lost unanswered is stale: nothing is stored, and nothing asked again."""
    async with talking() as (client, gateway, peer), trio.open_nursery() as nursery:
        nursery.start_soon(in_its_round, peer)
        async with client.consider(BID, scope="lot") as request:
            await peer.cut()
            await client_asks_figures(client, await gateway.welcome())
            with pytest.raises(StaleResponse, match="connection was lost"):
                await request.respond(request.accept())


@pytest.mark.parametrize("arrived", [True, False])
async def test_responding_over_a_lost_connection(
    autojump_clock: MockClock, arrived: bool, results: list[Any]
) -> None:
    """It is found out whether the answer had arrived: the result, or it is stale."""
    async with talking() as (client, gateway, peer), trio.open_nursery() as nursery:

        async def lose() -> None:
            await decided(peer)
            await peer.cut()
            other = await gateway.welcome()
            assert request.proposal_id == UUID((await other.hear(asked.Propose)).proposal_id)
            if arrived:
                await other.say(accepted(1, wire(1), duplicate=True))
            else:
                await other.say(validate(1, "r-2", 0))
                await other.hear(asked.Withdraw)

        nursery.start_soon(lose)
        async with client.consider(BID, scope="lot") as request:
            if arrived:
                assert (await request.respond(request.accept())).was_accepted
            else:
                with pytest.raises(StaleResponse, match="before the decision arrived"):
                    await request.respond(request.accept())


async def test_responding_after_the_block(autojump_clock: MockClock) -> None:
    """The block's end is the round's: an answer is stale, and nothing is sent."""
    async with talking() as (client, _, peer), trio.open_nursery() as nursery:
        nursery.start_soon(in_its_round, peer)
        async with client.consider(BID, scope="lot") as request:
            pass
        with pytest.raises(StaleResponse, match="its block was left"):
            await request.respond(request.accept())
        await peer.hear(asked.Withdraw)
        await client_asks_figures(client, peer)

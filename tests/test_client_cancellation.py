"""Proposals through a gateway that are cancelled."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from atomic_store import (
    Decision,
    ValidationRequest,
)
from atomic_store.gateway.client.proposal import WITHDRAW_S
from atomic_store.gateway.protocol import client_messages as asked
from atomic_store.gateway.protocol import server_messages as said
from atomic_store.gateway.protocol.codes import ErrorCode
from bids import accept
from fake_gateways import FakeGateway, Peer, talking
from proposals import (
    BID,
    At,
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


async def cancelled_at(
    reach: At, answer: At, *validator: Any
) -> tuple[list[Any], float, list[asked.ClientMessage]]:
    """
    Cancel a proposal at some point of its life.

    Returns:
      The result if there was one, how long the cancellation took, and what was said then.
    """
    results: list[Any] = []
    said_then: list[asked.ClientMessage] = []
    took = 0.0
    async with talking() as (client, _, peer), trio.open_nursery() as nursery:
        scope = trio.CancelScope()

        async def proposing() -> None:
            nonlocal took
            with scope:
                results.append(await client.store_if_valid(BID, *validator, scope="lot"))
            took = trio.current_time() - took

        nursery.start_soon(proposing)
        await reach(peer)
        await wait_all_tasks_blocked()
        took = trio.current_time()
        scope.cancel()
        said_then.append(await peer.hear_any())
        await answer(peer)
    return results, took, said_then


async def silence(peer: Peer) -> None:
    await trio.lowlevel.checkpoint()


async def withdrawn(peer: Peer) -> None:
    await peer.say(said.Result(id=1, accepted=False, outcome="withdrawn"))


async def cut(peer: Peer) -> None:
    await peer.cut()


async def forbidden(peer: Peer) -> None:
    await peer.say(said.error(ErrorCode.FORBIDDEN, "no", 1))


async def forever(request: ValidationRequest[Any]) -> Decision:
    await trio.sleep_forever()
    raise AssertionError("slept for ever")


@pytest.mark.parametrize(
    ("reach", "validator"), [(proposed, accept), (in_its_round, forever)], ids=["waiting", "round"]
)
async def test_cancelled_before_it_could_be_decided(
    autojump_clock: MockClock, reach: At, validator: Any
) -> None:
    """It is withdrawn, and nothing is waited for: nothing is stored."""
    results, took, said_then = await cancelled_at(reach, silence, validator)

    assert ([], 0.0) == (results, took)
    assert [asked.Withdraw(id=1)] == said_then


@pytest.mark.parametrize("validator", [(), (accept,)], ids=["others decide", "decided"])
async def test_cancelled_too_late(autojump_clock: MockClock, validator: tuple[Any, ...]) -> None:
    """If it was admitted before the withdrawal arrived, the result is returned."""
    reach = decided if validator else proposed
    results, took, said_then = await cancelled_at(reach, admitted, *validator)

    assert [asked.Withdraw(id=1)] == said_then
    assert [True] == [result.was_accepted for result in results]
    assert took < WITHDRAW_S


@pytest.mark.parametrize("answer", [withdrawn, cut, forbidden])
async def test_cancelled_in_time(autojump_clock: MockClock, answer: At) -> None:
    """If the withdrawal came first, or nobody can say any more, the call is cancelled at once."""
    results, took, _ = await cancelled_at(proposed, answer)

    assert [] == results
    assert took < WITHDRAW_S


async def test_cancelled_without_an_answer(autojump_clock: MockClock) -> None:
    """If nothing is heard, it is cancelled after a second: the outcome is open then."""
    results, took, _ = await cancelled_at(proposed, silence)

    assert [] == results
    assert WITHDRAW_S == pytest.approx(took)


async def test_cancelled_while_the_connection_is_lost(
    autojump_clock: MockClock, results: list[Any]
) -> None:
    """There is nobody to tell: it is cancelled at once, and not proposed again."""
    async with talking() as (client, gateway, peer), trio.open_nursery() as nursery:
        with trio.CancelScope() as scope:
            nursery.start_soon(lost_and_cancelled, gateway, peer, scope)
            results.append(await client.store_if_valid(BID, scope="lot"))
        peer = await gateway.welcome()
        await client_asks_figures(client, peer)

    assert [] == results


async def lost_and_cancelled(gateway: FakeGateway, peer: Peer, scope: trio.CancelScope) -> None:
    """Lose the connection in the middle of a proposal, and cancel it."""
    await peer.hear(asked.Propose)
    gateway.refusals = 1
    await peer.cut()
    await wait_all_tasks_blocked()
    scope.cancel()

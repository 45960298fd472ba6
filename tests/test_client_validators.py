"""Validators of one's own proposals that fail, or are slow."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from atomic_store import (
    Decision,
    InvalidEvent,
    ValidationRequest,
)
from atomic_store.gateway.protocol import client_messages as asked
from atomic_store.gateway.protocol import server_messages as said
from atomic_store.gateway.protocol.codes import ErrorCode
from bids import Bid, accept
from conversations import validate
from fake_gateways import talking
from proposals import (
    propose,
)


@pytest.fixture
def results() -> list[Any]:
    """What calls in other tasks gave, or raised."""
    return []


class Boom(Exception):
    pass


def boom(request: ValidationRequest[Any]) -> Decision:
    raise Boom


async def boom_slowly(request: ValidationRequest[Any]) -> Decision:
    await trio.lowlevel.checkpoint()
    raise Boom


def nothing(request: ValidationRequest[Any]) -> Any:
    return True


def set_(request: ValidationRequest[Any]) -> Any:
    return request.accept(meta={1})


def foreign(request: ValidationRequest[Any]) -> Any:
    return request.accept(Bid("lot", "ada", 1))


@pytest.mark.parametrize(
    ("validator", "kind"),
    [(boom, Boom), (boom_slowly, Boom), (nothing, TypeError), (set_, InvalidEvent),
     (foreign, InvalidEvent)],
)  # fmt: skip
async def test_a_validator_that_fails(
    autojump_clock: MockClock, validator: Any, kind: type[Exception], results: list[Any]
) -> None:
    """Its error leaves as itself, and the proposal is withdrawn."""
    async with talking() as (client, _, peer), trio.open_nursery() as nursery:
        nursery.start_soon(propose, client, results, validator)
        await peer.hear(asked.Propose)
        await peer.say(validate(1, "r", 0))
        await peer.hear(asked.Withdraw)

    assert [kind] == [type(result) for result in results]


async def test_a_decision_that_the_gateway_refuses(
    autojump_clock: MockClock, results: list[Any]
) -> None:
    """It is the error that the gateway gave, and the proposal is withdrawn."""
    async with talking() as (client, _, peer), trio.open_nursery() as nursery:
        nursery.start_soon(propose, client, results, accept)
        await peer.hear(asked.Propose)
        await peer.say(validate(1, "r", 0))
        await peer.hear(asked.Decide)
        error = said.error(ErrorCode.INVALID_EVENT, "no such type", 1)
        await peer.say(msgspec.structs.replace(error, final=False))
        await peer.hear(asked.Withdraw)

    assert isinstance(results[0], InvalidEvent)


async def test_a_round_that_times_out_cancels_its_validator(
    autojump_clock: MockClock, results: list[Any]
) -> None:
    """A slow validator is cancelled when the gateway says that the round is over."""
    cancelled: list[bool] = []

    async def slow(request: ValidationRequest[Any]) -> Decision:
        try:
            await trio.sleep_forever()
        except trio.Cancelled:
            cancelled.append(True)
            raise

    async with talking() as (client, _, peer), trio.open_nursery() as nursery:
        nursery.start_soon(propose, client, results, slow)
        await peer.hear(asked.Propose)
        await peer.say(validate(1, "r", 0))
        await wait_all_tasks_blocked()
        await peer.say(said.Result(id=1, accepted=False, outcome="timed_out", reason="timed out"))

    assert [True] == cancelled
    assert results[0].timed_out

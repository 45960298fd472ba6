"""Whole lives of a client whose connections do not last: nothing is lost, nothing comes twice."""

from __future__ import annotations

import random
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from atomic_store import CaughtUp, Decision, JsonEvent, Record, Result, ValidationRequest
from atomic_store.gateway import Client
from fake_gateways import fake_gateway, open_fake
from model_gateways import ModelGateway
from schedules import seeded

TASKS = 6
PROPOSALS = 10
CUTS = 50


class Life:
    """Tasks that propose, one that follows, and what they have seen."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.results: list[Result[JsonEvent]] = []
        self.seen: list[int] = []
        self.pasts: list[tuple[list[int], list[int]]] = []
        self.model: ModelGateway | None = None

    async def run(self) -> None:
        async with fake_gateway() as gateway, trio.open_nursery() as nursery:
            self.model = ModelGateway(gateway, self.chance, CUTS)
            nursery.start_soon(self.model.serve)
            async with open_fake(gateway, wait_for_gateway=True) as client:
                async with trio.open_nursery() as proposers:
                    nursery.start_soon(self.follow, client)
                    for task in range(TASKS):
                        proposers.start_soon(self.propose, client, task)
                # All that is admitted comes, however many connections that takes.
                while self.model.cuts < CUTS or len(self.seen) < TASKS * PROPOSALS:
                    await trio.sleep(1)
                    await self.disturb(client)
            nursery.cancel_scope.cancel()

    async def propose(self, client: Client[Any], task: int) -> None:
        validate = self.decide if task % 2 else self.decide_slowly
        for n in range(PROPOSALS):
            event = JsonEvent("Bid", {"n": task * PROPOSALS + n})
            self.results.append(await client.store_if_valid(event, validate, scope="lot"))

    def decide(self, request: ValidationRequest[JsonEvent]) -> Decision:
        """Note what is shown, and what is so."""
        assert self.model is not None
        shown = [record.position for record in request.past_records]
        self.pasts.append((shown, [one.position for one in self.model.records]))
        return request.accept()

    async def decide_slowly(self, request: ValidationRequest[JsonEvent]) -> Decision:
        await trio.sleep(self.chance.random() / 10)
        return self.decide(request)

    async def follow(self, client: Client[Any]) -> None:
        async with client.subscribe(scope="lot") as feed:
            async for item in feed:
                if isinstance(item, Record):
                    self.seen.append(item.position)
                else:
                    assert isinstance(item, CaughtUp)

    async def disturb(self, client: Client[Any]) -> None:
        """Start something that is cancelled, so that connections have something to lose."""
        with trio.move_on_after(self.chance.random() / 100):
            await client.store_if_valid(
                JsonEvent("Bid", {"n": -1}), lambda request: request.reject(), scope="lot"
            )


@pytest.mark.parametrize("seed", range(8))
def test_a_life(seed: int) -> None:
    """Through 50 lost connections each proposal is admitted and answered once, and seen once."""
    life = Life(seed)
    with seeded(seed):
        trio.run(life.run, clock=MockClock(autojump_threshold=0))

    assert life.model is not None
    records = life.model.records
    assert CUTS <= life.model.cuts
    assert list(range(1, len(records) + 1)) == life.seen
    assert TASKS * PROPOSALS == len(life.results) == len(records)
    assert {one.id for one in records} == {str(result.proposal_id) for result in life.results}
    assert all(result.was_accepted for result in life.results)
    # A decision of a round that was lost meanwhile has seen less, and did not count.
    assert all(shown == so[: len(shown)] for shown, so in life.pasts)
    assert TASKS * PROPOSALS <= sum(shown == so for shown, so in life.pasts)

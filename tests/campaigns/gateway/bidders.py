"""Clients that propose through bad networks, with the library's own client, until they know."""

from __future__ import annotations

from random import Random
from typing import Any, Final
from uuid import UUID

import attrs
import trio

from atomic_store import AtomicStoreError, Decision, JsonEvent, Result, ValidationRequest
from atomic_store.gateway import Client, GatewayClosed, GatewayError, open_client

from .rule import accepts, seen
from .told import Proposed, Told

SCOPES: Final = ("lot/1", "lot/2", "lot/3", "other/1", "other/2")
ASK_AGAIN: Final = frozenset({"no_validator", "too_many", "scope_busy"})
"""Refused, and nothing was stored; the same may be taken later."""
PAD_BYTES: Final = 2_000


def decide(request: ValidationRequest[JsonEvent]) -> Decision:
    """Decide by the rule, and say what was seen."""
    meta = seen(str(record.proposal_id) for record in request.past_records)
    data: Any = request.prospective_event.data
    if accepts(data["cents"], meta["saw"]):
        return request.accept(meta=meta)
    return request.reject("by the rule", meta=meta)


def new_proposal(told: Told, name: str, random: Random, scopes: tuple[str, ...]) -> Proposed:
    """Make up a proposal, and note it."""
    one = Proposed(
        name, str(UUID(int=random.getrandbits(128), version=4)), random.choice(scopes),
        random.randrange(1_000), trio.current_time(),
    )  # fmt: skip
    told.proposed.append(one)
    return one


def data_of(one: Proposed) -> dict[str, Any]:
    """The data of a proposal's event: the same each time that it is sent."""
    return {"cents": one.cents, "pad": "x" * (one.cents * 7 % PAD_BYTES)}


@attrs.define(eq=False)
class Bidder:
    """
    One client, and some tasks that propose through it.

    Args:
      port: where the gateway is thought to be.
      over: when nothing new is to be proposed.
    """

    name: str
    port: int
    told: Told
    random: Random
    over: trio.Event
    scopes: tuple[str, ...] = SCOPES
    tasks: int = 2
    pause_s: float = 0.05
    is_careful: bool = False
    """It decides itself, at once, and always waits for the answer."""
    host: str = "127.0.0.1"

    async def run(self) -> None:
        """Propose until it is over, and each has its end."""
        async with open_client(
            f"ws://{self.host}:{self.port}", token=self.name, wait_for_gateway=True
        ) as client:
            async with trio.open_nursery() as nursery:
                for _ in range(self.tasks):
                    nursery.start_soon(self._bid, client)

    async def _bid(self, client: Client[JsonEvent]) -> None:
        while not self.over.is_set():
            await trio.sleep(self.random.random() * self.pause_s)
            one = await self.settle_new(client)
            if one.outcome == "accepted" and self.random.random() < 0.15:
                await self._again(client, one)

    async def settle_new(self, client: Client[JsonEvent]) -> Proposed:
        """Propose something new until it is known what became of it."""
        one = new_proposal(self.told, self.name, self.random, self.scopes)
        await self.settle(client, one)
        return one

    async def settle(self, client: Client[JsonEvent], one: Proposed) -> None:
        """Propose until it is known what became of it."""
        while one.outcome is None:
            one.sent += 1
            result = await self._sent(client, one, self._patience(one))
            if result is not None:
                note(one, result)

    def _patience(self, one: Proposed) -> float:
        """How long to wait: sometimes not long, so that the call is cancelled; not for ever."""
        is_impatient = not self.is_careful and one.sent < 4 and self.random.random() < 0.15
        return self.random.random() / 5 if is_impatient else 60.0

    async def _sent(
        self, client: Client[JsonEvent], one: Proposed, patience_s: float
    ) -> Result[JsonEvent] | None:
        event = JsonEvent("Bid", data_of(one))
        with trio.move_on_after(patience_s):
            try:
                return await client.store_if_valid(
                    event, self._validator(), scope=one.scope, proposal_id=UUID(one.id)
                )
            except GatewayClosed as error:
                self.told.faults.append(f"{one}: {error!r}")
                one.end(trio.current_time(), "refused: closed")
            except AtomicStoreError as error:
                self._refused(one, error)
                await trio.sleep(0.05)
        return None

    def _refused(self, one: Proposed, error: AtomicStoreError) -> None:
        code = error.code if isinstance(error, GatewayError) else type(error).__name__
        if code == "ScopeBusy" or code in ASK_AGAIN:
            return
        if not (isinstance(error, GatewayError) and error.outcome_is_open):
            self.told.faults.append(f"{one}: {error!r}")
            one.end(trio.current_time(), f"refused: {code}")

    def _validator(self) -> Any:
        chance = 0.5 if self.is_careful else self.random.random()
        if chance < 0.4:
            return None
        if chance < 0.7:
            return decide
        takes_s = 10.0 if chance > 0.99 else self.random.random() / 20

        async def slowly(request: ValidationRequest[JsonEvent]) -> Decision:
            await trio.sleep(takes_s)
            return decide(request)

        return slowly

    async def _again(self, client: Client[JsonEvent], one: Proposed) -> None:
        """Propose once more what was accepted: it is a duplicate."""
        result = None
        while result is None:
            result = await self._sent(client, one, 60.0)
        places = [(record.position, record.sequence) for record in result.records]
        if not result.is_duplicate or places != one.places:
            self.told.faults.append(f"{one}: sent again, told {result.outcome} {places}")


def note(one: Proposed, result: Result[JsonEvent]) -> None:
    """Note what a proposal came to."""
    one.end(
        trio.current_time(), str(result.outcome), is_duplicate=result.is_duplicate,
        places=[(record.position, record.sequence) for record in result.records],
        meta=result.meta,
    )  # fmt: skip


async def referee(name: str, port: int, told: Told, random: Random) -> None:
    """Offer to decide for others, until cancelled."""

    async def slowly(request: ValidationRequest[JsonEvent]) -> Decision:
        await trio.sleep(random.random() / 50)
        return decide(request)

    url = f"ws://127.0.0.1:{port}"
    with told.noting(name):
        async with open_client(url, token=name, wait_for_gateway=True) as client:
            await client.validate_for(random.choice(("", "lot/")), slowly, rounds=3)

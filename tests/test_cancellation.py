"""Every public call, cancelled at every scheduling point: promise 5 holds."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias
from uuid import UUID

import pytest
import trio
from trio.testing import MockClock

from atomic_store import (
    CaughtUp,
    Decision,
    Outcome,
    Result,
    Store,
    StoreIfValid,
    ValidationRequest,
    ValidationResponse,
)
from atomic_store.journal.memory import MemoryJournal
from bids import Bid, accept, accept_slowly, bids
from schedules import seeded

BID = Bid("lot", "ada", 7)
ID = UUID(int=7)

Attempt: TypeAlias = Callable[[Store[Bid]], Awaitable[Result[Bid] | None]]


async def plain(store: Store[Bid]) -> Result[Bid] | None:
    return await store.store_if_valid(BID, accept, proposal_id=ID)


async def slow(store: Store[Bid]) -> Result[Bid] | None:
    return await store.store_if_valid(BID, accept_slowly, proposal_id=ID)


async def with_new_id(store: Store[Bid]) -> Result[Bid] | None:
    return await store.store_if_valid(BID, accept_slowly)


async def raising(store: Store[Bid]) -> Result[Bid] | None:
    async def fail(request: ValidationRequest[Bid]) -> Decision:
        await trio.lowlevel.checkpoint()
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await store.store_if_valid(BID, fail, proposal_id=ID)
    return None


async def patient(store: Store[Bid]) -> Result[Bid] | None:
    async def wait(request: ValidationRequest[Bid]) -> Decision:
        await request.past_is_durable()
        await request.load_past()
        return request.accept()

    return await store.store_if_valid(BID, wait, proposal_id=ID)


async def considered(store: Store[Bid]) -> Result[Bid] | None:
    async with store.consider(BID, proposal_id=ID) as request:
        await trio.lowlevel.checkpoint()
        return await request.respond(request.accept())


async def considered_without_answer(store: Store[Bid]) -> Result[Bid] | None:
    async with store.consider(BID, proposal_id=ID) as request:
        await trio.lowlevel.checkpoint()
    assert request.result is not None
    assert request.result.outcome is Outcome.WITHDRAWN
    return None


async def by_message(store: Store[Bid]) -> Result[Bid] | None:
    send, receive = trio.open_memory_channel[Any](10)
    with receive:
        await store.receptionist.send(StoreIfValid(BID, send, proposal_id=ID))
        request = await receive.receive()
        await store.receptionist.send(ValidationResponse(request.accept(), send))
        result: Result[Bid] = await receive.receive()
    return result


async def reading(store: Store[Bid]) -> Result[Bid] | None:
    await store.query_events("lot", last=2)
    await store.outcome(ID, scope="lot")
    await store.scopes()
    async with store.subscribe(scope="lot") as feed:
        async for item in feed:
            if isinstance(item, CaughtUp):
                break
    return None


async def cancel_at(
    tick: int, attempt: Attempt, store: Store[Bid], journal: MemoryJournal
) -> tuple[bool, Result[Bid] | None]:
    """Make the attempt and cancel it `tick` turns of the loop later; was it cancelled?"""
    result: Result[Bid] | None = None
    scope = trio.CancelScope()
    over = trio.Event()

    async def make() -> None:
        nonlocal result
        with scope:
            result = await attempt(store)
        over.set()

    async with trio.open_nursery() as nursery:
        # Somebody else is there before, and one comes later, so that there is a queue.
        nursery.start_soon(store.store_if_valid, Bid("lot", "before", 1), accept_slowly)
        nursery.start_soon(make)
        nursery.start_soon(store.store_if_valid, Bid("lot", "later", 9), accept)
        for _ in range(tick):
            await trio.lowlevel.checkpoint()
        was_over = over.is_set()
        scope.cancel()
        await over.wait()
    assert scope.cancelled_caught <= (not was_over)
    return was_over, result


async def check_everything(store: Store[Bid], result: Result[Bid] | None, stores: bool) -> None:
    """Nobody is in doubt, nobody forgotten, nothing left behind."""
    # A proposer by message that is gone is noticed at the deadline only.
    await trio.sleep(6)
    stored = await store.query_events("lot")
    mine = [record for record in stored if record.event == BID]
    if result is not None and result.was_accepted:
        assert mine == list(result.records)
    elif stores:
        assert mine == []
    assert [record.sequence for record in stored] == [*range(1, len(stored) + 1)]
    assert {"before", "later"} <= {record.event.bidder for record in stored}
    for status in store.live_scopes().values():
        assert (status.is_validating, status.waiting) == (False, 0)
    after = await store.store_if_valid(Bid("lot", "after", 99), accept)
    assert after.records[0].sequence == len(stored) + 1


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    "attempt",
    [
        plain,
        slow,
        with_new_id,
        raising,
        patient,
        considered,
        considered_without_answer,
        by_message,
        reading,
    ],
)
def test_cancelled_at_every_scheduling_point(attempt: Attempt, seed: int) -> None:
    """A cancelled call raises Cancelled and stored nothing, or returns its result."""
    cancelled = 0

    async def main(tick: int) -> bool:
        async with bids() as (store, journal):
            tasks = trio.lowlevel.current_statistics().tasks_living
            was_over, result = await cancel_at(tick, attempt, store, journal)
            # A message that was sent cannot be taken back: its proposal may be stored.
            await check_everything(store, result, stores=attempt is not by_message)
            live = len(store.live_scopes())
            assert trio.lowlevel.current_statistics().tasks_living == tasks + live
            nonlocal cancelled
            cancelled += not was_over
            return was_over

    tick = 0
    with seeded(seed):
        while not trio.run(main, tick, clock=MockClock(autojump_threshold=0)):
            tick += 1
            assert tick < 500

    assert cancelled >= 3


@pytest.mark.parametrize("seed", range(4))
def test_closing_cancelled_at_every_scheduling_point(seed: int) -> None:
    """However an enclosing scope is cancelled, closing the store goes through."""

    async def main(tick: int) -> bool:
        results: list[object] = []
        opened: list[tuple[Store[Bid], MemoryJournal]] = []
        with trio.CancelScope() as scope:

            async def cancel_later() -> None:
                for _ in range(tick):
                    await trio.lowlevel.checkpoint()
                scope.cancel()

            async def propose(store: Store[Bid]) -> None:
                results.append(await store.store_if_valid(BID, accept))

            async with trio.open_nursery() as outside:
                outside.start_soon(cancel_later)
                async with bids() as (store, journal), trio.open_nursery() as nursery:
                    opened.append((store, journal))
                    nursery.start_soon(propose, store)
        if opened:
            (store, journal) = opened[0]
            assert journal.head.position == len(results)
            with pytest.raises(RuntimeError, match="closed"):
                await store.store_if_valid(BID, accept)
        return not scope.cancelled_caught

    with seeded(seed):
        ends = [trio.run(main, tick) for tick in range(40)]

    assert ends[0] is False
    assert ends[-1] is True

"""The past, some records at a time."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from trio.testing import assert_checkpoints

from atomic_store import Decision, Fold, PastNotLoaded, ValidationRequest
from atomic_store.testing import scenario
from bids import HIGHEST, Bid, accept, bids, lot_of

FOLDS: list[Fold[int, Bid] | None] = [HIGHEST, None]


@pytest.mark.parametrize("state", FOLDS)
@pytest.mark.parametrize(("page_records", "sizes"), [(3, [3, 3, 1]), (7, [7]), (500, [7])])
async def test_pages(state: Any, page_records: int, sizes: list[int]) -> None:
    """All of the past comes in order, in pages, and with a fold none of it is kept."""
    seen: list[list[int]] = []

    async def look(request: ValidationRequest[Bid]) -> Decision:
        pages = request.past_in_pages(page_records)
        seen.extend([[record.event.cents for record in page] async for page in pages])
        if state is not None:
            with pytest.raises(PastNotLoaded):
                assert request.past_events
        return request.accept()

    async with bids(state=state) as (store, _):
        for cents in range(1, 8):
            await store.store_if_valid(Bid("lot", "ada", cents), accept)
        await store.store_if_valid(Bid("lot", "ada", 9), look)
        await store.store_if_valid(Bid("other", "ada", 9), look)

    assert sizes == [len(page) for page in seen]
    assert [*range(1, 8)] == [cents for page in seen for cents in page]


async def test_it_sees_the_prefix_alone() -> None:
    """It may be left in the middle, begun again, and each step checkpoints."""

    async def look(request: ValidationRequest[Bid]) -> Decision:
        async for page in request.past_in_pages(1):
            assert page[0].sequence == 1
            break
        pages = request.past_in_pages(2)
        with assert_checkpoints():
            assert len(await anext(pages)) == 2
        with assert_checkpoints(), pytest.raises(StopAsyncIteration):
            await anext(pages)
        return request.accept()

    async with bids(state=HIGHEST) as (store, _):
        for cents in (1, 2):
            await store.store_if_valid(Bid("lot", "ada", cents), accept)
        result = await store.store_if_valid(Bid("lot", "ada", 3), look)

    assert result.was_accepted


async def test_it_waits_for_the_disk() -> None:
    """What it gives is durable: it waits for what the rounds before have stored."""
    order: list[str] = []

    async def look(request: ValidationRequest[Bid]) -> Decision:
        order.append("asks")
        order.extend(["has it" async for _ in request.past_in_pages()])
        return request.accept()

    async with bids() as (store, journal), trio.open_nursery() as nursery:
        journal.pause()
        nursery.start_soon(store.store_if_valid, Bid("lot", "ada", 1), accept)
        await trio.testing.wait_all_tasks_blocked()
        nursery.start_soon(store.store_if_valid, Bid("lot", "ada", 2), look)
        await trio.testing.wait_all_tasks_blocked()
        order.append("written")
        journal.resume()

    assert ["asks", "written", "has it"] == order


@pytest.mark.parametrize("page_records", [0, -1, 1.5, True, "3"])
def test_a_number_of_records(page_records: Any) -> None:
    """A page has some records."""

    def look(request: ValidationRequest[Bid]) -> Decision:
        with pytest.raises(ValueError, match="page_records: expected an integer from 1"):
            request.past_in_pages(page_records)
        return request.accept()

    scenario(events=Bid, scope_of=lot_of).when(Bid("lot", "ada", 1), look).then_accepted()


async def test_without_a_store() -> None:
    """In a scenario it is as in a store."""

    async def look(request: ValidationRequest[Bid]) -> Decision:
        pages = [page async for page in request.past_in_pages(2)]
        return request.reject(str([[record.event.cents for record in page] for page in pages]))

    past = [Bid("lot", "ada", cents) for cents in (1, 2, 3)]
    start = scenario(events=Bid, scope_of=lot_of, state=HIGHEST).given(*past)
    then = await start.when_async(Bid("lot", "ada", 4), look)

    then.then_rejected("[[1, 2], [3]]")

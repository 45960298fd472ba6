"""All that a feed has at hand, at once."""

from __future__ import annotations

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from atomic_store import CaughtUp, Record
from bids import Bid, accept, bids


async def test_pages() -> None:
    """A page has all that is at hand, `CaughtUp` alone; what does not match is passed by, too."""
    async with bids() as (store, _), store.subscribe(scope="lot") as feed:
        assert [CaughtUp(0)] == await feed.page()
        for bidder in ("ada", "bob", "eve"):
            await store.store_if_valid(Bid("lot", bidder, 1), accept)
        await store.store_if_valid(Bid("other lot", "ada", 1), accept)

        assert 1 == (await anext(feed)).position
        assert 1 == feed.position
        page = await feed.page()
        assert [2, 3] == [item.position for item in page]
        assert ["bob", "eve"] == [item.event.bidder for item in page if isinstance(item, Record)]
        assert 4 == feed.position
        await store.store_if_valid(Bid("lot", "ida", 1), accept)
        assert [5] == [item.position for item in await feed.page()]


async def test_a_page_waits_for_something() -> None:
    """It waits for the next record; cancelled, it has taken nothing; at the end there is none."""
    pages = []
    async with bids() as (store, _), store.subscribe(after="end") as feed:
        assert [CaughtUp(0)] == await feed.page()
        with trio.CancelScope() as scope:
            scope.cancel()
            await feed.page()
        assert scope.cancelled_caught

        async def wait() -> None:
            pages.append(await feed.page())

        async with trio.open_nursery() as nursery:
            nursery.start_soon(wait)
            await wait_all_tasks_blocked()
            with pytest.raises(trio.BusyResourceError):
                await feed.page()
            await store.store_if_valid(Bid("lot", "ada", 1), accept)
        assert [[1]] == [[item.position for item in page] for page in pages]
        await store.store_if_valid(Bid("lot", "bob", 1), accept)
    assert [] == await feed.page()

"""The library's own client and server, over real sockets: the store's words on both sides."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from random import Random
from typing import Any

import pytest
import trio

from atomic_store import CaughtUp, Record, Store, open_store
from atomic_store.gateway import Client, Gateway, Limits, open_client, open_gateway, server
from bids import Bid, accept, higher, higher_slowly, lot_of
from gateway_talk import until


@asynccontextmanager
async def served(**options: Any) -> AsyncIterator[tuple[Store[Bid], Gateway, Client[Bid]]]:
    """A store for bids, a gateway to it, and a client."""
    async with (
        open_store(":memory:", events=Bid, scope_of=lot_of) as store,
        open_gateway(store, **options) as gateway,
        open_client(gateway.url, events=Bid, scope_of=lot_of) as client,
    ):
        with trio.fail_after(20):
            yield store, gateway, client


async def test_deciding_here() -> None:
    """A validator runs where the proposer is, and sees what was admitted before."""
    async with served() as (store, _, client):
        first = await client.store_if_valid(Bid("lot-1", "ada", 500), higher_slowly)
        second = await client.store_if_valid(Bid("lot-1", "ben", 500), higher)

        assert (True, False) == (first.was_accepted, second.was_accepted)
        assert second.reason == "not above 500"
        assert await store.query_events("lot-1") == await client.query_events("lot-1")


async def test_deciding_there() -> None:
    """Without one, the gateway's function decides, or a client that has offered to."""
    async with served(validate=higher) as (_, _, client):
        assert (await client.store_if_valid(Bid("lot-1", "ada", 500))).was_accepted
        assert not (await client.store_if_valid(Bid("lot-1", "ben", 400))).was_accepted
    async with (
        served() as (store, gateway, client),
        open_client(gateway.url, events=Bid) as judge,
        trio.open_nursery() as nursery,
    ):
        nursery.start_soon(judge.validate_for, "lot-", higher)
        await until(lambda: gateway._services.validators.has_any_for("lot-1"))
        assert (await client.store_if_valid(Bid("lot-1", "ada", 500))).was_accepted
        assert not (await client.store_if_valid(Bid("lot-1", "ben", 400))).was_accepted
        (record,) = await store.query_events("lot-1")
        assert {"$by": "local", "$decided_by": "local"} == record.metadata
        nursery.cancel_scope.cancel()


async def test_following() -> None:
    """What there was, `CaughtUp`, then what comes, as a store's own feed gives it."""
    async with served() as (store, _, client):
        for cents in range(1, 4):
            await store.store_if_valid(Bid("lot-1", "ada", cents), accept)
        async with client.subscribe(prefix="lot-", after=1) as feed:
            given = [await anext(feed) for _ in range(3)]
            await store.store_if_valid(Bid("lot-2", "ben", 9), accept)
            live = await anext(feed)

        assert [2, 3, CaughtUp(3), 4] == [
            item.position if isinstance(item, Record) else item for item in (*given, live)
        ]
        assert isinstance(live, Record)
        assert Bid("lot-2", "ben", 9) == live.event


async def test_over_many_ends_of_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """A gateway that goes and comes: each proposal is answered, and stored once if accepted."""
    monkeypatch.setattr(server, "RECONNECT_AFTER_S", 0.05)
    random = Random(7)
    told: dict[Bid, bool] = {}
    followed: list[int] = []
    async with open_store(":memory:", events=Bid, scope_of=lot_of) as store:
        async with open_gateway(store, limits=Limits(shutdown_s=0.2)) as gateway:
            url, port = gateway.url, gateway.port

        async def propose(client: Client[Bid], lot: str) -> None:
            for cents in range(1, 21):
                bid = Bid(lot, "ada", cents)
                result = await client.store_if_valid(bid, random.choice((higher, higher_slowly)))
                told[bid] = result.was_accepted

        async def follow(client: Client[Bid]) -> None:
            async with client.subscribe(prefix="") as feed:
                async for item in feed:
                    followed.extend([item.position] if isinstance(item, Record) else [])

        async def serve() -> None:
            while True:
                # As long as it takes to get on, however busy the machine is.
                enough = len(told) + random.randrange(20, 60)
                async with open_gateway(store, port=port, limits=Limits(shutdown_s=0.2)):
                    await until(partial(_has, told, enough))

        with trio.fail_after(60):
            async with trio.open_nursery() as servers:
                servers.start_soon(serve)
                async with open_client(
                    url, events=Bid, scope_of=lot_of, wait_for_gateway=True
                ) as client:
                    async with trio.open_nursery() as followers:
                        followers.start_soon(follow, client)
                        async with trio.open_nursery() as nursery:
                            for n in range(10):
                                nursery.start_soon(propose, client, f"lot-{n}")
                        await until(lambda: len(followed) == store.head.position)
                        followers.cancel_scope.cancel()
                servers.cancel_scope.cancel()
        stored = [record.event async for record in store.read(prefix="")]

    assert 200 == len(told)
    assert all(told.values())
    assert sorted(told, key=repr) == sorted(stored, key=repr)
    assert list(range(1, 201)) == followed


def _has(told: dict[Bid, bool], count: int) -> bool:
    return len(told) >= count

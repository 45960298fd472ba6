"""A client and a gateway, over real sockets: both sides mean the same."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import pytest
import trio
import trustme

from atomic_store import (
    CaughtUp,
    Decision,
    FilterError,
    IdempotencyConflict,
    InvalidEvent,
    Outcome,
    PastNotLoaded,
    Record,
    Result,
    ScopeEnd,
    StaleResponse,
    Store,
    StoreReplaced,
    ValidationRequest,
    open_store,
)
from atomic_store.gateway import (
    Client,
    Gateway,
    GatewayError,
    Limits,
    RemoteFeed,
    open_client,
    open_gateway,
)
from bids import Bid, accept, bids, higher, higher_slowly, lot_of

SMALL = Limits(page_records=3)
READS: list[dict[str, Any]] = [
    {}, {"scope": "lot-1"}, {"prefix": "lot-", "limit": 4}, {"reverse": True, "limit": 7},
    {"after": 3, "before": 9}, {"where": "data.cents in (2, 9, 20)"}, {"scope": "x"},
    {"where": "data.cents > 15", "reverse": True}, {"at": "2020-01-01"},
    {"at": "2020-01-01", "reverse": True},
]  # fmt: skip
QUERIES: list[dict[str, Any]] = [
    {}, {"after": 4}, {"before": 4}, {"last": 4}, {"limit": 7}, {"after": 2, "before": 9},
    {"last": 5, "before": 8}, {"after": 10}, {"limit": 0}, {"last": 0},
]  # fmt: skip


@asynccontextmanager
async def served(**options: Any) -> AsyncIterator[tuple[Client[Bid], Store[Bid], Gateway]]:
    """A client of a gateway of a store in memory."""
    with trio.fail_after(20):
        async with bids() as (store, _), open_gateway(store, **options) as gateway:
            async with open_client(gateway.url, events=Bid, scope_of=lot_of) as client:
                yield client, store, gateway


def cents(records: Any) -> list[int]:
    """What bids were for."""
    return [record.event.cents for record in records]


@pytest.mark.parametrize("validator", [higher, higher_slowly])
async def test_deciding_here(validator: Any) -> None:
    """A validator here sees the whole past, in pages, and what it accepts is stored."""
    async with served(limits=SMALL) as (client, store, _):
        for n in range(1, 9):
            await store.store_if_valid(Bid("lot", "bob", n), accept)
        result = await client.store_if_valid(Bid("lot", "ada", 9), validator, metadata={"a": 1})
        too_low = await client.store_if_valid(Bid("lot", "ada", 9), validator)
        await store.store_if_valid(Bid("lot", "bob", 20), accept)
        last = await client.store_if_valid(Bid("lot", "ada", 21), validator)

        assert result.was_accepted
        assert list(range(1, 10)) == [bid.cents for bid in result.stored_events]
        assert 1 == result.records[0].metadata["a"]
        assert (Outcome.REJECTED, "not above 9") == (too_low.outcome, too_low.reason)
        assert [*range(1, 10), 20, 21] == [bid.cents for bid in last.stored_events]
        assert cents(await store.query_events("lot")) == cents(await client.query_events("lot"))


async def test_many_at_once() -> None:
    """Proposals of many tasks in few scopes are decided one at a time in each."""
    async with served() as (client, store, _):
        results: list[Result[Bid]] = []

        async def bid(n: int) -> None:
            event = Bid(f"lot-{n % 3}", "ada", n)
            results.append(await client.store_if_valid(event, higher_slowly))

        async with trio.open_nursery() as nursery:
            for n in range(150):
                nursery.start_soon(bid, n)
        stored = {name: cents(await store.query_events(f"lot-{name}")) for name in range(3)}

    assert 150 == len(results)
    assert all(found == sorted(set(found)) for found in stored.values())
    assert sum(result.was_accepted for result in results) == sum(map(len, stored.values()))


async def test_deciding_elsewhere() -> None:
    """The gateway's function decides; the result knows no past."""
    async with served(validate=higher) as (client, _, _):
        first = await client.store_if_valid(Bid("lot", "ada", 5))
        second = await client.store_if_valid(Bid("lot", "ada", 4))
        with pytest.raises(GatewayError, match="forbidden"):
            await client.store_if_valid(Bid("lot", "ada", 6), accept)

    assert (Outcome.ACCEPTED, Outcome.REJECTED) == (first.outcome, second.outcome)
    with pytest.raises(PastNotLoaded):
        _ = first.stored_events


async def test_deciding_for_others() -> None:
    """One client decides what another one proposes."""
    async with served(limits=SMALL) as (client, store, gateway), trio.open_nursery() as nursery:
        for n in range(1, 6):
            await store.store_if_valid(Bid("lot", "bob", n), accept)
        with pytest.raises(GatewayError, match="no_validator"):
            await client.store_if_valid(Bid("lot", "ada", 6))
        requests: list[ValidationRequest[Bid]] = []

        def decide(request: ValidationRequest[Bid]) -> Decision:
            requests.append(request)
            return higher(request)

        async with open_client(gateway.url, events=Bid, past_bytes_max=100) as judge:
            nursery.start_soon(judge.validate_for, "", decide)
            await offered(gateway)
            for n in (6, 7, 6, 8):
                await client.store_if_valid(Bid("lot", "ada", n))
            nursery.cancel_scope.cancel()

    assert [5, 6, 7, 7] == [request.sequence for request in requests]
    assert [1, 2, 3, 4, 5, 6, 7] == [bid.cents for bid in requests[-1].past_events]
    assert {"local"} == {request.principal for request in requests}


async def offered(gateway: Gateway) -> None:
    """Wait until the gateway knows of an offer."""
    while gateway._services.validators.choose("lot") is None:  # noqa: ASYNC110 - it tells nobody
        await trio.sleep(0.001)


async def test_a_proposal_id() -> None:
    """The same proposal again is a duplicate; another event under its id a conflict."""
    async with served() as (client, _, _):
        id_ = uuid4()
        first = await client.store_if_valid(Bid("lot", "ada", 5), higher, proposal_id=id_)
        again = await client.store_if_valid(Bid("lot", "ada", 5), higher, proposal_id=id_)
        with pytest.raises(IdempotencyConflict):
            await client.store_if_valid(Bid("lot", "ada", 6), higher, proposal_id=id_)

    assert first.records == again.records
    assert (False, True) == (first.is_duplicate, again.is_duplicate)
    assert [5] == [bid.cents for bid in again.stored_events]


async def test_rounds_that_end_otherwise() -> None:
    """A deadline, a withdrawal and a failing validator end their round, and the next one opens."""
    async with served() as (client, store, _):

        async def forever(request: ValidationRequest[Bid]) -> Decision:
            await trio.sleep_forever()
            raise AssertionError("slept for ever")

        late = await client.store_if_valid(Bid("lot", "a", 1), forever, validation_timeout=0.05)
        with trio.move_on_after(0.05) as scope:
            await client.store_if_valid(Bid("lot", "a", 2), forever)
        with pytest.raises(ZeroDivisionError):
            await client.store_if_valid(Bid("lot", "a", 3), lambda request: 1 / 0)  # type: ignore[arg-type, return-value]  # on purpose
        async with client.consider(Bid("lot", "a", 4)) as request:
            pass
        with pytest.raises(StaleResponse):
            await request.respond(request.accept())
        last = await client.store_if_valid(Bid("lot", "a", 5), higher)

        assert late.timed_out
        assert scope.cancelled_caught
        assert last.was_accepted
        assert [5] == cents(await store.query_events("lot"))


async def test_a_block_that_decides() -> None:
    """`consider` holds the round, and several events may take the event's place."""
    async with served() as (client, _, _):
        async with client.consider(Bid("lot", "a", 4)) as request:
            decision = request.accept(Bid("lot", "a", 2), Bid("lot", "a", 3), meta={"split": True})
            result = await request.respond(decision)

    assert [2, 3] == cents(result.records)
    assert {"split": True} == result.meta


async def test_what_cannot_be_stored() -> None:
    """An event of another scope, metadata of the gateway's own, a huge event: refused."""
    async with served() as (client, _, _):
        with pytest.raises(InvalidEvent):
            await client.store_if_valid(Bid("lot", "a", 1), lambda r: r.accept(Bid("x", "a", 1)))
        with pytest.raises(InvalidEvent):
            await client.store_if_valid(Bid("lot", "a" * 300_000, 1), accept)
        with pytest.raises((InvalidEvent, GatewayError)):
            await client.store_if_valid(Bid("lot", "a", 1), accept, metadata={"$by": "me"})
        assert (await client.store_if_valid(Bid("lot", "a", 1), accept)).was_accepted


@pytest.mark.parametrize("limits", [Limits(), SMALL])
async def test_reading(limits: Limits) -> None:
    """Whatever is asked, the gateway gives what the store gives."""
    async with served(limits=limits) as (client, store, _):
        for n in range(1, 21):
            await store.store_if_valid(Bid(f"lot-{n % 2}", "ada", n), accept)
        for members in READS:
            expected = [record async for record in store.read(**members)]
            assert expected == [record async for record in client.read(**members)]
        for query in QUERIES:
            assert await store.query_events("lot-1", **query) == await client.query_events(
                "lot-1", **query
            )
        assert await store.scopes() == await client.scopes()
        assert await store.scopes(after="lot-0", limit=1) == await client.scopes("", "lot-0")
        with pytest.raises(FilterError):
            await client.read(where="type =").all()


async def test_following() -> None:
    """History, `CaughtUp`, then what is admitted; with a filter, too."""
    async with served(limits=SMALL) as (client, store, _):
        for n in range(1, 11):
            await store.store_if_valid(Bid("lot", "ada", n), accept)
        async with client.subscribe(scope="lot", where="data.cents > 5") as feed:
            items = [await anext(feed) for _ in range(6)]
            await store.store_if_valid(Bid("lot", "ada", 3), accept)
            await store.store_if_valid(Bid("lot", "ada", 30), accept)
            items.append(await anext(feed))

        assert [6, 7, 8, 9, 10, CaughtUp(10), 30] == [
            item.event.cents if isinstance(item, Record) else item for item in items
        ]
        async with client.subscribe(after="end") as feed:
            assert CaughtUp(12) == await anext(feed)
        async with client.subscribe(after=99) as feed:
            with pytest.raises(StoreReplaced):
                await anext(feed)


async def test_operating() -> None:
    """Live scopes show their rounds, an operator ends one, figures are there, changes are told."""
    async with served() as (client, _, _), trio.open_nursery() as nursery:
        results: list[Result[Bid]] = []
        opened = trio.Event()

        async def hold(request: ValidationRequest[Bid]) -> Decision:
            opened.set()
            await trio.sleep_forever()
            raise AssertionError("slept for ever")

        async def bid() -> None:
            results.append(await client.store_if_valid(Bid("lot", "ada", 1), hold))

        await client.store_if_valid(Bid("lot", "ada", 1), accept)
        async with client.watch_scopes() as feed:
            (shown,) = await anext(feed)
            assert ScopeEnd("lot", 1, 1, shown.at) == (await client.scopes())[0]
            nursery.start_soon(bid)
            await opened.wait()
            live = (await client.live_scopes())["lot"]
            assert ("validating", "local") == (live.state, live.principal)
            assert live.round is not None
            assert "validating" == (await anext(feed))[0].state
            await client.end_round("lot", live.round)
            with pytest.raises(GatewayError):
                await client.end_round("lot", live.round)
        assert isinstance(await client.stats(), dict)

    assert [(Outcome.WITHDRAWN, "ended by an operator")] == [(r.outcome, r.reason) for r in results]


async def test_a_gateway_that_starts_again(tmp_path: Any) -> None:
    """Proposals and subscriptions go on with the next gateway, and nothing comes twice."""
    seen: list[int] = []
    results: list[Result[Bid]] = []
    with trio.fail_after(30):
        async with open_store(tmp_path / "a.store", events=Bid, scope_of=lot_of) as store:
            async with open_gateway(store) as gateway:
                port = gateway.port
                await store.store_if_valid(Bid("lot", "bob", 0), accept)

            async def follow(client: Client[Bid]) -> None:
                async with client.subscribe() as feed:
                    async for item in feed:
                        seen.extend([item.position] if isinstance(item, Record) else [])

            async def propose(client: Client[Bid]) -> None:
                for n in range(40):
                    results.extend([await client.store_if_valid(Bid("lot", "a", n), slowly)])

            async def slowly(request: ValidationRequest[Bid]) -> Decision:
                await trio.sleep(0.01)
                return request.accept()

            async with trio.open_nursery() as nursery:
                nursery.start_soon(gateways, store, port)
                url = f"ws://127.0.0.1:{port}"
                async with open_client(
                    url, events=Bid, scope_of=lot_of, wait_for_gateway=True
                ) as client:
                    nursery.start_soon(follow, client)
                    await propose(client)
                    while len(seen) < 41:  # noqa: ASYNC110 - a feed tells its own task alone
                        await trio.sleep(0.01)
                nursery.cancel_scope.cancel()

    assert list(range(1, 42)) == seen
    assert 40 == len({result.proposal_id for result in results})
    assert all(result.was_accepted for result in results)


async def gateways(store: Store[Bid], port: int) -> None:
    """One gateway after the other, each for a moment; the third one stays."""
    for seconds in (0.15, 0.15):
        async with open_gateway(store, port=port):
            await trio.sleep(seconds)
    async with open_gateway(store, port=port):
        await trio.sleep_forever()


async def test_another_store_at_the_same_address() -> None:
    """A subscription learns that there is another history; a proposal sees its past alone."""
    with trio.fail_after(20):
        async with bids() as (first, _), bids() as (second, _), trio.open_nursery() as nursery:
            await second.store_if_valid(Bid("lot", "eve", 7), accept)
            async with open_gateway(first) as gateway:
                client = await nursery.start(held_client, gateway.url)
                await client.store_if_valid(Bid("lot", "ada", 2), higher)
                feed = await nursery.start(held_feed, client)
                assert 1 == (await anext(feed)).position
                before = client.store
            async with open_gateway(second, port=gateway.port):
                result = await client.store_if_valid(Bid("lot", "ada", 8), higher)
                with pytest.raises(StoreReplaced):
                    while True:
                        await anext(feed)
                assert before != client.store
            nursery.cancel_scope.cancel()

    assert [7, 8] == [bid.cents for bid in result.stored_events]


async def held_client(url: str, *, task_status: trio.TaskStatus[Client[Bid]]) -> None:
    """A client that is there until the test is over."""
    async with open_client(url, events=Bid, scope_of=lot_of) as client:
        task_status.started(client)
        await trio.sleep_forever()


async def held_feed(client: Client[Bid], *, task_status: trio.TaskStatus[RemoteFeed[Bid]]) -> None:
    """A subscription that is there until the test is over."""
    async with client.subscribe() as feed:
        task_status.started(feed)
        await trio.sleep_forever()


async def test_tls() -> None:
    """Over TLS it is the same."""
    authority = trustme.CA()
    ours, theirs = ssl.create_default_context(), ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(theirs)
    authority.configure_trust(ours)
    with trio.fail_after(20):
        async with bids() as (store, _), open_gateway(store, ssl_context=theirs) as gateway:
            async with open_client(
                gateway.url, events=Bid, scope_of=lot_of, ssl_context=ours
            ) as client:
                assert (await client.store_if_valid(Bid("lot", "ada", 1), accept)).was_accepted


async def test_too_many_connections() -> None:
    """A gateway that is full now may not be later: the client tries again."""
    async with served(limits=Limits(connections=1)) as (_, _, gateway):
        with trio.move_on_after(0.5) as scope:
            async with open_client(gateway.url, wait_for_gateway=True):
                raise AssertionError("entered")
        assert scope.cancelled_caught

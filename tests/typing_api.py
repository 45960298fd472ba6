"""
What type checkers make of the public interface, as users write against it.

Never run: mypy and pyright read it, strictly, in `nox -s types`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, assert_never, assert_type
from uuid import UUID

import attrs
import trio

from atomic_store import (
    CaughtUp,
    Decision,
    Filter,
    Fold,
    JsonEvent,
    Outcome,
    Reader,
    Reading,
    Record,
    Result,
    ScopeStatus,
    Store,
    ValidationRequest,
    open_reader,
    open_store,
    parse_filter,
)
from atomic_store.gateway import Client, open_client
from atomic_store.testing import Scenario, Then, open_test_store, scenario, trio_clock

NOW = datetime(2026, 11, 23, tzinfo=UTC)


@attrs.frozen
class Bid:
    """A user's event."""

    lot: str
    cents: int


@attrs.frozen
class Closed:
    """Another one."""

    lot: str


def lot_of(event: Bid) -> str:
    """A user's `scope_of`."""
    return event.lot


async def awaited(request: ValidationRequest[Bid]) -> Decision:
    """A validator that may wait."""
    assert_type(request.prospective_event, Bid)
    assert_type(request.past_events[0], Bid)
    assert_type(request.past_events[1:], tuple[Bid, ...])
    assert_type(request.past_records[0], Record[Bid])
    assert_type(request.proposal_id, UUID)
    assert_type(request.scope, str)
    assert_type(request.deadline, float)
    assert_type(request.principal, str | None)
    assert_type(request.metadata, Mapping[str, Any])
    await request.past_is_durable()
    if max((bid.cents for bid in request.past_events), default=0) > 0:
        return request.reject("too low", meta={"best": 1})
    return request.accept(Bid("a", 1), Bid("a", 2), meta=[1])


def plain(request: ValidationRequest[Bid]) -> Decision:
    """A validator that does not."""
    return request.accept(events=[request.prospective_event])


async def propose(store: Store[Bid]) -> None:
    """Proposals and their results."""
    result = await store.store_if_valid(Bid("a", 1), awaited)
    assert_type(result, Result[Bid])
    assert_type(result.was_accepted, bool)
    assert_type(result.outcome, Outcome)
    assert_type(result.reason, str | None)
    assert_type(result.prospective_event, Bid)
    assert_type(result.stored_events[0], Bid)
    assert_type(result.records, tuple[Record[Bid], ...])
    assert_type(result.is_duplicate, bool)
    assert_type(result.timed_out, bool)
    await store.store_if_valid(
        Bid("a", 1), plain, scope="a", proposal_id=UUID(int=1), metadata={"by": "x"},
        validation_timeout=1,
    )  # fmt: skip
    await store.store_if_valid(Bid("a", 1), lambda request: request.accept())
    await store.store_if_valid(Closed("a"), plain)  # type: ignore[arg-type]  # another store's event


async def in_two_halves(store: Store[Bid]) -> None:
    """A round that a block holds."""
    async with store.consider(Bid("a", 1), scope="a") as request:
        assert_type(request.prospective_event, Bid)
        assert_type(await request.respond(request.accept()), Result[Bid])
        assert_type(request.result, Result[Bid] | None)


async def read(store: Store[Bid]) -> None:
    """Queries and subscriptions."""
    records = await store.query_events("a", after=1, last=10)
    assert_type(records, list[Record[Bid]])
    assert_type(records[0].event, Bid)
    assert_type(records[0].position, int)
    assert_type(records[0].at, datetime)
    assert_type(await store.outcome(UUID(int=1), scope="a"), Result[Bid] | None)
    assert_type(store.live_scopes(), Mapping[str, ScopeStatus])
    assert_type(store.head.position, int)
    async for record in store.read(prefix="a", at="-2h", where="type = Bid", reverse=True):
        assert_type(record, Record[Bid])
    assert_type(await store.read(scope="a").all(), list[Record[Bid]])
    assert_type(store.read(), Reading[Bid])
    async with store.subscribe(scope="a", where=parse_filter("", now=NOW), after="end") as feed:
        async for item in feed:
            match item:
                case CaughtUp(position):
                    assert_type(position, int)
                case Record():
                    assert_type(item.event, Bid)
                case _:
                    assert_never(item)


async def open_some() -> None:
    """What `events` says decides what a store holds."""
    async with open_store("a.store", events=Bid, scope_of=lot_of) as store:
        assert_type(store, Store[Bid])
    async with open_store(":memory:", events=[Bid, Closed]) as either:
        assert_type(either, Store[Any])
    async with open_store(trio.Path("a.store"), events=None) as plain_json:
        assert_type(plain_json, Store[JsonEvent])
    async with open_store("a.store", events=Bid | Closed) as union:
        # mypy takes `Bid | Closed` to be a class or a union, and so gives `Store[Bid]` besides.
        await union.query_events("a")
    total: Fold[int, Bid] = Fold(0, lambda sum_, bid: sum_ + bid.cents, version=2)
    async with open_store("a.store", events=Bid, state=total) as folded:
        assert_type(folded, Store[Bid])


async def read_beside() -> None:
    """Readers are told by their `events` as stores are."""
    async with open_reader("a.store") as reader:
        assert_type(reader, Reader[JsonEvent])
        assert_type(await reader.query_events("a"), list[Record[JsonEvent]])
    async with open_reader("a.store", events=Bid) as bids:
        assert_type(bids.read(where="type = Bid"), Reading[Bid])
        assert_type(await bids.outcome(UUID(int=1), scope="a"), Result[Bid] | None)
        async with bids.subscribe(after="end") as feed:
            async for item in feed:
                assert_type(item, Record[Bid] | CaughtUp)


def try_validators() -> None:
    """A scenario knows its event type, and so do its steps."""
    start = scenario(events=Bid, scope_of=lot_of, validation_timeout=1, timeout_reason="late")
    assert_type(start, Scenario[Bid])
    assert_type(start.given(Bid("a", 1), Bid("a", 2), metadata={"by": "x"}), Scenario[Bid])
    then = start.when(Bid("a", 1), plain, proposal_id=UUID(int=1), principal="x")
    assert_type(then, Then[Bid])
    assert_type(start.when(Bid("a", 1), awaited), Then[Bid])
    assert_type(start.when(Bid("a", 1), lambda request: request.accept()), Then[Bid])
    assert_type(then.then_accepted(Bid("a", 1)).then_state(1), Then[Bid])
    assert_type(then.then_rejected("too low").then_timed_out(), Then[Bid])
    assert_type(then.given(Bid("a", 2)), Scenario[Bid])
    assert_type(then.new_events, tuple[Bid, ...])
    assert_type(then.past_events[0], Bid)
    assert_type(then.result, Result[Bid])
    start.given(Closed("a"))  # type: ignore[arg-type]  # another store's event
    then.then_accepted(Closed("a"))  # type: ignore[arg-type]  # another store's event
    scenario(events=Bid, patience=1)  # type: ignore[call-overload]  # no such option
    assert_type(scenario(events=None, scope="a"), Scenario[JsonEvent])
    assert_type(scenario(events=[Bid, Closed]), Scenario[Any])
    total: Fold[int, Bid] = Fold(0, lambda sum_, bid: sum_ + bid.cents)
    assert_type(scenario(events=Bid, state=total), Scenario[Bid])


async def try_awaited() -> None:
    """The same under Trio, and a store for tests."""
    then = await scenario(events=Bid).when_async(Bid("a", 1), awaited, scope="a")
    assert_type(then, Then[Bid])
    assert_type(await then.when_async(Bid("a", 1), plain), Then[Bid])
    assert_type(trio_clock()(), datetime)
    async with open_test_store(events=Bid, scope_of=lot_of, max_waiting=1) as store:
        assert_type(store, Store[Bid])
    async with open_test_store(events=[Bid, Closed]) as either:
        assert_type(either, Store[Any])
    async with open_test_store(events=None) as plain_json:
        assert_type(plain_json, Store[JsonEvent])


def choose(now: datetime) -> str:
    """A filter is made of text and the time."""
    where = parse_filter("at > -2h", now=now)
    assert_type(where, Filter)
    assert_type(where.text, str)
    return str(where)


def all_outcomes(outcome: Outcome) -> str:
    """The four outcomes are all there are."""
    match outcome:
        case Outcome.ACCEPTED | Outcome.REJECTED:
            return "decided"
        case Outcome.TIMED_OUT | Outcome.WITHDRAWN:
            return "not decided"
        case _:
            assert_never(outcome)


async def through_a_gateway(lot: str) -> None:
    """A client has the store's types: those of the event classes that it was opened with."""
    async with open_client("ws://localhost:8000", events=Bid, scope_of=lot_of) as client:
        assert_type(client, Client[Bid])
        assert_type(await client.store_if_valid(Bid("a", 1), plain), Result[Bid])
        assert_type(await client.store_if_valid(Bid("a", 1), awaited), Result[Bid])
        assert_type(await client.store_if_valid(Bid("a", 1)), Result[Bid])
        assert_type(await client.query_events(lot, last=3), list[Record[Bid]])
        assert_type(client.read(prefix=lot), Reading[Bid])
        async with client.consider(Bid("a", 1)) as request:
            assert_type(await request.respond(request.accept()), Result[Bid])
        async with client.subscribe(scope=lot) as feed:
            async for item in feed:
                assert_type(item, Record[Bid] | CaughtUp)
        await client.validate_for("lot/", awaited, rounds=4)
    async with open_client("ws://localhost:8000", events=[Bid, Closed]) as either:
        assert_type(either, Client[Any])
    async with open_client("ws://localhost:8000") as plain_json:
        assert_type(plain_json, Client[JsonEvent])

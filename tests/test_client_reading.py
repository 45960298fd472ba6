"""Reading through a gateway."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import attrs
import pytest
import trio
from trio.testing import MockClock

from atomic_store import FilterError, InvalidEvent, JsonEvent, ScopeEnd, parse_filter
from atomic_store.gateway import Client, GatewayError
from atomic_store.gateway.client.wire import stored
from atomic_store.gateway.protocol import client_messages as asked
from atomic_store.gateway.protocol import server_messages as said
from atomic_store.gateway.protocol.codes import ErrorCode
from conversations import wire
from fake_gateways import Peer, talking

NOW = datetime(2026, 11, 23, tzinfo=UTC)


@attrs.define
class Library:
    """Answers queries as a gateway does; two scopes, whose records take turns."""

    page_records: int
    scans_max: int = 10**9
    records: list[said.WireRecord] = attrs.Factory(
        lambda: [wire(n, f"lot-{n % 2}", (n + 1) // 2) for n in range(1, 41)]
    )
    queries: list[asked.Query] = attrs.Factory(list)

    async def serve(self, peer: Peer) -> None:
        """Answer all queries."""
        while True:
            query = await peer.hear(asked.Query)
            self.queries.append(query)
            await peer.say(*self.answer(query))

    def answer(self, query: asked.Query) -> list[said.ServerMessage]:
        """The records of one page, one by one, and where it ends."""
        order = self.records if query.order == "asc" else self.records[::-1]
        found: list[said.WireRecord] = []
        looked_at, last, next_ = 0, 0, None
        for record in order:
            if not self.is_within(query, record):
                continue
            if len(found) >= min(query.limit or 10**9, self.page_records) or (
                looked_at >= self.scans_max
            ):
                next_ = last
                break
            by_sequence = query.after_sequence is not None or query.before_sequence is not None
            last = record.sequence if by_sequence else record.position
            looked_at += 1
            if query.where is None or parse_filter(query.where, now=NOW).matches(stored(record)):
                found.append(record)
        pages: list[said.ServerMessage] = [said.Records(id=query.id, records=[r]) for r in found]
        return [*pages, said.Done(id=query.id, next=next_, scanned=looked_at)]

    @staticmethod
    def is_within(query: asked.Query, record: said.WireRecord) -> bool:
        """Whether a query covers a record."""
        return (
            query.all + (query.scope is not None) + (query.prefix is not None) == 1
            and (query.scope is None or record.scope == query.scope)
            and record.scope.startswith(query.prefix or "")
            and record.position > (query.after or 0)
            and (query.before is None or record.position < query.before)
            and record.sequence > (query.after_sequence or 0)
            and (query.before_sequence is None or record.sequence < query.before_sequence)
        )


@asynccontextmanager
async def library(
    page_records: int = 500, scans_max: int = 10**9
) -> AsyncIterator[tuple[Client[JsonEvent], Library]]:
    """Open a client of a gateway that answers queries."""
    async with talking() as (client, _, peer), trio.open_nursery() as nursery:
        shelf = Library(page_records, scans_max)
        nursery.start_soon(shelf.serve, peer)
        yield client, shelf
        nursery.cancel_scope.cancel()


SCOPE_QUERIES: list[tuple[dict[str, int], list[int]]] = [
    ({}, list(range(1, 21))),
    ({"after": 15}, [16, 17, 18, 19, 20]),
    ({"before": 4}, [1, 2, 3]),
    ({"after": 3, "before": 6}, [4, 5]),
    ({"last": 3}, [18, 19, 20]),
    ({"last": 3, "before": 10}, [7, 8, 9]),
    ({"limit": 2}, [1, 2]),
    ({"limit": 0}, []),
    ({"last": 0}, []),
    ({"after": 20}, []),
    ({"after": 5, "before": 3}, []),
]


@pytest.mark.parametrize("page_records", [500, 3, 1])
@pytest.mark.parametrize(("members", "expected"), SCOPE_QUERIES)
async def test_query_events(
    autojump_clock: MockClock, members: dict[str, int], expected: list[int], page_records: int
) -> None:
    """A scope's records come by sequence, whatever the size of the gateway's pages."""
    async with library(page_records) as (client, _):
        found = await client.query_events("lot-1", **members)

    assert expected == [record.sequence for record in found]
    assert all(record.scope == "lot-1" for record in found)


async def test_query_events_refuses_as_a_store(autojump_clock: MockClock) -> None:
    """Arguments that a store refuses are refused here, and nothing is asked."""
    async with library() as (client, shelf):
        with pytest.raises(InvalidEvent):
            await client.query_events("")
        with pytest.raises(ValueError, match="after"):
            await client.query_events("lot-1", after=-1)
        with pytest.raises(ValueError, match="found both"):
            await client.query_events("lot-1", last=1, limit=1)
        assert [] == shelf.queries


READS: list[tuple[dict[str, Any], list[int]]] = [
    ({}, list(range(1, 41))),
    ({"scope": "lot-0", "limit": 2}, [2, 4]),
    ({"prefix": "lot-1", "after": 30}, [31, 33, 35, 37, 39]),
    ({"after": 5, "before": 9}, [6, 7, 8]),
    ({"reverse": True, "limit": 3}, [40, 39, 38]),
    ({"reverse": True, "scope": "lot-1", "before": 6}, [5, 3, 1]),
    ({"where": "data.cents in (4, 17, 39)"}, [4, 17, 39]),
    ({"where": "data.cents in (4, 17, 39)", "reverse": True}, [39, 17, 4]),
    ({"where": "data.cents in (4, 17, 39)", "limit": 2}, [4, 17]),
    ({"where": "type = Ask"}, []),
    ({"scope": "nowhere"}, []),
    ({"limit": 0}, []),
]


@pytest.mark.parametrize(("page_records", "scans_max"), [(500, 10**9), (7, 10**9), (2, 3)])
@pytest.mark.parametrize(("members", "expected"), READS)
async def test_read(
    autojump_clock: MockClock, members: dict[str, Any], expected: list[int], page_records: int,
    scans_max: int,
) -> None:  # fmt: skip
    """Each record comes once, in order, wherever the gateway cuts its pages."""
    async with library(page_records, scans_max) as (client, _):
        found = [record.position async for record in client.read(**members)]

    assert expected == found


async def test_a_reading_ends_where_it_began(autojump_clock: MockClock) -> None:
    """What is admitted while it is read is not its any more."""
    async with library(page_records=5) as (client, shelf):
        reading = client.read(scope="lot-1")
        first = await anext(reading)
        shelf.records.append(wire(41, "lot-1", 21))
        rest = await reading.all()

    assert [*range(1, 41, 2)] == [first.position, *(record.position for record in rest)]


async def test_what_is_asked(autojump_clock: MockClock) -> None:
    """Times and filters go to the gateway as text."""
    async with library() as (client, shelf):
        at = datetime(2026, 11, 23, 12, tzinfo=UTC)
        await client.read(at=at, where=parse_filter("type = Bid", now=NOW)).all()
        await client.read(at="2026-11-23", reverse=True, prefix="lot").all()

    found = [(query.at, query.where, query.all, query.order) for query in shelf.queries[1::2]]
    assert [
        ("2026-11-23T12:00:00.000000Z", 'type = "Bid"', True, "asc"),
        ("2026-11-23T23:59:59.999999Z", None, False, "desc"),
    ] == found


@pytest.mark.parametrize("code", [ErrorCode.BAD_FILTER, ErrorCode.FORBIDDEN])
async def test_a_query_that_is_refused(autojump_clock: MockClock, code: ErrorCode) -> None:
    """A refused filter is a FilterError with its text, anything else says its code."""
    async with talking() as (client, _, peer), trio.open_nursery() as nursery:

        async def refuse() -> None:
            while True:
                query = await peer.hear(asked.Query)
                if query.where is None:
                    await peer.say(said.Done(id=query.id, next=None))
                else:
                    await peer.say(said.error(code, "because", query.id))

        nursery.start_soon(refuse)
        kind = FilterError if code is ErrorCode.BAD_FILTER else GatewayError
        with pytest.raises(kind, match="because"):
            await client.read(where="type = Bid").all()
        with pytest.raises(FilterError):
            client.read(where="type = ")
        nursery.cancel_scope.cancel()


# --- scopes and operating ------------------------------------------------------------------


@asynccontextmanager
async def answering(
    *answers: list[said.ServerMessage],
) -> AsyncIterator[tuple[Client[JsonEvent], list[asked.ClientMessage]]]:
    """Open a client of a gateway that gives these answers, whatever it is asked."""
    heard: list[asked.ClientMessage] = []
    async with talking() as (client, _, peer), trio.open_nursery() as nursery:

        async def answer() -> None:
            for messages in answers:
                heard.append(await peer.hear_any())
                await peer.say(*messages)

        nursery.start_soon(answer)
        yield client, heard
        assert len(answers) == len(heard)


def some(id_: int, *names: str, next_: int | Any | None = None) -> list[said.ServerMessage]:
    """An answer of scopes; the ones with an upper-case name are live."""
    shown = [
        said.ScopeShown(
            name, 2, 7, "2026-11-23T15:04:05.123456Z", "validating" if name.isupper() else "idle"
        )
        for name in names
    ]
    return [said.ScopesShown(id=id_, scopes=shown), said.Done(id=id_, next=next_)]


async def test_scopes(autojump_clock: MockClock) -> None:
    """They come by name, page after page, as many as are wanted."""
    async with answering(some(1, "a", "b", next_=1), some(2, "c")) as (client, heard):
        found = await client.scopes("", limit=3)

    assert ScopeEnd("a", 2, 7, "2026-11-23T15:04:05.123456Z") == found[0]
    assert ["a", "b", "c"] == [one.scope for one in found]
    assert [asked.Scopes(id=1, limit=3), asked.Scopes(id=2, after="b", limit=1)] == heard


async def test_scopes_end(autojump_clock: MockClock) -> None:
    """The last page is the end, also where the gateway only shows it by giving none."""
    async with answering(some(1, "a")) as (client, _):
        assert ["a"] == [one.scope for one in await client.scopes("a", "0", limit=9)]
    empty: list[said.ServerMessage] = [said.ScopesShown(id=2, scopes=[]), said.Done(id=2)]
    async with answering([*some(1, "a")[:1], said.Done(id=1)], empty) as (client, _):
        assert ["a"] == [one.scope for one in await client.scopes(limit=9)]


async def test_live_scopes(autojump_clock: MockClock) -> None:
    """Of all scopes those that are live, by name."""
    async with answering(some(1, "A", "b", next_=1), some(2, "C")) as (client, _):
        found = await client.live_scopes()

    assert {"A": "validating", "C": "validating"} == {n: one.state for n, one in found.items()}


async def test_stats(autojump_clock: MockClock) -> None:
    """Figures by name."""
    figures = said.StatsShown(id=1, figures={"rounds": 7})
    async with answering([figures, said.Done(id=1)]) as (client, heard):
        assert {"rounds": 7} == await client.stats()
    assert [asked.Stats(id=1)] == heard


async def test_end_round(autojump_clock: MockClock) -> None:
    """The round is named by its token; one that is over is an error."""
    over: list[said.ServerMessage] = [said.error(ErrorCode.NOT_FOUND, "over", 2)]
    async with answering([said.Done(id=1)], over) as (client, heard):
        await client.end_round("lot", "r-7")
        with pytest.raises(GatewayError, match="not_found: over"):
            await client.end_round("lot", "r-7")
    assert asked.EndRound(id=1, scope="lot", round="r-7") == heard[0]

"""Following through a gateway."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from atomic_store import CaughtUp, FilterError, InvalidEvent, Record, StoreReplaced
from atomic_store.gateway import GatewayClosed, GatewayError, RemoteFeed
from atomic_store.gateway.client import client as client_module
from atomic_store.gateway.protocol import client_messages as asked
from atomic_store.gateway.protocol import server_messages as said
from atomic_store.gateway.protocol.codes import ErrorCode
from conversations import wire
from fake_gateways import Peer, talking


async def take(feed: RemoteFeed[Any], count: int) -> list[Any]:
    """The next items: a record's position, or the item."""
    items: list[Any] = []
    while len(items) < count:
        item = await anext(feed)
        items.append(item.position if isinstance(item, Record) else item)
    return items


def records(id_: int, *positions: int) -> said.Records:
    """Records of the lot."""
    return said.Records(id=id_, records=[wire(position) for position in positions])


async def test_history_then_live(autojump_clock: MockClock) -> None:
    """History comes first, then `CaughtUp`, then what is admitted; leaving unsubscribes."""
    async with talking() as (client, _, peer):
        async with client.subscribe(prefix="lo", where="type = Bid") as feed:
            assert asked.Subscribe(
                id=1, prefix="lo", where='type = "Bid"', store="history-1"
            ) == await peer.hear(asked.Subscribe)
            await peer.say(records(1, 1, 4), said.CaughtUp(id=1, position=7), records(1, 9))
            assert [1, 4, CaughtUp(7), 9] == await take(feed, 4)
            assert 9 == feed.position
        assert asked.Unsubscribe(id=1) == await peer.hear(asked.Unsubscribe)


async def test_pages(autojump_clock: MockClock) -> None:
    """A page has all that is at hand; there is none when the block was left."""
    async with talking() as (client, _, peer):
        async with client.subscribe(prefix="lo") as feed:
            await peer.hear(asked.Subscribe)
            await peer.say(records(1, 1, 4), said.CaughtUp(id=1, position=7), records(1, 9))
            assert [1] == await take(feed, 1)
            await wait_all_tasks_blocked()
            page = await feed.page()
            assert [4, 7, 9] == [item.position for item in page]
            assert CaughtUp(7) == page[1]
            assert 9 == feed.position
        assert [] == await feed.page()


async def test_taking_after_the_block_ends(autojump_clock: MockClock) -> None:
    """A feed whose block was left, also while somebody waits for it, has nothing more to give."""
    ended: list[bool] = []
    async with talking() as (client, _, _), trio.open_nursery() as nursery:

        async def wait(feed: RemoteFeed[Any]) -> None:
            async for _ in feed:
                pass
            ended.append(True)

        async with client.subscribe() as feed:
            nursery.start_soon(wait, feed)
            await wait_all_tasks_blocked()
            with pytest.raises(trio.BusyResourceError):
                await anext(feed)
        await wait_all_tasks_blocked()
        assert [True] == ended
        with pytest.raises(StopAsyncIteration):
            await anext(feed)


async def test_cancelled_taking_loses_nothing(autojump_clock: MockClock) -> None:
    """A cancelled `anext` leaves the feed where it was."""
    async with talking() as (client, _, peer), client.subscribe() as feed:
        with trio.move_on_after(1) as scope:
            await anext(feed)
        assert scope.cancelled_caught
        await peer.hear(asked.Subscribe)
        await peer.say(records(1, 1, 2))
        assert [1, 2] == await take(feed, 2)


async def test_another_history(autojump_clock: MockClock) -> None:
    """It raises once all records before were taken, and again; a new subscription is fine."""
    async with talking() as (client, gateway, peer), client.subscribe(after=3) as feed:
        await peer.hear(asked.Subscribe)
        await peer.say(records(1, 4))
        await peer.cut()
        peer = await gateway.welcome(store="history-2")
        again = await peer.hear(asked.Subscribe)
        await peer.say(said.Reset(id=1, store="history-2"), said.Done(id=1))
        assert [4] == await take(feed, 1)
        for _ in range(2):
            with pytest.raises(StoreReplaced, match=r"history-1.*behind 4.*history-2"):
                await anext(feed)
        assert ("history-1", "history-2", 4) == (again.store, client.store, again.after)
        async with client.subscribe():
            assert "history-2" == (await peer.hear(asked.Subscribe)).store


async def test_a_position_of_an_earlier_client(autojump_clock: MockClock) -> None:
    """A position that was kept is sent with the history that it was kept with."""
    async with talking() as (client, _, peer), client.subscribe(after=7, store="history-0"):
        subscribe = await peer.hear(asked.Subscribe)

    assert (7, "history-0") == (subscribe.after, subscribe.store)


async def test_a_slow_reader(autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is unsubscribed, is given all that it holds, and goes on where that ends."""
    monkeypatch.setattr(client_module, "FEED_BYTES_MAX", 2_000)
    async with talking() as (client, _, peer), client.subscribe() as feed:
        await peer.hear(asked.Subscribe)
        await peer.say(*(records(1, n) for n in range(1, 8)))
        await peer.hear(asked.Unsubscribe)
        await peer.say(records(1, 8), said.Done(id=1))
        await wait_all_tasks_blocked()
        assert [1, 2, 3] == await take(feed, 3)
        with trio.move_on_after(1):
            assert [4] == await take(feed, 1)
            await anext(feed)
        again = await peer.hear(asked.Subscribe)
        assert 4 == again.after
        await peer.say(records(again.id, 5, 6))
        assert [5, 6] == await take(feed, 2)


@pytest.mark.parametrize(
    ("members", "kind"),
    [({"after": -1}, ValueError), ({"after": "begin"}, ValueError), ({"scope": ""}, InvalidEvent),
     ({"scope": "a", "prefix": "b"}, ValueError), ({"where": "type ="}, FilterError)],
)  # fmt: skip
async def test_what_cannot_be_followed(
    autojump_clock: MockClock, members: dict[str, Any], kind: type[Exception]
) -> None:
    """It is refused here, as a store refuses it."""
    async with talking() as (client, _, _):
        with pytest.raises(kind):
            async with client.subscribe(**members):
                raise AssertionError("entered")
        assert not client._link.conversation.unanswered


@pytest.mark.parametrize("code", [ErrorCode.BAD_FILTER, ErrorCode.FORBIDDEN])
async def test_a_refused_subscription(autojump_clock: MockClock, code: ErrorCode) -> None:
    """Taking from it raises what the gateway said, each time."""
    async with talking() as (client, _, peer), client.subscribe(where="type = Bid") as feed:
        await peer.hear(asked.Subscribe)
        await peer.say(said.error(code, "because", 1))
        for _ in range(2):
            with pytest.raises(FilterError if code is ErrorCode.BAD_FILTER else GatewayError):
                await anext(feed)


async def test_a_subscription_that_the_gateway_ends(autojump_clock: MockClock) -> None:
    """One that is done, for whatever reason, has no more items."""
    async with talking() as (client, _, peer), client.subscribe() as feed:
        await peer.hear(asked.Subscribe)
        await peer.say(records(1, 1), said.Done(id=1))

        assert [1] == [item.position async for item in feed]


async def test_a_final_close_ends_it(autojump_clock: MockClock) -> None:
    """What was received is given, then it is said that the client has stopped."""
    async with talking() as (client, _, peer), client.subscribe() as feed:
        await peer.hear(asked.Subscribe)
        await peer.say(records(1, 1))
        await peer.close(1000)
        await wait_all_tasks_blocked()
        assert [1] == await take(feed, 1)
        with pytest.raises(GatewayClosed):
            await anext(feed)


async def test_a_record_without_its_data(autojump_clock: MockClock) -> None:
    """One that is larger than a message is there, and says so when its event is wanted."""
    large = wire(1, data=msgspec.UNSET, omitted_bytes=2_000_000)
    async with talking() as (client, _, peer), client.subscribe() as feed:
        await peer.hear(asked.Subscribe)
        await peer.say(said.Records(id=1, records=[large]))
        record = await anext(feed)

    assert isinstance(record, Record)
    assert 1 == record.position
    with pytest.raises(InvalidEvent, match="larger than a message"):
        _ = record.event


# --- scopes -------------------------------------------------------------------------------------


async def test_watching_scopes(autojump_clock: MockClock) -> None:
    """All of them come at first, in pages, then those that change; of each the latest."""
    shown = {n: said.ScopeShown("lot", n, n, "") for n in range(1, 6)}
    other = said.ScopeShown("x", 1, 9, "")
    async with talking() as (client, gateway, peer), trio.open_nursery() as nursery:
        async with client.watch_scopes("l") as feed:
            watch = await peer.hear(asked.Scopes)
            assert ("l", True) == (watch.prefix, watch.watch)
            await peer.say(said.ScopesShown(id=1, scopes=[]))
            nursery.start_soon(answer_pages, peer, 2, [shown[1]], [other])
            assert [shown[1]] == await anext(feed)
            await peer.say(said.ScopesShown(id=1, scopes=[shown[2]]))
            assert [other] == await anext(feed)
            await peer.say(said.ScopesShown(id=1, scopes=[shown[3]]))
            await wait_all_tasks_blocked()
            assert [shown[3]] == await anext(feed)
            await peer.say(said.ScopesShown(id=1, scopes=[shown[4]]))
            await wait_all_tasks_blocked()
            await peer.cut()
            peer = await gateway.welcome()
            assert (await peer.hear(asked.Scopes)).watch
            nursery.start_soon(answer_pages, peer, 2, [shown[5], other])
            # What was told on the lost connection may have changed since.
            assert [shown[5], other] == await anext(feed)
            await peer.say(said.ScopesShown(id=1, scopes=[other]))
            assert [other] == await anext(feed)
        await peer.hear(asked.Unsubscribe)


async def answer_pages(peer: Peer, id_: int, *pages: list[said.ScopeShown]) -> None:
    """Give pages of scopes to whoever asks for them, each behind the one before."""
    after: str | None = None
    for number, page in enumerate(pages, 1):
        question = await peer.hear(asked.Scopes)
        assert (after, False) == (question.after, question.watch)
        after = page[-1].scope
        await peer.say(
            said.ScopesShown(id=id_, scopes=page),
            said.Done(id=id_, next=None if number == len(pages) else 1),
        )
        id_ += 1


async def test_a_page_of_scopes_that_is_cancelled(autojump_clock: MockClock) -> None:
    """It is asked for again, and none is left out."""
    shown = said.ScopeShown("lot", 1, 1, "")
    async with talking() as (client, _, peer), trio.open_nursery() as nursery:
        async with client.watch_scopes() as feed:
            await peer.hear(asked.Scopes)
            with trio.move_on_after(1):
                await anext(feed)
            await peer.hear(asked.Scopes)
            nursery.start_soon(answer_pages, peer, 3, [shown])
            assert [shown] == await anext(feed)


@pytest.mark.parametrize(
    ("end", "kind"),
    [
        (said.error(ErrorCode.FORBIDDEN, "no", 1), GatewayError),
        (said.Done(id=1), StopAsyncIteration),
    ],
)
async def test_watching_ends(
    autojump_clock: MockClock, end: said.ServerMessage, kind: type[Exception]
) -> None:
    """A refusal is an error; where the gateway ends it, there is nothing more."""
    async with talking() as (client, _, peer), client.watch_scopes() as feed:
        await peer.hear(asked.Scopes)
        await peer.say(end)
        await wait_all_tasks_blocked()
        with pytest.raises(kind):
            await anext(feed)

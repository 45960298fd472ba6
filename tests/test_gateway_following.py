"""Subscriptions over the wire: history, then live, the same bytes for all who keep up."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from atomic_store import JsonEvent
from atomic_store.errors import JournalCorrupt, JournalFailed
from atomic_store.gateway import Limits
from atomic_store.journal.memory import MemoryJournal
from gateway_records import admit, positions
from gateway_talk import House, Talk, house


async def test_history_then_live() -> None:
    """What there was, `caught_up`, then what is admitted; once each, in order."""
    async with house() as here:
        await admit(here, 1, 2, 3)
        ada = await here.connect()
        ada.hear()
        id_ = await ada.ask("subscribe", all=True, after=1)
        assert [2, 3] == [one["position"] for one in ada.heard("records", id=id_)["records"]]
        ada.heard("caught_up", id=id_, position=3)
        sent_at_once = ada.gate.sent_at_once
        await admit(here, 4)
        (record,) = ada.heard("records", id=id_)["records"]

        assert (4, "lot/1", 4, {"cents": 4, "pad": ""}) == (
            record["position"], record["scope"], record["sequence"], record["data"],
        )  # fmt: skip
        assert [] == ada.hear_all()
        assert sent_at_once + 1 == ada.gate.sent_at_once


async def test_what_is_wanted() -> None:
    """One scope's, a prefix's, or what a filter says; others are passed by."""
    async with house() as here:
        ada = await here.connect()
        wanted: list[dict[str, Any]] = [
            {"scope": "lot/1"}, {"prefix": "lot/"}, {"all": True, "where": "data.cents > 3"},
            {"prefix": "bid/", "where": "data.cents = 4"}, {"all": True},
        ]  # fmt: skip
        ids = [await ada.ask("subscribe", after="end", **one) for one in wanted]
        ada.hear_all()
        for n, scope in enumerate(("lot/1", "lot/2", "bid/1", "bid/1", "lot/1"), 1):
            await admit(here, n, scope=scope)
        news = ada.hear_all()
        given = {
            id_: [
                record["position"]
                for message in news
                if message["id"] == id_
                for record in message.get("records", ())
            ]
            for id_ in ids
        }

        assert [[1, 5], [1, 2, 5], [4, 5], [4], [1, 2, 3, 4, 5]] == list(given.values())


async def test_only_durable_records() -> None:
    """Nothing is sent before it is on disk."""
    async with house(validate=lambda request: request.accept()) as here:
        ada = await here.connect()
        await ada.ask("subscribe", all=True)
        ada.hear_all()
        here.journal.pause()
        await ada.ask("propose", scope="a", event={"type": "Bid", "data": 1})
        assert [] == ada.hear_all()
        here.journal.resume()
        await wait_all_tasks_blocked()

        assert {"result", "records"} == set(ada.hear_types())


async def test_many_in_one_commit() -> None:
    """Records of one commit come in one message; in several where they do not fit one."""
    async with house(limits=Limits(message_bytes=10_000)) as here:
        ada = await here.connect()
        id_ = await ada.ask("subscribe", all=True)
        ada.hear_all()
        here.journal.pause()
        async with trio.open_nursery() as nursery:
            for n in range(30):
                nursery.start_soon(_propose, here, f"lot/{n}")
            await wait_all_tasks_blocked()
            here.journal.resume()
        await wait_all_tasks_blocked()
        news = ada.hear_all()

        assert all(len(str(message)) < 10_000 for message in news)
        assert 3 < len(news) < 10
        assert list(range(1, 31)) == [
            record["position"] for message in news for record in message["records"]
        ]
        assert {id_} == {message["id"] for message in news}


async def _propose(here: House, scope: str) -> None:
    await here.store.store_if_valid(
        JsonEvent("A", "x" * 1000), lambda request: request.accept(), scope=scope
    )


async def test_a_record_that_fits_no_message() -> None:
    """It comes without its data, and says how much that is."""
    async with house(limits=Limits(message_bytes=5_000)) as here:
        ada = await here.connect()
        await ada.ask("subscribe", all=True)
        ada.hear_all()
        await admit(here, 1, pad=6_000)
        (record,) = ada.heard("records")["records"]

        assert "data" not in record
        assert record["omitted_bytes"] > 6_000


async def test_from_the_journal() -> None:
    """What is not kept in memory is read from the journal, page by page, without a gap."""
    async with house(limits=Limits(page_records=2)) as here:
        here.store._hub.window_bytes_max = 0
        await admit(here, *range(7))
        ada = await here.connect()
        id_ = await ada.ask("subscribe", all=True, after=1)
        await wait_all_tasks_blocked()

        assert [2, 3, 4, 5, 6, 7] == positions(ada, id_)
        await admit(here, 7)
        assert [8] == positions(ada, id_)


async def test_slow_subscribers() -> None:
    """One that takes nothing reads from the journal when it does; the others do not notice."""
    async with house(limits=Limits(outbox_bytes=10_000)) as here:
        slow, quick = await here.connect("slow"), await here.connect("quick")
        slow_id = await slow.ask("subscribe", all=True)
        quick_id = await quick.ask("subscribe", all=True)
        slow.hear_all()
        quick.hear_all()
        slow.gate.fill()
        for n in range(60):
            await admit(here, n, pad=10_000)
        assert list(range(1, 61)) == positions(quick, quick_id)
        peers = here.gateway._services.following
        assert 2 == peers.subscribers
        slow.gate.empty()
        for _ in range(100):
            await wait_all_tasks_blocked()
        news = slow.hear_all()

        given = [record["position"] for one in news for record in one.get("records", ())]
        assert list(range(1, 61)) == given
        assert {"type": "caught_up", "id": slow_id, "position": 60} == news[-1]
        await admit(here, 60)
        assert [61] == positions(slow, slow_id)


async def test_a_slow_one_is_given_up(mock_clock: MockClock) -> None:
    """A socket that takes nothing for long is aborted."""
    async with house(limits=Limits(slow_s=3)) as here:
        slow = await here.connect("slow")
        await slow.ask("subscribe", all=True)
        slow.gate.fill()
        await admit(here, 1)
        for _ in range(5):
            mock_clock.jump(0.75)
            await wait_all_tasks_blocked()

        assert slow.gate.is_broken
        await slow.is_over.wait()
        assert 4508 == slow.connection.code
        assert 0 == here.gateway._services.following.subscribers


async def test_resuming() -> None:
    """The position of the last `caught_up` is where to go on; a wrong history is told."""
    async with house() as here:
        await admit(here, 1, 2)
        ada = await here.connect()
        store = ada.hear()["store"]
        id_ = await ada.ask("subscribe", all=True, after=1, store=store)
        assert [2] == positions(ada, id_)
        for members in ({"after": 1, "store": "another"}, {"after": 3}):
            id_ = await ada.ask("subscribe", all=True, **members)
            ada.heard("reset", id=id_, store=store)
            ada.heard("done", id=id_)


async def test_unsubscribing() -> None:
    """After `done` nothing comes; other subscriptions of the topic go on."""
    async with house() as here:
        ada, ben = await here.connect(), await here.connect("ben")
        first, second = [await talk.ask("subscribe", all=True) for talk in (ada, ben)]
        ada.hear_all()
        ben.hear_all()
        await ada.say(type="unsubscribe", id=first)
        ada.heard("done", id=first)
        await admit(here, 1)
        assert [] == ada.hear_all()
        assert [1] == positions(ben, second)
        await ben.hang_up()

        assert 0 == here.gateway._services.following.subscribers
        assert {} == here.gateway._services.following._topics


async def test_positions_are_told(mock_clock: MockClock) -> None:
    """Where others' records move the position, a subscriber is told at each heartbeat."""
    async with house(limits=Limits(heartbeat_s=10)) as here:
        ada = await here.connect()
        id_ = await ada.ask("subscribe", scope="lot/1")
        ada.hear_all()
        await admit(here, 1, 2, scope="lot/2")
        mock_clock.jump(5)
        await wait_all_tasks_blocked()
        ada.heard("caught_up", id=id_, position=2)
        mock_clock.jump(5)
        await wait_all_tasks_blocked()
        assert [] == [one for one in ada.hear_all() if one["type"] == "caught_up"]


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"all": True, "where": "data.cents >"}, "bad_filter"),
        ({"scope": ""}, "invalid_event"),
        ({"scope": "x" * 600}, "invalid_event"),
    ],
)
async def test_what_cannot_be_followed(members: dict[str, Any], code: str) -> None:
    """Each has its code."""
    async with house() as here:
        ada = await here.connect()
        ada.hear()
        await ada.ask("subscribe", **members)

        ada.heard("error", id=1, code=code)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (OSError("the secret path"), "internal"),
        (JournalCorrupt("/secret", 0, "a record", "none"), "store_failed"),
        (JournalFailed("open", "/secret", "mend it"), "store_failed"),
    ],
)
async def test_damage_is_told(error: Exception, code: str) -> None:
    """A subscriber that comes to what cannot be read is told so; its connection goes on."""
    async with house() as here:
        await admit(here, 1)

        ada = await here.connect()
        ada.hear()
        here.gateway._services.following._hub.window.clear()
        here.store._parts.journal = broken = _Broken(here.journal, error)  # type: ignore[assignment]  # a stand-in
        id_ = await ada.ask("subscribe", all=True)
        assert "secret" not in ada.heard("error", id=id_, code=code)["message"]
        here.store._parts.journal = broken.journal
        await ada.ask("query", all=True)
        ada.heard("records")


class _Broken:
    """A journal that cannot be looked through."""

    def __init__(self, journal: MemoryJournal, error: Exception) -> None:
        self.journal, self.error = journal, error

    def __getattr__(self, name: str) -> Any:
        return getattr(self.journal, name)

    async def scan(self, wanted: object, *, limit: int) -> None:
        raise self.error


@pytest.mark.parametrize("seed", range(20))
async def test_at_random(seed: int) -> None:
    """Whoever comes, is slow, goes and comes again gets every record once, in order."""
    random = Random(seed)
    async with house(limits=Limits(outbox_bytes=3_000, page_records=3)) as here:
        # Some of them find what they lack in memory, some in the journal.
        here.store._hub.window_bytes_max = random.choice((3_000, 16_000_000))
        followers: list[tuple[Talk, int, int]] = []
        admitted = 0
        for _ in range(120):
            await _do_something(here, random, followers)
            admitted = here.store.head.position
        for talk, _, _ in followers:
            talk.gate.empty()
        for _ in range(200):
            await wait_all_tasks_blocked()

        assert admitted > 20
        for talk, id_, after in followers:
            assert list(range(after + 1, admitted + 1)) == positions(talk, id_)


async def _do_something(
    here: House, random: Random, followers: list[tuple[Talk, int, int]]
) -> None:
    step = random.random()
    if step < 0.5:
        await admit(here, *range(random.randrange(1, 4)), pad=random.choice((0, 10, 2_000)))
    elif step < 0.65:
        talk = await here.connect(f"peer-{len(followers)}")
        after = random.randrange(here.store.head.position + 1)
        followers.append((talk, await talk.ask("subscribe", all=True, after=after), after))
    elif followers:
        talk, id_, after = random.choice(followers)
        if step < 0.85:
            talk.gate.empty() if talk.gate.is_full else talk.gate.fill()
        elif not talk.gate.is_full and step < 0.9:
            given = positions(talk, id_)
            assert list(range(after + 1, after + 1 + len(given))) == given
            followers.remove((talk, id_, after))
            await talk.hang_up()
    await wait_all_tasks_blocked()

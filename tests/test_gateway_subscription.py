"""What subscribers have in common, and where one of them leaves the others."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

import atomic_store.reading as reading
from atomic_store import JsonEvent
from atomic_store.gateway import Limits, Principal
from gateway_records import admit, positions
from gateway_talk import House, house


async def test_so_long_ago(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is said to be so long ago counts from when it is said, by each for himself."""
    now = datetime.now(UTC)
    async with house() as here:
        await admit(here, 1)
        ada, ben = await here.connect(), await here.connect("ben")
        found = []
        for talk, time in ((ada, now), (ben, now + timedelta(hours=3))):
            monkeypatch.setattr(reading, "utc_now", lambda time=time: time)
            id_ = await talk.ask("subscribe", all=True, where="at > -2h")
            found.append(positions(talk, id_))

        assert [[1], []] == found


async def test_one_topic_however_it_is_written() -> None:
    """Filters that say the same are one topic, which goes when the last subscriber does."""
    async with house() as here:
        topics = here.gateway._services.following._topics
        ada, ben = await here.connect(), await here.connect("ben")
        ids = [
            await talk.ask("subscribe", all=True, where=where)
            for talk, where in ((ada, "type = Bid"), (ben, 'type   =  "Bid"'))
        ]
        assert 1 == len(topics)
        await ada.say(type="unsubscribe", id=ids[0])
        assert 1 == len(topics)
        await ben.hang_up()
        assert {} == topics


async def test_falling_behind_in_the_middle() -> None:
    """A commit that is larger than what may wait for a client is taken on from where it left."""
    async with house(limits=Limits(message_bytes=150_000, outbox_bytes=300_000)) as here:
        slow, quick = await here.connect("slow"), await here.connect("quick")
        slow_id = await slow.ask("subscribe", all=True)
        quick_id = await quick.ask("subscribe", all=True)
        slow.hear_all()
        quick.hear_all()
        slow.gate.fill()
        await _commit_at_once(here, 40, 60_000)
        assert slow.connection._peer is not None
        assert slow.connection._peer.outbox.size < 800_000
        slow.gate.empty()
        for _ in range(40):
            await wait_all_tasks_blocked()

        assert [*range(1, 41)] == positions(slow, slow_id)
        assert [*range(1, 41)] == positions(quick, quick_id)


async def _commit_at_once(here: House, count: int, size: int) -> None:
    async def admit_one(scope: str) -> None:
        event = JsonEvent("A", "x" * size)
        await here.store.store_if_valid(event, lambda request: request.accept(), scope=scope)

    here.journal.pause()
    async with trio.open_nursery() as nursery:
        for n in range(count):
            nursery.start_soon(admit_one, f"lot/{n}")
        await wait_all_tasks_blocked()
        here.journal.resume()
    await wait_all_tasks_blocked()


async def test_nothing_follows_the_end_of_a_query() -> None:
    """A query that is ended from here while its client takes nothing says nothing more."""
    limits = Limits(page_records=3, message_bytes=3_000, outbox_bytes=1)
    async with house(limits=limits) as here:
        for n in range(3):
            await admit(here, n, pad=1_500)
        ada = await here.connect()
        ada.hear()
        ada.gate.fill()
        id_ = await ada.ask("query", all=True)
        assert ada.connection._peer is not None
        outbox = ada.connection._peer.outbox
        # It is told that there is room for its next record, and ended before its turn comes.
        outbox.bytes_max = 1_000_000
        outbox._wake()
        ada.connection.rights_changed(Principal("ada", {}))
        ada.gate.empty()
        await wait_all_tasks_blocked()

        heard = [one["type"] for one in ada.hear_all() if one["id"] == id_]
        # Whether the second one was on its way already depends on whose turn came first.
        assert heard in (["records", "error"], ["records", "records", "error"])

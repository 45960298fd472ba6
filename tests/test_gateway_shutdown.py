"""Whatever is open when a gateway ends: it is answered once, then comes goodbye, then 1001."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from typing import Any

import pytest
import trio
from trio import Nursery
from trio.testing import wait_all_tasks_blocked

from atomic_store import JsonEvent, open_store
from atomic_store.gateway import Limits
from atomic_store.gateway.protocol.server_messages import Goodbye
from atomic_store.journal.memory import MemoryJournal, open_memory_journal
from gateway_ends import (
    asked,
    fill,
    has_heard,
    is_a_good_end,
    propose_and_decide,
    scene,
    stalled,
)
from gateway_raw import BID, Hosted, Raw, close, request, until
from gateway_talk import house


@pytest.fixture
async def journal() -> AsyncIterator[MemoryJournal]:
    async with open_memory_journal() as opened:
        yield opened


async def test_all_that_is_open_is_answered(nursery: Nursery, journal: MemoryJournal) -> None:
    """Waiting or in its round, watching or subscribed: each request gets one terminal message."""
    async with open_store(journal, events=None) as store:
        async with scene(nursery, store, journal) as here:
            raw, other = await here.client(), await here.client()
            await asked(other, "validate_for", prefix="other/")
            await asked(raw, "subscribe", all=True)
            await asked(raw, "scopes", watch=True)
            await asked(raw, "stats", every_s=60)
            await asked(raw, "validate_for", prefix="mine/")
            await asked(raw, "propose", scope="lot/1", decide="self", event=BID)
            await asked(raw, "propose", scope="lot/1", decide="self", event=BID)
            await asked(raw, "propose", scope="other/1", event=BID)
            await asked(raw, "propose", scope="mine/1", event=BID)
            ends, others = here.listen(raw, other)
        assert is_a_good_end(ends)
        assert is_a_good_end(others)
        assert {(id_, "shutting_down") for id_ in range(1, 9)} == set(ends.ends)
        assert [(1, "shutting_down")] == others.ends
        assert ["over"] == [one["type"] for one in others.heard if "round" in one][-1:]
        assert {"shutdown"} == {one["reason"] for one in ends.heard if one["type"] == "goodbye"}
        # What was open in the store is not: its scopes can be used at once.
        for scope in ("lot/1", "other/1", "mine/1"):
            result = await store.store_if_valid(
                JsonEvent("Bid", {}), lambda request: request.accept(), scope=scope
            )
            assert result.was_accepted
            assert 1 == result.records[0].sequence


@pytest.mark.parametrize("is_connected", [True, False])
async def test_what_the_function_decides(
    nursery: Nursery, journal: MemoryJournal, is_connected: bool
) -> None:
    """A round that the gateway's own function holds is over with the gateway."""
    has_ended = trio.Event()

    async def never(request: Any) -> Any:
        try:
            await trio.sleep_forever()
        finally:
            has_ended.set()

    async with open_store(journal, events=None, validation_timeout=100) as store:
        async with scene(nursery, store, journal, validate=never) as here:
            raw = await here.client()
            await asked(raw, "propose", scope="lot/1", event=BID)
            await asked(raw, "propose", scope="lot/1", event=BID)
            ends = here.listen(raw) if is_connected else []
            if not is_connected:
                await raw.send(close())
                await raw.closed()
                await until(lambda: 0 == here.host.gateway.connections)
                assert 1 == store.statistics().waiting
        for listener in ends:
            assert is_a_good_end(listener)
            assert [(1, "shutting_down"), (2, "shutting_down")] == listener.ends
        await has_ended.wait()
        with trio.fail_after(1):
            result = await store.store_if_valid(
                JsonEvent("Bid", {}), lambda request: request.accept(), scope="lot/1"
            )
        assert result.was_accepted


async def test_decided_and_made_durable(nursery: Nursery, journal: MemoryJournal) -> None:
    """What was decided is told before goodbye, to each client, once it is durable."""
    async with open_store(journal, events=None) as store:
        async with scene(nursery, store, journal) as here:
            journal.pause()
            clients = [await here.client() for _ in range(5)]
            for number, raw in enumerate(clients):
                await propose_and_decide(raw, f"lot/{number}")
            listeners = here.listen(*clients)
            await until(lambda: all(has_heard(one, "pong") for one in listeners))
            resumed = trio.lowlevel.spawn_system_task(_resume_once_it_ends, here.host)
            assert resumed is not None
        for listener in listeners:
            assert is_a_good_end(listener)
            assert [(1, "accepted")] == listener.ends
        assert 5 == store.head.position


async def _resume_once_it_ends(host: Hosted) -> None:
    await until(lambda: not host.gateway._entrance.is_open)
    await wait_all_tasks_blocked()
    assert host.journal is not None
    host.journal.resume()


async def test_decided_and_not_durable(nursery: Nursery, journal: MemoryJournal) -> None:
    """A disk that hangs delays the goodbye by half of the time that there is, and no more."""
    async with open_store(journal, events=None) as store:
        began = trio.current_time()
        async with scene(nursery, store, journal, limits=Limits(shutdown_s=0.5)) as here:
            journal.pause()
            raw = await here.client()
            await propose_and_decide(raw, "lot/1")
            (listener,) = here.listen(raw)
            await until(lambda: has_heard(listener, "pong"))
            began = trio.current_time()
        assert 0.25 <= trio.current_time() - began < 5
        assert is_a_good_end(listener)
        assert [(1, "shutting_down")] == listener.ends
        journal.resume()
        await until(lambda: 1 == store.head.position)


async def test_nothing_follows_the_end_of_a_subscription(
    nursery: Nursery, journal: MemoryJournal
) -> None:
    """Records that wait for a client are dropped: it goes on from where it was."""
    async with open_store(journal, events=None) as store:
        await fill(store, 40, 100_000)
        async with scene(nursery, store, journal) as here:
            raw = await here.client(buffer_bytes=4096)
            await raw.ask("subscribe", all=True)
            await until(lambda: 0 < stalled(here.host))
            (listener,) = here.listen(raw)
        assert is_a_good_end(listener)
        types = [one["type"] for one in listener.heard]
        assert ["error", "goodbye"] == types[-2:]
        assert {"records"} == set(types[:-2])
        assert 40 > sum(len(one["records"]) for one in listener.heard[:-2])


async def test_what_has_ended_is_said(nursery: Nursery) -> None:
    """A client that has unsubscribed is told that this is done, though it takes nothing by then."""
    async with house() as here:
        ada = await here.connect()
        id_ = await ada.ask("subscribe", all=True, after=0)
        ada.hear_all()
        ada.gate.fill()
        await ada.say(type="ping")
        await ada.say(type="unsubscribe", id=id_)
        nursery.start_soon(here.gateway._entrance.stop_all, Goodbye(reason="shutdown"))
        await wait_all_tasks_blocked()
        ada.gate.empty()
        await ada.is_over.wait()

        assert ["pong", "done", "goodbye"] == ada.hear_types()


async def test_who_takes_nothing(nursery: Nursery, journal: MemoryJournal) -> None:
    """A client that takes nothing holds up the end for as long as the limit says, and no other."""
    async with open_store(journal, events=None) as store:
        await fill(store, 100, 100_000)
        async with scene(nursery, store, journal, limits=Limits(shutdown_s=0.5)) as here:
            deaf, good = await here.client(buffer_bytes=4096), await here.client()
            await deaf.ask("subscribe", all=True)
            (listener,) = here.listen(good)
            await until(lambda: 0 < stalled(here.host))
            began = trio.current_time()
        assert 0.4 < trio.current_time() - began < 5
        assert is_a_good_end(listener)


async def test_handshakes_in_the_middle_of_it(nursery: Nursery, journal: MemoryJournal) -> None:
    """Whoever is just coming in when it ends is turned away at once, too."""
    async with open_store(journal, events=None) as store:
        for steps in range(12):
            async with AsyncExitStack() as stack:
                async with scene(nursery, store, journal, limits=Limits(shutdown_s=60)) as here:
                    raw = await stack.enter_async_context(here.host.plug())
                    await raw.send(request(here.host.port))
                    for _ in range(steps):
                        await trio.lowlevel.checkpoint()
                    here._nursery.start_soon(_shake_hands, raw)
                    began = trio.current_time()
                assert trio.current_time() - began < 5


async def _shake_hands(raw: Raw) -> None:
    """Go on with a handshake, as far as it goes."""
    with suppress(AssertionError):
        await raw.head()
        await raw.closed()


async def test_newcomers_while_it_ends(nursery: Nursery, journal: MemoryJournal) -> None:
    """While it ends, whoever connects is told so, and so is whoever asks how it is."""
    async with open_store(journal, events=None) as store:
        async with scene(nursery, store, journal) as here:
            journal.pause()
            raw = await here.client()
            await propose_and_decide(raw, "lot/1")
            (listener,) = here.listen(raw)
            await until(lambda: has_heard(listener, "pong"))
            found: list[Any] = []
            here._nursery.start_soon(_come_late, here.host, found)
        assert [(503, b"shutting down\n"), 1001] == found
        assert [(1, "accepted")] == listener.ends


async def _come_late(host: Hosted, found: list[Any]) -> None:
    await until(lambda: not host.gateway._entrance.is_open)
    found.append(await host.get("/healthz"))
    async with host.open() as raw:
        found.append(await raw.closed())
    assert host.journal is not None
    host.journal.resume()

"""Whatever a gateway ends by, everybody is told goodbye first."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest
import trio
from trio import Nursery
from trio.testing import wait_all_tasks_blocked

from atomic_store import JournalFailed, open_store
from atomic_store.gateway import Limits
from atomic_store.gateway.server import open_gateway
from atomic_store.journal.memory import MemoryJournal, open_memory_journal
from gateway_ends import (
    Listener,
    asked,
    fill,
    has_heard,
    is_a_good_end,
    propose_and_decide,
    scene,
    stalled,
)
from gateway_raw import BID, PATIENCE_S, Hosted, until


@pytest.fixture
async def journal() -> AsyncIterator[MemoryJournal]:
    async with open_memory_journal() as opened:
        yield opened


async def test_the_journal_fails(nursery: Nursery, journal: MemoryJournal) -> None:
    """Open requests end with `store_failed`, and goodbye says so; the error leaves the store."""
    with pytest.raises(JournalFailed):
        async with open_store(journal, events=None) as store:
            async with scene(nursery, store, journal) as here:
                raw = await here.client()
                await asked(raw, "subscribe", all=True)
                await asked(raw, "propose", scope="lot/1", decide="self", event=BID)
                journal.pause()
                await propose_and_decide(raw, "lot/2")
                (listener,) = here.listen(raw)
                await until(lambda: has_heard(listener, "pong"))
                journal.fail()
                await trio.sleep_forever()
    assert is_a_good_end(listener)
    assert {(id_, "store_failed") for id_ in (1, 2, 3)} == set(listener.ends)
    assert "store_failed" == listener.heard[-1]["reason"]


def interrupt() -> None:
    """What Ctrl-C does."""
    signal.raise_signal(signal.SIGINT)


def break_() -> None:
    """Raise something of one's own."""
    raise LookupError("of the block")


@pytest.mark.parametrize(("how", "error"), [(interrupt, KeyboardInterrupt), (break_, LookupError)])
async def test_an_exception(
    nursery: trio.Nursery,
    journal: MemoryJournal,
    how: Callable[[], None],
    error: type[BaseException],
) -> None:
    """What the block raises leaves as itself, when everybody has been told goodbye."""
    async with open_store(journal, events=None) as store:
        with trio.fail_after(PATIENCE_S), pytest.raises(error):
            async with AsyncExitStack() as stack:
                async with open_gateway(store) as gateway:
                    host = Hosted(store, journal, gateway)
                    raw = await stack.enter_async_context(host.client())
                    await asked(raw, "subscribe", all=True)
                    listener = Listener(raw)
                    nursery.start_soon(listener.run)
                    how()
        await listener.is_over.wait()
        assert is_a_good_end(listener)


async def test_an_interrupt_in_a_task(
    nursery: Nursery, journal: MemoryJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C that comes while a task of the gateway runs leaves as itself, too."""
    async with open_store(journal, events=None) as store:
        with trio.fail_after(PATIENCE_S), pytest.raises(KeyboardInterrupt):
            async with AsyncExitStack() as stack:
                async with open_gateway(store) as gateway:
                    host = Hosted(store, journal, gateway)
                    raw, other = [await stack.enter_async_context(host.client()) for _ in range(2)]
                    listener = Listener(other)
                    nursery.start_soon(listener.run)
                    monkeypatch.setattr(
                        "atomic_store.gateway.operating.Operating.figures", _interrupted
                    )
                    await raw.ask("stats")
                    await trio.sleep_forever()
        await listener.is_over.wait()
        assert is_a_good_end(listener)


def _interrupted(_: object) -> dict[str, Any]:
    raise KeyboardInterrupt


def test_a_second_interrupt() -> None:
    """Ctrl-C in the middle of the end cuts it short."""

    async def main() -> None:
        async with AsyncExitStack() as stack, open_store(":memory:", events=None) as store:
            await fill(store, 100, 100_000)
            with trio.fail_after(PATIENCE_S):
                async with open_gateway(store, limits=Limits(shutdown_s=600)) as gateway:
                    host = Hosted(store, None, gateway)
                    raw = await stack.enter_async_context(host.client(buffer_bytes=4096))
                    await raw.ask("subscribe", all=True)
                    await until(lambda: 0 < stalled(host))
                    trio.lowlevel.spawn_system_task(_interrupt_once_it_ends, host)

    with pytest.raises(KeyboardInterrupt):
        trio.run(main)


async def _interrupt_once_it_ends(host: Hosted) -> None:
    await until(lambda: not host.gateway._entrance.is_open)
    await wait_all_tasks_blocked()
    interrupt()


async def test_cancellation(nursery: Nursery, journal: MemoryJournal) -> None:
    """Cancelled from outside, it tells everybody goodbye all the same."""
    async with open_store(journal, events=None) as store:
        with trio.fail_after(PATIENCE_S):
            async with AsyncExitStack() as stack:
                with trio.CancelScope() as outside:
                    async with open_gateway(store) as gateway:
                        host = Hosted(store, journal, gateway)
                        raw = await stack.enter_async_context(host.client())
                        await asked(raw, "propose", scope="lot/1", decide="self", event=BID)
                        listener = Listener(raw)
                        nursery.start_soon(listener.run)
                        outside.cancel()
                        await trio.sleep_forever()
                assert outside.cancelled_caught
                await listener.is_over.wait()
        assert is_a_good_end(listener)
        assert [(1, "shutting_down")] == listener.ends

"""The bridge: Trio in a thread, asked from asyncio."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trio

from inspector.bridge import PARTS_MAX, Bridge, BridgeClosed, open_bridge
from inspector.sources.source import Send


def bridged(main: Callable[[Bridge], Awaitable[None]]) -> None:
    """Run something in asyncio that has a bridge; no thread is left."""

    async def run() -> None:
        async with open_bridge() as bridge:
            await main(bridge)

    before = threading.active_count()
    asyncio.run(run())
    assert before == threading.active_count()


def test_a_call() -> None:
    """A call runs in Trio, in another thread, and gives what it returns or raises."""

    async def where(word: str, *, times: int) -> tuple[str, bool]:
        await trio.lowlevel.checkpoint()
        return word * times, threading.current_thread() is threading.main_thread()

    async def fail() -> None:
        raise ValueError("no")

    async def main(bridge: Bridge) -> None:
        assert ("abab", False) == await bridge.call(where, "ab", times=2)
        with pytest.raises(ValueError, match=r"^no$"):
            await bridge.call(fail)

    bridged(main)


def test_telling_the_loop() -> None:
    """What is called in another thread is done in the loop's, in order."""

    async def main(bridge: Bridge) -> None:
        told: list[tuple[int, str, threading.Thread]] = []
        ended = asyncio.Event()

        def tell(number: int, *, word: str) -> None:
            told.append((number, word, threading.current_thread()))
            if number == 2:
                ended.set()

        back = bridge.back(tell)

        async def call() -> None:
            await trio.lowlevel.checkpoint()
            for number in range(3):
                back(number, word="on")

        await bridge.call(call)
        await ended.wait()
        assert [(n, "on", threading.main_thread()) for n in range(3)] == told

    bridged(main)


def test_a_call_that_is_cancelled() -> None:
    """Whoever waits no more has it cancelled there."""
    ended = threading.Event()

    async def forever(started: Callable[[], object]) -> None:
        started()
        try:
            await trio.sleep_forever()
        finally:
            ended.set()

    async def main(bridge: Bridge) -> None:
        loop, started = asyncio.get_running_loop(), asyncio.Event()
        task = asyncio.create_task(
            bridge.call(forever, lambda: loop.call_soon_threadsafe(started.set))
        )
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await asyncio.to_thread(ended.wait, 10)

    bridged(main)


def test_a_stream() -> None:
    """Parts come in order, together, and the sender waits while nobody takes them."""
    sent = []

    async def count(send: Send[int], last: int) -> None:
        for n in range(last):
            await send(n)
            sent.append(n)

    async def main(bridge: Bridge) -> None:
        found: list[int] = []
        sizes = []
        async with bridge.stream(count, 5 * PARTS_MAX) as batches:
            async for batch in batches:
                assert len(sent) <= len(found) + 2 * PARTS_MAX
                found += batch
                sizes.append(len(batch))
        assert list(range(5 * PARTS_MAX)) == found
        assert max(sizes) <= PARTS_MAX

    bridged(main)


def test_a_stream_that_fails() -> None:
    """What was sent before arrives, then the error."""

    async def fail(send: Send[str]) -> None:
        await send("one")
        raise KeyError("two")

    async def main(bridge: Bridge) -> None:
        found = []
        with pytest.raises(KeyError, match="two"):
            async with bridge.stream(fail) as batches:
                async for batch in batches:
                    found += batch
        assert ["one"] == found

    bridged(main)


def test_a_stream_that_is_left() -> None:
    """Leaving the block ends the function there, also where it waits for room."""
    ended = threading.Event()

    async def flood(send: Send[int]) -> None:
        try:
            while True:
                await send(0)
        finally:
            ended.set()

    async def main(bridge: Bridge) -> None:
        async with bridge.stream(flood) as batches:
            async for _ in batches:
                break
        assert await asyncio.to_thread(ended.wait, 10)

    bridged(main)


@asynccontextmanager
async def _room(words: list[str], *, breaks: str = "") -> AsyncIterator[list[str]]:
    if breaks == "opening":
        raise OSError(breaks)
    words.append("in")
    try:
        await trio.lowlevel.checkpoint()
        yield words
    finally:
        words.append("out")
    if breaks == "closing":
        raise OSError(breaks)


def test_something_kept_open() -> None:
    """What is entered stays open for the block, and is left in Trio's thread."""
    words: list[str] = []

    async def main(bridge: Bridge) -> None:
        async with bridge.entered(_room, words) as room:
            assert ["in"] == room
        assert ["in", "out"] == words

    bridged(main)


@pytest.mark.parametrize("breaks", ["opening", "closing"])
def test_something_that_does_not_open_or_close(breaks: str) -> None:
    """Errors of opening and closing are raised as they are."""

    async def main(bridge: Bridge) -> None:
        with pytest.raises(OSError, match=breaks):
            async with bridge.entered(_room, [], breaks=breaks):
                pass

    bridged(main)


def test_something_kept_open_while_the_loop_is_cancelled() -> None:
    """A task that is cancelled within the block leaves it in order."""
    words: list[str] = []

    async def main(bridge: Bridge) -> None:
        is_in = asyncio.Event()

        async def keep() -> None:
            async with bridge.entered(_room, words):
                is_in.set()
                await asyncio.Event().wait()

        task = asyncio.create_task(keep())
        await is_in.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert ["in", "out"] == words

    bridged(main)


def test_after_the_end() -> None:
    """What still runs is cancelled at the end, and afterwards nothing begins."""
    kept: list[Any] = []

    async def main(bridge: Bridge) -> None:
        kept.append(asyncio.create_task(bridge.call(trio.sleep_forever)))
        await asyncio.sleep(0)
        kept.append(bridge)

    async def run() -> None:
        async with open_bridge() as bridge:
            await main(bridge)
        task, bridge = kept
        with pytest.raises(BridgeClosed):
            await task
        with pytest.raises(BridgeClosed):
            await bridge.call(trio.lowlevel.checkpoint)

    asyncio.run(run())

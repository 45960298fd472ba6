"""
The bridge between the screens and the sources: a thread that runs Trio beside Textual's loop.

Textual knows only asyncio, and what the inspector looks at is made of Trio. So Trio runs in a
thread of its own: decoding and searching there never hold a key press up for long. This is
the one module that knows both.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from contextvars import copy_context
from functools import partial
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar, final

import attrs
import trio

from .sources.source import Send

P = ParamSpec("P")
T = TypeVar("T")

BATCH_S = 0.04
"""How long a stream's parts gather before they are handed over together: 25 times a second."""
PARTS_MAX = 64
"""How many parts may wait; whoever sends more waits himself."""


class BridgeClosed(Exception):
    """The bridge has ended, and with it everything that was asked of it."""


@final
@attrs.define(eq=False)
class Bridge:
    """
    A thread that runs Trio. Opened by `open_bridge`; used from the loop that opened it.

    Errors of what runs there are raised where it was asked for, as they are.
    """

    _loop: asyncio.AbstractEventLoop
    _token: trio.lowlevel.TrioToken
    _nursery: trio.Nursery

    async def call(
        self, function: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """
        Run an asynchronous function of Trio's and give what it returns.

        Cancellation: cancels it there, and does not wait for that.

        Raises:
          BridgeClosed: there is no bridge any more.
        """
        answer: asyncio.Future[T] = self._loop.create_future()
        scope = trio.CancelScope()

        async def run() -> None:
            try:
                with scope:
                    result = await function(*args, **kwargs)
                    self._tell(_settle, answer, result, None)
            except Exception as error:
                self._tell(_settle, answer, None, error)
            finally:
                # It was cancelled, with the bridge or alone, if nothing has been told.
                self._tell(_settle, answer, None, BridgeClosed("the inspector ends"))

        self._soon(self._nursery.start_soon, run)
        try:
            return await answer
        except asyncio.CancelledError:
            self._soon_if_open(scope.cancel)
            raise

    @asynccontextmanager
    async def stream(
        self,
        function: Callable[Concatenate[Send[T], P], Awaitable[None]],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> AsyncIterator[AsyncIterator[list[T]]]:
        """
        Run a function that sends parts; gives them in lists, at most 25 times a second.

        The iteration ends when the function does, and raises what it raises. Leaving the block
        cancels the function, without waiting for that.
        """
        flow: _Flow[T] = _Flow(self)
        running = asyncio.ensure_future(self.call(function, flow.send, *args, **kwargs))
        running.add_done_callback(lambda _: flow.wake.set())
        batches = flow.batches(running)
        try:
            yield batches
        finally:
            await batches.aclose()
            running.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await running

    @asynccontextmanager
    async def entered(
        self,
        opening: Callable[P, AbstractAsyncContextManager[T]],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> AsyncIterator[T]:
        """
        Keep something of Trio's open for a block.

        Raises:
          BaseException: what opening it raises, or closing.
        """
        opened: asyncio.Future[T] = self._loop.create_future()
        leaving = trio.Event()

        async def keep() -> None:
            async with opening(*args, **kwargs) as thing:
                self._tell(_settle, opened, thing, None)
                await leaving.wait()

        keeping = asyncio.ensure_future(self.call(keep))
        either: set[asyncio.Future[Any]] = {keeping, opened}
        try:
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if not opened.done():
                await keeping
            yield await opened
        finally:
            if keeping.done() or not opened.done():
                keeping.cancel()
            else:
                self._soon_if_open(leaving.set)
            with suppress(asyncio.CancelledError, BridgeClosed):
                await keeping

    def back(self, function: Callable[P, object]) -> Callable[P, None]:
        """Give what may be called in any thread, to have a function called in the loop's soon."""
        context = copy_context()

        def call(*args: P.args, **kwargs: P.kwargs) -> None:
            # Textual knows by the context whose app it is.
            self._tell(partial(context.run, function, *args, **kwargs))

        return call

    # --- inside -----------------------------------------------------------------------------

    def _soon(self, function: Callable[..., object], *args: object) -> None:
        """Have something done in Trio's thread."""
        try:
            self._token.run_sync_soon(_unless_closed, function, *args)
        except trio.RunFinishedError:
            raise BridgeClosed("the inspector ends") from None

    def _soon_if_open(self, function: Callable[..., object], *args: object) -> None:
        with suppress(BridgeClosed):
            self._soon(function, *args)

    def _tell(self, function: Callable[..., object], *args: object) -> None:
        """Have something done in the loop's thread."""
        with suppress(RuntimeError):
            # The loop may be closed already: then nobody waits.
            self._loop.call_soon_threadsafe(function, *args)


@final
@attrs.define(eq=False)
class _Flow(Generic[T]):
    """Parts on their way from one thread to the other."""

    bridge: Bridge
    wake: asyncio.Event = attrs.Factory(asyncio.Event)
    _parts: list[T] = attrs.Factory(list)
    # Nothing is put into a list that was taken meanwhile.
    _lock: threading.Lock = attrs.Factory(threading.Lock)
    _room: trio.Event = attrs.Factory(trio.Event)

    async def send(self, part: T) -> None:
        """Take a part; in Trio's thread."""
        await trio.lowlevel.checkpoint()
        while len(self._parts) >= PARTS_MAX:
            self._room = trio.Event()
            await self._room.wait()
        with self._lock:
            self._parts.append(part)
            is_first = len(self._parts) == 1
        if is_first:
            self.bridge._tell(self.wake.set)

    async def batches(self, running: asyncio.Future[None]) -> AsyncGenerator[list[T], None]:
        """Give what has gathered, again and again; in the loop's thread."""
        while True:
            await self.wake.wait()
            self.wake.clear()
            with self._lock:
                parts, self._parts = self._parts, []
            self.bridge._soon_if_open(self._make_room)
            if parts:
                yield parts
                await asyncio.sleep(BATCH_S)
            elif running.done():
                running.result()
                return
            if running.done():
                self.wake.set()

    def _make_room(self) -> None:
        self._room.set()


@asynccontextmanager
async def open_bridge() -> AsyncIterator[Bridge]:
    """Run Trio in a thread for a block. Leaving cancels what still runs there, and waits for it."""
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[Bridge] = loop.create_future()
    ended = asyncio.Event()

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            bridge = Bridge(loop, trio.lowlevel.current_trio_token(), nursery)
            loop.call_soon_threadsafe(ready.set_result, bridge)
            await trio.sleep_forever()

    def run() -> None:
        try:
            trio.run(main)
        finally:
            loop.call_soon_threadsafe(ended.set)

    thread = threading.Thread(target=run, name="inspector-trio", daemon=True)
    thread.start()
    bridge = await ready
    try:
        yield bridge
    finally:
        bridge._soon_if_open(bridge._nursery.cancel_scope.cancel)
        await ended.wait()
        thread.join()


def _settle(future: asyncio.Future[Any], result: Any, error: BaseException | None) -> None:
    """Say how something ended, once."""
    if future.done():
        return
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)


def _unless_closed(function: Callable[..., object], *args: object) -> None:
    """Do something, unless the nursery it is for has been left: a call in the last moment."""
    with suppress(RuntimeError):
        function(*args)

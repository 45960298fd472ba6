"""Gateways that are about to end, and the clients that hear of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import attrs
import trio

from atomic_store import JsonEvent, Store
from atomic_store.gateway import Limits
from atomic_store.gateway.server import open_gateway
from atomic_store.journal.memory import MemoryJournal
from gateway_raw import BID, PATIENCE_S, Hosted, Raw, tasks_beside, until

TERMINAL = {"result", "done", "error"}


@attrs.define(eq=False)
class Listener:
    """A client that hears all, and what it heard since it began to listen."""

    raw: Raw
    heard: list[dict[str, Any]] = attrs.Factory(list)
    is_over: trio.Event = attrs.Factory(trio.Event)

    async def run(self) -> None:
        while (heard := await self.raw.hear()) is not None:
            self.heard.append(heard)
        self.is_over.set()

    @property
    def ends(self) -> list[tuple[int, str]]:
        """Requests that have ended, and by which kind of message, code or outcome."""
        return [
            (one["id"], one.get("code") or one.get("outcome") or one["type"])
            for one in self.heard
            if one["type"] in TERMINAL and one.get("final", True)
        ]


@attrs.define(eq=False)
class Scene:
    """A gateway whose end is to come, and the clients that will hear of it."""

    host: Hosted
    _nursery: trio.Nursery
    _stack: AsyncExitStack
    listeners: list[Listener] = attrs.Factory(list)

    async def client(self, **options: Any) -> Raw:
        """Connect a client that outlives the gateway."""
        return await self._stack.enter_async_context(self.host.client(**options))

    def listen(self, *clients: Raw) -> list[Listener]:
        """Have clients hear all that comes from now on."""
        begun = [Listener(raw) for raw in clients]
        for listener in begun:
            self._nursery.start_soon(listener.run)
        self.listeners += begun
        return begun


@asynccontextmanager
async def scene(
    nursery: trio.Nursery, store: Store[Any], journal: MemoryJournal, *,
    limits: Limits | None = None, **options: Any,
) -> AsyncIterator[Scene]:  # fmt: skip
    """Open a gateway; when it has ended, its clients are waited for, and nothing is left."""
    with trio.fail_after(PATIENCE_S):
        tasks = tasks_beside(store)
        async with AsyncExitStack() as stack:
            async with open_gateway(store, limits=limits, **options) as gateway:
                here = Scene(Hosted(store, journal, gateway), nursery, stack)
                try:
                    yield here
                except BaseException:
                    journal.resume()
                    raise
            for listener in here.listeners:
                await listener.is_over.wait()
        await until(lambda: tasks >= tasks_beside(store))


async def asked(raw: Raw, type: str, **members: Any) -> int:  # noqa: A002 - as on the wire
    """Make a request, and give the gateway the time to look at it."""
    id_ = await raw.ask(type, **members)
    await raw.say("ping")
    await raw.hear_type("pong")
    return id_


async def propose_and_decide(raw: Raw, scope: str) -> None:
    """Have a round opened and decided; the result is not waited for."""
    id_ = await raw.ask("propose", scope=scope, decide="self", event=BID)
    asked = await raw.hear_type("validate")
    await raw.say("decide", id=id_, round=asked["round"], accept=True)
    await raw.say("ping")


def is_a_good_end(listener: Listener, code: int = 1001) -> bool:
    """Whether each request ended once, and nothing but the close came after goodbye."""
    ids = [id_ for id_, _ in listener.ends]
    assert sorted(set(ids)) == sorted(ids), listener.ends
    assert "goodbye" == listener.heard[-1]["type"], listener.heard
    assert code == listener.raw.close_code
    return True


def has_heard(listener: Listener, type: str) -> bool:  # noqa: A002 - as on the wire
    """Whether a message of a type has come."""
    return any(one["type"] == type for one in listener.heard)


async def fill(store: Store[Any], count: int, size: int) -> None:
    """Store some events of a size."""
    for event in _events(count, size):
        await store.store_if_valid(event, lambda request: request.accept(), scope="big")


def _events(count: int, size: int) -> Iterator[JsonEvent]:
    for number in range(count):
        yield JsonEvent("Big", {"number": number, "text": "x" * size})


def stalled(host: Hosted) -> int:
    """How many connections are sending, and have nothing taken."""
    return sum(one.gate.stalled_s > 0.05 for one in host.gateway._entrance.connections.values())

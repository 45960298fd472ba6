"""Conversations with a gateway, without sockets: what is said goes in, what is heard comes out."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

import attrs
import trio
from trio.testing import wait_all_tasks_blocked
from trio_websocket import CloseReason, ConnectionClosed

from atomic_store import Store, open_store
from atomic_store.gateway import Limits, Principal, Right
from atomic_store.gateway.access import Origins
from atomic_store.gateway.connection import Connection
from atomic_store.gateway.server import Gateway, _gateway
from atomic_store.journal.memory import MemoryJournal, open_memory_journal
from atomic_store.tasks import Tasks

ALL_RIGHTS = dict.fromkeys(Right, ("",))
PROPOSAL = "0198f2aa-0000-7000-8000-{:012}"
BID = {"type": "Bid", "data": {"cents": 500}}


def an_id(number: int) -> str:
    """A proposal's id."""
    return PROPOSAL.format(number)


def bid(cents: int) -> dict[str, Any]:
    """An event."""
    return {"type": "Bid", "data": {"cents": cents}}


@attrs.define(eq=False)
class Gate:
    """Where frames go, in place of a socket: it takes all, or nothing while it is `full`."""

    heard: list[dict[str, Any]] = attrs.Factory(list)
    is_full: bool = False
    is_broken: bool = False
    bytes_sent: int = 0
    last_received: float = attrs.Factory(trio.current_time)
    sent_at_once: int = 0
    pings: int = 0
    encrypt: Callable[[], object] | None = None
    """As over TLS: nothing is taken at once, and this is what sending it does besides."""
    _room: trio.Event = attrs.Factory(trio.Event)
    _text: bytes = b""
    _full_since: float = 0.0

    @property
    def stalled_s(self) -> float:
        return trio.current_time() - self._full_since if self.is_full else 0.0

    def fill(self) -> None:
        self.is_full, self._full_since = True, trio.current_time()
        self._room = trio.Event()

    def empty(self) -> None:
        self.is_full = False
        self._room.set()

    async def send_frames(self, data: bytes) -> None:
        await trio.lowlevel.checkpoint()
        while self.is_full and not self.is_broken:
            await self._room.wait()
        if self.is_broken:
            raise trio.BrokenResourceError
        if self.encrypt is not None:
            self.encrypt()
        self._take(data)

    def try_send(self, data: bytes) -> int:
        if self.is_full or self.is_broken or self.encrypt is not None:
            return 0
        self.sent_at_once += 1
        self._take(data)
        return len(data)

    async def finish(self) -> None:
        raise AssertionError("it takes all, or nothing")

    def abort(self) -> None:
        self.is_broken = True
        self._room.set()

    def _take(self, data: bytes) -> None:
        self.bytes_sent += len(data)
        while data:
            first, size, at = data[0], data[1], 2
            if size > 125:
                width = 2 if size == 126 else 8
                size, at = int.from_bytes(data[2 : 2 + width], "big"), 2 + width
            if first & 0x0F == 0x9:
                self.pings += 1
            else:
                self._text += data[at : at + size]
                if first & 0x80:
                    self.heard.append(json.loads(self._text))
                    self._text = b""
            data = data[at + size :]


@attrs.define(eq=False)
class Socket:
    """Where messages come from, in place of trio-websocket."""

    inbox: trio.MemoryReceiveChannel[str | bytes]
    closed: tuple[int, str] | None = None

    async def get_message(self) -> str | bytes:
        try:
            return await self.inbox.receive()
        except trio.EndOfChannel:
            raise ConnectionClosed(CloseReason(1000, None)) from None

    async def aclose(self, code: int, reason: str) -> None:
        self.closed = (code, reason)


@attrs.define(eq=False)
class Talk:
    """A client and its conversation."""

    connection: Connection
    gate: Gate
    socket: Socket
    outbox: trio.MemorySendChannel[str | bytes]
    is_over: trio.Event = attrs.Factory(trio.Event)
    _ids: Any = attrs.Factory(lambda: count(1))
    _at: int = 0

    async def say(self, **message: Any) -> None:
        """Say something, and wait until nothing happens any more."""
        message = {name.rstrip("_"): value for name, value in message.items()}
        await self.say_text(json.dumps(message))

    async def say_text(self, text: str | bytes) -> None:
        self.gate.last_received = trio.current_time()
        await self.outbox.send(text)
        await wait_all_tasks_blocked()

    async def ask(self, type: str, **message: Any) -> int:  # noqa: A002 - as on the wire
        """Make a request; gives its id."""
        id_: int = next(self._ids)
        await self.say(type=type, id=id_, **message)
        return id_

    def hear(self) -> dict[str, Any]:
        """The next message; it must have come."""
        message = self.gate.heard[self._at]
        self._at += 1
        return message

    def hear_all(self) -> list[dict[str, Any]]:
        """All messages that have come since."""
        news, self._at = self.gate.heard[self._at :], len(self.gate.heard)
        return news

    def hear_types(self) -> list[str]:
        """What has come since, by type."""
        return [message["type"] for message in self.hear_all()]

    def heard(self, type: str, **members: Any) -> dict[str, Any]:  # noqa: A002 - as on the wire
        """The next message: it has this type and these members."""
        message = self.hear()
        assert {"type": type, **members} == {
            name: message.get(name) for name in ("type", *members)
        }, message
        return message

    async def hang_up(self) -> None:
        """End the connection from the client's side."""
        await self.outbox.aclose()
        await self.is_over.wait()
        await wait_all_tasks_blocked()


@attrs.define(eq=False)
class House:
    """A store, a gateway to it, and who may connect."""

    store: Store[Any]
    journal: MemoryJournal
    gateway: Gateway
    tasks: Tasks
    limits: Limits
    principals: dict[str, Principal]
    shields: list[trio.CancelScope] = attrs.Factory(list)
    """What runs in them is only cancelled with the house, not when the store fails."""

    async def connect(self, name: str = "ada", **rights: tuple[str, ...]) -> Talk:
        """Connect somebody; with all rights, unless some are named."""
        given: Mapping[Right, tuple[str, ...]] = ALL_RIGHTS
        if rights:
            given = {Right(right): prefixes for right, prefixes in rights.items()}
        self.principals[name] = Principal(name, given)
        talk = self.ring()
        await talk.say(type="hello", token=name)
        return talk

    def ring(self) -> Talk:
        """Connect without saying a word."""
        entrance = self.gateway._entrance
        send, receive = trio.open_memory_channel[str | bytes](1000)
        gate, socket = Gate(), Socket(receive)
        number = next(entrance._numbers)
        connection: Any = Connection(
            number, gate, socket, None, self.gateway._services, self.limits,  # type: ignore[arg-type]  # stand-ins
            _Door(self), self.gateway.metrics, 262144,
        )  # fmt: skip
        entrance.connections[number] = connection
        talk = Talk(connection, gate, socket, send)

        async def serve() -> None:
            await self.shielded(connection.serve)
            del entrance.connections[number]
            entrance._ended.set()
            talk.is_over.set()

        self.tasks.start_soon(serve)
        return talk

    async def shielded(self, run: Callable[[], Awaitable[None]]) -> None:
        """Run something as a gateway does, which the store's failure does not cancel."""
        with trio.CancelScope(shield=True) as scope:
            self.shields.append(scope)
            await run()


@attrs.frozen
class _Door:
    house: House

    def principal_of(self, number: int, token: str | None) -> Principal | None:
        return self.house.principals.get(token or "")

    def let_in(self, number: int, principal: Principal) -> bool:
        return self.house.gateway._entrance.let_in(number, principal)

    def let_out(self, number: int) -> None:
        self.house.gateway._entrance.let_out(number)


@asynccontextmanager
async def house(
    *, validate: Any = None, limits: Limits | None = None, **options: Any
) -> AsyncIterator[House]:
    """Open a store in memory, with plain JSON events unless others are given, and a gateway."""
    limits = limits or Limits()
    options.setdefault("events", None)
    async with (
        open_memory_journal() as journal,
        open_store(journal, **options) as store,
        trio.open_nursery() as nursery,
    ):
        tasks = Tasks(nursery)
        origins = Origins.of(80, has_tokens=True)
        gateway = _gateway(
            store, validate, tasks, limits, origins, None, None, None, "127.0.0.1:80"
        )
        # Without a rest between two sweeps, all is sent once no task has anything to do.
        following = gateway._services.following
        following.sweep_s = following.rest_share = 0
        here = House(store, journal, gateway, tasks, limits, {})
        tasks.start_soon(here.shielded, following.run)
        await wait_all_tasks_blocked()
        try:
            yield here
        finally:
            tasks.cancel()
            for scope in here.shields:
                scope.cancel()
            # A store is closed only when all is durable.
            journal.resume()


def left_over(here: House) -> dict[str, int]:
    """What the gateway still keeps of conversations, by what it is, and how much."""
    services, entrance = here.gateway._services, here.gateway._entrance
    proposals, validators, following = (
        services.proposals, services.validators, services.following,
    )  # fmt: skip
    kept: dict[str, Any] = {
        "jobs": proposals._jobs, "asked": proposals._asked, "ends": proposals._ends,
        "registrations": validators._registrations, "offers": validators._offers,
        "waiting": validators._waiting, "ends of offers": validators._ends,
        "topics": following._topics, "subscriptions": following._subscriptions,
        "endless": services._endless, "connections": entrance.connections,
        "principals": entrance.principals, "by principal": entrance._by_principal,
        "tokens": entrance._token_ids,
    }  # fmt: skip
    return {name: len(things) for name, things in kept.items() if things}


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something that comes over a socket, or from a thread."""
    while not condition():  # noqa: ASYNC110 - nobody tells
        await trio.sleep(0.001)


async def propose(talk: Talk, cents: int = 500, scope: str = "lot/1", **more: object) -> int:
    """Propose a bid that the proposer decides."""
    return await talk.ask("propose", scope=scope, decide="self", event=bid(cents), **more)


async def admitted(talk: Talk, cents: int, scope: str = "lot/1") -> None:
    """Have a bid admitted, and hear nothing of it."""
    id_ = await propose(talk, cents, scope, past=False)
    (shown,) = [one for one in talk.hear_all() if one["type"] == "validate"]
    await talk.say(type="decide", id=id_, round=shown["round"], accept=True)
    talk.heard("result", accepted=True)

"""A gateway that says what a test tells it, over streams in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, TypeVar, final

import attrs
import trio
import trio_websocket
from trio.testing import memory_stream_pair

from atomic_store.events import event_types
from atomic_store.gateway.client import Client
from atomic_store.gateway.client.conversation import Conversation
from atomic_store.gateway.client.opening import open_link
from atomic_store.gateway.client.pasts import Pasts
from atomic_store.gateway.client.websocket import Address
from atomic_store.gateway.client.wire import DeliveredTypes
from atomic_store.gateway.protocol import client_messages as asked
from atomic_store.gateway.protocol import server_messages as said
from atomic_store.gateway.protocol import text
from atomic_store.gateway.protocol.codes import SUBPROTOCOL
from conversations import welcome

M = TypeVar("M", bound=asked.ClientMessage)

ADDRESS = Address("gateway.example", 80, is_tls=False, path="/ws")


@final
@attrs.define(eq=False)
class Peer:
    """The gateway's end of one connection."""

    websocket: trio_websocket.WebSocketConnection
    stream: trio.abc.Stream
    path: str

    async def hear(self, kind: type[M]) -> M:
        """The next message, which must be of this kind; pongs are passed by."""
        message = await self.hear_any()
        assert isinstance(message, kind), message
        return message

    async def hear_any(self) -> asked.ClientMessage:
        """The next message that is no pong."""
        while True:
            written = await self.websocket.get_message()
            parsed = text.parse_client(written)
            assert isinstance(parsed, asked.ClientMessage), parsed
            if not isinstance(parsed, asked.Pong):
                return parsed

    async def say(self, *messages: said.ServerMessage | str) -> None:
        """Say something, well-formed or not."""
        for message in messages:
            written = message if isinstance(message, str) else text.write(message).decode()
            await self.websocket.send_message(written)

    async def greet(self, **changes: Any) -> asked.Hello:
        """Hear the hello, and welcome it."""
        hello = await self.hear(asked.Hello)
        await self.say(welcome(**changes))
        return hello

    async def close(self, code: int = 1001, reason: str | None = None) -> None:
        """End the connection as one should."""
        await self.websocket.aclose(code, reason)

    async def cut(self) -> None:
        """End the connection as networks do."""
        await trio.aclose_forcefully(self.stream)

    async def until_closed(self) -> int:
        """Wait until the client has ended the connection; with which code."""
        try:
            while True:
                await self.websocket.get_message()
        except trio_websocket.ConnectionClosed as closed:
            return 0 if closed.reason is None else closed.reason.code


@final
@attrs.define(eq=False)
class FakeGateway:
    """Somebody who takes connections, one after the other, and does nothing by himself."""

    _nursery: trio.Nursery
    refusals: int = 0
    """How many connections are refused first."""
    subprotocol: str | None = SUBPROTOCOL
    attempts: list[float] = attrs.Factory(list)
    """When somebody tried to connect."""
    streams: list[trio.abc.Stream] = attrs.Factory(list)
    """The client's ends."""

    _arrivals: Any = attrs.Factory(lambda: trio.open_memory_channel[trio.abc.Stream](100))

    async def connect(self) -> trio.abc.Stream:
        """Open a stream, as the client does."""
        await trio.lowlevel.checkpoint()
        self.attempts.append(trio.current_time())
        if self.refusals > 0:
            self.refusals -= 1
            raise ConnectionRefusedError("nobody is there")
        ours, theirs = memory_stream_pair()
        self.streams.append(ours)
        self._arrivals[0].send_nowait(theirs)
        return ours

    async def accept_stream(self) -> trio.abc.Stream:
        """The next connection, before anything was said on it."""
        stream: trio.abc.Stream = await self._arrivals[1].receive()
        return stream

    async def accept(self) -> Peer:
        """The next connection, after the handshake."""
        stream = await self.accept_stream()
        request = await trio_websocket.wrap_server_stream(self._nursery, stream)
        assert (SUBPROTOCOL,) == request.proposed_subprotocols
        websocket = await request.accept(subprotocol=self.subprotocol)
        return Peer(websocket, stream, request.path)

    async def welcome(self, **changes: Any) -> Peer:
        """The next connection, welcomed."""
        peer = await self.accept()
        await peer.greet(**changes)
        return peer


@asynccontextmanager
async def fake_gateway() -> AsyncIterator[FakeGateway]:
    """A gateway, and nobody who has connected to it."""
    async with trio.open_nursery() as nursery:
        gateway = FakeGateway(nursery)
        # Long enough for whatever waits on purpose, on a clock that jumps.
        with trio.fail_after(1_000):
            yield gateway
        nursery.cancel_scope.cancel()


@asynccontextmanager
async def open_fake(
    gateway: FakeGateway,
    *,
    events: Any = None,
    scope_of: Any = None,
    past_bytes_max: int = 1024**2,
    chance: float = 1.0,
    wait_for_gateway: bool = False,
) -> AsyncIterator[Client[Any]]:
    """Open a client of a fake gateway."""
    types = DeliveredTypes(event_types(events))
    conversation = Conversation(asked.Hello(token="t"), types, Pasts(past_bytes_max))
    async with open_link(
        conversation, ADDRESS, gateway.connect, scope_of, lambda: chance, wait_for_gateway
    ) as client:
        yield client


@asynccontextmanager
async def talking(**options: Any) -> AsyncIterator[tuple[Client[Any], FakeGateway, Peer]]:
    """Open a client that has been welcomed, with the gateway's end of its connection."""
    async with fake_gateway() as gateway, trio.open_nursery() as nursery:
        peers: list[Peer] = []

        async def greet() -> None:
            peers.append(await gateway.welcome())

        nursery.start_soon(greet)
        async with open_fake(gateway, **options) as client:
            yield client, gateway, peers[0]

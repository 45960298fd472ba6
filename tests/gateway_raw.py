"""Clients of a gateway that speak in bytes, over real sockets, and keep to no rule."""

from __future__ import annotations

import json
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from itertools import count
from typing import Any

import attrs
import trio
from trio.testing import wait_all_tasks_blocked

from atomic_store import Store, open_store
from atomic_store.gateway import Limits
from atomic_store.gateway.server import Gateway, open_gateway
from atomic_store.journal.memory import MemoryJournal, open_memory_journal

PATIENCE_S = 10.0
"""How long anything may take that a test waits for; all of it takes far less."""
TEXT, BINARY, CLOSE, PING, PONG = 0x1, 0x2, 0x8, 0x9, 0xA
CONTINUATION = 0x0
BID = {"type": "Bid", "data": {"cents": 500}}


@attrs.frozen
class Frame:
    """One frame, as it came."""

    first: int
    """FIN, the reserved bits and the opcode."""
    payload: bytes

    @property
    def opcode(self) -> int:
        return self.first & 0x0F

    @property
    def is_last(self) -> bool:
        return bool(self.first & 0x80)


def frame(
    opcode: int,
    payload: bytes = b"",
    *,
    fin: bool = True,
    reserved: int = 0,
    mask: bytes | None = b"\x01\x02\x03\x04",
    size: int | None = None,
) -> bytes:
    """Write a client's frame, right or wrong; `size` is what its head claims."""
    claimed = len(payload) if size is None else size
    masked = 0x80 if mask is not None else 0
    head = bytes([(0x80 if fin else 0) | reserved << 4 | opcode])
    if claimed < 126:
        head += bytes([masked | claimed])
    elif claimed < 2**16:
        head += bytes([masked | 126]) + struct.pack("!H", claimed)
    else:
        head += bytes([masked | 127]) + struct.pack("!Q", claimed)
    if mask is None:
        return head + payload
    repeated = mask * (len(payload) // 4 + 1)
    mixed = int.from_bytes(payload, "big") ^ int.from_bytes(repeated[: len(payload)], "big")
    return head + mask + mixed.to_bytes(len(payload), "big")


def text(payload: str | bytes) -> bytes:
    """Write a whole text message."""
    return frame(TEXT, payload.encode() if isinstance(payload, str) else payload)


def message(type: str, **members: Any) -> bytes:  # noqa: A002 - as it is called on the wire
    """Write a whole message of the protocol."""
    return text(json.dumps({"type": type, **members}))


def close(code: int | None = 1000, reason: bytes = b"") -> bytes:
    """Write a close frame."""
    return frame(CLOSE, b"" if code is None else struct.pack("!H", code) + reason)


def request(
    port: int,
    *,
    target: str = "/",
    method: str = "GET",
    host: str | None = None,
    subprotocols: str | None = "atomic-store.v1",
    upgrade: bool = True,
    headers: Iterable[tuple[str, str]] = (),
) -> bytes:
    """Write the head of a request."""
    lines = [f"{method} {target} HTTP/1.1", f"Host: {host or f'127.0.0.1:{port}'}"]
    if upgrade:
        lines += [
            "Upgrade: websocket",
            "Connection: Upgrade",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
            "Sec-WebSocket-Version: 13",
        ]
        if subprotocols is not None:
            lines.append(f"Sec-WebSocket-Protocol: {subprotocols}")
    lines += [f"{name}: {value}" for name, value in headers]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


@attrs.define(eq=False)
class Raw:
    """A client: bytes go out as they are; what comes in is taken apart into frames."""

    stream: trio.abc.Stream
    socket: trio.SocketStream
    close_code: int | None = None
    """By which code the gateway closed it; None if it has not, or without one."""
    close_reason: str = ""
    pings: int = 0
    pongs: list[bytes] = attrs.Factory(list)
    _bytes: bytearray = attrs.Factory(bytearray)
    _part: bytearray = attrs.Factory(bytearray)
    _ids: Iterable[int] = attrs.Factory(lambda: count(1))

    async def send(self, *data: bytes) -> None:
        """Send bytes, all of them at once."""
        await self.stream.send_all(b"".join(data))

    async def send_what_is_taken(self, data: bytes) -> None:
        """Send bytes; the other end may hang up in the middle."""
        with suppress(trio.BrokenResourceError, trio.BusyResourceError, ssl.SSLError):
            await self.stream.send_all(data)

    async def say(self, type: str, **members: Any) -> None:  # noqa: A002 - as on the wire
        """Say something in the protocol."""
        await self.send(message(type, **members))

    async def ask(self, type: str, **members: Any) -> int:  # noqa: A002 - as on the wire
        """Make a request; gives its id."""
        id_ = next(iter(self._ids))
        await self.say(type, id=id_, **members)
        return id_

    async def head(self) -> bytes:
        """Read the head of an HTTP answer."""
        await self._until(lambda: b"\r\n\r\n" in self._bytes)
        end = self._bytes.index(b"\r\n\r\n") + 4
        head = bytes(self._bytes[:end])
        del self._bytes[:end]
        return head

    async def answer(self) -> tuple[int, bytes]:
        """Read a whole HTTP answer: its status and its body."""
        head = await self.head()
        rest = await self.rest()
        return int(head.split(b" ", 2)[1]), rest

    async def rest(self) -> bytes:
        """Read to the end, or the reset."""
        while await self._more():
            pass
        rest, self._bytes = bytes(self._bytes), bytearray()
        return rest

    async def frame(self) -> Frame | None:
        """Read a frame; None at the end."""
        while (end := self._frame_end()) is None:
            if not await self._more():
                return None
        begin = {126: 4, 127: 10}.get(self._bytes[1], 2)
        found = Frame(self._bytes[0], bytes(self._bytes[begin:end]))
        del self._bytes[:end]
        return found

    async def frame_of(self, opcode: int) -> Frame:
        """Read on to the next frame of a kind."""
        while (found := await self.frame()) is not None:
            if found.opcode == opcode:
                return found
        raise AssertionError("it ended before")

    async def hear(self) -> dict[str, Any] | None:
        """Read the next message of the protocol; None once it is over, and why is kept."""
        while (found := await self.frame()) is not None:
            if found.opcode == PING:
                self.pings += 1
            elif found.opcode == PONG:
                self.pongs.append(found.payload)
            elif found.opcode == CLOSE:
                if found.payload:
                    self.close_code = int.from_bytes(found.payload[:2], "big")
                    self.close_reason = found.payload[2:].decode()
                await self.send_what_is_taken(frame(CLOSE, found.payload))
                return None
            else:
                self._part += found.payload
                if found.is_last:
                    whole, self._part = bytes(self._part), bytearray()
                    heard: dict[str, Any] = json.loads(whole)
                    return heard
        return None

    async def hear_one(self) -> dict[str, Any]:
        """Read the next message; there must be one."""
        heard = await self.hear()
        assert heard is not None, (self.close_code, self.close_reason)
        return heard

    async def hear_type(self, type: str) -> dict[str, Any]:  # noqa: A002 - as on the wire
        """Read on to the next message of a type."""
        while (heard := await self.hear_one())["type"] != type:
            pass
        return heard

    async def hear_all(self) -> list[dict[str, Any]]:
        """Read all messages to the end."""
        found = []
        while (heard := await self.hear()) is not None:
            found.append(heard)
        return found

    async def closed(self) -> int | None:
        """Read to the end; gives by which code the gateway closed."""
        await self.hear_all()
        return self.close_code

    def reset(self) -> None:
        """Go away so that the gateway is told of a reset."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.socket.close()

    def _frame_end(self) -> int | None:
        if len(self._bytes) < 2:
            return None
        size, begin = self._bytes[1], 2
        if size >= 126:
            begin = 4 if size == 126 else 10
            if len(self._bytes) < begin:
                return None
            size = int.from_bytes(self._bytes[2:begin], "big")
        return begin + size if len(self._bytes) >= begin + size else None

    async def _until(self, is_there: Callable[[], bool]) -> None:
        while not is_there():
            assert await self._more(), "it ended before"

    async def _more(self) -> bool:
        try:
            data = await self.stream.receive_some(65536)
        except trio.BrokenResourceError:
            return False
        self._bytes += data
        return bool(data)


@attrs.define(eq=False)
class Hosted:
    """A store in memory and a gateway to it."""

    store: Store[Any]
    journal: MemoryJournal | None
    gateway: Gateway
    client_ssl: ssl.SSLContext | None = None

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.gateway.url.rpartition(":")[2])

    @property
    def streams(self) -> int:
        """How many connections are served, whatever they have come to."""
        return self.gateway._entrance._streams

    @asynccontextmanager
    async def plug(
        self, *, buffer_bytes: int | None = None, secure: bool | None = None
    ) -> AsyncIterator[Raw]:
        """Connect, and say nothing."""
        end = trio.socket.socket()
        if buffer_bytes is not None:
            end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer_bytes)
        with end:
            await end.connect(("127.0.0.1", self.port))
            plain = trio.SocketStream(end)
            stream: trio.abc.Stream = plain
            if self.client_ssl is not None and secure is not False:
                stream = trio.SSLStream(
                    plain, self.client_ssl, server_hostname="127.0.0.1", https_compatible=True
                )
            yield Raw(stream, plain)

    @asynccontextmanager
    async def open(self, *, buffer_bytes: int | None = None, **options: Any) -> AsyncIterator[Raw]:
        """Connect and shake hands; say nothing yet."""
        async with self.plug(buffer_bytes=buffer_bytes) as raw:
            await raw.send(request(self.port, **options))
            head = await raw.head()
            assert head.startswith(b"HTTP/1.1 101 "), head
            yield raw

    @asynccontextmanager
    async def client(
        self, *, token: str | None = None, buffer_bytes: int | None = None, **options: Any
    ) -> AsyncIterator[Raw]:
        """Connect, say hello, and be welcome."""
        async with self.open(buffer_bytes=buffer_bytes, **options) as raw:
            await raw.say("hello", **({} if token is None else {"token": token}))
            assert "welcome" == (await raw.hear_one())["type"]
            yield raw

    async def get(self, target: str, *headers: tuple[str, str], method: str = "GET") -> Any:
        """Ask for something by plain HTTP: status and body."""
        async with self.plug() as raw:
            await raw.send(
                request(self.port, target=target, method=method, upgrade=False, headers=headers)
            )
            return await raw.answer()


@asynccontextmanager
async def hosted(
    *,
    limits: Limits | None = None,
    store_options: dict[str, Any] | None = None,
    client_ssl: ssl.SSLContext | None = None,
    **options: Any,
) -> AsyncIterator[Hosted]:
    """Open a store of plain JSON in memory, and a gateway to it, for a block."""
    async with (
        open_memory_journal() as journal,
        open_store(journal, events=None, **(store_options or {})) as store,
        open_gateway(store, limits=limits, **options) as gateway,
    ):
        # Now all that lives as long as the gateway is there to be counted.
        await wait_all_tasks_blocked()
        yield Hosted(store, journal, gateway, client_ssl)


async def until(is_so: Callable[[], bool]) -> None:
    """Wait until something is so; whoever waits for ever fails by his own deadline."""
    while not is_so():
        await wait_all_tasks_blocked(0.001)


async def is_served(host: Hosted, **options: Any) -> None:
    """See that a well-behaved client gets what it asks for."""
    async with host.client(**options) as raw:
        await raw.say("ping")
        assert "pong" == (await raw.hear_type("pong"))["type"]


@asynccontextmanager
async def unharmed(host: Hosted, **options: Any) -> AsyncIterator[None]:
    """See that whatever is done in a block leaves nothing behind, and others are served."""
    tasks = tasks_beside(host.store)
    streams, connections = host.streams, host.gateway.connections
    with trio.fail_after(PATIENCE_S):
        yield
        await is_served(host, **options)
        await until(lambda: streams >= host.streams)
        await until(lambda: connections >= host.gateway.connections)
        await until(lambda: tasks >= tasks_beside(host.store))


def tasks_beside(store: Store[Any]) -> int:
    """How many tasks live, without those of the store's scopes, which may stay for a while."""
    return trio.lowlevel.current_statistics().tasks_living - store.statistics().live_scopes

"""
A TCP proxy that does to connections what networks do, when it is told to.

Each connection is a `Wire` of two ways, one in each direction. A way can be clogged, slow,
cut into crumbs, or torn after so many bytes; a wire can be reset. What is in doubt for
those at its ends is so for good: nothing is ever changed, doubled or put in another order,
since TCP does not do that.
"""

from __future__ import annotations

import socket
import struct
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from random import Random
from typing import Final

import attrs
import trio

HOST: Final = "127.0.0.1"
PIECE_BYTES: Final = 16 * 1024
PAUSE_S: Final = 0.15
"""The longest that chance waits between two of a swizzle's steps."""


class Torn(Exception):
    """A way has carried all that it was going to."""


@attrs.define(eq=False)
class Way:
    """One direction of a connection."""

    delay_s: float = 0.0
    crumb_bytes: int = PIECE_BYTES
    """How much is passed on at a time."""
    bytes_left: int | None = None
    """After how many bytes it is torn; None: it is not."""
    carried: int = 0
    _free: trio.Event = attrs.Factory(trio.Event)

    def __attrs_post_init__(self) -> None:
        self._free.set()

    def clog(self) -> None:
        """Pass nothing on, and tell nobody."""
        if self._free.is_set():
            self._free = trio.Event()

    def unclog(self) -> None:
        """Pass on what was held up, and all that follows."""
        self._free.set()

    def ease(self) -> None:
        """Be a good way again."""
        self.delay_s, self.crumb_bytes = 0.0, PIECE_BYTES
        self.unclog()

    async def carry(self, source: trio.SocketStream, sink: trio.SocketStream) -> None:
        """Pass on what comes, until it ends."""
        while data := await source.receive_some(PIECE_BYTES):
            while data:
                await self._free.wait()
                if self.delay_s:
                    await trio.sleep(self.delay_s)
                size = min(self.crumb_bytes, len(data))
                if self.bytes_left is not None:
                    size = min(size, self.bytes_left)
                    self.bytes_left -= size
                await sink.send_all(data[:size])
                self.carried += size
                data = data[size:]
                if self.bytes_left == 0:
                    raise Torn
        await self._free.wait()
        await sink.send_eof()


@attrs.define(eq=False)
class Wire:
    """One connection through the proxy."""

    client: trio.SocketStream
    gateway: trio.SocketStream
    up: Way = attrs.Factory(Way)
    """From the client to the gateway."""
    down: Way = attrs.Factory(Way)
    ends_with_reset: bool = True
    """How its ends hear that it was torn: by a reset, or by an end in the middle of a frame."""
    _scope: trio.CancelScope = attrs.Factory(trio.CancelScope)

    @property
    def ways(self) -> tuple[Way, Way]:
        """Both directions."""
        return self.up, self.down

    def reset(self) -> None:
        """Break it now."""
        self._scope.cancel()

    async def run(self) -> None:
        """Carry both ways until both have ended, or it is torn or reset."""
        try:
            with self._scope:
                async with trio.open_nursery() as ways:
                    ways.start_soon(self.up.carry, self.client, self.gateway)
                    ways.start_soon(self.down.carry, self.gateway, self.client)
        except* (trio.BrokenResourceError, trio.ClosedResourceError, Torn):
            pass
        finally:
            for end in (self.client, self.gateway):
                if self.ends_with_reset:
                    with suppress(OSError):
                        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                end.socket.close()


@attrs.define(eq=False)
class Proxy:
    """
    A proxy before a gateway. Opened by `open_proxy`.

    Args:
      random: says which connections, how long, and in which order.
    """

    port: int
    random: Random
    gateway_port: int = 0
    """Where the gateway listens."""
    wires: set[Wire] = attrs.Factory(set)
    """Those that are open."""
    counts: Counter[str] = attrs.Factory(Counter)
    """What was done, and to how many connections."""

    def some(self) -> list[Wire]:
        """Some of the connections, in a random order; at least one, if there is one."""
        wires = sorted(self.wires, key=id)
        self.random.shuffle(wires)
        return wires[: self.random.randint(1, max(1, len(wires)))]

    # --- what can be done to them -----------------------------------------------------------

    def reset_some(self) -> None:
        """Break some connections."""
        for wire in self._hit("reset", self.some()):
            wire.ends_with_reset = True
            wire.reset()

    def reset_all(self) -> None:
        """Break all: everybody comes back at the same time."""
        for wire in self._hit("reset all", list(self.wires)):
            wire.reset()

    def tear_some(self) -> None:
        """Break some connections after some more bytes, likely in the middle of a frame."""
        for wire in self._hit("torn", self.some()):
            wire.ends_with_reset = self.random.random() < 0.5
            self.random.choice(wire.ways).bytes_left = self.random.randrange(1, 3_000)

    def half_open_some(self) -> None:
        """Pass nothing on any more on a few connections, both ways, for good."""
        for wire in self._hit("half-open", self.some()[:2]):
            wire.up.clog()
            wire.down.clog()

    def part_some(self) -> None:
        """Pass nothing on any more on some connections in one direction, until it is mended."""
        for wire in self._hit("parted one way", self.some()):
            self.random.choice(wire.ways).clog()

    def slow_some(self) -> None:
        """Be slow on some connections."""
        for wire in self._hit("slow", self.some()):
            self.random.choice(wire.ways).delay_s = self.random.random() / 10

    def crumble_some(self) -> None:
        """Pass on a few bytes at a time on some connections."""
        for wire in self._hit("crumbs", self.some()):
            self.random.choice(wire.ways).crumb_bytes = self.random.randint(1, 40)

    async def swizzle(self) -> None:
        """Clog some connections one after the other, then unclog them in another order."""
        wires = self._hit("swizzled", self.some())
        for wire in wires:
            wire.up.clog()
            wire.down.clog()
            await trio.sleep(self.random.random() * PAUSE_S)
        self.random.shuffle(wires)
        for wire in wires:
            wire.up.unclog()
            wire.down.unclog()
            await trio.sleep(self.random.random() * PAUSE_S)

    def mend(self) -> None:
        """Be a good network again, but for what is torn."""
        for wire in self.wires:
            for way in wire.ways:
                way.ease()

    def _hit(self, what: str, wires: list[Wire]) -> list[Wire]:
        self.counts[what] += len(wires)
        return wires

    # --- connections --------------------------------------------------------------------------

    async def serve(self, client: trio.SocketStream) -> None:
        """Serve one connection."""
        gateway = trio.socket.socket()
        try:
            await gateway.connect((HOST, self.gateway_port))
        except OSError:
            self.counts["refused"] += 1
            gateway.close()
            return
        wire = Wire(client, trio.SocketStream(gateway))
        self.counts["connections"] += 1
        self.wires.add(wire)
        try:
            await wire.run()
        finally:
            self.wires.remove(wire)


@asynccontextmanager
async def open_proxy(random: Random) -> AsyncIterator[Proxy]:
    """Listen at a free port for a block; where the gateway is, is said later."""
    (listener,) = await trio.open_tcp_listeners(0, host=HOST)
    proxy = Proxy(listener.socket.getsockname()[1], random)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.serve_listeners, proxy.serve, [listener])
        yield proxy
        nursery.cancel_scope.cancel()

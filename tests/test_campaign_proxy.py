"""The proxy does to connections what it says, and never changes what they carry."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random

import attrs
import pytest
import trio

from campaigns.gateway.proxy import Proxy, Wire, open_proxy
from gateway_raw import until
from gateway_streams import read_exactly, read_to_end

TEXT = bytes(range(256)) * 200
PATIENCE_S = 10.0


@attrs.define(eq=False)
class Line:
    """One connection through a proxy, and both its ends."""

    proxy: Proxy
    wire: Wire
    client: trio.SocketStream
    gateway: trio.SocketStream

    async def say(self, data: bytes) -> None:
        """Have the client say something."""
        await self.client.send_all(data)

    async def hear(self, count: int) -> bytes:
        """What comes out at the gateway's end."""
        return await read_exactly(self.gateway, count)


@asynccontextmanager
async def line() -> AsyncIterator[Line]:
    """Connect through a proxy for a block."""
    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    with trio.fail_after(PATIENCE_S):
        async with listener, open_proxy(Random(1)) as proxy:
            proxy.gateway_port = listener.socket.getsockname()[1]
            client = await trio.open_tcp_stream("127.0.0.1", proxy.port)
            gateway = await listener.accept()
            await until(lambda: bool(proxy.wires))
            (wire,) = proxy.wires
            async with client, gateway:
                yield Line(proxy, wire, client, gateway)


async def test_nothing_happens() -> None:
    """All is carried, both ways, and so is each end."""
    async with line() as it:
        await it.say(TEXT)
        assert TEXT == await it.hear(len(TEXT))
        await it.client.send_eof()
        assert b"" == await read_to_end(it.gateway)
        await it.gateway.send_all(b"after the end")
        assert b"after the end" == await read_exactly(it.client, 13)


async def test_crumbs() -> None:
    """Small pieces are the same bytes in the same order."""
    async with line() as it:
        it.wire.up.crumb_bytes = 7
        await it.say(TEXT[:500])

        assert TEXT[:500] == await it.hear(500)


async def test_clogged() -> None:
    """Nothing comes through one way, and nobody is told; then everything does."""
    async with line() as it:
        it.wire.up.clog()
        await it.say(b"held up")
        await it.gateway.send_all(b"not held up")
        assert b"not held up" == await read_exactly(it.client, 11)
        assert 0 == it.wire.up.carried
        it.proxy.mend()

        assert b"held up" == await it.hear(7)


@pytest.mark.parametrize("with_reset", [True, False])
async def test_torn(with_reset: bool) -> None:
    """So many bytes come, and no more: then a reset, or an end in the middle."""
    async with line() as it:
        it.wire.ends_with_reset = with_reset
        it.wire.up.bytes_left = 5
        await it.say(b"in the middle")

        assert b"in th" == await read_to_end(it.gateway)
        await until(lambda: not it.proxy.wires)


async def test_reset() -> None:
    """Both ends hear of a reset, or of the end."""
    async with line() as it:
        it.proxy.reset_all()
        assert b"" == await read_to_end(it.gateway)
        assert b"" == await read_to_end(it.client)
        assert 1 == it.proxy.counts["reset all"]


async def test_swizzled() -> None:
    """What was clogged and unclogged again goes on as if nothing had been."""
    async with line() as it:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(it.proxy.swizzle)
            nursery.start_soon(it.say, TEXT)
            assert TEXT == await it.hear(len(TEXT))
        assert 1 == it.proxy.counts["swizzled"]


async def test_nobody_is_there() -> None:
    """Where no gateway listens, the connection just ends."""
    async with open_proxy(Random(1)) as proxy:
        async with await trio.open_tcp_stream("127.0.0.1", proxy.port) as client:
            with trio.fail_after(PATIENCE_S):
                assert b"" == await read_to_end(client)
        assert 1 == proxy.counts["refused"]

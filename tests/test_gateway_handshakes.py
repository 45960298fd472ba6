"""Whoever connects and is nobody yet: it costs little, it ends soon, and the others are served."""

from __future__ import annotations

import ssl
from contextlib import AsyncExitStack

import pytest
import trio
import trustme

from atomic_store.gateway import Limits
from atomic_store.gateway.server import streams_max
from gateway_raw import hosted, is_served, message, request, unharmed, until

HASTY = Limits(hello_s=0.2)
"""Nobody in these tests is given long to say who he is."""

CLIENT_HELLO = bytes.fromhex("1603010200010001fc0303") + bytes(500)


@pytest.fixture(scope="module")
def certificates() -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """What a server and a client that trusts it need for TLS."""
    authority = trustme.CA()
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1", "localhost").configure_cert(server)
    client = ssl.create_default_context()
    authority.configure_trust(client)
    return server, client


def head(*lines: bytes) -> bytes:
    """Write a head of any bytes."""
    return b"\r\n".join([*lines, b"", b""])


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (head(b"GET / HTTP/1.1", b"Host: \xff\xfe"), 400),
        (head(b"GET /\xc3\xa9 HTTP/1.1", b"Host: localhost"), 400),
        (head(b"GET / HTTP/1.1", b"Host: localhost", b"X: \x00"), 400),
        (head(b"GET / HTTP/1.1", b"Host: localhost", b" folded: 1"), 400),
        (head(b"GET / HTTP/1.1"), 400),
        (head(b"GET / HTTP/2.0", b"Host: localhost"), 505),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
        (b"\x00" * 100, 400),
        (b"SSH-2.0-OpenSSH_9.6\r\n\r\n", 400),
        (CLIENT_HELLO, 400),
        (b"GET / HTTP/1.1\r\n" + b"X: %b\r\n" % (b"y" * 100) * 100, 431),
        (b"\r\n" * 20_000, 400),
    ],
)
async def test_no_request(sent: bytes, status: int) -> None:
    """What is no HTTP request is told so, and is over."""
    async with hosted() as host, unharmed(host):
        async with host.plug() as raw, trio.open_nursery() as nursery:
            nursery.start_soon(raw.send_what_is_taken, sent)
            found, body = await raw.answer()
            assert status == found
            assert body.endswith(b"\n")


@pytest.mark.parametrize("sent", [b"", b"GET / HT", head(b"GET / HTTP/1.1")[:-2]])
async def test_a_request_that_does_not_come(sent: bytes) -> None:
    """Whoever connects and does not go on is given up after `hello_s`, with 408."""
    async with hosted(limits=HASTY) as host, unharmed(host):
        async with host.plug() as raw:
            await raw.send(sent)
            status, _ = await raw.answer()
            assert 408 == status


async def test_a_request_in_single_bytes() -> None:
    """A byte now and then buys no time."""
    async with hosted(limits=HASTY) as host, unharmed(host):
        async with host.plug() as raw, trio.open_nursery() as nursery:

            async def drip() -> None:
                for at in range(1000):
                    await raw.send_what_is_taken(request(host.port)[at : at + 1])
                    await trio.sleep(0.01)

            began = trio.current_time()
            nursery.start_soon(drip)
            status, _ = await raw.answer()
            assert 408 == status
            assert trio.current_time() - began < 5
            nursery.cancel_scope.cancel()


@pytest.mark.parametrize("sent", [b"", message("hello")[:-1]], ids=["nothing", "a part"])
async def test_no_hello(sent: bytes) -> None:
    """Whoever is connected and does not say hello is closed with 4408."""
    async with hosted(limits=HASTY) as host, unharmed(host):
        async with host.open() as raw:
            await raw.send(sent)
            # A WebSocket ping is no hello.
            await raw.send(b"" if sent else b"\x89\x80\x00\x00\x00\x00")
            assert 4408 == await raw.closed()


async def test_half_a_request_and_gone() -> None:
    """A client that goes, in whatever way, in the middle of its request, is no more than gone."""
    async with hosted() as host, unharmed(host):
        whole = request(host.port)
        for count in range(0, len(whole), 7):
            async with host.plug() as raw:
                await raw.send(whole[:count])
                if count % 2:
                    raw.reset()


async def test_many_who_say_nothing() -> None:
    """500 connections that are only there keep nobody else out, and nothing of them stays."""
    async with hosted(limits=Limits(hello_s=3)) as host, unharmed(host):
        async with AsyncExitStack() as stack:
            for number in range(500):
                raw = await stack.enter_async_context(host.plug())
                await raw.send(request(host.port) if number % 2 else b"GET")
            await until(lambda: 500 <= host.streams)
            await is_served(host)


async def test_too_many_connections() -> None:
    """One connection too many is accepted and closed with 4429; when one goes, there is room."""
    async with hosted(limits=Limits(connections=3)) as host, unharmed(host):
        async with AsyncExitStack() as stack:
            first = await stack.enter_async_context(host.client())
            for _ in range(2):
                await stack.enter_async_context(host.client())
            async with host.open() as raw:
                assert 4429 == await raw.closed()
            first.reset()
            await until(lambda: 2 == host.gateway.connections)
            await is_served(host)


async def test_too_many_sockets() -> None:
    """Above what files there are for connections, they are reset; when some go, there is room."""
    async with hosted() as host, unharmed(host):
        host.gateway._entrance.streams_max = 5
        async with AsyncExitStack() as stack:
            there = [await stack.enter_async_context(host.plug()) for _ in range(4)]
            client = await stack.enter_async_context(host.client())
            async with host.plug() as raw:
                assert b"" == await raw.rest()
            await client.say("ping")
            await client.hear_type("pong")
            for raw in there:
                raw.reset()
            await until(lambda: 1 == host.streams)


def test_how_many_sockets() -> None:
    """Files are kept for the store; with few there is room for one client all the same."""
    limits = Limits(connections=10_000)
    assert 11_000 == streams_max(limits, -1)
    assert 11_000 == streams_max(limits, 100_000)
    assert 1024 - 128 == streams_max(limits, 1024)
    assert 1 == streams_max(limits, 100)


async def test_no_subprotocol_in_common() -> None:
    """Whoever speaks another protocol is closed with 4406."""
    async with hosted() as host, unharmed(host):
        for offered in (None, "atomic-store.v2", "chat, mqtt"):
            async with host.open(subprotocols=offered) as raw:
                assert 4406 == await raw.closed()


# --- TLS -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sent",
    [head(b"GET / HTTP/1.1"), bytes(1000), CLIENT_HELLO, b"", b"\x16"],
)
async def test_no_tls(sent: bytes, certificates: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    """What does not speak TLS on a port that does, or stops in the middle, is over soon."""
    server, client = certificates
    async with hosted(limits=HASTY, ssl_context=server, client_ssl=client) as host:
        async with unharmed(host), host.plug(secure=False) as raw:
            await raw.send(sent)
            await raw.rest()


async def test_half_a_tls_handshake(
    certificates: tuple[ssl.SSLContext, ssl.SSLContext],
) -> None:
    """A TLS client that goes after its first message is no more than gone."""
    server, client = certificates
    async with hosted(ssl_context=server, client_ssl=client) as host, unharmed(host):
        for is_reset in (True, False):
            ours, theirs = ssl.MemoryBIO(), ssl.MemoryBIO()
            half = client.wrap_bio(ours, theirs, server_hostname="127.0.0.1")
            with pytest.raises(ssl.SSLWantReadError):
                half.do_handshake()
            async with host.plug(secure=False) as raw:
                await raw.send(theirs.read())
                if is_reset:
                    raw.reset()


async def test_tls_and_gone(certificates: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    """A client over TLS may be reset at any moment."""
    server, client = certificates
    async with hosted(ssl_context=server, client_ssl=client) as host, unharmed(host):
        for _ in range(3):
            async with host.plug() as raw:
                await raw.send(request(host.port))
                raw.reset()
            async with host.client() as raw:
                await raw.say("subscribe", id=1, all=True)
                raw.reset()

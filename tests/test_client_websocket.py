"""WebSocket connections, with gateways that are none, and over real sockets."""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial

import pytest
import trio
import trustme
from trio.testing import MockClock, memory_stream_pair

from atomic_store.gateway import ConnectionLost, GatewayClosed, open_client
from atomic_store.gateway.client import websocket
from atomic_store.gateway.client.websocket import Address, Connection, Ending, address_of, converse
from atomic_store.gateway.protocol import client_messages as asked
from atomic_store.gateway.protocol import server_messages as said
from fake_gateways import ADDRESS, FakeGateway, fake_gateway, open_fake, talking

Answer = Callable[[trio.abc.Stream], Awaitable[None]]


@pytest.mark.parametrize(
    ("url", "expected", "host"),
    [
        ("ws://localhost", Address("localhost", 80, False, "/"), "localhost"),
        ("ws://localhost:8000/a/b?c=d", Address("localhost", 8000, False, "/a/b?c=d"),
         "localhost:8000"),
        ("wss://example.org/", Address("example.org", 443, True, "/"), "example.org"),
        ("wss://example.org:80", Address("example.org", 80, True, "/"), "example.org:80"),
        ("ws://[::1]:7000", Address("::1", 7000, False, "/"), "[::1]:7000"),
    ],
)  # fmt: skip
def test_addresses(url: str, expected: Address, host: str) -> None:
    """A URL says host, port, path and whether there is TLS."""
    assert expected == address_of(url)
    assert host == expected.host_header


async def ending_of(answer: Answer) -> Ending:
    """How a connection ends to somebody who answers the handshake so."""

    async def talk(connection: Connection) -> Ending:
        found = await connection.receive()
        return found if isinstance(found, Ending) else Ending(f"heard {found}")

    async with trio.open_nursery() as nursery:
        ours, theirs = memory_stream_pair()
        nursery.start_soon(answer, theirs)
        ending = await converse(ours, ADDRESS, talk, 10.0)
        nursery.cancel_scope.cancel()
    return ending


async def reply(stream: trio.abc.Stream, text: bytes) -> None:
    """Answer a handshake with these bytes."""
    await stream.receive_some()
    await stream.send_all(text)
    await trio.sleep_forever()


async def hang_up(stream: trio.abc.Stream) -> None:
    """Leave in the middle of the handshake."""
    await stream.receive_some()
    await stream.aclose()


async def reset(stream: trio.abc.Stream) -> None:
    """Be gone before the handshake begins."""
    await trio.aclose_forcefully(stream)


BAD_101 = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: nonsense\r\n\r\n"
)

ANSWERS: list[tuple[Answer, str, int | None, bool]] = [
    (
        partial(reply, text=b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno"),
        "403",
        403,
        True,
    ),
    (partial(reply, text=b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"), "404", 404, True),
    (partial(reply, text=b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"), "503", 503, False),
    (partial(reply, text=b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), "200", 200, False),
    (partial(reply, text=BAD_101), "expected a WebSocket", None, False),
    (partial(reply, text=b"SSH-2.0-OpenSSH_9.6\r\n\r\n"), "expected a", None, False),
    (partial(reply, text=b"\xff" * 100_000), "expected a", None, False),
    (hang_up, "expected an answer to the handshake", None, False),
    (reset, "expected an answer to the handshake", None, False),
]


@pytest.mark.parametrize(("answer", "reason", "code", "is_final"), ANSWERS)
async def test_what_is_no_gateway(
    autojump_clock: MockClock, answer: Answer, reason: str, code: int | None, is_final: bool
) -> None:
    """Whatever answers, there is a reason at once, and nothing else comes out."""
    ending = await ending_of(answer)

    assert 0 == trio.current_time()
    assert reason in ending.reason
    assert (code, is_final) == (ending.code, ending.is_final)


async def test_a_web_server_that_speaks_something_else(autojump_clock: MockClock) -> None:
    """A WebSocket without our subprotocol is left for good."""
    async with fake_gateway() as gateway, trio.open_nursery() as nursery:
        gateway.subprotocol = None
        nursery.start_soon(gateway.accept)
        with pytest.raises(GatewayClosed, match=r"expected the subprotocol atomic-store\.v1"):
            async with open_fake(gateway):
                raise AssertionError("entered")


async def test_a_message_that_is_too_long(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What exceeds all limits ends the connection, and the client: it would come again."""
    monkeypatch.setattr(websocket, "MESSAGE_CHARACTERS_MAX", 2_000)
    async with talking() as (client, _, peer):
        await peer.websocket.send_message('{"type":"x","a":"' + "a" * 3_000 + '"}')
        with pytest.raises(GatewayClosed, match="1009"):
            await client.stats()


async def test_an_error_of_the_talk_leaves_as_itself(autojump_clock: MockClock) -> None:
    """What the user of a connection raises is in no group."""

    async def talk(connection: Connection) -> Ending:
        raise KeyError("mine")

    async with fake_gateway() as gateway, trio.open_nursery() as nursery:
        nursery.start_soon(gateway.accept)
        with pytest.raises(KeyError, match="mine"):
            await converse(await gateway.connect(), ADDRESS, talk, 10.0)


# --- over real sockets ---------------------------------------------------------------------------


async def serve_figures(gateway: FakeGateway, stream: trio.abc.Stream) -> None:
    """Answer one question for figures, over a stream from anywhere."""
    gateway._arrivals[0].send_nowait(stream)
    peer = await gateway.welcome()
    stats = await peer.hear(asked.Stats)
    await peer.say(said.StatsShown(id=stats.id, figures={"a": 1}), said.Done(id=stats.id))
    await peer.until_closed()


async def test_over_tcp() -> None:
    """The URL leads to a listening port."""
    async with fake_gateway() as gateway, trio.open_nursery() as nursery:
        (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
        nursery.start_soon(trio.serve_listeners, partial(serve_figures, gateway), [listener])
        port = listener.socket.getsockname()[1]
        async with open_client(f"ws://127.0.0.1:{port}/", token="t") as client:
            assert {"a": 1} == await client.stats()
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize("is_trusted", [True, False])
async def test_over_tls(is_trusted: bool) -> None:
    """A certificate that the client trusts is taken, another one is not, and it is said why."""
    authority = trustme.CA()
    ours, theirs = ssl.create_default_context(), ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(theirs)
    if is_trusted:
        authority.configure_trust(ours)
    async with fake_gateway() as gateway, trio.open_nursery() as nursery:
        (tcp,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
        listener = trio.SSLListener(tcp, theirs, https_compatible=True)

        async def serve(stream: trio.abc.Stream) -> None:
            if is_trusted:
                await serve_figures(gateway, stream)
            else:
                with suppress(trio.BrokenResourceError):
                    await stream.receive_some()

        nursery.start_soon(trio.serve_listeners, serve, [listener])
        url = f"wss://localhost:{tcp.socket.getsockname()[1]}"
        if is_trusted:
            async with open_client(url, ssl_context=ours) as client:
                assert {"a": 1} == await client.stats()
        else:
            with pytest.raises(ConnectionLost, match="certificate verify failed"):
                async with open_client(url, ssl_context=ours):
                    raise AssertionError("entered")
        nursery.cancel_scope.cancel()


async def test_a_port_where_nobody_listens() -> None:
    """The system's error is in the words."""
    with pytest.raises(ConnectionLost, match="no connection"):
        async with open_client(f"ws://127.0.0.1:{await unused_port()}"):
            raise AssertionError("entered")


async def unused_port() -> int:
    """A port that somebody has just given back."""
    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    port: int = listener.socket.getsockname()[1]
    await listener.aclose()
    return port

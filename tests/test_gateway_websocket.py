"""trio-websocket over a gate: what clients do to it, and to the frames beside it."""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st
from trio.testing import memory_stream_pair, wait_all_tasks_blocked
from trio_websocket import ConnectionClosed, WebSocketConnection, WebSocketRequest
from websockets.sync.client import ClientConnection, connect
from wsproto.events import BytesMessage, CloseConnection, Ping, TextMessage
from wsproto.utilities import LocalProtocolError

from atomic_store.gateway.stream.frames import continuation, text_frame, text_start
from atomic_store.gateway.stream.gate import Gate
from atomic_store.gateway.stream.head import ReplayStream, read_head
from atomic_store.gateway.stream.websocket import serve_websocket
from gateway_streams import (
    HEAD,
    client_frames,
    events_of,
    handshake,
    read_exactly,
    reset,
    tcp_pair,
    texts_of,
)

Serve = Callable[[Gate, WebSocketConnection], Awaitable[None]]


async def upgraded(
    stream: trio.abc.Stream, serve: Serve, characters_max: int = 1000
) -> Exception | None:
    """Serve a client from its first byte; gives what trio-websocket crashed with."""
    gate = Gate(stream)

    async def accepted(request: WebSocketRequest) -> None:
        connection = await request.accept()
        await serve(gate, connection)

    try:
        head = await read_head(gate)
        return await serve_websocket(
            ReplayStream(gate, head), accepted, message_characters_max=characters_max
        )
    finally:
        await gate.aclose()


async def read_all(gate: Gate, connection: WebSocketConnection) -> None:
    """Take messages until the end."""
    try:
        while True:
            await connection.get_message()
    except ConnectionClosed:
        pass


async def connected(stream: trio.abc.Stream) -> None:
    """Shake hands as a client."""
    client, request = handshake()
    await stream.send_all(request)
    answer = b""
    while not answer.endswith(b"\r\n\r\n"):
        answer += await read_exactly(stream, 1)
    events_of(client, answer)


async def test_a_message_each_way() -> None:
    """A client is served, says something, is told something, and is closed."""
    ours, theirs = memory_stream_pair()
    heard = []

    async def serve(gate: Gate, connection: WebSocketConnection) -> None:
        heard.append(await connection.get_message())
        await gate.send_frames(text_frame(b"told"))
        await connection.aclose(1001)

    async def ask() -> None:
        await connected(theirs)
        client = client_frames()
        await theirs.send_all(client.send(TextMessage(data="hello")))
        told = events_of(client, await read_exactly(theirs, 6))
        ended = events_of(client, await read_exactly(theirs, 4))
        await theirs.send_all(client.send(CloseConnection(1001)))
        assert ["told"] == texts_of(told)
        assert [CloseConnection(1001, "")] == ended

    with trio.fail_after(5):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(ask)
            assert await upgraded(ours, serve) is None
    assert ["hello"] == heard


async def test_what_comes_with_the_handshake() -> None:
    """A client that does not wait for its answer is heard all the same."""
    ours, theirs = memory_stream_pair()
    heard = []

    async def serve(gate: Gate, connection: WebSocketConnection) -> None:
        heard.extend([await connection.get_message() for _ in range(2)])

    client = client_frames()
    await theirs.send_all(HEAD + client.send(TextMessage(data="a" * 300)))
    await theirs.send_all(client.send(TextMessage(data="b")))
    with trio.fail_after(5):
        assert await upgraded(ours, serve) is None
    assert ["a" * 300, "b"] == heard


async def test_what_the_server_does_wrong_is_its_own() -> None:
    """An error of whoever serves is raised as it is, and the connection is over."""
    ours, theirs = memory_stream_pair()

    async def serve(gate: Gate, connection: WebSocketConnection) -> None:
        raise LookupError("ours")

    await theirs.send_all(HEAD)
    with pytest.raises(LookupError, match="ours"):
        await upgraded(ours, serve)


async def test_cancelling() -> None:
    """Cancelling whoever serves ends all of it."""
    ours, theirs = memory_stream_pair()
    await theirs.send_all(HEAD)

    async with trio.open_nursery() as nursery:
        with trio.CancelScope() as scope:
            nursery.start_soon(_cancel_later, scope)
            await upgraded(ours, read_all)
    assert scope.cancelled_caught


async def _cancel_later(scope: trio.CancelScope) -> None:
    await wait_all_tasks_blocked()
    scope.cancel()


# --- many frames of two writers -----------------------------------------------------------

MESSAGES = 3_000
PINGS = 150
SHARED = [continuation(b"%d," % n + b"x" * (n * 37 % 3_000) + b"]}") for n in range(40)]


def follow(client: ClientConnection) -> list[str]:
    """What a client of another make hears while it pings, and says now and then."""
    heard, pings = [], []
    for number in range(2 * MESSAGES):
        heard.append(client.recv(timeout=20))
        if number % (2 * MESSAGES // PINGS) == 0:
            pings.append(client.ping(b"%d" % number))
            client.send("and I say")
    assert all(pong.wait(20) for pong in pings)
    return [text for text in heard if isinstance(text, str)]


async def sweep(gate: Gate) -> None:
    """Write messages of two frames, without waiting wherever that goes."""
    for number in range(MESSAGES):
        data = text_start(b'{"sweep":%d,' % number) + SHARED[number % len(SHARED)]
        if not gate.try_send(data):
            await gate.send_frames(data)
        await gate.finish()


async def talk(gate: Gate) -> None:
    """Write messages of one frame beside."""
    for number in range(MESSAGES):
        await gate.send_frames(text_frame(b'{"talk":%d,' % number + b"y" * (number % 700) + b"]}"))


@pytest.mark.parametrize("buffer_bytes", [2048, 200_000])
async def test_no_two_frames_interleave(buffer_bytes: int) -> None:
    """Two writers and the library's pongs on one socket: each message comes whole, in order."""
    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    port = listeners[0].socket.getsockname()[1]
    heard: list[str] = []

    async def serve(gate: Gate, connection: WebSocketConnection) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(read_all, gate, connection)
            async with trio.open_nursery() as writers:
                writers.start_soon(sweep, gate)
                writers.start_soon(talk, gate)
            # The client closes when it has all.

    async def listen() -> None:
        def run() -> None:
            with connect(f"ws://127.0.0.1:{port}", max_size=None, compression=None) as client:
                heard.extend(follow(client))

        await trio.to_thread.run_sync(run)

    with trio.fail_after(60):
        async with trio.open_nursery() as nursery, listeners[0]:
            nursery.start_soon(listen)
            ours = await listeners[0].accept()
            ours.setsockopt(trio.socket.SOL_SOCKET, trio.socket.SO_SNDBUF, buffer_bytes)
            assert await upgraded(ours, serve) is None

    for who in ("sweep", "talk"):
        numbers = [text.split(",")[0] for text in heard if text.startswith('{"' + who)]
        assert [f'{{"{who}":{number}' for number in range(MESSAGES)] == numbers
    assert {"]}"} == {text[-2:] for text in heard}


async def test_pings_that_are_never_read() -> None:
    """A client that pings and never reads is held where it is, and abort ends it."""
    gates: list[Gate] = []

    async def serve(gate: Gate, connection: WebSocketConnection) -> None:
        gates.append(gate)
        await read_all(gate, connection)

    async with tcp_pair(2048) as (ours, theirs):
        with trio.fail_after(10):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(upgraded, ours, serve)
                await connected(theirs)
                flood = client_frames().send(Ping(payload=b"p" * 125)) * 2_000
                nursery.start_soon(_send_until_broken, theirs, flood)
                await wait_all_tasks_blocked(0.05)
                (gate,) = gates
                assert gate.stalled_s > 0.0
                assert gate.bytes_received < len(flood)
                gate.abort()


async def _send_until_broken(stream: trio.abc.SendStream, data: bytes) -> None:
    with suppress(trio.BrokenResourceError):
        await stream.send_all(data)


# --- what brings trio-websocket down --------------------------------------------------------


def text(data: str, *, fin: bool = True) -> bytes:
    """A client's text frame."""
    return client_frames().send(TextMessage(data=data, message_finished=fin))


def raw(first: int, payload: bytes = b"") -> bytes:
    """Any masked frame; the mask is nothing."""
    return bytes([first, 0x80 | len(payload)]) + bytes(4) + payload


HOSTILE: dict[str, bytes] = {
    "two messages that are too large": text("x" * 1001) * 2,
    "a ping behind what was too large": text("x" * 1001) + client_frames().send(Ping()),
    "endless empty fragments": text("", fin=False) + raw(0x00) * 20_000,
    "binary": client_frames().send(BytesMessage(data=b"\x00")),
    "no UTF-8": raw(0x81, b"\xff\xfe"),
    "half of a character": raw(0x81, b"\xe2\x82"),
    "no mask": text_frame(b"hello"),
    "reserved bits": raw(0xF1),
    "a reserved opcode": raw(0x83),
    "a long ping": bytes([0x89, 0xFE, 0xFF, 0xFF]),
    "a ping in pieces": raw(0x09),
    "a continuation of nothing": raw(0x80),
    "a close without a reason": raw(0x88),
    "half of a close": raw(0x88, b"\x03"),
    "a close that is none": raw(0x88, b"\x00\x01"),
    "a close and more": raw(0x88, b"\x03\xe8") + text("more") + client_frames().send(Ping()),
    "two closes": raw(0x88, b"\x03\xe8") * 2,
    "the largest size": bytes([0x81, 0xFF, 0x7F]) + b"\xff" * 7 + bytes(4) + b"x" * 5_000,
    "a size that is none": bytes([0x81, 0xFF]) + b"\xff" * 8,
    "a second request": HEAD,
    "unasked pongs": raw(0x8A) * 20_000,
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("end", ["end", "reset", "close by us"])
async def test_hostile_frames(name: str, end: str) -> None:
    """Whatever a client sends, nothing leaves, and its connection comes to an end."""

    async def serve(gate: Gate, connection: WebSocketConnection) -> None:
        if end == "close by us":
            await connection.aclose(1001)
        await read_all(gate, connection)

    async def attack(theirs: trio.SocketStream) -> None:
        try:
            await theirs.send_all(HEAD)
            await theirs.send_all(HOSTILE[name])
            if end == "reset":
                reset(theirs)
            else:
                await theirs.send_eof()
                await _read_away(theirs)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass

    async with tcp_pair() as (ours, theirs):
        with trio.fail_after(20):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(attack, theirs)
                try:
                    await upgraded(ours, serve)
                except (trio.BrokenResourceError, ConnectionClosed):
                    # It was gone before it was accepted.
                    assert end == "reset"


async def _read_away(stream: trio.abc.ReceiveStream) -> None:
    while await stream.receive_some():
        pass


@pytest.mark.parametrize(
    "name", ["two messages that are too large", "a ping behind what was too large"]
)
async def test_trio_websocket_crashes(name: str) -> None:
    """What brings it down ends whoever serves, and is told instead of raised."""
    ours, theirs = memory_stream_pair()

    async def serve(gate: Gate, connection: WebSocketConnection) -> None:
        await trio.sleep_forever()

    await theirs.send_all(HEAD + HOSTILE[name])
    with trio.fail_after(5):
        crash = await upgraded(ours, serve)

    # Where this fails because there is none, what keeps it in may not be needed any more.
    assert isinstance(crash, ExceptionGroup)
    assert [LocalProtocolError] == [type(error) for error in crash.exceptions]


@settings(max_examples=60)
@given(
    st.lists(
        st.one_of(
            st.binary(max_size=60),
            st.sampled_from(list(HOSTILE.values())).map(lambda data: data[:3_000]),
            st.tuples(st.integers(0, 255), st.binary(max_size=125)).map(lambda p: raw(*p)),
        ),
        max_size=6,
    ),
    st.integers(1, 4_000),
)
def test_any_bytes_behind_the_handshake(parts: list[bytes], step: int) -> None:
    """Whatever bytes follow a handshake, nothing leaves."""

    async def main() -> None:
        ours, theirs = memory_stream_pair()
        data = HEAD + b"".join(parts)
        for at in range(0, len(data), step):
            await theirs.send_all(data[at : at + step])
        theirs.send_stream.close()
        with trio.fail_after(10):
            await upgraded(ours, read_all)

    trio.run(main)


async def test_others_have_their_turn() -> None:
    """A flood of tiny frames does not keep other tasks waiting for all of it."""
    ours, theirs = memory_stream_pair()
    turns = itertools.count()
    taken: list[int] = []

    async def other(task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        task_status.started()
        while True:
            taken.append(next(turns))
            await trio.lowlevel.checkpoint()

    frames = 10_000
    await theirs.send_all(HEAD + raw(0x8A) * frames)
    theirs.send_stream.close()
    async with trio.open_nursery() as nursery:
        await nursery.start(other)
        await upgraded(ours, read_all)
        nursery.cancel_scope.cancel()

    assert len(taken) > frames // 200

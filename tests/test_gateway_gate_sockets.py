"""The gate over real sockets: full ones, reset ones, and with TLS."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio
import trustme
from trio.testing import wait_all_tasks_blocked

from atomic_store.gateway.stream.frames import text_frame
from atomic_store.gateway.stream.gate import Gate
from gateway_streams import (
    client_frames,
    events_of,
    read_exactly,
    read_to_end,
    reset,
    tcp_pair,
    texts_of,
)

SMALL = 4096
BIG = text_frame(b"b" * 3_000_000)


def fill(gate: Gate) -> bytes:
    """Send until the socket takes no more; gives what was taken or begun."""
    sent, number = b"", 0
    while not gate.has_half_frame:
        frame = text_frame(f"fill {number}".encode() * 100)
        if not gate.try_send(frame):
            break
        sent, number = sent + frame, number + 1
    return sent


async def test_trying() -> None:
    """A socket that has room takes all at once, without waiting."""
    async with tcp_pair() as (ours, theirs):
        gate = Gate(ours)

        assert 9 == gate.try_send(text_frame(b"trying!"))
        assert 0 == gate.try_send(b"")
        assert b"trying!" == (await read_exactly(theirs, 9))[2:]
        assert 9 == gate.bytes_sent
        assert not gate.has_half_frame


async def test_a_half_frame_goes_first() -> None:
    """What was begun without waiting is sent to its end before anything else."""
    async with tcp_pair(SMALL) as (ours, theirs):
        gate = Gate(ours)
        taken = gate.try_send(BIG)
        assert 0 < taken < len(BIG)
        was_half = gate.has_half_frame
        assert was_half
        assert 0 == gate.try_send(text_frame(b"too early"))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(gate.send_all, text_frame(b"second"))
            await wait_all_tasks_blocked()
            nursery.start_soon(gate.finish)
            nursery.start_soon(gate.send_all, text_frame(b"third"))
            data = await read_exactly(theirs, len(BIG) + 8 + 7)

        assert [BIG[10:].decode(), "second", "third"] == texts_of(events_of(client_frames(), data))
        assert not gate.has_half_frame
        assert len(data) == gate.bytes_sent


async def test_trying_does_not_jump_the_queue() -> None:
    """Whoever waits for its turn has it before whoever tries."""
    async with tcp_pair(SMALL) as (ours, theirs):
        gate = Gate(ours)
        taken = []

        async def first() -> None:
            await gate.send_all(BIG)
            taken.append(gate.try_send(text_frame(b"tried")))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(first)
            await wait_all_tasks_blocked()
            nursery.start_soon(gate.send_all, text_frame(b"second"))
            await wait_all_tasks_blocked()
            data = await read_exactly(theirs, len(BIG) + 8)

        assert [0] == taken
        assert BIG + text_frame(b"second") == data


@pytest.mark.parametrize("by", ["finish", "send_all", "wait_send_all_might_not_block"])
async def test_a_half_frame_outlives_who_finishes_it(by: str) -> None:
    """Cancelling whoever sends the rest loses nothing: the gate has it, and goes on."""
    async with tcp_pair(SMALL) as (ours, theirs):
        gate = Gate(ours)
        gate.try_send(BIG)

        data = b""
        for _ in range(5):
            with trio.CancelScope() as scope:
                async with trio.open_nursery() as nursery:
                    if by == "send_all":
                        nursery.start_soon(gate.send_all, text_frame(b"never"))
                    else:
                        nursery.start_soon(getattr(gate, by))
                    await wait_all_tasks_blocked()
                    data += await read_exactly(theirs, 50_000)
                    scope.cancel()
            assert gate.has_half_frame
            assert not gate.is_broken
        async with trio.open_nursery() as nursery:
            nursery.start_soon(gate.finish)
            data += await read_exactly(theirs, len(BIG) - len(data))

        assert data == BIG
        assert 4 == gate.try_send(text_frame(b"ok"))


async def test_cancelled_before_anything_was_taken() -> None:
    """A full socket's sender may be cancelled: nothing was begun, and the gate goes on."""
    async with tcp_pair(SMALL) as (ours, theirs):
        gate = Gate(ours)
        sent = fill(gate)
        async with trio.open_nursery() as nursery:
            if gate.has_half_frame:
                nursery.start_soon(gate.finish)
            await wait_all_tasks_blocked()
            with trio.CancelScope() as scope:
                nursery.start_soon(_cancel_when_blocked, scope)
                await gate.send_all(text_frame(b"never"))
            assert scope.cancelled_caught
            assert not gate.is_broken
            assert sent == await read_exactly(theirs, len(sent))

        await gate.send_all(text_frame(b"next"))
        assert text_frame(b"next") == await read_exactly(theirs, 6)


async def _cancel_when_blocked(scope: trio.CancelScope) -> None:
    await wait_all_tasks_blocked()
    scope.cancel()


@pytest.mark.parametrize("read", [0, 1, 9, 10, 11, 5_000, 100_000, 1_000_000])
async def test_cancelled_in_mid_frame(read: int) -> None:
    """A sender that is cancelled with a part sent breaks the gate; the client sees no byte more."""
    async with tcp_pair(SMALL) as (ours, theirs):
        gate = Gate(ours)
        async with trio.open_nursery() as nursery:
            with trio.CancelScope() as scope:
                nursery.start_soon(_read_and_cancel, theirs, read, scope)
                await gate.send_all(BIG)

        assert gate.is_broken
        assert gate.has_half_frame
        with pytest.raises(trio.BrokenResourceError):
            await gate.send_all(text_frame(b"never"))
        with trio.fail_after(5):
            rest = await read_to_end(theirs)
        assert BIG[read:].startswith(rest)
        assert read + len(rest) <= gate.bytes_sent < len(BIG)


async def _read_and_cancel(theirs: trio.abc.Stream, count: int, scope: trio.CancelScope) -> None:
    assert BIG[:count] == await read_exactly(theirs, count)
    await wait_all_tasks_blocked()
    scope.cancel()


async def test_abort_resets() -> None:
    """The client of an aborted gate is reset at once, whoever was blocked is told."""
    async with tcp_pair(SMALL) as (ours, theirs):
        gate = Gate(ours)

        async def blocked(operation: str) -> None:
            with pytest.raises(trio.ClosedResourceError):
                await (gate.send_all(BIG) if operation == "send" else gate.receive_some())

        with trio.fail_after(5):
            async with trio.open_nursery() as nursery:
                for operation in ("send", "send", "receive"):
                    nursery.start_soon(blocked, operation)
                await wait_all_tasks_blocked()
                gate.abort()
            with pytest.raises(trio.BrokenResourceError):
                while True:
                    await theirs.receive_some()
        assert gate.is_broken
        assert -1 == ours.socket.fileno()


@pytest.mark.parametrize("operation", ["send_all", "try_send", "receive_some", "finish"])
async def test_a_client_that_resets(operation: str) -> None:
    """Whatever is tried on a connection that the client has reset, it is broken, and stays so."""
    async with tcp_pair(SMALL) as (ours, theirs):
        gate = Gate(ours)
        if operation == "finish":
            gate.try_send(BIG)
        reset(theirs)
        for _ in range(2):
            with pytest.raises(trio.BrokenResourceError):
                if operation == "send_all":
                    await gate.send_all(BIG)
                elif operation == "try_send":
                    await wait_for_the_reset(ours)
                    gate.try_send(BIG)
                elif operation == "finish":
                    await gate.finish()
                else:
                    await gate.receive_some()
                    # A reset is told once; then it is an end, which breaks nothing by itself.
                    gate.try_send(BIG)
        assert gate.is_broken
        await gate.aclose()


async def wait_for_the_reset(ours: trio.SocketStream) -> None:
    """A reset shows as something to read."""
    with trio.fail_after(5):
        await trio.lowlevel.wait_readable(ours.socket.fileno())


async def test_a_client_that_reads_nothing() -> None:
    """It blocks whoever sends, shows as stalled, and abort ends it."""
    async with tcp_pair(SMALL) as (ours, _theirs):
        gate = Gate(ours)
        fill(gate)

        async def send() -> None:
            with pytest.raises(trio.ClosedResourceError):
                await gate.send_all(BIG)

        with trio.fail_after(5):
            async with trio.open_nursery() as nursery:
                for _ in range(3):
                    nursery.start_soon(send)
                await wait_all_tasks_blocked()
                assert gate.stalled_s > 0.0
                assert 0 == gate.try_send(b"more")
                gate.abort()


async def test_what_was_refused_is_still_read() -> None:
    """A client that goes on sending gets what it was sent last, and no reset instead."""
    async with tcp_pair() as (ours, theirs):
        gate = Gate(ours)
        await theirs.send_all(bytes(100_000))
        await gate.send_all(b"refused")

        with trio.fail_after(5):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(gate.linger, 1_000_000)
                assert b"refused" == await read_to_end(theirs)
                await theirs.send_all(bytes(100_000))
                await theirs.send_eof()


@asynccontextmanager
async def tls_pair() -> AsyncIterator[tuple[Gate, trio.SSLStream[trio.SocketStream]]]:
    """A gate over TLS, and its client, past their handshake."""
    authority = trustme.CA()
    serving = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(serving)
    asking = ssl.create_default_context()
    authority.configure_trust(asking)
    async with tcp_pair(SMALL) as (ours, theirs):
        gate = Gate(trio.SSLStream(ours, serving, server_side=True, https_compatible=True))
        client = trio.SSLStream(theirs, asking, server_hostname="localhost", https_compatible=True)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(client.send_all, b"hi")
            assert b"hi" == await gate.receive_some()
        yield gate, client


async def test_tls() -> None:
    """Over TLS frames go through the same gate, but none without waiting."""
    async with tls_pair() as (gate, client):
        assert 0 == gate.try_send(BIG)
        async with trio.open_nursery() as nursery:
            for _ in range(2):
                nursery.start_soon(gate.send_all, BIG)
            assert BIG * 2 == await read_exactly(client, 2 * len(BIG))
            nursery.start_soon(gate.send_eof)
        assert 2 * len(BIG) == gate.bytes_sent
        await gate.aclose()
        assert b"" == await client.receive_some()


async def test_cancelled_over_tls() -> None:
    """A frame that is cut over TLS ends the connection as well."""
    async with tls_pair() as (gate, client):
        async with trio.open_nursery() as nursery:
            with trio.CancelScope() as scope:
                nursery.start_soon(_read_and_cancel, client, 10_000, scope)
                await gate.send_all(BIG)

        assert gate.is_broken
        rest = await read_to_end(client)
        assert BIG[10_000:].startswith(rest)
        assert 10_000 + len(rest) < len(BIG)


@pytest.mark.parametrize("operation", ["send", "receive", "close"])
async def test_abort_over_tls(operation: str) -> None:
    """Abort ends whoever is blocked over TLS."""
    async with tls_pair() as (gate, _client):

        async def blocked() -> None:
            with pytest.raises((trio.ClosedResourceError, trio.BrokenResourceError)):
                await (gate.send_all(BIG) if operation == "send" else gate.receive_some())

        with trio.fail_after(5):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(blocked)
                await wait_all_tasks_blocked()
                if operation == "close":
                    await gate.aclose()
                else:
                    gate.abort()
        await gate.aclose()


async def test_no_tls_at_all() -> None:
    """A client that speaks no TLS where TLS is spoken breaks the gate, and nothing else."""
    serving = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    trustme.CA().issue_cert("localhost").configure_cert(serving)
    async with tcp_pair() as (ours, theirs):
        gate = Gate(trio.SSLStream(ours, serving, server_side=True, https_compatible=True))
        await theirs.send_all(b"GET / HTTP/1.1\r\n\r\n")

        with pytest.raises(trio.BrokenResourceError):
            await gate.receive_some()
        assert gate.is_broken
        await gate.aclose()

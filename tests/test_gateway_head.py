"""Reading a head from a stream, and handing the stream on."""

from __future__ import annotations

import pytest
import trio
from trio.testing import assert_checkpoints, memory_stream_pair, wait_all_tasks_blocked
from wsproto.events import Pong, TextMessage

from atomic_store.gateway.stream.fragments import FrameCounter
from atomic_store.gateway.stream.gate import Gate
from atomic_store.gateway.stream.head import ReplayStream, read_head
from atomic_store.gateway.stream.request_head import BadHead, parse_head
from gateway_streams import HEAD, client_frames, read_exactly, reset, tcp_pair


async def test_a_head_in_pieces() -> None:
    """However it comes, the head is read, and what came behind it is kept."""
    for step in (1, 7, 1000):
        ours, theirs = memory_stream_pair()
        data = HEAD + b"rest"

        async with trio.open_nursery() as nursery:

            async def send(end: trio.abc.SendStream, data: bytes, step: int) -> None:
                for at in range(0, len(data), step):
                    await end.send_all(data[at : at + step])
                    await wait_all_tasks_blocked()

            nursery.start_soon(send, theirs, data, step)
            with assert_checkpoints():
                head = await read_head(Gate(ours))

        assert head.is_upgrade
        assert HEAD == head.raw
        assert data.startswith(head.raw + head.rest)


@pytest.mark.parametrize("cut", range(0, len(HEAD), 5))
@pytest.mark.parametrize("how", ["end", "reset"])
async def test_a_head_that_breaks_off(cut: int, how: str) -> None:
    """Whoever leaves inside of a head is answered if it may still read."""
    async with tcp_pair() as (ours, theirs):
        if cut:
            await theirs.send_all(HEAD[:cut])
        with trio.fail_after(5):
            async with trio.open_nursery() as nursery:
                if how == "end":
                    await theirs.send_eof()
                else:
                    nursery.start_soon(_reset_later, theirs)
                with pytest.raises(BadHead if how == "end" else trio.BrokenResourceError):
                    await read_head(Gate(ours))


async def _reset_later(theirs: trio.SocketStream) -> None:
    await wait_all_tasks_blocked()
    reset(theirs)


async def test_a_slow_head() -> None:
    """The caller's time is what a client has, and nothing is left over of it."""
    ours, theirs = memory_stream_pair()
    await theirs.send_all(HEAD[:-1])

    async with trio.open_nursery() as nursery:
        with trio.CancelScope() as scope:
            nursery.start_soon(_cancel_later, scope)
            await read_head(Gate(ours))
    assert scope.cancelled_caught


async def _cancel_later(scope: trio.CancelScope) -> None:
    await wait_all_tasks_blocked()
    scope.cancel()


async def test_garbage_without_an_end() -> None:
    """What never becomes a head is read up to a small bound."""
    ours, theirs = memory_stream_pair()
    gate = Gate(ours)
    await theirs.send_all(b"GET /" + b"a" * 1_000_000)

    with pytest.raises(BadHead, match="at most 8192 bytes"):
        await read_head(gate)
    assert gate.bytes_received <= 2 * 8192


@pytest.mark.parametrize("most", [None, 1, 10, 65536])
async def test_replaying(most: int | None) -> None:
    """The head comes again; the frames behind it only when something was sent."""
    ours, theirs = memory_stream_pair()
    frames = client_frames().send(TextMessage(data="early")) * 3
    head = parse_head(HEAD, frames[:7])
    stream = ReplayStream(Gate(ours), head)
    await theirs.send_all(frames[7:])

    received = b""
    while len(received) < len(HEAD):
        with assert_checkpoints():
            received += await stream.receive_some(most)
    assert HEAD == received

    async with trio.open_nursery() as nursery:

        async def receive() -> None:
            nonlocal received
            while len(received) < len(HEAD + frames):
                received += await stream.receive_some(most)

        nursery.start_soon(receive)
        await wait_all_tasks_blocked()
        assert HEAD == received
        await stream.send_all(b"101")
    assert HEAD + frames == received
    assert b"101" == await read_exactly(theirs, 3)

    await theirs.aclose()
    assert b"" == await stream.receive_some(most)
    await stream.wait_send_all_might_not_block()
    await stream.aclose()
    with pytest.raises(trio.ClosedResourceError):
        await stream.receive_some(most)


@pytest.mark.parametrize("end", ["closed", "aborted"])
async def test_waiting_for_an_answer_ends(end: str) -> None:
    """Whoever waits for what follows the head learns that nothing will."""
    ours, _theirs = memory_stream_pair()
    gate = Gate(ours)
    stream = ReplayStream(gate, parse_head(HEAD))
    await stream.receive_some()

    async def receive() -> None:
        with pytest.raises(trio.ClosedResourceError):
            await stream.receive_some()

    with trio.fail_after(5):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(receive)
            await wait_all_tasks_blocked()
            if end == "closed":
                await stream.aclose()
            else:
                gate.abort()
                with pytest.raises(trio.ClosedResourceError):
                    await stream.send_all(b"101")


async def test_a_read_is_a_few_frames() -> None:
    """However many tiny frames come at once, others have their turn between them."""
    ours, theirs = memory_stream_pair()
    stream = ReplayStream(Gate(ours), parse_head(HEAD), FrameCounter(frames_a_read_max=10))
    await stream.receive_some()
    await stream.send_all(b"101")
    pong = client_frames().send(Pong())
    await theirs.send_all(pong * 1000)

    sizes = []
    for _ in range(100):
        with assert_checkpoints():
            sizes.append(len(await stream.receive_some()))

    assert [10 * len(pong)] * 100 == sizes


async def test_endless_fragments_end_it() -> None:
    """A message of too many fragments aborts the connection."""
    ours, theirs = memory_stream_pair()
    gate = Gate(ours)
    stream = ReplayStream(gate, parse_head(HEAD), FrameCounter(fragments_max=50))
    await stream.receive_some()
    await stream.send_all(b"101")
    client = client_frames()
    await theirs.send_all(
        b"".join(client.send(TextMessage(data="", message_finished=False)) for _ in range(60))
    )

    with pytest.raises(trio.BrokenResourceError, match="more than 50 fragments"):
        await stream.receive_some()
    assert gate.is_broken
    with pytest.raises(trio.ClosedResourceError):
        await stream.receive_some()


async def test_no_secret_is_shown() -> None:
    """A token in a head is in nobody's log."""
    ours, _theirs = memory_stream_pair()
    head = parse_head(HEAD[:-2] + b"Authorization: Bearer hush\r\n\r\n")
    stream = ReplayStream(Gate(ours), head)

    assert "hush" not in repr(head)
    assert "hush" not in repr(stream)

"""The gate, over streams in memory: whole frames, or nothing ever again."""

from __future__ import annotations

import pytest
import trio
from trio.testing import (
    MockClock,
    assert_checkpoints,
    lockstep_stream_pair,
    memory_stream_pair,
    wait_all_tasks_blocked,
)

from atomic_store.gateway.stream.frames import text_frame
from atomic_store.gateway.stream.gate import Gate
from gateway_streams import read_exactly, read_to_end

FRAME = text_frame(b"0123456789")


async def test_it_passes_bytes_on() -> None:
    """What is sent and received is the stream's, and is counted."""
    ours, theirs = memory_stream_pair()
    gate = Gate(ours)

    with assert_checkpoints():
        await gate.send_all(FRAME)
    with assert_checkpoints():
        await gate.send_frames(FRAME)
    await theirs.send_all(b"hello")
    with assert_checkpoints():
        assert b"hel" == await gate.receive_some(3)
    assert b"lo" == await gate.receive_some()
    assert FRAME * 2 == await read_exactly(theirs, 2 * len(FRAME))
    assert (2 * len(FRAME), 5) == (gate.bytes_sent, gate.bytes_received)
    assert not gate.is_broken
    assert not gate.has_half_frame

    await theirs.aclose()
    assert b"" == await gate.receive_some()


async def test_nothing_is_a_frame_too() -> None:
    """Sending nothing sends nothing, and still lets others run."""
    ours, _theirs = memory_stream_pair()
    gate = Gate(ours)

    with assert_checkpoints():
        await gate.send_all(b"")
    with assert_checkpoints():
        await gate.finish()
    assert 0 == gate.bytes_sent


@pytest.mark.parametrize("taken", range(len(FRAME)))
async def test_cancelled_in_mid_send(taken: int) -> None:
    """At whatever byte a send is cancelled, the client gets nothing of another frame."""
    ours, theirs = lockstep_stream_pair()
    gate = Gate(ours)

    async with trio.open_nursery() as nursery:
        with trio.CancelScope() as scope:
            nursery.start_soon(_cancel_after, scope, theirs, taken)
            await gate.send_all(FRAME)

    assert scope.cancelled_caught
    assert gate.is_broken
    assert gate.has_half_frame
    for send in (gate.send_all, gate.send_frames):
        with pytest.raises(trio.BrokenResourceError):
            await send(FRAME)
    with pytest.raises(trio.BrokenResourceError):
        gate.try_send(FRAME)
    with pytest.raises(trio.BrokenResourceError):
        await gate.finish()
    with pytest.raises(trio.ClosedResourceError):
        await gate.receive_some()
    with trio.fail_after(5):
        # What was on its way may arrive: it is of the frame that was cut, and nothing follows.
        assert FRAME[taken:].startswith(await read_to_end(theirs))


async def _cancel_after(scope: trio.CancelScope, theirs: trio.abc.Stream, count: int) -> None:
    await wait_all_tasks_blocked()
    assert FRAME[:count] == await read_exactly(theirs, count)
    await wait_all_tasks_blocked()
    scope.cancel()


async def test_cancelled_in_the_queue() -> None:
    """Whoever is cancelled before its turn has sent nothing, and nothing is broken."""
    ours, theirs = lockstep_stream_pair()
    gate = Gate(ours)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(gate.send_all, FRAME)
        await wait_all_tasks_blocked()
        with trio.CancelScope() as scope:
            scope.cancel()
            await gate.send_all(b"never")
        with trio.CancelScope() as scope:
            nursery.start_soon(_cancel_when_blocked, scope)
            await gate.send_all(b"never")
        assert not gate.is_broken
        assert FRAME == await read_exactly(theirs, len(FRAME))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(gate.send_all, FRAME)
        assert FRAME == await read_exactly(theirs, len(FRAME))


async def _cancel_when_blocked(scope: trio.CancelScope) -> None:
    await wait_all_tasks_blocked()
    scope.cancel()


async def test_senders_take_turns() -> None:
    """What many tasks send at the same time comes whole, and in the order in which they came."""
    ours, theirs = lockstep_stream_pair()
    gate = Gate(ours)
    frames = [text_frame(bytes([65 + n]) * 40_000) for n in range(5)]

    async with trio.open_nursery() as nursery:
        for frame in frames:
            nursery.start_soon(gate.send_all, frame)
            await wait_all_tasks_blocked()
        assert b"".join(frames) == await read_exactly(theirs, sum(map(len, frames)))


async def test_trying_needs_a_plain_socket() -> None:
    """A stream that is no socket takes nothing without waiting."""
    ours, _theirs = memory_stream_pair()

    assert 0 == Gate(ours).try_send(FRAME)


@pytest.mark.parametrize("who", ["sender", "waiter", "receiver"])
async def test_abort_ends_all(who: str) -> None:
    """Abort does not wait, and whoever does is told at once."""
    ours, theirs = lockstep_stream_pair()
    gate = Gate(ours)

    async def send() -> None:
        with pytest.raises(trio.ClosedResourceError):
            await gate.send_all(FRAME)

    async def receive() -> None:
        with pytest.raises(trio.ClosedResourceError):
            await gate.receive_some()

    with trio.fail_after(5):
        async with trio.open_nursery() as nursery:
            if who != "receiver":
                nursery.start_soon(send)
            await wait_all_tasks_blocked()
            nursery.start_soon(receive if who == "receiver" else send)
            await wait_all_tasks_blocked()
            gate.abort()
            gate.abort()
        assert gate.is_broken
        await gate.aclose()
        assert FRAME.startswith(await read_to_end(theirs))


async def test_a_client_that_is_gone() -> None:
    """A client that closed breaks the gate for whoever sends."""
    ours, theirs = memory_stream_pair()
    gate = Gate(ours)
    theirs.send_stream.close()
    theirs.receive_stream.close()

    for _ in range(2):
        with pytest.raises(trio.BrokenResourceError):
            await gate.send_all(FRAME)
    assert gate.is_broken
    await gate.aclose()


async def test_closing() -> None:
    """Closing may be repeated; afterwards nothing goes either way."""
    ours, theirs = memory_stream_pair()
    gate = Gate(ours)
    await gate.send_all(FRAME)

    with assert_checkpoints():
        await gate.aclose()
    with assert_checkpoints():
        await gate.aclose()

    assert FRAME == await read_to_end(theirs)
    with pytest.raises(trio.ClosedResourceError):
        await gate.send_all(FRAME)
    with pytest.raises(trio.ClosedResourceError):
        await gate.receive_some()
    with pytest.raises(trio.ClosedResourceError):
        gate.try_send(FRAME)
    with pytest.raises(trio.ClosedResourceError):
        await gate.wait_send_all_might_not_block()
    with pytest.raises(trio.ClosedResourceError):
        await gate.send_eof()


async def test_how_long_nothing_was_taken(autojump_clock: MockClock) -> None:
    """It is counted from when there was something to take, or some of it was taken last."""
    ours, theirs = lockstep_stream_pair()
    gate = Gate(ours)

    await trio.sleep(100)
    assert 0.0 == gate.stalled_s
    async with trio.open_nursery() as nursery:
        nursery.start_soon(gate.send_all, bytes(40_000))
        await trio.sleep(10)
        nursery.start_soon(gate.send_all, FRAME)
        await trio.sleep(10)
        assert 20.0 == gate.stalled_s
        assert 100.0 == gate.last_progress
        # A part of what it was given: the stream does not tell, but the gate gives it parts.
        await read_exactly(theirs, 20_000)
        await trio.sleep(5)
        assert 5.0 == gate.stalled_s
        await read_exactly(theirs, 20_000 + len(FRAME))
    assert 0.0 == gate.stalled_s


async def test_when_something_was_received_last(autojump_clock: MockClock) -> None:
    """The end of what a client sends is no sign of it."""
    ours, theirs = memory_stream_pair()
    gate = Gate(ours)
    assert 0.0 == gate.last_received

    await trio.sleep(7)
    await theirs.send_all(b"hello")
    await gate.receive_some()
    assert 7.0 == gate.last_received

    await trio.sleep(7)
    await theirs.aclose()
    assert b"" == await gate.receive_some()
    assert 7.0 == gate.last_received


async def test_what_could_not_be_aborted() -> None:
    """A stream that can only be closed by waiting is refused from the beginning."""

    class Slow(trio.abc.Stream):
        async def send_all(self, data: object) -> None: ...
        async def wait_send_all_might_not_block(self) -> None: ...
        async def receive_some(self, max_bytes: int | None = None) -> bytes:
            return b""

        async def aclose(self) -> None: ...

    with pytest.raises(TypeError, match=r"plain close\(\), found .*Slow"):
        Gate(Slow())


async def test_lingering(autojump_clock: MockClock) -> None:
    """What still comes is thrown away until the client closes, or a limit, or the caller's time."""
    ours, theirs = memory_stream_pair()
    gate = Gate(ours)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(gate.linger, 1000)
        await theirs.send_all(bytes(500))
        await wait_all_tasks_blocked()
        with pytest.raises(trio.BusyResourceError):
            await gate.receive_some()
        await theirs.send_all(bytes(500))
    with pytest.raises(trio.ClosedResourceError):
        await gate.receive_some()

    ours, _theirs = memory_stream_pair()
    gate = Gate(ours)
    with trio.move_on_after(3):
        await gate.linger(1000)
    with pytest.raises(trio.ClosedResourceError):
        await gate.receive_some()
    assert 3.0 == trio.current_time()

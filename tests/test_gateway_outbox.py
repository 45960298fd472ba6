"""What waits to be sent: bounded, answers first, and whoever waits for room is told."""

from __future__ import annotations

import attrs
import trio
from trio.testing import wait_all_tasks_blocked

from atomic_store.gateway.outbox import Outbox
from atomic_store.gateway.stream.frames import text_frame


@attrs.define(eq=False)
class Sink:
    """Takes what it is sent, once it may."""

    may_take: trio.Event = attrs.Factory(trio.Event)
    taken: bytes = b""
    part: int | None = None
    """How much `try_send` takes; None for all."""

    async def send_frames(self, data: bytes) -> None:
        await self.may_take.wait()
        self.taken += data

    def try_send(self, data: bytes) -> int:
        part = len(data) if self.part is None else self.part
        self.taken += data[:part]
        return part

    async def finish(self) -> None:
        await self.may_take.wait()
        self.taken += b"<rest>"


async def test_all_who_wait_for_room_are_told(nursery: trio.Nursery) -> None:
    """Any number of tasks may wait for room; when there is some, each of them goes on."""
    sink, gone_on = Sink(), []
    outbox = Outbox(sink, bytes_max=10)

    async def wait(number: int) -> None:
        await outbox.room()
        gone_on.append(number)

    outbox.bulk(b"x" * 20)
    for number in range(5):
        nursery.start_soon(wait, number)
    nursery.start_soon(outbox.drained)
    await wait_all_tasks_blocked()
    assert [] == gone_on
    nursery.start_soon(outbox.run)
    sink.may_take.set()
    await wait_all_tasks_blocked()
    assert [0, 1, 2, 3, 4] == sorted(gone_on)
    outbox.close()


async def test_all_who_wait_are_told_of_the_end(nursery: trio.Nursery) -> None:
    """Nobody waits for room in an outbox that has been closed, or for it to be empty."""
    gone_on = []
    outbox = Outbox(Sink(), bytes_max=10)

    async def wait(name: str) -> None:
        await (outbox.room() if name == "room" else outbox.drained())
        gone_on.append(name)

    outbox.bulk(b"x" * 20)
    for name in ("room", "drained", "room"):
        nursery.start_soon(wait, name)
    await wait_all_tasks_blocked()
    outbox.close()
    await wait_all_tasks_blocked()
    assert ["drained", "room", "room"] == sorted(gone_on)
    assert 0 == outbox.size


async def test_answers_go_first(nursery: trio.Nursery) -> None:
    """Answers overtake records that wait, but never half a message."""
    sink = Sink(part=3)
    outbox = Outbox(sink, bytes_max=1000)
    assert outbox.send_now(b"abcdef")
    outbox.bulk(b"record")
    outbox.answer(b"answer")
    nursery.start_soon(outbox.run)
    sink.may_take.set()
    await outbox.drained()
    assert b"abc" + text_frame(b"answer") + text_frame(b"record") == sink.taken
    outbox.close()


async def test_the_rest_is_sent_alone(nursery: trio.Nursery) -> None:
    """What was begun at once is finished, also if nothing follows."""
    sink = Sink(part=3)
    outbox = Outbox(sink, bytes_max=1000)
    assert outbox.send_now(b"abcdef")
    assert not outbox.is_idle
    nursery.start_soon(outbox.run)
    sink.may_take.set()
    await outbox.drained()
    assert b"abc<rest>" == sink.taken
    outbox.close()


async def test_an_answer_is_sent_at_once(nursery: trio.Nursery) -> None:
    """An answer does not wait for a task where the socket takes it; what it does not take lies."""
    sink = Sink()
    outbox = Outbox(sink, bytes_max=10)
    outbox.answer(b"one")
    outbox.bulk(b"record")
    outbox.answer(b"two")
    assert text_frame(b"one") == sink.taken
    nursery.start_soon(outbox.run)
    sink.may_take.set()
    await outbox.drained()
    assert text_frame(b"one") + text_frame(b"two") + text_frame(b"record") == sink.taken
    outbox.close()


async def test_ends_are_not_dropped(nursery: trio.Nursery) -> None:
    """What ends a request comes behind its records; where those are dropped, it is said still."""
    sink = Sink(part=3)
    outbox = Outbox(sink, bytes_max=1000)
    assert outbox.send_now(b"abcdef")
    outbox.bulk(b"records")
    outbox.end(b"done")
    outbox.bulk_frames(b"more records")
    outbox.answer(b"answer")
    outbox.drop_bulk()
    outbox.answer(b"goodbye")
    said = b"".join(map(text_frame, (b"answer", b"done", b"goodbye")))
    assert len(said) == outbox.size
    nursery.start_soon(outbox.run)
    sink.may_take.set()
    await outbox.drained()
    assert b"abc" + said == sink.taken

    outbox.bulk(b"records")
    outbox.end(b"done")
    await outbox.drained()
    outbox.drop_bulk()
    assert b"abc" + said + text_frame(b"records") + text_frame(b"done") == sink.taken
    assert 0 == outbox.size
    outbox.close()

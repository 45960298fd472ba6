"""Clients that send what nobody can want, or take nothing: bounded, and the others are served."""

from __future__ import annotations

import json
from typing import Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from atomic_store.gateway import Limits
from atomic_store.gateway.outbox import FrameSink, Outbox
from gateway_ends import fill, stalled
from gateway_raw import (
    BID,
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    Hosted,
    Raw,
    frame,
    hosted,
    message,
    text,
    unharmed,
    until,
)
from gateway_talk import house

SMALL = Limits(message_bytes=1000)
IMPATIENT = Limits(slow_s=0.3, outbox_bytes=100_000)
MEGABYTE = 1_000_000


def proposal(**members: Any) -> str:
    """Write a proposal with something odd about it."""
    usual = {"type": "propose", "id": 1, "scope": "x", "decide": "self", "event": BID}
    return json.dumps(usual | members)


async def closed_after(raw: Raw, *sent: bytes) -> int | None:
    """Send something, all at once, and hear by which code it is closed."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(raw.send_what_is_taken, b"".join(sent))
        return await raw.closed()


@pytest.fixture
def outboxes(monkeypatch: pytest.MonkeyPatch) -> list[Outbox]:
    """The outboxes of all who connect, in order."""
    made: list[Outbox] = []

    def make(sink: FrameSink, bytes_max: int) -> Outbox:
        made.append(Outbox(sink, bytes_max))
        return made[-1]

    monkeypatch.setattr("atomic_store.gateway.connection.Outbox", make)
    return made


# --- too large, too many, no text ------------------------------------------------------------


@pytest.mark.parametrize("is_known", [True, False])
@pytest.mark.parametrize(
    "behind",
    [b"", text("x" * 5000), frame(PING, b"x"), frame(BINARY, b"x" * 5000), frame(0, b"x"), b"\xff"],
    ids=["nothing", "another", "ping", "binary", "fragment", "garbage"],
)
async def test_far_too_large(behind: bytes, is_known: bool) -> None:
    """A message of more than four times the limit ends with 1009, whatever follows at once."""
    async with hosted(limits=SMALL) as host, unharmed(host):
        async with host.client() if is_known else host.open() as raw:
            assert 1009 == await closed_after(raw, text("x" * 5000), behind)


async def test_the_end_is_heard() -> None:
    """Whoever is closed for its size is not reset: it could lose the close on its way."""
    async with hosted() as host, unharmed(host), host.client() as raw:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(raw.send_what_is_taken, text("x" * (6 * MEGABYTE)))
            await raw.frame_of(CLOSE)
            assert b"" == await raw.stream.receive_some()


async def test_far_too_large_for_real() -> None:
    """The same at the limit that there is by default, over and over."""
    sent = message("ping", x="x" * (5 * MEGABYTE))
    async with hosted() as host, unharmed(host):
        for _ in range(3):
            async with host.client() as raw:
                assert 1009 == await closed_after(raw, sent, sent)


async def test_too_large() -> None:
    """A message above the limit is answered; the connection goes on."""
    async with hosted(limits=SMALL) as host, unharmed(host), host.client() as raw:
        await raw.send(message("query", id=1, all=True, x="x" * 1000), message("ping"))
        heard = await raw.hear_one()
        assert ("too_large", 1) == (heard["code"], heard["id"])
        assert "pong" == (await raw.hear_one())["type"]


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (text("[" * 100_000), 4400),
        (text('{"type":"ping","x":%s' % ("[" * 100_000)), 4400),
        (text('{"type":"ping","x":' + "[" * 50_000 + "]" * 50_000 + "}"), 4400),
        (text("null"), 4400),
        (text(""), 4400),
        (frame(BINARY, b'{"type":"ping"}'), 4400),
        (frame(BINARY), 4400),
        (message("stats", id=0), 4409),
        (message("stats", id=2**53), 4409),
        (message("stats", id=-1), 4409),
    ],
)
async def test_what_ends_a_connection(sent: bytes, code: int) -> None:
    """What is no message at all ends the connection, and nothing else."""
    async with hosted() as host, unharmed(host), host.client() as raw:
        assert code == await closed_after(raw, sent)


@pytest.mark.parametrize("where", [0, 1, 500])
async def test_no_utf_8(where: int) -> None:
    """A text that is no UTF-8 ends its connection."""
    async with hosted() as host, unharmed(host), host.client() as raw:
        sent = bytearray(b"x" * 501)
        sent[where] = 0xFF
        await closed_after(raw, text(bytes(sent)))


@pytest.mark.parametrize(
    ("sent", "codes"),
    [
        ('{"type":"ping","x":NaN}', {4400}),
        ('{"type":"ping","x":1e999}', {"bad_message"}),
        ('{"type":"ping","x":%s}' % ("1" * 5000), {"bad_message"}),
        ('{"type":"ping","type":"pong"}', {"bad_message"}),
        ('{"type":"query","id":1,"all":true,"all":false}', {"bad_message"}),
        (r'{"type":"\ud800","id":1}', {"bad_message"}),
        (r'{"type":"query","id":1,"scope":"\ud800"}', {"bad_message"}),
        (r'{"type":"query","id":1,"scope":"\u0000"}', {"bad_message", "invalid_event"}),
        ('{"type":"nonsense","id":1}', {"unknown_type"}),
        ('{"type":7,"id":1}', {"bad_message"}),
        ('{"id":1}', {"bad_message"}),
        ('{"type":"query","id":"1","all":true}', {"bad_message"}),
        ('{"type":"query","id":1,"all":1}', {"bad_message"}),
        ('{"type":"query","id":1,"all":true,"limit":1e3}', {"bad_message"}),
        ('{"type":"query","id":1,"all":true,"scope":"x"}', {"bad_message"}),
        ('{"type":"query","id":1,"all":true,"after_sequence":1}', {"bad_message"}),
        ('{"type":"query","id":1,"all":true,"where":"(("}', {"bad_filter"}),
        ('{"type":"query","id":1,"all":true,"at":"\\u2028"}', {"bad_message"}),
        ('{"type":"hello"}', {"bad_message"}),
        ('{"type":"decide","id":9,"round":"r-9","accept":true}', {"stale_round"}),
        ('{"type":"withdraw","id":9}', {"stale_round"}),
        (proposal(scope=""), {"invalid_event"}),
        (proposal(scope="\0"), {"invalid_event"}),
        (proposal(scope=None), {"bad_message"}),
        (proposal(decide="you"), {"bad_message"}),
        (proposal(known=-1), {"bad_message"}),
        (proposal(metadata={"$by": "eve"}), {"bad_message"}),
        (proposal(proposal_id="7"), {"bad_message"}),
        (proposal(event={"type": "Bid", "data": "x" * 300_000}), {"invalid_event", "too_large"}),
        (proposal(event={"type": "", "data": 1}), {"invalid_event"}),
        (proposal(event={"type": "Bid"}), {"bad_message"}),
        (proposal(event=[]), {"bad_message"}),
    ],
)
async def test_what_is_refused(sent: str, codes: set[Any]) -> None:
    """Each bad message has its code, and changes nothing."""
    async with hosted() as host, unharmed(host), host.client() as raw:
        await raw.send(text(sent))
        heard = await raw.hear()
        assert (raw.close_code if heard is None else heard["code"]) in codes
        assert 0 == host.store.head.position
        assert {} == host.store.live_scopes()


async def test_endless_fragments() -> None:
    """A message in 20,000 empty fragments is cut off; in some thousand it is one."""
    begin, more = frame(TEXT, b'{"type":', fin=False), frame(CONTINUATION, b"", fin=False)
    async with hosted() as host, unharmed(host):
        async with host.client() as raw:
            await closed_after(raw, begin, more * 20_000)
        async with host.client() as raw:
            await raw.send(begin, more * 4000, frame(CONTINUATION, b'"ping"}'))
            assert "pong" == (await raw.hear_one())["type"]


# --- who takes nothing -----------------------------------------------------------------------


async def test_pings_whose_answers_are_not_read() -> None:
    """Answers to pings are not kept for whoever does not take them: he is not heard any more."""
    async with hosted(limits=IMPATIENT) as host, unharmed(host):
        async with host.client(buffer_bytes=4096) as raw:
            await send_until_it_ends(host, raw, frame(PING, b"x" * 125) * 2000)


@pytest.mark.parametrize(
    "sent",
    [
        message("nonsense", x="x" * 100),
        text('{"type":7}'),
        message("ping"),
        message("withdraw", id=1),
        message("hello"),
    ],
    ids=["unknown", "bad", "ping", "stale", "hello"],
)
async def test_answers_that_are_not_read(sent: bytes) -> None:
    """Whoever takes no answers is not heard any more, and then given up."""
    async with hosted(limits=IMPATIENT) as host, unharmed(host):
        async with host.client(buffer_bytes=4096) as raw:
            await send_until_it_ends(host, raw, sent * 2000)


async def test_who_takes_no_answers_is_not_read() -> None:
    """No more is taken of what such a client says than its outbox has room for answers."""
    async with house(limits=Limits(outbox_bytes=1_000)) as here:
        deaf = await here.connect()
        deaf.gate.fill()
        for _ in range(100):
            await deaf.outbox.send('{"type":"nothing like this"}')
        await wait_all_tasks_blocked()
        assert 80 < deaf.socket.inbox.statistics().current_buffer_used
        deaf.hear_all()
        deaf.gate.empty()
        for _ in range(200):
            await wait_all_tasks_blocked()

        assert ["error"] * 100 == deaf.hear_types()


async def test_queries_that_are_not_read(outboxes: list[Outbox]) -> None:
    """Pages of records are made as they are taken, also for many requests at the same time."""
    async with hosted(limits=IMPATIENT) as host:
        await fill(host.store, 100, 100_000)
        async with unharmed(host), host.client(buffer_bytes=4096) as raw:
            for id_ in range(1, 65):
                await raw.say("query", id=id_, all=True)
            await until(lambda: 0 < stalled(host))
            largest = 0
            while host.gateway.connections:
                largest = max(largest, outboxes[0].size)
                await wait_all_tasks_blocked(0.01)
            # One page each, and what may lie there before they wait.
            assert MEGABYTE < largest < 64 * 200_000 + 100_000


async def test_a_subscriber_that_does_not_read(outboxes: list[Outbox]) -> None:
    """Ten megabytes of records do not pile up for whoever takes none, and others get them."""
    async with hosted(limits=Limits(slow_s=1)) as host:
        async with host.client(buffer_bytes=4096) as deaf, unharmed(host):
            async with host.client() as raw:
                await deaf.say("subscribe", id=1, all=True)
                await raw.say("subscribe", id=1, all=True)
                await raw.hear_type("caught_up")
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(fill, host.store, 200, 50_000)
                    positions: list[int] = []
                    sizes = [0]
                    while len(positions) < 200:
                        heard = await raw.hear_type("records")
                        positions += [one["position"] for one in heard["records"]]
                        sizes.append(outboxes[0].size)
                assert list(range(1, 201)) == positions
                # What may lie there before it has to wait, and a page.
                assert max(sizes) < 6 * MEGABYTE
                await until(lambda: 1 == host.gateway.connections)


def _connections(host: Hosted) -> list[Any]:
    return list(host.gateway._entrance.connections.values())


async def send_until_it_ends(host: Hosted, raw: Raw, sent: bytes) -> None:
    """Send the same again and again and take nothing, until the gateway has had enough."""
    (connection,) = _connections(host)
    total = 0
    with pytest.raises(trio.BrokenResourceError):
        while True:
            await raw.send(sent)
            total += len(sent)
            assert total < 30 * MEGABYTE, "it takes whatever comes"
    await until(lambda: 0 == host.gateway.connections)
    assert 4508 == connection.code


# --- who may be there, or not -------------------------------------------------------------------


async def test_half_open() -> None:
    """Whoever says nothing is asked whether he is there, and given up when he does not answer."""
    async with hosted(limits=Limits(heartbeat_s=0.1)) as host, unharmed(host):
        began = trio.current_time()
        async with host.client() as raw:
            await raw.hear_all()
            assert raw.close_code is None
            assert 0.2 <= trio.current_time() - began < 5
            assert 1 == raw.pings


async def test_a_browser() -> None:
    """A client that only answers pings, as browsers do by themselves, stays."""
    async with hosted(limits=Limits(heartbeat_s=0.1)) as host, unharmed(host):
        async with host.client() as raw:
            for _ in range(3):
                await raw.send(frame(PONG, (await raw.frame_of(PING)).payload))


async def test_a_gateway_with_nothing_to_say() -> None:
    """Whoever is sent nothing is told now and then that the gateway is there."""
    async with hosted(limits=Limits(heartbeat_s=0.1)) as host, unharmed(host):
        async with host.client() as raw, trio.open_nursery() as nursery:

            async def go_on() -> None:
                while True:
                    await raw.send(frame(PONG))
                    await trio.sleep(0.03)

            nursery.start_soon(go_on)
            for _ in range(3):
                assert {"type": "ping"} == await raw.hear_one()
            nursery.cancel_scope.cancel()


async def test_slow_and_there() -> None:
    """Whoever takes what it is sent, slowly, is no more silent than it is listened to."""
    limits = Limits(heartbeat_s=0.15, outbox_bytes=50_000)
    async with hosted(limits=limits) as host:
        await fill(host.store, 40, 100_000)
        async with unharmed(host), host.client(buffer_bytes=4096) as raw:
            for id_ in range(1, 20):
                await raw.say("query", id=id_, all=True, limit=40)
            began, taken = trio.current_time(), 0
            while trio.current_time() - began < 1:
                data = await raw.stream.receive_some(2000)
                taken += len(data)
                assert data
                await trio.sleep(0.001)
            assert 1 == host.gateway.connections

"""The link: connecting again, when and when not, and noticing that nobody is there."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from atomic_store.gateway import GatewayClosed, Outage
from atomic_store.gateway.client.link import CONNECT_S
from atomic_store.gateway.protocol import client_messages as asked
from atomic_store.gateway.protocol import server_messages as said
from atomic_store.gateway.protocol.codes import FINAL_CLOSES, CloseCode, ErrorCode
from bids import accept
from conversations import accepted, validate, wire
from fake_gateways import FakeGateway, Peer, talking
from proposals import BID, client_asks_figures


def gaps(gateway: FakeGateway) -> list[float]:
    """The waits between attempts to connect."""
    return [after - before for before, after in pairwise(gateway.attempts)]


# --- a proposal's life ------------------------------------------------------------------------


async def test_lost_before_it_was_sent(autojump_clock: MockClock) -> None:
    """A proposal made while there is no connection is sent on the next one."""
    async with talking() as (client, gateway, peer), trio.open_nursery() as nursery:
        gateway.refusals = 3
        await peer.cut()
        await wait_all_tasks_blocked()
        nursery.start_soon(serve_whole_life, gateway, "")
        assert (await client.store_if_valid(BID, accept, scope="lot")).was_accepted


@pytest.mark.parametrize("point", ["sent", "past", "round", "decided", "result"])
async def test_lost_at_each_point(autojump_clock: MockClock, point: str) -> None:
    """Wherever the connection is lost, the same proposal is made again, and answered once."""
    ids: list[str] = []
    ran: list[int] = []

    async def decide(request: Any) -> Any:
        ran.append(request.sequence)
        if point == "round" and len(ran) == 1:
            await trio.sleep_forever()
        return request.accept()

    async with talking() as (client, gateway, peer), trio.open_nursery() as nursery:

        async def serve() -> None:
            ids.append(await serve_until(peer, point))
            ids.append(await serve_whole_life(gateway, point))

        nursery.start_soon(serve)
        result = await client.store_if_valid(BID, decide, scope="lot")

    assert result.was_accepted
    assert (point == "result") is result.is_duplicate
    assert ids[0] == ids[1]
    times = {"sent": 1, "past": 1, "round": 2, "decided": 2, "result": 1}
    assert [1] * times[point] == ran


async def serve_until(peer: Peer, point: str) -> str:
    """Serve a proposal up to a point, and cut the connection there; the proposal's id."""
    proposal = await peer.hear(asked.Propose)
    if point != "sent":
        await peer.say(said.Past(id=1, after=0, records=[wire(1)], through=1))
    if point not in ("sent", "past"):
        await peer.say(validate(1, "r-1", 1))
        await wait_all_tasks_blocked()
    if point in ("decided", "result"):
        await peer.hear(asked.Decide)
    await wait_all_tasks_blocked()
    await peer.cut()
    assert proposal.proposal_id is not None
    return proposal.proposal_id


async def serve_whole_life(gateway: FakeGateway, point: str) -> str:
    """Serve a proposal on the next connection, admitted before if its result was lost."""
    peer = await gateway.welcome()
    proposal = await peer.hear(asked.Propose)
    if point == "result":
        await peer.say(accepted(1, wire(2), duplicate=True))
    else:
        if proposal.known == 0:
            await peer.say(said.Past(id=1, after=0, records=[wire(1)], through=1))
        await peer.say(validate(1, "r-2", 1))
        await peer.hear(asked.Decide)
        await peer.say(accepted(1, wire(2)))
    assert proposal.proposal_id is not None
    return proposal.proposal_id


async def test_a_gateway_that_shuts_down(autojump_clock: MockClock) -> None:
    """What it could not serve any more is served by the next one, after the wait it asked for."""
    async with talking() as (client, gateway, peer), trio.open_nursery() as nursery:

        async def serve() -> None:
            await peer.hear(asked.Propose)
            await peer.say(
                said.error(ErrorCode.SHUTTING_DOWN, "soon", 1),
                said.Goodbye(reason="shutdown", reconnect_after_s=1.5),
            )
            await peer.close(CloseCode.SHUTDOWN)
            await serve_whole_life(gateway, "")

        nursery.start_soon(serve)
        assert (await client.store_if_valid(BID, accept, scope="lot")).was_accepted

    assert [1.6] == pytest.approx(gaps(gateway))


# --- when it connects again -------------------------------------------------------------


async def test_back_off(autojump_clock: MockClock) -> None:
    """Waits grow from a tenth of a second to ten, and begin anew after a connection that lasted."""
    async with talking() as (client, gateway, peer):
        await trio.sleep(30)
        gateway.refusals = 9
        await peer.cut()
        peer = await gateway.welcome()
        await peer.cut()
        peer = await gateway.welcome()
        await trio.sleep(11)
        await peer.cut()
        await client_asks_figures(client, await gateway.welcome())

    expected = [30.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10.0, 10.0, 10.0, 10.0, 11.1]
    assert expected == pytest.approx(gaps(gateway))


async def test_jitter(autojump_clock: MockClock) -> None:
    """Chance shortens each wait."""
    async with talking(chance=0.25) as (client, gateway, peer):
        gateway.refusals = 2
        await peer.cut()
        await client_asks_figures(client, await gateway.welcome())

    assert [0.025, 0.05, 0.1] == pytest.approx(gaps(gateway))


@pytest.mark.parametrize("code", list(CloseCode))
async def test_close_codes(autojump_clock: MockClock, code: CloseCode) -> None:
    """After the final ones the client stops, and says why; after all others it goes on."""
    async with talking() as (client, gateway, peer):
        await peer.close(code, "words")
        if code in FINAL_CLOSES:
            await wait_all_tasks_blocked()
            with pytest.raises(
                GatewayClosed, match=rf"gateway\.example: closed with {code}: words"
            ):
                await client.stats()
            await trio.sleep(60)
            assert 1 == len(gateway.attempts)
        else:
            await client_asks_figures(client, await gateway.welcome())


async def test_what_the_gateway_complained_of_is_told(autojump_clock: MockClock) -> None:
    """An error about the connection itself is part of the reason why it was closed."""
    async with talking() as (client, _, peer):
        await peer.say(said.error(ErrorCode.UNAUTHORIZED, "the token was taken back"))
        await peer.close(CloseCode.UNAUTHORIZED)
        await wait_all_tasks_blocked()
        with pytest.raises(GatewayClosed, match="unauthorized: the token was taken back") as raised:
            await client.stats()

    assert CloseCode.UNAUTHORIZED == raised.value.close_code


@pytest.mark.parametrize("broken", ["{", "[]", '{"type":"done","id":99}', '{"type":"result"}'])
async def test_a_broken_protocol_stops_it(autojump_clock: MockClock, broken: str) -> None:
    """A gateway that says what is no message is left for good, with an error that shows it."""
    async with talking() as (client, gateway, peer):
        await peer.say(broken)
        assert 1000 == await peer.until_closed()
        await trio.sleep(60)
        with pytest.raises(GatewayClosed, match="broke the protocol: expected"):
            await client.stats()
        assert 1 == len(gateway.attempts)


async def test_bytes_stop_it(autojump_clock: MockClock) -> None:
    """A message of bytes is none of this protocol."""
    async with talking() as (client, _, peer):
        await peer.websocket.send_message(b"{}")
        await wait_all_tasks_blocked()
        with pytest.raises(GatewayClosed, match="found one of bytes"):
            await client.stats()


# --- an outage --------------------------------------------------------------------------


async def test_why_there_is_no_connection(autojump_clock: MockClock) -> None:
    """It is told why, since when and when the next one is tried, until there is one again."""
    seen: list[Outage | None] = []
    async with talking() as (client, gateway, peer):
        seen.append(client.outage)
        gateway.refusals = 1
        lost_at = trio.current_time()
        await peer.cut()
        await wait_all_tasks_blocked()
        seen.append(client.outage)
        await trio.sleep(0.15)
        seen.append(client.outage)
        await gateway.welcome()
        await wait_all_tasks_blocked()
        seen.append(client.outage)

    expected = [
        None,
        ("gateway.example: closed with 1006", 0.0, 0.1),
        ("gateway.example: no connection: nobody is there", 0.0, 0.3),
        None,
    ]
    assert expected == [
        one and (one.reason, one.since - lost_at, round((one.next_try or 0) - lost_at, 6))
        for one in seen
    ]


async def test_an_outage_for_good(autojump_clock: MockClock) -> None:
    """Where there will be no connection any more, there is no next try."""
    async with talking() as (client, _, peer):
        await peer.close(CloseCode.UNAUTHORIZED)
        await wait_all_tasks_blocked()
        assert client.outage is not None
        assert client.outage.next_try is None


# --- silence ----------------------------------------------------------------------------


async def test_a_silent_gateway_is_left(autojump_clock: MockClock) -> None:
    """After two and a half heartbeats without a word there is another connection."""
    async with talking() as (client, gateway, _):
        await client_asks_figures(client, await gateway.welcome())

    assert [2.5 * 20 + 0.1] == pytest.approx(gaps(gateway))


async def test_a_gateway_that_pings_is_not_left(autojump_clock: MockClock) -> None:
    """A word now and then is enough, and each is answered."""
    async with talking() as (client, gateway, peer):
        for _ in range(10):
            await trio.sleep(45)
            await peer.say(said.Ping())
            assert '{"type":"pong"}' == await peer.websocket.get_message()
        await client_asks_figures(client, peer)

    assert [] == gaps(gateway)


async def test_a_gateway_that_does_not_welcome(autojump_clock: MockClock) -> None:
    """One that shakes hands and then says nothing is left after a while."""
    async with talking() as (client, gateway, peer):
        await peer.cut()
        await gateway.accept()
        await client_asks_figures(client, await gateway.welcome())

    assert [0.1, CONNECT_S + 0.2] == pytest.approx(gaps(gateway))


async def test_a_gateway_that_does_not_shake_hands(autojump_clock: MockClock) -> None:
    """One that takes the connection and nothing else is left after a while."""
    async with talking() as (client, gateway, peer):
        await peer.cut()
        await gateway.accept_stream()
        await client_asks_figures(client, await gateway.welcome())

    assert [0.1, CONNECT_S + 0.2] == pytest.approx(gaps(gateway))


async def test_a_gateway_that_reads_nothing(autojump_clock: MockClock) -> None:
    """A send that gets stuck holds up nobody: silence ends the connection, and all goes on."""
    async with talking() as (client, gateway, _), trio.open_nursery() as nursery:
        ours = gateway.streams[0]
        stuck = trio.Event()

        async def get_stuck() -> None:
            stuck.set()
            await trio.sleep_forever()

        ours.send_stream.send_all_hook = get_stuck  # type: ignore[attr-defined]  # a memory stream
        nursery.start_soon(client.stats)
        await stuck.wait()
        other = await gateway.welcome()
        stats = await other.hear(asked.Stats)
        await other.say(said.Done(id=stats.id))

    assert 50.1 == pytest.approx(gaps(gateway)[0])

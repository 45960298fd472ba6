"""Opening a client, and leaving it."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from atomic_store.gateway import ConnectionLost, GatewayClosed, open_client
from atomic_store.gateway.protocol import client_messages as asked
from atomic_store.gateway.protocol.codes import CloseCode
from bids import accept
from fake_gateways import fake_gateway, open_fake, talking
from proposals import BID, propose


async def test_hello(autojump_clock: MockClock) -> None:
    """The token is in the first message, and the URL's path in the handshake."""
    async with fake_gateway() as gateway, trio.open_nursery() as nursery:
        heard: list[Any] = []

        async def greet() -> None:
            peer = await gateway.accept()
            heard.append(peer.path)
            heard.append(await peer.greet())

        nursery.start_soon(greet)
        async with open_fake(gateway) as client:
            assert client.welcome is not None
            assert ("history-1", "ada") == (client.store, client.welcome.principal)

    assert ["/ws", asked.Hello(token="t")] == heard


async def test_nobody_is_there(autojump_clock: MockClock) -> None:
    """If the first connection cannot be made, opening says so at once."""
    async with fake_gateway() as gateway:
        gateway.refusals = 1
        with pytest.raises(ConnectionLost, match=r"gateway\.example: no connection: nobody is"):
            async with open_fake(gateway):
                raise AssertionError("entered")


async def test_waiting_for_a_gateway(autojump_clock: MockClock) -> None:
    """If it is told to, opening tries again until somebody is there."""
    async with fake_gateway() as gateway, trio.open_nursery() as nursery:
        gateway.refusals = 5
        nursery.start_soon(gateway.welcome)
        async with open_fake(gateway, wait_for_gateway=True):
            assert 6 == len(gateway.attempts)


async def test_opening_may_be_cancelled(autojump_clock: MockClock) -> None:
    """Whoever will not wait for a gateway cancels it."""
    async with fake_gateway() as gateway:
        gateway.refusals = 1_000
        with trio.move_on_after(5) as scope:
            async with open_fake(gateway, wait_for_gateway=True):
                raise AssertionError("entered")
        assert scope.cancelled_caught


@pytest.mark.parametrize("wait_for_gateway", [True, False])
async def test_not_welcome(autojump_clock: MockClock, wait_for_gateway: bool) -> None:
    """A gateway that refuses the token ends the opening, also where that would wait."""
    async with fake_gateway() as gateway, trio.open_nursery() as nursery:

        async def refuse() -> None:
            peer = await gateway.accept()
            await peer.hear(asked.Hello)
            await peer.close(CloseCode.UNAUTHORIZED, "no such token")

        nursery.start_soon(refuse)
        with pytest.raises(GatewayClosed, match="4401: no such token") as raised:
            async with open_fake(gateway, wait_for_gateway=wait_for_gateway):
                raise AssertionError("entered")

    assert 4401 == raised.value.close_code


async def test_what_the_block_raises_leaves_as_itself(autojump_clock: MockClock) -> None:
    """An error of the block is in no group of ours."""
    async with talking() as (_, gateway, peer):
        await peer.cut()
        with pytest.raises(KeyError, match="mine"):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(gateway.welcome)
                try:
                    async with open_fake(gateway, wait_for_gateway=True):
                        raise KeyError("mine")
                except KeyError as error:
                    raised = error
                nursery.cancel_scope.cancel()
            raise raised


async def test_leaving_says_what_is_to_be_said(autojump_clock: MockClock) -> None:
    """What was cancelled with the block is still withdrawn, and the close is a clean one."""
    heard: list[Any] = []
    async with fake_gateway() as gateway, trio.open_nursery() as nursery:

        async def listen() -> None:
            peer = await gateway.welcome()
            heard.append(type(await peer.hear_any()))
            scope.cancel()
            heard.append(type(await peer.hear_any()))
            heard.append(await peer.until_closed())

        nursery.start_soon(listen)
        with trio.CancelScope() as scope:
            async with open_fake(gateway) as client:
                await client.store_if_valid(BID, accept, scope="lot")

    assert scope.cancelled_caught
    assert [asked.Propose, asked.Withdraw, 1000] == heard


async def test_leaving_where_nobody_listens(autojump_clock: MockClock) -> None:
    """A gateway that does not answer the close holds up the client for a moment only."""
    async with talking() as (client, gateway, peer):
        before = trio.current_time()
        async with trio.open_nursery() as nursery:

            async def another() -> None:
                async with open_fake(gateway) as other:
                    gateway.streams[-1].send_stream.send_all_hook = trio.sleep_forever  # type: ignore[attr-defined]  # a memory stream
                    with trio.move_on_after(0.5):
                        await other.stats()

            nursery.start_soon(another)
            await gateway.welcome()
        took = trio.current_time() - before
        del client, peer

    assert took <= 5


async def test_leaving_while_the_connection_is_lost(autojump_clock: MockClock) -> None:
    """There is nobody to say anything to: it is left at once."""
    async with fake_gateway() as gateway, trio.open_nursery() as nursery:

        async def lose() -> None:
            peer = await gateway.welcome()
            gateway.refusals = 1_000
            await peer.cut()

        nursery.start_soon(lose)
        async with open_fake(gateway):
            await trio.sleep(100)
            before = trio.current_time()
        assert before == trio.current_time()


async def test_calls_end_with_the_block(autojump_clock: MockClock) -> None:
    """Whoever waits outside of it is told, and so is whoever calls later."""
    results: list[Any] = []
    async with fake_gateway() as gateway, trio.open_nursery() as nursery:
        nursery.start_soon(gateway.welcome)
        async with open_fake(gateway) as client:
            nursery.start_soon(propose, client, results, accept)
            await wait_all_tasks_blocked()
        await wait_all_tasks_blocked()
        with pytest.raises(GatewayClosed, match="the client was closed"):
            await client.stats()

    assert [GatewayClosed] == [type(error) for error in results]
    assert results[0].outcome_is_open is False


@pytest.mark.parametrize(
    ("url", "options", "kind"),
    [("http://localhost", {}, ValueError), ("ws://", {}, ValueError),
     ("ws://name:word@localhost", {}, ValueError),
     ("ws://a..b", {}, ValueError),
     ("ws://localhost", {"ssl_context": 1}, ValueError),
     ("ws://localhost", {"events": int}, TypeError)],
)  # fmt: skip
def test_what_cannot_be_opened(url: str, options: dict[str, Any], kind: type[Exception]) -> None:
    """What is wrong with the arguments is said before anything is waited for."""
    with pytest.raises(kind):
        open_client(url, **options)


def test_the_library_does_not_need_it() -> None:
    """Importing the library imports no WebSockets; importing the client does."""
    program = "import sys, {}; print('trio_websocket' in sys.modules)"
    answers = [
        subprocess.run(
            [sys.executable, "-c", program.format(name)], check=True, capture_output=True, text=True
        ).stdout
        for name in ("atomic_store", "atomic_store.gateway", "atomic_store.gateway.client")
    ]

    assert ["False\n", "False\n", "True\n"] == answers

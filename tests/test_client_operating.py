"""What operators ask a gateway for, through the client."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing
from trio.testing import MockClock

from atomic_store import open_store
from atomic_store.gateway import GatewayError, open_client, open_gateway
from atomic_store.gateway.protocol import client_messages as asked
from atomic_store.gateway.protocol import server_messages as said
from atomic_store.gateway.protocol.codes import ErrorCode
from bids import Bid, accept, lot_of
from fake_gateways import talking

SOUND = said.Verified(
    id=1, checked_bytes=90, total_bytes=90, records=3, commit="c" * 32, damage=[]
)  # fmt: skip


def so_far(done: int, id_: int = 1) -> said.Verified:
    """How far a check is."""
    return said.Verified(id=id_, checked_bytes=done, total_bytes=90)


async def test_verifying(autojump_clock: MockClock) -> None:
    """Progress is told while it goes on; in the end there is what was found."""
    told: list[tuple[int, int]] = []
    found: list[Any] = []
    async with talking() as (client, _, peer), trio.open_nursery() as nursery:

        async def verify() -> None:
            found.append(
                await client.verify(on_progress=lambda done, total: told.append((done, total)))
            )

        nursery.start_soon(verify)
        assert asked.Verify(id=1) == await peer.hear(asked.Verify)
        for done in (30, 60):
            await peer.say(so_far(done))
            await trio.testing.wait_all_tasks_blocked()
            assert (done, 90) == told[-1]
        await peer.say(SOUND, said.Done(id=1))

    assert [(30, 90), (60, 90), (90, 90)] == told
    assert [SOUND] == found


async def test_verifying_again(autojump_clock: MockClock) -> None:
    """After a lost connection the check begins anew."""
    found: list[Any] = []
    async with talking() as (client, gateway, peer), trio.open_nursery() as nursery:

        async def verify() -> None:
            found.append(await client.verify())

        nursery.start_soon(verify)
        await peer.hear(asked.Verify)
        await peer.say(so_far(60))
        await peer.cut()
        peer = await gateway.welcome()
        await peer.hear(asked.Verify)
        await peer.say(SOUND, said.Done(id=1))

    assert [SOUND] == found


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ([said.error(ErrorCode.FORBIDDEN, "no", 1)], "forbidden: no"),
        ([said.Done(id=1)], "internal: expected the gateway to say what it found"),
        ([so_far(90), said.Done(id=1)], "internal: expected the gateway to say what it found"),
    ],
)
async def test_no_verification(
    autojump_clock: MockClock, answer: list[said.ServerMessage], words: str
) -> None:
    """A refusal is an error, and so is an end without a finding."""
    async with talking() as (client, _, peer), trio.open_nursery() as nursery:

        async def answers() -> None:
            await peer.hear(asked.Verify)
            await peer.say(*answer)

        nursery.start_soon(answers)
        with pytest.raises(GatewayError, match=words):
            await client.verify()


async def test_verifying_a_real_store(tmp_path: Path) -> None:
    """A gateway checks the files of its store, beside their writer."""
    with trio.fail_after(20):
        async with open_store(tmp_path / "a.store", events=Bid, scope_of=lot_of) as store:
            await store.store_if_valid(Bid("lot", "ada", 1), accept)
            async with open_gateway(store) as gateway, open_client(gateway.url) as client:
                found = await client.verify()
                assert (1, [], store.head.commit) == (found.records, found.damage, found.commit)


async def test_watching_more_scopes_than_a_page(tmp_path: Path) -> None:
    """However many scopes there are, all of them are told before what changes."""
    with trio.fail_after(60):
        async with open_store(tmp_path / "a.store", events=Bid, scope_of=lot_of) as store:
            async with trio.open_nursery() as nursery:
                for n in range(1_250):
                    nursery.start_soon(store.store_if_valid, Bid(f"lot-{n:04}", "ada", 1), accept)
            async with open_gateway(store) as gateway, open_client(gateway.url) as client:
                async with client.watch_scopes("lot-") as feed:
                    names: list[str] = []
                    while len(names) < 1_250:
                        names += [one.scope for one in await anext(feed)]
                    assert [f"lot-{n:04}" for n in range(1_250)] == names
                    await store.store_if_valid(Bid("lot-1249", "ada", 2), accept)
                    while ("lot-1249", 2) not in [(n.scope, n.sequence) for n in await anext(feed)]:
                        pass

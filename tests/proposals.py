"""Proposals through a fake gateway, up to some point of their life."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import trio

from atomic_store import JsonEvent
from atomic_store.gateway import Client
from atomic_store.gateway.protocol import client_messages as asked
from atomic_store.gateway.protocol import server_messages as said
from conversations import accepted, proposal_id, validate, wire
from fake_gateways import Peer

BID = JsonEvent("Bid", {"cents": 1})
ID = UUID(proposal_id(7))
At = Callable[[Peer], Any]
"""Brings a proposal to some point of its life, from the gateway's side."""


async def propose(client: Client[Any], results: list[Any], *args: Any, **members: Any) -> None:
    """Propose a bid in a task of its own."""
    try:
        results.append(await client.store_if_valid(BID, *args, scope="lot", **members))
    except Exception as error:
        results.append(error)


async def proposed(peer: Peer) -> None:
    """It was proposed."""
    await peer.hear(asked.Propose)


async def in_its_round(peer: Peer) -> None:
    """Its round is open."""
    await peer.hear(asked.Propose)
    await peer.say(validate(1, "r", 0))


async def decided(peer: Peer) -> None:
    """A decision has arrived."""
    await in_its_round(peer)
    await peer.hear(asked.Decide)


async def admitted(peer: Peer) -> None:
    """It is admitted."""
    await peer.say(accepted(1, wire(1)))


async def client_asks_figures(client: Client[Any], peer: Peer) -> None:
    """Ask something, to see that nothing was asked before."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(client.stats)
        stats = await peer.hear(asked.Stats)
        await peer.say(said.Done(id=stats.id))

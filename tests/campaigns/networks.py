"""
Networks that part, lose packets, and swallow peers: `python -m tests.campaigns.networks`.

Between the clients and the gateway there is a cable from one network namespace to another.
That needs root, `ip` and `iptables`; without, it says so, and ends with 77. A TCP connection
whose peer has vanished says nothing: what notices are heartbeats.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, Final
from unittest.mock import patch
from uuid import uuid4

import trio

from atomic_store import CaughtUp, JsonEvent, Result
from atomic_store.gateway import Client, open_client
from atomic_store.gateway.client import opening
from atomic_store.gateway.client.backoff import BackOff
from gateway_raw import Raw, message, request
from gateway_talk import until

from .gateway.bidders import Bidder, decide
from .gateway.network import GATEWAY, Network, open_network, reason_against
from .gateway.serving import HEARTBEAT_S
from .gateway.told import Told, stored_in

SKIPPED: Final = 77
GATEWAY_NOTICES_S: Final = 2.25 * HEARTBEAT_S
"""A silent client is asked after a heartbeat, given up after another; each quarter it looks."""
CLIENT_NOTICES_S: Final = 3 * HEARTBEAT_S
"""A silent gateway is given up after two and a half heartbeats; looked at each half."""
SLACK_S: Final = 3.0
"""How much later anything may be on a machine that is busy."""
INSIDE: Final = "ATOMIC_STORE_TESTS_INSIDE_NAMESPACE"


async def noticed(
    is_so: Callable[[], Awaitable[bool]], within_s: float, what: str, since: float | None = None
) -> str:
    """Wait until something is so; gives after how long that was."""
    began = trio.current_time() if since is None else since
    while not await is_so():
        took = trio.current_time() - began
        assert took < within_s + SLACK_S, f"{what}: expected within {within_s} s"
        await trio.sleep(0.02)
    return f"{what} after {trio.current_time() - began:.2f} s, allowed are {within_s:.2f}"


def is_lost(client: Client[Any]) -> Callable[[], Awaitable[bool]]:
    """Whether a client knows that its connection is lost."""

    async def lost() -> bool:
        return client.outage is not None

    return lost


def has_so_many(network: Network, count: int) -> Callable[[], Awaitable[bool]]:
    """Whether the gateway thinks that so many are connected."""

    async def has() -> bool:
        found = await network.gateway.count()
        return int(found["left"].get("connections", 0)) == count

    return has


async def bid(client: Client[JsonEvent], scope: str, **more: Any) -> Result[JsonEvent]:
    """Propose something that is accepted, whatever was before: whoever decides goes by the rule."""
    more.setdefault("validate", lambda request: request.accept())
    result = await client.store_if_valid(JsonEvent("Bid", {"cents": 1}), scope=scope, **more)
    assert result.was_accepted, result
    return result


@asynccontextmanager
async def dialled(network: Network) -> AsyncIterator[tuple[Raw, int]]:
    """A client that speaks in bytes, and answers no pings; gives its port along."""
    stream = await trio.open_tcp_stream(GATEWAY, network.gateway.port)
    async with stream:
        raw = Raw(stream, stream)
        host = f"{GATEWAY}:{network.gateway.port}"
        await raw.send(request(0, host=host), message("hello", token="raw"))
        await raw.head()
        await raw.hear_type("welcome")
        yield raw, stream.socket.getsockname()[1]


# --- scenes: each gives what it has measured -----------------------------------------------------


async def partition(network: Network) -> list[str]:
    """Both sides notice that they are parted; when it heals, all goes on where it was."""
    return await _parted(network, network.part, network.heal)


async def unplugged(network: Network) -> list[str]:
    """The same where the cable is out: the kernel itself knows of no way."""
    return await _parted(network, network.unplug, network.plug)


async def _parted(
    network: Network, part: Callable[[], None], heal: Callable[[], None]
) -> list[str]:
    positions: list[int] = []

    async def follow() -> None:
        async with client.subscribe() as feed:
            async for item in feed:
                if not isinstance(item, CaughtUp):
                    positions.append(item.position)  # noqa: PERF401 - as far as it comes

    async with open_client(network.url, token="ada") as client:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(follow)
            first = await bid(client, "parted")
            part()
            began = trio.current_time()
            found: list[str] = []

            async def notice(is_so: Callable[[], Awaitable[bool]], s: float, what: str) -> None:
                found.append(await noticed(is_so, s, what, began))

            async with trio.open_nursery() as asking:
                asking.start_soon(bid, client, "parted")
                async with trio.open_nursery() as both:
                    lost, gone = is_lost(client), has_so_many(network, 0)
                    both.start_soon(notice, lost, CLIENT_NOTICES_S, "the client notices")
                    both.start_soon(notice, gone, GATEWAY_NOTICES_S, "the gateway notices")
                heal()
                began = trio.current_time()
            found.append(f"its proposal is admitted {trio.current_time() - began:.2f} s later")
            head = (await bid(client, "parted")).records[0].position

            async def has_all() -> bool:
                return positions[-1:] == [head]

            await noticed(has_all, 0.0, "the subscription has it all")
            nursery.cancel_scope.cancel()
    assert positions == [*range(1, head + 1)]
    assert head >= first.records[0].position + 2
    return found


async def short_partition(network: Network) -> list[str]:
    """What is over before a heartbeat is nothing but a delay."""
    async with open_client(network.url, token="ada") as client:
        await bid(client, "short")
        welcome = client.welcome
        async with trio.open_nursery() as nursery:
            network.part()
            began = trio.current_time()
            nursery.start_soon(bid, client, "short")
            await trio.sleep(HEARTBEAT_S / 3)
            network.heal()
        took = trio.current_time() - began
        assert welcome is client.welcome, "it was another connection"
    return [f"a proposal took {took:.2f} s, on the same connection"]


async def one_way(network: Network) -> list[str]:
    """Nothing is heard from the gateway any more: the client notices, and comes back."""
    async with open_client(network.url, token="ada") as client:
        await bid(client, "one way")
        network.part_one_way()
        found = [await noticed(is_lost(client), CLIENT_NOTICES_S, "the client notices")]
        network.heal()
        await bid(client, "one way")
    return found


async def refused(network: Network) -> list[str]:
    """Everything is answered by a reset: the client knows at once, and comes back."""
    async with open_client(network.url, token="ada") as client:
        await bid(client, "refused")
        network.refuse()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(bid, client, "refused")
            found = [await noticed(is_lost(client), 0.5, "the client notices")]
            network.heal()
    return found


async def loss(network: Network, share: float = 0.2, proposals: int = 12) -> list[str]:
    """Where packets are lost it is slow, and all the same."""
    told, over, began = Told(), trio.Event(), trio.current_time()
    before = len(await stored_in(network.gateway.path))
    network.lose(share)
    async with trio.open_nursery() as nursery:
        for number in range(2):
            bidder = Bidder(
                f"lossy-{share}-{number}", network.gateway.port, told, Random(number), over,
                (f"lossy/{share}",), is_careful=True, host=GATEWAY,
            )  # fmt: skip
            nursery.start_soon(bidder.run)
        await until(lambda: proposals <= sum(one.outcome is not None for one in told.proposed))
        over.set()
    network.heal()
    stored = await stored_in(network.gateway.path)
    found = told.violations(stored[before:], first=before + 1)
    assert [] == found, found
    took = trio.current_time() - began
    return [f"{len(told.proposed)} proposals with {share:.0%} lost each way in {took:.1f} s"]


async def vanished_validator(network: Network) -> list[str]:
    """A round whose validator has vanished goes to the next one, as soon as that is noticed."""
    async with open_client(network.url, token="ada") as client, dialled(network) as (raw, port):
        async with trio.open_nursery() as nursery:
            await raw.say("validate_for", id=1, prefix="vanished/", rounds=1)
            nursery.start_soon(client.validate_for, "", decide)
            result = partial(bid, client, "vanished/1", validate=None)
            nursery.start_soon(_ending, result, nursery)
            await raw.hear_type("validate")
            network.part_from(port)
            began = trio.current_time()
        took = trio.current_time() - began
        network.heal()
    assert took < GATEWAY_NOTICES_S + SLACK_S
    return [f"the next validator decides after {took:.2f} s, allowed are {GATEWAY_NOTICES_S}"]


async def _ending(result: Callable[[], Awaitable[Any]], nursery: trio.Nursery) -> None:
    await result()
    nursery.cancel_scope.cancel()


async def vanished_proposer(network: Network) -> list[str]:
    """A round whose proposer was to decide, and has vanished, ends as soon as that is noticed."""
    async with open_client(network.url, token="ada") as client, dialled(network) as (raw, port):
        await raw.say(
            "propose", id=1, proposal_id=str(uuid4()), scope="vanished/2", decide="self",
            event={"type": "Bid", "data": {"cents": 1}},
        )  # fmt: skip
        await raw.hear_type("validate")
        network.part_from(port)
        began = trio.current_time()
        result = await bid(client, "vanished/2")
        took = trio.current_time() - began
        network.heal()
    assert 1 == result.records[0].sequence
    assert took < GATEWAY_NOTICES_S + SLACK_S
    return [f"the next round opens after {took:.2f} s, allowed are {GATEWAY_NOTICES_S}"]


Scene = Callable[[Network], Awaitable[list[str]]]
SCENES: Final[dict[str, Scene]] = {
    "partition": partition, "unplugged": unplugged, "short-partition": short_partition,
    "one-way": one_way, "refused": refused, "loss-10": partial(loss, share=0.1),
    "loss-20": loss, "loss-30": partial(loss, share=0.3),
    "vanished-validator": vanished_validator, "vanished-proposer": vanished_proposer,
}  # fmt: skip


async def play(names: Sequence[str]) -> None:
    """Play scenes one after the other, and print what they have measured."""
    with tempfile.TemporaryDirectory(prefix="network-") as directory:
        async with open_network(Path(directory)) as network:
            for name in names:
                with trio.fail_after(120):
                    for line in await SCENES[name](network):
                        print(f"{name}: {line}", flush=True)
                    await noticed(has_so_many(network, 0), GATEWAY_NOTICES_S, "all are gone")
            assert 0 == await network.gateway.stop()
            log = network.gateway.log.read_text()
            assert "Traceback" not in log, log


def main(arguments: Sequence[str] | None = None) -> int:
    """Play scenes in a namespace of their own; 77 where that cannot be."""
    parser = argparse.ArgumentParser(prog="python -m tests.campaigns.networks", description=__doc__)
    parser.add_argument("scenes", nargs="*", choices=[[], *SCENES], help="which (all)")
    asked = parser.parse_args(arguments)
    names = asked.scenes or [*SCENES]
    if os.environ.get(INSIDE):
        with patch.object(opening, "BackOff", partial(BackOff, longest_s=1.0)):
            trio.run(play, names)
        return 0
    reason = reason_against()
    if reason is not None:
        print(f"skipped: {reason}", file=sys.stderr)
        return SKIPPED
    inside = [sys.executable, "-m", "tests.campaigns.networks", *names]
    return subprocess.run(["unshare", "-n", *inside], env={**os.environ, INSIDE: "1"}).returncode


if __name__ == "__main__":
    sys.exit(main())

"""A gateway that is killed in the middle of its work: what it said stands, and nothing twice."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from subprocess import PIPE
from typing import Any
from uuid import UUID

import attrs
import trio

from atomic_store import open_reader
from gateway_raw import Raw, message, request, until
from source_tree import ROOT

CLIENTS = 50
PROPOSALS = 20
KILLS = 4
SCOPES = 7


@attrs.define(eq=False)
class Killed:
    """A gateway in a process of its own, which is killed now and then."""

    path: Path
    port: int = 0
    process: trio.Process = attrs.field(init=False)

    async def start(self) -> None:
        """Start it, again at the same place, and wait until it serves."""
        script = Path(__file__).with_name("killed_gateway.py")
        self.process = await trio.lowlevel.open_process(
            [sys.executable, str(script), str(self.path), str(self.port)], stdout=PIPE, cwd=ROOT
        )
        assert self.process.stdout is not None
        line = b""
        while not line.endswith(b"\n"):
            line += await self.process.stdout.receive_some(1)
        self.port = int(line.rpartition(b":")[2])

    async def kill(self) -> None:
        """Kill it: nothing of it runs any more."""
        self.process.kill()
        await self.process.wait()
        assert self.process.stdout is not None
        await self.process.stdout.aclose()


@asynccontextmanager
async def open_to_be_killed(path: Path) -> AsyncIterator[Killed]:
    """Serve a store for a block, with interruptions."""
    gateway = Killed(path)
    await gateway.start()
    try:
        yield gateway
    finally:
        with trio.CancelScope(shield=True):
            await gateway.kill()


@attrs.define(eq=False)
class Bidder:
    """A client that hands in its proposals one after the other, and sends again what is open."""

    number: int
    random: Random
    told: dict[str, dict[str, Any]] = attrs.Factory(dict)
    """By proposal id, the result."""
    sent: Counter[str] = attrs.Factory(Counter)

    async def run(self, gateway: Killed) -> None:
        """Go on until each proposal has its result."""
        ids = [str(UUID(int=self.random.getrandbits(128), version=4)) for _ in range(PROPOSALS)]
        while len(self.told) < PROPOSALS:
            try:
                async with dialled(gateway.port) as raw:
                    for number, id_ in enumerate(ids, 1):
                        if id_ not in self.told:
                            await self.propose(raw, number, id_)
            except (OSError, trio.BrokenResourceError, AssertionError):
                # It was killed: the connection is refused, reset, or ended.
                await trio.sleep(0.01 + self.random.random() / 20)

    async def propose(self, raw: Raw, number: int, id_: str) -> None:
        """Propose, decide, and hear the result."""
        self.sent[id_] += 1
        scope = f"lot/{(self.number + number) % SCOPES}"
        event = {"type": "Bid", "data": {"bidder": self.number, "number": number}}
        await raw.say(
            "propose", id=number, proposal_id=id_, scope=scope, event=event, decide="self",
            past=False,
        )  # fmt: skip
        while (heard := await raw.hear_one())["type"] != "result":
            if heard["type"] == "validate":
                await raw.say("decide", id=number, round=heard["round"], accept=True)
            assert heard["type"] in {"validate", "waiting"}, heard
        assert heard["accepted"], heard
        self.told[id_] = heard


@asynccontextmanager
async def dialled(port: int) -> AsyncIterator[Raw]:
    """Connect to a gateway, as whoever is at home there."""
    with trio.socket.socket() as end:
        await end.connect(("127.0.0.1", port))
        stream = trio.SocketStream(end)
        raw = Raw(stream, stream)
        await raw.send(request(port), message("hello"))
        await raw.head()
        await raw.hear_type("welcome")
        yield raw


async def test_killed_and_started_again(tmp_path: Path) -> None:
    """1,000 proposals of 50 clients, four kills: each accepted result is stored, exactly once."""
    random = Random(20261123)
    bidders = [Bidder(number, Random(random.random())) for number in range(CLIENTS)]
    async with open_to_be_killed(tmp_path / "bids.store") as gateway:
        with trio.fail_after(60):
            async with trio.open_nursery() as nursery:
                for bidder in bidders:
                    nursery.start_soon(bidder.run, gateway)
                share = CLIENTS * PROPOSALS // (KILLS + 1)
                for kill in range(KILLS):
                    count = kill * share + random.randrange(share // 2, share)
                    await until(lambda: count <= sum(len(one.told) for one in bidders))
                    await gateway.kill()
                    await gateway.start()

    told = {id_: result for bidder in bidders for id_, result in bidder.told.items()}
    assert CLIENTS * PROPOSALS == len(told)
    async with open_reader(tmp_path / "bids.store", events=None) as reader:
        stored = [record async for record in reader.read()]
    assert told.keys() == {str(record.proposal_id) for record in stored}
    assert len(told) == len(stored)
    for record in stored:
        (shown,) = told[str(record.proposal_id)]["records"]
        assert (record.position, record.scope, record.sequence) == (
            shown["position"], shown["scope"], shown["sequence"],
        )  # fmt: skip
        assert record.event.data == shown["data"]
    # It was killed in the middle of something: some were sent again.
    assert CLIENTS * PROPOSALS < sum(bidder.sent.total() for bidder in bidders)

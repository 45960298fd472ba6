"""
Storms: `python -m tests.campaigns.storms --seed N --seconds S`.

A gateway in a process of its own, many clients, and between them a proxy that does to their
connections what bad networks do; now and then the gateway is killed, or stopped, and started
again. Then the weather clears, and what everybody was told is compared with the journal. The
seed fixes what happens and what is proposed, not how the machine schedules it.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, Final
from unittest.mock import patch

import attrs
import trio

from atomic_store.gateway import open_client
from atomic_store.gateway.client import opening
from atomic_store.gateway.client.backoff import BackOff
from atomic_store.journal.verify import verify
from gateway_talk import until

from .checker import check
from .gateway.as_history import history_of, kept
from .gateway.bidders import Bidder, referee
from .gateway.broken import BROKEN
from .gateway.process import GatewayProcess, open_gateway_process
from .gateway.proxy import Proxy, open_proxy
from .gateway.raw_bidders import RawBidder
from .gateway.readers import RawFollower, ask, follow, watch
from .gateway.told import Heard, Told, stored_in

PATIENCE_S: Final = 60.0
"""How long it may take, once the weather is good, until everybody knows everything."""
HEALTHY_S: Final = 5.0
"""How long a client with a good connection may wait, as long as the gateway runs."""
MEMORY_MB: Final = 48.0
"""By how much the gateway's process may have grown in its last life."""
IMPATIENT: Final = partial(BackOff, longest_s=1.0)
"""Clients come back soon, so that a short storm hits them often."""


@attrs.frozen
class Size:
    """How many clients there are, and how bad it gets."""

    seconds: float
    proposals: int = 0
    """It goes on until so many have ended, also where the machine is slow."""
    bidders: int = 6
    raw_bidders: int = 6
    referees: int = 2
    followers: int = 3
    raw_followers: int = 3
    askers: int = 2
    pause_s: float = 0.2
    """The longest pause between two blows."""
    kills: int = 2
    """So many times it is killed, and once it is stopped."""
    resets: int | None = None
    """Nothing happens but that all connections are lost so many times, whenever some proposals
    more have ended: a small storm that is much the same on every machine."""


@attrs.define(eq=False)
class Storm:
    """One storm, as far as it has come."""

    size: Size
    random: Random
    gateway: GatewayProcess
    proxy: Proxy
    told: Told = attrs.Factory(Told)
    counts: Counter[str] = attrs.Factory(Counter)
    over: trio.Event = attrs.Factory(trio.Event)
    watched: dict[str, int] = attrs.Factory(dict)
    memory_mb: float = 0.0
    """Of the gateway's process when its last life began."""
    tasks: dict[str, int] = attrs.Factory(dict)
    """Its tasks then, by name."""
    healthy_s: float = 0.0
    """The longest that the healthy client had to wait."""
    _is_down: bool = False

    async def run(self) -> list[str]:
        """Have a storm; gives what is not as it should be."""
        await self.start()
        async with trio.open_nursery() as others:
            self._start_others(others)
            with trio.CancelScope() as patience:
                async with trio.open_nursery() as bidders:
                    for client in self._bidders():
                        bidders.start_soon(client.run)
                    bidders.start_soon(self._be_healthy)
                    await self._blow()
                    patience.deadline = trio.current_time() + PATIENCE_S
                    self.over.set()
            if patience.cancelled_caught:
                self.told.faults.append("not everybody came to know what became of his proposals")
            await self._caught_up()
            others.cancel_scope.cancel()
        await self._look_what_is_left()
        stored = await stored_in(self.gateway.path)
        # What is plainly wrong first: a history is made of positions that there are.
        return self.told.violations(stored) or [
            str(violation) for violation in check(history_of(self.told, stored), kept(stored))
        ]

    # --- who takes part -----------------------------------------------------------------------

    def _bidders(self) -> list[Bidder | RawBidder]:
        port, told, over = self.proxy.port, self.told, self.over
        clients: list[Bidder | RawBidder] = [
            Bidder(f"bidder-{n}", port, told, self._chance(), over)
            for n in range(self.size.bidders)
        ]
        clients += [
            RawBidder(f"raw-{n}", port, told, self._chance(), over)
            for n in range(self.size.raw_bidders)
        ]
        return clients

    def _start_others(self, others: trio.Nursery) -> None:
        port, told = self.proxy.port, self.told
        for n in range(self.size.referees):
            others.start_soon(referee, f"referee-{n}", port, told, self._chance())
        for n in range(self.size.followers):
            others.start_soon(follow, f"follower-{n}", port, told, self._chance())
        for n in range(self.size.raw_followers):
            others.start_soon(RawFollower(f"raw-follower-{n}", port, told, self._chance()).run)
        for n in range(self.size.askers):
            others.start_soon(ask, f"asker-{n}", port, told, self._chance())
        others.start_soon(watch, "watcher", port, told, self.watched)

    def _chance(self) -> Random:
        return Random(self.random.getrandbits(64))

    async def _be_healthy(self) -> None:
        """Propose over a good connection: as long as the gateway runs, the answer comes soon."""
        bidder = Bidder(
            "healthy", self.gateway.port, self.told, self._chance(), self.over, ("healthy",),
            is_careful=True,
        )  # fmt: skip
        url = f"ws://127.0.0.1:{bidder.port}"
        # It may be killed before there was a first connection.
        async with open_client(url, token="healthy", wait_for_gateway=True) as client:
            while not self.over.is_set():
                lives, began = self.gateway.lives, trio.current_time()
                was_there = client.outage is None
                await bidder.settle_new(client)
                if was_there and not self._is_down and lives == self.gateway.lives:
                    self.healthy_s = max(self.healthy_s, trio.current_time() - began)
                    self.counts["healthy"] += 1
                await trio.sleep(0.05)
        if self.healthy_s > HEALTHY_S:
            self.told.faults.append(f"a healthy client waited for {self.healthy_s:.1f} s")

    # --- the weather ----------------------------------------------------------------------------

    async def _blow(self) -> None:
        """Do one thing after the other to connections and gateway; then clear up."""
        began = trio.current_time()
        if self.size.resets is not None:
            await self._reset(self.size.resets)
            return
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._trouble_connections)
            await self._end_lives()
            await trio.sleep_until(began + self.size.seconds)
            await until(partial(self._has_ended, self.size.proposals))
            nursery.cancel_scope.cancel()
        self.proxy.mend()
        self.counts.update(self.proxy.counts)

    async def _reset(self, times: int) -> None:
        for number in range(1, times + 1):
            await until(partial(self._has_ended, 15 * number))
            self.proxy.reset_all()

    def _has_ended(self, count: int) -> bool:
        return count <= sum(one.ended is not None for one in self.told.proposed)

    async def _trouble_connections(self) -> None:
        ways = self._ways()
        while True:
            await trio.sleep(self.random.random() * self.size.pause_s)
            (way,) = self.random.choices([*ways], [*ways.values()])
            found = way()
            if found is not None:
                await found

    def _ways(self) -> dict[Callable[[], Coroutine[Any, Any, None] | None], float]:
        proxy = self.proxy
        return {
            proxy.reset_some: 2, proxy.reset_all: 1, proxy.tear_some: 3, proxy.half_open_some: 1,
            proxy.part_some: 2, proxy.slow_some: 2, proxy.crumble_some: 2, proxy.swizzle: 2,
            proxy.mend: 5, self._rush: 1,
        }  # fmt: skip

    async def _end_lives(self) -> None:
        """Kill the gateway now and then, and once have it stop."""
        random, count = self._chance(), self.size.kills + 1 if self.size.kills else 0
        times = sorted(random.random() * self.size.seconds for _ in range(count))
        stopped = random.randrange(count) if count else None
        began = trio.current_time()
        for number, time in enumerate(times):
            await trio.sleep_until(began + time)
            await (self._stop() if number == stopped else self._kill())

    async def _rush(self) -> None:
        """Many come at the same time, say nothing or nonsense, and go."""
        self.counts["rushed in"] += 40
        async with trio.open_nursery() as nursery:
            for _ in range(40):
                nursery.start_soon(self._come_and_go)

    async def _come_and_go(self) -> None:
        said = self.random.choice((b"", b"GET / HTTP/1.1\r\n", b"\x16\x03\x01", b"x" * 9_000))
        with trio.move_on_after(self.random.random() / 4):
            with trio.socket.socket() as end:
                try:
                    await end.connect(("127.0.0.1", self.gateway.port))
                    await end.send(said)
                    await end.recv(1_000)
                except OSError:
                    return

    async def _kill(self) -> None:
        self.counts["killed"] += 1
        self._is_down = True
        await self.gateway.kill()
        await self.start()

    async def _stop(self) -> None:
        self.counts["stopped"] += 1
        self._is_down = True
        if (code := await self.gateway.stop()) != 0:
            self.told.faults.append(f"the gateway stopped with {code}")
        await self.start()

    async def start(self) -> None:
        """Start the gateway; it decides by a function of its own, or leaves that to clients."""
        self.proxy.gateway_port = 0
        decides = ["--decides"] if self.random.random() < 0.4 else []
        await self.gateway.start("--names", str(self.proxy.port), *decides)
        found = await self.gateway.count()
        self.memory_mb, self.tasks = found["memory_mb"], found["tasks"]
        self.proxy.gateway_port = self.gateway.port
        self._is_down = False

    # --- the end --------------------------------------------------------------------------------

    async def _caught_up(self) -> None:
        """Wait until whoever follows has been given everything, and whoever watches knows it."""
        stored = await stored_in(self.gateway.path)
        last = {one.scope: one.sequence for one in stored}
        with trio.move_on_after(PATIENCE_S) as patience:
            for heard in self.told.followed:
                wanted = sum(one.scope.startswith(heard.prefix) for one in stored)
                await until(partial(_has, heard, wanted))
            await until(lambda: last == self.watched)
        if patience.cancelled_caught and last != self.watched:
            self.told.faults.append(f"whoever watches thinks {self.watched}, and it is {last}")

    async def _look_what_is_left(self) -> None:
        """The gateway has forgotten everybody; it stops without a complaint, and all is whole."""
        with trio.move_on_after(PATIENCE_S) as patience:
            while True:
                found = await self.gateway.count()
                more = Counter(found["tasks"]) - Counter(self.tasks)
                if not found["left"] and not found["streams"] and not more:
                    break
                await trio.sleep(0.1)
        if patience.cancelled_caught:
            self.told.faults.append(f"expected nothing left, found {more}, {found}")
        grown = found["memory_mb"] - self.memory_mb
        self.counts["grown by MB"] = round(grown)
        if grown > MEMORY_MB:
            self.told.faults.append(f"the gateway has grown by {grown:.0f} MB")
        await self._stop_for_good()

    async def _stop_for_good(self) -> None:
        if (code := await self.gateway.stop()) != 0:
            self.told.faults.append(f"the gateway stopped with {code}")
        log = self.gateway.log.read_text()
        if "Traceback" in log:
            self.told.faults.append(f"the gateway complained: {log}")
        verified = verify(self.gateway.path)
        self.told.faults += [f"damage: {damage}" for damage in verified.damage]

    def summary(self) -> str:
        """What happened, and how often."""
        self.counts.update(f"told {one.outcome}" for one in self.told.proposed)
        self.counts["told duplicate"] = sum(one.is_duplicate for one in self.told.proposed)
        self.counts["sent again"] = sum(one.sent > 1 for one in self.told.proposed)
        self.counts["records followed"] = sum(len(one.positions) for one in self.told.followed)
        self.counts["queries"] = len(self.told.queried)
        lines = [f"{self.counts[what]:8}  {what}" for what in sorted(self.counts)]
        return "\n".join([*lines, f"{self.healthy_s:8.3f}  s a healthy client waited at most"])


def _has(heard: Heard, count: int) -> bool:
    return len(heard.positions) >= count


async def storm(seed: int, size: Size, broken: str | None = None) -> tuple[list[str], Storm]:
    """Have a storm; gives what is not as it should be, and the storm as it was."""
    random = Random(seed)
    options = [] if broken is None else ["--broken", broken]
    with (
        tempfile.TemporaryDirectory(prefix="storm-") as directory,
        patch.object(opening, "BackOff", IMPATIENT),
    ):
        async with (
            open_proxy(Random(random.getrandbits(64))) as proxy,
            open_gateway_process(Path(directory), *options) as gateway,
        ):
            made = Storm(size, random, gateway, proxy)
            found = await made.run()
    return found, made


def main(arguments: Sequence[str] | None = None) -> int:
    """Have one storm after the other; 1 if one of them found something."""
    parser = argparse.ArgumentParser(prog="python -m tests.campaigns.storms", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="of the first storm")
    parser.add_argument("--storms", type=int, default=1, help="how many, each with the next seed")
    parser.add_argument("--seconds", type=float, default=20.0, help="how long each blows")
    parser.add_argument("--broken", choices=sorted(BROKEN), help="a promise that is broken")
    asked = parser.parse_args(arguments)
    status = 0
    for seed in range(asked.seed, asked.seed + asked.storms):
        size = Size(asked.seconds, kills=round(asked.seconds / 8))
        found, made = trio.run(storm, seed, size, asked.broken)
        print(f"storm {seed}:\n{made.summary()}")
        for violation in found:
            print(f"storm {seed}: {violation}", file=sys.stderr)
        status = 1 if found else status
    return status


if __name__ == "__main__":
    sys.exit(main())

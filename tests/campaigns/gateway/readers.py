"""Clients that follow and ask through bad networks, and write down what they are given."""

from __future__ import annotations

from itertools import count
from random import Random
from typing import Any

import attrs
import trio

from atomic_store import CaughtUp
from atomic_store.gateway import open_client
from gateway_raw import Raw

from .bidders import SCOPES
from .raw_bidders import LOST, GoneAway, dialled, heard_of
from .told import Heard, Told

GOING_AWAY = frozenset({"shutting_down", "store_failed"})
PREFIXES = ("", "lot/", "lot/1", "other/")


async def follow(name: str, port: int, told: Told, random: Random) -> None:
    """Follow with the library's own client, until cancelled."""
    heard = Heard(name, random.choice(PREFIXES), trio.current_time())
    told.followed.append(heard)
    url = f"ws://127.0.0.1:{port}"
    with told.noting(name):
        async with (
            open_client(url, token=name, wait_for_gateway=True) as client,
            client.subscribe(prefix=heard.prefix or None) as feed,
        ):
            async for item in feed:
                if not isinstance(item, CaughtUp):
                    heard.give(item.position, trio.current_time())
                if random.random() < 0.02:
                    await trio.sleep(random.random() / 2)


@attrs.define(eq=False)
class RawFollower:
    """A client that subscribes again behind what it has, whenever it is lost."""

    name: str
    port: int
    told: Told
    random: Random

    async def run(self) -> None:
        """Follow, until cancelled."""
        heard = Heard(self.name, self.random.choice(PREFIXES), trio.current_time())
        self.told.followed.append(heard)
        resume = 0
        while True:
            try:
                async with dialled(self.port, self.name) as raw:
                    await self._subscribe(raw, heard, resume)
                    while True:
                        resume = max(resume, await self._take(raw, heard))
            except (GoneAway, *LOST):
                resume = max(resume, *heard.positions[-1:], 0)
                await trio.sleep(self.random.random() / 5)

    async def _subscribe(self, raw: Raw, heard: Heard, resume: int) -> None:
        which: dict[str, Any] = {"prefix": heard.prefix} if heard.prefix else {"all": True}
        await raw.say("subscribe", id=1, after=resume, **which)

    async def _take(self, raw: Raw, heard: Heard) -> int:
        """Take a message; gives the position behind which it can be gone on."""
        found = await heard_of(raw)
        if found["type"] == "records":
            for record in found["records"]:
                heard.give(record["position"], trio.current_time())
            if self.random.random() < 0.05:
                await trio.sleep(self.random.random())
        elif found["type"] == "caught_up":
            return int(found["position"])
        elif found.get("code") in GOING_AWAY:
            raise GoneAway
        elif found["type"] in ("error", "done", "reset"):
            self.told.faults.append(f"{self.name}: {found}")
        return 0


async def ask(name: str, port: int, told: Told, random: Random) -> None:
    """Query pages, until cancelled."""
    while True:
        try:
            async with dialled(port, name) as raw:
                for id_ in count(1):
                    await _query(raw, id_, told, name, random)
                    await trio.sleep(random.random() / 5)
        except (GoneAway, *LOST):
            await trio.sleep(random.random() / 5)


async def _query(raw: Raw, id_: int, told: Told, name: str, random: Random) -> None:
    prefix = random.choice((*PREFIXES, *SCOPES))
    heard = Heard(name, prefix, trio.current_time(), after=random.choice((0, 0, 3, 40)))
    which: dict[str, Any] = {"prefix": prefix} if prefix else {"all": True}
    await raw.say("query", id=id_, after=heard.after, limit=random.choice((1, 5, 500)), **which)
    while (found := await heard_of(raw))["type"] != "done":
        if found["type"] == "goodbye":
            raise GoneAway
        if found["type"] == "records":
            for record in found["records"]:
                heard.give(record["position"], trio.current_time())
        elif found["type"] == "error":
            if found["code"] not in GOING_AWAY:
                told.faults.append(f"{name}: {found}")
            raise GoneAway
    heard.is_whole, heard.ended = found["next"] is None, trio.current_time()
    told.queried.append(heard)


async def watch(name: str, port: int, told: Told, seen: dict[str, int]) -> None:
    """Watch what scopes do, until cancelled; note each one's last sequence."""
    url = f"ws://127.0.0.1:{port}"
    with told.noting(name):
        async with (
            open_client(url, token=name, wait_for_gateway=True) as client,
            client.watch_scopes() as feed,
        ):
            async for scopes in feed:
                for one in scopes:
                    seen[one.scope] = one.sequence

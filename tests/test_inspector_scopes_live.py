"""The screen of all scopes over a gateway, with rounds that are open."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, final

import attrs
import trio
from textual.pilot import Pilot

from atomic_store import JsonEvent, Store, open_store
from atomic_store.gateway import Right, open_client, open_gateway
from atomic_store.gateway.client import Client, GatewayError
from inspector.app import Inspector
from inspector.bridge import Bridge, open_bridge
from inspector.screens.confirm import ConfirmScreen
from inspector.screens.scopes import ScopesScreen
from inspector_app import screen_of, until
from inspector_desks import HOSTILE_NAMES, control_characters, text_on

RIGHTS = {right: [""] for right in Right}
SCOPES = ["lot/1", "lot/2", *(name for name in HOSTILE_NAMES if name.isascii() and len(name) < 99)]


@final
@attrs.define(eq=False)
class House:
    """A gateway on this machine, and a client whose proposals keep their rounds open."""

    url: str
    store: Store[Any]
    client: Client[Any]
    nursery: trio.Nursery
    told: list[str] = attrs.Factory(list)

    async def hold(self, scope: str, cents: int) -> None:
        """Open a round, and hold it until somebody ends it."""
        self.nursery.start_soon(self._hold, scope, cents)
        await trio.lowlevel.checkpoint()

    async def _hold(self, scope: str, cents: int) -> None:
        async with self.client.consider(JsonEvent("Bid", {"cents": cents}), scope=scope) as request:
            await request.invalidated.wait()
            self.told.append(scope)

    async def add(self, scope: str) -> None:
        """Add an event."""
        await self.store.store_if_valid(
            JsonEvent("Bid", {}), lambda request: request.accept(), scope=scope
        )


@asynccontextmanager
async def house() -> AsyncIterator[House]:
    """A store in memory, served to whoever is on this machine."""
    async with (
        open_store(":memory:", events=None) as store,
        open_gateway(store, loopback_rights=RIGHTS) as gateway,
        open_client(gateway.url, events=None) as client,
        trio.open_nursery() as nursery,
    ):
        served = House(gateway.url, store, client, nursery)
        for scope in SCOPES:
            await served.add(scope)
        yield served
        nursery.cancel_scope.cancel()

"""The screen of all scopes over a gateway, with rounds that are open."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, final

import attrs
import trio
from textual.pilot import Pilot

from atomic_store import JsonEvent, Store, open_store
from atomic_store.gateway import Right, open_client, open_gateway
from atomic_store.gateway.client import Client
from gateway_guests import Guests
from inspector.app import Inspector
from inspector.bridge import Bridge, open_bridge
from inspector.screens.confirm import ConfirmScreen
from inspector.screens.scopes import ScopesScreen
from inspector.sources.source import Feature
from inspector_app import screen_of, until
from inspector_desks import HOSTILE_NAMES, control_characters, text_on

HOSTILE = [
    name
    for name in HOSTILE_NAMES
    if "\0" not in name and len(name.encode("utf-8", "replace")) <= 512 and "\ud800" not in name
]
SCOPES = ("lot/1", "lot/2", *HOSTILE)


def guests() -> Guests:
    """Ada may do all, and Eve reads."""
    found = Guests()
    found.invite("ada", "ada", dict.fromkeys(Right, ("",)))
    found.invite("eve", "eve", {Right.READ: ("",)})
    return found


@final
@attrs.define(eq=False)
class House:
    """A gateway on this machine, and somebody whose rounds stay open."""

    url: str
    _store: Store[Any]
    _client: Client[Any]
    _nursery: trio.Nursery
    results: list[Any] = attrs.Factory(list)

    async def hold(self, scope: str) -> None:
        """Propose an event, and never decide it."""
        await trio.lowlevel.checkpoint()
        self._nursery.start_soon(self._hold, scope)

    async def _hold(self, scope: str) -> None:
        async def never(request: object) -> Any:
            await trio.sleep_forever()

        result = await self._client.store_if_valid(
            JsonEvent("Bid", {}), never, scope=scope, validation_timeout=300
        )
        self.results.append(result)

    async def add(self, scope: str) -> None:
        """Add an event."""
        await self._store.store_if_valid(
            JsonEvent("Bid", {}), lambda request: request.accept(), scope=scope
        )


@asynccontextmanager
async def house() -> AsyncIterator[House]:
    """Some scopes in memory, served on a loopback address."""
    async with (
        open_store(":memory:", events=None) as store,
        open_gateway(store, tokens=guests()) as gateway,
        open_client(gateway.url, token="ada") as client,
        trio.open_nursery() as nursery,
    ):
        opened = House(gateway.url, store, client, nursery)
        for scope in SCOPES:
            await opened.add(scope)
        yield opened
        nursery.cancel_scope.cancel()


def at_the_house(
    use: Callable[[Inspector, Pilot[None], Bridge, House], Awaitable[None]],
    token: str,
    size: tuple[int, int] = (80, 24),
) -> None:
    """Run the inspector over the gateway; what else happens there goes over a bridge."""

    async def main() -> None:
        async with open_bridge() as bridge, bridge.entered(house) as opened:
            app = Inspector(opened.url, token=token)
            async with app.run_test(size=size, notifications=True) as pilot:
                screen = await screen_of(app, pilot, ScopesScreen)
                await until(lambda: screen.lines.count == len(SCOPES), pilot)
                await use(app, pilot, bridge, opened)

    asyncio.run(main())


def test_a_stuck_round_is_ended() -> None:
    """Who holds a round, since when, and who waits is seen; and that it is ended on demand."""

    async def use(app: Inspector, pilot: Pilot[None], bridge: Bridge, opened: House) -> None:
        screen = app.screen
        assert isinstance(screen, ScopesScreen)
        await bridge.call(opened.hold, "lot/2")
        await until(lambda: "validating" in text_on(pilot), pilot)
        await bridge.call(opened.hold, "lot/2")
        row = r"lot/2 +1 .* validating +ada +0:\d\d +1"
        await until(lambda: matches(row, pilot), pilot)
        # The one that validates comes first, so it is under the cursor.
        await pilot.press("s", "s", "s", "s", "x")
        await screen_of(app, pilot, ConfirmScreen)
        await until(lambda: "ada holds the round of lot/2, for" in text_on(pilot), pilot)
        assert "One proposal waits for it." in text_on(pilot)
        await pilot.press("y")
        await until(lambda: opened.results, pilot)
        assert ["withdrawn"] == [str(result.outcome) for result in opened.results]
        await until(lambda: "has been ended" in str(list(app._notifications)), pilot)
        # It was the next one's turn then.
        await until(lambda: matches(r"lot/2 +1 .* validating +ada +0:\d\d *$", pilot), pilot)

    at_the_house(use, "ada")


def matches(pattern: str, pilot: Pilot[Any]) -> bool:
    """Whether a line of the screen is like this."""
    return re.search(pattern, text_on(pilot), re.MULTILINE) is not None


def test_who_may_only_read() -> None:
    """Without the right, one sees that a round is open, and not whose, and cannot end it."""

    async def use(app: Inspector, pilot: Pilot[None], bridge: Bridge, opened: House) -> None:
        screen = app.screen
        assert isinstance(screen, ScopesScreen)
        assert not screen.desk.can(Feature.END_ROUND)
        await bridge.call(opened.hold, "lot/1")
        await until(lambda: "validating" in text_on(pilot), pilot)
        assert "ada" not in text_on(pilot)
        await pilot.press("s", "s", "s", "s", "x")
        assert screen is app.screen

    at_the_house(use, "eve", (160, 24))


def test_what_comes_is_seen() -> None:
    """A scope that is new, and events of one that is known, are there at once; hostile or not."""

    async def use(app: Inspector, pilot: Pilot[None], bridge: Bridge, opened: House) -> None:
        for _ in range(3):
            await bridge.call(opened.add, "lot/1")
        await bridge.call(opened.add, "car/1")
        await until(lambda: matches(r"lot/1 +4 ", pilot), pilot)
        await until(lambda: matches(r"car/1 +1 ", pilot), pilot)
        assert set() == control_characters(pilot)

    at_the_house(use, "ada")

"""A source that says what it is told to, and an app with a screen over it."""

from __future__ import annotations

import asyncio
import xml.etree.ElementTree as ET
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, final

import attrs
import trio
from textual.pilot import Pilot
from textual.screen import Screen

from inspector.app import Inspector
from inspector.bridge import open_bridge
from inspector.desk import Desk
from inspector.model.scope_seen import Round, ScopeSeen, State
from inspector.sources.source import Feature, Health, Send
from inspector_app import text_of

HOSTILE_NAMES = (
    "[/x][@click=app.quit]y[/]",
    "\x1b[31mred\x1b]0;title\x07",
    "nul\x00bell\x07",
    "\u202egnp.exe",
    "界" * 500,
    "a" * 1_000,
    "e" + "\u0301" * 300,
    "\ud800 alone",
    "two\nlines\tand tabs",
)
"""Names of scopes that want to do something to a screen."""
LIVE = frozenset({Feature.STATES, Feature.END_ROUND})


@final
@attrs.define(eq=False)
class ToldSource:
    """A source for the scopes' screen. What it sends is said from the other thread."""

    scopes: Sequence[ScopeSeen] = ()
    features: frozenset[Feature] = frozenset()
    place: str = "auction.store"
    page_size: int = 1_000
    told_health: Health = attrs.Factory(lambda: Health(True, "a writer has it"))
    ended: list[tuple[str, str]] = attrs.Factory(list)
    refusal: Exception | None = None
    failure: Exception | None = None
    watches: int = 0
    _send: Send[Sequence[ScopeSeen]] | None = None

    async def health(self) -> Health:
        await trio.lowlevel.checkpoint()
        return self.told_health

    async def watch_scopes(self, send: Send[Sequence[ScopeSeen]], prefix: str = "") -> None:
        self.watches += 1
        self._send = send
        for first in range(0, len(self.scopes), self.page_size):
            await send(self.scopes[first : first + self.page_size])
        if not self.scopes:
            await send(())
        if self.failure is not None:
            raise self.failure
        await trio.sleep_forever()

    async def tell(self, *scopes: ScopeSeen) -> None:
        """Send what has changed; in Trio's thread."""
        assert self._send is not None
        await self._send(scopes)

    async def end_round(self, scope: str, token: str) -> None:
        await trio.lowlevel.checkpoint()
        self.ended.append((scope, token))
        if self.refusal is not None:
            raise self.refusal


def seen(
    scope: str, events: int = 1, at: str = "2026-11-23T15:04:05.123456Z", **more: Any
) -> ScopeSeen:
    """A scope as a source tells it."""
    return ScopeSeen(scope, events, more.pop("position", events), at, **more)


def validating(scope: str, principal: str = "ada", since_s: float = 4.0, **more: Any) -> ScopeSeen:
    """A scope with an open round."""
    held = Round(f"token of {scope}", principal, since_s, more.pop("deadline_s", 26.0))
    return seen(scope, more.pop("events", 3), state=State.VALIDATING, round=held, **more)


def on_screen(
    source: Any,
    screen: Callable[[Desk], Screen[Any]],
    use: Callable[[Pilot[None], Any], Awaitable[None]],
    *,
    size: tuple[int, int] = (80, 24),
    fold: Any = None,
) -> None:
    """Show a screen over a source, and use it."""

    async def main() -> None:
        async with open_bridge() as bridge:
            app = Inspector(None)
            async with app.run_test(size=size) as pilot:
                shown = screen(Desk(bridge, source, fold))
                app.show_alone(shown)
                await pilot.pause()
                await use(pilot, shown)

    asyncio.run(main())


def text_on(pilot: Pilot[Any]) -> str:
    """All that is on the screen, as lines of text."""
    assert isinstance(pilot.app, Inspector)
    return text_of(pilot.app)


def control_characters(pilot: Pilot[Any]) -> set[str]:
    """What a terminal would obey and not show, of all that is on the screen."""
    # A picture of it must be XML.
    ET.fromstring(pilot.app.export_screenshot())
    return {c for c in text_on(pilot).replace("\n", "") if not c.isprintable()}

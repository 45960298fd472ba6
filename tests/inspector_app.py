"""The inspector on a store that is always the same, driven without a terminal."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, TypeVar
from uuid import UUID

import attrs
import trio
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widget import Widget

from atomic_store import JsonEvent, open_store
from atomic_store.journal.file import open_file_journal
from inspector.app import Inspector
from inspector.widgets.virtual_list import VirtualList

START: Final = datetime(2026, 11, 23, 15, 4, 5, 123456, tzinfo=UTC)
WAITING_S: Final = 20.0
"""After so long a test gives up to wait for what should be on the screen."""

W = TypeVar("W", bound=Widget)


def an_id(number: int) -> UUID:
    """A proposal's id that is always the same."""
    return UUID(int=(7 << 76) | (2 << 62) | number)


@attrs.frozen
class Said:
    """What is proposed, and accepted."""

    scope: str
    event: JsonEvent
    metadata: dict[str, Any] | None = None


def bids(count: int, scopes: int) -> Iterator[Said]:
    """Bids in several lots; each third one is a part of something larger."""
    for number in range(count):
        event = JsonEvent("Bid", {"bidder": f"b{number % 7}", "cents": 100 + 5 * number})
        metadata = {"correlation": f"c{number % 10}"} if number % 3 == 0 else None
        yield Said(f"lot/{number % scopes}", event, metadata)


def make_store(path: Path, said: Iterable[Said]) -> Path:
    """Make a store with a record a second, closed cleanly."""
    ticks = itertools.count()

    async def fill() -> None:
        async with (
            open_file_journal(
                path, clock=lambda: START + timedelta(seconds=next(ticks))
            ) as journal,
            open_store(journal, events=None) as store,
        ):
            for number, one in enumerate(said):
                await store.store_if_valid(
                    one.event, lambda request: request.accept(), scope=one.scope,
                    proposal_id=an_id(number), metadata=one.metadata,
                )  # fmt: skip

    trio.run(fill)
    return path


def inspecting(
    place: Path | str | None,
    main: Callable[[Inspector, Pilot[None]], Awaitable[None]],
    *,
    size: tuple[int, int] = (80, 24),
    **options: Any,
) -> None:
    """Run the inspector on a place, without a terminal; no error may come out of it."""

    async def run() -> None:
        app = Inspector(None if place is None else str(place), **options)
        async with app.run_test(size=size, notifications=True) as pilot:
            await main(app, pilot)
        assert app.return_code in (0, None)

    asyncio.run(run())


async def until(condition: Callable[[], object], pilot: Pilot[None]) -> None:
    """Wait for something that comes from another thread."""
    async with asyncio.timeout(WAITING_S):
        while not condition():
            await pilot.pause(0.01)


async def screen_of(app: Inspector, pilot: Pilot[None], kind: type[Screen[Any]]) -> Any:
    """Wait for a screen, and give it."""
    await until(lambda: isinstance(app.screen, kind), pilot)
    return app.screen


def text_of(app: Inspector) -> str:
    """All that is on the screen, as lines of text."""
    width, height = app.size
    lines = app.screen._compositor.render_strips()
    return "\n".join(strip.text.rstrip()[:width] for strip in lines[:height])


def list_of(app: Inspector) -> VirtualList:
    """The list on the screen."""
    return app.screen.query_one(VirtualList)

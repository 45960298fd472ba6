"""`python -m tests.benchmarks.inspecting`: the inspector without a terminal, in its own process."""

from __future__ import annotations

import asyncio
import gc
import json
import random
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final, cast

from textual.app import App, ComposeResult
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widgets import Footer, Static

from atomic_store.reading import filter_of
from inspector.app import Inspector
from inspector.model.which import Which
from inspector.screens.base import SourceScreen
from inspector.screens.events import EventsScreen
from inspector.widgets.virtual_list import VirtualList

from .alone import status_mb
from .grown import RARE_BIDDER

SIZE: Final = (120, 40)
LOOK_S: Final = 0.001
"""How often is looked whether something is on the screen."""
TIMES: Final = 60
"""How many pages are turned, and how many jumps there are."""
SEARCHES: Final = 11
TICK_S: Final = 0.005
"""How often a task wants its turn, to see how long it waits."""


class EmptyApp(App[None]):
    """What any app of Textual's must do before its first screen."""

    def compose(self) -> ComposeResult:
        yield Static("nothing")
        yield Footer()


async def until(condition: Callable[[], object]) -> None:
    """Wait for what should be on the screen."""
    async with asyncio.timeout(120):
        while not condition():  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(LOOK_S)


def is_drawn(screen: Screen[Any]) -> bool:
    """Whether all lines of the list that are on the screen are there."""
    for listed in screen.query(VirtualList):
        top = round(listed.scroll_y)
        rows = range(top, min(top + listed.page_lines, listed.lines.count))
        width = listed.scrollable_content_region.width
        return bool(rows) and all(listed.lines.line(row, width) is not None for row in rows)
    return False


async def empty(began: str) -> dict[str, float]:
    """How long it takes from the process's start to an empty app's first screen."""
    async with EmptyApp().run_test(size=SIZE) as pilot:
        await pilot.pause()
        return {"seconds": time.time() - float(began)}


async def first(began: str, place: str) -> dict[str, float]:
    """How long it takes from the process's start to the first screen with scopes."""
    app = Inspector(place)
    async with app.run_test(size=SIZE):
        await until(lambda: is_drawn(app.screen))
        seconds = time.time() - float(began)
        return {"seconds": seconds}


async def _events(app: Inspector, which: Which, at: int | None = None) -> EventsScreen:
    await until(lambda: isinstance(app.screen, SourceScreen))
    screen = EventsScreen(cast("SourceScreen", app.screen).desk, which, at)
    await app.push_screen(screen)
    return screen


async def _timed(pilot: Pilot[None], do: Awaitable[object], screen: EventsScreen) -> float:
    began = time.perf_counter()
    await do
    await until(lambda: is_drawn(screen))
    return 1e3 * (time.perf_counter() - began)


async def pages(place: str) -> dict[str, float]:
    """How long it takes to turn a page anywhere, and to go anywhere; milliseconds."""
    app, chance = Inspector(place), random.Random(1)
    turned, gone = [], []
    async with app.run_test(size=SIZE) as pilot:
        screen = await _events(app, Which())
        await until(lambda: is_drawn(screen))
        listed = screen.query_one(VirtualList)
        last = screen.browsing.listing.count
        for _ in range(TIMES):
            at = chance.randrange(last)
            gone.append(await _timed(pilot, _go(listed, at), screen))
            turned.append(await _timed(pilot, pilot.press("pagedown"), screen))
    return {"page": _p99(turned), "jump": _p99(gone), "page_median": statistics.median(turned)}


async def _go(listed: VirtualList, at: int) -> None:
    listed.go_to(at)
    await asyncio.sleep(0)


def _p99(figures: list[float]) -> float:
    return sorted(figures)[int(0.99 * (len(figures) - 1))]


async def hits(place: str) -> dict[str, float]:
    """How long it takes until the first hits of a filter are there, which are near; seconds."""
    app, chance = Inspector(place), random.Random(2)
    taken = []
    async with app.run_test(size=SIZE):
        all_events = await _events(app, Which())
        await until(lambda: is_drawn(all_events))
        last = all_events.browsing.listing.count
        which = Which(where=filter_of(f'data.bidder = "{RARE_BIDDER}"'))
        for _ in range(SEARCHES):
            at = chance.randrange(last)
            began = time.perf_counter()
            screen = EventsScreen(all_events.desk, which, at)
            await app.push_screen(screen)
            await until(partial(is_drawn, screen))
            taken.append(time.perf_counter() - began)
            screen.browsing.stop_searching()
            app.pop_screen()
    return {"seconds": statistics.median(taken)}


async def memory(place: str) -> dict[str, float]:
    """How large the process is once all scopes are known, and much was looked at; MB."""
    app, chance = Inspector(place), random.Random(3)
    async with app.run_test(size=SIZE) as pilot:
        await until(lambda: is_drawn(app.screen))
        listed = app.screen.query_one(VirtualList)
        scopes = 0
        while scopes != listed.lines.count:
            scopes = listed.lines.count
            await asyncio.sleep(1.0)
        screen = await _events(app, Which())
        await until(lambda: is_drawn(screen))
        events = screen.query_one(VirtualList)
        for _ in range(TIMES):
            await _timed(pilot, _go(events, chance.randrange(events.lines.count)), screen)
        found = await _events(app, Which(where=filter_of("data.cents < 100")))
        await until(lambda: found.browsing.is_begun and not found.browsing.is_searching)
        gc.collect()
        return {"mb": status_mb("RssAnon")}


async def following(url: str) -> dict[str, float]:
    """Follow a gateway until a line comes on standard input; the longest pause, milliseconds."""
    app = Inspector(url)
    longest = 0.0
    ended = asyncio.Event()

    async def tick() -> None:
        nonlocal longest
        while not ended.is_set():
            began = time.perf_counter()
            await asyncio.sleep(TICK_S)
            longest = max(longest, time.perf_counter() - began - TICK_S)

    async with app.run_test(size=SIZE):
        screen = await _events(app, Which())
        await until(lambda: screen.browsing.is_begun)
        print("ready", flush=True)
        ticking = asyncio.create_task(tick())
        await asyncio.to_thread(sys.stdin.readline)
        ended.set()
        await ticking
    return {"milliseconds": 1e3 * longest, "records": float(screen.browsing.listing.count)}


def main(what: str, *arguments: str) -> None:
    measures: dict[str, Callable[..., Awaitable[dict[str, float]]]] = {
        "empty": empty, "first": first, "pages": pages, "hits": hits, "memory": memory,
        "following": following,
    }  # fmt: skip

    async def run() -> dict[str, float]:
        return await measures[what](*arguments)

    print(json.dumps(asyncio.run(run())))


if __name__ == "__main__":
    main(*sys.argv[1:])

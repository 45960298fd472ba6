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
from typing import TYPE_CHECKING, Any, Final, cast
from unittest.mock import patch

from textual.app import App, ComposeResult
from textual.screen import Screen
from textual.strip import Strip
from textual.widgets import Footer, Static

if TYPE_CHECKING:
    from inspector.app import Inspector
    from inspector.screens.events import EventsScreen
    from inspector.widgets.virtual_list import VirtualList

SIZE: Final = (120, 40)
LOOK_S: Final = 0.004
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
    from inspector.widgets.virtual_list import VirtualList

    for listed in screen.query(VirtualList):
        top = round(listed.scroll_y)
        rows = range(top, min(top + listed.page_lines, listed.lines.count))
        return bool(rows) and all(_is_there(listed, row) for row in rows)
    return False


def _is_there(listed: VirtualList, row: int) -> bool:
    from inspector.widgets.event_lines import EventLines

    lines = listed.lines
    if isinstance(lines, EventLines):
        # Only the list itself makes its text: that takes as long as drawing it.
        return lines.records.record(row) is not None
    return lines.line(row, listed.scrollable_content_region.width) is not None


async def empty(began: str) -> dict[str, float]:
    """How long it takes from the process's start to an empty app's first screen."""
    async with EmptyApp().run_test(size=SIZE) as pilot:
        await pilot.pause()
        return {"seconds": time.time() - float(began)}


async def first(began: str, place: str) -> dict[str, float]:
    """How long it takes from the process's start to the first screen with scopes."""
    app = inspector(place)
    async with app.run_test(size=SIZE):
        await until(lambda: is_drawn(app.screen))
        return {"seconds": time.time() - float(began)}


def inspector(place: str) -> Inspector:
    """Make the app. It is imported only now: an empty one does without."""
    # As the command does.
    from inspector import garbage

    with garbage.while_importing():
        from inspector.app import Inspector
    garbage.seldom()
    return Inspector(place)


async def all_scopes(app: Inspector) -> None:
    """Wait until all scopes are known."""
    await until(lambda: is_drawn(app.screen))
    listed = _list_of(app.screen)
    scopes = 0
    while scopes != listed.lines.count:
        scopes = listed.lines.count
        await asyncio.sleep(1.0)


def _list_of(screen: Screen[Any]) -> VirtualList:
    from inspector.widgets.virtual_list import VirtualList

    return screen.query_one(VirtualList)


async def _events(app: Inspector, where: str = "", at: int | None = None) -> EventsScreen:
    """Show events, filtered or not."""
    from atomic_store.reading import filter_of
    from inspector.model.which import Which
    from inspector.screens.base import SourceScreen
    from inspector.screens.events import EventsScreen

    await until(lambda: isinstance(app.screen, SourceScreen))
    which = Which(where=filter_of(where or None))
    screen = EventsScreen(cast("SourceScreen", app.screen).desk, which, at)
    await app.push_screen(screen)
    return screen


async def _timed(do: Callable[[], object], screen: EventsScreen) -> float:
    """How long it takes until all is drawn after something; milliseconds."""
    drawn, listed = asyncio.Event(), _list_of(screen)
    draw, draw_line = screen._compositor_refresh, listed.render_line
    has_lines = False

    def drawing() -> None:
        nonlocal has_lines
        is_there, has_lines = is_drawn(screen), False
        draw()
        if is_there and has_lines:
            drawn.set()

    def drawing_line(y: int) -> Strip:
        nonlocal has_lines
        has_lines = True
        return draw_line(y)

    with (
        patch.object(screen, "_compositor_refresh", drawing),
        patch.object(listed, "render_line", drawing_line),
    ):
        began = time.perf_counter()
        do()
        await drawn.wait()
        return 1e3 * (time.perf_counter() - began)


async def pages(place: str) -> dict[str, float]:
    """How long it takes to turn a page anywhere, and to go anywhere; milliseconds."""
    app, chance = inspector(place), random.Random(1)
    turned, gone = [], []
    async with app.run_test(size=SIZE):
        await all_scopes(app)
        screen = await _events(app)
        await until(lambda: is_drawn(screen))
        listed = _list_of(screen)
        for _ in range(TIMES):
            at = chance.randrange(listed.lines.count)
            gone.append(await _timed(partial(listed.go_to, at), screen))
            turned.append(await _timed(partial(listed.action_move_pages, 1.0), screen))
    return {"page": _p99(turned), "jump": _p99(gone), "page_median": statistics.median(turned)}


def _p99(figures: list[float]) -> float:
    return sorted(figures)[int(0.99 * (len(figures) - 1))]


async def hits(place: str) -> dict[str, float]:
    """How long it takes until the first hits of a filter are there, which are near; seconds."""
    from .grown import RARE_BIDDER

    app, chance = inspector(place), random.Random(2)
    taken = []
    async with app.run_test(size=SIZE):
        await all_scopes(app)
        all_events = await _events(app)
        await until(lambda: is_drawn(all_events))
        last = all_events.browsing.listing.count
        for _ in range(SEARCHES):
            at = chance.randrange(last)
            began = time.perf_counter()
            screen = await _events(app, f'data.bidder = "{RARE_BIDDER}"', at)
            await until(partial(is_drawn, screen))
            taken.append(time.perf_counter() - began)
            screen.browsing.stop_searching()
            app.pop_screen()
    return {"seconds": statistics.median(taken)}


async def memory(place: str) -> dict[str, float]:
    """How large the process is once all scopes are known, and much was looked at; MB."""
    from .alone import status_mb

    app, chance = inspector(place), random.Random(3)
    async with app.run_test(size=SIZE):
        await all_scopes(app)
        screen = await _events(app)
        await until(lambda: is_drawn(screen))
        events = _list_of(screen)
        for _ in range(TIMES):
            at = chance.randrange(events.lines.count)
            await _timed(partial(events.go_to, at), screen)
        found = await _events(app, "data.cents < 100")
        await until(lambda: found.browsing.is_begun and not found.browsing.is_searching)
        gc.collect()
        return {"mb": status_mb("RssAnon")}


async def following(url: str) -> dict[str, float]:
    """Follow a gateway until a line comes on standard input; the longest pause, milliseconds."""
    app = inspector(url)
    longest = 0.0
    ended = asyncio.Event()

    async def tick() -> None:
        nonlocal longest
        while not ended.is_set():
            began = time.perf_counter()
            await asyncio.sleep(TICK_S)
            longest = max(longest, time.perf_counter() - began - TICK_S)

    async with app.run_test(size=SIZE):
        screen = await _events(app)
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

"""The main views look as they do in the pictures, byte by byte; some are in the docs."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from command_line import ROOT
from inspector.app import Inspector
from inspector.model.figures import Figures
from inspector.screens.scopes import ScopesScreen
from inspector.screens.store import StoreScreen
from inspector.sources.demo import demo_folding
from inspector.widgets.scopes_list import ScopeLines
from inspector.widgets.virtual_list import VirtualList
from inspector_app import inspecting, text_of, until
from inspector_desks import LIVE, ToldSource, on_screen, seen, validating
from pictured import LOT, NAME, check_picture
from test_inspector_store import LIVE as FIGURES
from test_inspector_store import TOLD, ToldStore

pytest_plugins = ("pictured_stores",)
pytestmark = pytest.mark.usefixtures("still")

HERE = "tests/inspector_pictures"

Use = Callable[[Inspector, Pilot[None]], Awaitable[None]]


async def shows(app: Inspector, pilot: Pilot[None], *words: str) -> None:
    """Wait until all of some words are on the screen."""
    await until(lambda: all(word in text_of(app) for word in words), pilot)


async def begun(app: Inspector, pilot: Pilot[None], health: str = "closed cleanly") -> None:
    """Wait until the first screen is there, with all of its scopes."""
    await shows(app, pilot, health, "30 scopes")
    await until(lambda: "more are coming" not in text_of(app), pilot)


async def open_lot(app: Inspector, pilot: Pilot[None]) -> None:
    """Go from the first screen to the events of the lot."""
    await begun(app, pilot)
    await pilot.press("slash", *LOT, "enter")
    await until(lambda: app.screen.query_one(VirtualList).lines.count == 1, pilot)
    await pilot.press("enter")
    await shows(app, pilot, "closed cleanly", "bidder=", "following")


def pictured(use: Use, size: tuple[int, int] = (80, 24), **options: Any) -> None:
    """Look at the store."""
    inspecting(NAME, use, size=size, **options)


def test_scopes(auction: Path) -> None:
    """All lots, the ones with the most bids first."""

    async def use(app: Inspector, pilot: Pilot[None]) -> None:
        await begun(app, pilot)
        await pilot.press("s")
        await pilot.pause()
        await check_picture(app, pilot, f"{HERE}/scopes.svg")

    pictured(use)


def test_events(auction: Path) -> None:
    """What happened to a lot."""

    async def use(app: Inspector, pilot: Pilot[None]) -> None:
        await open_lot(app, pilot)
        await check_picture(app, pilot, "docs/inspector.svg")

    pictured(use, (100, 28))


def test_an_event(auction: Path) -> None:
    """One bid, as a tree, and what it has changed by the auction's rule."""

    async def use(app: Inspector, pilot: Pilot[None]) -> None:
        await open_lot(app, pilot)
        await pilot.press("enter")
        await shows(app, pilot, "closed cleanly", "max_cents")
        await check_picture(app, pilot, f"{HERE}/event.svg")
        await pilot.press("3")
        await shows(app, pilot, "7 differences")
        await check_picture(app, pilot, "docs/inspector-change.svg")

    pictured(use, (100, 18), fold=demo_folding())


def test_the_store(auction: Path) -> None:
    """What the files hold."""

    async def use(app: Inspector, pilot: Pilot[None]) -> None:
        await begun(app, pilot)
        await pilot.press("i")
        await shows(app, pilot, "closed cleanly", "snapshots")
        await check_picture(app, pilot, f"{HERE}/store.svg")

    pictured(use)


def test_a_damaged_store(auction: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it is damaged, to the byte."""
    monkeypatch.setattr("inspector.screens.store.duration", lambda seconds: "12 ms")
    monkeypatch.setattr("inspector.model.store_facts.duration", lambda seconds: "12 ms")
    (segment,) = (auction / "journal").glob("*.jsonl")
    content = bytearray(segment.read_bytes())
    for place in (len(content) // 3, len(content) // 2):
        content[place] ^= 4
    segment.write_bytes(content)

    async def use(app: Inspector, pilot: Pilot[None]) -> None:
        await begun(app, pilot, "damaged:")
        await pilot.press("i")
        await shows(app, pilot, "damaged:", "snapshots")
        await pilot.press("v")
        await shows(app, pilot, "damaged in 2 places")
        await until(lambda: not app.screen.query_one("#progress").display, pilot)
        await check_picture(app, pilot, "docs/inspector-damage.svg")

    pictured(use)


def test_a_gateway(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rates and times of the last minutes, drawn."""
    monkeypatch.setattr("inspector.screens.store.FIGURES_S", 1_000.0)
    now_s = 0.0
    source = ToldStore(features=FIGURES, place="wss://events.example.com")
    source.health_words = "connected as ada"

    async def use(pilot: Pilot[None], screen: StoreScreen) -> None:
        nonlocal now_s
        await until(lambda: screen._known.figures.last, pilot)
        screen._known.figures = Figures()
        for second in range(240):
            now_s = float(second)
            screen.take_figures(figures_at(second))
        await shows(pilot.app, pilot, "connected as ada", "p99")  # type: ignore[arg-type]
        await check_picture(pilot.app, pilot, "docs/inspector-gateway.svg")

    on_screen(source, lambda desk: StoreScreen(desk, lambda: now_s), use, size=(100, 28))


def figures_at(second: int) -> dict[str, Any]:
    """What a gateway with a wave of bids has counted after so many seconds."""
    wave = [40 + 30 * ((n // 8) % 5) + (n * 7) % 11 for n in range(second + 1)]
    accepted = sum(wave)
    return {
        **TOLD, "position": 11_306 + accepted, "accepted": accepted, "rejected": accepted // 5,
        "rounds": accepted + accepted // 5, "delivered": 3 * accepted, "commits": accepted // 2,
        "waiting": wave[-1] // 20, "connections": 12, "subscribers": 3,
        "commit_p50_s": 0.0004 + wave[-1] / 400_000, "commit_p99_s": 0.004 + wave[-1] / 20_000,
        "commit_max_s": 0.032,
    }  # fmt: skip


def test_scopes_of_a_gateway(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who holds a round, for how long, and how many wait."""
    monkeypatch.setattr(ScopeLines, "passed_s", lambda lines, scope, now_s=None: 0.0)
    source = ToldSource(
        [
            seen("lot/41", 12, "2026-11-23T14:58:00.000000Z"),
            validating("lot/42", "ada", waiting=3, at="2026-11-23T15:03:59.000000Z"),
            seen("lot/43", 1_042, "2026-11-20T09:00:00.000000Z"),
        ],
        LIVE,
        "wss://events.example.com",
    )
    source.told_health = type(source.told_health)(True, "connected as ben")

    async def use(pilot: Pilot[None], screen: ScopesScreen) -> None:
        await shows(pilot.app, pilot, "connected as ben", "lot/43", "3 scopes")  # type: ignore[arg-type]
        await until(lambda: "more are coming" not in text_of(pilot.app), pilot)  # type: ignore[arg-type]
        await check_picture(pilot.app, pilot, f"{HERE}/scopes-live.svg")

    on_screen(source, ScopesScreen, use, size=(100, 12))


def test_help(auction: Path) -> None:
    """What is seen, and all keys."""

    async def use(app: Inspector, pilot: Pilot[None]) -> None:
        await begun(app, pilot)
        await pilot.press("question_mark")
        await shows(app, pilot, "Each line is a scope")
        await check_picture(app, pilot, f"{HERE}/help.svg")

    pictured(use)


def test_hardly_any_room(auction: Path) -> None:
    """Rows come first."""

    async def use(app: Inspector, pilot: Pilot[None]) -> None:
        await shows(app, pilot, "closed", "1638893549")
        await until(lambda: app.screen.query_one(VirtualList).lines.count == 30, pilot)
        await check_picture(app, pilot, f"{HERE}/small.svg")

    pictured(use, (20, 5))


def test_every_picture_is_made() -> None:
    """No picture is left of a view that there is not any more; the docs show what is made."""
    source = Path(__file__).read_text("utf-8")
    made = set(re.findall(r"(?:\{HERE\}|docs)/([\w-]+\.svg)", source))
    shown = {path.name for path in (ROOT / HERE).glob("*.svg")}
    in_docs = {path.name for path in (ROOT / "docs").glob("inspector*.svg")}

    assert made == shown | in_docs
    page = (ROOT / "docs" / "inspector.md").read_text("utf-8")
    assert in_docs == set(re.findall(r"\((inspector[\w-]*\.svg)\)", page))

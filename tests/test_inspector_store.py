"""The store's screen: what is shown of files and of a gateway, checks, copies, trouble."""

from __future__ import annotations

import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, final

import attrs
import pytest
import trio
from textual.pilot import Pilot

from atomic_store.errors import JournalCorrupt, NotAStore
from atomic_store.journal.stock import Stock
from atomic_store.journal.verify import Verification
from inspector.screens.store import StoreScreen
from inspector.sources.source import Feature, Health, OnProgress
from inspector.widgets.plots import Plots
from inspector.widgets.progress_line import ProgressLine
from inspector.widgets.virtual_list import VirtualList
from inspector_app import bids, inspecting, make_store, text_of, until
from inspector_desks import control_characters, on_screen
from test_inspector_fact_lines import HOSTILE
from test_inspector_store_facts import COMMIT, DAMAGE, SOUND, STOCK

FILES = frozenset({Feature.FILES, Feature.VERIFY})
LIVE = frozenset({Feature.FIGURES, Feature.VERIFY})
TOLD = {"position": 7, "accepted": 7, "rejected": 1, "waiting": 0, "commit_p99_s": 0.004}

Use = Callable[[Pilot[None], StoreScreen], Awaitable[None]]


@final
@attrs.define(eq=False)
class ToldStore:
    """A source that says what it is told to. What is told may be changed at any time."""

    features: frozenset[Feature] = FILES
    place: str = "/s"
    told_stock: Stock = STOCK
    told_figures: dict[str, Any] = attrs.Factory(lambda: dict(TOLD))
    found: Verification = SOUND
    last: int = 1_046
    trouble: Exception | None = None
    health_words: str = "closed cleanly"
    is_held: bool = False
    """A check does not end by itself."""
    checks: list[str] = attrs.Factory(list)
    stocks: int = 0
    looks: int = 0

    async def health(self) -> Health:
        await trio.lowlevel.checkpoint()
        return Health(self.trouble is None, self.health_words)

    async def position(self) -> int:
        self.looks += 1
        await self._look()
        return self.last

    async def stock(self) -> Stock:
        self.stocks += 1
        await self._look()
        return self.told_stock

    async def figures(self) -> dict[str, Any]:
        await self._look()
        return self.told_figures

    async def verify(self, on_progress: OnProgress) -> Verification:
        self.checks.append("begun")
        on_progress(412_903 // 2, 412_903)
        try:
            if self.is_held:
                await trio.sleep_forever()
            await self._look()
        except trio.Cancelled:
            self.checks.append("cancelled")
            raise
        return self.found

    async def _look(self) -> None:
        await trio.lowlevel.checkpoint()
        if self.trouble is not None:
            raise self.trouble


def shown(source: ToldStore, use: Use, size: tuple[int, int] = (80, 40)) -> None:
    """Use the screen over a source."""
    on_screen(source, StoreScreen, use, size=size)


async def seen(pilot: Pilot[None], *words: str) -> str:
    """Wait until all of some words are on the screen, and give all that is."""
    await until(lambda: all(word in text_of(pilot.app) for word in words), pilot)  # type: ignore[arg-type]
    return text_of(pilot.app)  # type: ignore[arg-type]


# --- files ------------------------------------------------------------------------------------


def test_what_files_hold() -> None:
    """Identity, head, segments, what is derived, and a summary above."""

    async def use(pilot: Pilot[None], screen: StoreScreen) -> None:
        text = await seen(pilot, "store-id", COMMIT)
        assert "1,046 records of 3 scopes, 6.9 kB in all" in text
        assert "00000000000000000001.jsonl" in text
        assert "snapshots  2 files, 5.0 kB" in text
        assert not screen.query(Plots)

    shown(ToldStore(), use)


def test_files_that_grow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stock is taken again when there is more, and only then; the cursor stays."""
    monkeypatch.setattr("inspector.screens.store.STOCK_S", 0.01)
    source = ToldStore()

    async def use(pilot: Pilot[None], screen: StoreScreen) -> None:
        await seen(pilot, "store-id")
        await pilot.press("down", "down")
        await until(lambda: source.looks >= 5, pilot)
        assert 1 == source.stocks
        source.told_stock, source.last = attrs.evolve(STOCK, scopes=99), 2_000
        await seen(pilot, "of 99 scopes")
        assert 2 == source.stocks
        assert 2 == screen.query_one(VirtualList).cursor

    on_screen(source, lambda desk: StoreScreen(desk, lambda: 0.0), use)


def test_looking_again() -> None:
    """A key takes stock at once."""
    source = ToldStore()

    async def use(pilot: Pilot[None], screen: StoreScreen) -> None:
        await seen(pilot, "store-id")
        source.told_stock = attrs.evolve(STOCK, scopes=98)
        await pilot.press("r")
        await seen(pilot, "of 98 scopes")

    shown(source, use)


def test_a_store_that_is_taken_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """Why it cannot be looked at stands above what was known; when it is back, that is gone."""
    monkeypatch.setattr("inspector.screens.store.STOCK_S", 0.01)
    source = ToldStore()

    async def use(pilot: Pilot[None], screen: StoreScreen) -> None:
        await seen(pilot, "store-id")
        source.trouble = NotAStore("/s: expected a store, found nothing")
        await seen(pilot, "it cannot be looked at", "found nothing", "store-id")
        source.trouble = None
        await until(lambda: "cannot be looked at" not in text_of(pilot.app), pilot)  # type: ignore[arg-type]

    shown(source, use)


def test_damage_that_hides_all() -> None:
    """A store of which nothing can be said still can be checked."""
    source = ToldStore(trouble=JournalCorrupt("/s/journal/1.jsonl", 7, "a line", "none"))

    async def use(pilot: Pilot[None], screen: StoreScreen) -> None:
        await seen(pilot, "it cannot be looked at", "v checks all of it")
        source.trouble = None
        source.found = attrs.evolve(SOUND, damage=(DAMAGE,))
        await pilot.press("v")
        await seen(pilot, "damaged in 1 place", "offset 1,470, line 12", DAMAGE.expected)

    shown(source, use)


# --- checks -------------------------------------------------------------------------------------


def test_a_check() -> None:
    """How far it is is shown; then what it has found, above all else."""
    source = ToldStore()

    async def use(pilot: Pilot[None], screen: StoreScreen) -> None:
        await seen(pilot, "store-id")
        assert not screen.query_one(ProgressLine).display
        await pilot.press("v")
        text = await seen(pilot, "checked: not damaged")
        assert text.index("checked: not damaged") < text.index("store-id")
        assert not screen.query_one(ProgressLine).display

    shown(source, use)


def test_a_check_that_is_stopped() -> None:
    """Its bar is there meanwhile, a second one does not begin, and a key stops it."""
    source = ToldStore(is_held=True)

    async def use(pilot: Pilot[None], screen: StoreScreen) -> None:
        await seen(pilot, "store-id")
        await pilot.press("v")
        await seen(pilot, "verifying 50%", "206 kB of 413 kB")
        await pilot.press("v")
        await pilot.press("escape")
        await until(lambda: "cancelled" in source.checks, pilot)
        assert ["begun", "cancelled"] == source.checks
        await until(lambda: not screen.query_one(ProgressLine).display, pilot)
        assert screen.is_current

    shown(source, use)


def test_a_check_that_fails() -> None:
    """Why it did not come to an end is said, and the bar is gone."""
    source = ToldStore()

    async def use(pilot: Pilot[None], screen: StoreScreen) -> None:
        await seen(pilot, "store-id")
        source.trouble = NotAStore("expected a store, found nothing")
        await pilot.press("v")
        await until(lambda: source.trouble is None or pilot.app._notifications, pilot)
        (told,) = pilot.app._notifications
        assert "expected a store, found nothing" == told.message
        assert not screen.query_one(ProgressLine).display

    shown(source, use)


def test_where_nothing_can_be_checked() -> None:
    """The key says so."""

    async def use(pilot: Pilot[None], screen: StoreScreen) -> None:
        await pilot.press("v")
        (told,) = pilot.app._notifications
        assert "nothing can be checked here" == told.message

    shown(ToldStore(features=frozenset()), use)


def test_what_was_found_is_kept() -> None:
    """It is there again when the screen is opened again, as long as the store is open."""

    async def use(pilot: Pilot[None], screen: StoreScreen) -> None:
        await pilot.press("v")
        await seen(pilot, "checked: not damaged")
        again = StoreScreen(screen.desk)
        await pilot.app.push_screen(again)
        await seen(pilot, "checked: not damaged")

    shown(ToldStore(), use)


# --- a gateway ----------------------------------------------------------------------------------


def test_figures() -> None:
    """Plots above, numbers below, as they are told anew."""
    clock = iter(range(1_000))
    source = ToldStore(features=LIVE)

    async def use(pilot: Pilot[None], screen: StoreScreen) -> None:
        await seen(pilot, "since the gateway began")
        screen.take_figures(TOLD | {"accepted": 20})
        screen.take_figures(TOLD | {"accepted": 40})
        text = await seen(pilot, "20.0/s")
        for plot in ("accepted", "rejected", "delivered", "commit p50", "commit p99", "waiting"):
            assert f" {plot} " in text
        assert "1 min ago" in text
        assert "store-id" not in text

    on_screen(source, lambda desk: StoreScreen(desk, lambda: float(next(clock))), use)


def test_figures_where_there_is_little_room() -> None:
    """Plots give way to the numbers."""

    async def use(pilot: Pilot[None], screen: StoreScreen) -> None:
        await seen(pilot, "now", "position")
        assert not screen.query_one(Plots).display
        await pilot.resize_terminal(80, 24)
        await until(lambda: screen.query_one(Plots).display, pilot)
        await pilot.resize_terminal(80, 10)
        await until(lambda: not screen.query_one(Plots).display, pilot)

    shown(ToldStore(features=LIVE), use, size=(80, 10))


def test_a_gateway_that_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """The line above says so, the last figures stay, and it goes on."""
    monkeypatch.setattr("inspector.screens.store.FIGURES_S", 0.01)
    source = ToldStore(features=LIVE)

    async def use(pilot: Pilot[None], screen: StoreScreen) -> None:
        await seen(pilot, "since the gateway began")
        source.health_words = "lost: refused"
        source.trouble = NotAStore("lost: refused")
        await seen(pilot, "lost: refused", "since the gateway began")
        source.trouble, source.told_figures = None, TOLD | {"accepted": 123_456}
        await seen(pilot, "123,456")

    shown(source, use)


# --- copies -------------------------------------------------------------------------------------


def test_copies() -> None:
    """A line's value, in full; all lines as text; of a title nothing."""

    async def use(pilot: Pilot[None], screen: StoreScreen) -> None:
        await seen(pilot, "store-id")
        await pilot.press("y")
        assert "" == pilot.app.clipboard
        await pilot.press("down", "y")
        assert "store-id" == pilot.app.clipboard
        await pilot.press("down", "enter")
        assert "history-id" == pilot.app.clipboard
        await pilot.press("Y")
        assert "  id         store-id\n" in pilot.app.clipboard
        assert COMMIT in pilot.app.clipboard

    shown(ToldStore(), use)


# --- bad input ----------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(80, 24), (20, 5), (1, 1), (200, 60)])
def test_hostile_texts(size: tuple[int, int]) -> None:
    """Whatever files and gateways say, nothing that a terminal obeys is on the screen."""
    segment = attrs.evolve(STOCK.segments[0], name=HOSTILE, first_at=HOSTILE)
    damage = attrs.evolve(DAMAGE, path=HOSTILE, expected=HOSTILE, found=HOSTILE)
    source = ToldStore(
        features=FILES | LIVE,
        place=HOSTILE[:2_000],
        told_stock=attrs.evolve(STOCK, store=HOSTILE, created=HOSTILE, segments=(segment,)),
        told_figures={HOSTILE[:100]: HOSTILE, "accepted": HOSTILE, "waiting": [HOSTILE]},
        found=attrs.evolve(SOUND, damage=(damage,), notes=(HOSTILE,)),
        health_words=HOSTILE[:2_000],
    )

    async def use(pilot: Pilot[None], screen: StoreScreen) -> None:
        await pilot.press("v")
        known = screen._known
        await until(lambda: known.checked and known.figures.last and known.stock, pilot)
        for key in ("G", "y", "Y", "g", "y"):
            await pilot.press(key)
            assert set() == control_characters(pilot.app)  # type: ignore[arg-type]

    shown(source, use, size)


def test_real_files(tmp_path: Path) -> None:
    """A store that is sound, then damaged below the running program."""
    path = make_store(tmp_path / "shop.store", bids(60, 3))
    (segment,) = (path / "journal").glob("*.jsonl")

    async def use(pilot: Pilot[None], screen: Any) -> None:
        await until(lambda: "lot/0" in text_of(pilot.app), pilot)  # type: ignore[arg-type]
        await pilot.press("i")
        await seen(pilot, "60 records of 3 scopes", "closed cleanly")
        await pilot.press("v")
        await seen(pilot, "checked: not damaged")
        content = bytearray(segment.read_bytes())
        content[len(content) // 2] ^= 1
        segment.write_bytes(content)
        await pilot.press("v")
        await seen(pilot, "damaged in 1 place", f"journal/{segment.name}")
        shutil.rmtree(path)
        await pilot.press("r")
        await seen(pilot, "it cannot be looked at")

    async def main(app: Any, pilot: Pilot[None]) -> None:
        await use(pilot, app)

    inspecting(path, main)

"""The app: from one place to the other, what is remembered, help, and the palette."""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest
import trio
from textual.app import ComposeResult
from textual.command import CommandPalette
from textual.pilot import Pilot
from textual.widgets import Footer

from inspector.app import Inspector
from inspector.habits_file import HabitsFile
from inspector.model.habits import Habits
from inspector.model.which import Which
from inspector.screens.events import EventsScreen
from inspector.screens.help import HelpScreen
from inspector.screens.opening import OpeningScreen
from inspector.screens.picker import PickerScreen, PlaceInput
from inspector.screens.scopes import ScopesScreen
from inspector.sources import demo
from inspector.sources.opening import open_source
from inspector.sources.source import OnProgress, Source
from inspector.widgets.top_bar import TopBar
from inspector_app import bids, inspecting, list_of, make_store, screen_of, text_of, until
from inspector_desks import HOSTILE_NAMES, control_characters

AT = "2026-11-23T15:04:05.123456Z"


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A store with some bids."""
    return make_store(tmp_path / "auction.store", bids(60, 4))


@pytest.fixture
def habits(tmp_path: Path) -> HabitsFile:
    """A file for habits."""
    return HabitsFile(tmp_path / "habits.json")


async def scopes_of(app: Inspector, pilot: Pilot[None]) -> ScopesScreen:
    """The scopes' screen, with scopes on it."""
    screen = await screen_of(app, pilot, ScopesScreen)
    assert isinstance(screen, ScopesScreen)
    await until(lambda: screen.lines.count, pilot)
    return screen


def test_from_scopes_to_events_and_back(store: Path) -> None:
    """Enter and `a` lead to events, and back leads to the scope where one was."""

    async def main(app: Inspector, pilot: Pilot[None]) -> None:
        screen = await scopes_of(app, pilot)
        await pilot.press("down", "enter")
        events = await screen_of(app, pilot, EventsScreen)
        assert Which(scope="lot/1") == events.which
        await pilot.press("escape")
        await screen_of(app, pilot, ScopesScreen)
        await pilot.press("a")
        assert Which() == (await screen_of(app, pilot, EventsScreen)).which
        await pilot.press("escape", "escape", "escape")
        assert (app.screen, 1) == (screen, screen.list.cursor)

    inspecting(store, main)


def test_what_fails_when_its_screen_was_left(store: Path) -> None:
    """Nobody is told of what could not be shown on a screen that is not there any more."""

    async def main(app: Inspector, pilot: Pilot[None]) -> None:
        screen = await scopes_of(app, pilot)
        await pilot.press("a")
        events = await screen_of(app, pilot, EventsScreen)

        async def show() -> None:
            events.query_one(TopBar)

        await pilot.press("escape")
        await until(lambda: not events.is_attached, pilot)
        await events.work(show(), "late")
        assert app.screen is screen
        assert not app._notifications
        await screen.work(fail(), "late")
        assert ["unexpected, please report it: ZeroDivisionError: 7"] == [
            notification.message for notification in app._notifications
        ]

    async def fail() -> None:
        raise ZeroDivisionError(7)

    inspecting(store, main)


def test_the_line_of_keys_is_made_anew_for_other_keys_only(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Asking for it again and again costs nothing; other keys are shown at once."""
    made: list[Footer] = []
    compose = Footer.compose

    def count(footer: Footer) -> ComposeResult:
        made.append(footer)
        return compose(footer)

    async def main(app: Inspector, pilot: Pilot[None]) -> None:
        screen = await scopes_of(app, pilot)
        await pilot.pause()
        made.clear()
        for _ in range(5):
            screen.refresh_bindings()
            await pilot.pause()
        assert not made
        assert "/ Filter" in text_of(app)
        await pilot.press("slash")
        await until(lambda: "/ Filter" not in text_of(app), pilot)
        assert {screen.query_one(Footer)} == set(made)

    monkeypatch.setattr(Footer, "compose", count)
    inspecting(store, main)


def test_beginning_with_events(store: Path) -> None:
    """With a scope or a filter given, their events come first, and the scopes behind them."""

    async def main(app: Inspector, pilot: Pilot[None]) -> None:
        assert Which(scope="lot/3") == (await screen_of(app, pilot, EventsScreen)).which
        await pilot.press("escape")
        await screen_of(app, pilot, ScopesScreen)

    inspecting(store, main, which=Which(scope="lot/3"))


def test_what_does_not_open(tmp_path: Path, store: Path) -> None:
    """What is wrong is said; one can try again, or choose something else."""
    late = tmp_path / "late.store"

    async def main(app: Inspector, pilot: Pilot[None]) -> None:
        await screen_of(app, pilot, OpeningScreen)
        await until(lambda: "not opened" in text_of(app), pilot)
        await pilot.press("p")
        await screen_of(app, pilot, PickerScreen)
        app.open_place(str(late))
        await until(lambda: "not opened" in text_of(app), pilot)
        os.rename(store, late)  # noqa: PTH104 - nothing waits for it
        await pilot.press("r")
        await scopes_of(app, pilot)

    inspecting(tmp_path / "[/nothing]\x1b", main)


def test_a_damaged_store_that_takes_long(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is said how far it was read; nothing of that comes onto the next screen."""
    ready = trio.Event()
    tell: list[OnProgress] = []

    @asynccontextmanager
    async def slow(
        place: str, *, token: str | None, on_progress: OnProgress
    ) -> AsyncIterator[Source]:
        on_progress(1, 8)
        tell.append(on_progress)
        await ready.wait()
        async with open_source(place, token=token) as source:
            yield source

    monkeypatch.setattr("inspector.app.open_source", slow)

    async def main(app: Inspector, pilot: Pilot[None]) -> None:
        await until(lambda: "looking for what can be read of it … 12%" in text_of(app), pilot)
        assert "damaged" in text_of(app)
        tell[0](8, 8)
        await until(lambda: "100%" in text_of(app), pilot)
        assert app._bridge is not None
        app._bridge._soon(ready.set)
        await scopes_of(app, pilot)
        tell[0](3, 8)
        await pilot.pause()
        assert "looking for" not in text_of(app)

    inspecting(store, main)


def test_places_are_remembered(store: Path, habits: HabitsFile, tmp_path: Path) -> None:
    """What was opened is offered the next time, and says whether it is there; or is forgotten."""
    gone = str(tmp_path / "gone.store")
    habits.change(lambda known: known.with_place(gone, AT).with_place("wss://a.example", AT))

    async def open_it(app: Inspector, pilot: Pilot[None]) -> None:
        await scopes_of(app, pilot)

    async def pick_it(app: Inspector, pilot: Pilot[None]) -> None:
        picker = await screen_of(app, pilot, PickerScreen)
        await until(lambda: "gone" in text_of(app) and "gateway" in text_of(app), pilot)
        await pilot.press("end", "up", "x")
        await until(lambda: gone not in [p.place for p in habits.load()[0].places], pilot)
        assert 3 == list_of(app).lines.count
        await pilot.press("home", "enter")
        assert str(store) == (await scopes_of(app, pilot)).desk.source.place
        await pilot.press("p")
        assert picker is not await screen_of(app, pilot, PickerScreen)
        # The demo cannot be forgotten.
        await pilot.press("end", "x")
        assert 3 == list_of(app).lines.count

    inspecting(store, open_it, habits=habits)
    inspecting(None, pick_it, habits=habits, size=(160, 24))


def test_a_path_is_typed(store: Path) -> None:
    """Whoever begins to type a path types it into the field; tab completes, enter opens."""

    async def main(app: Inspector, pilot: Pilot[None]) -> None:
        picker = await screen_of(app, pilot, PickerScreen)
        field = picker.query_one(PlaceInput)
        await pilot.press(*str(store.parent), "/", "a", "u")
        assert f"{store.parent}/au" == field.value
        await until(lambda: field._suggestion, pilot)
        await pilot.press("tab")
        assert f"{store}/" == field.value
        await pilot.press("escape")
        assert list_of(app).has_focus
        await pilot.press("o", "enter")
        await scopes_of(app, pilot)

    inspecting(None, main)


def test_hostile_places(habits: HabitsFile) -> None:
    """Places that want to do something to the screen are shown, and do nothing, on any size."""
    for name in HOSTILE_NAMES:
        habits.change(partial(Habits.with_place, place=name, at=name[:90]))

    async def main(app: Inspector, pilot: Pilot[None]) -> None:
        await screen_of(app, pilot, PickerScreen)
        for size in ((80, 24), (20, 5), (1, 1), (200, 50)):
            await pilot.resize_terminal(*size)
            for keys in (["end"], ["question_mark"], ["escape"], ["home"]):
                await pilot.press(*keys)
                assert set() == control_characters(pilot)
        await pilot.press("enter")
        await until(lambda: "not opened" in text_of(app), pilot)
        assert set() == control_characters(pilot)

    inspecting(None, main, habits=habits)


def test_the_demo_is_looked_at(monkeypatch: pytest.MonkeyPatch, habits: HabitsFile) -> None:
    """The demo opens like any other store, is not remembered, and is removed when one leaves."""
    monkeypatch.setattr(demo, "BIDDERS", 3)
    places: list[Path] = []

    async def main(app: Inspector, pilot: Pilot[None]) -> None:
        await screen_of(app, pilot, PickerScreen)
        await pilot.press("d")
        places.append(Path((await scopes_of(app, pilot)).desk.source.place))
        assert places[0].is_dir()
        await pilot.press("p")
        await screen_of(app, pilot, PickerScreen)
        await until(lambda: not places[0].exists(), pilot)
        await pilot.press("d")
        places.append(Path((await scopes_of(app, pilot)).desk.source.place))

    inspecting(None, main, habits=habits)
    assert [False, False] == [place.parent.exists() for place in places]
    assert Habits() == habits.load()[0]


def test_a_demo_that_cannot_be_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that is full is told as anything else that does not open."""

    def full(prefix: str) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tempfile.mkdtemp", full)

    async def main(app: Inspector, pilot: Pilot[None]) -> None:
        await screen_of(app, pilot, PickerScreen)
        await pilot.press("d")
        await until(lambda: "No space left" in text_of(app), pilot)

    inspecting(None, main)


def test_a_token_is_for_its_place(monkeypatch: pytest.MonkeyPatch, store: Path) -> None:
    """The token that came with a place goes to that place, and to no other one."""
    asked: list[tuple[str, str | None]] = []

    def asking(place: str, *, token: str | None, on_progress: OnProgress) -> object:
        asked.append((place, token))
        return open_source(place)

    monkeypatch.setattr("inspector.app.open_source", asking)

    async def main(app: Inspector, pilot: Pilot[None]) -> None:
        await scopes_of(app, pilot)
        app.open_place(f"{store}/")
        await until(lambda: len(asked) == 2, pilot)
        await scopes_of(app, pilot)

    inspecting(store, main, token="as1_secret")
    assert [(str(store), "as1_secret"), (f"{store}/", None)] == asked


def test_help(store: Path) -> None:
    """`?` tells what is seen, and each key; and any of some keys closes it."""

    async def main(app: Inspector, pilot: Pilot[None]) -> None:
        await scopes_of(app, pilot)
        await pilot.press("question_mark")
        await screen_of(app, pilot, HelpScreen)
        await until(lambda: "Each line is a scope" in text_of(app), pilot)
        text = text_of(app)
        for words in (r" / +Only names", r" s +Sort", r" pgdn .+ Page down", r" q +Quit"):
            assert re.search(words, text)
        # It is no key of ours, and of no use.
        assert "Minimize" not in text
        for key in ("escape", "question_mark", "f1"):
            await pilot.press("escape", "f1")
            await screen_of(app, pilot, HelpScreen)
            await pilot.press("j", "k", key)
            await screen_of(app, pilot, ScopesScreen)
            await pilot.press("f1")

    inspecting(store, main, size=(100, 45))


def test_the_palette_does_what_keys_do(store: Path) -> None:
    """Each key's doing can be found by name."""

    async def main(app: Inspector, pilot: Pilot[None]) -> None:
        screen = await scopes_of(app, pilot)
        titles = {command.title for command in app.get_system_commands(screen)}
        assert {"All", "Filter", "Sort", "Store", "Open", "Theme", "Screenshot", "Quit"} <= titles
        assert not {"Up", "Page down", "Maximize"} & titles
        await pilot.press("ctrl+p")
        await screen_of(app, pilot, CommandPalette)
        await pilot.press(*"turn", "enter")
        await until(lambda: screen.lines.table.order[1], pilot)

    inspecting(store, main)


def test_themes_are_remembered(store: Path, habits: HabitsFile) -> None:
    """Other colours are there the next time, too; one that is not known is none."""

    async def choose(app: Inspector, pilot: Pilot[None]) -> None:
        await scopes_of(app, pilot)
        app.theme = "nord"
        await until(lambda: habits.load()[0].theme == "nord", pilot)

    async def see(app: Inspector, pilot: Pilot[None]) -> None:
        # By then what the app itself remembers is written.
        await scopes_of(app, pilot)
        assert "nord" == app.theme
        habits.change(lambda known: known.with_theme("[/none]"))

    async def see_none(app: Inspector, pilot: Pilot[None]) -> None:
        assert "textual-dark" == app.theme

    for main in (choose, see, see_none):
        inspecting(store, main, habits=habits)


def test_screenshots(store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A picture is saved where one is; if that cannot be, one is told so."""
    monkeypatch.chdir(tmp_path)

    async def main(app: Inspector, pilot: Pilot[None]) -> None:
        await scopes_of(app, pilot)
        app._picture()
        await until(lambda: list(tmp_path.glob("*.svg")), pilot)
        monkeypatch.setattr(app, "save_screenshot", lambda: (tmp_path / "no" / "x").touch())
        app._picture()
        await until(lambda: "No such file" in str(list(app._notifications)), pilot)

    inspecting(store, main)


def test_leaving(store: Path) -> None:
    """`q` leaves, from wherever."""

    async def main(app: Inspector, pilot: Pilot[None]) -> None:
        await scopes_of(app, pilot)
        await pilot.press("q")

    inspecting(store, main)

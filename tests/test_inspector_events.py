"""The events screen."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from textual.events import Key
from textual.pilot import Pilot
from textual.widgets import Input

from atomic_store import JsonEvent, open_store
from atomic_store.reading import filter_of
from inspector.app import Inspector
from inspector.habits_file import HabitsFile
from inspector.model.which import Which
from inspector.screens.event import EventScreen
from inspector.screens.events import EventsScreen
from inspector.screens.filters import FiltersScreen
from inspector.widgets.ask_bar import AskBar
from inspector.widgets.status_line import StatusLine
from inspector_app import Said, bids, inspecting, list_of, make_store, screen_of, text_of, until
from inspector_desks import HOSTILE_NAMES


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """600 bids in 3 lots; not to be changed."""
    return make_store(tmp_path_factory.mktemp("events") / "bids.store", bids(600, 3))


async def events_of(
    app: Inspector, pilot: Pilot[None], which: Which, at: int | None = None
) -> EventsScreen:
    """Show events, once all that is on the screen is there."""
    await until(lambda: len(app.screen_stack) > 1 and hasattr(app.screen, "desk"), pilot)
    screen = EventsScreen(app.screen.desk, which, at)  # type: ignore[attr-defined]
    await app.push_screen(screen)
    await settled(app, pilot)
    return screen


async def settled(app: Inspector, pilot: Pilot[None]) -> None:
    """Wait until nothing is looked for any more."""

    def is_settled() -> bool:
        screen = app.screen
        if not isinstance(screen, EventsScreen) or not screen.browsing.is_begun:
            return False
        listing, top = screen.browsing.listing, round(list_of(app).scroll_y)
        rows = range(top, min(top + list_of(app).page_lines, listing.count))
        return not screen.browsing.is_searching and all(listing.record(row) for row in rows)

    await until(is_settled, pilot)
    await pilot.pause()


def rows(app: Inspector) -> list[str]:
    """The lines of the list, with single blanks."""
    return [
        " ".join(line.split()) for line in text_of(app).splitlines()[2:-2] if line.strip(" ▁▔│")
    ]


def status(app: Inspector) -> tuple[str, str]:
    """What stands below the list."""
    line = app.screen.query_one(StatusLine)
    return line.left, line.right


def answer(app: Inspector, bar: str, text: str) -> None:
    """Type a text into a bar that is asking, and end it."""
    found = app.screen.query_one(bar, AskBar)
    assert found.is_asking
    found.post_message(AskBar.Answered(found, text))


def test_all_events(store: Path) -> None:
    """The whole store begins at its end, and is read where somebody looks."""

    async def main(app: Inspector, pilot: Pilot[None]) -> None:
        await events_of(app, pilot, Which())
        assert "600 2026-11-23 15:14:05 lot/2 200 Bid bidder=b4 cents=3095" == rows(app)[-1]
        assert ("600 of 600 events", "following") == status(app)
        await pilot.press("g")
        await settled(app, pilot)
        assert "1 2026-11-23 15:04:06 lot/0 1 Bid bidder=b0 cents=100" == rows(app)[0]
        await pilot.press("pagedown", "j")
        await settled(app, pilot)
        assert ("22 of 600 events", "following") == status(app)
        assert "22 2026-11-23 15:04:27" == rows(app)[1][:22]

    inspecting(store, main)


def test_one_scope(store: Path) -> None:
    """A scope's events have no column for the scope."""

    async def main(app: Inspector, pilot: Pilot[None]) -> None:
        await events_of(app, pilot, Which(scope="lot/1"), at=11)
        assert "4 of 200 events" == status(app)[0]
        assert "11 4 2026-11-23 15:04:16 Bid bidder=b3 cents=150" == rows(app)[3]
        assert "bids.store > lot/1" in text_of(app).splitlines()[0]

    inspecting(store, main)


def test_a_filter(store: Path) -> None:
    """Hits are searched from where the cursor was, and the cursor stays near it."""

    async def main(app: Inspector, pilot: Pilot[None]) -> None:
        await events_of(app, pilot, Which(), at=300)
        await pilot.press("slash")
        answer(app, "#filter", "data.bidder = b3 and scope = 'lot/1'")
        await pilot.pause()
        assert "expected" in text_of(app)
        answer(app, "#filter", 'data.bidder = "b3" and scope = "lot/1"')
        await until(lambda: app.screen.which.where is not None, pilot)  # type: ignore[attr-defined]
        await settled(app, pilot)
        hits = [n for n in range(600) if n % 7 == 3 and n % 3 == 1]
        listing = app.screen.browsing.listing  # type: ignore[attr-defined]
        assert [n + 1 for n in hits] == [listing.position(i) for i in range(listing.count)]
        record = app.screen.record  # type: ignore[attr-defined]
        assert abs(record.position - 300) <= 21
        assert 'where data.bidder = "b3" and scope = "lot/1"' in text_of(app).splitlines()[0]
        await pilot.press("slash")
        answer(app, "#filter", "")
        await until(lambda: app.screen.which.where is None, pilot)  # type: ignore[attr-defined]
        await settled(app, pilot)
        assert record.position == app.screen.record.position  # type: ignore[attr-defined]

    inspecting(store, main, size=(120, 24))


def test_nothing_found(store: Path) -> None:
    """A filter that nothing matches says so."""

    async def main(app: Inspector, pilot: Pilot[None]) -> None:
        await events_of(app, pilot, Which(where=filter_of("type = Never")))
        assert "no event matches" in text_of(app)
        assert "0 hits" == status(app)[0]
        await pilot.press("enter", "c", "o", "w", "t", "j")

    inspecting(store, main)


@pytest.mark.parametrize(
    ("scope", "text", "position"),
    [
        (None, "123", 123), (None, "9,999", 600), (None, "2026-11-23T15:05:05.123456Z", 60),
        (None, "2026-11-24", None), ("lot/1", "#7", 20), ("lot/1", "#9999", 599),
        ("lot/1", "21", 23), ("lot/1", "2026-11-23T15:05:05.2Z", 62),
    ],
)  # fmt: skip
def test_jumps(store: Path, scope: str | None, text: str, position: int | None) -> None:
    """A position, a sequence and a time each say where to go."""

    async def main(app: Inspector, pilot: Pilot[None]) -> None:
        screen = await events_of(app, pilot, Which(scope=scope), at=300)
        before = screen.record
        await pilot.press("colon")
        answer(app, "#jump", text)
        await until(lambda: screen.record != before or "as late as" in text_of(app), pilot)
        await settled(app, pilot)
        assert screen.record is not None
        assert (before.position if position is None and before else position) == (
            screen.record.position
        )

    inspecting(store, main)


def test_a_jump_to_nowhere(store: Path) -> None:
    """What is no place is told, and can be mended or left."""

    async def main(app: Inspector, pilot: Pilot[None]) -> None:
        await events_of(app, pilot, Which())
        await pilot.press("colon", "x", "enter")
        await pilot.pause()
        assert "expected a position like 1234" in text_of(app)
        await pilot.press("escape")
        assert list_of(app).has_focus

    inspecting(store, main)


def test_fast_fingers(store: Path) -> None:
    """What is typed behind / is for the filter; a row that is chosen before it is there opens."""

    async def main(app: Inspector, pilot: Pilot[None]) -> None:
        screen = await events_of(app, pilot, Which())
        for key, character in (("slash", "/"), ("g", "g"), ("j", "j"), ("q", "q")):
            app.post_message(Key(key, character))
        await pilot.pause()
        assert "gjq" == app.screen.query_one("#filter Input", Input).value
        await pilot.press("escape")
        list_of(app).go_to(250)
        assert screen.record is None
        list_of(app).action_open()
        event: EventScreen = await screen_of(app, pilot, EventScreen)
        assert event.record is not None
        assert 251 == event.record.position

    inspecting(store, main)


def test_following(tmp_path: Path) -> None:
    """New events come at the end; who has gone elsewhere is left where he is."""
    path = make_store(tmp_path / "live.store", bids(50, 2))

    async def bid(count: int) -> None:
        async with open_store(path, events=None) as store:
            for _ in range(count):
                await store.store_if_valid(
                    JsonEvent("Bid", {"cents": 1}), lambda r: r.accept(), scope="lot/0"
                )

    async def main(app: Inspector, pilot: Pilot[None]) -> None:
        screen = await events_of(app, pilot, Which())
        await screen.desk.bridge.call(bid, 3)
        await until(lambda: screen.browsing.listing.count == 53, pilot)
        assert 52 == list_of(app).cursor
        await pilot.press("g")
        await screen.desk.bridge.call(bid, 2)
        await until(lambda: screen.browsing.listing.count == 55, pilot)
        assert (0, 0) == (list_of(app).cursor, round(list_of(app).scroll_y))
        await pilot.press("t")
        assert "standing still" in status(app)[1]
        await pilot.press("t")
        assert 54 == list_of(app).cursor

    inspecting(path, main)


def test_what_belongs_together(store: Path) -> None:
    """From an event to those with its correlation, to its scope, to what was around it."""

    async def main(app: Inspector, pilot: Pilot[None]) -> None:
        first = await events_of(app, pilot, Which(), at=1)
        await pilot.press("c")
        await until(lambda: app.screen is not first, pilot)
        await settled(app, pilot)
        positions = [n + 1 for n in range(600) if n % 10 == 0 and n % 3 == 0]
        listing = app.screen.browsing.listing  # type: ignore[attr-defined]
        assert positions == [listing.position(i) for i in range(listing.count)]
        await pilot.press("j", "o")
        await until(lambda: app.screen.which == Which(scope="lot/0"), pilot)  # type: ignore[attr-defined]
        await settled(app, pilot)
        assert 31 == app.screen.record.position  # type: ignore[attr-defined]
        await pilot.press("j", "w")
        await until(lambda: app.screen.which == Which(), pilot)  # type: ignore[attr-defined]
        await settled(app, pilot)
        assert 34 == app.screen.record.position  # type: ignore[attr-defined]
        await pilot.press("escape", "escape", "escape")
        assert app.screen is first

    inspecting(store, main)


def test_saved_filters(store: Path, tmp_path: Path) -> None:
    """A filter is saved by a name, chosen again, and forgotten."""
    habits = HabitsFile(tmp_path / "habits.json")

    async def main(app: Inspector, pilot: Pilot[None]) -> None:
        where = filter_of("data.cents > 3000")
        await events_of(app, pilot, Which())
        await pilot.press("W")
        assert not app.screen.query_one("#save", AskBar).is_asking
        await events_of(app, pilot, Which(where=where))
        await pilot.press("W")
        answer(app, "#save", " ")
        await pilot.pause()
        assert "expected a name" in text_of(app)
        answer(app, "#save", "[/x] dear")
        await pilot.pause()
        await pilot.press("escape")
        await pilot.press("f")
        await screen_of(app, pilot, FiltersScreen)
        assert "[/x] dear" in text_of(app)
        await pilot.press("enter")
        await until(lambda: isinstance(app.screen, EventsScreen), pilot)
        await settled(app, pilot)
        assert where == app.screen.which.where  # type: ignore[attr-defined]
        await pilot.press("f")
        await screen_of(app, pilot, FiltersScreen)
        await pilot.press("d")
        assert () == habits.load()[0].filters
        await pilot.press("enter", "escape")

    inspecting(store, main, habits=habits)


@pytest.mark.parametrize("name", ["hits.jsonl", "hits.csv"])
def test_export(store: Path, tmp_path: Path, name: str) -> None:
    """What is listed is written to a new file, and to no other."""
    path = tmp_path / name

    async def main(app: Inspector, pilot: Pilot[None]) -> None:
        await events_of(app, pilot, Which(where=filter_of("data.cents > 3000")))
        await pilot.press("e")
        answer(app, "#export", str(path))
        await until(path.exists, pilot)
        await until(lambda: "19 events" in text_of(app), pilot)
        await pilot.press("e")
        answer(app, "#export", str(path))
        await until(lambda: "already" in text_of(app), pilot)
        await pilot.press("e")
        answer(app, "#export", str(tmp_path / "x.txt"))
        await until(lambda: "ends with .csv" in text_of(app), pilot)
        await pilot.press("e")
        answer(app, "#export", str(tmp_path / "nowhere" / "x.csv"))
        await until(lambda: "directory that is there" in text_of(app), pilot)

    inspecting(store, main, size=(120, 30))
    lines = path.read_text("utf-8").splitlines()
    if name.endswith(".csv"):
        assert 20 == len(lines)
    else:
        assert list(range(582, 601)) == [json.loads(line)["position"] for line in lines]
    assert [path] == list(tmp_path.iterdir())


@pytest.mark.parametrize("size", [(80, 24), (200, 50), (20, 5), (3, 2)])
def test_hostile_events(tmp_path: Path, size: tuple[int, int]) -> None:
    """Whatever is in an event, it is only shown."""
    names = [name.replace("\ud800", "x").replace("\x00", "") for name in HOSTILE_NAMES]
    said = [Said(name, JsonEvent(name[:60], {f"{name}\0": f"{name}\0" * 50})) for name in names]
    path = make_store(
        tmp_path / "hostile.store", [one for one in said if len(one.scope.encode()) <= 512]
    )

    async def main(app: Inspector, pilot: Pilot[None]) -> None:
        await events_of(app, pilot, Which())
        for key in ("g", "j", "o", "c", "escape", "w", "slash", "escape", "G"):
            await pilot.press(key)
            await pilot.pause()
            shown = text_of(app)
            assert not {"\x1b", "\x00", "\u202e", "\x07"} & set(shown)
        for width, height in ((40, 10), (1, 1), size):
            await pilot.resize_terminal(width, height)
            await pilot.pause()

    inspecting(path, main, size=size)


def test_a_store_that_goes_away(tmp_path: Path) -> None:
    """When the files are gone it is said, and what was seen is still there."""
    path = make_store(tmp_path / "gone.store", bids(20, 2))

    async def main(app: Inspector, pilot: Pilot[None]) -> None:
        screen = await events_of(app, pilot, Which())
        path.rename(tmp_path / "elsewhere")
        screen.ask_health()
        await until(lambda: "-bad" in app.screen.query_one("TopBar").classes, pilot)
        await pilot.press("g")
        assert "cents=100" in rows(app)[0]

    inspecting(path, main)

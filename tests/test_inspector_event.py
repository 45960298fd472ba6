"""One event on the screen: its views, the way through its scope, and what can be taken away."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from textual.pilot import Pilot

from atomic_store import Fold, JsonEvent
from atomic_store.events import event_types
from event_desks import EventApp, bid, bids, lines_of, piloted, press, text_of, words_of
from inspector.folding import Folding
from inspector.screens.event import EventScreen
from inspector.screens.events import EventsScreen


def summed(state: dict[str, int], event: JsonEvent) -> dict[str, int]:
    """Add what each bidder has bid."""
    bidder, cents = event.data["bidder"], event.data["cents"]
    return {**state, bidder: state.get(bidder, 0) + cents}


TALLY = Folding("rules:tally", Fold({}, summed), event_types(None))


# --- the tree -------------------------------------------------------------------------------


def test_the_first_sight() -> None:
    """Where it is, what it is, and its data, unfolded, with the cursor on the first member."""

    async def main(app: EventApp, pilot: Pilot[None]) -> None:
        assert [
            " /stores/house > lot/42 > 12 of 12                               closed cleanly",
            " Bid  2026-11-23 15:04:05.123456 UTC  ·  ",
            " 1 Tree  2 Raw  3 Changes  4 State",
            " data.bidder",
            " ▾ data",
            '     bidder: "b0"',
            "     cents: 160",
            "     note: null",
            " ▾ metadata",
            '     correlation: "c1"',
            '     causation: "a \\u001b cause"',
            ' ▸ envelope  {type=Bid scope=lot/42 sequence=12 position=120 at="2026-11-23T…}',
        ] == [line[:41] if " UTC " in line else line for line in lines_of(app)[:12]]
        assert lines_of(app)[1].endswith(" ago                position 120")

    piloted(main, bids(12))


def test_folding_by_keys() -> None:
    """As in vi: l unfolds and goes in, h folds and goes out; + and - do it with all."""

    async def main(app: EventApp, pilot: Pilot[None]) -> None:
        await press(app, pilot, "h")
        assert " data" == lines_of(app)[3]
        await press(app, pilot, "h")
        assert " ▸ data  {bidder=b0 cents=115 note=null}" == lines_of(app)[4]
        await press(app, pilot, "l", "l", "j")
        assert " data.cents" == lines_of(app)[3]
        await press(app, pilot, "minus")
        assert "▾" in lines_of(app)[4]
        await press(app, pilot, "plus")
        assert " ▾ envelope" in lines_of(app)
        assert " data.cents" == lines_of(app)[3]
        await press(app, pilot, "G")
        assert " version" == lines_of(app)[3]
        await press(app, pilot, "left", "enter")
        assert lines_of(app)[11].startswith(" ▸ envelope  {")
        await press(app, pilot, "right")
        assert " ▾ envelope" == lines_of(app)[11]

    piloted(main, bids(3))


def test_h_leaves_from_the_outermost() -> None:
    """A section that is folded has nothing around it but the list we came from."""

    async def main(app: EventApp, pilot: Pilot[None]) -> None:
        await press(app, pilot, "h", "h")
        assert isinstance(app.screen, EventScreen)
        await press(app, pilot, "h")
        assert not isinstance(app.screen, EventScreen)

    piloted(main, bids(2))


def test_folding_by_mouse() -> None:
    """A click on the mark unfolds, and one on the line only goes there."""

    async def main(app: EventApp, pilot: Pilot[None]) -> None:
        await pilot.click("#tree", offset=(20, 5))
        assert lines_of(app)[3] == " envelope"
        assert " ▸ envelope" == lines_of(app)[8][:11]
        await pilot.click("#tree", offset=(1, 5))
        assert " ▾ envelope" == lines_of(app)[8]

    piloted(main, bids(2))


def test_unfolding_below() -> None:
    """The star unfolds all that is in one row."""

    async def main(app: EventApp, pilot: Pilot[None]) -> None:
        assert "     a  {b=[1]}" not in lines_of(app)
        await press(app, pilot, "minus")
        assert "   ▸ a  {b=[1]}" in lines_of(app)
        await press(app, pilot, "asterisk")
        assert ["   ▾ a", "     ▾ b", "         0: 1", "   ▸ c  [2]"] == lines_of(app)[5:9]

    piloted(main, [bid(1, b'{"a":{"b":[1]},"c":[2]}')])


# --- through time ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("keys", "sequence"),
    [
        (["p"], 4), (["left_square_bracket", "p"], 3), (["n"], 6), (["right_square_bracket"], 6),
        (["P"], 1), (["left_curly_bracket"], 1), (["N"], 9), (["right_curly_bracket"], 9),
    ],
)  # fmt: skip
def test_steps(keys: list[str], sequence: int) -> None:
    """Two keys go through the scope, two others to its ends; view and place stay."""

    async def main(app: EventApp, pilot: Pilot[None]) -> None:
        await press(app, pilot, "j", *keys)
        assert f"> {sequence} of 9" in lines_of(app)[0]
        assert " data.cents" == lines_of(app)[3]
        assert f"     cents: {100 + 5 * sequence}" in lines_of(app)

    piloted(main, bids(9), at=4)


def test_steps_at_the_ends() -> None:
    """There is nothing before the first event and behind the last one, and that is said."""

    async def main(app: EventApp, pilot: Pilot[None]) -> None:
        await press(app, pilot, "n")
        assert "this is its last event" == words_of(app)
        await press(app, pilot, "p", "p")
        assert "this is the scope's first event" == words_of(app)
        assert "> 1 of 2" in lines_of(app)[0]

    piloted(main, bids(2))


def test_steps_are_read_ahead() -> None:
    """A key that is held down asks for pages, not for each event."""

    async def main(app: EventApp, pilot: Pilot[None]) -> None:
        for _ in range(60):
            await pilot.press("p")
        await press(app, pilot)
        assert "> 190 of 250" in lines_of(app)[0]
        assert [(201, 249), (101, 200)] == app.source.asked

    piloted(main, bids(250))


def test_what_is_open_stays_open() -> None:
    """A node that one event lacks is open again in the next that has it."""

    async def main(app: EventApp, pilot: Pilot[None]) -> None:
        await press(app, pilot, "minus", "l", "l")
        assert " data.a.b" == lines_of(app)[3]
        await press(app, pilot, "n")
        assert [" data.a", " ▾ data", "     a: 5"] == lines_of(app)[3:6]
        await press(app, pilot, "n")
        assert [" data.a", " ▾ data", "   ▾ a", "       b: 3"] == lines_of(app)[3:7]

    piloted(main, [bid(1, b'{"a":{"b":1}}'), bid(2, b'{"a":5}'), bid(3, b'{"a":{"b":3}}')], at=0)


def test_a_scope_that_goes_on() -> None:
    """New events count at once; where somebody is, he stays."""

    async def main(app: EventApp, pilot: Pilot[None]) -> None:
        app.source.records.append(bid(3))
        app.event._look()
        await app.event._works["end"]
        await press(app, pilot)
        assert "> 2 of 3" in lines_of(app)[0]
        await press(app, pilot, "n")
        assert "> 3 of 3" in lines_of(app)[0]

    piloted(main, bids(2))


def test_an_event_that_cannot_be_read() -> None:
    """It says why, in every view; the ones around it are shown."""

    async def main(app: EventApp, pilot: Pilot[None]) -> None:
        for view in "1234":
            await press(app, pilot, view, "n")
            assert "> 4 of 6" in lines_of(app)[0]
            assert " 0001.journal is damaged at offset 4" in text_of(app)
            await press(app, pilot, "n")
            assert "damaged" not in text_of(app) or view == "3"
            await press(app, pilot, "p", "p")
        await press(app, pilot, "n", "c", "Y", "e", "x")
        assert ["this event has not been read"] * 4 == app.told[-4:]
        await press(app, pilot, "y", "f", "o")
        assert isinstance(app.opened[-1], EventsScreen)

    piloted(main, bids(6), at=2, damaged=[4])


# --- the other views -------------------------------------------------------------------------


def test_views_by_keys() -> None:
    """Numbers choose a view, tabs the next one; a click on its name, too."""

    async def main(app: EventApp, pilot: Pilot[None]) -> None:
        shown = []
        for key in ("2", "3", "4", "1", "tab", "tab", "shift+tab", "shift+tab", "shift+tab"):
            await press(app, pilot, key)
            shown.append(app.event.panes.current)
        assert "raw changes past tree raw changes raw tree past" == " ".join(map(str, shown))
        await pilot.click("TabLine", offset=(10, 0))
        await press(app, pilot)
        assert "raw" == app.event.panes.current
        await pilot.click("TabLine", offset=(70, 0))
        await press(app, pilot)
        assert "raw" == app.event.panes.current

    piloted(main, bids(2))


def test_raw() -> None:
    """The line as the journal has it, broken; or laid out."""

    async def main(app: EventApp, pilot: Pilot[None]) -> None:
        await press(app, pilot, "2")
        lines = lines_of(app)
        assert "".join(line[1:] for line in lines[4:7]).startswith('{"position":20,"scope":"lot')
        assert lines[2].endswith(" bytes")
        await press(app, pilot, "r")
        assert [" laid out", " {", '   "position": 20,'] == lines_of(app)[3:6]
        await press(app, pilot, "r", "1", "r")
        assert "as the journal has it" not in text_of(app)

    piloted(main, bids(2))


def test_changes() -> None:
    """What is different from the event before it; nothing is before the first one."""

    async def main(app: EventApp, pilot: Pilot[None]) -> None:
        await press(app, pilot, "3")
        assert [
            " what is different from event 2",
            ' ~ data.bidder  "b2" → "b0"',
            " ~ data.cents  110 → 115",
            ' + metadata  {"correlation":"c1","causation":"a \\u001b cause"}',
        ] == lines_of(app)[3:7]
        assert lines_of(app)[2].endswith("3 differences")
        await press(app, pilot, "P")
        assert " the first event of its scope: there is none before it" == lines_of(app)[3]

    piloted(main, bids(3))


def test_no_changes() -> None:
    """Two events that say the same."""

    async def main(app: EventApp, pilot: Pilot[None]) -> None:
        await press(app, pilot, "3")
        assert " nothing: type, data and metadata are the same" == lines_of(app)[4]

    piloted(main, [bid(1, b"{}"), bid(2, b"{}")])


def test_changes_of_the_state() -> None:
    """With a fold: what this event has made of the state."""

    async def main(app: EventApp, pilot: Pilot[None]) -> None:
        await press(app, pilot, "3", "p")
        assert [
            " what it changed in the state, by rules:tally",
            " ~ state.b2  110 → 235",
        ] == lines_of(app)[7:9]
        await press(app, pilot, "P")
        assert [" what it changed in the state, by rules:tally", " + state.b1  105"] == [
            *lines_of(app)[5:7]
        ]

    piloted(main, bids(6), fold=TALLY)


def test_the_state() -> None:
    """With a fold: the state after this event, at any event."""

    async def main(app: EventApp, pilot: Pilot[None]) -> None:
        await press(app, pilot, "4")
        assert [" state", " ▾ state", "     b1: 105", "     b2: 110", "     b0: 115"] == (
            lines_of(app)[3:8]
        )
        assert lines_of(app)[2].endswith(" by rules:tally")
        await press(app, pilot, "p", "j")
        assert [" state.b1", " ▾ state", "     b1: 105", "     b2: 110", ""] == lines_of(app)[3:8]

    piloted(main, bids(3), fold=TALLY)


def test_a_fold_that_fails() -> None:
    """It says where and what; the events before can be looked at, and so can all else."""

    def evolve(state: int, event: JsonEvent) -> int:
        if event.data["cents"] == 110:
            raise ValueError("[/x] \x1b[31m")
        return state + 1

    broken = Folding("rules:broken", Fold(0, evolve), event_types(None))

    async def main(app: EventApp, pilot: Pilot[None]) -> None:
        await press(app, pilot, "4")
        assert " rules:broken fails at event 2: ValueError: [/x] ␛[31m (" in text_of(app)
        await press(app, pilot, "3")
        assert " ~ data.cents  110 → 115" in text_of(app)
        assert " rules:broken fails at event 2: ValueError: [/x] ␛[31m" in text_of(app)
        await press(app, pilot, "4", "P")
        assert "   state: 1" in text_of(app)

    piloted(main, bids(3), fold=broken)


def test_the_past() -> None:
    """Without a fold: the events before it, as the validator saw them; one can go there."""

    async def main(app: EventApp, pilot: Pilot[None]) -> None:
        await press(app, pilot, "4")
        lines = lines_of(app)
        assert lines[2].endswith(" 249 events before it")
        assert "cents=1345" in lines[22]
        assert " 231 " in lines[4]
        await press(app, pilot, "k", "enter")
        assert "> 248 of 250" in lines_of(app)[0]
        assert "cents=1335" in lines_of(app)[22]
        await press(app, pilot, "g")
        assert "cents=105" in lines_of(app)[4]
        await press(app, pilot, "j", "n")
        assert (1, "past") == (app.event.panes.shown.cursor, app.event.panes.current)
        await press(app, pilot, "P")
        assert "Nothing was before it" in text_of(app)

    piloted(main, bids(250))


# --- to others -------------------------------------------------------------------------------


def filters_of(app: EventApp) -> list[str]:
    """The filters of the lists that were opened."""
    return [
        "" if screen.which.where is None else screen.which.where.text
        for screen in app.opened
        if isinstance(screen, EventsScreen)
    ]


@pytest.mark.parametrize(
    ("keys", "text"),
    [
        (["f"], 'data.bidder = "b0"'),
        (["j", "f"], "data.cents = 115"),
        (["j", "j", "f"], "data.note = null"),
        (["j", "j", "j", "j", "f"], 'metadata.correlation = "c1"'),
        (["G", "l", "j", "f"], 'type = "Bid"'),
        (["G", "l", "j", "j", "j", "f"], "sequence = 3"),
        (["G", "l", "j", "j", "j", "j", "j", "f"], 'at = "2026-11-23T15:04:05.123456Z"'),
        (["c"], 'metadata.correlation = "c1"'),
        (["o"], ""),
        (["w"], ""),
    ],
)
def test_to_other_events(keys: list[str], text: str) -> None:
    """From a value to all events that have it; from an event to those that belong to it."""

    async def main(app: EventApp, pilot: Pilot[None]) -> None:
        await press(app, pilot, *keys)
        (found,) = filters_of(app)
        assert found.startswith(text)
        assert bool(text) == bool(found)
        screen = app.opened[-1]
        assert isinstance(screen, EventsScreen)
        assert 30 == screen.at
        assert ("lot/42" if keys == ["o"] else None) == screen.which.scope

    piloted(main, bids(3))


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        (["c"], "its metadata names no correlation and no causation"),
        (["h", "f"], "events can be filtered by a text, a number, true, false or null"),
        (["G", "l", "G", "f"], "events can be filtered by"),
        (["2", "f"], "go to a value in the tree first: 1 shows it"),
    ],
)
def test_no_other_events(keys: list[str], words: str) -> None:
    """Where there is nothing to go to, it says so."""

    async def main(app: EventApp, pilot: Pilot[None]) -> None:
        await press(app, pilot, *keys)
        assert [] == filters_of(app)
        assert words_of(app).startswith(words)

    piloted(main, bids(2))


# --- taking away ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("keys", "text"),
    [
        (["y"], "b0"),
        (["j", "y"], "115"),
        (["h", "y"], '{"bidder":"b0","cents":115,"note":null}'),
        (["G", "k", "y"], '"a \\u001b cause"'),
        (["2", "y"], '{"position":30,"scope":"lot/42","sequence":3,"id":"00000000-0000-7000-8000-'),
        (["3", "j", "y"], "~ data.cents: 110 -> 115"),
        (["3", "Y"], '~ data.bidder: "b2" -> "b0"\n~ data.cents: 110 -> 115\n+ metadata: '),
        (["4", "y"], '{"position":20,"scope":"lot/42","sequence":2,'),
        (["1", "Y"], '{\n  "position": 30,\n  "scope": "lot/42",\n'),
    ],
)
def test_copies(keys: list[str], text: str) -> None:
    """What is under the cursor, or all that is shown, in each view."""

    async def main(app: EventApp, pilot: Pilot[None]) -> None:
        await press(app, pilot, *keys)
        assert app.clipboard.startswith(text)
        assert words_of(app).startswith("copied: ")

    piloted(main, bids(3))


def test_copies_of_a_state() -> None:
    """The value in it, or all of it."""

    async def main(app: EventApp, pilot: Pilot[None]) -> None:
        await press(app, pilot, "4", "j", "y")
        assert "105" == app.clipboard
        await press(app, pilot, "Y")
        assert '{\n  "b1": 105,\n  "b2": 110\n}' == app.clipboard

    piloted(main, bids(2), fold=TALLY)


def test_what_is_not_copied() -> None:
    """What is too long for terminals, and nothing."""

    async def main(app: EventApp, pilot: Pilot[None]) -> None:
        await press(app, pilot, "h", "y")
        assert "300 kB are too long to copy: e or v opens it, x writes it" == words_of(app)
        await press(app, pilot, "3", "y")
        assert "there is nothing to copy" == words_of(app)
        assert "" == app.clipboard

    piloted(main, [bid(1, b'{"x":"%b"}' % (b"x" * 300_000))])


def test_a_pager_and_an_editor(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """They get what is shown, laid out and escaped; the app waits, and is drawn anew."""
    program, out = tmp_path / "program", tmp_path / "out"
    program.write_text(f'#!/bin/sh\ncat "$1" > {out}\n')
    program.chmod(0o755)
    monkeypatch.setenv("PAGER", str(program))
    monkeypatch.setenv("VISUAL", str(program))

    @contextmanager
    def suspend(app: EventApp) -> Iterator[None]:
        yield

    async def main(app: EventApp, pilot: Pilot[None]) -> None:
        await press(app, pilot, "v")
        assert [] == app.told
        assert json.loads(out.read_text())["sequence"] == 3
        await press(app, pilot, "3", "e")
        assert out.read_text().startswith("~ data.bidder")
        monkeypatch.setenv("VISUAL", "/nowhere/vi")
        await press(app, pilot, "e")
        assert words_of(app).startswith("there is no program /nowhere/vi: let $VISUAL or $EDITOR")

    with monkeypatch.context() as patch:
        patch.setattr(EventApp, "suspend", suspend)
        piloted(main, bids(3))


def test_without_a_terminal() -> None:
    """Where there is none to hand over, it says so."""

    async def main(app: EventApp, pilot: Pilot[None]) -> None:
        await press(app, pilot, "v")
        assert "a pager needs a terminal of its own, and there is none here" == words_of(app)

    piloted(main, bids(1))


def test_export(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The event's line becomes a file in this directory, or it says why not."""

    async def main(app: EventApp, pilot: Pilot[None]) -> None:
        await press(app, pilot, "x")
        assert f"written: {tmp_path / 'event-20.json'}" == words_of(app)
        assert 2 == json.loads((tmp_path / "event-20.json").read_text())["sequence"]
        monkeypatch.setattr(Path, "cwd", lambda: tmp_path / "nowhere")
        await press(app, pilot, "x")
        assert words_of(app).startswith("not written: ")

    monkeypatch.chdir(tmp_path)
    piloted(main, bids(2))

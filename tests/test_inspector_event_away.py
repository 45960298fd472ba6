"""From one event to others, and what of it can be taken away."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from textual.pilot import Pilot

from atomic_store import Fold, JsonEvent
from atomic_store.events import event_types
from event_desks import EventApp, bid, bids, piloted, press, words_of
from inspector.folding import Folding
from inspector.screens.events import EventsScreen


def summed(state: dict[str, int], event: JsonEvent) -> dict[str, int]:
    """Add what each bidder has bid."""
    bidder, cents = event.data["bidder"], event.data["cents"]
    return {**state, bidder: state.get(bidder, 0) + cents}


TALLY = Folding("rules:tally", Fold({}, summed), event_types(None))


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

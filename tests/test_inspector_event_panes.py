"""The views of one event."""

from __future__ import annotations

import asyncio
import threading

from textual.pilot import Pilot

from atomic_store import Fold, JsonEvent
from atomic_store.events import event_types
from event_desks import EventApp, bid, bids, lines_of, piloted, press, text_of
from inspector.folding import Folding
from inspector.widgets.event_head import TabLine


def summed(state: dict[str, int], event: JsonEvent) -> dict[str, int]:
    """Add what each bidder has bid."""
    bidder, cents = event.data["bidder"], event.data["cents"]
    return {**state, bidder: state.get(bidder, 0) + cents}


TALLY = Folding("rules:tally", Fold({}, summed), event_types(None))


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


def test_a_long_fold_says_how_far_it_is() -> None:
    """While a state is made, it says how many events have been gone through."""
    told: list[str] = []

    async def main(app: EventApp, pilot: Pilot[None]) -> None:
        line = app.screen.query_one(TabLine)
        app.screen.watch(line, "right", lambda words: told.append(words), init=False)
        await press(app, pilot, "4")
        assert {"folding 100 of 2,500", "folding 1,100 of 2,500"} < set(told)
        assert "by rules:tally" == told[-1]
        told.clear()
        await press(app, pilot, "p", "n")
        assert [] == told

    piloted(main, bids(2_500), fold=TALLY)


def test_a_fold_that_does_not_come_back() -> None:
    """It can be left, and all else be looked at, while it hangs."""
    release, begun = threading.Event(), threading.Event()

    def evolve(state: int, event: JsonEvent) -> int:
        begun.set()
        release.wait(20)
        return state + 1

    hanging = Folding("rules:hanging", Fold(0, evolve), event_types(None))

    async def main(app: EventApp, pilot: Pilot[None]) -> None:
        try:
            await pilot.press("4")
            assert await asyncio.to_thread(begun.wait, 20)
            await press(app, pilot, "1", "p")
            assert "> 1 of 2" in lines_of(app)[0]
        finally:
            release.set()

    piloted(main, bids(2), fold=hanging)


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

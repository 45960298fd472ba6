"""One event on the screen: its tree, and the way through its scope."""

from __future__ import annotations

import pytest
from textual.pilot import Pilot

from event_desks import EventApp, bid, bids, lines_of, piloted, press, text_of, words_of
from inspector.screens.event import EventScreen
from inspector.screens.events import EventsScreen

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
        assert [(201, 249)] == app.source.asked
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

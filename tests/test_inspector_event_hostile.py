"""Events of strangers in each view of the event's screen, at any size and in any theme."""

from __future__ import annotations

import unicodedata
from typing import Any, Final

import pytest
from textual.pilot import Pilot

from atomic_store import Fold
from atomic_store.events import event_types
from atomic_store.journal import StoredRecord
from event_desks import EventApp, bid, bids, piloted, press, text_of
from inspector.folding import Folding
from inspector.screens.event import EventScreen

MARKUP = "[/x][@click=app.quit]quit[/][bold red]\\[["
CONTROLS = "\x1b]52;c;aGk=\x07\x1b[2J\x00\x9b31m\x7f\r\n\t\u202e\u2066\u200b"
WIDE = "漢字" * 90 + "e" + "\u0301" * 300 + "👩\u200d👩\u200d👧\ufe0f"
SCOPE = f"lot {MARKUP}{CONTROLS}"

DATA: Final[dict[str, bytes]] = {
    "markup": f'{{"{MARKUP.replace(chr(92), "")}":"[@click=app.quit]x","[/x]":[1]}}'.encode(),
    "raw controls": f'{{"{CONTROLS}":"{CONTROLS}"}}'.encode(),
    "escaped controls": b'{"\\u001b]0;x\\u0007":"\\u0000\\u202e\\u009b","\\n":"\\u001b[2J"}',
    "wide": f'{{"{WIDE}":"{WIDE}"}}'.encode(),
    "surrogates": b'{"\\ud800":"\\udfff","raw":"\xed\xa0\x80\xff"}',
    "doubled": b'{"a":1,"a":{"b":[]},"a":{"b":[2]},"":{"":0}}',
    "no json": b"\x1b[31m{]\x00",
    "nothing": b"",
    "scalar": b'"\\u001b"',
    "numbers": b"[1e999,-0,%b,0.1]" % (b"9" * 6_000),
    "deep": b'{"d":' * 5_000 + b"[" * 5_000 + b"]" * 5_000 + b"}" * 5_000,
    "large": b'{"text":"%b","many":[%b]}' % (b"[/x]" * 125_000, b"1," * 250_000 + b"1"),
}
NAMES: Final[dict[str, Any]] = {
    "scope": SCOPE,
    "type": f"T{MARKUP}{CONTROLS}",
    "id": f"{MARKUP}\ud800",
    "at": f"never{MARKUP}{CONTROLS}",
    "proposed": CONTROLS,
    "part": (10**30, 2),
    "version": 10**12,
    "position": 10**40,
}


def records() -> list[StoredRecord]:
    """All of it, in one scope, with metadata as bad as the data."""
    found = []
    for sequence, (name, data) in enumerate(DATA.items(), 1):
        names = NAMES if sequence % 2 else {**NAMES, "at": "2026-11-23T15:04:05.123456Z"}
        small = DATA["doubled"] if name in ("deep", "large") else data
        found.append(bid(sequence, data, metadata=small, meta=small, **names))
    return found


def assert_harmless(app: EventApp) -> None:
    """Nothing on the screen commands a terminal, hides, or is wider than the screen."""
    assert isinstance(app.screen, EventScreen)
    width, height = app.size
    strips = app.screen._compositor.render_strips()
    assert height == len(strips)
    for strip in strips:
        assert width == strip.cell_length
        for character in strip.text:
            assert unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
        for segment in strip:
            # Ours have such, for keys and scroll bars; what was a stranger's must not.
            meta = segment.style.meta if segment.style else {}
            assert "@click" not in meta or "app.quit" not in str(meta)


FOLD = Folding(
    f"rules:{MARKUP}",
    Fold((), lambda state, event: (*state, {MARKUP: CONTROLS, "\ud800": event})),
    event_types(None),
)


@pytest.mark.parametrize("fold", [None, FOLD], ids=["plain", "folded"])
@pytest.mark.parametrize("view", ["1", "2", "3", "4"])
def test_hostile_events(view: str, fold: Folding | None) -> None:
    """Whatever an event holds, each view shows something of it, and does no harm."""
    # In the list of the past it goes elsewhere.
    is_in = view != "4" or fold is not None

    async def main(app: EventApp, pilot: Pilot[None]) -> None:
        await press(app, pilot, view)
        for sequence in range(1, len(DATA) + 1):
            assert_harmless(app)
            assert f" {sequence} of {len(DATA)}" in text_of(app)
            await press(app, pilot, "y", "plus", "G", *("l" if is_in else ""))
            assert_harmless(app)
            await press(app, pilot, "r" if view == "2" else "minus", "n")

    piloted(main, records(), at=0, fold=fold)


SIZES = [(20, 5), (200, 50), (1, 1), (40, 8), (7, 13), (300, 3)]


@pytest.mark.parametrize("view", ["1", "2", "3", "4"])
@pytest.mark.parametrize("name", ["wide", "deep"])
def test_any_size(name: str, view: str) -> None:
    """Small, large, and from one to the other."""

    async def main(app: EventApp, pilot: Pilot[None]) -> None:
        await press(app, pilot, view, "plus")
        for width, height in SIZES:
            await pilot.resize_terminal(width, height)
            await press(app, pilot, "j")
            assert (width, height) == app.size
            assert_harmless(app)
        await press(app, pilot, "n", "p")
        assert_harmless(app)

    two = [bid(1, DATA[name], **NAMES), bid(2, DATA[name], metadata=DATA[name], **NAMES)]
    piloted(main, two, size=(80, 24))


def test_any_theme() -> None:
    """Each of them can be taken at any time."""

    async def main(app: EventApp, pilot: Pilot[None]) -> None:
        for number, theme in enumerate(sorted(app.available_themes)):
            app.theme = theme
            await press(app, pilot, str(number % 4 + 1), "j")
            assert_harmless(app)

    piloted(main, bids(3))


def test_a_copy_does_no_harm() -> None:
    """What goes to the clipboard is a text, whatever it was."""

    async def main(app: EventApp, pilot: Pilot[None]) -> None:
        await press(app, pilot, "y")
        assert "�" in app.clipboard
        assert app.clipboard.encode()

    piloted(main, [bid(1, DATA["surrogates"])])

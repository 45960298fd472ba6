"""The real program in a real terminal."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from atomic_store import JsonEvent
from command_line import environment, journal_lines
from inspector_app import Said, bids, make_store
from source_tree import ROOT
from terminals import TMUX, Terminal, terminal, wait_until

needs_tmux = pytest.mark.skipif(TMUX is None, reason="needs tmux")

PAYLOADS = (
    "\x1b]0;PWNED\x07",
    "\x1b]52;c;UFdORUQ=\x07",
    "\x1b[31mPWNED",
    "\x1b[2J\x1b[HPWNED",
    "\x1bPPWNED\x1b\\",
    "\x1bc",
    "\x9b31mPWNED",
    "\x9d0;PWNED\x9c",
    "\u202ePWNED",
    "\u2066PWNED",
    "PWNED\x00",
    "PWNED\x07",
    "PWNED\x08\x08",
    "\r\nPWNED",
)
"""What a terminal must never be told: it would obey."""


def command(*arguments: str | Path) -> list[str]:
    """The command of the inspector."""
    return [sys.executable, "-m", "inspector", *map(str, arguments)]


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A store of thirty bids in three lots."""
    return make_store(tmp_path / "shop.store", bids(30, 3))


def ended(pid: int) -> None:
    """Wait until a process has ended."""

    def is_gone() -> bool:
        try:
            return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
        except OSError:
            return True

    wait_until(is_gone, lambda: f"process {pid} goes on")


def open_an_event(screen: Terminal) -> None:
    """Go from the first screen to an event."""
    screen.shows("lot/0", "lot/2", "closed cleanly")
    screen.type("Enter")
    screen.shows("bidder=", "lot/0", "10 of 10")
    screen.type("Enter")
    screen.shows("cents", "lot/0 > 10 of 10")


@needs_tmux
def test_from_beginning_to_end(store: Path, tmp_path: Path) -> None:
    """It is started, a scope and an event are opened, and it is left; the terminal is as before."""
    with terminal(command(store), tmp_path) as screen:
        open_an_event(screen)
        screen.type("Escape")
        screen.shows("10 of 10 events")
        screen.type("q")
        text = screen.shows("exit code 0")

    assert "lot/0" not in text


@needs_tmux
def test_who_won_a_lot(tmp_path: Path) -> None:
    """Of real bids: the lot is found by its number, who won it and against what, and their bids."""
    store = tmp_path / "auction.store"
    demo = ["demo", "--store", str(store), "--bids", str(ROOT / "docs/examples/ebay-bids.csv")]
    subprocess.run(
        [sys.executable, "-m", "atomic_store", *demo], env=environment(), check=True,
        stdout=subprocess.DEVNULL,
    )  # fmt: skip

    with terminal(command(store), tmp_path) as screen:
        screen.shows("628 scopes")
        screen.type("/")
        screen.type_text("8213060420")
        screen.shows("1 of 628 scopes")
        screen.type("Enter")
        screen.shows("/8213060420 · 1 of 628 scopes")
        screen.type("Enter")
        last_lines = screen.shows("23 of 23 events", "max_cents=12000").splitlines()
        *_, before, last = [line for line in last_lines if " Bid " in line]
        assert "bidder=bidder-2442 max_cents=11750" in before
        assert "bidder=bidder-2443 max_cents=12000" in last
        screen.type("/")
        screen.type_text('data.bidder = "bidder-2443"')
        screen.type("Enter")
        found = screen.shows("1 of 1 hit")
        assert 1 == found.count("max_cents=")
        screen.type("q")
        screen.shows("exit code 0")


@needs_tmux
def test_a_terminal_with_hardly_any_room(store: Path, tmp_path: Path) -> None:
    """Twenty by five is enough to find an event."""
    with terminal(command(store), tmp_path, (20, 5)) as screen:
        screen.shows("lot/0")
        screen.type("Down", "Enter")
        screen.shows("Bid")
        screen.type("Enter")
        screen.shows("bidder")
        screen.type("q")
        screen.shows("exit code 0")


@needs_tmux
def test_a_terminal_that_changes_its_size(store: Path, tmp_path: Path) -> None:
    """Wildly: what it shows in the end is as if it had always been like that."""
    with terminal(command(store), tmp_path) as screen:
        open_an_event(screen)
        for width, height in ((200, 60), (10, 3), (2, 2), (300, 5), (20, 100), (80, 24)):
            screen.resize(width, height)
        screen.shows("cents", "lot/0 > 10 of 10", "1 Tree")
        screen.type("q")
        screen.shows("exit code 0")


@needs_tmux
def test_a_filter_is_typed(store: Path, tmp_path: Path) -> None:
    """Keys arrive, also those that mean something else elsewhere."""
    with terminal(command(store), tmp_path) as screen:
        screen.shows("lot/0", "closed cleanly")
        screen.type("a")
        screen.shows("30 of 30 events")
        screen.type("/")
        screen.shows("filter ")
        screen.type_text("data.cents > 200 and type = Bid")
        screen.type("Enter")
        screen.shows("where data.cents > 200 and type =", "9 of 9 hits")
        screen.type("C-q")
        screen.shows("exit code 0")


@needs_tmux
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal(store: Path, tmp_path: Path, number: signal.Signals) -> None:
    """It ends in order, the terminal is as before, and the exit code says by what."""
    with terminal(command(store), tmp_path) as screen:
        screen.shows("lot/0", "closed cleanly")
        os.kill(screen.child(), number)
        text = screen.shows(f"exit code {128 + number}")
        # Another screen, a mouse that is listened to, a cursor that is hidden.
        modes = screen.tmux("list-panes", "-F", "#{alternate_on} #{mouse_any_flag} #{cursor_flag}")

    assert ["exit", "code", str(128 + number)] == text.split()
    assert "0 0 1" == modes.strip()


@needs_tmux
@pytest.mark.parametrize("begin", ["", "trap '' HUP; "])
def test_a_terminal_that_goes_away(store: Path, tmp_path: Path, begin: str) -> None:
    """Its process ends, also if it ignores the signal; nothing goes on for nobody."""
    shell = ["sh", "-c", f"{begin}exec {shlex.join(command(store))}"]
    with terminal(shell, tmp_path) as screen:
        screen.shows("lot/0")
        child = screen.child()
        screen.tmux("new-session", "-d", "-s", "other", "cat")
        screen.tmux("kill-session", "-t", "0")
        ended(child)


@needs_tmux
def test_a_store_that_is_none(tmp_path: Path) -> None:
    """What is wrong and what to do is on the screen."""
    with terminal(command(tmp_path / "nowhere.store"), tmp_path) as screen:
        screen.shows("nowhere.store", "not opened", "expected", "Try again")
        screen.type("q")
        screen.shows("exit code 0")


@needs_tmux
def test_a_hostile_store(tmp_path: Path) -> None:
    """Through every screen, not one byte of data reaches the terminal that it would obey."""
    path = make_store(
        tmp_path / "hostile.store",
        (
            Said(
                f"lot {number} {payload}".replace("\x00", ""),
                JsonEvent(
                    f"T{payload}".replace("\x00", ""),
                    {payload: payload, "[/x]": ["[@click=app.quit]", payload]},
                ),
                {payload: payload, "correlation": payload},
            )
            for number, payload in enumerate(PAYLOADS)
        ),
    )
    with terminal(command(path), tmp_path) as screen:
        walk(screen)
        # Textual itself says which shape the mouse's pointer has.
        raw = re.sub(rb"\x1b\]22;\w*\x07", b"", screen.raw.read_bytes())

    assert b"lot 0" in raw
    assert [] == [payload for payload in PAYLOADS if payload.encode() in raw]
    assert not any(told in raw for told in (b"\x07", b"\x1b]", b"\x1bP", b"\0"))
    assert not any(c1.encode() in raw for c1 in map(chr, range(0x80, 0xA0)))


def walk(screen: Terminal) -> None:
    """
    Look at everything, by every key that shows something.

    Behind an escape it waits: with a key right behind it, a terminal means another key.
    """
    screen.shows("lot 0", "closed cleanly")
    screen.type("a")
    screen.shows("14 of 14 events", "lot 0 ")
    screen.type("g", "Enter")
    screen.shows("1 Tree")
    for key in ("+", "2", "r", "3", "4", "n", "1", "n", "+"):
        screen.type(key)
        screen.shows("1 Tree")
    screen.type("c")
    screen.shows("1 of 1 hit")
    screen.type("Escape")
    screen.shows("1 Tree")
    screen.type("Escape")
    screen.shows("of 14 events")
    screen.type("/")
    screen.shows("filter ")
    screen.type_text('"PWNED"')
    screen.type("Enter")
    screen.shows("hits")
    screen.type("?")
    screen.shows("Help")
    screen.type("Escape")
    screen.shows("hits", "Jump")
    screen.type("Escape")
    screen.shows("14 scopes", "Sort")
    screen.type("i")
    screen.shows("14 records of 14 scopes")
    screen.type("v")
    screen.shows("checked: not damaged")
    screen.type("q")
    screen.shows("exit code 0")


@needs_tmux
@pytest.mark.parametrize("elsewhere", ["<shop.store/store.json", ">told", "2>told"])
def test_a_part_of_a_terminal(store: Path, tmp_path: Path, elsewhere: str) -> None:
    """Reading, drawing and complaining all need one; it says so, wherever that goes."""
    with terminal(["sh", "-c", f"{shlex.join(command(store))} {elsewhere}"], tmp_path) as screen:
        text = screen.shows("exit code 2")
    if elsewhere == "2>told":
        text = (tmp_path / "told").read_text()

    assert "expected a terminal" in text.replace("\n", "")


def test_no_terminal(store: Path, tmp_path: Path) -> None:
    """It says what it expected, and which commands print the same."""
    run = subprocess.run(
        command(store), stdin=subprocess.DEVNULL, capture_output=True, cwd=tmp_path,
        env=environment({"XDG_STATE_HOME": str(tmp_path)}), timeout=60,
    )  # fmt: skip

    assert (2, b"") == (run.returncode, run.stdout)
    assert b"expected a terminal" in run.stderr
    assert b"atomic-store scopes" in run.stderr
    assert 30 == len(journal_lines(store))

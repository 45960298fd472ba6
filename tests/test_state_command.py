"""`atomic-store state`: what a scope's events amount to."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import trio

from atomic_store import JsonEvent, open_store
from command_line import HOSTILE, called, lines_of, refusal

RULES = """
import attrs
from atomic_store import Fold

@attrs.frozen
class Bid:
    cents: int

@attrs.frozen
class Sum:
    cents: int
    last: str

plain = Fold({"count": 0}, lambda state, event: {"count": state["count"] + event.data["cents"]})
typed = Fold(Sum(0, ""), lambda state, event: Sum(state.cents + event.cents, type(event).__name__))
said = Fold("", lambda state, event: event.data["text"])
def made(): return plain
def picky(state, event):
    if event.data["cents"] > 20: raise ValueError("too much")
    return state
choosy = Fold(0, picky)
def leaving(): raise SystemExit(7)
def deep(state, event):
    return [state]
nested = Fold(0, deep)
no_fold = 7
"""


@pytest.fixture(autouse=True)
def _modules() -> Iterator[None]:
    """Forget the module of a test, and where it was."""
    path = list(sys.path)
    yield
    sys.path[:] = path
    sys.modules.pop("state_rules", None)


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store of three bids and a word, beside the folds' module."""
    path = tmp_path / "shop.store"

    async def fill() -> None:
        async with open_store(path, events=None) as opened:
            for cents in (10, 20, 30):
                await opened.store_if_valid(
                    JsonEvent("Bid", {"cents": cents}), lambda r: r.accept(), scope="lot"
                )
            await opened.store_if_valid(
                JsonEvent("Said", {"text": HOSTILE}), lambda r: r.accept(), scope="words"
            )

    trio.run(fill)
    (tmp_path / "state_rules.py").write_text(RULES)
    monkeypatch.chdir(tmp_path)
    return path


@pytest.mark.parametrize(
    ("options", "state"),
    [
        (("--fold=state_rules:plain",), {"count": 60}),
        (("--fold=state_rules:made",), {"count": 60}),
        (("--fold=state_rules:plain", "--sequence=2"), {"count": 30}),
        (("--fold=state_rules:plain", "--sequence=0"), {"count": 0}),
        (
            ("--fold=state_rules:typed", "--events=state_rules:Bid"),
            {"cents": 60, "last": "Bid"},
        ),
    ],
)
def test_states(store: Path, options: tuple[str, ...], state: object) -> None:
    """Of the last event or of any, by a fold over plain JSON or over classes."""
    (line,) = lines_of(called("state", store, "--scope=lot", *options, "--json"))
    set_out = lines_of(called("state", store, "--scope=lot", *options))

    value = json.loads(line)
    assert state == value["state"] == json.loads("\n".join(set_out))
    sequence = next((int(o[-1]) for o in options if o.startswith("--seq")), 3)
    assert ("lot", sequence) == (value["scope"], value["sequence"])
    assert (value["at"] is None) == (sequence == 0)


def test_many_events(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many there are in a page."""
    monkeypatch.setattr(sys.modules["atomic_store.cli.state"], "PAGE_RECORDS", 2)
    (line,) = lines_of(called("state", store, "--scope=lot", "--fold=state_rules:plain", "--json"))
    assert {"count": 60} == json.loads(line)["state"]


def test_hostile_states(store: Path) -> None:
    """Nothing that a terminal obeys is printed; as JSON nothing is lost."""
    options = ("--scope=words", "--fold=state_rules:said")
    (line,) = lines_of(called("state", store, *options, "--json"))

    assert line.isprintable()
    assert HOSTILE == json.loads(line)["state"]
    assert all(one.isprintable() for one in lines_of(called("state", store, *options)))


def test_a_state_that_is_nested_deep(store: Path) -> None:
    """It is set out as far as that goes, or printed as it is."""
    text = "".join(lines_of(called("state", store, "--scope=lot", "--fold=state_rules:nested")))
    assert "[[[0]]]" == text.replace(" ", "")


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        ((), 2, "expected --fold"),
        (("--fold=state_rules:plain", "--sequence=4"), 1, "expected event 4 of the scope 'lot'"),
        (("--fold=state_rules:none",), 2, "found no none"),
        (("--fold=state_rules:no_fold",), 2, "expected a Fold, or a function that gives one"),
        (("--fold=state_rules:leaving",), 2, "calling it failed"),
        (("--fold=state_rules:choosy",), 2, "fails at event 3 of 'lot': ValueError: too much"),
        (("--fold=state_rules:plain", "--events=state_rules:no_fold"), 2, "--events"),
        (("--fold=no module",), 2, "expected module:name"),
    ],
)
def test_refusals(store: Path, options: tuple[str, ...], code: int, words: str) -> None:
    """What is wrong is said in a line, with where."""
    run = called("state", store, "--scope=lot", *options)

    assert code == run.returncode
    assert words in refusal(run)


def test_no_such_scope(store: Path) -> None:
    """A scope without records has no state that anybody would mean."""
    run = called("state", store, "--scope=lots", "--fold=state_rules:plain")

    assert 1 == run.returncode
    assert "expected the scope 'lots', found 0 events of it" in refusal(run)

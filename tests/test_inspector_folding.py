"""Folds that somebody names, and the states they give."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import trio

from atomic_store import Fold, JsonEvent
from atomic_store.cli.ending import CannotRun
from atomic_store.errors import JournalCorrupt
from atomic_store.events import event_types
from event_desks import ListSource, bid, bids
from inspector.folding import FoldFailed, Folding, load_folding, state_at


@pytest.fixture(autouse=True)
def _modules() -> Iterator[None]:
    """Forget the modules of a test, and where they were."""
    path, modules = list(sys.path), set(sys.modules)
    yield
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        del sys.modules[name]


def folding(evolve: Callable[[Any, Any], Any], initial: Any = 0) -> Folding:
    """Make a fold over plain JSON."""
    return Folding("rules:fold", Fold(initial, evolve), event_types(None))


def summed(state: int, event: JsonEvent) -> int:
    """Add what was bid."""
    return state + int(event.data["cents"])


# --- loading --------------------------------------------------------------------------------

RULES = """
import attrs
from atomic_store import Fold
tally = Fold(0, lambda state, event: state + 1)
def make(): return tally
class House: tally = tally
@attrs.frozen
class Bid:
    bidder: str
    cents: int
    note: str | None
typed = Fold("", lambda state, event: state + event.bidder)
def leave(): raise SystemExit(3)
async def late(): ...
number = 7
"""


def test_what_is_loaded(tmp_path: Path) -> None:
    """A fold is found by its name, also in a class; or what gives one is called."""
    (tmp_path / "rules.py").write_text(RULES)
    tally = load_folding("rules:tally", tmp_path).fold

    assert tally is load_folding("rules:make", tmp_path).fold
    assert tally is load_folding("rules:House.tally", tmp_path).fold
    typed = load_folding("rules:typed", tmp_path, events="rules:Bid")
    assert ("rules:typed", "b1") == (typed.name, typed.evolve("", bid(1)))


@pytest.mark.parametrize(
    ("name", "events", "message"),
    [
        ("rules", None, r"--fold: expected module:name, found 'rules'"),
        ("nowhere:tally", None, r"--fold: expected a module nowhere, found no nowhere"),
        ("rules:number", None, r"--fold rules:number: expected a Fold, or .*, found 7"),
        ("rules:late", None, r"expected a Fold, or .*, found <coroutine"),
        ("rules:leave", None, r"calling it failed: SystemExit: 3 \(.*rules.py, line 13\)"),
        ("rules:tally", "rules:Bud", r"--events: expected Bud in rules, found no Bud"),
        ("rules:tally", "rules:number", r"--events rules:number: .*found int 7"),
    ],
)
def test_what_is_not(name: str, events: str | None, message: str, tmp_path: Path) -> None:
    """It is told in one line."""
    (tmp_path / "rules.py").write_text(RULES)

    with pytest.raises(CannotRun, match=message) as raised:
        load_folding(name, tmp_path, events=events)
    assert 1 == len(str(raised.value).splitlines())


# --- states ---------------------------------------------------------------------------------


async def test_states() -> None:
    """At any sequence, from before the first one on; as a value and as text."""
    source, tally = ListSource(bids(5)), folding(summed)
    kept = tally.kept()

    found = [await state_at(source, tally, kept, "lot/42", n) for n in (5, 0, 3)]

    assert [(5, 575), (0, 0), (3, 330)] == [(at.sequence, at.state) for at in found]
    assert [b"575", b"0", b"330"] == [at.text for at in found]


async def test_a_step_reads_little() -> None:
    """States are kept on the way: a step reads nothing, and a leap no more than a thousand."""
    source, tally = ListSource(bids(5_500)), folding(summed)
    kept = tally.kept()
    told: list[tuple[int, int]] = []

    await state_at(
        source, tally, kept, "lot/42", 5_000, on_progress=lambda done, of: told.append((done, of))
    )
    assert [(100, 5_000), (1_100, 5_000)] == told[:2]
    assert (5_000, 5_000) == told[-1]
    source.asked.clear()
    await state_at(source, tally, kept, "lot/42", 4_999)
    await state_at(source, tally, kept, "lot/42", 3_000)
    assert [] == source.asked
    await state_at(source, tally, kept, "lot/42", 5_001)
    await state_at(source, tally, kept, "lot/42", 2_999)
    assert [(5_001, 5_001), (2_001, 2_100), (2_101, 2_999)] == source.asked


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ValueError("no [/x]\n \x1b"), r"ValueError: no \[/x\] \x1b"),
        (SystemExit(3), r"SystemExit: 3"),
        (KeyboardInterrupt(), r"KeyboardInterrupt"),
        (trio.Cancelled._create(source="explicit"), r"trio.Cancelled: .*"),
    ],
)
async def test_a_fold_that_fails(error: BaseException, words: str) -> None:
    """It is told at which event, what, and where in the code; what came before is kept."""

    def evolve(state: int, event: JsonEvent) -> int:
        if state == 3:
            raise error
        return state + 1

    source, broken = ListSource(bids(6)), folding(evolve)
    kept = broken.kept()

    match = rf"^rules:fold fails at event 4: {words} \(.*test_inspector_folding.py, line \d+\)$"
    with pytest.raises(FoldFailed, match=match):
        await state_at(source, broken, kept, "lot/42", 6)
    source.asked.clear()
    assert 3 == (await state_at(source, broken, kept, "lot/42", 3)).state
    assert [] == source.asked


async def test_a_fold_that_takes_something_else() -> None:
    """Where its code is not even entered, no place is told."""
    unfit: Any = len
    odd = folding(unfit)
    with pytest.raises(
        FoldFailed,
        match=r"fails at event 1: TypeError: len.* takes exactly one argument .2 given.$",
    ):
        await state_at(ListSource(bids(1)), odd, odd.kept(), "lot/42", 1)


async def test_an_error_that_cannot_be_told() -> None:
    """An error whose text fails is told by its type."""

    class Unspeakable(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    def evolve(state: int, event: JsonEvent) -> int:
        raise Unspeakable

    broken = folding(evolve)
    with pytest.raises(FoldFailed, match=r"fails at event 1: .*Unspeakable"):
        await state_at(ListSource(bids(1)), broken, broken.kept(), "lot/42", 1)


async def test_an_event_that_the_fold_does_not_know(tmp_path: Path) -> None:
    """Data that does not fit the event classes is told with its path."""
    (tmp_path / "rules.py").write_text(RULES)
    typed = load_folding("rules:typed", tmp_path, events="rules:Bid")
    source = ListSource([bid(1), bid(2, b'{"bidder":1,"cents":2,"note":null}')])

    with pytest.raises(FoldFailed, match=r"rules:typed fails at event 2: .*InvalidEvent.*bidder"):
        await state_at(source, typed, typed.kept(), "lot/42", 2)


async def test_a_state_that_is_odd() -> None:
    """Whatever the state is, there is a text of it."""
    odd = folding(lambda state, event: {1: object, "self": state}, initial=float("nan"))

    state = await state_at(ListSource(bids(2)), odd, odd.kept(), "lot/42", 2)

    assert state.text.startswith(b'{"1":"class object","self":{')


async def test_events_that_are_not_there() -> None:
    """Without all events there is no state: it says which are missing, or what is damaged."""
    tally = folding(summed)
    with pytest.raises(FoldFailed, match=r"needs all events from 1 to 3, found 2 of them"):
        await state_at(ListSource([bid(1), bid(3)]), tally, tally.kept(), "lot/42", 3)
    damaged = ListSource(bids(3), frozenset({2}))
    with pytest.raises(JournalCorrupt):
        await state_at(damaged, tally, tally.kept(), "lot/42", 3)


async def test_code_that_does_not_come_back() -> None:
    """Whoever waits for it can be cancelled, and goes on; its thread is left alone."""
    release = threading.Event()

    def evolve(state: int, event: JsonEvent) -> int:
        if event.data["cents"] == 110:
            release.wait(20)
        return state + 1

    source, slow = ListSource(bids(3)), folding(evolve)
    kept = slow.kept()
    try:
        for _ in range(3):
            with trio.move_on_after(0.05) as scope:
                await state_at(source, slow, kept, "lot/42", 3)
            assert scope.cancelled_caught
        assert 1 == (await state_at(source, slow, kept, "lot/42", 1)).state
    finally:
        release.set()


async def test_it_is_cancelled_between_pages() -> None:
    """What was gone through before the cancellation is kept, and nothing of it after."""
    source, tally = ListSource(bids(3_000)), folding(summed)
    kept = tally.kept()

    with trio.CancelScope() as scope:
        await state_at(
            source, tally, kept, "lot/42", 3_000,
            on_progress=lambda done, of: scope.cancel() if done >= 1_100 else None,
        )  # fmt: skip

    assert scope.cancelled_caught
    assert 1_100 == kept.way_to(3_000).sequence

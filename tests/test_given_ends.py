"""The ends of scopes that are appended to: which are kept, and which are forgotten."""

from __future__ import annotations

import pytest

from atomic_store.journal import ScopeEnd
from atomic_store.journal.given_ends import GivenEnd, GivenEnds


@pytest.fixture(autouse=True)
def keep_three(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only three ends are kept where they need not be."""
    monkeypatch.setattr("atomic_store.journal.given_ends.ENDS_KEPT", 3)


def ends_of(*scopes: str, durable: int = 0) -> GivenEnds:
    """Ends of scopes that got their only record one after the other."""
    ends = GivenEnds()
    for position, scope in enumerate(scopes, 1):
        ends.put(scope, GivenEnd(1, position), durable)
    return ends


def test_known() -> None:
    """The last end that was put is the one that is known."""
    ends = ends_of("a", "b", "a")

    assert GivenEnd(1, 3) == ends.get("a")
    assert GivenEnd(1, 2) == ends.get("b")
    assert ends.get("c") is None


def test_forgotten() -> None:
    """Beyond the limit the one used longest ago goes, if it is durable."""
    ends = ends_of("a", "b", "a", "c", "d", durable=5)

    assert (3, 1) == (len(ends), ends.forgotten)
    assert ends.get("b") is None
    assert GivenEnd(1, 3) == ends.get("a")


def test_needed() -> None:
    """What is not durable is never forgotten, and goes once it is."""
    ends = ends_of("a", "b", "c", "d", "e")
    assert (5, 0) == (len(ends), ends.forgotten)
    ends.put("f", GivenEnd(1, 6), 2)
    assert (4, 2) == (len(ends), ends.forgotten)
    ends.put("g", GivenEnd(1, 7), 7)
    assert (3, 4) == (len(ends), ends.forgotten)

    assert GivenEnd(1, 5) == ends.get("e")


def test_learned() -> None:
    """An end that was read is taken if the scope is not known."""
    ends = GivenEnds()
    ends.learn(ScopeEnd("a", 7, 70), ends.forgotten, 90)
    ends.learn(ScopeEnd("b", 0, 0), ends.forgotten, 90)

    assert GivenEnd(7, 70) == ends.get("a")
    assert GivenEnd(0, 0) == ends.get("b")


def test_learned_too_late() -> None:
    """An end that was read is old if the scope was appended to meanwhile, also if that is gone."""
    ends = GivenEnds()
    forgotten = ends.forgotten
    ends.put("a", GivenEnd(8, 80), 80)
    ends.learn(ScopeEnd("a", 7, 70), forgotten, 80)
    assert GivenEnd(8, 80) == ends.get("a")
    for position, scope in enumerate("bcd", 81):
        ends.put(scope, GivenEnd(1, position), 90)
    assert ends.get("a") is None
    ends.learn(ScopeEnd("a", 7, 70), forgotten, 90)

    assert ends.get("a") is None


def test_reading_old_scopes_keeps_no_more() -> None:
    """Ends of old scopes take the place of newer ones that are durable: there are never more."""
    ends = ends_of("a", "b", "c", durable=3)
    for k in range(20):
        ends.learn(ScopeEnd(f"old {k}", 1, 1), ends.forgotten, 3)

    assert (3, 20) == (len(ends), ends.forgotten)

"""Processes that race for a store's lock."""

from __future__ import annotations

from campaign_runs import run_campaign

ROUNDS = 8


def test_races() -> None:
    """One has it, whoever else asks is told who, and it is free when no fork is left."""
    run = run_campaign("locks", "--rounds", ROUNDS)

    assert [] == run.problems
    assert 0 == run.status
    assert {
        "child was refused": ROUNDS,
        "holds": ROUNDS,
        "read beside a writer": ROUNDS,
        "refused because of a live holder": ROUNDS,
        "refused because of its child": ROUNDS,
        "refused in a race": 3 * ROUNDS,
        "rounds": ROUNDS,
    } == run.figures


def test_no_lock_is_found() -> None:
    """Without a lock several have the store at once, and that is found."""
    run = run_campaign("locks", "--control")

    assert 1 == run.status
    assert any(line.startswith("holders: expected 1, found ") for line in run.problems)

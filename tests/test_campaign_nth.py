"""A call of a writer's life fails, is short, or is its last one; some seconds each."""

from __future__ import annotations

import pytest

from campaign_runs import run_campaign
from tools import require_tool

CALLS = [
    ("write",),
    ("fdatasync", "flock", "mkdir"),
    ("fsync", "ftruncate"),
    ("rename", "unlink"),
    ("open", "read", "close"),
]


@pytest.mark.parametrize("calls", CALLS, ids="+".join)
def test_strikes(calls: tuple[str, ...]) -> None:
    """Nothing that was told is missing, errors say what failed, and the store opens again."""
    require_tool("gcc")

    run = run_campaign("nth", *calls)

    assert [] == run.problems
    assert 0 == run.status
    assert all(run.figures[f"strikes at {call}"] > 0 for call in calls)
    assert run.figures["ended JournalFailed"] > 0


def test_an_early_acknowledgement_is_found() -> None:
    """A writer that says what is not written yet is found out when a write fails."""
    require_tool("gcc")

    run = run_campaign("nth", "write", "--control")

    assert 1 == run.status
    assert any(line.endswith("was acknowledged, and is missing") for line in run.problems)

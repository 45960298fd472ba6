"""What a real process wrote, and every state that a loss of power leaves; some seconds each."""

from __future__ import annotations

import pytest

from campaign_runs import run_campaign
from campaigns.power_loss import PLANS
from tools import require_tool


@pytest.mark.parametrize("plan", range(len(PLANS)), ids=[plan.name for plan in PLANS])
def test_power_loss(plan: int) -> None:
    """Each state opens, goes on, and has all that was told by then."""
    require_tool("gcc")

    run = run_campaign("power_loss", "--only", plan)

    assert [] == run.problems
    assert 0 == run.status
    assert run.figures["states"] > run.figures["moments"] > 30
    assert run.figures["acknowledged records looked for"] > run.figures["states"]
    assert run.figures["faults"] >= (PLANS[plan].strike is not None)


def test_a_lying_sync_is_found() -> None:
    """If one sync did nothing, some states lack what was told, or do not even open."""
    require_tool("gcc")

    run = run_campaign("power_loss", "--control", "--mixtures", 0)

    assert 1 == run.status
    lost = ("was acknowledged, and is missing", "records, not there", "it does not open")
    assert run.problems
    assert all(any(what in line for what in lost) for line in run.problems)

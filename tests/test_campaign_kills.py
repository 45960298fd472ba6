"""Writers that are killed at any moment, a thousand times; some seconds each."""

from __future__ import annotations

import pytest

from campaign_runs import run_campaign

CYCLES = 100


@pytest.mark.parametrize("seed", range(10))
def test_kills(seed: int) -> None:
    """What a writer had said when it was killed is there, whole, once, and in order."""
    run = run_campaign("kills", "--cycles", CYCLES, "--seed", seed)

    assert [] == run.problems
    assert 0 == run.status
    assert CYCLES == run.figures["kills"]
    assert run.figures["opened after a crash"] > 0
    assert run.figures["told accepted"] > 0


def test_an_early_acknowledgement_is_found() -> None:
    """A writer that says what is not durable yet is found out within a few kills."""
    run = run_campaign("kills", "--cycles", CYCLES, "--control")

    assert 1 == run.status
    assert any(line.endswith("was acknowledged, and is missing") for line in run.problems)
    assert run.figures["kills"] < CYCLES

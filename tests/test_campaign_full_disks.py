"""Disks that get full under load, and have space again."""

from __future__ import annotations

import pytest

from campaign_runs import run_campaign

SKIPPED = 77


@pytest.mark.parametrize("disk", ["ext4", "tmpfs", "file size limit"])
def test_a_full_disk(disk: str) -> None:
    """The store says so and stops; it can be read meanwhile; with space again all is there."""
    run = run_campaign("full_disks", "--only", disk)
    if run.status == SKIPPED:
        pytest.skip(run.said.strip())

    assert [] == run.problems
    assert 0 == run.status
    assert run.figures["ended JournalFailed"] >= 2
    assert run.figures["read while full"] == 4
    assert run.figures["read with space again"] == 2
    assert run.figures["told accepted"] > 0


def test_an_early_acknowledgement_is_found() -> None:
    """A writer that says what is not written yet is found out when nothing more can be."""
    run = run_campaign("full_disks", "--only", "file size limit", "--control")

    assert 1 == run.status
    assert any(line.endswith("was acknowledged, and is missing") for line in run.problems)

"""Runs a campaign as from the command line, in a process that has nothing of the tests in it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import attrs

ROOT = Path(__file__).parent.parent


@attrs.frozen
class CampaignRun:
    """
    A campaign that was run.

    Attributes:
      figures: what it counted.
      problems: what it found, a line each.
      said: all that it printed.
    """

    status: int
    figures: dict[str, int]
    problems: list[str]
    said: str


def run_campaign(name: str, *arguments: str | int) -> CampaignRun:
    """Run `python -m tests.campaigns.NAME` to its end."""
    run = subprocess.run(
        [sys.executable, "-m", f"tests.campaigns.{name}", *map(str, arguments)],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return CampaignRun(run.returncode, figures_of(run.stdout), run.stderr.splitlines(), run.stdout)


def figures_of(said: str) -> dict[str, int]:
    """What a campaign counted, from the line that it printed."""
    figures = {}
    for item in said.partition(": ")[2].strip().split(", "):
        count, _, what = item.partition(" ")
        if count.replace(",", "").isdigit():
            figures[what] = int(count.replace(",", ""))
    return figures

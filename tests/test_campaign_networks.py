"""A gateway behind a real network that is parted, loses packets, and swallows peers."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from campaigns.gateway.network import reason_against
from campaigns.networks import SCENES
from source_tree import ROOT

PLAYED = ("partition", "short-partition", "loss-20", "vanished-validator", "vanished-proposer")
"""The others are played by the campaign alone: `python -m tests.campaigns.networks`."""
END_S = 90


def test_networks() -> None:
    """Heartbeats notice in time, held rounds end, clients come back; it takes ten seconds."""
    reason = reason_against()
    if reason is not None:
        pytest.skip(reason)
    done = subprocess.run(
        [sys.executable, "-m", "tests.campaigns.networks", *PLAYED],
        capture_output=True, cwd=ROOT, timeout=END_S, text=True,
    )  # fmt: skip

    assert (0, "") == (done.returncode, done.stderr)
    told = dict(re.findall(r"^([\w-]+): (.*)$", done.stdout, re.MULTILINE))
    assert {*PLAYED} == {*told} <= {*SCENES}

"""What the simulation has found, made small: each of these flows was wrong once."""

from __future__ import annotations

from campaigns.simulation.flow import Caller, Fault, Flow, Life
from campaigns.simulation.running import run


def test_a_directory_whose_name_was_not_durable() -> None:
    """Where the directory's name could not be synced, the next opening does it."""
    flow = Flow(
        lives=(
            Life(faults=(Fault(operation="fsync", is_early=True),)),
            Life(end="power loss"),
        ),
    )

    assert [] == run(flow).violations


def test_an_answer_by_message_that_is_none() -> None:
    """It is refused as a validator's is, and is no crash."""
    flow = Flow(lives=(Life(callers=(Caller(number=1, way="message", how="no decision"),)),))

    assert [] == run(flow).violations

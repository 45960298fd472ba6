"""The store under random flows, against what its callers were told; see flows.py."""

from __future__ import annotations

from collections import Counter

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import flows
from flows import Fault, Life, Proposal

delays = st.sampled_from([0.0, 0.0, 0.1, 0.5, 1.0, 2.0, 4.0])

proposals = st.builds(
    Proposal,
    after=delays,
    lot=st.sampled_from(["lot-1", "lot-2", "lot-3"]),
    cents=st.integers(1, 60),
    how=st.sampled_from(
        ["plain", "plain", "slow", "slow", "raise", "raise_slowly", "hang", "split"]
    ),
    way=st.sampled_from(["call", "call", "call", "consider", "message"]),
    takes=delays,
    own_id=st.none() | st.integers(1, 6),
    cancelled_after=st.none() | st.none() | delays,
)

faults = st.builds(
    Fault,
    operation=st.sampled_from(["write", "fdatasync", "fsync", "rename", "open"]),
    nth=st.integers(1, 6),
    short=st.none() | st.integers(0, 300),
)

damages = st.sampled_from(["deleted", "one deleted", "cut off", "changed", "swapped"])

lives = st.builds(
    Life,
    proposals=st.lists(proposals, max_size=16).map(tuple),
    lasts=st.sampled_from([0.0005, 1.0, 3.0, 10.0, 30.0]),
    end=st.sampled_from(["close", "kill", "power loss"]),
    fault=st.none() | st.none() | faults,
    seed=st.integers(0, 2**32),
    folds=st.sampled_from([True, True, False]),
    spoiled=st.sampled_from(["nothing", "flipped", "flipped", "cut", "deleted", "doubled"]),
    damage=st.lists(damages, max_size=3).map(tuple),
)

total: Counter[str] = Counter()


@settings(
    max_examples=500, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
@given(st.lists(lives, min_size=1, max_size=4))
def test_random_flows(flow: list[Life]) -> None:
    """Whatever happens to a store, nobody was told what is not so."""
    history = flows.run(flow)

    total["steps"] += history.steps
    total.update(history.outcomes)


def test_flows_were_worth_it() -> None:
    """The flows above took thousands of steps and met every outcome."""
    assert total["steps"] >= 3_000
    for outcome in (
        "accepted",
        "rejected",
        "timed_out",
        "duplicate",
        "raised",
        "cancelled",
        "StoreClosed",
        "JournalFailed",
        "IdempotencyConflict",
        "store JournalFailed",
        "snapshots written",
        "snapshots used",
        "index deleted",
        "index one deleted",
        "index cut off",
        "index changed",
        "index swapped",
    ):
        assert total[outcome] > 0, outcome
    assert [] == [outcome for outcome in total if "Corrupt" in outcome]

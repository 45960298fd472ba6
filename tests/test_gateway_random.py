"""The gateway in random conversations, against what the protocol promises; see gateway_flows."""

from __future__ import annotations

from collections import Counter

import pytest

import gateway_flows

total: Counter[str] = Counter()


@pytest.mark.parametrize("seed", range(300))
def test_random_flows(seed: int) -> None:
    """Whatever clients do, what they hear is right, each request ends once, and nothing is left."""
    total.update(gateway_flows.run(seed).counts)


def test_flows_were_worth_it() -> None:
    """The flows above met every message, every outcome, and whatever else may happen."""
    for met in (
        "accepted", "rejected", "timed_out", "withdrawn", "ended", "duplicate", "superseded",
        "forbidden", "no_validator", "not_found", "scope_busy", "too_many", "internal",
        "shutting_down", "store_failed", "journal failed", "refused stale_round",
        "refused invalid_event", "past", "validate", "over", "waiting", "caught_up", "records",
        "scopes", "stats", "goodbye",
    ):  # fmt: skip
        assert total[met] > 0, met

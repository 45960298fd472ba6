"""Short storms: a gateway behind a bad network keeps its promises, and a broken one is found."""

from __future__ import annotations

import pytest

from campaigns.storms import Size, storm

SMALL = Size(
    3.0, 100, bidders=4, raw_bidders=4, referees=1, followers=2, raw_followers=2, askers=1, kills=1
)


@pytest.mark.parametrize("seed", [20261127, 2])
async def test_a_storm(seed: int) -> None:
    """Whatever happens to connections and gateway, everybody is told the truth in the end."""
    found, made = await storm(seed, SMALL)

    assert [] == found
    assert (1, 1) == (made.counts["killed"], made.counts["stopped"])
    outcomes = [one.outcome for one in made.told.proposed]
    assert min(outcomes.count("accepted"), outcomes.count("rejected")) > 5
    assert any(one.sent > 1 for one in made.told.proposed)


@pytest.mark.parametrize(
    ("broken", "expected"),
    [
        ("told twice", "behind the end of its request"),
        ("record dropped", "a query gave"),
        ("place forgotten", "came behind"),
    ],
)
async def test_a_broken_promise_is_found(broken: str, expected: str) -> None:
    """A gateway that says a result twice, or leaves out or repeats a record, is found out."""
    size = Size(
        0.0, bidders=2, raw_bidders=3, referees=0, followers=0, raw_followers=2, askers=2,
        kills=0, resets=4,
    )  # fmt: skip
    found, _ = await storm(1, size, broken)

    assert any(expected in one for one in found), found

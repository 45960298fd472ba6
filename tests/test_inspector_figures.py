"""What a gateway counts, over time."""

from __future__ import annotations

import math
from typing import Any

import pytest

from inspector.model.figures import NAMES_MAX, SAMPLES_MAX, Figures, is_number


def figures(*samples: tuple[float, dict[str, Any]]) -> Figures:
    """Figures after some samples."""
    kept = Figures()
    for at_s, sample in samples:
        kept.add(at_s, sample)
    return kept


def test_nothing_yet() -> None:
    """Before the first sample nothing is known, and that can be drawn."""
    none = figures()

    assert (None, {}, None) == (none.at_s, none.last, none.rate_now("accepted"))
    assert [None] * 5 == none.per_second("accepted").columns(5)
    assert [None] * 5 == none.level("waiting").columns(5)


def test_rates() -> None:
    """How much more there is than at the sample before, by the time between them."""
    kept = figures((10.0, {"n": 5}), (11.0, {"n": 7}), (13.0, {"n": 8}))

    assert ((11.0, 2.0), (13.0, 0.5)) == kept.per_second("n").points
    assert 0.5 == kept.rate_now("n")
    assert 60.0 == kept.per_second("n").span_s


def test_a_gateway_that_began_anew() -> None:
    """A counter that goes back says nothing; then it counts again."""
    kept = figures((1.0, {"n": 50}), (2.0, {"n": 3}))

    assert None is kept.rate_now("n")
    kept.add(3.0, {"n": 4})
    assert ((3.0, 1.0),) == kept.per_second("n").points


def test_a_gap() -> None:
    """After a lost connection nobody knows how it went meanwhile."""
    assert () == figures((1.0, {"n": 1}), (60.0, {"n": 500})).per_second("n").points


def test_a_name_that_comes_and_goes() -> None:
    """What a sample does not tell has no rate now."""
    kept = figures((1.0, {"n": 1}), (2.0, {"n": 2}), (3.0, {}))

    assert ((2.0, 1.0),) == kept.per_second("n").points
    assert None is kept.rate_now("n")


def test_levels() -> None:
    """Each sample's number, times a factor; the highest of a column counts."""
    level = figures((1.0, {"s": 0.5}), (2.0, {"s": None}), (3.0, {"s": 0.25})).level("s", 1_000)

    assert ((1.0, 500.0), (3.0, 250.0)) == level.points
    assert not level.is_mean


def test_no_more_than_ten_minutes_are_kept() -> None:
    """Older samples are forgotten, and there are never too many of them."""
    kept = figures(*((float(n), {"n": n}) for n in range(900)))
    dense = figures(*((n / 100, {"n": n}) for n in range(SAMPLES_MAX + 50)))

    assert (299.0, 899.0) == (kept.level("n").points[0][0], kept.level("n").points[-1][0])
    assert SAMPLES_MAX == len(dense.level("n").points)


def test_a_gateway_that_tells_too_much() -> None:
    """So many names and no more are looked at."""
    assert NAMES_MAX == len(figures((1.0, {str(n): n for n in range(10_000)})).last)


@pytest.mark.parametrize("value", [0, -5, 1.5, 10**17])
def test_numbers(value: Any) -> None:
    """What can be drawn."""
    assert is_number(value)


@pytest.mark.parametrize(
    "value", [True, None, "7", math.nan, math.inf, -math.inf, 10**400, [], {}, 1e300]
)
def test_no_numbers(value: Any) -> None:
    """What cannot be drawn is kept as it was told, and harms nothing."""
    assert not is_number(value)
    kept = figures((1.0, {"n": value}), (2.0, {"n": value}))
    assert () == kept.level("n").points == kept.per_second("n").points
    assert kept.last.keys() == {"n"}

"""How often something happened lately."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.model.rates import BUCKET_S, BUCKETS, COUNT_MAX, Rates, sparkline


def rates_of(rows: int) -> Rates:
    """Rates with so many rows, nothing counted."""
    rates = Rates()
    for _ in range(rows):
        rates.add_row()
    return rates


def test_a_minute_is_remembered() -> None:
    """What happened counts for a minute, and not for longer."""
    rates = rates_of(2)
    rates.count(1, 7, 100.0)

    assert not rates.go_on(154.9)
    assert [0, 7] == list(rates.totals)
    assert rates.go_on(160.0)
    assert [0, 0] == list(rates.totals)
    assert not rates.go_on(170.0)


def test_buckets_are_five_seconds() -> None:
    """The oldest is first, the one that time is in is last."""
    rates = rates_of(1)
    for second in range(0, 60, 5):
        rates.count(0, second, float(second))
    rates.go_on(60.0)

    assert [*range(5, 60, 5), 0] == rates.counts(0)


def test_rates_are_per_second() -> None:
    """Over the last minute; while counting has not gone on for so long, over that."""
    rates = rates_of(1)
    rates.go_on(0.0)
    rates.count(0, 30, 10.0)

    assert 3.0 == rates.per_second(0, 10.0)
    rates.go_on(59.0)
    assert 30 / 59 == rates.per_second(0, 59.0)
    assert 30.0 == _fresh(30).per_second(0, 0.0), "not infinitely many"


def _fresh(number: int) -> Rates:
    rates = rates_of(1)
    rates.count(0, number, 0.0)
    return rates


def test_rows_may_come_later() -> None:
    """Old buckets know nothing of a new row."""
    rates = rates_of(1)
    rates.count(0, 1, 0.0)
    rates.add_row()
    rates.count(1, 2, 6.0)
    rates.count(1, 3, 7.0)

    assert [1, 5] == list(rates.totals)
    assert [0] * 10 + [0, 5] == rates.counts(1)
    rates.go_on(60.0)
    assert [0, 5] == list(rates.totals)


def test_a_long_pause_forgets_all() -> None:
    """A laptop that slept does not show old activity as new."""
    rates = rates_of(1)
    rates.count(0, 5, 0.0)
    rates.go_on(1e9)

    assert [0] * BUCKETS == rates.counts(0)


def test_nonsense_is_no_crash() -> None:
    """A sequence that jumps by more than any number of four bytes is counted as very many."""
    rates = rates_of(1)
    rates.count(0, 2**80, 0.0)
    rates.count(0, 2**80, 0.0)

    assert [COUNT_MAX] == list(rates.totals)


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(1, 9), st.floats(0, 20)), max_size=40))
def test_totals_are_sums(counted: list[tuple[int, int, float]]) -> None:
    """However time goes on, the totals are what the buckets hold, and that is what happened."""
    rates = rates_of(3)
    now = 0.0
    events: list[tuple[int, int, float]] = []
    for row, number, later in counted:
        now += later
        rates.count(row, number, now)
        events.append((row, number, now))

        oldest = (now // BUCKET_S - BUCKETS + 1) * BUCKET_S
        for each in range(3):
            lately = sum(n for r, n, at in events if r == each and at >= oldest)
            assert lately == rates.totals[each] == sum(rates.counts(each))


@pytest.mark.parametrize(
    ("counts", "highest", "bars"),
    [
        ([], 0, ""),
        ([0, 0], 0, "  "),
        ([1, 2, 3, 4, 5, 6, 7, 8], 0, "▁▂▃▄▅▆▇█"),
        ([0, 1, 1_000], 0, " ▁█"),
        ([4], 8, "▄"),
        ([9], 8, "█"),
    ],
)
def test_sparkline(counts: list[int], highest: int, bars: str) -> None:
    """The highest is a whole bar, the least is still seen, and nothing is a blank."""
    assert bars == sparkline(counts, highest)

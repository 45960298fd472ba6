"""Curves as bars: columns over time, and how high they are."""

from __future__ import annotations

import math

import pytest

from inspector.model.curves import Curve, Point, bars, span_for, top_for


def curve(*points: Point, now_s: float = 60.0, span_s: float = 60.0, is_mean: bool = True) -> Curve:
    """A curve of some points."""
    return Curve(points, now_s, span_s, is_mean)


class TestColumns:
    """Which points fall into which column."""

    def test_each_column_covers_its_share_of_the_time(self) -> None:
        """The last one is now, and not over yet; nothing is known before the first point."""
        columns = curve((21.0, 1.0), (34.0, 2.0), (59.9, 3.0), now_s=59.9).columns(6)

        assert [None, None, 1.0, 2.0, None, 3.0] == columns

    def test_points_of_a_column(self) -> None:
        """A column shows the mean of its points, or the highest."""
        points = (11.0, 1.0), (12.0, 6.0), (13.0, 2.0)

        assert 3.0 == curve(*points, now_s=59.0).columns(6)[1]
        assert 6.0 == curve(*points, now_s=59.0, is_mean=False).columns(6)[1]

    def test_columns_stay_while_time_goes_on(self) -> None:
        """Within a column nothing moves; then all move by one."""
        points = (31.0, 1.0), (45.0, 2.0)
        first, second, third = (
            curve(*points, now_s=now_s).columns(6) for now_s in (50.0, 59.9, 60.0)
        )

        assert first == second
        assert third == [*second[1:], None]

    def test_narrow_columns_have_no_holes(self) -> None:
        """A point stands for the time up to the next one, but not for long."""
        columns = curve((57.0, 1.0), (59.0, 2.0), now_s=59.5, span_s=10.0).columns(20)

        assert [1.0] * 4 == columns[14:18]
        assert [2.0] * 2 == columns[18:]
        assert [None] * 14 == columns[:14]
        late = curve((52.0, 1.0), now_s=59.5, span_s=10.0).columns(20)
        assert [1.0] * 5 + [None] * 11 == late[4:]

    def test_what_is_too_old_is_left_out(self) -> None:
        """Points before the span count for nothing, also not as the highest."""
        old = curve((1.0, 99.0), (50.0, 2.0), now_s=100.0)

        assert 99.0 not in old.columns(10)
        assert 2.0 == old.highest
        assert 0.0 == curve().highest


@pytest.mark.parametrize(
    ("age_s", "span_s"), [(0, 60), (60, 60), (61, 120), (299, 300), (500, 600), (9_999, 600)]
)
def test_span(age_s: float, span_s: float) -> None:
    """As little time as shows all points, at most ten minutes."""
    assert span_s == span_for(age_s)


@pytest.mark.parametrize(
    ("highest", "top"),
    [
        (0, 1), (-3, 1), (math.inf, 1), (math.nan, 1), (1, 1), (1.01, 2), (2, 2), (4.2, 5),
        (5.1, 10), (99, 100), (100, 100), (101, 200), (0.04, 0.05), (7e9, 1e10),
    ],
)  # fmt: skip
def test_top(highest: float, top: float) -> None:
    """The next round number; one if nothing is higher than nothing."""
    assert pytest.approx(top) == top_for(highest)


class TestBars:
    """How columns are drawn."""

    def test_one_row(self) -> None:
        """Eight steps; nothing known is a blank, nothing at all a line."""
        heights = [None, 0.0, *(n / 8 for n in range(1, 9))]

        assert [" ▁▂▂▃▄▅▆▇█"] == bars(heights, 1, 1.0)

    def test_several_rows(self) -> None:
        """A high bar fills the rows below its top."""
        assert ["  ▄", " ██", "███"] == bars([8.0, 16.0, 20.0], 3, 24.0)

    def test_little_is_more_than_nothing(self) -> None:
        """Whatever is there can be told from what is not."""
        assert ["▁▂"] == bars([0.0, 0.000_1], 1, 1_000.0)

    def test_too_much_is_cut(self) -> None:
        """A bar does not leave its place."""
        assert ["█", "█"] == bars([99.0], 2, 1.0)

    def test_every_height_in_every_size(self) -> None:
        """Rows are as many and as wide as they should be; a higher value never draws less."""
        for rows in range(1, 6):
            drawn = [bars([value / 100], rows, 1.0) for value in range(101)]
            filled = [sum(" ▁▂▃▄▅▆▇█".index(row) for row in one if len(row) == 1) for one in drawn]
            assert all(len(one) == rows for one in drawn)
            assert filled == sorted(filled)
            assert rows * 8 == filled[-1]

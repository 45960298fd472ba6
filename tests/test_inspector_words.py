"""Numbers, sizes and times in words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from inspector.model.words import TIME_CELLS, ago, counted, duration, size, when

AT = "2026-11-23T15:04:05.123456Z"


@pytest.mark.parametrize(
    ("number", "words"), [(0, "0 lots"), (1, "1 lot"), (2, "2 lots"), (1_200, "1,200 lots")]
)
def test_counted(number: int, words: str) -> None:
    """One is one, all else are many."""
    assert words == counted(number, "lot")
    assert words.replace("lots", "lotses") == counted(number, "lot", "lotses")


@pytest.mark.parametrize(
    ("size_bytes", "words"),
    [
        (0, "0 B"), (999, "999 B"), (1_000, "1.0 kB"), (1_449, "1.4 kB"), (99_949, "99.9 kB"),
        (99_950, "100 kB"), (999_499, "999 kB"), (999_500, "1.0 MB"), (1_400_000, "1.4 MB"),
        (67_108_864, "67.1 MB"), (5 * 10**9, "5.0 GB"), (2 * 10**15, "2000 TB"),
    ],
)  # fmt: skip
def test_size(size_bytes: int, words: str) -> None:
    """Three digits are enough, and a unit is never reached before the next one is used."""
    assert words == size(size_bytes)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 µs"), (0.00025, "250 µs"), (0.00099, "1.0 ms"), (0.0042, "4.2 ms"),
        (0.25, "250 ms"), (0.9994, "999 ms"), (0.9996, "1.0 s"), (1.5, "1.5 s"), (9.96, "10 s"),
        (59.4, "59 s"), (59.6, "1 min"), (125, "2 min 5 s"), (3_600, "1 h"),
        (12_000, "3 h 20 min"), (90_000, "1 d 1 h"), (172_800, "2 d"), (-1.5, "-1.5 s"),
    ],
)  # fmt: skip
def test_duration(seconds: float, words: str) -> None:
    """The largest unit and the next one, never sixty of anything."""
    assert words == duration(seconds)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-5, "now"), (0.9, "now"), (1, "1 s ago"), (59.9, "59 s ago"), (60, "1 min ago"),
        (3_599, "59 min ago"), (7_200, "2 h ago"), (86_400, "1 day ago"), (300_000, "3 days ago"),
    ],
)  # fmt: skip
def test_ago(seconds: float, words: str) -> None:
    """Roughly, and what another machine's clock has in the future is now."""
    assert words == ago(seconds)


class TestWhen:
    """Times of the journal."""

    @pytest.mark.parametrize(
        ("cells", "words"),
        [
            (80, "2026-11-23 15:04:05.123456"), (25, "2026-11-23 15:04:05.123"),
            (22, "2026-11-23 15:04:05"), (18, "11-23 15:04:05"), (13, "15:04:05"), (7, "15:04:…"),
        ],
    )  # fmt: skip
    def test_as_exactly_as_there_is_room(self, cells: int, words: str) -> None:
        """The date goes before the time of day does."""
        assert words == when(AT, cells)

    @pytest.mark.parametrize("cells", TIME_CELLS)
    def test_each_length_is_used_up(self, cells: int) -> None:
        """The lengths that are offered are those that are written."""
        assert cells == len(when(AT, cells))

    @given(st.text(st.characters(exclude_categories=()), max_size=30), st.integers(0, 30))
    def test_no_time_is_shown_as_it_is(self, at: str, cells: int) -> None:
        """Whatever stands for a time is safe to show, and fits."""
        assert cell_len(when(at, cells)) <= cells

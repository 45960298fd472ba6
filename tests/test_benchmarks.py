"""The benchmarks run, and their arithmetic is right; how fast anything is, is not tested."""

from __future__ import annotations

from itertools import count
from pathlib import Path

import pytest

from benchmarks.__main__ import TABLES
from benchmarks.databases import NotRun
from benchmarks.machine import facts
from benchmarks.plot import Line, draw, lines_of
from benchmarks.reading_rows import READING_ROWS
from benchmarks.rows import ROWS
from benchmarks.runner import (
    STORE,
    Contestant,
    Goal,
    Measured,
    Round,
    Row,
    Spread,
    at_least,
    at_most,
    run,
)
from benchmarks.sizes import FULL, TINY
from benchmarks.table import BEGIN, END, as_json, figure, put_between_markers, table
from benchmarks.workload import DATA_BYTES, bids, data_of, own_lots
from benchmarks.written import Written

MAY_BE_MISSING = {
    "eventsourcing is not installed",
    "umadb is not installed",
    "jq is not installed",
}
"""The peers that are packages are installed for benchmarks only."""
FULL_ONLY = {"only in a full run"}


@pytest.mark.parametrize("row", [*ROWS, *READING_ROWS], ids=lambda row: row.name)
def test_row_runs(row: Row, tmp_path: Path) -> None:
    """Every contestant of every row runs at a tiny size and gives a positive figure."""
    (measured,) = run([row], TINY, 1, tmp_path)

    reasons = set(measured.not_run.values())
    assert reasons <= MAY_BE_MISSING | FULL_ONLY
    for contestant, figures in measured.figures.items():
        assert (contestant in measured.not_run) == (figures == [])
        assert all(value > 0 for value in figures)
    assert [] == list(tmp_path.iterdir())


def fake_row(ours: list[float], theirs: list[float] | None) -> Row:
    """A row whose contestants give what they are told to; a peer without figures cannot run."""
    ours_left, theirs_left = iter(ours), iter(theirs or ())

    def peer(round_: Round) -> float:
        if theirs is None:
            raise NotRun("it is not here")
        return next(theirs_left)

    return Row(
        "fake",
        "to do nothing",
        "times/s",
        (Contestant(STORE, lambda round_: next(ours_left)), Contestant("peer", peer)),
        (at_least(0.5, "peer"), at_least(10)),
    )


def measured_fake(tmp_path: Path, ours: list[float], theirs: list[float] | None) -> Measured:
    (measured,) = run([fake_row(ours, theirs)], TINY, len(ours), tmp_path)
    return measured


class TestRunner:
    def test_ratios_within_rounds(self, tmp_path: Path) -> None:
        """The ratio is the median of the rounds' own ratios, not one of medians."""
        measured = measured_fake(tmp_path, [10, 40, 30], [20, 20, 10])

        assert Spread(2, 0.5, 3) == measured.against("peer")
        assert Spread(30, 10, 40) == measured.spread(STORE)

    def test_interleaved(self, tmp_path: Path) -> None:
        """Within a round all contestants of a row follow each other, each in a fresh directory."""
        ticks = count(1)
        seen: list[Path] = []

        def measure(round_: Round) -> float:
            assert [] == list(round_.directory.iterdir())
            seen.append(round_.directory)
            return next(ticks)

        row = Row("fake", "", "", (Contestant(STORE, measure), Contestant("peer", measure)))
        (measured,) = run([row], TINY, 3, tmp_path)

        assert {STORE: [1, 3, 5], "peer": [2, 4, 6]} == measured.figures
        assert 6 == len(set(seen))

    def test_missing_peer(self, tmp_path: Path) -> None:
        """A peer that cannot run is named with the reason, and its goal is neither met nor not."""
        measured = measured_fake(tmp_path, [10, 12], None)

        assert {"peer": "it is not here"} == measured.not_run
        assert [None, True] == [verdict.is_met for verdict in measured.verdicts()]
        assert "not run: it is not here" in table([measured])

    @pytest.mark.parametrize(
        ("goal", "found", "is_met"),
        [(at_least(2), 2.0, True), (at_least(2), 1.9, False), (at_most(1.1), 1.2, False)],
    )
    def test_goals(self, goal: Goal, found: float, is_met: bool) -> None:
        """A goal is met at its bound and missed beyond it."""
        row = Row("fake", "", "", (Contestant(STORE, lambda round_: 1),), (goal,))
        verdicts = Measured(row, {STORE: [found]}, {}).verdicts()

        assert [is_met] == [verdict.is_met for verdict in verdicts]


class TestTable:
    def test_lines(self, tmp_path: Path) -> None:
        """A row has a line for each contestant, with the goal on the line of its peer."""
        measured = measured_fake(tmp_path, [10_000, 30_000], [20_000, 20_000])

        _, _, ours, theirs = [
            [cell.strip() for cell in line.split("|")[1:-1]]
            for line in table([measured]).splitlines()
        ]

        assert [
            "to do nothing, times/s", STORE, "20,000 (10,000 to 30,000)", "", "≥ 10", "yes",
        ] == ours  # fmt: skip
        assert [
            "", "peer", "20,000 (20,000 to 20,000)", "1 x (0.5 to 1.5)", "≥ 0.5 x", "yes",
        ] == theirs  # fmt: skip

    def test_json(self, tmp_path: Path) -> None:
        """All figures of all rounds are handed on."""
        (row,) = as_json([measured_fake(tmp_path, [10, 30], [20, 20])])

        assert {STORE: [10, 30], "peer": [20, 20]} == row["rounds"]
        assert [True, True] == [goal["is_met"] for goal in row["goals"]]

    @pytest.mark.parametrize(
        ("value", "expected"),
        [(1.0, "1"), (0.5234, "0.523"), (1.04, "1.04"), (123456.7, "123,457"), (12.34, "12.3")],
    )
    def test_figure(self, value: float, expected: str) -> None:
        """Figures have three digits, or as many as stand before the point."""
        assert expected == figure(value)

    def test_markers(self) -> None:
        """Only what stands between the markers is replaced."""
        document = f"before\n{BEGIN}\nold\n{END}\nafter\n"

        new = put_between_markers(document, "new")

        assert f"before\n{BEGIN}\n\nnew\n\n{END}\nafter\n" == new
        assert new == put_between_markers(new, "new")

    @pytest.mark.parametrize("document", ["", BEGIN, END, END + BEGIN, BEGIN + END + END])
    def test_no_markers(self, document: str) -> None:
        """A document without exactly the two markers is refused."""
        with pytest.raises(ValueError, match="expected"):
            put_between_markers(document, "new")

    @pytest.mark.parametrize("name", TABLES)
    def test_document_has_markers(self, name: str) -> None:
        """Each table has its place in the documentation."""
        document = (Path(__file__).parent.parent / "docs" / "performance.md").read_text("utf-8")

        assert "new" in put_between_markers(document, "new", name)


class TestWork:
    def test_bids_have_their_size(self) -> None:
        """Every event's data takes the same number of bytes."""
        sizes = {len(data_of(bid)) for several in bids(own_lots(3), 12) for bid in several}

        assert {DATA_BYTES} == sizes

    def test_split(self) -> None:
        """The warm-up's batches are cut from the measured ones, a batch across the cut too."""
        lines = (b"1", b"2", b"3", b"4", b"5")

        before, after = Written(lines, (2, 3)).split(3)

        assert (Written(lines[:3], (2, 1)), Written(lines[3:], (2,))) == (before, after)

    def test_facts(self, tmp_path: Path) -> None:
        """What a run was measured on is known, the number of rounds included."""
        known = "\n".join(facts(tmp_path, 5))

        assert "5 rounds" in known
        assert "synchronous" in known

    def test_full_sizes_are_the_titles(self) -> None:
        """The sizes that titles name are the full ones."""
        assert (1_000, 64, 1_000_000) == (FULL.proposers, FULL.contenders, FULL.long_past)


def grown_row(name: str, unit: str, figures: dict[str, list[float]]) -> Measured:
    """A row about stores of several sizes, the largest first."""
    names = list(figures)
    contestants = tuple(Contestant(one, lambda round_: 1.0) for one in names)
    not_run = {one: "only in a full run" for one, known in figures.items() if not known}
    return Measured(Row(name, "to open", unit, contestants), figures, not_run)


class TestPlot:
    def test_lines(self) -> None:
        """Rows about growth become lines in seconds, by rising size, of what did run."""
        opening = grown_row("opening-closed", "s", {STORE: [3, 1, 2], "b": [0.5], "c": [0.25]})
        cold = grown_row("cold-past", "ms", {STORE: [], "b": [50], "c": [20, 20]})
        other = grown_row("single", "events/s", {STORE: [1], "b": [1], "c": [1]})
        small, middle, large = FULL.grown

        assert [
            Line("open, closed cleanly", (small, middle, large), (0.25, 0.5, 2)),
            Line("first admission in a cold scope, without", (small, middle), (0.02, 0.05)),
        ] == lines_of([opening, cold, other])

    def test_drawing(self, tmp_path: Path) -> None:
        """The picture is an SVG that names the lines; drawn again, it is the same."""
        pytest.importorskip("matplotlib", reason="it is installed for benchmarks only")
        lines = [Line("open", (10, 100), (0.1, 0.2))]
        draw(lines, tmp_path / "one.svg")
        draw(lines, tmp_path / "two.svg")
        content = (tmp_path / "one.svg").read_bytes()

        assert b"<svg" in content
        assert content == (tmp_path / "two.svg").read_bytes()

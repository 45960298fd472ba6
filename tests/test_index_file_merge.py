"""One index file out of several: the same bytes as if it had been made at once."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from atomic_store.journal.index_file import (
    NO_SCOPES,
    IndexBuilder,
    IndexReader,
    merge_pieces,
)
from index_files import Run, ends_of, file_of, many, reader_of, run_of, runs


def pieces_of(run: Run, cuts: list[int]) -> list[IndexReader]:
    """The files of a run's parts, cut at these ordinals."""
    bounds = [0, *sorted(min(cut, len(run.entries)) for cut in cuts), len(run.entries)]
    return [reader_of(file_of(run.part(begin, end))) for begin, end in pairwise(bounds)]


class TestMerging:
    @given(runs(), st.lists(st.integers(0, 200), max_size=5), st.booleans())
    def test_merged_is_built(self, run: Run, cuts: list[int], is_whole: bool) -> None:
        """However a run was cut, its pieces make the file that the records make."""
        ends = ends_of(run.before.values()) if is_whole else None
        merged = b"".join(merge_pieces(pieces_of(run, cuts), run.facts, ends))

        assert file_of(run, is_whole=is_whole) == merged

    def test_large(self) -> None:
        """So it is where tables have many pages, with pauses in between."""
        run = many()
        pieces = pieces_of(run, [100, 1300, 1301, 2000])
        chunks = list(merge_pieces(pieces, run.facts, ends_of(run.before.values())))

        assert file_of(run, is_whole=True) == b"".join(chunks)
        assert 15 < chunks.count(b"") < 25

    def test_many_scopes(self) -> None:
        """So it is where each piece has more scopes than are taken at once."""
        run = run_of([(f"lot-{k % 5000}", 1, 1, None) for k in range(6000)])

        chunks = list(merge_pieces(pieces_of(run, [3000]), run.facts))

        assert file_of(run) == b"".join(chunks)
        assert 65 < chunks.count(b"") < 80

    def test_pieces_of_pieces(self) -> None:
        """Pieces may be merged to a larger piece, and that with others."""
        run = many(300)
        one, two, three = pieces_of(run, [100, 200])
        larger = reader_of(b"".join(merge_pieces([one, two], run.part(0, 200).facts)))

        assert file_of(run) == b"".join(merge_pieces([larger, three], run.facts))

    def test_other_lines_between(self) -> None:
        """Where a close line stands between two pieces, the bytes covered have a gap."""
        run = run_of([("a", 1, 5, None), ("b", 1, 5, None)])
        one, two = run.part(0, 1), run.part(1, 2)
        gap = Run(two.first, two.entries, two.before, two.begin, two.end + 100)
        shorter = Run(one.first, one.entries, one.before, one.begin, one.end - 1)
        pieces = [reader_of(file_of(shorter)), reader_of(file_of(gap))]
        whole = Run(run.first, run.entries, run.before, run.begin - 3, run.end + 200)

        assert file_of(whole) == b"".join(merge_pieces(pieces, whole.facts))

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("store", "0198c0de-0000-7000-8000-000000000009"),
            ("history", "0198c0de-0000-7000-8000-000000000009"),
            ("segment", 4),
            ("first", 8),
            ("begin", 301),
            ("end", 899),
        ],
    )
    def test_strangers(self, field: str, value: Any) -> None:
        """Pieces of something else, or that leave something out, are not merged."""
        run = run_of([("a", 3, 5, None)])
        with pytest.raises(ValueError, match="expected a piece of"):
            list(merge_pieces(pieces_of(run, [1]), attrs.evolve(run.facts, **{field: value})))

    def test_order(self) -> None:
        """Pieces in another order, doubled or left out are not merged."""
        run = run_of([("a", 3, 5, None)])
        one, two, three = pieces_of(run, [1, 2])
        for pieces in ([two, one, three], [one, one, two, three], [one, three]):
            with pytest.raises(ValueError, match="expected a piece of"):
                list(merge_pieces(pieces, run.facts))


class TestEnds:
    @given(runs(max_size=60), st.integers(0, 60))
    def test_newer_wins(self, run: Run, cut: int) -> None:
        """Each segment's table is the one before with what the segment adds."""
        cut = min(cut, len(run.entries))
        older, newer = run.part(0, cut), run.part(cut, len(run.entries))
        first = reader_of(file_of(older, is_whole=True)).load_ends()
        builder = IndexBuilder(newer.first, newer.position_before)
        for entry in newer.entries:
            builder.add(entry)
        second = reader_of(b"".join(builder.chunks(newer.facts, first))).load_ends()

        assert len(newer.entries) == builder.count
        assert run.part(0, cut).ends() == list(first)
        assert run.ends() == list(second)

    def test_first_segment(self) -> None:
        """The first segment's table has just its own scopes."""
        run = run_of([("b", 2, 5, None), ("a", 1, 5, None)])
        builder = IndexBuilder(7, lambda _: 0)
        for entry in run.entries:
            builder.add(entry)
        ends = reader_of(b"".join(builder.chunks(run.facts, NO_SCOPES))).load_ends()

        assert [("a", 1, 9), ("b", 2, 8)] == [(e.scope, e.sequence, e.position) for e in ends]

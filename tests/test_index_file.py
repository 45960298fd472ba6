"""Index files answer as a list of all records would."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atomic_store.journal.index_file import (
    PAGE_BYTES,
    Facts,
    IndexReader,
    Span,
    build_index,
    to_microseconds,
    to_text,
)
from index_files import (
    NAMES,
    VALUES,
    Run,
    correlated,
    correlated_in,
    file_of,
    id_number,
    many,
    reader_of,
    run_of,
    runs,
)


def spans_of(run: Run) -> dict[str, tuple[int, list[int], str, int]]:
    """What is true of each scope: its first sequence, positions, last time, what was before."""
    spans: dict[str, tuple[int, list[int], str, int]] = {}
    for position, entry in run.numbered():
        first, positions, _, before = spans.get(
            entry.scope, (entry.sequence, [], "", run.position_before(entry.scope))
        )
        spans[entry.scope] = (first, [*positions, position], entry.at, before)
    return spans


def check_span(reader: IndexReader, span: Span, truth: tuple[int, list[int], str, int]) -> None:
    """A span says what is true of its scope."""
    first, positions, at, before = truth
    last = first + len(positions) - 1

    assert (first, last, len(positions)) == (span.first_sequence, span.last_sequence, span.count)
    assert (positions[-1], at, before) == (span.last_position, span.at, span.before)
    assert positions == reader.positions(span)


class TestLookups:
    @given(runs(), st.booleans())
    def test_header(self, run: Run, is_whole: bool) -> None:
        """The first page says what the file is about, and how large it is."""
        content = file_of(run, is_whole=is_whole)
        header = reader_of(content).header
        times = [to_microseconds(entry.at) for entry in run.entries] or [0]

        assert run.facts == Facts(*(getattr(header, name) for name in Facts.__match_args__))
        assert (len(run.entries), is_whole) == (header.count, header.is_whole)
        assert (times[0], times[-1]) == (header.first_at, header.last_at)
        assert run.first + len(run.entries) - 1 == header.last
        assert len(content) == header.pages * PAGE_BYTES

    @given(runs())
    def test_offsets(self, run: Run) -> None:
        """Each record's line is where it was, alone and among others, in narrow and wide files."""
        reader = reader_of(file_of(run))
        ends = [*(entry.offset for entry in run.entries), run.end][1:]

        assert (run.end - run.begin >= 1 << 32) == reader.header.has_wide_offsets
        for (position, entry), end in zip(run.numbered(), ends, strict=True):
            assert entry.offset == reader.offset(position)
            assert (entry.offset, end) == reader.extent(position)
        for first in range(run.first, run.first + len(run.entries), 17):
            expected = [e.offset for e in run.entries[first - run.first :]]
            assert expected == reader.offsets(first, reader.header.last)

    def test_offsets_of_others(self) -> None:
        """A position that the file does not cover is refused."""
        reader = reader_of(file_of(run_of([("a", 3, 0, None)], first=7)))
        for first, last in [(6, 7), (7, 10), (9, 8), (0, 0)]:
            with pytest.raises(IndexError, match=rf"in 7\.\.9, found {first}\.\.{last}"):
                reader.offsets(first, last)
        with pytest.raises(IndexError):
            reader.extent(10)

    @given(runs())
    def test_times(self, run: Run) -> None:
        """The first record at or behind a time is among 64 at most, and all before are earlier."""
        reader = reader_of(file_of(run))
        times = [to_microseconds(entry.at) for entry in run.entries]
        for time in {0, *times, *(time + 1 for time in times)}:
            found = reader.positions_at(time)
            behind = [p for p, at in enumerate(times, run.first) if at >= time]
            assert len(found) <= 64
            if behind:
                assert found[0] <= behind[0] <= found[-1]
                assert run.first <= found[0] <= found[-1] <= reader.header.last
            else:
                assert (reader.header.last + 1, 0) == (found.start, len(found))

    @given(runs())
    def test_scopes(self, run: Run) -> None:
        """Each scope has its span, in the order of code points; others have none."""
        reader = reader_of(file_of(run))
        truth = spans_of(run)

        assert sorted(truth) == [span.scope for span in reader.scopes()]
        for name in NAMES:
            span = reader.scope(name)
            assert (name in truth) == (span is not None)
            if span is not None:
                check_span(reader, span, truth[name])

    @given(runs(), st.sampled_from(["", "a", "lot-", "zz", "\U0001f600", "\ue000", "x"]),
        st.none() | st.sampled_from(NAMES), st.integers(-1, 5))  # fmt: skip
    def test_pages_of_scopes(self, run: Run, prefix: str, after: str | None, limit: int) -> None:
        """Scopes come by prefix, behind a name, and no more than were asked for."""
        reader = reader_of(file_of(run, is_whole=True))
        here = [name for name in sorted(spans_of(run)) if name.startswith(prefix)]
        ends = [last for last in run.ends() if last.scope.startswith(prefix)]
        begin = sum(name <= after for name in here) if after is not None else 0
        begin_of_ends = sum(last.scope <= after for last in ends) if after is not None else 0

        assert here[begin:][: max(0, limit)] == [
            span.scope for span in reader.scopes(prefix, after, limit)
        ]
        assert ends[begin_of_ends:][: max(0, limit)] == reader.load_ends().page(
            prefix, after, limit
        )

    @given(runs(), st.integers(-1, 60), st.none() | st.integers(-1, 60))
    def test_positions(self, run: Run, first: int, last: int | None) -> None:
        """A scope's positions come by sequence, both bounds included."""
        reader = reader_of(file_of(run))
        for span in reader.scopes():
            expected = [
                position
                for position, entry in run.numbered()
                if entry.scope == span.scope
                and first <= entry.sequence
                and (last is None or entry.sequence <= last)
            ]
            assert expected == reader.positions(span, first, last)

    @given(runs())
    def test_ids(self, run: Run) -> None:
        """A proposal is where its first record is; its id alone finds it in every scope."""
        reader = reader_of(file_of(run))
        for number in range(len(run.entries) + 1):
            wanted = id_number(number)
            found = {p: e.scope for p, e in run.numbered() if e.id == wanted and e.k == 1}
            assert tuple(found) == reader.find_id_anywhere(wanted)
            for scope in NAMES:
                assert tuple(p for p in found if found[p] == scope) == reader.find_id(scope, wanted)

    @given(runs(), st.integers(0, 300))
    def test_correlations(self, run: Run, first: int) -> None:
        """Records are found by the strings in their metadata, each by the member's own name."""
        reader = reader_of(file_of(run))
        for member in ("correlation", "causation", "other"):
            for value in VALUES:
                expected = [p for p, e in run.numbered() if correlated(e, member, value)]
                assert expected == [*reader.find_correlation(member, value)]
                assert [p for p in expected if p >= first] == [
                    *reader.find_correlation(member, value, first=first)
                ]

    @given(runs())
    def test_ends(self, run: Run) -> None:
        """A whole segment's file knows where all scopes end, those from before it too."""
        ends = reader_of(file_of(run, is_whole=True)).load_ends()
        truth = {last.scope: last for last in run.ends()}

        assert list(truth.values()) == list(ends) == ends.page()
        assert len(truth) == len(ends)
        for name in [*NAMES, "nowhere"]:
            assert truth.get(name) == ends.find(name)

    def test_piece_has_no_ends(self) -> None:
        """The file of a piece knows nothing of other scopes."""
        ends = reader_of(file_of(run_of([("a", 1, 0, None)], before=["b"]))).load_ends()

        assert ([], 0, None) == (list(ends), len(ends), ends.find("b"))


class TestLargeFiles:
    def test_many(self) -> None:
        """Where sections have many pages, the same is true."""
        run = many()
        reader = reader_of(file_of(run, is_whole=True))
        truth = spans_of(run)

        assert all(place.pages > 1 for k, place in enumerate(reader.header.sections) if k != 1)
        for span in reader.scopes(limit=500):
            check_span(reader, span, truth.pop(span.scope))
            assert span == reader.scope(span.scope)
        assert {} == truth
        assert [entry.offset for entry in run.entries] == reader.offsets(7, 3006)
        for position, entry in run.numbered():
            assert (position,) == reader.find_id(entry.scope, entry.id)
            assert reader.find_id(entry.scope, id_number(5000 + position)) == ()
        for k in range(700):
            expected = [7 + n for n in range(3000) if n % 700 == k]
            assert expected == [*reader.find_correlation("correlation", f"c{k}")]
        ends = reader.load_ends()
        assert run.ends() == list(ends)
        assert run.ends() == [ends.find(last.scope) for last in run.ends()]

    def test_many_times(self) -> None:
        """So it is with times, of which there are fewer: each time finds its first record."""
        run = run_of([("a", 1, k % 3, None) for k in range(60_000)])
        reader = reader_of(file_of(run))
        times = [to_microseconds(entry.at) for entry in run.entries]

        assert 2 == reader.header.sections[1].pages
        for time in range(times[0], times[-1] + 1, 5):
            assert 7 + bisect_left(times, time) in reader.positions_at(time)
        assert all(len(reader.positions_at(time)) <= 64 for time in times[::50])

    def test_few_pages_are_read(self) -> None:
        """A lookup reads few pages, and what is asked again is in memory."""
        content = file_of(many())
        reads: list[int] = []

        def read(offset: int, length: int) -> bytes:
            reads.append(offset)
            return content[offset : offset + length]

        reader = IndexReader(read, len(content))
        asked: list[Callable[[], object]] = [
            partial(reader.offset, 2000),
            partial(reader.find_id, "lot-7", id_number(9)),
            partial(reader.scope, "lot-7"),
            partial(correlated_in, reader, "c4"),
        ]
        for lookup, most in zip(asked, [1, 2, 4, 2], strict=True):
            reads.clear()
            first = lookup()
            assert len(reads) <= most
            reads.clear()
            assert (first, []) == (lookup(), reads)

    def test_memory_is_bounded(self) -> None:
        """No more pages are kept than allowed, those that were used last."""
        content = file_of(many())
        reads: list[int] = []

        def read(offset: int, length: int) -> bytes:
            reads.append(offset // PAGE_BYTES)
            return content[offset : offset + length]

        reader = IndexReader(read, len(content), cached_pages_max=2)
        for position in (7, 7 + 1100, 7, 7 + 2200, 7, 7 + 1100):
            reader.offset(position)

        assert [0, 1, 2, 3, 2] == reads

    def test_chunks_are_small(self) -> None:
        """The file comes in chunks, and with pauses where nothing is ready."""
        run = many()
        chunks = list(build_index(run.facts, run.entries, run.position_before))

        assert max(map(len, chunks)) == 16 * PAGE_BYTES
        # After each 1,024 records, with the names, and with each of their pages.
        assert 2 + 1 + reader_of(b"".join(chunks)).header.sections[2].pages == chunks.count(b"")


class TestEmptyFiles:
    def test_nothing(self) -> None:
        """A file of no records is one page, and has nothing."""
        content = file_of(run_of([]))
        reader = reader_of(content)

        assert PAGE_BYTES == len(content)
        assert ([], None, ()) == (reader.scopes(), reader.scope("a"), reader.find_id("a", "b"))
        assert (7, 0) == (reader.positions_at(0).start, len(reader.positions_at(0)))
        assert [] == [*reader.find_correlation("correlation", "x")]

    def test_one_record(self) -> None:
        """A file of one record has it, and no page for what it lacks."""
        reader = reader_of(file_of(run_of([("a", 1, 0, None)]), is_whole=True))

        assert (300, 500) == reader.extent(7)
        assert [1, 0, 1, 1, 1, 0, 1] == [place.pages for place in reader.header.sections]

    def test_bad_time(self) -> None:
        """A record whose time is none is refused."""
        run = run_of([("a", 1, 0, None)])
        (entry,) = run.entries
        for at in [
            "", "2026-11-23T15:04:05Z", "2026-11-23T15:04:05.1234567",
            "2026-11-23T15:04:05.12345xZ", "2026-11-23T15:04:05,123456Z",
            "2026-13-23T15:04:05.123456Z", "2026-W47-1T15:04:05.123456Z",
            "2026-11-23T15:04:05.12345\N{SUPERSCRIPT TWO}Z", "2026-11-23T15:04:05.123456Z ",
            "2026-11-23T15:04:05.+12345Z", "2026-11-23T15:04:05.12345\N{THAI DIGIT SIX}Z",
        ]:  # fmt: skip
            bad = type(entry)(entry.offset, "a", 1, entry.id, at)
            with pytest.raises(ValueError):
                list(build_index(run.facts, [bad], lambda _: 0))


@given(st.integers(-62_135_596_800_000_000, 253_402_300_799_999_999))
def test_times_round_trip(microseconds: int) -> None:
    """Every time from the year 1 to 9999 is a number, and the number is that time."""
    text = to_text(microseconds)

    assert 27 == len(text)
    assert microseconds == to_microseconds(text)


def test_times_are_since_1970() -> None:
    """The numbers are what other programs call microseconds since the epoch."""
    assert 0 == to_microseconds("1970-01-01T00:00:00.000000Z")
    assert 1_795_446_245_123_456 == to_microseconds("2026-11-23T15:04:05.123456Z")

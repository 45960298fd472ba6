"""The columns and cells of a list of events."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from atomic_store.journal import StoredRecord
from inspector.model.rows import Columns, Kind, Sizes, columns_for, row, type_of

SIZES = Sizes(position=5_000_000, sequence=412, scope_cells=14, type_cells=10)
K = Kind


def record(
    scope: str = "lot-8213060420",
    type: str = "Bid",  # noqa: A002 - as in a record
    data: bytes = b'{"bidder":"ada","cents":500}',
    *,
    version: int = 1,
    part: tuple[int, int] | None = None,
    at: str = "2026-11-23T15:04:05.123456Z",
) -> StoredRecord:
    """A record as it may be in a store."""
    return StoredRecord(4_711, scope, 17, "id", at, type, data, version, part)


def joined(columns: Columns, shown: StoredRecord) -> str:
    """A row as it is on the screen."""
    return (" " * columns.gap).join(row(shown, columns))


class TestColumns:
    """Which columns there are room for."""

    @pytest.mark.parametrize(
        ("cells", "kinds"),
        [
            (200, [K.POSITION, K.TIME, K.SCOPE, K.SEQUENCE, K.TYPE, K.DATA]),
            (80, [K.POSITION, K.TIME, K.SCOPE, K.SEQUENCE, K.TYPE, K.DATA]),
            (60, [K.TIME, K.SCOPE, K.SEQUENCE, K.TYPE, K.DATA]),
            (40, [K.SCOPE, K.SEQUENCE, K.EVENT]),
            (20, [K.SCOPE, K.EVENT]),
            (10, [K.EVENT]),
        ],
    )
    def test_of_a_store(self, cells: int, kinds: list[Kind]) -> None:
        """The poorer the room, the fewer columns; what happened, and to what, goes last."""
        assert kinds == [column.kind for column in columns_for(cells, SIZES).columns]

    @pytest.mark.parametrize(
        ("cells", "kinds"),
        [
            (200, [K.POSITION, K.SEQUENCE, K.TIME, K.TYPE, K.DATA]),
            (80, [K.POSITION, K.SEQUENCE, K.TIME, K.TYPE, K.DATA]),
            (40, [K.SEQUENCE, K.TIME, K.TYPE, K.DATA]),
            (20, [K.SEQUENCE, K.EVENT]),
        ],
    )
    def test_of_a_scope(self, cells: int, kinds: list[Kind]) -> None:
        """Its name is above it all; where an event is in it, is always told if it can be."""
        columns = columns_for(cells, SIZES, is_one_scope=True)

        assert kinds == [column.kind for column in columns.columns]

    def test_wide_ones_tell_more(self) -> None:
        """Where there is room, times are exact and names whole; the data has the most."""
        widths = {c.kind: c.cells for c in columns_for(200, SIZES).columns}

        assert (26, 14, 10) == (widths[K.TIME], widths[K.SCOPE], widths[K.TYPE])
        assert widths[K.DATA] >= 120

    def test_titles_are_as_wide_as_columns(self) -> None:
        """A number's title stands above its last digit; a long one has a short form."""
        titles = {c.kind: c.title for c in columns_for(80, SIZES).columns}

        assert "    pos" == titles[K.POSITION]
        assert "  #" == titles[K.SEQUENCE]

    @given(
        st.integers(1, 250), st.booleans(), st.integers(1, 10**12), st.integers(1, 10**9),
        st.integers(0, 300), st.integers(0, 300),
    )  # fmt: skip
    def test_the_width_is_used_up(
        self, cells: int, one: bool, position: int, sequence: int, scope: int, type_: int
    ) -> None:
        """All columns with their gaps are exactly as wide as the list, whatever they want."""
        columns = columns_for(cells, Sizes(position, sequence, scope, type_), is_one_scope=one)
        widths = [column.cells for column in columns.columns]

        assert min(widths) > 0
        assert cells == sum(widths) + columns.gap * (len(widths) - 1)


class TestRow:
    """A record's cells."""

    def test_at_eighty_columns(self) -> None:
        """All that one wants to know of an event on one line of a plain terminal."""
        assert (
            "   4711 11-23 15:04:05 lot-8213060420  17 Bid        bidder=ada cents=500       "
        ) == joined(columns_for(80, SIZES), record())

    def test_of_a_scope(self) -> None:
        """Without its name there is room for more."""
        columns = columns_for(80, SIZES, is_one_scope=True)

        assert (
            "   4711    17  2026-11-23 15:04:05  Bid"
        ) == joined(columns, record())[:39]  # fmt: skip

    def test_where_type_and_data_are_one(self) -> None:
        """With little room the type stands before the data."""
        assert "lot-821… Bid bidder…" == joined(columns_for(20, SIZES), record())

    @pytest.mark.parametrize(
        ("version", "part", "cells", "shown"),
        [
            (1, None, 20, "Bid"),
            (2, None, 20, "Bid v2"),
            (1, (2, 3), 20, "Bid 2/3"),
            (2, (2, 3), 20, "Bid v2 2/3"),
            (2, (2, 3), 10, "Bid v2 2/3"),
            (2, (2, 3), 9, "Bid"),
        ],
    )
    def test_version_and_part(
        self, version: int, part: tuple[int, int] | None, cells: int, shown: str
    ) -> None:
        """They stand behind the type where they are not the usual, if there is room."""
        assert shown == type_of(record(version=version, part=part), cells)

    @given(
        st.text(st.characters(exclude_categories=()), max_size=20),
        st.binary(max_size=60),
        st.integers(1, 200),
        st.booleans(),
    )
    def test_strangers_do_not_break_it(self, text: str, data: bytes, cells: int, one: bool) -> None:
        """Whatever a record holds, its row is exactly as wide as all others."""
        shown = joined(
            columns_for(cells, SIZES, is_one_scope=one), record(text, text, data, at=text)
        )

        assert cells == cell_len(shown)
        assert not {"\x1b", "\0", "\n", "\u202e"} & set(shown)

    def test_large_records_cost_what_is_shown(self) -> None:
        """A megabyte of names and data is a line like all others."""
        million = "x" * 1_000_000
        shown = joined(columns_for(80, SIZES), record(million, million, million.encode()))

        assert "   4711 11-23 15:04:05 xxxxxxxxxxxxx…  17 xxxxxxxxx… xxxxxxxxxxxxx" == shown[:66]

"""The columns of a list of scopes."""

from __future__ import annotations

from datetime import UTC, datetime

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.model.scope_columns import (
    Kind,
    Moment,
    columns_for,
    holding,
    number,
    row,
    since,
    ticking,
    titles,
)
from inspector.model.scope_seen import Round, ScopeSeen, State
from inspector.model.scope_table import Order
from inspector.model.texts import cells_of
from inspector_desks import HOSTILE_NAMES

NOW = datetime(2026, 11, 23, 15, 4, 5, tzinfo=UTC)
AT = "2026-11-23T12:04:05.000000Z"
HELD = ScopeSeen("lot/42", 1_234, 9, AT, State.VALIDATING, Round("t", "ada", 41.0, 19.0), waiting=2)


def cells(
    seen: ScopeSeen, width: int, *, is_live: bool = True, passed_s: float = 0
) -> dict[Kind, str]:
    columns = columns_for(width, scope_cells=12, is_live=is_live)
    found = row(seen, columns, Moment(NOW, passed_s, "▁▂▃", 2.25))
    return {
        column.kind: cell.text.strip() for column, cell in zip(columns.columns, found, strict=True)
    }


def test_a_wide_row() -> None:
    """Where there is room, all is told: who holds the round, for how long, and until when."""
    assert {
        Kind.SCOPE: "lot/42", Kind.EVENTS: "1,234", Kind.AT: "2026-11-23 12:04:05",
        Kind.AGO: "3 h ago", Kind.BARS: "▁▂▃", Kind.RATE: "2.2/s", Kind.STATE: "validating",
        Kind.HOLDER: "ada", Kind.OPEN: "0:44", Kind.LEFT: "0:16", Kind.WAITING: "2",
    } == cells(HELD, 198, passed_s=3.0)  # fmt: skip


def test_a_row_of_80_cells() -> None:
    """On a usual terminal there are still the holder, how long, and how many wait."""
    kinds = [Kind.SCOPE, Kind.EVENTS, Kind.AGO, Kind.STATE, Kind.HOLDER, Kind.OPEN, Kind.WAITING]

    assert kinds == list(cells(HELD, 78))


def test_a_row_of_files() -> None:
    """Files do not tell what a scope does: there is a dash; the time is told instead."""
    still = attrs.evolve(HELD, state=State.UNKNOWN, round=None, waiting=0)

    found = cells(still, 78, is_live=False)

    assert ("\u2013", "11-23 12:04:05") == (found[Kind.STATE], found[Kind.AT])


def test_a_round_that_is_over() -> None:
    """A round whose time is up is over, however long ago that was told."""
    columns = columns_for(198, scope_cells=12, is_live=True)
    looks = {
        column.kind: cell
        for column, cell in zip(columns.columns, row(HELD, columns, Moment(NOW, 19.5)), strict=True)
    }

    assert ("over", "bad") == (looks[Kind.LEFT].text.strip(), looks[Kind.LEFT].look)


@pytest.mark.parametrize("is_live", [True, False])
@given(width=st.integers(1, 260), scope=st.one_of(st.sampled_from(HOSTILE_NAMES), st.text()))
def test_rows_fit(is_live: bool, width: int, scope: str) -> None:
    """At any width a row is as wide as its columns, which are no wider than there is room."""
    columns = columns_for(width, scope_cells=len(scope), is_live=is_live)
    seen = attrs.evolve(HELD, scope=scope, sequence=2**63 - 1, waiting=2**40, at=scope)

    wide = sum(column.cells + columns.gap for column in columns.columns) - columns.gap
    for line in (
        row(seen, columns, Moment(NOW, 1e9, "█" * 12, 1e9)),
        titles(columns, Order.EVENTS, is_reverse=True),
    ):
        assert [column.cells for column in columns.columns] == [cells_of(c.text) for c in line]
        assert all(cell.text.isprintable() for cell in line)
    assert wide <= width


def test_titles_show_the_order() -> None:
    """One title has an arrow, which shows where the highest is."""
    columns = columns_for(198, scope_cells=12, is_live=True)

    by_time = [c.text.strip() for c in titles(columns, Order.ACTIVITY, is_reverse=True)]
    by_name = [c.text.strip() for c in titles(columns, Order.NAME, is_reverse=False)]

    assert ["scope", "events", "last event▼", "ago"] == by_time[:4]
    assert ["scope▲", "events", "last event", "ago"] == by_name[:4]


def test_a_column_is_found() -> None:
    """What was clicked is the column at that cell; beside all of them there is none."""
    columns = columns_for(78, scope_cells=12, is_live=True)

    assert [Kind.SCOPE, Kind.EVENTS] == [c.kind for x in (0, 21) if (c := columns.at(x))]
    assert columns.at(500) is None


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(-3, "0:00"), (9.9, "0:09"), (61, "1:01"), (3_661, "1:01:01"), (90_000, "1 d 1 h"),
     (90_000_000, "1041 d")],
)  # fmt: skip
def test_running_times(seconds: float, words: str) -> None:
    """A time that runs is written as on a clock, so that it does not flicker."""
    assert words == ticking(seconds)


def test_how_long_ago() -> None:
    """A time is told in words where there is room; what is no time is told by nothing."""
    assert ["3 h ago", "3 h"] == [since(AT, NOW), since(AT, NOW, 6)]
    assert "2 d" == since("2026-11-21T12:04:05.000000Z", NOW, 6)
    assert "now" == since("2026-11-23T15:04:06.000000Z", NOW, 6)
    assert ["", "", ""] == [since(at, NOW) for at in ("", "soon", "2026-11-23T15:04:06")]


def test_large_numbers() -> None:
    """A number that does not fit is told about."""
    assert ["1,234", "1k", "12.3M"] == [
        number(1_234, 5), number(1_234, 2).replace(".2", ""), number(12_345_678, 7),
    ]  # fmt: skip


def test_who_holds_a_round() -> None:
    """Before a round is ended, one is told whose it is, since when, and who waits."""
    assert [
        "ada holds the round of lot/42, for 44 s now.",
        "It ends by itself in 16 s.",
        "2 proposals wait for it.",
    ] == list(holding(HELD, 3.0))
    unknown = attrs.evolve(HELD, round=Round("t", None, None, 1.0), waiting=1)
    assert [
        "Somebody holds the round of lot/42.",
        "It should have ended by itself already.",
        "One proposal waits for it.",
    ] == list(holding(unknown, 2.0))
    assert [] == list(holding(attrs.evolve(HELD, round=None), 0))

"""All scopes of a store, filtered and sorted."""

from __future__ import annotations

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.model.scope_seen import Round, ScopeSeen, State
from inspector.model.scope_table import Order, ScopeTable

AT = "2026-11-23T15:04:05.123456Z"
SCOPES = 20_000
SCOPE_BYTES_MAX = 300


def seen(
    scope: str,
    sequence: int = 1,
    position: int = 1,
    state: State = State.UNKNOWN,
    waiting: int = 0,
    at: str = AT,
) -> ScopeSeen:
    """A scope."""
    return ScopeSeen(scope, sequence, position, at, state, None, waiting)


def table_of(*scopes: ScopeSeen) -> ScopeTable:
    """A table that knows these."""
    table = ScopeTable()
    table.update(scopes, 0.0)
    table.refresh(0.0)
    return table


def names(table: ScopeTable) -> list[str]:
    """The scopes as they stand."""
    return [table.scope(index).scope for index in range(table.count)]


class TestRows:
    """What is known of a scope."""

    @pytest.mark.parametrize(
        "scope",
        [
            ScopeSeen("lot-1", 5, 70, AT),
            ScopeSeen("", 0, 0, ""),
            ScopeSeen("\ud800[/x]", 1, 2, "yesterday"),
            ScopeSeen("odd", 1, 2, "2026-13-45T99:99:99.000000Z"),
            ScopeSeen("other zone", 1, 2, "2026-11-23T15:04:05.12345+01"),
            ScopeSeen("old", 1, 2, "0001-01-01T00:00:00.000000Z"),
            ScopeSeen("new", 1, 2, "9999-12-31T23:59:59.999999Z"),
            ScopeSeen("busy", 3, 4, AT, State.VALIDATING, Round("t", "ada", 1.5, 30.0), 12),
        ],
    )
    def test_it_comes_back_as_it_was(self, scope: ScopeSeen) -> None:
        """Spread over arrays, and put together again."""
        assert scope == table_of(scope).scope(0)

    def test_changes_show_at_once(self) -> None:
        """Without a refresh; a round that has ended is gone."""
        table = table_of(ScopeSeen("a", 1, 1, AT, State.VALIDATING, Round("t", None, 0.0, None)))
        table.update([seen("a", 2, 9, State.AVAILABLE)], 1.0)

        assert seen("a", 2, 9, State.AVAILABLE) == table.scope(0)
        assert not table.is_stale

    def test_impossible_numbers_do_no_harm(self) -> None:
        """A gateway may send what it likes."""
        table = table_of(seen("a", -5, 2**70, waiting=-1), seen("b", 2**70, 1))
        table.update([seen("b", 2**80, 2**80, waiting=2**80)], 1.0)

        assert seen("a", 0, 2**63 - 1) == table.scope(0)

    def test_there_is_no_such_row(self) -> None:
        """An index that is none is refused, also a negative one."""
        table = table_of(seen("a"))

        with pytest.raises(IndexError):
            table.scope(1)
        with pytest.raises(IndexError):
            table.scope(-1)


class TestOrder:
    """How scopes stand."""

    SCOPES = (
        seen("b", 3, 30, State.IDLE, 0),
        seen("a", 3, 10, State.VALIDATING, 2),
        seen("d", 9, 40, State.AVAILABLE, 2),
        seen("c", 1, 20, State.IDLE, 1),
    )

    @pytest.mark.parametrize(
        ("order", "low", "high"),
        [
            (Order.NAME, "abcd", "dcba"),
            (Order.EVENTS, "cabd", "dabc"),
            (Order.ACTIVITY, "acbd", "dbca"),
            (Order.STATE, "bcda", "adbc"),
            (Order.WAITING, "bcad", "adcb"),
        ],
    )
    def test_both_directions(self, order: Order, low: str, high: str) -> None:
        """Equal ones stand by name, whichever direction."""
        table = table_of(*self.SCOPES)
        for reverse, expected in ((False, low), (True, high)):
            table.sort(order, reverse=reverse)
            table.refresh(0.0)

            assert list(expected) == names(table)
            assert (order, reverse) == table.order

    def test_by_rate(self) -> None:
        """Who has had most lately; that ends when it was a minute ago."""
        table = table_of(seen("a"), seen("b"), seen("c"))
        table.sort(Order.RATE, reverse=True)
        table.update([seen("c", 6, 6), seen("b", 3, 7)], 10.0)
        table.refresh(10.0)
        assert ["c", "b", "a"] == names(table)
        assert 0.5 == table.rate(0, 10.0)
        assert " " * 11 + "█" == table.bars(0, 10.0)
        assert " " * 10 + "█ " == table.bars(0, 15.0)

        assert table.refresh(90.0)
        assert ["a", "b", "c"] == names(table)
        assert 0.0 == table.rate(2, 90.0)

    def test_nothing_moves_before_a_refresh(self) -> None:
        """What changes marks the order stale, if it can change it; a refresh mends that once."""
        table = table_of(*self.SCOPES)
        table.sort(Order.EVENTS, reverse=True)
        table.refresh(0.0)
        table.update([seen("c", 50, 50)], 1.0)

        assert table.is_stale
        assert list("dabc") == names(table)
        assert table.refresh(1.0)
        assert list("cdab") == names(table)
        assert not table.refresh(1.0)

    @pytest.mark.parametrize(
        ("order", "is_stale"),
        [
            (Order.NAME, False), (Order.EVENTS, True), (Order.ACTIVITY, True), (Order.RATE, True),
            (Order.STATE, False), (Order.WAITING, False),
        ],
    )  # fmt: skip
    def test_only_what_matters_makes_it_stale(self, order: Order, is_stale: bool) -> None:
        """An event more moves nobody in a list that is sorted by something else."""
        table = table_of(*self.SCOPES)
        table.sort(order, reverse=False)
        table.refresh(0.0)
        table.update([seen("b", 4, 41, State.IDLE, 0)], 1.0)

        assert is_stale == table.is_stale

    @pytest.mark.parametrize("order", [Order.STATE, Order.WAITING])
    def test_states_and_waiting_make_it_stale(self, order: Order) -> None:
        """If it is sorted by them."""
        table = table_of(seen("a", state=State.IDLE))
        table.sort(order, reverse=False)
        table.refresh(0.0)
        table.update([seen("a", state=State.VALIDATING, waiting=3)], 1.0)

        assert table.is_stale

    def test_new_scopes_show_after_a_refresh(self) -> None:
        """They have their place among the others, and are known before that."""
        table = table_of(seen("a"), seen("c"))
        table.update([seen("b")], 1.0)

        assert (["a", "c"], 2, 3) == (names(table), table.count, table.total)
        assert table.index_of("b") is None
        table.refresh(1.0)
        assert ["a", "b", "c"] == names(table)
        assert [0, 1, 2, None] == [table.index_of(name) for name in ("a", "b", "c", "x")]


class TestFilter:
    """Typing a part of a name."""

    def test_case_does_not_matter(self) -> None:
        """Anywhere in the name; folded as Unicode folds."""
        table = table_of(seen("Lot-1"), seen("STRASSE"), seen("Straße"), seen("lot-2"))
        table.filter("LOT")
        assert ["Lot-1", "lot-2"] == names(table)
        table.filter("straß")
        assert ["STRASSE", "Straße"] == names(table)
        table.filter("")
        assert 4 == table.count

    def test_it_holds_for_those_that_come(self) -> None:
        """After a refresh, as for all."""
        table = table_of(seen("lot-1"), seen("x"))
        table.filter("lot")
        table.update([seen("lot-0"), seen("y")], 1.0)
        table.refresh(1.0)

        assert ["lot-0", "lot-1"] == names(table)
        assert table.index_of("x") is None

    def test_the_order_stays(self) -> None:
        """Filtered scopes stand as they are sorted."""
        table = table_of(seen("lot-1", 1), seen("lot-2", 9), seen("x", 5))
        table.sort(Order.EVENTS, reverse=True)
        table.refresh(0.0)
        table.filter("lot")

        assert ["lot-2", "lot-1"] == names(table)

    @given(st.lists(st.text("abAB", max_size=4), max_size=6), st.sets(st.text("abAB", max_size=5)))
    def test_typing_is_as_good_as_pasting(self, typed: list[str], scopes: set[str]) -> None:
        """Whatever was typed before, what is shown is what the last text matches."""
        table = table_of(*map(seen, scopes))
        for text in typed:
            table.filter(text)

            matching = [scope for scope in scopes if text.casefold() in scope.casefold()]
            assert sorted(matching) == names(table)


def test_very_many_scopes_are_small() -> None:
    """All of them active, they take less than 300 bytes each: 100,000 are 30 MB."""
    tracemalloc.start()
    try:
        table = ScopeTable()
        for now, sequence in ((0.0, 1), (30.0, 2)):
            for first in range(0, SCOPES, 1_000):
                table.update(
                    [
                        seen(f"lot-{8_213_000_000 + n}", sequence, n + 1)
                        for n in range(first, first + 1_000)
                    ],
                    now,
                )
        table.sort(Order.RATE, reverse=True)
        table.refresh(30.0)
        table.filter("lot")
        size, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert SCOPES == table.count
    assert size / SCOPES < SCOPE_BYTES_MAX

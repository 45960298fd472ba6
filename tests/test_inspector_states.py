"""Moving through time with a fold."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atomic_store.journal import StoredRecord
from inspector.model.states import FoldBroken, StatesKept, Way, gone
from inspector_records import record_at, records_at


def evolve(state: int, record: StoredRecord) -> int:
    """A state that says which events it has seen: their sum."""
    return state + record.sequence


def go(kept: StatesKept, sequence: int) -> tuple[int, int]:
    """Go to a sequence; its state, and how many records had to be read."""
    way = kept.way_to(sequence)
    records = records_at(way.first, way.last)
    way = gone(way, records, evolve, kept)
    assert way.is_there
    return way.state, len(records)


def test_before_the_first_event() -> None:
    """There is the initial state, and nothing to read."""
    way = StatesKept("initial").way_to(0)

    assert ("initial", True) == (way.state, way.is_there)


def test_a_long_way_is_gone_once() -> None:
    """A step forth reads one record, a step back none; a long step back at most a thousand."""
    kept = StatesKept(0)

    assert (sum(range(5_001)), 5_000) == go(kept, 5_000)
    assert (sum(range(5_002)), 1) == go(kept, 5_001)
    assert (sum(range(5_000)), 0) == go(kept, 4_999)
    assert (sum(range(3_501)), 500) == go(kept, 3_500)
    assert (sum(range(3_500)), 0) == go(kept, 3_499)


def test_any_step_back_is_short() -> None:
    """Event by event to the beginning: seldom is anything read, and never much."""
    kept = StatesKept(0, every_events=100, near_max=50)
    go(kept, 1_000)
    read = [go(kept, sequence)[1] for sequence in range(999, -1, -1)]

    assert max(read) <= 100
    assert sum(1 for number in read if number) <= 2 * 1_000 / 50


@given(st.lists(st.integers(0, 60), max_size=15), st.integers(1, 9), st.integers(1, 4))
def test_states_are_right_and_few(jumps: list[int], every: int, most: int) -> None:
    """Wherever one jumps, the state is that of all events before; no more are kept than may be."""
    kept = StatesKept(0, every_events=every, kept_max=most, near_max=most)
    for sequence in jumps:
        state, _ = go(kept, sequence)

        assert sum(range(sequence + 1)) == state
        assert kept.count <= 2 * most


def test_a_way_can_be_gone_in_parts() -> None:
    """Records come in pages; what was gone is not lost if the rest never comes."""
    kept = StatesKept(0)
    way = gone(kept.way_to(10), records_at(1, 4), evolve, kept)

    assert Way(4, 10, 5, 10) == way
    assert not way.is_there
    assert 5 == kept.way_to(10).first


@pytest.mark.parametrize(
    "records", [[record_at(2)], [record_at(1), record_at(3)], records_at(1, 4)]
)
def test_other_records_are_refused(records: list[StoredRecord]) -> None:
    """A gap, or more than was asked for, would give a wrong state."""
    kept = StatesKept(0)

    with pytest.raises(ValueError, match="expected sequence"):
        gone(kept.way_to(3), records, evolve, kept)


def test_a_broken_fold_says_where() -> None:
    """Whatever it raises is told, with the sequence; what came before is kept."""

    class Odd(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    def broken(state: int, record: StoredRecord) -> int:
        if record.sequence == 3:
            raise KeyError("bidder")
        if record.sequence == 7:
            raise Odd
        return state

    kept = StatesKept(0)
    with pytest.raises(FoldBroken, match="at sequence 3: KeyError: 'bidder'"):
        gone(kept.way_to(5), records_at(1, 5), broken, kept)
    assert 3 == kept.way_to(5).first
    with pytest.raises(FoldBroken, match=r"at sequence 7: .*Odd: …"):
        gone(Way(6, 0, 7, 7), records_at(7, 7), broken, kept)

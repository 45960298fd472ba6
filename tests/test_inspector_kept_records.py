"""Records that are kept, within bounds."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from atomic_store.journal.record import size_of
from inspector.model.kept_records import KeptRecords
from inspector_records import record_at


def test_the_longest_unused_goes_first() -> None:
    """Looking at a record counts as using it."""
    kept = KeptRecords(records_max=2)
    kept.put(1, record_at(1))
    kept.put(2, record_at(2))
    kept.look([1])
    kept.look([])
    kept.put(3, record_at(3))

    assert [True, False, True] == [kept.get(n) is not None for n in (1, 2, 3)]


def test_bytes_count() -> None:
    """Large records push out more than one."""
    kept = KeptRecords(bytes_max=100)
    for number in range(1, 10):
        kept.put(number, record_at(number, size=10))
    kept.put(10, record_at(10, size=95))

    assert 1 == len(kept)
    assert 95 == kept.size_bytes


def test_what_is_on_the_screen_stays() -> None:
    """However large it is: it would have to be fetched again at once, and for ever."""
    kept = KeptRecords(records_max=2, bytes_max=100)
    assert [1, 2, 3] == kept.look([3, 1, 2])
    for number in (1, 2, 3, 4, 5):
        kept.put(number, record_at(number, size=1_000))

    assert [] == kept.look([1, 2, 3])
    assert [4, 5] == kept.look([3, 4, 5])


def test_a_record_is_kept_once() -> None:
    """Put again, it takes its own place, with its new size."""
    kept = KeptRecords()
    kept.put(1, record_at(1, size=10))
    kept.put(1, record_at(1, size=30))

    assert (1, 30) == (len(kept), kept.size_bytes)
    kept.clear()
    assert (0, 0) == (len(kept), kept.size_bytes)


@given(
    st.lists(
        st.tuples(st.integers(1, 12), st.integers(1, 40)) | st.lists(st.integers(1, 12), max_size=3)
    )
)
def test_bounds_hold(actions: list[tuple[int, int] | list[int]]) -> None:
    """Beyond the bounds there is never more than what is on the screen."""
    kept = KeptRecords(records_max=4, bytes_max=100)
    looked: set[int] = set()
    for action in actions:
        if isinstance(action, list):
            looked = set(action)
            kept.look(action)
            continue
        number, size = action
        before = {n for n in looked if kept.get(n) is not None}
        kept.put(number, record_at(number, size=size))
        there = [r for n in range(1, 13) if (r := kept.get(n)) is not None]

        assert before <= {record.position for record in there}
        assert len(there) == len(kept)
        assert kept.size_bytes == sum(map(size_of, there))
        unseen = [r for r in there if r.position not in looked]
        is_within = len(kept) <= 4 and kept.size_bytes <= 100
        assert is_within or not unseen

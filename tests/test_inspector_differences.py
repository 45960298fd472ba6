"""What is different between two JSON values."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters import documents
from inspector.model.differences import (
    Change,
    Difference,
    Differences,
    differences,
    text_differences,
)

ADDED, REMOVED, CHANGED = Change.ADDED, Change.REMOVED, Change.CHANGED
Short = tuple[tuple[str | int, ...], Change, Any, Any]


def found(before: object, after: object) -> list[Short]:
    """The differences as tuples."""
    return [(d.path, d.change, d.before, d.after) for d in differences(before, after).items]


def applied(before: Any, changes: tuple[Difference, ...]) -> Any:
    """A value after changes: those that remove are made from the back, the others in order."""
    root = [copy.deepcopy(before)]
    removing = [c for c in changes if c.change is REMOVED]
    for change in [*reversed(removing), *(c for c in changes if c.change is not REMOVED)]:
        holder: Any = root
        way: list[Any]
        last: Any
        *way, last = (0, *change.path)
        for step in way:
            holder = holder[step]
        if change.change is REMOVED:
            del holder[last]
        elif change.change is ADDED and isinstance(holder, list):
            holder.insert(last, change.after)
        else:
            holder[last] = change.after
    return root[0]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({"a": 1}, {"a": 1}, []),
        ({"a": 1}, {"a": 2}, [(("a",), CHANGED, 1, 2)]),
        ({"a": 1}, {"a": 1, "b": 2}, [(("b",), ADDED, None, 2)]),
        ({"a": 1, "b": 2}, {"a": 1}, [(("b",), REMOVED, 2, None)]),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, []),
        ({"a": {"b": [1, {"c": 2}]}}, {"a": {"b": [1, {"c": 3}]}},
         [(("a", "b", 1, "c"), CHANGED, 2, 3)]),
        ([1, 2], [1, 2, 3, 4], [((2,), ADDED, None, 3), ((3,), ADDED, None, 4)]),
        ([1, 2, 3], [0, 1, 2, 3], [((0,), ADDED, None, 0)]),
        ([1, 2, 3], [1, 3], [((1,), REMOVED, 2, None)]),
        ([1, 2, 3, 4], [1, 9, 8, 7, 4],
         [((1,), CHANGED, 2, 9), ((2,), CHANGED, 3, 8), ((3,), ADDED, None, 7)]),
        ([1, 1, 1], [1, 1], [((2,), REMOVED, 1, None)]),
        ([[1], [2]], [[1], [2, 3]], [((1, 1), ADDED, None, 3)]),
        (1, 1.0, [((), CHANGED, 1, 1.0)]),
        (True, 1, [((), CHANGED, True, 1)]),
        (0.0, -0.0, [((), CHANGED, 0.0, -0.0)]),
        ({"a": None}, {}, [(("a",), REMOVED, None, None)]),
        ({"a": []}, {"a": {}}, [(("a",), CHANGED, [], {})]),
        ("x", "x", []),
    ],
)  # fmt: skip
def test_differences(before: object, after: object, expected: list[Short]) -> None:
    """Members by key, elements from both ends, and types count."""
    assert repr(expected) == repr(found(before, after))


@given(documents, documents)
def test_they_are_all_that_is_different(before: object, after: object) -> None:
    """Applied to the value before, they give the one after; and there are none of one value."""
    # Repr, since 1, 1.0 and true are equal to Python.
    assert [] == found(before, copy.deepcopy(before))
    assert _sorted(after) == _sorted(applied(before, differences(before, after).items))


@given(st.lists(st.integers(0, 3), max_size=8), st.lists(st.integers(0, 3), max_size=8))
def test_arrays_are_compared_from_both_ends(before: list[int], after: list[int]) -> None:
    """Also where the same elements are at both ends."""
    assert after == applied(before, differences(before, after).items)


def _sorted(value: Any) -> str:
    """A value as text, members in the order of their keys."""
    if isinstance(value, dict):
        return f"{{{', '.join(f'{k!r}: {_sorted(v)}' for k, v in sorted(value.items()))}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(_sorted, value))}]"
    return repr(value)


def test_more_than_anybody_reads_are_counted() -> None:
    """The first ones are given, the others are a number."""
    some = differences([0] * 5_000, [1] * 5_000, items_max=3)

    assert (3, 4_997) == (len(some.items), some.more)
    assert some
    assert not Differences(())


def test_depth_is_no_limit() -> None:
    """The one change at the bottom of 10,000 levels is found, and where it is."""
    before, after = (
        b'{"a":[' * 5_000 + b"1" + b"]}" * 5_000,
        b'{"a":[' * 5_000 + b"2" + b"]}" * 5_000,
    )
    (change,) = text_differences(before, after).items

    assert ("a", 0) * 5_000 == change.path
    assert (1, 2) == (change.before, change.after)


def test_large_values_are_compared_at_once() -> None:
    """Elements at both ends are not compared again on each level."""
    wide = [{"n": number, "tags": ["a", "b"]} for number in range(20_000)]
    after = [*wide, {"n": -1, "tags": []}]

    assert [((20_000,), ADDED, None, {"n": -1, "tags": []})] == found(wide, copy.deepcopy(after))


@pytest.mark.parametrize("other", [b"{", b"\xff", b""])
def test_no_json_is_compared_as_text(other: bytes) -> None:
    """Something is shown in any case."""
    assert [CHANGED] == [d.change for d in text_differences(b"{}", other).items]
    assert not text_differences(other, other)

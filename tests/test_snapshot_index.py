"""The index of snapshots, against a plain model of what it must know."""

from __future__ import annotations

import sys
from array import array

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from atomic_store.journal.snapshots import index as index_module
from atomic_store.journal.snapshots.index import KEPT, Kept, SnapshotIndex

steps = st.one_of(
    st.tuples(
        st.just("add"), st.integers(0, 4), st.integers(1, 2), st.integers(1, 6), st.integers(1, 9)
    ),
    st.tuples(st.just("delete"), st.integers(0, 4), st.integers(1, 6), st.integers(1, 6)),
    st.tuples(st.just("remove"), st.integers(0, 4), st.integers(1, 2), st.integers(0, 50)),
)


class Model:
    """What an index must know, in a dict."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, int], list[Kept]] = {}

    def add(self, scope: str, version: int, new: Kept) -> None:
        kept = self.kept.setdefault((scope, version), [])
        kept[:] = [one for one in kept if one.sequence != new.sequence]
        kept.append(new)
        del kept[:-KEPT]

    def drop(self, scope: str, first: int, last: int) -> None:
        for (name, _), kept in self.kept.items():
            if name == scope:
                kept[:] = [one for one in kept if not first <= one.sequence <= last]

    def remove(self, scope: str, version: int, offset: int) -> None:
        kept = self.kept.get((scope, version), [])
        kept[:] = [one for one in kept if one.offset != offset]


@given(st.lists(steps, max_size=60))
def test_against_a_model(
    flow: list[tuple[str, int, int, int] | tuple[str, int, int, int, int]],
) -> None:
    """Whatever is added, deleted and removed, the index knows what the model knows."""
    index, model = SnapshotIndex(), Model()
    for offset, (what, number, *rest) in enumerate(flow):
        scope = f"lot-{number}"
        if what == "add":
            version, sequence, size = rest
            index.add(scope, version, sequence, offset, size)
            model.add(scope, version, Kept(sequence, offset, size))
        elif what == "delete":
            first, last = rest
            held = any(
                first <= one.sequence <= last
                for (name, _), kept in model.kept.items()
                for one in kept
                if name == scope
            )
            assert index.holds(scope, first, last) == held
            index.delete(scope, first, last)
            model.drop(scope, first, last)
        else:
            index.remove(scope, rest[0], rest[1])
            model.remove(scope, rest[0], rest[1])
    for scope in (f"lot-{number}" for number in range(5)):
        for version in (1, 2):
            assert index.of(scope, version) == sorted(
                model.kept.get((scope, version), []), reverse=True
            )
    everything = [one for kept in model.kept.values() for one in kept]
    assert index.size == sum(one.size for one in everything)
    assert [index.at(slot) for slot in index.slots()] == sorted(
        everything, key=lambda one: one.offset
    )


def test_many_scopes() -> None:
    """However many scopes there are, each is found, and costs little memory."""
    index = SnapshotIndex()
    count = 20_000
    for number in range(2 * count):
        index.add(f"lot-{number % count}", 1, number + 1, 10 * number, 10)

    for number in range(count):
        expected = [count + number + 1, number + 1]
        assert expected == [one.sequence for one in index.of(f"lot-{number}", 1)]
    members = [getattr(index, field.name) for field in attrs.fields(SnapshotIndex)]
    arrays = [member for member in members if isinstance(member, array)]
    assert len(arrays) == 6
    assert sum(map(sys.getsizeof, arrays)) / (2 * count) < 32
    assert index.of("lot-x", 1) == index.of("lot-1", 2) == []


def test_copies() -> None:
    """A copy does not change with what it was copied from; its snapshots can be moved."""
    index = SnapshotIndex()
    index.add("a", 1, 1, 100, 10)
    index.add("a", 1, 2, 200, 20)
    copy = index.copy()
    index.delete("a", 1, 2)
    index.add("b", 1, 1, 300, 10)
    first, second = copy.slots()
    copy.move(first, 7)
    copy.move(second, None)

    assert copy.of("a", 1) == [Kept(1, 7, 10)]
    assert copy.of("b", 1) == []
    assert (copy.size, index.size) == (10, 10)


def test_equal_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Scopes whose hashes are equal share two places; nothing else goes wrong."""
    monkeypatch.setattr(index_module, "_key", lambda scope, version: 5)
    index = SnapshotIndex()
    for number in range(5):
        index.add(f"lot-{number}", 1, number + 1, number, 1)

    assert [4, 3] == [one.offset for one in index.of("lot-0", 1)]

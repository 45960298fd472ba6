"""The index in memory answers as the file that will be made of it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from atomic_store.journal.index_file import MemoryIndex
from atomic_store.journal.index_file.write import file_chunks
from index_files import (
    HISTORY,
    NAMES,
    STORE,
    VALUE,
    Run,
    file_of,
    id_number,
    many,
    reader_of,
    run_of,
    runs,
)


def memory_of(run: Run, *, hashes_late: bool = False) -> MemoryIndex:
    """An index of a run's records."""
    index = MemoryIndex(3, 5, run.first, run.begin, VALUE, hashes_late)
    for entry in run.entries:
        index.add(entry, run.position_before)
    index.end = run.end
    return index


@settings(max_examples=60)
@given(
    runs(max_size=60), st.sampled_from(["", "a", "lot-1", "z" * 511]), st.sampled_from(NAMES),
    st.booleans(),
)  # fmt: skip
def test_same_answers(run: Run, prefix: str, after: str, hashes_late: bool) -> None:
    """Whatever is asked of the index, and of the file of the same records, has one answer."""
    index, reader = memory_of(run, hashes_late=hashes_late), reader_of(file_of(run))
    assert (run.first + len(run.entries) - 1) == index.last == reader.header.last
    for position in range(run.first, index.last + 1):
        assert reader.extent(position) == index.extent(position)
    for limit in (0, 1, 3, 100):
        for behind in (None, after):
            expected = [_comparable(span) for span in reader.scopes(prefix, behind, limit)]
            assert expected == [_comparable(span) for span in index.scopes(prefix, behind, limit)]
    for scope in {entry.scope for entry in run.entries} | {"nowhere"}:
        span, other = index.scope(scope), reader.scope(scope)
        assert _comparable(other) == _comparable(span)
        if span is not None and other is not None:
            for first, last in (
                (1, 1 << 60),
                (span.first_sequence + 1, span.last_sequence),
                (9, 3),
            ):
                assert reader.positions(other, first, last) == index.positions(span, first, last)
        for number in range(0, len(run.entries), 7):
            found = index.find_id(scope, id_number(number))
            assert reader.find_id(scope, id_number(number)) == found


def _comparable(span: object) -> object:
    """All that is said of a scope but where its places lie in a file."""
    if span is None:
        return None
    names = ("scope", "first_sequence", "count", "last_position", "at", "before")
    return [getattr(span, name) for name in names]


def test_same_file() -> None:
    """The file that is made of it is that of its records."""
    run = many(500)
    index = memory_of(run)
    made = b"".join(file_chunks(index.contents, index.facts(STORE, HISTORY), None))

    assert file_of(run) == made


def test_hashing_late() -> None:
    """Ids are hashed when one is asked for; what comes later is hashed later."""
    run = many(500)
    index, entries = memory_of(run, hashes_late=True), dict(run.numbered())
    contents = index.contents
    assert 400 < contents.late_hashes
    assert run.first in index.find_id(entries[run.first].scope, entries[run.first].id)
    assert 0 == contents.late_hashes
    last = run.entries[-1]
    span = index.scope(last.scope)
    assert span is not None
    sequence = span.last_sequence + 1
    for k, id_ in enumerate(("8b6d1c1e-0000-4000-8000-000000000001", "not of 36 bytes: ö")):
        following = structs.replace(last, id=id_, k=1, sequence=sequence + k)
        index.add(following, run.position_before)
    assert 1 == contents.late_hashes
    assert (index.last - 1,) == index.find_id(last.scope, "8b6d1c1e-0000-4000-8000-000000000001")
    assert (index.last,) == index.find_id(last.scope, "not of 36 bytes: ö")


def test_hashing_late_makes_the_same_file() -> None:
    """Whenever it is made."""
    run = many(3000)
    index = memory_of(run, hashes_late=True)

    assert file_of(run) == b"".join(file_chunks(index.contents, index.facts(STORE, HISTORY), None))


def test_a_scope_that_is_just_added() -> None:
    """Another thread may see it before its first record: then there is nothing of it."""
    index = memory_of(many(3))
    index.contents.begin_scope("new", 1, 0)

    assert index.scope("new") is None


def test_looking_up_while_it_is_made() -> None:
    """Making the file changes nothing of what is looked up meanwhile."""
    run = many(3000)
    index = memory_of(run)
    entries = dict(run.numbered())
    wanted = [run.first + k for k in range(0, 3000, 97)]
    found = {p: index.find_id(entries[p].scope, entries[p].id) for p in wanted}
    buckets = {k: list(bucket) for k, bucket in index.contents.ids._buckets.items()}
    for _ in file_chunks(index.contents, index.facts(STORE, HISTORY), None):
        assert buckets == index.contents.ids._buckets

    assert found == {p: index.find_id(entries[p].scope, entries[p].id) for p in wanted}
    assert all(position in positions for position, positions in found.items())


def test_following() -> None:
    """The next one begins where this one ends."""
    index = memory_of(run_of([("a", 2, 1, None), ("b", 1, 1, None)]))
    following = index.following()

    assert (10, 9, index.end, index.end, VALUE) == (
        following.first, following.last, following.begin, following.end, following.commit,
    )  # fmt: skip
    assert following.scope("a") is None
    assert [] == following.scopes("", None, 10)
    with pytest.raises(IndexError):
        following.extent(10)

"""The tables of hashes, also where hashes are not spread as they should be."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atomic_store.journal.index_file import Entry
from atomic_store.journal.index_file.hashes import (
    Digest,
    HashBuckets,
    HashTable,
    correlation_hash,
    correlation_hashes,
    digest_of,
    id_half,
    id_hash,
    scope_half,
)
from atomic_store.journal.index_file.layout import SectionPlace
from index_files import Run, correlated, file_of, id_number, many, reader_of, runs

HIGHEST = (1 << 64) - 1


def table_of(rows: list[tuple[int, int]]) -> tuple[HashTable, list[int]]:
    """A table of these hashes and ordinals, and the pages that it has read."""
    buckets = HashBuckets()
    for hash_, ordinal in rows:
        buckets.add(hash_, ordinal)
    pages = list(buckets.pages())
    read: list[int] = []

    def page(number: int) -> bytes:
        read.append(number - 5)
        return pages[number - 5]

    return HashTable(page, SectionPlace(5, len(pages), len(rows))), read


HASHES = st.one_of(
    st.integers(0, HIGHEST),
    st.integers(0, 3),
    st.integers(HIGHEST - 3, HIGHEST),
    st.integers(0, 3).map(lambda n: n << 32),
)


@given(st.lists(st.tuples(HASHES, st.integers(0, 5000)), max_size=30), HASHES, st.integers(0, 99))
def test_small_tables(rows: list[tuple[int, int]], other: int, first: int) -> None:
    """A hash finds all its ordinals, rising, each once."""
    table, _ = table_of(rows)
    for wanted in {other, *(hash_ for hash_, _ in rows)}:
        expected = sorted({ordinal for hash_, ordinal in rows if hash_ == wanted})
        assert expected == list(table.ordinals(wanted))
        assert [n for n in expected if n >= first] == list(table.ordinals(wanted, first))
        half = sorted({row for row in rows if row[0] >> 32 == wanted >> 32})
        assert [ordinal for _, ordinal in half] == list(table.ordinals_of_half(wanted >> 32))


@pytest.mark.parametrize(
    "spread",
    [
        lambda k: digest_of(b"%d" % k),
        lambda k: k,
        lambda k: HIGHEST - k,
        lambda k: k // 1000 << 40,
        lambda k: 7,
        lambda k: HIGHEST * (k % 2),
        lambda k: HIGHEST // 2 + k * k,
    ],
    ids=["even", "low", "high", "steps", "one", "both ends", "middle"],
)
def test_large_tables(spread: type[int]) -> None:
    """However hashes are spread, each is found, by reading about as many pages as halving does."""
    rows = [(spread(k), k) for k in range(20_000)]
    table, read = table_of(rows)
    assert sorted(row[0] << 32 | row[1] for row in rows) == list(table.rows())
    by_hash: dict[int, list[int]] = {}
    for hash_, ordinal in rows:
        by_hash.setdefault(hash_, []).append(ordinal)
    for hash_ in list(by_hash)[::37]:
        read.clear()
        assert by_hash[hash_] == list(table.ordinals(hash_))
        assert len(set(read)) <= 9 + len(by_hash[hash_]) // 341
        assert [n for n in by_hash[hash_] if n >= 9000] == list(table.ordinals(hash_, 9000))
    for absent in {0, 1, HIGHEST, *(hash_ ^ 1 << 60 for hash_ in by_hash)} - by_hash.keys():
        assert [] == list(table.ordinals(absent))


def test_even_hashes_take_one_or_two_pages() -> None:
    """Where hashes are spread as they should be, the page is guessed, not searched."""
    table, read = table_of([(digest_of(b"%d" % k), k) for k in range(20_000)])
    pages = 0
    for k in range(1000):
        read.clear()
        assert [k] == list(table.ordinals(digest_of(b"%d" % k)))
        pages += len(set(read))

    assert pages < 1500


def hash_of(entry: Entry, digest: Digest) -> int:
    """The hash of an entry's proposal."""
    return id_hash(scope_half(entry.scope, digest), entry.id, digest)


@given(runs(max_size=60))
def test_colliding_ids(run: Run) -> None:
    """Where all hashes are alike, every record that may be the one is given."""

    def digest(data: bytes) -> int:
        return len(data) % 2 << 32

    reader = reader_of(file_of(run, digest=digest), digest=digest)
    for entry in run.entries:
        wanted = hash_of(entry, digest)
        expected = [p for p, e in run.numbered() if e.k == 1 and hash_of(e, digest) == wanted]
        assert tuple(expected) == reader.find_id(entry.scope, entry.id)
    every = tuple(p for p, e in run.numbered() if e.k == 1)
    assert every == reader.find_id_anywhere(id_number(999))
    for member in ("correlation", "causation"):
        found = [*reader.find_correlation(member, "x")]
        assert sorted(set(found)) == found
        assert {p for p, e in run.numbered() if correlated(e, member, "x")} <= set(found)


def test_many_colliding_ids() -> None:
    """So it is where they fill many pages."""
    run = many(1200)
    reader = reader_of(file_of(run, digest=lambda data: 5), digest=lambda data: 5)

    assert tuple(range(7, 1207)) == reader.find_id("anything", "at all")
    assert list(range(900, 1207)) == [*reader.find_correlation("x", "y", first=900)]


def test_what_is_hashed() -> None:
    """The same id elsewhere has another hash with the same upper half; members have their own."""
    one, other = (id_hash(scope_half(scope, digest_of), "x", digest_of) for scope in "ab")

    assert one != other
    assert id_half("x", digest_of) == one >> 32 == other >> 32
    assert correlation_hash("a", "bc", digest_of) != correlation_hash("ab", "c", digest_of)


def test_metadata_of_any_kind() -> None:
    """What is no JSON object has no correlation."""
    for metadata in (b"", b"{", b"[]", b"7", b"null", b'{"correlation":"\xff"}'):
        assert [] == correlation_hashes(metadata, digest_of)

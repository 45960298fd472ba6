"""Finding records next to the data: what is found, what is read for it, and what damage does."""

from __future__ import annotations

import random
from collections.abc import Iterable
from typing import Any

import attrs
import pytest
import trio
from hypothesis import event, given, settings
from hypothesis import strategies as st

from atomic_store import jsonvalue, parse_filter
from atomic_store.journal import Draft, EncodedEvent, StoredRecord, Wanted, scanning
from atomic_store.journal.file import FileJournal
from atomic_store.testing.faulty_disk import FaultyDisk
from filters import MOMENTS, NOW, SCOPES, Tree, documents, events, keys, scalars, text_of, trees
from journal_files import an_id, wrapped
from scanned_journals import MANY, Reads, bid, found, journal_of, many_records, wanted_of


@pytest.fixture
def many() -> FaultyDisk:
    """A closed store of 1,003 records, all of it indexed; not to be changed."""
    return many_records()


drafts = st.builds(
    lambda scope, types, datas, metadata, meta: Draft(
        scope,
        "",
        tuple(
            EncodedEvent(type_, 1, jsonvalue.encode(data))
            for type_, data in zip(types, datas, strict=True)
        ),
        metadata=None if metadata is None else jsonvalue.encode(metadata),
        meta=None if meta is ... else jsonvalue.encode(meta),
    ),
    st.sampled_from(SCOPES),
    st.lists(st.sampled_from(["Bid", "Closed"]), min_size=3, max_size=3),
    st.lists(events, min_size=3, max_size=3),
    st.none() | st.dictionaries(keys, scalars, max_size=3),
    st.just(...) | documents,
)
moments = st.none() | st.sampled_from(
    [f"{m.replace(tzinfo=None).isoformat('T', 'microseconds')}Z" for m in MOMENTS]
    + [f"2026-11-23T15:04:05.1{n}Z" for n in (23456, 24956, 26456, 30000, 60000)]
)
whole = st.integers(-1, 60)
wishes = st.builds(
    Wanted,
    first=whole,
    last=st.none() | whole,
    since=moments,
    until=moments,
    scope=st.none() | st.sampled_from([*SCOPES, "nowhere"]),
    prefix=st.sampled_from(["", "", "lot", "lot-1", "x"]),
    reverse=st.booleans(),
)
SIZES = {
    "SEARCHED_BYTES": st.sampled_from([1, 300, 1 << 16]),
    "BATCH_RECORDS": st.sampled_from([1, 2, 256]),
    "PAGE_BYTES_MAX": st.sampled_from([1, 5000, 1 << 24]),
}


def with_ids(some: Iterable[Draft], counts: Iterable[int], begin: int = 0) -> list[Draft]:
    """Drafts with ids, some of which two scopes share, and with so many events each."""
    made: list[Draft] = []
    for number, (draft, count) in enumerate(zip(some, counts, strict=True), begin):
        is_shared = made and number % 2 and made[-1].scope != draft.scope
        id_ = made[-1].id if is_shared else an_id(number)
        made.append(Draft(draft.scope, id_, draft.events[:count], draft.metadata, draft.meta))
    return made


@settings(max_examples=150)
@given(st.data(), trees, st.randoms(use_true_random=False))
def test_what_is_found_is_what_is_wanted(
    data: st.DataObject, tree: Tree, chance: random.Random
) -> None:
    """Whatever is asked, of whatever lies in files or memory: the same as a naive reader finds."""
    some = data.draw(st.lists(drafts, max_size=16))
    counts = data.draw(st.lists(st.integers(1, 3), min_size=len(some), max_size=len(some)))
    asked = data.draw(st.lists(wishes, min_size=4, max_size=4))
    limit = data.draw(st.sampled_from([1, 3, 500]))
    sizes = data.draw(
        st.sampled_from([(3000, 900), (3000, 1 << 20), (1 << 20, 900), (1 << 20, 1 << 20)])
    )
    where = parse_filter(text_of(tree, chance), now=NOW)

    is_reopened = data.draw(st.booleans())
    # Scopes of which some records are known before a reopening, and some are not.
    later = with_ids(some[::2], counts[::2], begin=500)

    async def look(journal: FileJournal, records: list[StoredRecord]) -> None:
        for k, wish in enumerate([Wanted(), Wanted(reverse=True), *asked]):
            wanted = attrs.evolve(wish, where=where if k % 3 else None)
            expected = [record for record in records if wanted.matches(record)]
            event(f"found: {len(expected) > 0}")

            actual = await found(journal, wanted, limit=limit)

            assert (expected[::-1] if wanted.reverse else expected) == actual, wanted

    async def main() -> None:
        disk = FaultyDisk()
        async with journal_of(disk, with_ids(some, counts), *sizes) as (journal, records):
            if not is_reopened:
                await look(journal, records)
        if is_reopened:
            async with journal_of(disk, later, *sizes) as (_, more):
                records = [*records, *more]
            async with journal_of(disk, (), *sizes) as (journal, _):
                await look(journal, records)

    with pytest.MonkeyPatch.context() as patch:
        for name, numbers in SIZES.items():
            patch.setattr(scanning, name, data.draw(numbers))
        trio.run(main)


READS: list[tuple[str, dict[str, Any], int, int]] = [
    # what, how it is asked, how many are found, how many bytes that may take
    ("one by position", {"first": 623, "last": 623}, 1, 400),
    ("a range", {"where": "position > 100 position <= 120"}, 20, 20 * 400),
    ("the last ones of all", {"reverse": True, "first": 994}, 10, 10 * 400),
    ("a moment", {"where": 'at = "2026-11-23T15:04:05.874956Z"'}, 4, 70 * 400),
    ("times", {"since": "2026-11-23T15:04:06.572456Z"}, 35, 100 * 400),
    ("a rare scope", {"scope": "rare"}, 2, 2 * 400),
    ("a rare scope backwards", {"scope": "rare", "reverse": True}, 2, 2 * 400),
    ("scopes by a filter", {"where": "scope in (rare, nowhere)"}, 2, 2 * 400),
    ("the end of a scope", {"scope": "lot-7", "first": 950}, 3, 3 * 400 + 2 * 20 * 200),
    ("a prefix of its own", {"where": "scope = rare", "prefix": "lot-"}, 0, 0),
    ("a scope of its own", {"where": "scope in (rare, lot-3)", "scope": "lot-7"}, 0, 0),
    ("one by id", {"where": f"id = {an_id(41)}"}, 1, 2 * 400),
    ("a decision by id", {"where": f"id = {an_id(500)}"}, 4, 8 * 400),
    ("the end of a decision", {"where": f"id = {an_id(500)}", "first": 503}, 2, 8 * 400),
    ("by correlation", {"where": "metadata.correlation = c-3"}, 2, 4 * 400),
    ("what cannot be", {"where": "position < 5 position > 7"}, 0, 0),
    ("behind the end", {"first": 2000}, 0, 0),
    ("after all", {"since": "2030-01-01T00:00:00.000000Z"}, 0, 0),
    ("before all", {"until": "2020-01-01T00:00:00.000000Z"}, 0, 70 * 400),
]  # fmt: skip


@pytest.mark.parametrize(
    ("asked", "count", "bytes_max"), [row[1:] for row in READS], ids=[row[0] for row in READS]
)
async def test_an_index_saves_reading(
    asked: dict[str, Any], count: int, bytes_max: int, many: FaultyDisk
) -> None:
    """Where an index says where to look, little else is read of the segments."""
    wanted = wanted_of(asked)
    reads = Reads(many.copy())
    async with journal_of(reads.counting()) as (journal, _):
        reads.bytes_read = 0
        records = await found(journal, wanted)

    assert count == len(records)
    assert all(map(wanted.matches, records))
    assert reads.bytes_read <= bytes_max


async def test_a_page_ends_when_enough_was_looked_at(
    many: FaultyDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also if nothing was found; then it says how far it has come."""
    monkeypatch.setattr(scanning, "PAGE_BYTES_MAX", 30_000)
    wanted = Wanted(where=parse_filter("data.cents = 999", now=NOW))
    async with journal_of(many.copy()) as (journal, _):
        page = await journal.scan(wanted, limit=5)
        assert [] == page.records
        assert page.next is not None
        assert 50 < page.next < 400
        records = await found(journal, wanted.going_on_at(page.next))

    assert [1003] == [record.position for record in records]


async def test_what_is_in_memory_alone() -> None:
    """Before there is an index file, a scope's records are found all the same."""
    async with journal_of(FaultyDisk(), MANY[:200], 1 << 20, 1 << 20) as (journal, records):
        expected = [record for record in records if record.scope == "lot-7"]
        for limit in (1, 3, 500):
            assert expected == await found(journal, Wanted(scope="lot-7"), limit=limit)
            backwards = await found(journal, Wanted(scope="lot-7", reverse=True), limit=limit)
            assert expected[::-1] == backwards
        assert [] == await found(journal, Wanted(scope="lot-99", reverse=True))
        tied = parse_filter("metadata.correlation = c-1", now=NOW)
        several = parse_filter("scope in (lot-7, nowhere)", now=NOW)
        assert expected == await found(journal, Wanted(where=several))
        late = Wanted(until=records[-1].at)
        assert records == await found(journal, late)
        for reverse in (False, True):
            assert 2 == len(await found(journal, Wanted(where=tied, reverse=reverse)))


async def test_a_scope_in_files_and_in_memory() -> None:
    """What an opening has read again, and what lies in index files before it, are one scope."""
    disk = FaultyDisk()
    async with journal_of(disk, MANY[:200], 20_000, 1 << 20) as (_, records):
        expected = [record for record in records if record.scope == "lot-7"]
    async with journal_of(disk, [bid(n, "lot-7") for n in range(5)], 20_000, 1 << 20) as (_, more):
        expected += more
    async with journal_of(disk, (), 20_000, 1 << 20) as (journal, _):
        assert journal._records.coverage.last > expected[0].position
        for limit in (1, 3, 500):
            assert expected == await found(journal, Wanted(scope="lot-7"), limit=limit)
            backwards = await found(journal, Wanted(scope="lot-7", reverse=True), limit=limit)
            assert expected[::-1] == backwards


@pytest.mark.parametrize("piece_bytes", [20_000, 1 << 20])
async def test_more_of_a_scope_than_is_read_at_once(
    piece_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is left out between two batches, of one scope or of several that alternate."""
    monkeypatch.setattr(scanning, "BATCH_RECORDS", 3)
    several = parse_filter("scope in (lot-7, lot-8, nowhere)", now=NOW)
    async with journal_of(FaultyDisk(), MANY[:200], 1 << 20, piece_bytes) as (journal, records):
        for reverse in (False, True):
            for wanted in (Wanted(scope="lot-7"), Wanted(where=several)):
                wanted = attrs.evolve(wanted, reverse=reverse)
                expected = [record for record in records if wanted.matches(record)]
                assert (expected[::-1] if reverse else expected) == await found(journal, wanted)


async def test_scopes_that_are_far_between() -> None:
    """Backwards, a scope with nothing here is not passed over where another one goes far back."""
    drafts = [bid(n, {100: "far", 500: "between", 900: "far"}.get(n, "")) for n in range(1000)]
    where = parse_filter("scope in (far, between)", now=NOW)
    async with journal_of(FaultyDisk(), drafts, 1 << 20, 10_000) as (journal, _):
        assert len(journal._records.coverage.stretches) > 10
        records = await found(journal, Wanted(where=where, reverse=True))

    assert [901, 501, 101] == [record.position for record in records]


# --- threads -----------------------------------------------------------------------------


async def test_cancelling_ends_a_scan_soon(
    many: FaultyDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No more than one read follows a cancellation, however much is left."""
    monkeypatch.setattr(scanning, "SEARCHED_BYTES", 1000)
    monkeypatch.setattr(scanning, "SEARCHED_BYTES_MAX", 1000)
    disk = many.copy()
    reads: list[int] = []
    with trio.fail_after(10):
        async with journal_of(disk) as (journal, _):
            scope = trio.CancelScope()

            def pread(file: int, size: int, offset: int) -> bytes:
                reads.append(offset)
                if len(reads) == 3:
                    trio.from_thread.run_sync(scope.cancel)
                return disk.pread(file, size, offset)

            threaded = wrapped(disk, pread=pread, uses_threads=True)
            journal._records.disk = threaded
            with scope:
                await journal.scan(
                    Wanted(where=parse_filter("data.cents = 5000", now=NOW)), limit=5
                )

            assert scope.cancelled_caught
            assert len(reads) <= 4
            journal._records.disk = disk
            assert 5 == len((await journal.scan(Wanted(), limit=5)).records)

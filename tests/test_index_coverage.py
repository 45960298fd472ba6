"""What index files cover, and making them anew from their segments."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import trio

from atomic_store.errors import JournalCorrupt
from atomic_store.journal.coverage import Coverage
from atomic_store.journal.index_file import PAGE_BYTES, IndexDamaged, IndexReader, ScopeLast
from atomic_store.journal.line import next_value, with_commit, with_crc
from atomic_store.journal.reading import Place
from atomic_store.journal.verify import verify
from atomic_store.testing.faulty_disk import FaultyDisk
from index_files import ends_of
from indexed_journals import (
    asked,
    compare,
    expected,
    index_files,
    indexed,
    indexing,
    only_opened,
)
from journal_files import INDEX, STORE, a_draft, an_id, segment, writing

RECORDS = expected()["all"]


def covered(disk: FaultyDisk) -> Coverage:
    """What the index files of a store cover, as after opening it; files can be asked."""
    coverage = only_opened(disk).coverage
    coverage.store._is_closed = False
    coverage.store.is_writer = True
    return coverage


def damaged_pages(disk: FaultyDisk, path: str) -> None:
    """Change all pages of an index file but the first, so that it is used."""
    content = disk.files()[path]
    disk.put(path, content[:PAGE_BYTES] + bytes(len(content) - PAGE_BYTES))


class TestLookingUp:
    def test_nothing(self) -> None:
        """Without files, nothing is covered."""
        coverage = Coverage(covered(indexed()).store)

        assert (0, (), None) == (coverage.last, coverage.pieces, coverage.end("lot-1"))
        assert ([], {}) == (coverage.candidates("lot-1", "x"), coverage.scopes("", None, 9))
        assert [] == [*coverage.load_ends()]

    def test_equal_hashes(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Proposals whose ids have the same hash are told apart by their records."""

        def everywhere(self: IndexReader, scope: str, proposal_id: str) -> tuple[int, ...]:
            return tuple(range(self.header.first, self.header.last + 1))

        async def main() -> None:
            async with indexing(indexed()) as store:
                for record in RECORDS:
                    assert record in await store.journal.find(record.scope, record.id)
                assert () == await store.journal.find("lot-1", an_id(999))

        monkeypatch.setattr(IndexReader, "find_id", everywhere)
        trio.run(main)

    def test_by_position(self) -> None:
        """Each covered position lies in one stretch, and its place is where its line is."""
        disk = indexed()
        coverage = covered(disk)
        places = coverage.places(1, coverage.last)
        assert [*range(1, coverage.last + 1)] == [place.position for place in places]
        for place in places:
            header = coverage.at(place.position).header
            line = disk.files()[segment(place.first)][place.begin : place.end]

            assert header.first <= place.position <= header.last
            assert line.startswith(b'{"position":%d,' % place.position)
        assert places[10:13] == coverage.places(11, 13)

    def test_by_scope(self) -> None:
        """A scope is followed from its end to its first record; another one is nowhere."""
        coverage = covered(indexed())
        spans = [span for _, span in coverage.spans("lot-1")]
        known = [r.position for r in RECORDS if r.scope == "lot-1" and r.position <= coverage.last]
        assert len(spans) > 2
        assert [0, *(span.last_position for span in spans[:0:-1])] == [
            span.before for span in spans[::-1]
        ]
        assert len(known) == sum(span.count for span in spans)
        places = coverage.scope_places("lot-1", 1, len(known))

        assert known == [place.position for place in places]
        assert [] == [*coverage.spans("nowhere")]
        assert [] == coverage.scope_places("nowhere", 1, 9)

    def test_growing(self) -> None:
        """A whole segment takes the place of pieces; nothing else changes."""
        coverage = covered(indexed())
        wholes = [stretch for stretch in coverage.stretches if stretch.header.is_whole]
        grown = Coverage(coverage.store)
        for stretch in wholes[:2]:
            grown = grown.with_whole(stretch)
        assert (22, 2, ()) == (grown.last, len(grown.stretches), grown.pieces)
        grown = grown.with_whole(*wholes[2:])
        assert [*coverage.ends] == [*grown.ends]
        for piece in coverage.pieces:
            grown = grown.with_piece(piece)

        assert coverage.stretches == grown.stretches
        assert wholes == [*grown.with_whole().stretches]


class TestMending:
    def test_what_it_needs_first(self) -> None:
        """A file is made anew from the ones before it, which are made anew first if need be."""
        disk = indexed()
        coverage = covered(disk)
        before = index_files(disk)
        disk.remove(INDEX)
        ask = coverage.stretches[-1]
        coverage.answer(lambda: coverage.store.reader(ask))

        assert before == index_files(disk)

    def test_many_damaged_pages(self) -> None:
        """Each file that one question meets is made anew, and the question asked again."""
        disk = indexed()
        coverage = covered(disk)
        before = index_files(disk)
        for path in before:
            damaged_pages(disk, path)
        times = 0

        def ask() -> list[Place]:
            nonlocal times
            times += 1
            return coverage.places(1, coverage.last)

        places = coverage.answer(ask)

        assert coverage.last == len(places)
        assert len(coverage.stretches) + 1 == times
        assert before == index_files(disk)

    def test_it_does_not_help(self) -> None:
        """If index files contradict each other though they were made anew, that is damage."""
        coverage = covered(indexed())
        name = coverage.stretches[1].name

        def ask() -> None:
            raise IndexDamaged(name, 0, "it lacks a scope of position 12")

        with pytest.raises(JournalCorrupt, match="lacks a scope of position 12") as damage:
            coverage.answer(ask)
        assert segment(12) == damage.value.path

    def test_a_scope_that_is_not_there(self) -> None:
        """A chain of places that leads to a file without the scope is found."""
        real = covered(indexed())
        wrong = ends_of([ScopeLast("nowhere", 3, 14, RECORDS[13].at)])
        coverage = Coverage(real.store, real.stretches, wrong)
        with pytest.raises(JournalCorrupt, match="it lacks a scope of position 14"):
            coverage.answer(lambda: coverage.scope_places("nowhere", 1, 3))


def rewritten(disk: FaultyDisk, first: int, change: Callable[[list[bytes]], list[bytes]]) -> None:
    """Change a segment's lines and put right checksums on each, but not the chain's values."""
    path = segment(first)
    lines = disk.files()[path].splitlines(keepends=True)
    bodies = change([line[: -len(',"crc":"00000000"}\n')] for line in lines])
    disk.put(path, b"".join(with_crc(body) for body in bodies))


def swapped(bodies: list[bytes]) -> list[bytes]:
    return [bodies[0], bodies[2], bodies[1], *bodies[3:]]


def another_sequence(bodies: list[bytes]) -> list[bytes]:
    at = max(k for k, body in enumerate(bodies) if b'"sequence":' in body)
    scope = bodies[at].split(b',"sequence":')[0].split(b'"scope":')[1]
    head, tail = bodies[at].split(b',"sequence":')
    digits = tail.partition(b",")[0]
    assert any(b'"scope":%b,' % scope in body for body in bodies[:at])
    bodies[at] = head + b',"sequence":' + b"9" * len(digits) + tail[len(digits) :]
    return bodies


class TestForged:
    @pytest.mark.parametrize("change", [swapped, another_sequence])
    async def test_no_index_of_it(self, change: Callable[[list[bytes]], list[bytes]]) -> None:
        """A segment with other records in it, each with a right crc, gets no index file."""
        disk = indexed()
        rewritten(disk, 12, change)
        damaged_pages(disk, f"{INDEX}/{12:020}.idx")
        async with indexing(disk) as store:
            with pytest.raises(JournalCorrupt, match=r"position [12]\d") as refused:
                await store.journal.read_all(after=11, limit=4)
            assert segment(12) == refused.value.path
            assert RECORDS[22:] == await store.journal.read_all(after=22, limit=100)

        assert verify(STORE, disk=disk).damage

    async def test_records_that_are_missing(self) -> None:
        """So does one that lacks records where the file that is gone had some."""
        disk = indexed()
        lines = disk.files()[segment(12)].splitlines(keepends=True)
        # A close line of the same length in the place of the last record.
        start, end = b'{"close":21,"at":"', b'","commit":"%b"' % (b"0" * 32)
        pad = len(lines[-2]) - len(with_crc(start + end))
        lines[-2] = with_crc(start + b"x" * pad + end)
        disk.put(segment(12), b"".join(lines))
        damaged_pages(disk, f"{INDEX}/{12:020}.idx")
        async with indexing(disk) as store:
            with pytest.raises(JournalCorrupt, match="position 22, found position 21"):
                await store.journal.read_all(after=11, limit=4)

    async def test_cut_off(self) -> None:
        """So does one that ends in the middle of a line."""
        disk = indexed()
        damaged_pages(disk, f"{INDEX}/{12:020}.idx")
        async with indexing(disk) as store:
            disk.put(segment(12), disk.files()[segment(12)][:1500])
            with pytest.raises(JournalCorrupt, match="expected whole lines up to"):
                await store.journal.read_all(after=11, limit=4)

    def test_no_time(self) -> None:
        """A record whose time is none, with right checksums, is refused as damage, and verified."""
        disk = FaultyDisk()

        async def write() -> None:
            async with writing(disk) as store:
                await store.commit(a_draft("lot-1", 1))

        trio.run(write)
        disk.remove(INDEX) if index_files(disk) else None
        header, record, _ = disk.files()[segment(1)].splitlines(keepends=True)
        value = header.partition(b',"commit":"')[2][:32].decode()
        body = record.partition(b',"commit":"')[0].replace(b"15:04:05", b"15:04:60")
        disk.put(segment(1), header + with_commit(body, next_value(value, body)))
        damage = verify(STORE, disk=disk).damage
        assert [(segment(1), "a time")] == [(d.path, d.expected) for d in damage]
        with pytest.raises(JournalCorrupt, match="expected a time, found 2026-11-23T15:04:60"):
            only_opened(disk)


async def test_what_is_known_to_be_lacking() -> None:
    """What no proposal has brought is known at once, until that is for index files to say."""
    async with writing(FaultyDisk()) as store:
        await store.commit(a_draft("lot-1", 1))
        lacks = store.journal.lacks
        assert [False, True, True, False] == [
            lacks("lot-1", an_id(1)), lacks("lot-1", an_id(2)), lacks("lot-2", an_id(1)),
            lacks("lot-1", "\ud800"),
        ]  # fmt: skip
    async with indexing(indexed()) as store:
        assert not store.journal.lacks("lot-1", an_id(0))


async def test_a_piece_is_made_anew() -> None:
    """Pieces are made anew like whole files, also behind wholes that are gone as well."""
    disk = indexed()
    files = index_files(disk)
    async with indexing(disk) as store:
        for path, content in files.items():
            disk.put(path, content[:-9])
            store.journal._records.coverage.store.forget(path.rpartition("/")[2])
        compare(await asked(store.journal), expected(), "all cut off")

    assert files == index_files(disk)

"""Damage in segments that index files cover: found by whoever reads it, and by nobody else."""

from __future__ import annotations

import pytest
import trio

from atomic_store import open_store
from atomic_store.errors import JournalCorrupt
from atomic_store.events import JsonEvent
from atomic_store.journal import StoredRecord
from atomic_store.journal.index_file import PAGE_BYTES
from atomic_store.journal.verify import verify
from atomic_store.testing.faulty_disk import FaultyDisk
from indexed_journals import expected, indexed, indexing, only_opened
from journal_files import INDEX, JOURNAL, STORE, a_draft, segment

RECORDS: list[StoredRecord] = expected()["all"]
SEGMENTS = sorted(path for path in indexed().files() if path.endswith(".jsonl"))


def place_of(disk: FaultyDisk, position: int) -> tuple[str, int, int]:
    """The segment that holds a record, and where its line begins and ends."""
    for path in SEGMENTS:
        content = disk.files()[path]
        begin = content.find(b'{"position":%d,' % position)
        if begin >= 0:
            return path, begin, content.index(b"\n", begin) + 1
    raise AssertionError(position)


def damaged(disk: FaultyDisk, path: str, offset: int) -> FaultyDisk:
    """A copy of a disk with one bit flipped."""
    content = bytearray(disk.files()[path])
    content[offset] ^= 4
    copy = disk.copy()
    copy.put(path, bytes(content))
    return copy


class TestRecords:
    @pytest.mark.parametrize("position", range(1, 40, 3))
    async def test_found_by_its_readers(self, position: int) -> None:
        """Opening succeeds; whoever reads the record is refused, and the others are not."""
        record = RECORDS[position - 1]
        path, begin, end = place_of(indexed(), position)
        disk = damaged(indexed(), path, begin + (end - begin) * 2 // 3)
        async with indexing(disk) as store:
            journal = store.journal
            for asking in (
                lambda: journal.read_scope(record.scope),
                lambda: journal.read_scope(
                    record.scope, first=record.sequence, last=record.sequence
                ),
                lambda: journal.read_all(limit=1000),
                lambda: journal.read_all(after=position - 1, limit=1),
                lambda: journal.find(record.scope, record.id),
            ):
                with pytest.raises(JournalCorrupt) as refused:
                    await asking()
                assert (path, begin) == (refused.value.path, refused.value.offset)
            for scope in {other.scope for other in RECORDS} - {record.scope}:
                assert expected()["scope", scope] == await journal.read_scope(scope)
            for other in RECORDS:
                if other.id != record.id:
                    found = await journal.find(other.scope, other.id)
                    assert expected()["find", other.scope, other.id] == found
            assert expected()["end", record.scope] == await journal.scope_end(record.scope)
            assert RECORDS[: position - 1] == await journal.read_all(limit=position - 1)
            assert RECORDS[position:] == await journal.read_all(after=position, limit=1000)
            await store.commit(a_draft("lot-2", 900))

        assert [(path, begin)] == [
            (damage.path, damage.offset) for damage in verify(STORE, disk=disk).damage
        ]

    def test_in_a_piece(self) -> None:
        """What pieces of the last segment cover is not read again, but for the last commit."""
        disk = indexed(is_closed=False)
        pieces = [stretch.header for stretch in only_opened(disk.copy()).coverage.pieces]
        unread = range(pieces[0].first, pieces[-1].first)
        assert len(unread) >= 2
        for position in range(pieces[0].first, len(RECORDS) + 1):
            path, begin, _ = place_of(disk, position)
            there = damaged(disk, path, begin + 50)
            if position in unread:
                only_opened(there)
                there.remove(INDEX)
            if position in unread or position > pieces[-1].last:
                with pytest.raises(JournalCorrupt) as refused:
                    only_opened(there)
                assert (path, begin) == (refused.value.path, refused.value.offset)
                # Where not all lines were read, they were not counted either.
                assert (refused.value.line is None) == (position > pieces[-1].last)

    async def test_with_a_damaged_index(self) -> None:
        """With its index file gone as well, a damaged segment refuses what lies in it."""
        path, begin, end = place_of(indexed(), 14)
        disk = damaged(indexed(), path, end - 20)
        index = f"{INDEX}/{path[-26:-6]}.idx"
        content = disk.files()[index]
        # Its first page is right, so that it is used.
        disk.put(index, content[:PAGE_BYTES] + bytes(len(content) - PAGE_BYTES))
        async with indexing(disk) as store:
            with pytest.raises(JournalCorrupt) as refused:
                await store.journal.read_all(after=11, limit=1)
            assert (path, begin) == (refused.value.path, refused.value.offset)
            assert RECORDS[:11] == await store.journal.read_all(limit=11)
            assert RECORDS[22:] == await store.journal.read_all(after=22, limit=100)
            assert RECORDS[-1:] == await store.journal.read_scope(
                RECORDS[-1].scope, first=RECORDS[-1].sequence
            )

        with pytest.raises(JournalCorrupt) as refused:
            disk.remove(index)
            only_opened(disk)
        assert (path, begin) == (refused.value.path, refused.value.offset)


class TestMarks:
    @pytest.mark.parametrize("path", SEGMENTS)
    def test_headers(self, path: str) -> None:
        """A damaged header of any segment is refused, though nothing behind it is read."""
        length = indexed().files()[path].index(b"\n") + 1
        for offset in range(0, length, 13):
            with pytest.raises(JournalCorrupt) as refused:
                only_opened(damaged(indexed(), path, offset))

            assert (path, 0) == (refused.value.path, refused.value.offset)

    @pytest.mark.parametrize("path", SEGMENTS[:-1])
    def test_cut_lines(self, path: str) -> None:
        """So is a damaged cut line, one that is cut off, and something behind it."""
        disk = indexed()
        content = disk.files()[path]
        begin = content.index(b'{"cut"')
        for offset in range(begin, len(content), 7):
            with pytest.raises(JournalCorrupt) as refused:
                only_opened(damaged(disk, path, offset))
            assert (path, begin) == (refused.value.path, refused.value.offset)
        for changed in (content[:begin], content[:-1], content + b"x", content + b"\n", b""):
            disk.put(path, changed)
            with pytest.raises(JournalCorrupt) as refused:
                only_opened(disk)
            assert path == refused.value.path

    def test_segments(self) -> None:
        """A missing, doubled or swapped segment is refused, whatever the index files say."""
        for path in SEGMENTS[:-1]:
            disk = indexed()
            disk.remove(path)
            with pytest.raises(JournalCorrupt, match="a segment of this name"):
                only_opened(disk)
        one, other = SEGMENTS[1:3]
        disk = indexed()
        disk.put(one, indexed().files()[other])
        with pytest.raises(JournalCorrupt) as refused:
            only_opened(disk)
        assert (one, 0) == (refused.value.path, refused.value.offset)

    def test_missing_while_open(self) -> None:
        """A segment that is deleted while the journal is open is missed by its readers alone."""
        disk = indexed()

        async def main() -> None:
            async with indexing(disk) as store:
                disk.remove(segment(1))
                with pytest.raises(JournalCorrupt, match="No such file"):
                    await store.journal.read_all(limit=1)
                assert RECORDS[-5:] == await store.journal.read_all(after=45, limit=9)

        trio.run(main)


class TestStore:
    async def test_its_scope_refuses(self) -> None:
        """In a store, the scope of a damaged record refuses proposals, and the others go on."""
        disk = FaultyDisk()

        async def propose(scope: str, number: int) -> None:
            async with indexing(disk) as opened:
                async with open_store(opened.journal, events=None) as store:
                    event = JsonEvent("Bid", {"number": number, "pad": "x" * 200})
                    result = await store.store_if_valid(
                        event, lambda request: request.accept(), scope=scope
                    )
                    assert result.was_accepted
                    assert number == len(result.stored_events)

        for number in range(1, 12):
            for scope in ("lot-1", "lot-2"):
                await propose(scope, number)
        path = f"{JOURNAL}/{1:020}.jsonl"
        content = disk.files()[path]
        begin = content.index(b'{"position":1,')
        disk.put(path, content.replace(b'"number":1,', b'"number":7,', 1))
        with pytest.RaisesGroup(JournalCorrupt, allow_unwrapped=True, flatten_subgroups=True):
            await propose("lot-1", 12)
        await propose("lot-2", 12)
        async with indexing(disk) as opened, open_store(opened.journal, events=None) as store:
            with pytest.raises(JournalCorrupt) as refused:
                await store.query_events("lot-1")
            assert (path, begin) == (refused.value.path, refused.value.offset)
            assert 1 == len(await store.query_events("lot-1", last=1))
            assert 12 == len(await store.query_events("lot-2"))

        assert [begin] == [damage.offset for damage in verify(STORE, disk=disk).damage]

"""What opening passes by, and what it must not."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import trio

from atomic_store.errors import JournalFailed, NotAStore
from atomic_store.journal import Draft, EncodedEvent
from atomic_store.journal.file import open_file_journal
from atomic_store.journal.line import with_crc
from atomic_store.journal.verify import verify
from atomic_store.testing.faulty_disk import FaultyDisk
from indexed_journals import indexed, only_opened, until_indexed
from journal_files import STORE, a_draft, an_id, segment, writing


def written(*drafts: Draft, piece_bytes: int = 1) -> FaultyDisk:
    """A store with these decisions, a commit each, and as many pieces; as a kill leaves it."""
    disk = FaultyDisk()

    async def main() -> FaultyDisk:
        async with writing(disk, segment_bytes_max=10**6, piece_bytes=piece_bytes) as store:
            for draft in drafts:
                await store.commit(draft)
                await until_indexed(store.journal)
            return disk.copy()

    return trio.run(main)


def unread(disk: FaultyDisk) -> int:
    """How many records opening did not read."""
    return only_opened(disk.copy()).coverage.last


class TestPieces:
    def test_a_single_commit(self) -> None:
        """A piece that has only one commit is believed, also the first of a segment."""
        assert 1 == unread(written(a_draft("lot-1", 1)))
        assert 3 == unread(written(a_draft("lot-1", 1, events=3)))
        assert 2 == unread(written(a_draft("lot-1", 1), a_draft("lot-1", 2)))

    def test_large_commits(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A piece whose last commit is too large is read again; those before it are not."""
        disk = written(*(a_draft("lot-1", k, events=1 + 2 * (k == 3)) for k in range(1, 4)))
        assert 5 == unread(disk)
        monkeypatch.setattr("atomic_store.journal.skipping.COMMIT_BYTES_MAX", 700)
        assert 2 == unread(disk)
        monkeypatch.setattr("atomic_store.journal.skipping.COMMIT_BYTES_MAX", 200)
        assert 0 == unread(disk)

    def test_records_that_look_like_commits(self) -> None:
        """A record whose data end as a commit value does is not taken for a commit."""
        for length in (31, 32, 33):
            data = b'{"a":1,"commit":"%b"}' % (b"0" * length)
            event = EncodedEvent("Bid", 1, data)
            disk = written(a_draft("a", 1), Draft("a", an_id(2), (event, event, event)))

            assert 4 == unread(disk)

    def test_closed_behind(self) -> None:
        """A piece may end with a close line: its time is the last one."""
        disk = FaultyDisk()

        async def live(hour: int, number: int) -> None:
            async with open_file_journal(
                STORE, disk=disk, clock=lambda: datetime(2026, 1, 1, hour, tzinfo=UTC)
            ) as journal:
                _, commit = journal.append_nowait(a_draft("a", number), expected_sequence=number)
                journal.flush_nowait()
                await commit.wait()

        trio.run(live, 1, 0)
        files = only_opened(disk)
        store, index = files.coverage.store, files.index
        store._is_closed, store.is_writer = False, True
        from atomic_store.journal.index_file.write import file_chunks
        from atomic_store.journal.layout import index_name

        index.contents.settle(lambda scope: 0)
        facts = index.facts(store.store, store.history)
        store.save(index_name(1, 1), b"".join(file_chunks(index.contents, facts, None)))
        again = only_opened(disk)

        assert 1 == again.coverage.last
        assert "2026-01-01T01:00:00.000000Z" == again.at


class TestTimes:
    def test_of_a_close_line_before_a_cut(self) -> None:
        """No time is given that is before that of a close line, though nobody reads it again."""
        disk = FaultyDisk()

        async def live(hour: int, number: int) -> None:
            hours = iter([hour, hour + 1, hour + 2])
            async with open_file_journal(
                STORE,
                disk=disk,
                clock=lambda: datetime(2026, 1, 1, next(hours), tzinfo=UTC),
                segment_bytes_max=10,
            ) as journal:
                _, commit = journal.append_nowait(a_draft("a", number), expected_sequence=number)
                journal.flush_nowait()
                await commit.wait()

        trio.run(live, 5, 0)
        assert b'"at":"2026-01-01T07:' in disk.files()[segment(1)]
        disk.fail("write", path=f"/{segment(2)[-26:]}")
        with pytest.raises(JournalFailed):
            trio.run(live, 5, 1)
        disk = disk.copy()
        assert "2026-01-01T07:00:00.000000Z" == only_opened(disk).at
        # Now there is an index file of the first segment.
        assert "2026-01-01T07:00:00.000000Z" == only_opened(disk).at
        trio.run(live, 1, 1)

        assert () == verify(STORE, disk=disk).damage


class TestHeaders:
    def test_of_a_later_format(self) -> None:
        """A segment of a later format is refused as one, whatever index files say of it."""
        for path in (segment(12), max(p for p in indexed().files() if p.endswith(".jsonl"))):
            disk = indexed()
            header, newline, rest = disk.files()[path].partition(b"\n")
            body = header[: -len(',"crc":"00000000"}')].replace(b'"format":1', b'"format":2')
            disk.put(path, with_crc(body) + rest)
            with pytest.raises(NotAStore, match="is of format 2"):
                only_opened(disk)
            assert b"\n" == newline

    def test_without_a_newline(self) -> None:
        """So is one whose header does not end, as damage."""
        disk = indexed()
        path = max(p for p in disk.files() if p.endswith(".jsonl"))
        content = disk.files()[path]
        disk.put(path, content.replace(b"\n", b" ", 1))
        with pytest.raises(Exception, match="damaged at offset 0"):
            only_opened(disk)

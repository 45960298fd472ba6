"""Reading what is durable: in memory, in index files, and where one gives way to the other."""

from __future__ import annotations

from typing import Any

import pytest

from atomic_store.errors import SequenceConflict
from atomic_store.journal import ScopeEnd, StoredRecord
from atomic_store.journal.index_file import IndexReader, MemoryIndex
from atomic_store.journal.records import Records
from atomic_store.testing.faulty_disk import FaultyDisk
from indexed_journals import asked, compare, expected_of, indexed, indexing, until_indexed
from journal_files import Writing, a_draft, an_id, writing


async def filled(store: Writing, count: int = 30) -> list[StoredRecord]:
    """Append records of one scope and of others, a commit each; all are durable."""
    for number in range(1, count + 1):
        await store.commit(a_draft("lot-1", number), a_draft(f"lot-{number % 5}0", number))
    await until_indexed(store.journal)
    return [record for record in store.appended if record.scope == "lot-1"]


class TestScope:
    async def test_every_bound(self) -> None:
        """Every pair of bounds and every limit give what a list gives, both ways."""
        async with writing(FaultyDisk(), segment_bytes_max=2000, piece_bytes=600) as store:
            await filled(store, 13)
            while store.journal._records.memory[-1].scope("lot-1") is None:
                await store.commit(a_draft("lot-1", 100 + len(store.appended)))
            known = [record for record in store.appended if record.scope == "lot-1"]
            assert len(store.journal._records.coverage.stretches) >= 3
            for first in range(-1, 17):
                for last in (None, *range(-1, 17, 3)):
                    for limit in (None, 0, 1, 5, 40):
                        wanted = known[max(0, first - 1) : None if last is None else max(0, last)]
                        bounds: Any = {"first": first, "last": last, "limit": limit}
                        assert wanted[:limit] == await store.journal.read_scope("lot-1", **bounds)
                        assert wanted[::-1][:limit] == await store.journal.read_scope(
                            "lot-1", reverse=True, **bounds
                        )

    async def test_nothing_to_read(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Whoever asks for what lies behind the end costs no thread, and no reading."""
        async with writing(FaultyDisk(), segment_bytes_max=2000, piece_bytes=600) as store:
            known = await filled(store, 13)
            while store.journal._records.memory[-1].scope("lot-1") is None:
                await store.commit(a_draft("lot-1", 100 + len(store.appended)))
            end = (await store.journal.scope_end("lot-1")).sequence
            assert end >= len(known)
            monkeypatch.delattr(Records, "in_thread")
            nothing: list[dict[str, Any]] = [
                {"first": end + 1}, {"first": 3, "last": 2}, {"limit": 0},
            ]  # fmt: skip
            for bounds in nothing:
                assert [] == await store.journal.read_scope("lot-1", **bounds)

    async def test_pages_of_all(self) -> None:
        """Pages of all records cross from files into memory without a gap."""
        async with writing(FaultyDisk(), segment_bytes_max=2000, piece_bytes=600) as store:
            await filled(store, 14)
            for size in (1, 2, 3, 7, 100):
                seen: list[StoredRecord] = []
                while page := await store.journal.read_all(after=len(seen), limit=size):
                    seen += page
                assert store.appended == seen

    async def test_names_that_are_no_text(self) -> None:
        """A name that UTF-8 cannot hold is an unknown one, whether index files are asked or not."""
        for disk in (FaultyDisk(), indexed()):
            async with indexing(disk) as store:
                journal = store.journal
                assert ScopeEnd("\ud800", 0, 0) == await journal.scope_end("\ud800")
                assert [] == await journal.read_scope("\ud800")
                assert () == await journal.find("\ud800", an_id(1))
                assert () == await journal.find("lot-1", "\ud800")
                assert [] == await journal.scopes(prefix="\ud800")
                known = [end.scope for end in await journal.scopes()]
                behind = [end.scope for end in await journal.scopes(after="\ud800")]
                assert [scope for scope in known if scope > "\ud800"] == behind


class TestFind:
    async def test_hashes_that_are_the_same(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Other records with the same hash cost a reading each, in files and in memory."""
        async with indexing(indexed()) as store:
            await store.commit(a_draft("lot-1", 900))
            memory = store.journal._records.memory[-1]
            assert memory.contents.count
            expected = expected_of(await store.journal.read_all(limit=100))
            in_file, in_memory = IndexReader.find_id, MemoryIndex.find_id
            monkeypatch.setattr(
                IndexReader,
                "find_id",
                lambda index, *wanted: (index.header.first, *in_file(index, *wanted)),
            )
            monkeypatch.setattr(
                MemoryIndex,
                "find_id",
                lambda index, *wanted: (index.first, *in_memory(index, *wanted)),
            )
            compare(await asked(store.journal), expected, "the same hashes")

    async def test_while_files_are_made(self) -> None:
        """A record is found at any moment, while its index goes from memory into files."""
        async with writing(FaultyDisk(), segment_bytes_max=1500, piece_bytes=1) as store:
            for number in range(1, 40):
                await store.commit(a_draft("lot-1", number, events=1 + number % 2))
                for other in (1, 2, number // 2 + 1, number):
                    found = await store.journal.find("lot-1", an_id(other))
                    assert [r for r in store.appended if r.id == an_id(other)] == [*found]


class TestLookingUpToAppend:
    async def test_ends_that_were_forgotten(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A scope that was not used for long goes on where it ends, in files or in memory."""
        monkeypatch.setattr("atomic_store.journal.given_ends.ENDS_KEPT", 1)
        disk = FaultyDisk()
        async with writing(disk, segment_bytes_max=1500, piece_bytes=400) as store:
            for number in range(1, 31):
                scope = f"lot-{number * number % 7}"
                known = sum(record.scope == scope for record in store.appended)
                with pytest.raises(SequenceConflict) as conflict:
                    store.journal.append_nowait(a_draft(scope, number), expected_sequence=99)
                assert known == conflict.value.found
                await store.commit(a_draft(scope, number))
            assert store.journal._ends.forgotten > 20
            compare(await asked(store.journal), expected_of(store.appended), "forgotten ends")

    async def test_new_name_that_is_no_text(self) -> None:
        """Appending to a name that is no text is refused as such, also with index files."""
        async with indexing(indexed()) as store:
            with pytest.raises(Exception, match="scope: expected text"):
                store.journal.append_nowait(a_draft("\ud800", 1), expected_sequence=0)

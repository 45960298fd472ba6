"""Making index files while the journal is written, and what happens when that fails."""

from __future__ import annotations

from typing import Any

import pytest
import trio
import trio.testing

from atomic_store.errors import JournalCorrupt, JournalFailed
from atomic_store.journal.indexer import Indexer
from atomic_store.testing.cached_files import CachedFile
from atomic_store.testing.faulty_disk import FaultyDisk
from indexed_journals import (
    SCOPES,
    asked,
    compare,
    expected_of,
    index_files,
    indexing,
    until_indexed,
    write,
)
from journal_files import INDEX, Writing, a_draft, segment, writing


def names_on(disk: FaultyDisk) -> list[tuple[int, int | None]]:
    """The index files on a disk: their segments' first positions and their own, if of pieces."""
    names = [path[len(INDEX) + 1 : -4] for path in index_files(disk)]
    return [(int(name[:20]), int(name[21:]) if name[20:] else None) for name in sorted(names)]


async def check(store: Writing, of: object) -> None:
    """Compare all answers with what was appended."""
    compare(await asked(store.journal), expected_of(store.appended), of)


class TestFiles:
    async def test_pieces_and_wholes(self) -> None:
        """Pieces are made of what is written, and one file of all of them when it is cut."""
        disk = FaultyDisk()
        async with writing(disk, segment_bytes_max=1500, piece_bytes=500) as store:
            seen = []
            for number in range(1, 9):
                await store.commit(a_draft("lot-1", number, pad=20))
                await until_indexed(store.journal)
                seen.append(names_on(disk))
                memory = store.journal._records.memory
                covered = store.journal._records.coverage.last
                assert [covered + 1] == [index.first for index in memory]
            await check(store, "pieces and wholes")

        assert [
            [], [], [(1, 1)], [(1, 1)], [(1, 1)],
            # The piece goes with the next file, because somebody may still be reading it.
            [(1, None), (1, 1)], [(1, None), (1, 1)], [(1, None), (6, 6)],
        ] == seen  # fmt: skip

    async def test_superseded_pieces_go_when_it_is_closed(self) -> None:
        """Pieces that a whole file has replaced are gone at the latest when it is closed."""
        disk = FaultyDisk()
        async with writing(disk, segment_bytes_max=1500, piece_bytes=500) as store:
            for number in range(1, 7):
                await store.commit(a_draft("lot-1", number, pad=20))
            await until_indexed(store.journal)
            assert [(1, None), (1, 1)] == names_on(disk)

        assert [(1, None), (6, 6)] == names_on(disk)

    async def test_a_last_piece_when_it_is_closed(self) -> None:
        """What is in no file gets one on closing, if reading it again would take a while."""
        for count, expected in ((1, []), (3, [(1, 1)])):
            disk = FaultyDisk()
            async with writing(disk, segment_bytes_max=50_000, piece_bytes=5_000) as store:
                for number in range(count):
                    await store.commit(a_draft("lot-1", number, pad=100))
                assert [] == names_on(disk)

            assert expected == names_on(disk)
            async with writing(disk, segment_bytes_max=50_000, piece_bytes=5_000) as again:
                assert [*range(1, count + 1)] == [
                    record.sequence for record in await again.journal.read_scope("lot-1")
                ]
                memory = again.journal._records.memory[-1]
                assert count + 1 - memory.first == (0 if expected else count)

    async def test_no_last_piece_after_a_failure(self) -> None:
        """What is not known to be durable stands in no file."""
        disk = FaultyDisk()
        with pytest.raises(JournalFailed):
            async with writing(disk, segment_bytes_max=50_000, piece_bytes=5_000) as store:
                for number in range(4):
                    await store.commit(a_draft("lot-1", number, pad=100))
                disk.fail("fdatasync", times=None)
                await store.commit(a_draft("lot-1", 4, pad=100))

        assert [] == names_on(disk)

    async def test_a_segment_that_is_sealed_already(self) -> None:
        """A cut right behind a piece makes the whole file of the pieces alone."""
        disk = FaultyDisk()
        async with writing(disk, segment_bytes_max=1500, piece_bytes=1) as store:
            for number in range(1, 12):
                await store.commit(a_draft(SCOPES[number % 3], number, pad=20))
            await until_indexed(store.journal)
            await check(store, "pieces of one commit")

        assert [(1, None), (6, None), (11, 11)] == names_on(disk)

    async def test_many_jobs(self) -> None:
        """Whatever waits to be made is answered from memory until it is."""
        disk = FaultyDisk()
        async with writing(disk, segment_bytes_max=1500, piece_bytes=1) as store:
            for number in range(1, 20):
                store.put(a_draft(SCOPES[number % 3], number, pad=20))
                store.journal.flush_nowait()
                await trio.lowlevel.checkpoint()
            while store.journal.head.position < len(store.appended):
                await trio.lowlevel.checkpoint()
            await check(store, "jobs wait")
            await until_indexed(store.journal)
            await check(store, "no job waits")
            assert 1 == len(store.journal._records.memory)


class Refusing:
    """Has the indexer find no thread, as often as it is told to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.times = 0
        start = Indexer._start

        def refuse(indexer: Indexer, *arguments: Any) -> None:
            if self.times:
                self.times -= 1
                raise RuntimeError("can't start new thread")
            start(indexer, *arguments)

        monkeypatch.setattr(Indexer, "_start", refuse)


class TestTrouble:
    async def test_no_thread(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """If no thread can be had, indexes stay in memory, and are made with the next one."""
        refusing, disk = Refusing(monkeypatch), FaultyDisk()
        async with indexing(disk) as store:
            indexer = store.journal._indexer
            refusing.times = 3
            number = 100
            while refusing.times:
                number += 1
                await store.commit(a_draft("lot-1", number))
            assert "can't start new thread" in str(indexer.error)
            assert ([], 3) == (names_on(disk), len(indexer._jobs))
            await check(store, "no thread")
            await write(store, 51, 60)

            assert not indexer._jobs
            assert len(names_on(disk)) >= 3
            await check(store, "threads again")

    async def test_no_thread_to_close(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Closing does without a thread, if there is none."""
        refusing, disk = Refusing(monkeypatch), FaultyDisk()
        async with indexing(disk) as store:
            await write(store, 1, 20)
            await check(store, "open")
            assert [path for _, path, _ in disk._open.values() if path.startswith(INDEX)]
            refusing.times = 1

        assert 0 == refusing.times
        assert {} == disk._open

    async def test_a_file_that_cannot_be_made(self) -> None:
        """Pieces that are lost, and their records, too, fail the making, and not the journal."""
        disk = FaultyDisk()
        async with writing(disk, segment_bytes_max=1500, piece_bytes=500) as store:
            for number in range(1, 5):
                await store.commit(a_draft("lot-1", number, pad=20))
            path, sound = segment(1), disk.files()[segment(1)]
            change_in_place(disk, path, sound.replace(b'"cents":', b'"cants":', 1))
            (piece,) = index_files(disk)
            disk.remove(piece)
            store.journal._records.coverage.store.forget(piece[len(INDEX) + 1 :])
            for number in range(5, 10):
                await store.commit(a_draft("lot-1", number, pad=20))
                await until_indexed(store.journal)
            indexer = store.journal._indexer

            assert isinstance(indexer.error, JournalCorrupt)
            assert [True, False] == [job.ends_segment for job in indexer._jobs]
            assert store.journal.failure is None
            with pytest.raises(JournalCorrupt):
                await store.journal.read_all(limit=100)
            change_in_place(disk, path, disk.files()[path].replace(b'"cants":', b'"cents":', 1))
            for number in range(10, 13):
                await store.commit(a_draft("lot-1", number, pad=20))
                await until_indexed(store.journal)

            assert not indexer._jobs
            await check(store, "made after all")


def change_in_place(disk: FaultyDisk, path: str, content: bytes) -> None:
    """Change a file's bytes where it is: whoever has it open sees that."""
    directory, name = disk._parent(path)
    file = directory.names[name]
    assert isinstance(file, CachedFile)
    file.data[:] = content


class TestClosing:
    async def test_checkpoints(self) -> None:
        """Closing it is a checkpoint, busy or not."""
        for count in (1, 12):
            async with indexing(FaultyDisk()) as store:
                for number in range(1, count):
                    store.put(a_draft("lot-1", number))
                    store.journal.flush_nowait()
                    await trio.lowlevel.checkpoint()
                with trio.testing.assert_checkpoints():
                    await store.journal._indexer.aclose(is_sound=True)
                assert not store.journal._indexer._is_busy

    async def test_stopped(self) -> None:
        """What is being made when it is closed is given up: it is made when it is opened."""
        disk = FaultyDisk()
        async with writing(disk, piece_bytes=1) as store:
            indexer = store.journal._indexer
            closing: list[bool] = []

            def stop(failure: object) -> None:
                closing.append(indexer._is_busy)
                indexer._is_stopped = True

            store.put(a_draft("lot-1", 1)).when_done(stop)
            store.journal.flush_nowait()
            while not closing:
                await trio.lowlevel.checkpoint()
            await indexer.aclose(is_sound=True)
            assert ([True], 1) == (closing, len(indexer._jobs))
            await store.commit(a_draft("lot-1", 2))
            assert 2 == len(indexer._jobs)
            assert 2 == len(await store.journal.read_scope("lot-1"))
        assert [] == names_on(disk)
        async with writing(disk, piece_bytes=1) as store:
            assert 2 == len(await store.journal.read_scope("lot-1"))

"""What lies at the path of a reader: other stores, none, one that nobody may write to."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

import pytest
import trio

from atomic_store import (
    JournalCorrupt,
    JournalFailed,
    JsonEvent,
    NotAStore,
    StoreReplaced,
    open_reader,
    open_store,
)
from atomic_store.journal.disk import Access, Kind
from atomic_store.journal.file import open_file_journal
from atomic_store.journal.line import StoreLine, parse_store, store_line
from atomic_store.testing.faulty_disk import FaultyDisk
from followed_journals import Looker
from journal_files import (
    INDEX,
    JOURNAL,
    STORE,
    Writing,
    a_draft,
    lived,
    segment,
    ticking_clock,
    wrapped,
    writing,
)  # fmt: skip
from scanned_journals import Reads


@pytest.fixture
def closed() -> FaultyDisk:
    """A closed store of 13 records in four segments."""
    return lived(is_closed=True)


@pytest.fixture
def other() -> FaultyDisk:
    """Another store, with the same names."""
    return lived(is_closed=True)


@pytest.fixture
def killed() -> FaultyDisk:
    """A store of ten records in three segments, as a kill leaves it."""
    return lived(is_closed=False)


async def refused(disk: FaultyDisk, error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        async with open_reader(STORE, disk=disk):
            pass


class TestOpening:
    async def test_no_store(self) -> None:
        """Nothing, a file, another directory, one that was only begun: no store, and no damage."""
        await refused(FaultyDisk(), NotAStore, "found nothing")
        disk = FaultyDisk()
        disk.put(STORE)
        await refused(disk, NotAStore, "found a regular file")
        disk = FaultyDisk()
        disk.put(f"{STORE}/mail.txt")
        await refused(disk, NotAStore, "found no store.json and 'mail.txt'")
        disk = FaultyDisk()
        disk.put(f"{JOURNAL}/.new-x")
        await refused(disk, NotAStore, "with no records in it")

    async def test_a_store_that_is_not_finished(self) -> None:
        """A crash while it was made leaves no store; records without store.json are damage."""
        disk = FaultyDisk()
        async with writing(disk):
            pass
        content = disk.files()[segment(1)]
        disk.remove(f"{STORE}/store.json")
        await refused(disk, JournalCorrupt, "expected the store's line")
        disk.put(segment(1), content[: content.index(b"\n") + 1])
        await refused(disk, NotAStore, "found one that is not finished")

    async def test_a_store_of_a_later_version(self, closed: FaultyDisk) -> None:
        """It is no damage."""
        closed.put(f"{STORE}/store.json", store_line(StoreLine(2, "x", "y", "z")))
        await refused(closed, NotAStore, "format 2")

    async def test_damage(self, killed: FaultyDisk) -> None:
        """In store.json, among the segments or in one: it is said where."""
        for path, match in (
            (f"{STORE}/store.json", "store.json is damaged"),
            (segment(8), "is damaged at offset"),
        ):
            disk = killed.copy()
            content = bytearray(disk.files()[path])
            content[-30] ^= 1
            disk.put(path, bytes(content))
            await refused(disk, JournalCorrupt, match)
        disk = killed.copy()
        disk.put(f"{JOURNAL}/notes.txt")
        await refused(disk, JournalCorrupt, "expected segments only")
        disk = killed.copy()
        disk.put(segment(8), kind=Kind.LINK)
        await refused(disk, JournalCorrupt, "expected a regular file, found a symbolic link")

    async def test_a_disk_that_refuses(self, closed: FaultyDisk) -> None:
        """It says what could not be done, and where."""
        for operation, path in (
            ("stat", STORE), ("list", STORE), ("list", JOURNAL), ("open", "store.json"),
            ("open", JOURNAL), ("fstat", JOURNAL),
        ):  # fmt: skip
            disk = closed.copy()
            disk.fail(operation, path=path, error=errno.EACCES, times=None)
            await refused(disk, JournalFailed, f"{operation} failed on {STORE}")

    def test_files_that_are_no_event_types(self) -> None:
        """That is seen before anything is opened."""
        with pytest.raises(TypeError):
            open_reader(STORE, events=7)  # type: ignore[call-overload]


class TestFollowing:
    async def test_another_history(self, closed: FaultyDisk) -> None:
        """A restored or repaired store has one; nothing of it is mixed with what was read."""
        disk = closed
        async with open_reader(STORE, disk=disk) as reader:
            head = reader.head
            line = parse_store(disk.files()[f"{STORE}/store.json"])
            other = StoreLine(1, line.store, "0198c0de-0000-7000-8000-00000000000f", line.created)
            disk.put(f"{STORE}/store.json", store_line(other))
            for ask in (reader.refresh, reader.read().all, lambda: reader.query_events("lot-1")):
                with pytest.raises(StoreReplaced, match="found another history of it: store "):
                    await ask()
            async with reader._journal._looking:
                pass
            assert head == reader.head

    async def test_another_store(self, closed: FaultyDisk, other: FaultyDisk) -> None:
        """Also if its files have the same names."""
        async with open_reader(STORE, disk=closed) as reader:
            for path, content in other.files().items():
                closed.put(path, content)
            with pytest.raises(StoreReplaced, match="found another store: store "):
                await reader.refresh()

    async def test_a_store_that_is_taken_away(self, closed: FaultyDisk) -> None:
        """As a whole, or all but its directory, or a part of it; and when it is back."""
        whole = closed
        for gone, error, match in (
            (STORE, NotAStore, "found nothing"),
            (f"{STORE}/store.json", JournalCorrupt, "store.json is damaged at offset 0"),
            (segment(11), JournalCorrupt, f"{segment(11)} is damaged at offset"),
            (JOURNAL, JournalCorrupt, f"{JOURNAL}"),
        ):
            disk = whole.copy()
            async with open_reader(STORE, disk=disk) as reader, reader.subscribe() as feed:
                for _ in range(14):
                    await anext(feed)
                disk.remove(gone)
                for ask in (reader.refresh, feed.__anext__, reader.scopes):
                    with pytest.raises(error, match=match):
                        await ask()
                for path, content in whole.files().items():
                    disk.put(path, content)
                assert 13 == (await reader.refresh()).position

    @pytest.mark.parametrize("error", [errno.ENOENT, errno.EMFILE])
    async def test_a_store_that_goes_away_while_it_is_looked_at(
        self, error: int, closed: FaultyDisk
    ) -> None:
        """It is gone, not damaged, whatever its files say meanwhile."""

        def opened(path: str, access: Access) -> int:
            if path.startswith(JOURNAL) and is_going:
                closed.remove(STORE)
                raise OSError(error, "going", path)
            return closed.open(path, access)

        is_going = False
        async with open_reader(STORE, disk=wrapped(closed, open=opened)) as reader:
            is_going = True
            with pytest.raises(NotAStore, match="found nothing"):
                await reader.refresh()

    async def test_store_json_that_cannot_be_read(self, closed: FaultyDisk) -> None:
        """A disk that refuses once is no other store."""
        disk = closed
        async with open_reader(STORE, disk=disk) as reader:
            disk.fail("open", path="store.json", error=errno.EMFILE)
            with pytest.raises(JournalFailed, match="raise the limit on open files"):
                await reader.refresh()
            disk.fail("open", path=JOURNAL, error=errno.EMFILE)
            with pytest.raises(JournalFailed, match="raise the limit on open files"):
                await reader.refresh()
            assert 13 == (await reader.refresh()).position

    async def test_store_json_in_other_bytes(self, closed: FaultyDisk) -> None:
        """The same store in a store.json that was written anew is the same store."""
        disk = closed
        async with open_reader(STORE, disk=disk) as reader:
            line = parse_store(disk.files()[f"{STORE}/store.json"])
            again = StoreLine(1, line.store, line.history, "2030-01-01T00:00:00.000000Z")
            disk.put(f"{STORE}/store.json", store_line(again))
            assert 13 == (await reader.refresh()).position


class TestWhatIsRead:
    async def test_nothing_is_read_twice(self) -> None:
        """A look reads what was written since, and no byte before it."""
        reads = Reads(FaultyDisk())
        async with open_file_journal(STORE, disk=reads.disk, clock=ticking_clock()) as journal:
            store = Writing(journal)
            for number in range(50):
                await store.commit(a_draft(f"lot-{number % 3}", number))
            async with open_reader(STORE, disk=reads.counting()) as reader:
                assert 50 == reader.head.position
                for number in range(50, 60):
                    reads.bytes_read = 0
                    await reader.refresh()
                    assert 0 == reads.bytes_read
                    size = len(reads.disk.files()[segment(1)])
                    await store.commit(a_draft("lot-1", number))
                    await reader.refresh()
                    assert len(reads.disk.files()[segment(1)]) - size == reads.bytes_read

    async def test_what_an_index_covers_is_not_read(self) -> None:
        """Of segments with an index file their two ends alone, of pieces the last commit."""
        reads = Reads(FaultyDisk())
        async with open_file_journal(
            STORE, disk=reads.disk, clock=ticking_clock(), segment_bytes_max=50_000,
            piece_bytes=10_000,
        ) as journal:  # fmt: skip
            store = Writing(journal)
            for number in range(500):
                await store.commit(a_draft(f"lot-{number % 3}", number))
            size = sum(len(c) for p, c in reads.disk.files().items() if p.startswith(JOURNAL))
            async with open_reader(STORE, disk=reads.counting()) as reader:
                assert journal.head == reader.head
                assert reads.bytes_read < 60_000 < size
                reads.bytes_read = 0
                assert 10 == len(await reader.query_events("lot-1", last=10))
                assert reads.bytes_read < 10_000

    @pytest.mark.parametrize("early", [5, 6, 7, 8])
    @pytest.mark.parametrize("piece_bytes", [1, 700, 1 << 20])
    async def test_a_writer_without_index_files(self, piece_bytes: int, early: int) -> None:
        """Where it cannot write them, or has not yet, the reader makes its own in memory."""
        disk = FaultyDisk()
        async with open_file_journal(
            STORE, disk=disk, clock=ticking_clock(), segment_bytes_max=2000,
            piece_bytes=piece_bytes,
        ) as journal:  # fmt: skip
            store = Writing(journal)
            for number in range(early):
                await store.commit(a_draft(f"lot-{number % 3}", number))
            async with open_reader(STORE, disk=disk) as reader:
                disk.fail("open", path=INDEX, times=None)
                for number in range(early, 60):
                    await store.commit(a_draft(f"lot-{number % 5}", number))
                    await reader.refresh()
                assert len(reader._journal._records.memory) <= 2
                assert len(reader._journal._records.coverage.stretches) > 3
                assert [*range(1, 61)] == [r.position for r in await reader.read().all()]
                assert await journal.scopes() == await reader.scopes()
                assert await journal.read_scope("lot-1") == [
                    record._stored for record in await reader.query_events("lot-1")
                ]
            disk._faults.clear()
            async with open_reader(STORE, disk=disk) as late:
                assert [*range(1, 61)] == [r.position for r in await late.read().all()]

    def test_index_files_that_are_missing_in_between(self) -> None:
        """Segments before and behind one without an index file are not read."""
        disk = FaultyDisk()

        async def main() -> None:
            async with open_file_journal(
                STORE, disk=disk, clock=ticking_clock(), segment_bytes_max=2000
            ) as journal:
                store = Writing(journal)
                for number in range(60):
                    await store.commit(a_draft(f"lot-{number % 5}", number))

        trio.run(main)
        names = sorted(path for path in disk.files() if path.startswith(INDEX))
        assert len(names) > 5
        for gone in names:
            some = disk.copy()
            some.remove(gone)
            looker = Looker.at(some)
            assert [*range(1, 61)] == [record.position for record in looker.seen]
            assert len(looker.known.memory) == 1


# --- on a real disk ----------------------------------------------------------------------


async def stored(path: Path, count: int) -> None:
    async with open_store(path, events=None) as store:
        for n in range(count):
            await store.store_if_valid(
                JsonEvent("Bid", {"cents": n}), lambda request: request.accept(), scope="lot-1"
            )


async def test_a_real_disk(tmp_path: Path) -> None:
    """In threads, with the store open, closed, and moved away."""
    path = tmp_path / "bids.store"
    with trio.fail_after(30):
        await stored(path, 5)
        async with open_reader(path) as reader:
            async with reader.subscribe(after=5) as feed:
                await anext(feed)
                await stored(path, 5)
                assert [6, 7, 8, 9, 10] == [(await anext(feed)).position for _ in range(5)]
            assert [9] == [
                r.position for r in await reader.read(where="data.cents = 3", after=5).all()
            ]
            shutil.move(path, tmp_path / "elsewhere.store")
            with pytest.raises(NotAStore, match="found nothing"):
                await reader.refresh()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
async def test_a_directory_that_is_read_only(tmp_path: Path) -> None:
    """Reading needs no right to write."""
    path = tmp_path / "bids.store"
    await stored(path, 5)
    folders = [path, *(p for p in path.iterdir() if p.is_dir())]
    try:
        for folder in folders:
            folder.chmod(0o500)
        async with open_reader(path) as reader:
            assert 5 == len(await reader.read().all())
    finally:
        for folder in folders:
            folder.chmod(0o700)


async def test_opening_a_reader_only_reads(killed: FaultyDisk) -> None:
    """No file is opened for anything else, whoever runs it."""
    opened: list[Access] = []

    def watched(path: str, access: Access) -> int:
        opened.append(access)
        return killed.open(path, access)

    async with open_reader(STORE, disk=wrapped(killed, open=watched)) as reader:
        await reader.read().all()
    assert {Access.READ} == set(opened)

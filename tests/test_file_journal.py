"""The file journal's life: appending, reading, closing."""

from __future__ import annotations

import errno
from collections.abc import Callable
from contextlib import AsyncExitStack

import pytest
import trio
import trio.testing

from atomic_store.errors import (
    InvalidEvent,
    JournalCorrupt,
    JournalFailed,
    SequenceConflict,
    StoreClosed,
)
from atomic_store.journal import Draft, EncodedEvent, StoredRecord
from atomic_store.journal.file import open_file_journal
from atomic_store.journal.index_file.hashes import digest_of, id_hash
from atomic_store.journal.verify import verify
from atomic_store.testing.faulty_disk import FaultyDisk
from journal_files import (
    STORE,
    a_draft,
    an_id,
    live,
    lived,
    open_again,
    segment,
    ticking_clock,
    writing,
)


class TestAppending:
    async def test_places(self) -> None:
        """Records get positions, sequences, times and parts, and are read back equal."""
        async with writing(FaultyDisk()) as store:
            await store.commit(a_draft("lot-1", 1), a_draft("lot-2", 2, events=2))
            await store.commit(a_draft("lot-1", 3))
            read = await store.journal.read_all(limit=100)

            assert store.appended == read
            assert [
                (1, "lot-1", 1, None), (2, "lot-2", 1, (1, 2)), (3, "lot-2", 2, (2, 2)),
                (4, "lot-1", 2, None),
            ] == [(r.position, r.scope, r.sequence, r.part) for r in read]  # fmt: skip
            assert sorted(r.at for r in read) == [r.at for r in read]

    async def test_all_members(self) -> None:
        """Everything that a draft may have is stored, the decision's own with its first record."""
        draft = Draft(
            'lot "ö"\n', an_id(1), (EncodedEvent("a/b", 3, b"1e400"), EncodedEvent('"', 1, b"[]")),
            metadata='{"who":"Ådå"}'.encode(), meta=b"null", proposed="abc",
        )  # fmt: skip
        disk = FaultyDisk()
        async with writing(disk) as store:
            await store.commit(draft)
            first, second = await store.journal.find(draft.scope, draft.id)

        assert (3, (1, 2), draft.metadata, b"null", "abc") == (
            first.version, first.part, first.metadata, first.meta, first.proposed,
        )  # fmt: skip
        assert (1, (2, 2), draft.metadata, None, None) == (
            second.version, second.part, second.metadata, second.meta, second.proposed,
        )  # fmt: skip
        assert () == verify(STORE, disk=disk).damage

    @pytest.mark.parametrize(
        ("draft", "message"),
        [
            (Draft("a", an_id(1), ()), "events: expected at least one"),
            (Draft("a", "1", (EncodedEvent("T", 1, b"1"),)), "id: expected a UUID"),
            (Draft("a", an_id(1), (EncodedEvent("T", 0, b"1"),)), "version: expected at least 1"),
            (Draft("a", an_id(1), (EncodedEvent("T", 1, b"{"),)), "data: expected JSON"),
            (Draft("a", an_id(1), (EncodedEvent("T", 1, b'"\xff"'),)), "data: expected JSON"),
            (Draft("a", an_id(1), (EncodedEvent("T", 1, b"[\n]"),)), "JSON in one line"),
            (Draft("a", an_id(1), (EncodedEvent("T", 1, b"[] "),)), "no white space around"),
            (Draft("a", an_id(1), (EncodedEvent("T", 1, b"1"),), b"x"), "metadata: expected"),
            (Draft("a", an_id(1), (EncodedEvent("T", 1, b"1"),), None, b"x"), "meta: expected"),
            (Draft("a", an_id(1), (EncodedEvent("\ud800", 1, b"1"),)), "expected text"),
            (Draft("", an_id(1), (EncodedEvent("T", 1, b"1"),)), "scope: expected 1 to 512"),
            (Draft("x" * 513, an_id(1), (EncodedEvent("T", 1, b"1"),)), "512 bytes, found 513"),
            (Draft("a\0", an_id(1), (EncodedEvent("T", 1, b"1"),)), "scope: expected no NUL"),
            (Draft("\ud800", an_id(1), (EncodedEvent("T", 1, b"1"),)), "scope: expected text"),
            (a_draft("a", 1, pad=2000), "at most 1000 bytes in a decision"),
        ],
    )
    async def test_refused(self, draft: Draft, message: str) -> None:
        """What can't be stored is refused before anything is; what comes after it is stored."""
        async with open_file_journal(STORE, disk=FaultyDisk(), decision_bytes_max=1000) as journal:
            with pytest.raises(InvalidEvent, match=message):
                journal.append_nowait(draft, expected_sequence=0)
            records, commit = journal.append_nowait(a_draft("a", 2), expected_sequence=0)
            journal.flush_nowait()
            await commit.wait()

            assert [1] == [record.position for record in records]

    async def test_huge_line(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A record whose line would be longer than any reader takes is refused."""
        monkeypatch.setattr("atomic_store.journal.file.LINE_BYTES_MAX", 3000)
        async with writing(FaultyDisk()) as store:
            with pytest.raises(InvalidEvent, match="lines of at most 3000 bytes"):
                store.put(a_draft("lot-1", 1, pad=2900))

    async def test_sequence(self) -> None:
        """Another sequence than the scope's last, not yet durable ones included, is refused."""
        async with writing(FaultyDisk()) as store:
            store.put(a_draft("lot-1", 1))
            for expected in (0, 2):
                with pytest.raises(SequenceConflict, match="is at sequence 1"):
                    store.journal.append_nowait(a_draft("lot-1", 2), expected_sequence=expected)

    async def test_batches(self) -> None:
        """What is appended while a commit is written becomes the next one, without being asked."""
        disk = FaultyDisk()
        sizes: list[int] = []
        async with writing(disk, segment_bytes_max=10**6) as store:
            store.journal.observe(lambda records: sizes.append(len(records)), lambda f: None)
            store.put(a_draft("lot-1", 1))
            store.journal.flush_nowait()
            for number in range(2, 12):
                store.put(a_draft("lot-1", number))
                store.journal.flush_nowait()
            last = store.put(a_draft("lot-2", 12))
            await last.wait()

        assert [1, 11] == sizes

    async def test_told_in_order(self) -> None:
        """The head moves and the observer is told before anyone who waits for the commit."""
        async with writing(FaultyDisk()) as store:
            said: list[object] = []
            journal = store.journal
            journal.observe(lambda records: said.append(journal.head.position), lambda f: None)
            commit = store.put(a_draft("lot-1", 1))
            commit.when_done(lambda failure: said.append("waiting"))
            journal.flush_nowait()
            assert 0 == journal.head.position
            assert [] == await journal.read_all(limit=10)
            await commit.wait()

        assert [1, "waiting"] == said

    async def test_clock_that_goes_back(self) -> None:
        """Times never decrease, whatever the clock says, also after reopening."""
        disk = FaultyDisk()
        tick = ticking_clock()
        early = tick()
        moments = [tick(), tick(), tick(), early, early, tick()]

        async def append(number: int, clock: Callable[[], object]) -> None:
            async with open_file_journal(STORE, disk=disk, clock=clock) as journal:  # type: ignore[arg-type]  # gives datetimes
                sequence = (await journal.scope_end("a")).sequence
                journal.append_nowait(a_draft("a", number), expected_sequence=sequence)

        await append(1, lambda: moments.pop(0) if moments else early)
        await append(2, lambda: early)

        assert () == verify(STORE, disk=disk).damage

    async def test_ids_twice(self) -> None:
        """An id that is there twice is found by its first records; `verify` reports the second."""
        disk = FaultyDisk()
        async with writing(disk) as store:
            await store.commit(a_draft("lot-1", 1), a_draft("lot-2", 1), a_draft("lot-1", 1))
            (found,) = await store.journal.find("lot-1", an_id(1))
            assert 1 == found.position
            (found,) = await store.journal.find("lot-2", an_id(1))
            assert 2 == found.position
            assert () == await store.journal.find("lot-3", an_id(1))
            # Two ids with one hash cost a reading each, no more.
            contents = store.journal._records.memory[-1].contents
            hash_ = id_hash(contents.scopes["lot-2"].half, an_id(9), digest_of)
            contents.ids.add(hash_, 0)
            contents.ids.add(hash_, 1)
            assert () == await store.journal.find("lot-2", an_id(9))


class TestReading:
    async def test_scope(self) -> None:
        """A scope is read by inclusive bounds and a limit, forwards and backwards."""
        async with writing(FaultyDisk()) as store:
            for number in range(1, 21):
                await store.commit(a_draft("lot-1", number), a_draft("lot-2", number))

            async def read(**bounds: int | None) -> list[int]:
                records = await store.journal.read_scope("lot-1", **bounds)  # type: ignore[arg-type]  # bounds of all kinds
                return [record.sequence for record in records]

            everything = [*range(1, 21)]
            assert everything == await read()
            assert everything[::-1] == await read(reverse=True)
            assert [5, 6, 7] == await read(first=5, last=7)
            assert [7, 6] == await read(first=5, last=7, reverse=True, limit=2)
            assert [20, 19, 18] == await read(reverse=True, limit=3)
            assert [1, 2] == await read(limit=2, first=-4)
            assert [20] == await read(first=20, last=99)
            assert [20] == await read(last=99, limit=1, reverse=True)
            for bounds in ({"first": 8, "last": 7}, {"limit": 0}, {"last": 0}, {"first": 21}):
                assert [] == await read(**bounds)
            assert [] == await store.journal.read_scope("lot-9")

    async def test_all(self) -> None:
        """All records are read by position, in pages without a gap, over all segments."""
        async with writing(FaultyDisk()) as store:
            for number in range(1, 31):
                await store.commit(a_draft(f"lot-{number % 4}", number, events=1 + number % 2))
            seen: list[StoredRecord] = []
            while page := await store.journal.read_all(
                after=seen[-1].position if seen else 0, limit=7
            ):
                seen += page

            assert store.appended == seen
            assert [] == await store.journal.read_all(limit=0)
            assert seen[:1] == await store.journal.read_all(after=-5, limit=1)

    async def test_scopes(self) -> None:
        """Scopes are listed by code point, by prefix, in pages; new ones appear when durable."""
        names = ["b", "a/2", "a", "a/1", "ü", "a\n", "é"]
        async with writing(FaultyDisk()) as store:
            journal = store.journal
            for number, name in enumerate(names):
                await store.commit(a_draft(name, number))
                found = [end.scope for end in await journal.scopes()]
                assert sorted(names[: number + 1]) == found
            store.put(a_draft("a/3", 9))
            found = [end.scope for end in await journal.scopes(prefix="a/")]
            assert ["a/1", "a/2"] == found
            found = [end.scope for end in await journal.scopes(prefix="a/", after="a/1", limit=1)]
            assert ["a/2"] == found
            assert [] == await journal.scopes(limit=0)
            assert [] == await journal.scopes(prefix="zz")
            end = await journal.scope_end("ü")
            assert (1, 5) == (end.sequence, end.position)
            assert store.appended[4].at == end.at

    async def test_damage(self) -> None:
        """A record that is damaged is refused to whoever asks for it; the others are read."""
        disk = FaultyDisk()
        async with writing(disk) as store:
            await store.commit(*(a_draft(f"lot-{k % 2}", k) for k in range(1, 7)))
            content = disk.files()[segment(1)]
            place = content.index(b'"cents":300')
            disk.put(segment(1), content[:place] + b'"cents":301' + content[place + 11 :])
            with pytest.raises(JournalCorrupt, match="record 3 with a right crc"):
                await store.journal.read_scope("lot-1")
            with pytest.raises(JournalCorrupt):
                await store.journal.read_all(limit=10)
            with pytest.raises(JournalCorrupt):
                await store.journal.find("lot-1", an_id(3))

            assert 3 == len(await store.journal.read_scope("lot-0"))

    async def test_wrong_record(self) -> None:
        """A sound record in another one's place is damage; so are junk and a missing file."""
        disk = FaultyDisk()
        async with writing(disk) as store:
            await store.commit(*(a_draft("lot-1", k) for k in range(1, 4)))
            lines = disk.files()[segment(1)].splitlines(keepends=True)
            disk.put(segment(1), b"".join((lines[0], lines[2], lines[1], lines[3])))
            with pytest.raises(JournalCorrupt, match="expected position 1, sequence 1 of 'lot-1'"):
                await store.journal.read_scope("lot-1")
            with pytest.raises(JournalCorrupt, match="expected position 1, found position 2"):
                await store.journal.read_all(limit=1)
            disk.put(segment(1), b"x" * 200)
            with pytest.raises(JournalCorrupt):
                await store.journal.read_all(limit=1)
            disk.put(segment(1), b"")
            with pytest.raises(JournalCorrupt):
                await store.journal.read_all(limit=1)
            disk.remove(segment(1))
            with pytest.raises(JournalCorrupt, match="No such file"):
                await store.journal.read_all(limit=1)

    async def test_disk_errors(self) -> None:
        """An unreadable sector is damage of its records; no free descriptor is no damage."""
        disk = FaultyDisk()
        async with writing(disk) as store:
            await store.commit(a_draft("lot-1", 1))
            disk.fail("read", path="jsonl")
            with pytest.raises(JournalCorrupt, match="Input/output error"):
                await store.journal.read_all(limit=1)
            disk.fail("open", path="jsonl", error=errno.EMFILE)
            with pytest.raises(JournalFailed, match="raise the limit on open files"):
                await store.journal.read_all(limit=1)

            assert None is store.journal.failure
            await store.commit(a_draft("lot-1", 2))

    async def test_large_and_far(self) -> None:
        """Records that are large, or far from each other, are read as well as others."""
        disk = FaultyDisk()
        async with writing(disk, segment_bytes_max=30_000) as store:
            for number in range(1, 7):
                await store.commit(
                    a_draft("far", number),
                    a_draft("large", number, pad=20_000),
                    a_draft("far", number + 10),
                )
            far = await store.journal.read_scope("far", reverse=True)
            large = await store.journal.read_scope("large")

            assert [r for r in store.appended if r.scope == "far"] == far[::-1]
            assert [r for r in store.appended if r.scope == "large"] == large

    async def test_checkpoints(self) -> None:
        """Every reading call is a checkpoint, also when there is nothing to read."""
        async with writing(FaultyDisk()) as store:
            journal = store.journal
            calls: list[Callable[[], object]] = [
                lambda: journal.scope_end("a"),
                lambda: journal.read_scope("a"),
                lambda: journal.read_all(limit=1),
                lambda: journal.find("a", an_id(1)),
                lambda: journal.scopes(),
            ]
            for call in calls:
                with trio.testing.assert_checkpoints():
                    await call()  # type: ignore[misc]  # each gives an awaitable


class TestClosing:
    async def test_flushes(self) -> None:
        """What was appended and not flushed is durable when the block has been left."""
        disk = FaultyDisk()
        async with AsyncExitStack() as stack:
            store = await stack.enter_async_context(writing(disk))
            store.put(a_draft("lot-1", 1))
            store.journal.flush_nowait()
            store.put(a_draft("lot-1", 2))
            store.put(a_draft("lot-2", 3))
        with pytest.raises(StoreClosed):
            store.journal.append_nowait(a_draft("lot-1", 4), expected_sequence=2)

        assert 3 == len(store.acknowledged)
        assert b'{"close":3,"at":"' in disk.crash().files()[segment(1)]

    async def test_cancelled(self) -> None:
        """Leaving by cancellation makes everything durable as well."""
        disk = FaultyDisk()
        told: list[StoredRecord] = []
        with trio.CancelScope() as scope:
            async with writing(disk) as store:
                store.acknowledged = told
                store.put(a_draft("lot-1", 1))
                scope.cancel()
                await trio.lowlevel.checkpoint()

        assert 1 == len(told)
        assert b'{"close":1,"at":"' in disk.crash().files()[segment(1)]

    @pytest.mark.parametrize("is_closed", [True, False])
    def test_recovery(self, is_closed: bool) -> None:
        """What opening found says whether the last writer closed."""
        _, journal = open_again(lived(is_closed=is_closed))

        assert is_closed == journal.recovery.was_closed
        assert journal.sole_writer

    async def test_progress(self) -> None:
        """Opening tells how much it has read, of how much."""
        disk = FaultyDisk()
        await live(disk)
        seen: list[tuple[int, int]] = []
        async with open_file_journal(STORE, disk=disk, on_progress=lambda *read: seen.append(read)):
            pass

        assert (5000, 5000) == seen[-1]
        assert sorted(seen) == seen

    async def test_many_closes(self) -> None:
        """A segment without records is never cut, however often a store is closed."""
        disk = FaultyDisk()
        for _ in range(20):
            async with writing(disk, segment_bytes_max=500):
                pass
        async with writing(disk, segment_bytes_max=500) as store:
            await store.commit(a_draft("lot-1", 1))
            await store.commit(a_draft("lot-1", 2))
            assert 2 == len(await store.journal.read_all(limit=5))

        assert (2, ()) == ((found := verify(STORE, disk=disk)).segments, found.damage)

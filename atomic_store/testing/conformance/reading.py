"""What reading promises: bounds, limits and pages, without doubles and without gaps."""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable, Sequence

import trio

from ...journal import Draft, EncodedEvent, ScopeEnd, StoredRecord
from .place import JournalPlace
from .writer import Writer, proposal_id, read_everything


class ReadingConformance(JournalPlace):
    """Cases about `read_scope`, `scope_end`, `read_all` and `observe`."""

    async def test_all_bounds_of_a_scope(self) -> None:
        """Bounds are included, limits kept, crossed bounds empty, and backwards is backwards."""
        async with self.open_journal() as journal:
            writer = Writer(journal)
            for _ in range(5):
                writer.append("lot-1")
                writer.append("lot-2")
            await writer.flush()
            records = writer.of("lot-1")

            for first, last, limit, reverse in itertools.product(
                range(1, 8), (None, 0, 1, 2, 4, 5, 6), (None, 0, 1, 3, 100), (False, True)
            ):
                expected = [r for r in records if first <= r.sequence and r.sequence <= (last or 9)]
                if last == 0:
                    expected = []
                if reverse:
                    expected.reverse()
                actual = await journal.read_scope(
                    "lot-1", first=first, last=last, limit=limit, reverse=reverse
                )
                assert expected[:limit] == actual, (first, last, limit, reverse)

    async def test_the_last_records_of_a_scope(self) -> None:
        """Backwards with a limit gives the last n, the last one first."""
        async with self.open_journal() as journal:
            writer = Writer(journal)
            await writer.write(events=100, times=3)

            actual = await journal.read_scope("lot-1", limit=150, reverse=True)
            assert writer.records[:-151:-1] == actual

    async def test_an_unknown_scope_is_empty(self) -> None:
        """A scope that was never used has sequence 0 and no records, and reading makes none."""
        async with self.open_journal() as journal:
            writer = Writer(journal)
            await writer.write("lot-1")

            for scope in ("lot-2", "lot", "lot-11", ""):
                assert [] == await journal.read_scope(scope)
                assert [] == await journal.read_scope(scope, limit=3, reverse=True)
                assert ScopeEnd(scope, 0, 0) == await journal.scope_end(scope)
            assert 1 == len(await journal.scopes())

    async def test_the_end_of_a_scope(self) -> None:
        """A scope's end is its last record's sequence, position and time, whatever was read."""
        async with self.open_journal() as journal:
            writer = Writer(journal)
            for number in range(20):
                await writer.write(f"lot-{number % 3}", events=number % 4 + 1)
                for scope in {record.scope for record in writer.records}:
                    await journal.read_scope(scope, first=1, last=1, limit=1)
                    last = writer.of(scope)[-1]
                    expected = ScopeEnd(scope, last.sequence, last.position, last.at)
                    assert expected == await journal.scope_end(scope)

    async def test_pages_of_everything(self) -> None:
        """Reading all begins behind a position, keeps its limit, and ends at the end."""
        async with self.open_journal() as journal:
            writer = Writer(journal)
            for number in range(50):
                writer.append(f"lot-{number % 7}", events=3)
                if number % 5 == 0:
                    await writer.flush()
            await writer.flush()
            records = writer.records

            assert records == await journal.read_all(limit=1000)
            assert [] == await journal.read_all(limit=0)
            for after, limit in itertools.product((0, 1, 75, 148, 149, 150, 151), (1, 2, 150)):
                actual = await journal.read_all(after=after, limit=limit)
                assert records[after : after + limit] == actual, (after, limit)
            for page_records in (1, 7, 149, 150):
                assert records == await read_everything(journal, page_records=page_records)

    async def test_ten_thousand_records(self) -> None:
        """More records than any buffer holds come back in pages, whole and in order."""
        async with self.open_journal() as journal:
            writer = Writer(journal)
            for number in range(200):
                writer.append(f"lot-{number % 11}", events=50)
                if number % 20 == 19:
                    await writer.flush()

            for page_records in (333, 10_000):
                records = await read_everything(journal, page_records=page_records)
                assert 10_000 == len(records)
                assert writer.records == records
            assert writer.of("lot-3") == await journal.read_scope("lot-3")

    async def test_large_events(self) -> None:
        """Events of 1 byte to 256 KiB are read back, however they lie beside each other."""
        async with self.open_journal() as journal:
            writer = Writer(journal)
            for number, size in enumerate((1, 4094, 65_535, 65_536, 65_537, 262_144, 3)):
                data = b"1" * size
                events = (EncodedEvent("Number", 1, data), EncodedEvent("Number", 1, b"0"))
                writer.append_draft(Draft("lot-1", proposal_id(number), events))
            await writer.flush()

            assert writer.records == await journal.read_scope("lot-1")
            assert writer.records == await journal.read_all(limit=100)

    async def test_history_then_live(self) -> None:
        """History up to the head, then what the observer is told: all of it, once, in order."""
        async with self.open_journal() as journal:
            live: list[StoredRecord] = []
            journal.observe(live.extend, lambda _: None)
            writer = Writer(journal)
            await writer.write(times=3)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(lambda: writer.write(events=5, times=20))
                await writer.commits[-1].wait()
                # From here on, without a pause between the two:
                start = journal.head.position
                live.clear()
                history: list[StoredRecord] = []
                while len(history) < start:
                    limit = min(4, start - len(history))
                    page = await journal.read_all(after=len(history), limit=limit)
                    assert page
                    history += page

            assert start == len(history)
            assert writer.records == history + live

    async def test_many_at_once(self) -> None:
        """Many writers and readers at once: readers see all, a slow one holds up nobody."""
        async with self.open_journal() as journal:
            writer = Writer(journal)
            all_written = trio.Event()
            seen: list[list[StoredRecord]] = []

            async def write(scope: str) -> None:
                await writer.write(scope, events=2, times=10)

            async def read(page_records: int, pause: Callable[[], Awaitable[object]]) -> None:
                mine: list[StoredRecord] = []
                is_last = False
                while not is_last:
                    was_written = all_written.is_set()
                    page = await journal.read_all(after=len(mine), limit=page_records)
                    mine += page
                    is_last = was_written and not page
                    await pause()
                seen.append(mine)

            async with trio.open_nursery() as readers:
                for page_records in (1, 7, 1000):
                    readers.start_soon(read, page_records, trio.lowlevel.checkpoint)
                    readers.start_soon(read, page_records, all_written.wait)
                async with trio.open_nursery() as writers:
                    for number in range(8):
                        writers.start_soon(write, f"lot-{number}")
                all_written.set()

            assert 6 == len(seen)
            assert _positions([writer.records] * 6) == _positions(seen)
            assert [writer.records] * 6 == seen


def _positions(lists: Sequence[Sequence[StoredRecord]]) -> list[list[int]]:
    """The positions alone: what differs is seen at once."""
    return [[record.position for record in records] for records in lists]

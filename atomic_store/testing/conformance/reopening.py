"""What journals promise that outlive the program: opened again, everything is there."""

from __future__ import annotations

from ...errors import SequenceConflict, StoreLocked
from .place import JournalPlace
from .snapshots import snapshot_of
from .writer import Writer, plain_draft, read_everything, refuses


class ReopeningConformance(JournalPlace):
    """Cases about opening a journal a second time."""

    async def test_reopened_everything_is_there(self) -> None:
        """Records, scopes, ids and the head are the same after opening again, and again."""
        async with self.open_journal() as journal:
            writer = Writer(journal)
            for number in range(40):
                writer.append(f"lot-{number % 3}", events=number % 5 + 1)
                if number % 4 == 0:
                    await writer.flush()
            await writer.flush()
            ends = await journal.scopes()

        for _ in range(2):
            async with self.open_journal() as journal:
                assert len(writer.records) == journal.head.position
                assert writer.records == await read_everything(journal)
                assert ends == await journal.scopes()
                for end in ends:
                    assert writer.of(end.scope) == await journal.read_scope(end.scope)
                    assert end == await journal.scope_end(end.scope)
                for record in writer.records:
                    found = await journal.find(record.scope, record.id)
                    assert record in found

    async def test_reopened_it_goes_on(self) -> None:
        """Appends after opening again continue position, sequence and time."""
        async with self.open_journal() as journal:
            writer = Writer(journal)
            await writer.write("lot-1", events=3)
            await writer.write("lot-2")
        for _ in range(3):
            async with self.open_journal() as journal:
                writer.journal = journal
                with refuses(SequenceConflict):
                    journal.append_nowait(plain_draft("lot-1", 99), expected_sequence=0)
                await writer.write("lot-1", events=2)
                await writer.write("lot-3")
                assert writer.records == await read_everything(journal)
                assert writer.of("lot-1") == await journal.read_scope("lot-1")

        times = [record.at for record in writer.records]
        assert sorted(times) == times

    async def test_reopened_before_anything_was_appended(self) -> None:
        """An empty journal is opened again like any other."""
        async with self.open_journal():
            pass
        async with self.open_journal() as journal:
            assert [] == await journal.read_all(limit=10)
            writer = Writer(journal)
            await writer.write()
        async with self.open_journal() as journal:
            assert writer.records == await journal.read_all(limit=10)

    async def test_what_was_appended_when_it_closed_is_there(self) -> None:
        """Closing makes durable what waits: it is there when the journal is opened again."""
        async with self.open_journal() as journal:
            writer = Writer(journal)
            writer.append(events=2)
            journal.flush_nowait()
            writer.append(events=3)
        async with self.open_journal() as journal:
            assert writer.records == await journal.read_all(limit=10)

    async def test_opened_twice(self) -> None:
        """While a journal is open, opening it again is refused; then it goes on undisturbed."""
        async with self.open_journal() as journal:
            writer = Writer(journal)
            await writer.write()
            for _ in range(2):
                with refuses(StoreLocked):
                    async with self.open_journal():
                        pass
            await writer.write()
        async with self.open_journal() as journal:
            assert writer.records == await journal.read_all(limit=10)

    async def test_reopened_snapshots_are_there(self) -> None:
        """Snapshots are there again after opening again, and so is what was done to them."""
        async with self.open_journal() as journal:
            writer = Writer(journal)
            await writer.write("lot-1", events=4)
            await writer.write("lot-2", events=4)
            for scope in ("lot-1", "lot-2"):
                await journal.save_snapshots([snapshot_of(scope, 2), snapshot_of(scope, 4)])
            await journal.delete_snapshots("lot-2", first=4)
        for sequence in (4, 5, 6):
            async with self.open_journal() as journal:
                writer.journal = journal
                newest = snapshot_of("lot-1", sequence)
                assert newest == await journal.load_snapshot("lot-1", version=1)
                older = await journal.load_snapshot("lot-1", version=1, last=sequence - 1)
                assert older is not None
                other = snapshot_of("lot-2", 2)
                assert other == await journal.load_snapshot("lot-2", version=1)
                await writer.write("lot-1")
                await journal.save_snapshots([snapshot_of("lot-1", sequence + 1)])

    async def test_recovery_says_what_was_found(self) -> None:
        """A new journal says that it was created; one that was closed, that nothing was torn."""
        async with self.open_journal() as journal:
            assert journal.recovery.was_created
            await Writer(journal).write()
        async with self.open_journal() as journal:
            recovery = journal.recovery
            assert (False, True) == (recovery.was_created, recovery.was_closed)
            assert (0, None) == (recovery.torn_bytes, recovery.torn_kept)

"""What appending promises: places without gaps, all or none, nothing by mistake."""

from __future__ import annotations

import re

import trio

from ...errors import InvalidEvent, SequenceConflict
from ...journal import StoredRecord
from .place import JournalPlace
from .writer import Writer, plain_draft, proposal_id, read_everything, refuses, rich_draft

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


class AppendingConformance(JournalPlace):
    """Cases about `append_nowait`."""

    async def test_a_new_journal_is_empty(self) -> None:
        """A new journal is at position 0, and every way of reading finds nothing in it."""
        async with self.open_journal() as journal:
            assert 0 == journal.head.position
            assert re.fullmatch("[0-9a-f]{32}", journal.head.commit)
            assert journal.failure is None
            assert [] == await journal.read_all(limit=10)
            assert [] == await journal.scopes()
            assert [] == await journal.read_scope("lot-1")
            assert 0 == (await journal.scope_end("lot-1")).sequence
            assert () == await journal.find("lot-1", proposal_id(1))

    async def test_a_record_has_its_place_at_once(self) -> None:
        """The appended record is the draft, with the next position and sequence and a time."""
        async with self.open_journal() as journal:
            (record,), _ = journal.append_nowait(plain_draft("lot-1", 1), expected_sequence=0)

            assert _TIME.fullmatch(record.at)
            expected = StoredRecord(
                1, "lot-1", 1, proposal_id(1), record.at, "Bid", b'{"bid":1,"event":0}'
            )
            assert expected == record

    async def test_every_member_comes_back(self) -> None:
        """All that a draft holds is read back as it was appended, however it is read."""
        async with self.open_journal() as journal:
            writer = Writer(journal)
            draft = rich_draft("lot-1", 1)
            writer.append_draft(draft)
            await writer.flush()

            (record,) = writer.records
            assert draft.events[0].data == record.data
            assert (3, None) == (record.version, record.part)
            assert draft.metadata == record.metadata
            assert (draft.meta, draft.proposed) == (record.meta, record.proposed)
            assert [record] == await journal.read_scope("lot-1")
            assert [record] == await journal.read_all(limit=10)
            assert (record,) == await journal.find("lot-1", draft.id)

    async def test_decisions_of_many_events(self) -> None:
        """Decisions of 2, 100 and 1,000 events are read back whole, each record with its part."""
        async with self.open_journal() as journal:
            writer = Writer(journal)
            for number, n in enumerate((2, 100, 1000), start=1):
                writer.append_draft(rich_draft("lot-1", number, events=n))
                await writer.flush()

                records = await journal.find("lot-1", proposal_id(number))
                assert tuple(writer.records[-n:]) == records
                assert [(k, n) for k in range(1, n + 1)] == [record.part for record in records]
                assert {records[0].metadata} == {record.metadata for record in records}
                assert {None} == {record.meta for record in records[1:]}
                assert {None} == {record.proposed for record in records[1:]}
            assert writer.records == await journal.read_scope("lot-1")

    async def test_large_decisions_do_not_interleave(self) -> None:
        """Two decisions of 1,000 events that are made at the same time lie one behind the other."""
        async with self.open_journal() as journal:
            writer = Writer(journal)

            async def decide(scope: str) -> None:
                await trio.lowlevel.checkpoint()
                await writer.write(scope, events=1000, times=2)

            async with trio.open_nursery() as nursery:
                nursery.start_soon(decide, "lot-1")
                nursery.start_soon(decide, "lot-2")

            ids = [record.id for record in await read_everything(journal)]
            assert 4000 == len(ids)
            assert [1] * 4 == [len(set(ids[k : k + 1000])) for k in range(0, 4000, 1000)]

    async def test_a_decision_is_seen_whole(self) -> None:
        """A reader beside the writer sees all events of a decision, or none."""
        async with self.open_journal() as journal:
            writer = Writer(journal)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(lambda: writer.write(events=20, times=10))
                while journal.head.position < 200:
                    assert 0 == len(await journal.read_all(limit=1000)) % 20
                    assert 0 == len(await journal.read_scope("lot-1")) % 20

    async def test_a_wrong_expected_sequence_is_refused(self) -> None:
        """An append that expects another sequence is refused, and leaves no trace."""
        async with self.open_journal() as journal:
            writer = Writer(journal)
            await writer.write(times=3)
            for scope, expected, found in (
                ("lot-1", 2, 3),
                ("lot-1", 0, 3),
                ("lot-1", 4, 3),
                ("lot-2", 1, 0),
            ):
                with refuses(SequenceConflict) as raised:
                    journal.append_nowait(plain_draft(scope, 99), expected_sequence=expected)
                (error,) = raised
                assert (scope, expected, found) == error.args
            await writer.write()

            assert writer.records == await read_everything(journal)
            assert () == await journal.find("lot-1", proposal_id(99))
            assert ["lot-1"] == [end.scope for end in await journal.scopes()]

    async def test_the_expected_sequence_counts_what_is_not_durable(self) -> None:
        """Appends follow each other without waiting; one that missed the last is refused."""
        async with self.open_journal() as journal:
            writer = Writer(journal)
            writer.append()
            writer.append()
            with refuses(SequenceConflict):
                journal.append_nowait(plain_draft("lot-1", 99), expected_sequence=0)
            with refuses(SequenceConflict):
                journal.append_nowait(plain_draft("lot-1", 99), expected_sequence=1)
            await writer.flush()

            assert writer.records == await journal.read_scope("lot-1")

    async def test_what_cannot_be_stored_is_refused(self) -> None:
        """A draft that cannot be stored is refused; what comes before and after it is stored."""
        async with self.open_journal() as journal:
            writer = Writer(journal)
            for draft in self.unstorable_drafts():
                writer.append("lot-1")
                with refuses(InvalidEvent):
                    journal.append_nowait(draft, expected_sequence=len(writer.of("lot-1")))
                writer.append("lot-2")
                await writer.flush()

            assert writer.records == await read_everything(journal)

    async def test_a_proposal_is_found_by_its_id(self) -> None:
        """A decision is found by its scope and proposal id, and only by both."""
        async with self.open_journal() as journal:
            writer = Writer(journal)
            for number in range(1, 51):
                writer.append_draft(plain_draft(f"lot-{number % 5}", number, events=number % 3 + 1))
            # The same id in another scope names another proposal.
            writer.append_draft(plain_draft("lot-9", 1))
            await writer.flush()

            for number in range(1, 51):
                scope = f"lot-{number % 5}"
                id_ = proposal_id(number)
                expected = tuple(r for r in writer.of(scope) if r.id == id_)
                assert expected == await journal.find(scope, id_)
                assert not journal.lacks(scope, id_)
            assert tuple(writer.of("lot-9")) == await journal.find("lot-9", proposal_id(1))
            assert () == await journal.find("lot-9", proposal_id(2))
            assert () == await journal.find("lot-1", proposal_id(51))
            assert () == await journal.find("nowhere", proposal_id(1))

    async def test_time_never_decreases(self) -> None:
        """Records carry times in one format that never decrease with position."""
        async with self.open_journal() as journal:
            writer = Writer(journal)
            for number in range(30):
                await writer.write(f"lot-{number % 3}", events=2)

            times = [record.at for record in await read_everything(journal)]
            assert all(_TIME.fullmatch(at) for at in times)
            assert sorted(times) == times

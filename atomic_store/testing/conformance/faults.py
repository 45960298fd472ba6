"""What journals promise when a write takes long, or fails: cases that need a hand on the disk."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial

import trio
import trio.testing

from ...errors import JournalFailed
from ...journal import Journal
from .place import JournalPlace
from .writer import Writer, note_end, plain_draft, proposal_id, read_everything, refuses


class HeldJournalConformance(JournalPlace):
    """Cases for journals whose writes a test can hold up."""

    def hold_writes(self, journal: Journal) -> None:
        """Let no write come back from now on."""
        raise NotImplementedError("hold_writes() must be overridden")

    def release_writes(self, journal: Journal) -> None:
        """Let writes come back again, those that were held first."""
        raise NotImplementedError("release_writes() must be overridden")

    async def test_a_held_commit_is_not_shown(self) -> None:
        """While a write has not come back, no way of reading shows its records, nor the head."""
        async with self.open_journal() as journal:
            writer = Writer(journal)
            await writer.write()
            told: list[int] = []
            journal.observe(lambda records: told.append(len(records)), lambda _: None)
            head = journal.head
            durable = writer.records.copy()
            self.hold_writes(journal)
            commit = writer.append("lot-1", events=2)
            journal.flush_nowait()
            writer.append("lot-2")
            await trio.testing.wait_all_tasks_blocked()

            assert (head, False, []) == (journal.head, commit.is_done, told)
            assert durable == await journal.read_all(limit=10)
            assert durable == await journal.read_scope("lot-1")
            assert 1 == (await journal.scope_end("lot-1")).sequence
            assert ["lot-1"] == [end.scope for end in await journal.scopes()]
            assert () == await journal.find("lot-1", proposal_id(2))
            assert (head, False, []) == (journal.head, commit.is_done, told)

            self.release_writes(journal)
            await writer.flush()
            assert writer.records == await journal.read_all(limit=10)
            assert [2, 1] == told

    async def test_appends_during_a_write_become_one_commit(self) -> None:
        """What is appended while a write is under way waits for it, and is then written at once."""
        async with self.open_journal() as journal:
            writer = Writer(journal)
            told: list[int] = []
            journal.observe(lambda records: told.append(len(records)), lambda _: None)
            self.hold_writes(journal)
            first = writer.append()
            journal.flush_nowait()
            second = writer.append()
            journal.flush_nowait()
            assert second is writer.append(events=2)
            journal.flush_nowait()
            assert first is not second
            self.release_writes(journal)
            await second.wait()

            assert [1, 3] == told
            assert first.is_durable
            assert writer.records == await read_everything(journal)


class FailingJournalConformance(JournalPlace):
    """Cases for journals whose writes a test can have fail."""

    def fail_writes(self, journal: Journal) -> None:
        """Let every write that begins from now on fail; earlier ones may fail too."""
        raise NotImplementedError("fail_writes() must be overridden")

    @asynccontextmanager
    async def _doomed_journal(self) -> AsyncIterator[Journal]:
        """A journal that will fail, and may say so once more when it is left."""
        is_over = False
        try:
            async with self.open_journal() as journal:
                yield journal
                assert journal.failure is not None
                is_over = True
        except JournalFailed:
            if not is_over:
                raise

    async def test_everybody_is_told_of_a_failure(self) -> None:
        """All that wait for a failed commit get `JournalFailed`, each an exception of his own."""
        raised: list[JournalFailed] = []

        async def wait(writer: Writer) -> None:
            commit = writer.append()
            with suppress(JournalFailed):
                try:
                    await commit.wait()
                except JournalFailed as error:
                    raised.append(error)
                    raise

        async with self._doomed_journal() as journal:
            writer = Writer(journal)
            async with trio.open_nursery() as nursery:
                for _ in range(5):
                    nursery.start_soon(wait, writer)
                await trio.testing.wait_all_tasks_blocked()
                self.fail_writes(journal)
                journal.flush_nowait()

        assert 5 == len({id(error) for error in raised})
        assert 1 == len({error.args for error in raised})
        assert all(error.operation and error.path and error.hint for error in raised)

    async def test_a_failure_is_told_once_and_first(self) -> None:
        """The observer is told of a failure once, before who asked; of failed commits never."""
        steps: list[str] = []
        async with self._doomed_journal() as journal:
            writer = Writer(journal)
            await writer.write()
            journal.observe(lambda _: steps.append("commit"), lambda _: steps.append("failure"))
            commit = writer.append()
            commit.when_done(lambda failure: steps.append(f"asked {failure is None}"))
            self.fail_writes(journal)
            journal.flush_nowait()
            with refuses(JournalFailed):
                await commit.wait()
            journal.flush_nowait()
            await trio.lowlevel.checkpoint()

        assert ["failure", "asked False"] == steps

    async def test_a_failed_journal_refuses(self) -> None:
        """Once failed, a journal refuses every append, and says why in `failure`."""
        async with self._doomed_journal() as journal:
            writer = Writer(journal)
            commit = writer.append()
            self.fail_writes(journal)
            journal.flush_nowait()
            with refuses(JournalFailed) as raised:
                await commit.wait()

            assert journal.failure is not None
            assert [journal.failure.args] == [error.args for error in raised]
            for scope, expected_sequence in (("lot-1", 0), ("lot-1", 1), ("lot-2", 0)):
                with refuses(JournalFailed):
                    draft = plain_draft(scope, 9)
                    journal.append_nowait(draft, expected_sequence=expected_sequence)

    async def test_a_failed_journal_can_be_read(self) -> None:
        """What was durable before a failure can still be read; what was not, is not shown."""
        async with self._doomed_journal() as journal:
            writer = Writer(journal)
            await writer.write(events=3)
            durable, head = writer.records.copy(), journal.head
            commit = writer.append()
            self.fail_writes(journal)
            journal.flush_nowait()
            with refuses(JournalFailed):
                await commit.wait()

            assert head == journal.head
            assert durable == await journal.read_all(limit=10)
            assert durable == await journal.read_scope("lot-1")
            assert 3 == (await journal.scope_end("lot-1")).sequence
            assert () == await journal.find("lot-1", proposal_id(2))

    async def test_commits_fail_in_order(self) -> None:
        """When one commit fails, all that come after it fail too, also those not yet written."""
        ended: list[tuple[int, bool]] = []
        async with self._doomed_journal() as journal:
            writer = Writer(journal)
            for number in range(6):
                if number == 3:
                    self.fail_writes(journal)
                if journal.failure is None:
                    commit = writer.append()
                    commit.when_done(partial(note_end, ended, number))
                    journal.flush_nowait()
            with suppress(JournalFailed):
                await writer.commits[-1].wait()

        outcomes = [is_durable for _, is_durable in ended]
        assert list(range(len(writer.commits))) == [number for number, _ in ended]
        assert sorted(outcomes, reverse=True) == outcomes
        assert not outcomes[-1]

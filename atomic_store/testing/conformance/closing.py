"""What closing promises: every caller gets an answer, and nothing goes in afterwards."""

from __future__ import annotations

import trio
import trio.testing

from ...errors import JournalFailed, StoreClosed
from ...journal import Journal
from .place import JournalPlace
from .writer import Writer, plain_draft, refuses


class ClosingConformance(JournalPlace):
    """Cases about leaving the block of `open_journal`."""

    async def test_closed_while_appends_wait(self) -> None:
        """Appended, flushed or not, and closed: what was appended is durable, and all are told."""
        told: list[int] = []
        failures: list[JournalFailed | None] = []
        async with trio.open_nursery() as nursery, self.open_journal() as journal:
            journal.observe(lambda rs: told.extend(r.position for r in rs), lambda _: None)
            writer = Writer(journal)
            for events in (1, 2, 3):
                commit = writer.append(events=events)
                commit.when_done(failures.append)
                nursery.start_soon(commit.wait)
                if events == 2:
                    journal.flush_nowait()

        assert [None, None, None] == failures
        assert [1, 2, 3, 4, 5, 6] == told
        assert 6 == journal.head.position

    async def test_closed_refuses(self) -> None:
        """A closed journal refuses appends with `StoreClosed`; a flush does nothing."""
        journal = await self._closed_journal()

        with refuses(StoreClosed):
            journal.append_nowait(plain_draft("lot-1", 2), expected_sequence=1)
        journal.flush_nowait()
        await trio.lowlevel.checkpoint()
        assert 1 == journal.head.position

    async def _closed_journal(self) -> Journal:
        async with self.open_journal() as journal:
            await Writer(journal).write()
        return journal

    async def test_closed_by_an_exception(self) -> None:
        """An exception leaves the block as itself; what was appended is durable all the same."""
        mine = KeyError("mine")
        writers: list[Writer] = []

        async def fail() -> None:
            async with self.open_journal() as journal:
                writers.append(Writer(journal))
                writers[0].append()
                raise mine

        with refuses(KeyError) as raised:
            await fail()

        assert [mine] == raised
        assert writers[0].commits[0].is_durable

    async def test_closed_by_cancellation(self) -> None:
        """A cancelled block can be left, and what was appended in it is durable."""
        writers: list[Writer] = []
        with trio.CancelScope() as scope:
            async with self.open_journal() as journal:
                writers.append(Writer(journal))
                scope.cancel()
                try:
                    await trio.lowlevel.checkpoint()
                finally:
                    writers[0].append()
                    journal.flush_nowait()
                    writers[0].append()

        (writer,) = writers
        assert [True, True] == [commit.is_durable for commit in writer.commits]
        with refuses(StoreClosed):
            writer.append()

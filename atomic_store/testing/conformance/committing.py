"""What commits promise: nothing is shown or told before it is durable, and all in order."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import trio
import trio.testing

from ...errors import JournalFailed
from ...journal import Commit, Journal, StoredRecord
from .place import JournalPlace
from .writer import Writer, note_end, proposal_id, read_everything


class CommittingConformance(JournalPlace):
    """Cases about `flush_nowait`, `Commit`, `head` and the order in which they tell."""

    async def test_nothing_is_shown_before_its_commit(self) -> None:
        """Head and readers show a record only once its commit is durable."""
        async with self.open_journal() as journal:
            writer = Writer(journal)
            # Often: who runs first, the writing or the reading, is left to chance.
            for number in range(50):
                head = journal.head
                commit = writer.append(f"lot-{number}", events=3)
                assert head == journal.head
                journal.flush_nowait()
                assert head == journal.head or commit.is_durable
                while not commit.is_durable:
                    is_shown = await _is_shown(journal, writer.records[-1], way=number % 5)
                    assert commit.is_durable or not is_shown

            assert 150 == journal.head.position
            assert writer.records == await read_everything(journal)

    async def test_the_head_moves_with_each_commit(self) -> None:
        """After each commit the head names its last record, with another commit value."""
        async with self.open_journal() as journal:
            writer = Writer(journal)
            heads = [journal.head]
            for _ in range(5):
                await writer.write(events=2)
                heads.append(journal.head)

            assert [0, 2, 4, 6, 8, 10] == [head.position for head in heads]
            assert 6 == len({head.commit for head in heads})
            assert {32} == {len(head.commit) for head in heads}

    async def test_what_is_appended_together_is_committed_together(self) -> None:
        """Decisions that were appended when a write starts become one commit."""
        async with self.open_journal() as journal:
            writer = Writer(journal)
            told: list[int] = []
            journal.observe(lambda records: told.append(len(records)), lambda _: None)
            first = writer.append("lot-1", events=2)
            assert first is writer.append("lot-2")
            assert first is writer.append("lot-1")
            await writer.flush()
            assert [4] == told

            second = writer.append("lot-1")
            assert first is not second
            await writer.flush()
            assert [4, 1] == told

    async def test_a_flush_of_nothing(self) -> None:
        """A flush when nothing was appended changes nothing, and tells nobody."""
        async with self.open_journal() as journal:
            writer = Writer(journal)
            told: list[int] = []
            journal.observe(lambda records: told.append(len(records)), lambda _: None)
            journal.flush_nowait()
            journal.flush_nowait()
            await writer.write()
            head = journal.head
            journal.flush_nowait()
            await trio.lowlevel.checkpoint()

            assert head == journal.head
            assert [1] == told

    async def test_what_is_appended_during_a_write_comes_next(self) -> None:
        """Appends and flushes at every moment: commits are told of in order, each record once."""
        async with self.open_journal() as journal:
            writer = Writer(journal)
            told: list[int] = []
            journal.observe(lambda rs: told.extend(r.position for r in rs), lambda _: None)
            ended: list[tuple[int, bool]] = []
            for number in range(60):
                commit = writer.append(f"lot-{number % 3}", events=number % 4 + 1)
                commit.when_done(partial(note_end, ended, number))
                if number % 3 == 0:
                    journal.flush_nowait()
                if number % 5 == 0:
                    await trio.lowlevel.checkpoint()
            await writer.flush()

            assert list(range(1, len(writer.records) + 1)) == told
            assert [(number, True) for number in range(60)] == ended
            assert writer.records == await read_everything(journal)

    async def test_the_order_in_which_a_commit_tells(self) -> None:
        """The head moves, then the observer is told, then who asked, then waiters go on."""
        async with self.open_journal() as journal:
            writer = Writer(journal)
            commit = writer.append(events=2)
            steps: list[object] = []

            def on_commit(records: Sequence[StoredRecord]) -> None:
                steps.append((list(records), journal.head.position, commit.is_done))

            async def wait(task_status: trio.TaskStatus[None]) -> None:
                task_status.started()
                await commit.wait()
                steps.append("waiter")

            journal.observe(on_commit, steps.append)
            async with trio.open_nursery() as nursery:
                await nursery.start(wait)
                commit.when_done(lambda failure: steps.append(("first", failure)))
                commit.when_done(lambda failure: steps.append(("second", failure)))
                journal.flush_nowait()

            observed = (writer.records, 2, False)
            assert [observed, ("first", None), ("second", None), "waiter"] == steps

    async def test_appending_when_told(self) -> None:
        """Whoever is told of a commit may append and flush at once."""
        async with self.open_journal() as journal:
            writer = Writer(journal)
            is_over = trio.Event()

            def go_on(failure: JournalFailed | None) -> None:
                if len(writer.commits) == 10:
                    is_over.set()
                else:
                    writer.append(events=2).when_done(go_on)
                    journal.flush_nowait()

            writer.append().when_done(go_on)
            journal.flush_nowait()
            await is_over.wait()

            assert writer.records == await read_everything(journal)

    async def test_checkpoints(self) -> None:
        """Each coroutine is a checkpoint, also where there is nothing to wait for."""
        async with self.open_journal() as journal:
            writer = Writer(journal)
            await writer.write()
            commit: Commit = writer.commits[-1]
            with trio.testing.assert_checkpoints():
                await commit.wait()
            for scope in ("lot-1", "nowhere"):
                with trio.testing.assert_checkpoints():
                    await journal.scope_end(scope)
                with trio.testing.assert_checkpoints():
                    await journal.read_scope(scope)
                with trio.testing.assert_checkpoints():
                    await journal.read_scope(scope, limit=0)
                with trio.testing.assert_checkpoints():
                    await journal.find(scope, proposal_id(1))
            with trio.testing.assert_checkpoints():
                await journal.read_all(limit=0)
            with trio.testing.assert_checkpoints():
                await journal.scopes(limit=0)


async def _is_shown(journal: Journal, record: StoredRecord, *, way: int) -> bool:
    """Whether a journal shows a record, asked in one of five ways."""
    match way:
        case 0:
            return bool(await journal.read_all(after=record.position - 1, limit=10))
        case 1:
            return bool(await journal.read_scope(record.scope))
        case 2:
            return bool((await journal.scope_end(record.scope)).sequence)
        case 3:
            return bool(await journal.scopes(prefix=record.scope))
        case _:
            return bool(await journal.find(record.scope, record.id))

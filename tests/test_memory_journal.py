"""The memory journal: what it adds to what every journal does. See test_conformance.py."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
import trio
import trio.testing

from atomic_store.errors import InvalidEvent, JournalFailed, StoreClosed
from atomic_store.journal import Commit, Draft, EncodedEvent, StoredRecord
from atomic_store.journal.memory import MemoryJournal, open_memory_journal

FAILURE = JournalFailed("write", "a disk", "buy another one")
START = datetime(2026, 11, 23, 15, 4, 5, 123456, tzinfo=UTC)


def draft(number: int, *, scope: str = "lot-1", events: int = 1) -> Draft:
    """A draft unlike those of other numbers."""
    data = b'{"cents":%d}' % number
    return Draft(scope, f"id-{number}", (EncodedEvent("Bid", 1, data),) * events)


def append(journal: MemoryJournal, number: int) -> Commit:
    """Append the n-th decision of lot-1."""
    _, commit = journal.append_nowait(draft(number), expected_sequence=number - 1)
    return commit


async def write(journal: MemoryJournal, *numbers: int) -> None:
    """Append and wait, each decision in a commit of its own."""
    for number in numbers:
        commit = append(journal, number)
        journal.flush_nowait()
        await commit.wait()


async def test_times_come_from_the_clock_and_never_go_back() -> None:
    """Records get the clock's time, or the last one if the clock has gone back."""
    times = iter([START, START - timedelta(hours=1), START + timedelta(microseconds=1)])
    async with open_memory_journal(clock=lambda: next(times)) as journal:
        await write(journal, 1, 2, 3)
        records = await journal.read_all(limit=3)

    expected = [
        "2026-11-23T15:04:05.123456Z",
        "2026-11-23T15:04:05.123456Z",
        "2026-11-23T15:04:05.123457Z",
    ]
    assert expected == [record.at for record in records]


async def test_a_decision_that_is_too_large_is_refused() -> None:
    """A decision above the limit is refused with both sizes; one below it is stored after it."""
    async with open_memory_journal(decision_bytes_max=1000) as journal:
        large = Draft("lot-1", "id", (EncodedEvent("Bid", 1, b"1" * 600),) * 2)
        with pytest.raises(InvalidEvent, match="at most 1000 bytes, found 1"):
            journal.append_nowait(large, expected_sequence=0)
        await write(journal, 1)

        assert 1 == journal.head.position


async def test_text_that_is_no_text_is_refused() -> None:
    """A lone surrogate is refused, as no file could hold it either."""
    async with open_memory_journal() as journal:
        with pytest.raises(InvalidEvent, match="UTF-8"):
            journal.append_nowait(draft(1, scope="\ud800"), expected_sequence=0)

        assert [] == await journal.scopes()


async def test_the_head_stands_for_the_records() -> None:
    """Equal records in equal commits give equal commit values, other ones give others."""

    async def value(*numbers: int, together: bool) -> str:
        async with open_memory_journal(clock=lambda: START) as journal:
            for sequence, number in enumerate(numbers):
                _, commit = journal.append_nowait(draft(number), expected_sequence=sequence)
                if not together:
                    journal.flush_nowait()
                    await commit.wait()
        return journal.head.commit

    first = await value(1, 2, together=True)
    assert first == await value(1, 2, together=True)
    others = [
        await value(2, 1, together=True),
        await value(1, 2, together=False),
        await value(1, 3, together=True),
        await value(1, together=True),
        await value(together=True),
    ]
    assert 6 == len({first, *others})


async def test_paused_nothing_becomes_durable() -> None:
    """While it is paused, commits wait; resumed, they become durable in order."""
    async with open_memory_journal() as journal:
        told: list[list[int]] = []
        journal.observe(lambda rs: told.append([r.position for r in rs]), lambda _: None)
        journal.pause()
        first = append(journal, 1)
        journal.flush_nowait()
        second = append(journal, 2)
        journal.flush_nowait()
        await trio.testing.wait_all_tasks_blocked()
        assert [] == told
        assert (False, False) == (first.is_done, second.is_done)
        assert [] == await journal.read_all(limit=10)

        journal.resume()
        await second.wait()
        assert [[1], [2]] == told


async def test_pausing_twice_and_resuming_twice() -> None:
    """Pausing and resuming again and again completes each commit once."""
    async with open_memory_journal() as journal:
        told: list[list[int]] = []
        journal.observe(lambda rs: told.append([r.position for r in rs]), lambda _: None)
        commit = append(journal, 1)
        journal.flush_nowait()
        for _ in range(3):
            journal.pause()
            journal.pause()
            journal.resume()
            journal.resume()
        await commit.wait()
        await trio.testing.wait_all_tasks_blocked()
        journal.resume()

        assert [[1]] == told


async def test_a_pause_between_two_commits() -> None:
    """A pause that comes while a commit is told of holds the next one."""
    async with open_memory_journal() as journal:
        journal.observe(lambda _: journal.pause(), lambda _: None)
        first = append(journal, 1)
        journal.flush_nowait()
        second = append(journal, 2)
        await first.wait()
        await trio.testing.wait_all_tasks_blocked()
        assert (True, False) == (first.is_done, second.is_done)

        journal.resume()
        await second.wait()


async def test_closing_does_not_wait_for_a_pause_to_end() -> None:
    """Leaving the block while commits are held makes them durable: nobody waits for ever."""
    async with open_memory_journal() as journal:
        journal.pause()
        first = append(journal, 1)
        journal.flush_nowait()
        second = append(journal, 2)

    assert (True, True) == (first.is_durable, second.is_durable)
    assert 2 == journal.head.position


async def test_closed_it_refuses_to_read() -> None:
    """A closed journal refuses readers as well."""
    async with open_memory_journal() as journal:
        await write(journal, 1)

    with pytest.raises(StoreClosed):
        await journal.read_all(limit=1)
    with pytest.raises(StoreClosed):
        await journal.read_scope("lot-1")
    with pytest.raises(StoreClosed):
        await journal.scope_end("lot-1")
    with pytest.raises(StoreClosed):
        await journal.find("lot-1", "id-1")
    with pytest.raises(StoreClosed):
        await journal.scopes()


async def test_failing_on_demand() -> None:
    """`fail` ends all that waits with the failure given, the observer first, and only once."""
    async with open_memory_journal() as journal:
        steps: list[object] = []
        journal.observe(steps.append, steps.append)
        journal.pause()
        append(journal, 1).when_done(steps.append)
        journal.flush_nowait()
        append(journal, 2).when_done(steps.append)
        journal.fail(FAILURE)
        journal.fail()
        journal.resume()
        await trio.testing.wait_all_tasks_blocked()

        assert [FAILURE, FAILURE, FAILURE] == steps
        assert FAILURE is journal.failure
        with pytest.raises(JournalFailed, match="write failed on a disk: buy another one"):
            append(journal, 3)


async def test_failing_without_a_reason() -> None:
    """`fail` without a failure makes one that says where it comes from."""
    async with open_memory_journal() as journal:
        commit = append(journal, 1)
        journal.fail()
        with pytest.raises(JournalFailed, match="write failed on :memory:: a test asked"):
            await commit.wait()

        assert 0 == journal.head.position


async def test_the_commit_hook_sees_each_write() -> None:
    """The commit hook is called with a commit's records when its write starts."""
    seen: list[list[int]] = []

    def hook(records: Sequence[StoredRecord]) -> None:
        seen.append([record.position for record in records])

    async with open_memory_journal(commit_hook=hook) as journal:
        append(journal, 1)
        append(journal, 2)
        journal.flush_nowait()
        assert [[1, 2]] == seen
        assert 0 == journal.head.position
        append(journal, 3)
        journal.flush_nowait()
        assert [[1, 2]] == seen

    assert [[1, 2], [3]] == seen


async def test_a_commit_hook_may_fail_a_write() -> None:
    """A hook that raises `JournalFailed` fails the journal; earlier commits stay durable."""
    failures = iter([None, FAILURE])

    def hook(records: object) -> None:
        if failure := next(failures):
            raise failure

    async with open_memory_journal(commit_hook=hook) as journal:
        first = append(journal, 1)
        journal.flush_nowait()
        second = append(journal, 2)
        await first.wait()
        with pytest.raises(JournalFailed):
            await second.wait()

        assert [1] == [record.position for record in await journal.read_all(limit=10)]
    assert FAILURE is journal.failure


async def test_a_commit_hook_may_pause() -> None:
    """A hook may hold the very commit that it was called for."""

    def hook(records: object) -> None:
        journal.pause()

    async with open_memory_journal(commit_hook=hook) as journal:
        commit = append(journal, 1)
        journal.flush_nowait()
        await trio.testing.wait_all_tasks_blocked()
        assert not commit.is_done

        journal.resume()
        await commit.wait()


async def test_it_says_what_it_is() -> None:
    """A memory journal has one writer, begins empty, and was created by opening it."""
    with trio.testing.assert_checkpoints():
        async with open_memory_journal() as journal:
            assert journal.sole_writer
            assert journal.recovery.was_created
            assert journal.failure is None

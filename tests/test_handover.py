"""Work in a thread, and its outcome back in Trio's thread."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Callable
from typing import Any

import outcome
import pytest
import trio

from atomic_store.journal.handover import Handover

open_to_the_end: list[object] = []


async def outcome_of(handover: Handover, work: Callable[[], Any]) -> outcome.Outcome[Any]:
    """Hand work over, and wait for its outcome; nothing interrupts that."""
    task = trio.lowlevel.current_task()
    handover.start(work, lambda result: trio.lowlevel.reschedule(task, outcome.Value(result)))
    result: outcome.Outcome[Any] = await trio.lowlevel.wait_task_rescheduled(
        lambda _: trio.lowlevel.Abort.FAILED
    )
    return result


async def test_it_runs_in_a_thread_and_is_told_in_trios() -> None:
    """Work runs in another thread, `done` is called with its value in Trio's."""
    handover = Handover()
    told_in: list[int] = []
    over = trio.Event()

    def done(result: outcome.Outcome[int]) -> None:
        told_in.extend([result.unwrap(), threading.get_ident()])
        over.set()

    handover.start(threading.get_ident, done)
    await over.wait()
    handover.close()

    assert told_in[0] != told_in[1]
    assert told_in[1] == threading.get_ident()


async def test_an_error_is_an_outcome() -> None:
    """What the work raises comes back as its outcome; the next work is not harmed."""
    handover = Handover()

    def fails() -> None:
        raise OSError("no disk")

    with pytest.raises(OSError, match="no disk"):
        (await outcome_of(handover, fails)).unwrap()
    assert (await outcome_of(handover, lambda: 7)).unwrap() == 7
    handover.close()


async def test_its_task_and_its_pipe_end_with_it() -> None:
    """Once it is closed no task of it is left; closing again is no error."""
    before = trio.lowlevel.current_statistics().tasks_living
    handover = Handover()
    await trio.testing.wait_all_tasks_blocked()
    assert trio.lowlevel.current_statistics().tasks_living == before + 1

    handover.close()
    await trio.testing.wait_all_tasks_blocked()
    handover.close()

    assert trio.lowlevel.current_statistics().tasks_living == before


async def _with_the_last_word(words: list[int]) -> AsyncIterator[None]:
    handover = Handover()
    try:
        yield
    finally:
        words.append((await outcome_of(handover, lambda: 7)).unwrap())
        handover.close()


def test_what_was_left_open_is_still_told() -> None:
    """When Trio closes a forgotten generator, its own tasks are gone: outcomes still come."""
    words: list[int] = []

    async def main() -> None:
        generator = _with_the_last_word(words)
        open_to_the_end.append(generator)
        await anext(generator)

    trio.run(main)
    open_to_the_end.clear()

    assert words == [7]

"""A commit tells everybody who waits for it, once, in order."""

from __future__ import annotations

import pytest
import trio
import trio.testing

from atomic_store.errors import JournalFailed
from atomic_store.journal.commit import Commit, durable_commit

FAILURE = JournalFailed("write", "a disk", "buy another one")


async def wait(commit: Commit, name: str, woken: list[str]) -> None:
    """Wait, and note that it is over."""
    await commit.wait()
    woken.append(name)


def test_callbacks_come_in_the_order_of_asking() -> None:
    """Who asked before the end is called at the end, in order; who asks later, at once."""
    commit = Commit()
    steps: list[object] = []
    commit.when_done(lambda failure: steps.append(("first", failure)))
    commit.when_done(lambda failure: steps.append(("second", failure)))
    assert [] == steps

    commit.complete()
    assert [("first", None), ("second", None)] == steps
    commit.when_done(lambda failure: steps.append(("late", failure)))
    assert ("late", None) == steps[-1]


def test_callbacks_get_the_failure() -> None:
    """The failure is given to those who asked before it, and to those who ask after it."""
    commit = Commit()
    failures: list[JournalFailed | None] = []
    commit.when_done(failures.append)
    commit.complete(FAILURE)
    commit.when_done(failures.append)

    assert [FAILURE, FAILURE] == failures
    assert (True, False) == (commit.is_done, commit.is_durable)


def test_a_commit_ends_once() -> None:
    """A commit that has ended cannot end again, neither way."""
    commit = durable_commit()

    with pytest.raises(AssertionError):
        commit.complete()
    with pytest.raises(AssertionError):
        commit.complete(FAILURE)
    assert (True, None) == (commit.is_durable, commit.failure)


async def test_waiters_are_woken() -> None:
    """All that wait go on when the commit is durable, and not before."""
    commit = Commit()
    woken: list[str] = []
    async with trio.open_nursery() as nursery:
        nursery.start_soon(wait, commit, "ada", woken)
        nursery.start_soon(wait, commit, "bob", woken)
        await trio.testing.wait_all_tasks_blocked()
        assert [] == woken
        commit.complete()

    assert ["ada", "bob"] == sorted(woken)


async def test_each_waiter_gets_an_exception_of_his_own() -> None:
    """A failure is raised to each waiter as a new exception that says the same."""
    commit = Commit()
    raised: list[JournalFailed] = []

    async def note() -> None:
        with pytest.raises(JournalFailed) as info:
            await commit.wait()
        raised.append(info.value)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(note)
        nursery.start_soon(note)
        await trio.testing.wait_all_tasks_blocked()
        commit.complete(FAILURE)
    await note()

    assert 4 == len({id(error) for error in [FAILURE, *raised]})
    assert {FAILURE.args} == {error.args for error in raised}


async def test_waiting_for_what_is_done_is_a_checkpoint() -> None:
    """Waiting for a commit that is durable already lets others run, and can be cancelled."""
    commit = durable_commit()
    with trio.testing.assert_checkpoints():
        await commit.wait()
    with trio.CancelScope() as scope:
        scope.cancel()
        await commit.wait()

    assert scope.cancelled_caught


async def test_a_cancelled_wait_changes_nothing() -> None:
    """Who stops waiting is forgotten; the others are woken as before."""
    commit = Commit()
    woken: list[str] = []
    impatient = trio.CancelScope()

    async def wait_impatiently() -> None:
        with impatient:
            await wait(commit, "impatient", woken)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(wait, commit, "patient", woken)
        nursery.start_soon(wait_impatiently)
        await trio.testing.wait_all_tasks_blocked()
        impatient.cancel()
        await trio.testing.wait_all_tasks_blocked()
        commit.complete()

    assert ["patient"] == woken
    assert impatient.cancelled_caught


async def test_one_who_is_told_may_cancel_another() -> None:
    """A callback that cancels another's waiting ends it, and nobody is forgotten."""
    commit = Commit()
    with trio.fail_after(5):
        async with trio.open_nursery() as nursery:
            commit.when_done(lambda failure: nursery.cancel_scope.cancel())
            nursery.start_soon(commit.wait)
            await trio.testing.wait_all_tasks_blocked()
            commit.complete()

    assert nursery.cancel_scope.cancelled_caught

"""Promises 4, 5, 7 and 8: durable, never in doubt, all or nothing, fail-stop."""

from __future__ import annotations

import signal
from functools import partial
from uuid import uuid4

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from atomic_store import (
    CaughtUp,
    Decision,
    Fold,
    IdempotencyConflict,
    JournalFailed,
    Result,
    Store,
    ValidationRequest,
    Validator,
    open_store,
)
from atomic_store.journal import Commit, Draft, StoredRecord
from atomic_store.journal.memory import MemoryJournal
from bids import Bid, Call, accept, bids, higher_slowly, lot_of, paused

FAILURE = JournalFailed("fdatasync", "journal", "buy another disk")


class TestToldMeansDurable:
    """Promise 4."""

    @pytest.mark.parametrize(
        "outcome", ["accepted", "rejected", "timed_out", "raised", "duplicate", "conflict"]
    )
    async def test_nothing_is_told_before_the_disk_has_it(
        self, outcome: str, autojump_clock: MockClock
    ) -> None:
        """No result and no exception rests on a record that could still be lost."""
        id_ = uuid4()

        async def second(request: ValidationRequest[Bid]) -> Decision:
            assert len(request.past_events) == 1
            if outcome == "raised":
                raise ZeroDivisionError
            if outcome == "timed_out":
                await trio.sleep_forever()
            return request.accept() if outcome == "accepted" else request.reject()

        async with bids() as (store, journal), trio.open_nursery() as nursery:
            with paused(journal):
                first = Call(
                    nursery,
                    partial(store.store_if_valid, Bid("lot", "ada", 1), accept, proposal_id=id_),
                )
                await wait_all_tasks_blocked()
                again = id_ if outcome in ("duplicate", "conflict") else None
                bid = Bid("lot", "ada", 2 if outcome == "conflict" else 1)
                call = Call(nursery, partial(store.store_if_valid, bid, second, proposal_id=again))
                await trio.sleep(10)

                assert not first.is_over
                assert not call.is_over
                assert await store.query_events("lot") == []
                assert store.head.position == 0
            await wait_all_tasks_blocked()

            assert first.result.was_accepted
            if outcome == "raised":
                assert type(call.error) is ZeroDivisionError
            elif outcome == "conflict":
                assert type(call.error) is IdempotencyConflict
            elif outcome == "duplicate":
                assert call.result.is_duplicate
            else:
                assert call.result.outcome == outcome

    async def test_nothing_is_told_if_the_disk_refuses(self) -> None:
        """A rejection and an exception that rest on a lost record become JournalFailed."""

        def second(request: ValidationRequest[Bid]) -> Decision:
            if request.prospective_event.cents == 3:
                raise ZeroDivisionError
            return request.reject()

        with pytest.raises(JournalFailed):
            async with bids() as (store, journal):
                async with trio.open_nursery() as nursery:
                    journal.pause()
                    calls = []
                    for n, validate in ((1, accept), (2, second), (3, second)):
                        bid = Bid("lot", "ada", n)
                        calls.append(Call(nursery, partial(store.store_if_valid, bid, validate)))
                        await wait_all_tasks_blocked()
                    with trio.CancelScope(shield=True):
                        journal.fail(FAILURE)
                        await wait_all_tasks_blocked()

        assert [type(call.error) for call in calls] == [JournalFailed] * 3

    async def test_subscriptions_show_only_durable_records(self) -> None:
        """A feed gives a record after its commit, not before."""
        async with bids() as (store, journal), trio.open_nursery() as nursery:
            async with store.subscribe() as feed:
                assert await anext(feed) == CaughtUp(0)
                with paused(journal):
                    Call(nursery, partial(store.store_if_valid, Bid("lot", "ada", 1), accept))
                    item = Call(nursery, feed.__anext__)
                    await wait_all_tasks_blocked()
                    assert not item.is_over
                await wait_all_tasks_blocked()
                assert item.value.event == Bid("lot", "ada", 1)

    async def test_validator_can_wait_for_its_past(self) -> None:
        """`past_is_durable` returns when all that the round sees is on disk."""
        seen = 0

        async def patient(request: ValidationRequest[Bid]) -> Decision:
            nonlocal seen
            await request.past_is_durable()
            seen = store.head.position
            return request.accept()

        async with bids() as (store, journal), trio.open_nursery() as nursery:
            with paused(journal):
                for n, validate in ((1, accept), (2, patient)):
                    Call(nursery, partial(store.store_if_valid, Bid("lot", "ada", n), validate))
                    await wait_all_tasks_blocked()
                assert seen == 0
            await wait_all_tasks_blocked()
            assert seen == 1

    async def test_what_is_read_of_the_past_is_durable(self) -> None:
        """With a fold, reading the past waits until all that the round sees is on disk."""
        fold: Fold[int, Bid] = Fold(0, lambda count, bid: count + 1)
        async with bids(state=fold) as (store, journal), trio.open_nursery() as nursery:
            with paused(journal):
                Call(nursery, partial(store.store_if_valid, Bid("lot", "ada", 1), accept))
                await wait_all_tasks_blocked()
                async with store.consider(Bid("lot", "bob", 2)) as request:
                    assert request.sequence == 1
                    past = Call(nursery, request.load_past)
                    await wait_all_tasks_blocked()
                    assert not past.is_over
                    journal.resume()
                    await wait_all_tasks_blocked()

            assert list(past.value) == [Bid("lot", "ada", 1)]


class TestNeverInDoubt:
    """Promise 5; tests/test_cancellation.py cancels at every scheduling point."""

    async def test_cancelled_in_the_waiting_room(self) -> None:
        """A proposal that is cancelled while it waits leaves, and stores nothing."""
        async with bids() as (store, _), trio.open_nursery() as nursery:
            async with store.consider(Bid("lot", "ada", 1)) as request:
                call = Call(nursery, partial(store.store_if_valid, Bid("lot", "bob", 2), accept))
                await wait_all_tasks_blocked()
                call.scope.cancel()
                await wait_all_tasks_blocked()
                assert call.scope.cancelled_caught
                await request.respond(request.accept())
            await wait_all_tasks_blocked()

            assert [r.event.cents for r in await store.query_events("lot")] == [1]

    async def test_cancelled_in_the_round(self) -> None:
        """A validator that is cancelled withdraws its proposal, and the next one's turn comes."""
        async with bids() as (store, _), trio.open_nursery() as nursery:

            async def hang(request: ValidationRequest[Bid]) -> Decision:
                await trio.sleep_forever()
                raise AssertionError

            first = Call(nursery, partial(store.store_if_valid, Bid("lot", "ada", 1), hang))
            await wait_all_tasks_blocked()
            second = Call(nursery, partial(store.store_if_valid, Bid("lot", "bob", 2), accept))
            await wait_all_tasks_blocked()
            first.scope.cancel()
            await wait_all_tasks_blocked()

            assert first.scope.cancelled_caught
            assert second.result.records[0].sequence == 1

    async def test_cancelled_after_the_decision(self) -> None:
        """Once it is decided, a cancelled call waits, and returns its result."""
        async with bids() as (store, journal), trio.open_nursery() as nursery:
            calls = []
            with paused(journal):
                for n, validate in ((1, accept), (2, higher_slowly)):
                    bid = Bid("lot", "ada", n)
                    calls.append(Call(nursery, partial(store.store_if_valid, bid, validate)))
                    await wait_all_tasks_blocked()
                for call in calls:
                    call.scope.cancel()
                await wait_all_tasks_blocked()
                assert [call.is_over for call in calls] == [False, False]
            await wait_all_tasks_blocked()

            assert [call.result.was_accepted for call in calls] == [True, True]
            assert [call.scope.cancelled_caught for call in calls] == [False, False]

    def test_keyboard_interrupt_in_the_validator(self) -> None:
        """An interrupt in a validator ends the round like a cancellation."""

        async def interrupted(request: ValidationRequest[Bid]) -> Decision:
            signal.raise_signal(signal.SIGINT)
            await trio.lowlevel.checkpoint()
            return request.accept()

        def interrupted_at_once(request: ValidationRequest[Bid]) -> Decision:
            signal.raise_signal(signal.SIGINT)
            return request.accept()

        async def propose(store: Store[Bid], validate: Validator[Bid]) -> None:
            with pytest.raises(KeyboardInterrupt):
                await store.store_if_valid(Bid("lot", "ada", 1), validate)

        async def main() -> Result[Bid]:
            async with bids() as (store, _):
                for validate in (interrupted, interrupted_at_once):
                    # In another task than the main one: that gets what nobody else does.
                    async with trio.open_nursery() as nursery:
                        nursery.start_soon(propose, store, validate)
                return await store.store_if_valid(Bid("lot", "bob", 2), accept)

        try:
            result = trio.run(main)
        except BaseException as error:
            pytest.fail(f"another task was interrupted, or none: {error!r}")

        assert result.records[0].sequence == 1

    def test_keyboard_interrupt_in_the_store(self) -> None:
        """An interrupt in the middle of storing waits until that is done."""
        results: list[Result[Bid]] = []

        class Interrupting(MemoryJournal):
            def append_nowait(
                self, draft: Draft, *, expected_sequence: int
            ) -> tuple[tuple[StoredRecord, ...], Commit]:
                appended = super().append_nowait(draft, expected_sequence=expected_sequence)
                if expected_sequence:
                    signal.raise_signal(signal.SIGINT)
                return appended

        async def main() -> None:
            journal = Interrupting()
            async with open_store(journal, events=Bid, scope_of=lot_of) as store:
                results.append(await store.store_if_valid(Bid("lot", "ada", 1), accept))
                results.append(await store.store_if_valid(Bid("lot", "bob", 2), accept))
                await trio.lowlevel.checkpoint()

        with pytest.raises(KeyboardInterrupt):
            trio.run(main)

        assert [1, 2] == [result.records[0].sequence for result in results]

    def test_keyboard_interrupt_while_waiting_for_the_disk(self) -> None:
        """An interrupt does not pierce the wait for the disk: the result comes first."""
        results: list[Result[Bid]] = []

        async def main() -> None:
            async with bids() as (store, journal), trio.open_nursery() as nursery:
                journal.pause()

                @trio.lowlevel.enable_ki_protection
                async def interrupt() -> None:
                    with paused(journal):
                        await wait_all_tasks_blocked()
                        signal.raise_signal(signal.SIGINT)
                        await wait_all_tasks_blocked()
                        assert results == []

                nursery.start_soon(interrupt)
                results.append(await store.store_if_valid(Bid("lot", "ada", 1), accept))

        with pytest.raises(BaseException) as caught:
            trio.run(main)

        assert pytest.RaisesGroup(
            KeyboardInterrupt, allow_unwrapped=True, flatten_subgroups=True
        ).matches(caught.value)
        assert [result.was_accepted for result in results] == [True]


class TestAllOrNothing:
    """Promise 7; the file journal's tests cut a commit at every byte."""

    async def test_several_events(self) -> None:
        """The events of one decision are stored together, one after the other."""

        def split(request: ValidationRequest[Bid]) -> Decision:
            bid = request.prospective_event
            return request.accept(bid, Bid(bid.lot, "house", 0), meta={"split": True})

        async with bids() as (store, _):
            result = await store.store_if_valid(Bid("lot", "ada", 1), split)
            stored = await store.query_events("lot")

        assert [record.event.bidder for record in stored] == ["ada", "house"]
        assert list(result.records) == stored
        assert [record.part for record in stored] == [(1, 2), (2, 2)]
        assert [record.meta for record in stored] == [{"split": True}, None]
        assert {record.proposal_id for record in stored} == {result.proposal_id}
        assert [event.bidder for event in result.stored_events] == ["ada", "house"]

    async def test_one_that_cannot_be_stored(self) -> None:
        """If one event of a decision is invalid, none is stored."""

        def foreign(request: ValidationRequest[Bid]) -> Decision:
            return request.accept(request.prospective_event, Bid("another", "house", 0))

        def mistyped(request: ValidationRequest[Bid]) -> Decision:
            return request.accept(events=[Bid("lot", "ada", 1), Bid("lot", "ada", "2")])  # type: ignore[arg-type]  # the point

        async with bids() as (store, _):
            with pytest.raises(ValueError, match="belong to its scope"):
                await store.store_if_valid(Bid("lot", "ada", 1), foreign)
            with pytest.raises(ValueError, match="cents"):
                await store.store_if_valid(Bid("lot", "ada", 1), mistyped)

            assert await store.query_events("lot") == []


class TestFailStop:
    """Promise 8."""

    async def test_everybody_is_answered(self) -> None:
        """When the journal fails, all who wait get JournalFailed, and the block is cancelled."""
        outside: list[Call] = []
        async with trio.open_nursery() as nursery:
            with pytest.raises(JournalFailed) as caught:
                async with bids() as (store, journal):
                    journal.pause()

                    async def hang(request: ValidationRequest[Bid]) -> Decision:
                        await trio.sleep_forever()
                        raise AssertionError

                    def propose(lot: str, validate: object) -> None:
                        bid = Bid(lot, "ada", 1)
                        outside.append(
                            Call(nursery, partial(store.store_if_valid, bid, validate))  # type: ignore[arg-type]  # both kinds
                        )

                    propose("decided", accept)
                    propose("open", hang)
                    await wait_all_tasks_blocked()
                    propose("open", accept)
                    await wait_all_tasks_blocked()
                    journal.fail(FAILURE)
                    await trio.sleep_forever()
            await wait_all_tasks_blocked()

            assert [type(call.error) for call in outside] == [JournalFailed] * 3
            assert caught.value.hint == "buy another disk"
            assert "fdatasync failed on journal" in str(outside[0].error)
            with pytest.raises(JournalFailed):
                await store.store_if_valid(Bid("lot", "ada", 1), accept)

    async def test_reading_goes_on(self) -> None:
        """After a failure, what was durable can still be read inside the block."""
        with pytest.raises(JournalFailed):
            async with bids() as (store, journal):
                await store.store_if_valid(Bid("lot", "ada", 1), accept)
                journal.fail(FAILURE)
                with trio.CancelScope(shield=True):
                    records = await store.query_events("lot")

        assert [record.event.cents for record in records] == [1]

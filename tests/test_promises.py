"""The eleven promises of docs/guarantees.md, each with what would break it."""

from __future__ import annotations

import signal
from functools import partial
from uuid import UUID, uuid4

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from atomic_store import (
    CaughtUp,
    Decision,
    IdempotencyConflict,
    JournalFailed,
    Outcome,
    Result,
    ScopeBusy,
    StaleResponse,
    ValidationRequest,
    open_store,
)
from atomic_store.journal.memory import open_memory_journal
from bids import HIGHEST, Bid, Call, accept, bids, higher, higher_slowly, lot_of

FAILURE = JournalFailed("fdatasync", "journal", "buy another disk")


class TestOneAtATime:
    """Promise 1."""

    async def test_at_most_one_round(self) -> None:
        """However many propose, never are two validators of a scope at work."""
        open_now = most = 0

        async def watch(request: ValidationRequest[Bid]) -> Decision:
            nonlocal open_now, most
            open_now += 1
            most = max(most, open_now)
            await trio.lowlevel.checkpoint()
            open_now -= 1
            return request.accept()

        async with bids() as (store, _), trio.open_nursery() as nursery:
            for n in range(50):
                nursery.start_soon(store.store_if_valid, Bid("lot", "ada", n), watch)

        assert most == 1
        assert store.statistics().accepted == 50

    async def test_scopes_go_in_parallel(self) -> None:
        """A round of one scope holds up no other scope."""
        async with bids() as (store, _), store.consider(Bid("lot-1", "ada", 1)):
            result = await store.store_if_valid(Bid("lot-2", "bob", 1), accept)

        assert result.was_accepted

    async def test_first_in_first_out(self) -> None:
        """Proposals get their rounds in the order in which they came."""
        order: list[str] = []

        def note(request: ValidationRequest[Bid]) -> Decision:
            order.append(request.prospective_event.bidder)
            return request.accept()

        names = [f"bidder-{n}" for n in range(20)]
        async with bids() as (store, _), trio.open_nursery() as nursery:
            async with store.consider(Bid("lot", "first", 1)):
                for name in names:
                    Call(nursery, partial(store.store_if_valid, Bid("lot", name, 1), note))
                    await wait_all_tasks_blocked()

        assert order == names

    async def test_full_waiting_room(self) -> None:
        """One more than may wait is refused at once, and the others are served."""
        async with bids(max_waiting=2) as (store, _), trio.open_nursery() as nursery:
            async with store.consider(Bid("lot", "first", 1)) as request:
                calls = []
                for n in range(2, 4):
                    bid = Bid("lot", "ada", n)
                    calls.append(Call(nursery, partial(store.store_if_valid, bid, accept)))
                await wait_all_tasks_blocked()
                refused = Call(nursery, partial(store.store_if_valid, Bid("lot", "e", 9), accept))
                await wait_all_tasks_blocked()
                assert type(refused.error) is ScopeBusy
                assert "2 proposals waiting" in str(refused.error)
                await request.respond(request.accept())
            await wait_all_tasks_blocked()

            assert [call.result.was_accepted for call in calls] == [True, True]

    async def test_own_round(self) -> None:
        """Proposing to the scope whose round one holds would wait for itself: it is refused."""
        async with bids() as (store, _), store.consider(Bid("lot", "ada", 1)):
            with pytest.raises(RuntimeError, match="wait for itself"):
                await store.store_if_valid(Bid("lot", "ada", 2), accept)


class TestTheWholePast:
    """Promise 2."""

    @pytest.mark.parametrize("slow", [False, True])
    async def test_sees_exactly_what_was_admitted(self, slow: bool) -> None:
        """A round sees all events admitted before it, in order, and no others."""
        seen: list[list[int]] = []

        def look(request: ValidationRequest[Bid]) -> Decision:
            seen.append([bid.cents for bid in request.past_events])
            assert request.sequence == len(request.past_records)
            return request.accept() if request.prospective_event.cents % 3 else request.reject()

        async def look_slowly(request: ValidationRequest[Bid]) -> Decision:
            await trio.lowlevel.checkpoint()
            return look(request)

        validate = look_slowly if slow else look
        async with bids() as (store, _):
            async with trio.open_nursery() as nursery:
                for n in range(200):
                    nursery.start_soon(store.store_if_valid, Bid("lot", "ada", n), validate)
                    nursery.start_soon(store.store_if_valid, Bid("other", "ada", n), accept)
            stored = [record.event.cents for record in await store.query_events("lot")]

        assert len(seen) == 200
        assert len(stored) == sum(1 for n in range(200) if n % 3)
        assert all(past == stored[: len(past)] for past in seen)
        assert len(seen[-1]) >= len(stored) - 1

    async def test_pending_records_are_seen(self) -> None:
        """What is decided but not yet durable is part of the past."""
        async with bids() as (store, journal), trio.open_nursery() as nursery:
            journal.pause()
            first = Call(nursery, partial(store.store_if_valid, Bid("lot", "ada", 5), higher))
            await wait_all_tasks_blocked()
            second = Call(nursery, partial(store.store_if_valid, Bid("lot", "bob", 5), higher))
            await wait_all_tasks_blocked()
            journal.resume()
            await wait_all_tasks_blocked()

            assert first.result.outcome is Outcome.ACCEPTED
            assert second.result.reason == "not above 5"

    async def test_past_is_read_again(self) -> None:
        """A scope that was idle and comes back to life sees what it had seen."""
        async with bids(live_scopes_max=1) as (store, _):
            for n in range(1, 4):
                await store.store_if_valid(Bid("lot", "ada", n), higher)
                await store.store_if_valid(Bid(f"other-{n}", "ada", n), higher)
                assert "lot" not in store.live_scopes()
            result = await store.store_if_valid(Bid("lot", "bob", 3), higher)

        assert result.reason == "not above 3"
        assert [bid.cents for bid in result.stored_events] == [1, 2, 3]

    @pytest.mark.parametrize("live_scopes_max", [1, 1000])
    async def test_state_is_the_fold_of_the_past(self, live_scopes_max: int) -> None:
        """With a fold, each round sees the state over exactly the events before it."""
        states: list[int] = []

        def look(request: ValidationRequest[Bid]) -> Decision:
            states.append(request.state)
            return request.accept()

        async with bids(state=HIGHEST, live_scopes_max=live_scopes_max) as (store, _):
            for cents in (5, 3, 9, 1):
                await store.store_if_valid(Bid("lot", "ada", cents), look)
                await store.store_if_valid(Bid("other", "ada", 1), accept)

        assert states == [0, 5, 5, 9]


class TestDecidedOnce:
    """Promise 3."""

    async def test_one_run_an_event(self) -> None:
        """Under contention the validator runs once for each proposal, never again."""
        runs = 0

        async def count(request: ValidationRequest[Bid]) -> Decision:
            nonlocal runs
            runs += 1
            await trio.lowlevel.checkpoint()
            return request.accept()

        async with bids() as (store, _):
            async with trio.open_nursery() as nursery:
                for n in range(64):
                    nursery.start_soon(store.store_if_valid, Bid("lot", "ada", n), count)

            assert runs == 64
            assert store.statistics().rounds == 64
            assert store.statistics().accepted == 64


class TestToldMeansDurable:
    """Promise 4."""

    @pytest.mark.parametrize(
        "outcome", ["accepted", "rejected", "timed_out", "raised", "duplicate"]
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
            journal.pause()
            first = Call(
                nursery,
                partial(store.store_if_valid, Bid("lot", "ada", 1), accept, proposal_id=id_),
            )
            await wait_all_tasks_blocked()
            again = id_ if outcome == "duplicate" else None
            call = Call(
                nursery,
                partial(store.store_if_valid, Bid("lot", "ada", 1), second, proposal_id=again),
            )
            await trio.sleep(10)

            assert not first.is_over
            assert not call.is_over
            assert await store.query_events("lot") == []
            assert store.head.position == 0

            journal.resume()
            await wait_all_tasks_blocked()

            assert first.result.was_accepted
            if outcome == "raised":
                assert type(call.error) is ZeroDivisionError
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
                journal.pause()
                Call(nursery, partial(store.store_if_valid, Bid("lot", "ada", 1), accept))
                item = Call(nursery, feed.__anext__)
                await wait_all_tasks_blocked()
                assert not item.is_over
                journal.resume()
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
            journal.pause()
            for n, validate in ((1, accept), (2, patient)):
                Call(nursery, partial(store.store_if_valid, Bid("lot", "ada", n), validate))
                await wait_all_tasks_blocked()
            assert seen == 0
            journal.resume()
            await wait_all_tasks_blocked()
            assert seen == 1


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
            journal.pause()
            calls = []
            for n, validate in ((1, accept), (2, higher_slowly)):
                bid = Bid("lot", "ada", n)
                calls.append(Call(nursery, partial(store.store_if_valid, bid, validate)))
                await wait_all_tasks_blocked()
            for call in calls:
                call.scope.cancel()
            await wait_all_tasks_blocked()
            assert [call.is_over for call in calls] == [False, False]
            journal.resume()
            await wait_all_tasks_blocked()

            assert [call.result.was_accepted for call in calls] == [True, True]
            assert [call.scope.cancelled_caught for call in calls] == [False, False]

    async def test_keyboard_interrupt_in_the_validator(self) -> None:
        """An interrupt in a validator ends the round like a cancellation."""

        async def interrupted(request: ValidationRequest[Bid]) -> Decision:
            signal.raise_signal(signal.SIGINT)
            await trio.lowlevel.checkpoint()
            return request.accept()

        def interrupted_at_once(request: ValidationRequest[Bid]) -> Decision:
            signal.raise_signal(signal.SIGINT)
            return request.accept()

        async with bids() as (store, _):
            for validate in (interrupted, interrupted_at_once):
                with pytest.raises(KeyboardInterrupt):
                    await store.store_if_valid(Bid("lot", "ada", 1), validate)
            result = await store.store_if_valid(Bid("lot", "bob", 2), accept)

        assert result.records[0].sequence == 1

    def test_keyboard_interrupt_while_waiting_for_the_disk(self) -> None:
        """An interrupt does not pierce the wait for the disk: the result comes first."""
        results: list[Result[Bid]] = []

        async def main() -> None:
            async with bids() as (store, journal), trio.open_nursery() as nursery:
                journal.pause()

                @trio.lowlevel.enable_ki_protection
                async def interrupt() -> None:
                    await wait_all_tasks_blocked()
                    signal.raise_signal(signal.SIGINT)
                    await wait_all_tasks_blocked()
                    assert results == []
                    journal.resume()

                nursery.start_soon(interrupt)
                results.append(await store.store_if_valid(Bid("lot", "ada", 1), accept))

        with pytest.raises(BaseException) as caught:
            trio.run(main)

        assert pytest.RaisesGroup(
            KeyboardInterrupt, allow_unwrapped=True, flatten_subgroups=True
        ).matches(caught.value)
        assert [result.was_accepted for result in results] == [True]


class TestDeadline:
    """Promise 6."""

    async def test_a_deadline_ends_the_round(self, autojump_clock: MockClock) -> None:
        """A validator that hangs is timed out, and the next proposal's turn comes."""

        async def hang(request: ValidationRequest[Bid]) -> Decision:
            await trio.sleep_forever()
            raise AssertionError

        async with bids(validation_timeout=3.0, timeout_reason="too slow") as (store, _):
            start = trio.current_time()
            result = await store.store_if_valid(Bid("lot", "ada", 1), hang)
            assert trio.current_time() - start == pytest.approx(3.0)
            after = await store.store_if_valid(Bid("lot", "bob", 2), accept)

        assert (result.timed_out, result.was_accepted, result.reason) == (True, False, "too slow")
        assert after.records[0].sequence == 1

    async def test_it_runs_from_the_opening(self, autojump_clock: MockClock) -> None:
        """Time in the waiting room does not count."""
        async with bids(validation_timeout=3.0) as (store, _), trio.open_nursery() as nursery:

            async def take(request: ValidationRequest[Bid]) -> Decision:
                await trio.sleep(2)
                return request.accept()

            calls = [
                Call(nursery, partial(store.store_if_valid, Bid("lot", "ada", n), take))
                for n in range(4)
            ]
            await trio.sleep(8.5)

            assert [call.result.was_accepted for call in calls] == [True] * 4

    async def test_a_stubborn_validator(self, autojump_clock: MockClock) -> None:
        """A validator that cannot be cancelled holds up its caller, and nobody else."""

        async def stubborn(request: ValidationRequest[Bid]) -> Decision:
            with trio.CancelScope(shield=True):
                await trio.sleep(100)
            return request.accept()

        async with bids(validation_timeout=3.0) as (store, _), trio.open_nursery() as nursery:
            call = Call(nursery, partial(store.store_if_valid, Bid("lot", "ada", 1), stubborn))
            await trio.sleep(1)
            result = await store.store_if_valid(Bid("lot", "bob", 2), accept)
            assert trio.current_time() < 50
            await trio.sleep(200)

            assert result.records[0].sequence == 1
            assert call.result.timed_out
            assert len(await store.query_events("lot")) == 1

    async def test_a_late_answer(self, autojump_clock: MockClock) -> None:
        """An answer after the deadline raises StaleResponse and changes nothing."""
        async with bids(validation_timeout=3.0) as (store, _):
            async with store.consider(Bid("lot", "ada", 1)) as request:
                await trio.sleep(3.5)
                assert request.result is not None
                assert request.result.timed_out
                with pytest.raises(StaleResponse, match="timed_out"):
                    await request.respond(request.accept())
            assert await store.query_events("lot") == []

    async def test_shorter_deadlines_of_their_own(self, autojump_clock: MockClock) -> None:
        """A proposal's own timeout counts, shorter or longer than that of the round before."""

        async def hang(request: ValidationRequest[Bid]) -> Decision:
            await trio.sleep_forever()
            raise AssertionError

        took = []
        async with bids(validation_timeout=5.0) as (store, _):
            for timeout in (None, 1.0, 9.0, 0.5):
                start = trio.current_time()
                await store.store_if_valid(Bid("lot", "ada", 1), hang, validation_timeout=timeout)
                took.append(trio.current_time() - start)

        assert took == pytest.approx([5.0, 1.0, 9.0, 0.5])

    async def test_a_plain_function_counts(self, mock_clock: MockClock) -> None:
        """A plain function cannot be interrupted: its decision counts, however long it took."""

        def slow(request: ValidationRequest[Bid]) -> Decision:
            mock_clock.jump(100)
            return request.accept()

        async with bids(validation_timeout=3.0) as (store, _):
            result = await store.store_if_valid(Bid("lot", "ada", 1), slow)

        assert result.was_accepted


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


class TestFlatCost:
    """Promise 10; the benchmark measures the time."""

    async def test_the_past_is_not_copied(self) -> None:
        """What a round sees of the past is a view: no item of it is touched."""
        async with bids() as (store, _):
            for n in range(100):
                await store.store_if_valid(Bid("lot", "ada", n), accept)
            views = []

            def look(request: ValidationRequest[Bid]) -> Decision:
                views.append(request.past_records)
                return request.accept()

            for n in range(2):
                await store.store_if_valid(Bid("lot", "ada", n), look)

        assert [len(view) for view in views] == [100, 101]
        assert views[0]._records is views[1]._records

    async def test_an_idle_scope_has_no_task(self, autojump_clock: MockClock) -> None:
        """A scope goes when it was idle for long enough, and its task with it."""
        async with bids(idle_after=60.0) as (store, _):
            await store.store_if_valid(Bid("lot", "ada", 1), accept)
            tasks = trio.lowlevel.current_statistics().tasks_living
            await trio.sleep(59)
            assert list(store.live_scopes()) == ["lot"]
            await trio.sleep(2)
            assert dict(store.live_scopes()) == {}
            assert trio.lowlevel.current_statistics().tasks_living == tasks - 1


class TestRememberedForEver:
    """Promise 11."""

    async def test_a_duplicate(self) -> None:
        """Proposing again with the same id gives the original, and runs no validator."""
        id_ = uuid4()
        async with bids() as (store, _):
            first = await store.store_if_valid(
                Bid("lot", "ada", 1), lambda r: r.accept(meta=[1]), proposal_id=id_
            )
            await store.store_if_valid(Bid("lot", "bob", 2), accept)
            again = await store.store_if_valid(Bid("lot", "ada", 1), refuse_to_run, proposal_id=id_)

        assert (first.is_duplicate, again.is_duplicate) == (False, True)
        assert (again.was_accepted, again.meta, again.records) == (True, [1], first.records)
        assert list(again.stored_events) == [Bid("lot", "ada", 1)]

    async def test_a_cold_scope(self) -> None:
        """A duplicate is known when its scope is not live, and does not bring it to life."""
        id_ = uuid4()
        async with bids(live_scopes_max=1) as (store, _):
            await store.store_if_valid(Bid("lot", "ada", 1), accept, proposal_id=id_)
            await store.store_if_valid(Bid("other", "ada", 1), accept)
            again = await store.store_if_valid(Bid("lot", "ada", 1), refuse_to_run, proposal_id=id_)

            assert again.is_duplicate
            assert list(store.live_scopes()) == ["other"]

    async def test_while_the_first_is_undecided(self) -> None:
        """The second of two equal proposals waits its turn, and is looked up again then."""
        id_ = uuid4()
        async with bids() as (store, _), trio.open_nursery() as nursery:
            bid = Bid("lot", "ada", 1)
            async with store.consider(bid, proposal_id=id_) as request:
                call = Call(
                    nursery, partial(store.store_if_valid, bid, refuse_to_run, proposal_id=id_)
                )
                await wait_all_tasks_blocked()
                await request.respond(request.accept())
            await wait_all_tasks_blocked()

            assert call.result.is_duplicate

    async def test_not_forgotten_while_somebody_waits(self) -> None:
        """However much was admitted in between, the second of two equal proposals is known."""
        id_ = uuid4()

        async def patient(request: ValidationRequest[Bid]) -> Decision:
            await request.past_is_durable()
            return request.accept()

        async with bids() as (store, _), trio.open_nursery() as nursery:
            calls = []
            async with store.consider(Bid("lot", "first", 1)):
                for bidder, validate, own_id in (
                    ("ada", accept, id_),
                    ("bob", patient, None),
                    ("eve", patient, None),
                    ("ada", accept, id_),
                ):
                    propose = partial(
                        store.store_if_valid, Bid("lot", bidder, 1), validate, proposal_id=own_id
                    )
                    calls.append(Call(nursery, propose))
                    await wait_all_tasks_blocked()
            await wait_all_tasks_blocked()

            assert [call.result.is_duplicate for call in calls] == [False, False, False, True]
            assert len(await store.query_events("lot")) == 3

    async def test_many_at_once(self) -> None:
        """However equal proposals overlap, one is stored and all are answered with it."""
        id_ = uuid4()
        results: list[Result[Bid]] = []
        async with bids() as (store, _):

            async def propose(n: int) -> None:
                for _ in range(n):
                    await trio.lowlevel.checkpoint()
                results.append(
                    await store.store_if_valid(Bid("lot", "ada", 1), accept, proposal_id=id_)
                )
                await store.store_if_valid(Bid("lot", "bob", n), accept)

            async with trio.open_nursery() as nursery:
                for n in range(40):
                    nursery.start_soon(propose, n)

            assert sum(not result.is_duplicate for result in results) == 1
            assert len({result.records[0].position for result in results}) == 1
            stored = await store.query_events("lot")
            assert len([record for record in stored if record.proposal_id == id_]) == 1

    @pytest.mark.parametrize("pending", [False, True])
    async def test_another_event(self, pending: bool) -> None:
        """The same id with another event is a conflict, and stores nothing."""
        id_ = uuid4()
        async with bids() as (store, journal), trio.open_nursery() as nursery:
            if pending:
                journal.pause()
            call = Call(
                nursery,
                partial(store.store_if_valid, Bid("lot", "ada", 1), accept, proposal_id=id_),
            )
            await wait_all_tasks_blocked()
            with pytest.raises(IdempotencyConflict, match="at position 1, with another event"):
                await store.store_if_valid(Bid("lot", "ada", 2), accept, proposal_id=id_)
            journal.resume()
            await wait_all_tasks_blocked()
            assert call.result.was_accepted
            assert len(await store.query_events("lot")) == 1

    async def test_replaced_events(self) -> None:
        """Where others took its place, the proposed event is still what identifies it."""
        id_ = uuid4()

        def replace(request: ValidationRequest[Bid]) -> Decision:
            return request.accept(Bid("lot", "house", 7))

        async with bids() as (store, _):
            await store.store_if_valid(Bid("lot", "ada", 1), replace, proposal_id=id_)
            again = await store.store_if_valid(Bid("lot", "ada", 1), replace, proposal_id=id_)
            with pytest.raises(IdempotencyConflict):
                await store.store_if_valid(Bid("lot", "house", 7), replace, proposal_id=id_)

        assert again.is_duplicate
        assert [record.event.bidder for record in again.records] == ["house"]

    @pytest.mark.parametrize("how", ["rejected", "timed_out", "withdrawn", "raised"])
    async def test_no_trace(self, how: str, autojump_clock: MockClock) -> None:
        """A proposal that was not admitted is forgotten: the same id opens a new round."""
        id_ = uuid4()

        async def fail(request: ValidationRequest[Bid]) -> Decision:
            if how == "raised":
                raise ZeroDivisionError
            if how == "rejected":
                return request.reject()
            await trio.sleep_forever()
            raise AssertionError

        async with bids() as (store, _):
            with trio.move_on_after(1 if how == "withdrawn" else 100):
                try:
                    await store.store_if_valid(Bid("lot", "ada", 1), fail, proposal_id=id_)
                except ZeroDivisionError:
                    assert how == "raised"
            assert await store.outcome(id_, scope="lot") is None
            result = await store.store_if_valid(Bid("lot", "ada", 2), accept, proposal_id=id_)

        assert result.was_accepted
        assert not result.is_duplicate

    async def test_the_scope_is_part_of_the_identity(self) -> None:
        """The same id in two scopes names two proposals."""
        id_ = uuid4()
        async with bids() as (store, _):
            for lot in ("lot-1", "lot-2"):
                result = await store.store_if_valid(Bid(lot, "ada", 1), accept, proposal_id=id_)
                assert not result.is_duplicate

    async def test_outcome(self) -> None:
        """The outcome of an admitted proposal can be asked for; of no other."""
        id_ = uuid4()
        async with bids() as (store, _):
            first = await store.store_if_valid(Bid("lot", "ada", 1), accept, proposal_id=id_)
            outcome = await store.outcome(id_, scope="lot")

            assert outcome is not None
            assert outcome.records == first.records
            assert outcome.is_duplicate
            assert await store.outcome(id_, scope="other") is None
            assert await store.outcome(UUID(int=0), scope="lot") is None


def refuse_to_run(request: ValidationRequest[Bid]) -> Decision:
    """Fail the test: this round must not open."""
    raise AssertionError("a round was opened for a proposal that was admitted before")


async def test_promises_hold_for_the_default_location() -> None:
    """Everything above holds for a store in memory that is opened by name."""
    async with open_store(":memory:", events=Bid, scope_of=lot_of) as store:
        result = await store.store_if_valid(Bid("lot", "ada", 1), higher)
    async with open_memory_journal() as journal:
        assert journal.head.position == 0

    assert result.was_accepted

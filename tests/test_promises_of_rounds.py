"""Promises 1, 2, 3 and 6: one at a time, with the whole past, once, in time."""

from __future__ import annotations

from functools import partial

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from atomic_store import (
    Decision,
    JournalFailed,
    Outcome,
    ScopeBusy,
    StaleResponse,
    ValidationRequest,
)
from bids import HIGHEST, Bid, Call, accept, bids, higher, paused

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

    async def test_a_validator_ends_with_its_round(self, autojump_clock: MockClock) -> None:
        """A validator is cancelled at the deadline, however long the disk takes to tell it."""
        ended: list[float] = []

        async def patient(request: ValidationRequest[Bid]) -> Decision:
            try:
                await trio.sleep_forever()
            finally:
                ended.append(trio.current_time())
            raise AssertionError

        async with bids(validation_timeout=3.0) as (store, journal), trio.open_nursery() as nursery:
            with paused(journal):
                Call(nursery, partial(store.store_if_valid, Bid("lot", "ada", 1), accept))
                await wait_all_tasks_blocked()
                began = trio.current_time()
                call = Call(nursery, partial(store.store_if_valid, Bid("lot", "bob", 2), patient))
                await trio.sleep(10)
                assert [began + 3.0] == ended
            await wait_all_tasks_blocked()

            assert call.result.timed_out

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

    async def test_a_validator_that_lets_nobody_else_run(self, mock_clock: MockClock) -> None:
        """Whoever decides behind the deadline before anybody has seen it pass is too late."""

        async def slow(request: ValidationRequest[Bid]) -> Decision:
            await trio.lowlevel.checkpoint()
            mock_clock.jump(100)
            return request.accept()

        async with bids(validation_timeout=3.0) as (store, _):
            result = await store.store_if_valid(Bid("lot", "ada", 1), slow)
            assert await store.query_events("lot") == []

        assert result.timed_out

    async def test_a_plain_function_counts(self, mock_clock: MockClock) -> None:
        """A plain function cannot be interrupted: its decision counts, however long it took."""

        def slow(request: ValidationRequest[Bid]) -> Decision:
            mock_clock.jump(100)
            return request.accept()

        async with bids(validation_timeout=3.0) as (store, _):
            result = await store.store_if_valid(Bid("lot", "ada", 1), slow)

        assert result.was_accepted

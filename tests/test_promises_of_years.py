"""Promises 10 and 11 of docs/guarantees.md: flat cost, and remembered for ever."""

from __future__ import annotations

from functools import partial
from uuid import UUID, uuid4

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from atomic_store import (
    Decision,
    IdempotencyConflict,
    JournalFailed,
    Result,
    ValidationRequest,
    open_store,
)
from atomic_store import scope as scope_module
from atomic_store.journal.memory import open_memory_journal
from bids import Bid, Call, accept, bids, higher, lot_of, paused
from slow_journals import hold_back

FAILURE = JournalFailed("fdatasync", "journal", "buy another disk")


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

    async def test_while_another_round_is_open(self) -> None:
        """A duplicate waits for the disk, and for no round."""
        id_, bid = uuid4(), Bid("lot", "ada", 1)
        async with bids() as (store, journal), trio.open_nursery() as nursery:
            with paused(journal):
                first = Call(nursery, partial(store.store_if_valid, bid, accept, proposal_id=id_))
                await wait_all_tasks_blocked()
                async with store.consider(Bid("lot", "bob", 2)):
                    again = Call(
                        nursery, partial(store.store_if_valid, bid, refuse_to_run, proposal_id=id_)
                    )
                    await wait_all_tasks_blocked()
                    assert (False, False) == (first.is_over, again.is_over)
                    journal.resume()
                    await wait_all_tasks_blocked()

                    assert again.result.is_duplicate
                    assert again.result.records == first.result.records

    async def test_not_forgotten_while_somebody_is_looked_up(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """However much was admitted while a proposal was looked up, its equal is known."""
        monkeypatch.setattr(scope_module, "IDS_KEPT", 0)
        id_, bid = uuid4(), Bid("lot", "ada", 1)

        async with bids() as (store, _), trio.open_nursery() as nursery:
            # The first is told that it is new, the second not yet.
            held_back = hold_back(store, "find", answers=1)
            calls = []
            async with store.consider(Bid("lot", "first", 1)) as request:
                for _ in range(2):
                    propose = partial(store.store_if_valid, bid, accept, proposal_id=id_)
                    calls.append(Call(nursery, propose))
                    await wait_all_tasks_blocked()
                await request.respond(request.accept())
            for n in range(3):
                await store.store_if_valid(Bid("lot", "bob", n), accept)
            held_back.go.set()
            await wait_all_tasks_blocked()

            assert [call.result.is_duplicate for call in calls] == [False, True]
            assert len(await store.query_events("lot")) == 5

    async def test_not_forgotten_while_somebody_waits(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """However much was admitted in between, the second of two equal proposals is known."""
        monkeypatch.setattr(scope_module, "IDS_KEPT", 0)
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
            other = Call(
                nursery,
                partial(store.store_if_valid, Bid("lot", "ada", 2), accept, proposal_id=id_),
            )
            await wait_all_tasks_blocked()
            assert other.is_over is not pending
            journal.resume()
            await wait_all_tasks_blocked()
            assert call.result.was_accepted
            assert type(other.error) is IdempotencyConflict
            assert "at position 1, with another event" in str(other.error)
            assert len(await store.query_events("lot")) == 1

    async def test_another_event_that_waits(self) -> None:
        """A conflict that shows only when its turn comes is told to who waits, and nobody else."""
        id_ = uuid4()
        async with bids() as (store, _), trio.open_nursery() as nursery:
            async with store.consider(Bid("lot", "ada", 1), proposal_id=id_) as request:
                calls = []
                for n in (1, 2, 3):
                    propose = partial(
                        store.store_if_valid,
                        Bid("lot", "ada", n),
                        accept,
                        proposal_id=id_ if n < 3 else None,
                    )
                    calls.append(Call(nursery, propose))
                    await wait_all_tasks_blocked()
                await request.respond(request.accept())
            await wait_all_tasks_blocked()

            assert calls[0].result.is_duplicate
            assert type(calls[1].error) is IdempotencyConflict
            assert calls[2].result.records[0].sequence == 2

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

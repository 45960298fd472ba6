"""The store's interface: arguments, results, reading, and how it ends."""

from __future__ import annotations

import gc
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import pytest
import trio
from trio.testing import assert_checkpoints, wait_all_tasks_blocked

from atomic_store import (
    Decision,
    InvalidEvent,
    JsonEvent,
    Outcome,
    PastNotLoaded,
    ScopeEnd,
    ValidationRequest,
    open_store,
)
from atomic_store.proposal import TaskProposal
from bids import HIGHEST, Bid, Call, accept, accept_slowly, bids, higher, paused

BID = Bid("lot", "ada", 1)


def anything(request: ValidationRequest[JsonEvent]) -> Decision:
    return request.accept()


class TestStoreIfValid:
    @pytest.mark.parametrize("validate", [accept, accept_slowly])
    async def test_accepted(self, validate: Any) -> None:
        """An accepted event is stored, and the result shows it last."""
        async with bids() as (store, _):
            await store.store_if_valid(Bid("lot", "bob", 3), validate)
            with assert_checkpoints():
                result = await store.store_if_valid(BID, validate, metadata={"trace": "t-1"})
            stored = await store.query_events("lot")

        assert (result.outcome, result.was_accepted) == (Outcome.ACCEPTED, True)
        assert (result.timed_out, result.is_duplicate) == (False, False)
        assert (result.scope, result.prospective_event) == ("lot", BID)
        assert list(result.stored_events) == [Bid("lot", "bob", 3), BID]
        (record,) = result.records
        assert record == stored[1]
        assert (record.position, record.sequence, record.scope) == (2, 2, "lot")
        assert (record.type, record.version, record.part) == ("Bid", 1, (1, 1))
        assert (record.event, record.metadata, record.meta) == (BID, {"trace": "t-1"}, None)
        assert record.proposal_id == result.proposal_id
        assert record.proposal_id.version == 7
        assert record.at.tzinfo is not None
        assert stored[0].at <= record.at
        assert record.data == b'{"lot":"lot","bidder":"ada","cents":1}'

    async def test_rejected(self) -> None:
        """A rejected event is not stored; the result says why."""

        def refuse(request: ValidationRequest[Bid]) -> Decision:
            return request.reject("never", meta={"a": [1, None]})

        async with bids() as (store, _):
            await store.store_if_valid(BID, accept)
            result = await store.store_if_valid(BID, refuse)

        assert (result.outcome, result.was_accepted) == (Outcome.REJECTED, False)
        assert (result.reason, result.meta, result.records) == ("never", {"a": [1, None]}, ())
        assert list(result.stored_events) == [BID]

    async def test_others_in_its_place(self) -> None:
        """A decision may store other events than the one proposed."""

        def clamp(request: ValidationRequest[Bid]) -> Decision:
            return request.accept(events=(Bid("lot", "ada", n) for n in (10, 11)), meta="clamped")

        async with bids() as (store, _):
            result = await store.store_if_valid(Bid("lot", "ada", 99), clamp)

        assert [record.event.cents for record in result.records] == [10, 11]
        assert (result.prospective_event.cents, result.meta) == (99, "clamped")

    async def test_validator_that_raises(self) -> None:
        """Its exception leaves the call as itself; nothing is stored, the next one goes on."""

        class Odd(Exception):
            pass

        odd = Odd()

        def fail(request: ValidationRequest[Bid]) -> Decision:
            raise odd

        async def fail_slowly(request: ValidationRequest[Bid]) -> Decision:
            await trio.lowlevel.checkpoint()
            raise odd

        async with bids() as (store, _):
            for validate in (fail, fail_slowly):
                with pytest.raises(Odd) as caught:
                    await store.store_if_valid(BID, validate)
                assert caught.value is odd
            assert await store.query_events("lot") == []
            assert (await store.store_if_valid(BID, accept)).was_accepted
            assert store.statistics().raised == 2

    @pytest.mark.parametrize("answer", [True, None, "accept", 0])
    async def test_no_decision(self, answer: object) -> None:
        """Anything but a decision of this request is a TypeError."""

        def wrong(request: ValidationRequest[Bid]) -> Any:
            return answer

        async def wrong_slowly(request: ValidationRequest[Bid]) -> Any:
            return answer

        async with bids() as (store, _):
            for validate in (wrong, wrong_slowly):
                with pytest.raises(TypeError, match=r"gives request\.accept"):
                    await store.store_if_valid(BID, validate)

    async def test_decision_of_another_request(self) -> None:
        """A decision that was made for another round decides nothing."""
        kept: list[Decision] = []

        def keep(request: ValidationRequest[Bid]) -> Decision:
            kept.append(request.accept())
            return kept[0]

        async with bids() as (store, _):
            await store.store_if_valid(BID, keep)
            with pytest.raises(TypeError, match="expected a decision of round 2"):
                await store.store_if_valid(BID, keep)

    async def test_its_own_object_is_not_shown(self) -> None:
        """What validators see was decoded from the stored bytes."""
        async with open_store(":memory:", events=None) as store:
            data = {"n": [1]}

            def mutate(request: ValidationRequest[JsonEvent]) -> Decision:
                request.prospective_event.data["n"].append(2)
                return request.accept()

            result = await store.store_if_valid(JsonEvent("E", data), mutate, scope="s")
            past = result.stored_events[0]
            past.data["n"].append(3)

            assert data == {"n": [1]}
            assert result.records[0].data == b'{"n":[1]}'
            assert result.stored_events[0].data == {"n": [1]}


class TestMemory:
    @pytest.mark.parametrize("validate", [accept, accept_slowly, higher])
    async def test_nothing_is_left_of_a_proposal(self, validate: Any) -> None:
        """A proposal is gone when its call is over, without the garbage collector's help."""

        def proposals() -> int:
            return sum(isinstance(thing, TaskProposal) for thing in gc.get_objects())

        async with bids() as (store, _):
            gc.collect()
            # A test before this one may have kept some, in a log or a traceback.
            before = proposals()
            gc.disable()
            try:
                for _ in range(10):
                    await store.store_if_valid(BID, validate)
                await wait_all_tasks_blocked()
                left = proposals()
            finally:
                gc.enable()

        assert left == before


class TestArguments:
    async def test_scope(self) -> None:
        """The scope comes from the call or from `scope_of`; it must be a good name."""
        async with open_store(":memory:", events=None) as store:
            with pytest.raises(TypeError, match="no scope_of"):
                await store.store_if_valid(JsonEvent("E", 1), anything)
            names = ["a", "é" * 256, "../../etc/passwd", "\n", "😀", " "]
            for name in names:
                await store.store_if_valid(JsonEvent("E", 1), anything, scope=name)
            assert [end.scope for end in await store.scopes()] == sorted(names)
            for bad in ("", "é" * 257, "a\0", "\ud800", "x" * 65536, 7):
                with pytest.raises(InvalidEvent, match="scope: expected"):
                    await store.store_if_valid(JsonEvent("E", 1), anything, scope=bad)  # type: ignore[arg-type]  # the point

    async def test_call_scope_counts(self) -> None:
        """A scope given with the call takes precedence."""
        async with bids() as (store, _):
            result = await store.store_if_valid(BID, accept, scope="elsewhere")

        assert result.scope == "elsewhere"

    @pytest.mark.parametrize("metadata", [[1], "x", {1: 2}, {"a": float("nan")}, {"a": {1}}])
    async def test_metadata(self, metadata: Any) -> None:
        """Metadata is a JSON object; else nothing is stored."""
        async with bids() as (store, _):
            with pytest.raises(InvalidEvent, match="metadata"):
                await store.store_if_valid(BID, accept, metadata=metadata)
            assert dict(store.live_scopes()) == {}

    async def test_large_metadata(self) -> None:
        """Metadata is as limited as an event."""
        async with bids(event_bytes_max=100) as (store, _):
            with pytest.raises(InvalidEvent, match=r"at most 100 bytes \(event_bytes_max\)"):
                await store.store_if_valid(BID, accept, metadata={"a": "x" * 100})

    async def test_others(self) -> None:
        """Ids and timeouts are checked before anything waits."""
        async with bids() as (store, _):
            with pytest.raises(TypeError, match=r"proposal_id: expected a uuid\.UUID"):
                await store.store_if_valid(BID, accept, proposal_id="x")  # type: ignore[arg-type]  # the point
            with pytest.raises(ValueError, match="validation_timeout: expected seconds above 0"):
                await store.store_if_valid(BID, accept, validation_timeout=0)
            with pytest.raises(ValueError, match=r"accept|events"):
                await store.store_if_valid(BID, lambda r: r.accept(events=[]))
            with pytest.raises(ValueError, match="found both"):
                await store.store_if_valid(BID, lambda r: r.accept(BID, events=[BID]))
            with pytest.raises(TypeError, match="reason: expected a string"):
                await store.store_if_valid(BID, lambda r: r.reject(7))  # type: ignore[arg-type]  # the point

    async def test_limits(self) -> None:
        """Decisions that are too large are refused, and nothing is stored."""
        async with bids(decision_events_max=2, decision_bytes_max=100) as (store, _):
            with pytest.raises(InvalidEvent, match=r"at most 2 events .* found 3"):
                await store.store_if_valid(BID, lambda r: r.accept(BID, BID, BID))
            with pytest.raises(InvalidEvent, match="at most 100 bytes of events"):
                await store.store_if_valid(BID, lambda r: r.accept(BID, Bid("lot", "a" * 80, 1)))
            assert await store.query_events("lot") == []

    @pytest.mark.parametrize(
        "option",
        [
            "validation_timeout",
            "max_waiting",
            "idle_after",
            "live_scopes_max",
            "past_bytes_max",
            "event_bytes_max",
            "decision_events_max",
            "decision_bytes_max",
        ],
    )
    def test_options(self, option: str) -> None:
        """Every limit must be above 0."""
        with pytest.raises(ValueError, match=f"{option}: expected a number above 0, found 0"):
            open_store(":memory:", events=Bid, **{option: 0})  # type: ignore[call-overload]  # the point

    def test_state(self) -> None:
        """What is given as `state` must be a fold."""
        with pytest.raises(TypeError, match="state: expected a Fold"):
            open_store(":memory:", events=Bid, state=0)  # type: ignore[call-overload]  # the point


class TestFold:
    async def test_past_is_not_read(self) -> None:
        """With a fold the past is read only when asked for; touching it before says so."""
        async with bids(state=HIGHEST) as (store, _):
            for n in (5, 9):
                result = await store.store_if_valid(Bid("lot", "ada", n), accept)
            with pytest.raises(PastNotLoaded, match="query_events"):
                assert result.stored_events

            async def look(request: ValidationRequest[Bid]) -> Decision:
                with pytest.raises(PastNotLoaded, match="load_past"):
                    assert request.past_events
                with pytest.raises(PastNotLoaded):
                    assert request.past_records
                past = await request.load_past()
                assert [bid.cents for bid in past] == [5, 9]
                assert past == request.past_events
                return request.accept()

            await store.store_if_valid(Bid("lot", "ada", 1), look)
            assert store.statistics().past_bytes == 0

    async def test_long_past(self) -> None:
        """The state of a scope that comes back to life is folded from all its records."""
        async with bids(state=HIGHEST, live_scopes_max=1) as (store, _):
            async with trio.open_nursery() as nursery:
                for n in range(600):
                    nursery.start_soon(store.store_if_valid, Bid("lot", "ada", n), accept)
            await store.store_if_valid(Bid("other", "ada", 1), accept)
            async with store.consider(BID) as request:
                assert (request.state, request.sequence) == (599, 600)


class TestQueries:
    async def test_bounds(self) -> None:
        """Records are chosen by sequence; whatever lies outside is simply not there."""
        async with bids() as (store, _):
            for n in range(1, 11):
                await store.store_if_valid(Bid("lot", "ada", n), accept)

            async def query(**bounds: int) -> list[int]:
                return [record.sequence for record in await store.query_events("lot", **bounds)]

            assert await query() == [*range(1, 11)]
            assert await query(after=7) == [8, 9, 10]
            assert await query(before=3) == [1, 2]
            assert await query(after=2, before=5) == [3, 4]
            assert await query(last=2) == [9, 10]
            assert await query(last=2, before=5) == [3, 4]
            assert await query(limit=2, after=4) == [5, 6]
            assert await query(limit=0) == []
            assert await query(after=5, before=5) == []
            assert await query(after=99) == []
            assert await query(before=0) == []
            assert await query(last=0) == []
            assert await store.query_events("unknown") == []
            for bounds in ({"after": -1}, {"limit": True}, {"last": 1, "limit": 1}):
                with pytest.raises(ValueError, match="expected"):
                    await query(**bounds)

    async def test_while_a_round_is_open(self) -> None:
        """A query does not wait for an open round."""
        async with bids() as (store, _):
            await store.store_if_valid(BID, accept)
            async with store.consider(BID):
                with assert_checkpoints():
                    assert len(await store.query_events("lot")) == 1

    async def test_scopes(self) -> None:
        """All scopes ever used, in pages."""
        async with bids() as (store, _):
            for lot in ("b", "a1", "a2", "a3"):
                await store.store_if_valid(Bid(lot, "ada", 1), accept)
            assert [end.scope for end in await store.scopes("a")] == ["a1", "a2", "a3"]
            page = await store.scopes(after="a1", limit=2)
            assert [end.scope for end in page] == ["a2", "a3"]
            assert page[0] == ScopeEnd("a2", 1, 3, page[0].at)

    async def test_outcome_while_pending(self) -> None:
        """The outcome of a proposal on its way to the disk is told when it is there."""
        id_ = uuid4()
        async with bids() as (store, journal), trio.open_nursery() as nursery:
            with paused(journal):
                Call(nursery, partial(store.store_if_valid, BID, accept, proposal_id=id_))
                await wait_all_tasks_blocked()
                call = Call(nursery, partial(store.outcome, id_, scope="lot"))
                await wait_all_tasks_blocked()
                assert not call.is_over
            await wait_all_tasks_blocked()
            assert call.result.was_accepted

    async def test_outcome_of_replaced_events(self) -> None:
        """Where others took its place, the proposed event is not known any more."""
        id_ = uuid4()
        async with bids() as (store, _):
            await store.store_if_valid(
                BID, lambda r: r.accept(Bid("lot", "house", 2)), proposal_id=id_
            )
            outcome = await store.outcome(id_, scope="lot")

        assert outcome is not None
        event: Any = outcome.prospective_event
        assert event is None
        assert outcome.records[0].event.bidder == "house"

    async def test_statistics(self) -> None:
        """Everything that happens is counted."""
        async with bids() as (store, _):
            await store.store_if_valid(BID, accept, proposal_id=UUID(int=1))
            await store.store_if_valid(BID, accept, proposal_id=UUID(int=1))
            await store.store_if_valid(BID, higher)
            async with store.consider(BID):
                statistics = store.statistics()

        assert (statistics.rounds, statistics.accepted, statistics.rejected) == (3, 1, 1)
        assert (statistics.duplicates, statistics.records, statistics.live_scopes) == (1, 1, 1)

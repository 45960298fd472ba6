"""Scope actors and their supervisor: idle ones go, crashed ones are replaced."""

from __future__ import annotations

from functools import partial
from typing import Any
from uuid import uuid4

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from atomic_store import (
    Decision,
    Fold,
    JournalCorrupt,
    ValidationRequest,
    open_store,
)
from atomic_store.journal import StoredRecord
from atomic_store.journal.memory import MemoryJournal
from bids import HIGHEST, Bid, Call, accept, accept_slowly, bids, higher, lot_of, paused
from schedules import seeded


class TestIdleScopes:
    async def test_state_is_intact(self, autojump_clock: MockClock) -> None:
        """A scope that went and comes back has its state."""
        async with bids(state=HIGHEST, idle_after=10) as (store, _):
            await store.store_if_valid(Bid("lot", "ada", 7), accept)
            await trio.sleep(11)
            assert dict(store.live_scopes()) == {}
            async with store.consider(Bid("lot", "bob", 8)) as request:
                assert (request.state, request.sequence) == (7, 1)

    async def test_work_keeps_it_live(self, autojump_clock: MockClock) -> None:
        """The time runs from the last work; an open round and waiters keep a scope."""
        async with bids(idle_after=10, validation_timeout=100) as (store, _):
            for _ in range(3):
                await store.store_if_valid(Bid("lot", "ada", 7), accept)
                await trio.sleep(9)
            async with store.consider(Bid("lot", "bob", 8)):
                await trio.sleep(50)
                assert list(store.live_scopes()) == ["lot"]
            await trio.sleep(9)
            assert list(store.live_scopes()) == ["lot"]
            await trio.sleep(2)
            assert dict(store.live_scopes()) == {}

    async def test_pending_records_keep_it_live(self, autojump_clock: MockClock) -> None:
        """A scope with records that are not durable does not go."""
        async with bids(idle_after=10) as (store, journal), trio.open_nursery() as nursery:
            with paused(journal):
                call = Call(nursery, partial(store.store_if_valid, Bid("lot", "ada", 7), accept))
                await trio.sleep(20)
                assert list(store.live_scopes()) == ["lot"]
            await trio.sleep(11)
            assert call.result.was_accepted
            assert dict(store.live_scopes()) == {}

    async def test_the_longest_idle_one_goes_first(self) -> None:
        """Beyond `live_scopes_max` the scope that was idle for longest goes."""
        async with bids(live_scopes_max=3) as (store, _):
            for lot in ("a", "b", "c", "a", "d"):
                await store.store_if_valid(Bid(lot, "ada", 7), accept)
                await wait_all_tasks_blocked()
            assert sorted(store.live_scopes()) == ["a", "c", "d"]

    async def test_busy_ones_stay(self) -> None:
        """Scopes with open rounds are live beyond the limit."""
        async with bids(live_scopes_max=1) as (store, _):
            async with store.consider(Bid("a", "ada", 1)), store.consider(Bid("b", "ada", 1)):
                await store.store_if_valid(Bid("c", "ada", 7), accept)
                await store.store_if_valid(Bid("d", "ada", 7), accept)
                assert {"a", "b"} <= set(store.live_scopes())

    @pytest.mark.parametrize("seed", range(8))
    def test_two_reasons_to_go(self, seed: int) -> None:
        """A scope that has been idle for long enough when room is made for another goes once."""

        async def main() -> None:
            async with bids(idle_after=10, live_scopes_max=1) as (store, _):
                await store.store_if_valid(Bid("a", "ada", 1), accept)
                await trio.sleep(10)
                await store.store_if_valid(Bid("b", "ada", 1), accept)
                assert list(store.live_scopes()) == ["b"]

        with seeded(seed):
            trio.run(main, clock=MockClock(autojump_threshold=0))

    async def test_memory_of_the_past(self) -> None:
        """Beyond `past_bytes_max` idle scopes go, and what they kept is not counted any more."""
        async with bids(past_bytes_max=200) as (store, _):
            for n in range(40):
                await store.store_if_valid(Bid(f"lot-{n}", "ada", 7), accept)
                await wait_all_tasks_blocked()
            assert len(store.live_scopes()) <= 6
            assert store.statistics().past_bytes <= 250
            for _ in range(50):
                await store.store_if_valid(Bid("long", "ada", 7), accept)
            assert store.statistics().past_bytes >= 1900


DAMAGE = JournalCorrupt("journal/1.jsonl", 77, "crc 0", "crc 1")


class UnreadableJournal(MemoryJournal):
    """A journal in which one scope is damaged."""

    async def read_scope(
        self,
        scope: str,
        *,
        first: int = 1,
        last: int | None = None,
        limit: int | None = None,
        reverse: bool = False,
    ) -> list[StoredRecord]:
        if scope == "damaged":
            raise DAMAGE
        return await super().read_scope(scope, first=first, last=last, limit=limit, reverse=reverse)

    async def find(self, scope: str, proposal_id: str) -> tuple[StoredRecord, ...]:
        if scope == "damaged":
            raise DAMAGE
        return await super().find(scope, proposal_id)


class SlowJournal(UnreadableJournal):
    """A journal in which reading waits until it is told to go on."""

    async def read_scope(
        self,
        scope: str,
        *,
        first: int = 1,
        last: int | None = None,
        limit: int | None = None,
        reverse: bool = False,
    ) -> list[StoredRecord]:
        if scope in ("slow", "damaged"):
            await self.go_on.wait()
        return await super().read_scope(scope, first=first, last=last, limit=limit, reverse=reverse)

    go_on = trio.Event()


class TestUnreadablePast:
    @pytest.mark.parametrize("lot", ["slow", "damaged"])
    async def test_not_retired_while_it_is_read(self, lot: str) -> None:
        """A scope whose past is being read does not go to make room, though nobody waits."""
        journal = SlowJournal()
        journal.go_on = trio.Event()
        options: dict[str, Any] = {"events": Bid, "scope_of": lot_of, "live_scopes_max": 1}
        async with open_store(journal, **options) as store, trio.open_nursery() as nursery:
            call = Call(nursery, partial(store.store_if_valid, Bid(lot, "ada", 1), accept))
            await wait_all_tasks_blocked()
            call.scope.cancel()
            await wait_all_tasks_blocked()
            await store.store_if_valid(Bid("other", "ada", 1), accept)
            assert lot in store.live_scopes()
            journal.go_on.set()
            await wait_all_tasks_blocked()
            await store.store_if_valid(Bid("other", "ada", 1), accept)

    async def test_damage(self) -> None:
        """A scope whose past is damaged refuses, each time; the others go on."""
        async with open_store(UnreadableJournal(), events=Bid, scope_of=lot_of) as store:
            for _ in range(2):
                with pytest.raises(
                    JournalCorrupt, match=r"journal/1\.jsonl is damaged at offset 77"
                ):
                    await store.store_if_valid(Bid("damaged", "ada", 1), accept)
            with pytest.raises(JournalCorrupt):
                await store.store_if_valid(Bid("damaged", "a", 1), accept, proposal_id=uuid4())
            assert dict(store.live_scopes()) == {}
            assert store._supervisor.scopes == {}
            assert (await store.store_if_valid(Bid("lot", "ada", 1), accept_slowly)).was_accepted

    async def test_each_caller_has_an_error_of_its_own(self) -> None:
        """Several who wait for a damaged past do not share one exception."""
        async with (
            open_store(UnreadableJournal(), events=Bid, scope_of=lot_of) as store,
            trio.open_nursery() as nursery,
        ):
            bid = Bid("damaged", "ada", 1)
            calls = [Call(nursery, partial(store.store_if_valid, bid, accept)) for _ in range(3)]
            await wait_all_tasks_blocked()

        assert len({id(call.error) for call in calls}) == 3
        assert {str(call.error) for call in calls} == {str(DAMAGE)}

    async def test_fold_that_raises(self) -> None:
        """If the fold raises for a new event, the caller gets that, and nothing is stored."""

        def evolve(best: int, bid: Bid) -> int:
            if bid.cents == 13:
                raise ZeroDivisionError
            return best + bid.cents

        async with bids(state=Fold(0, evolve)) as (store, _):
            await store.store_if_valid(Bid("lot", "ada", 1), accept)
            with pytest.raises(ZeroDivisionError):
                await store.store_if_valid(Bid("lot", "ada", 13), accept)
            assert [1] == [record.event.cents for record in await store.query_events("lot")]
            async with store.consider(Bid("lot", "ada", 2)) as request:
                assert (request.state, request.sequence) == (1, 1)
                assert (await request.respond(request.accept())).records[0].sequence == 2


class TestPlainRounds:
    async def test_others_get_their_turn(self) -> None:
        """Between two checkpoints at most 64 plain functions run."""
        runs = 0
        steps: list[int] = []

        def count(request: ValidationRequest[Bid]) -> Decision:
            nonlocal runs
            runs += 1
            return request.accept()

        class Watch(trio.abc.Instrument):
            before = 0

            def before_task_step(self, task: trio.lowlevel.Task) -> None:
                self.before = runs

            def after_task_step(self, task: trio.lowlevel.Task) -> None:
                steps.append(runs - self.before)

        async with bids() as (store, _), trio.open_nursery() as nursery:
            async with store.consider(Bid("lot", "ada", 1)):
                for n in range(1000):
                    nursery.start_soon(store.store_if_valid, Bid("lot", "ada", n), count)
                await wait_all_tasks_blocked()
                watch = Watch()
                trio.lowlevel.add_instrument(watch)
            await wait_all_tasks_blocked()
            trio.lowlevel.remove_instrument(watch)

        assert runs == 1000
        assert max(steps) == 64

    async def test_context(self) -> None:
        """A validator runs in its caller's context variables."""
        import contextvars

        who: contextvars.ContextVar[str] = contextvars.ContextVar("who", default="nobody")
        seen: list[str] = []

        def look(request: ValidationRequest[Bid]) -> Decision:
            seen.append(who.get())
            return higher(request)

        async def look_slowly(request: ValidationRequest[Bid]) -> Decision:
            return look(request)

        async with bids() as (store, _):
            for name, validate in (("ada", look), ("bob", look_slowly)):
                who.set(name)
                await store.store_if_valid(Bid("lot", name, 1), validate)

        assert seen == ["ada", "bob"]

"""Actors that crash: what ends, what goes on, and who is told."""

from __future__ import annotations

from functools import partial
from uuid import uuid4

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from atomic_store import ScopeFailed
from atomic_store.actor import Actor
from atomic_store.admission import Admission, Round
from atomic_store.proposal import Proposal
from bids import HIGHEST, Bid, Call, accept, accept_slowly, bids, paused
from slow_journals import hold_back


class TestCrash:
    @pytest.fixture
    def crash(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Let the actor crash when it has opened a round for the bidder "crash"."""
        original = Admission.open

        def crashing(
            self: Admission[Proposal], *, number: int, now: float, deadline: float
        ) -> Round[Proposal]:
            round_ = original(self, number=number, now=now, deadline=deadline)
            round_.proposal.round_token = round_.token
            if round_.proposal.event.bidder == "crash":
                raise KeyError("bug")
            return round_

        monkeypatch.setattr(Admission, "open", crashing)

    @pytest.mark.usefixtures("crash")
    async def test_ends_only_its_round(self) -> None:
        """The round's caller gets ScopeFailed; the waiting keep their places and go on."""
        async with bids() as (store, _), trio.open_nursery() as nursery:
            calls = []
            async with store.consider(Bid("lot", "first", 1)) as request:
                for name in ("a", "crash", "b", "c"):
                    bid = Bid("lot", name, 1)
                    calls.append(Call(nursery, partial(store.store_if_valid, bid, accept)))
                    await wait_all_tasks_blocked()
                other = await store.store_if_valid(Bid("other", "ada", 1), accept)
                await request.respond(request.accept())
            await wait_all_tasks_blocked()

            assert other.was_accepted
            assert [type(call.error) for call in calls] == [
                type(None),
                ScopeFailed,
                type(None),
                type(None),
            ]
            assert isinstance(calls[1].error, ScopeFailed)
            assert isinstance(calls[1].error.__cause__, KeyError)
            stored = [record.event.bidder for record in await store.query_events("lot")]
            assert stored == ["first", "a", "b", "c"]
            assert store.statistics().crashed == 1

    @pytest.mark.usefixtures("crash")
    async def test_replacement_waits_for_the_disk(self) -> None:
        """The replacement opens its first round when pending records are durable."""
        async with bids(state=HIGHEST) as (store, journal), trio.open_nursery() as nursery:
            calls = []
            with paused(journal):
                for name in ("a", "crash", "b"):
                    bid = Bid("lot", name, 5)
                    calls.append(Call(nursery, partial(store.store_if_valid, bid, accept)))
                    await wait_all_tasks_blocked()
                assert store.statistics().rounds == 1
                assert [call.is_over for call in calls] == [False] * 3
            await wait_all_tasks_blocked()

            assert type(calls[1].error) is ScopeFailed
            assert calls[2].result.records[0].sequence == 2
            async with store.consider(Bid("lot", "c", 9)) as request:
                assert (request.state, request.sequence) == (5, 2)

    @pytest.mark.usefixtures("crash")
    async def test_in_the_place_of_the_actor(self) -> None:
        """A crash while a caller opens a round is the actor's: only that round ends."""
        async with bids() as (store, _):
            await store.store_if_valid(Bid("lot", "ada", 1), accept)
            with pytest.raises(ScopeFailed, match="bug"):
                await store.store_if_valid(Bid("lot", "crash", 1), accept)
            with pytest.raises(ScopeFailed):
                await store.store_if_valid(Bid("lot", "crash", 1), accept_slowly)
            result = await store.store_if_valid(Bid("lot", "bob", 2), accept)

        assert result.records[0].sequence == 2

    @pytest.mark.usefixtures("crash")
    async def test_answering_does_not_suffer(self) -> None:
        """Who answers gets the result, though the next round crashes as it opens."""
        async with bids() as (store, _), trio.open_nursery() as nursery:
            async with store.consider(Bid("lot", "ada", 1)) as request:
                bid = Bid("lot", "crash", 1)
                crashed = Call(nursery, partial(store.store_if_valid, bid, accept))
                await wait_all_tasks_blocked()
                result = await request.respond(request.accept())
            await wait_all_tasks_blocked()

        assert result.was_accepted
        assert type(crashed.error) is ScopeFailed

    async def test_without_a_round(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """If the actor crashes outside of a round, all who wait are told; the next goes on."""
        async with bids() as (store, _), trio.open_nursery() as nursery:
            with monkeypatch.context() as patch:
                patch.setattr(Actor, "_open_rounds", fail_to_open)
                calls = []
                for n in range(2):
                    bid = Bid("lot", "ada", n)
                    calls.append(Call(nursery, partial(store.store_if_valid, bid, accept)))
                await wait_all_tasks_blocked()
            result = await store.store_if_valid(Bid("lot", "bob", 1), accept)

        assert [type(call.error) for call in calls] == [ScopeFailed, ScopeFailed]
        assert calls[0].error is not calls[1].error
        assert result.records[0].sequence == 1

    async def test_without_a_round_its_successor_waits(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A scope that crashed outside of a round is succeeded when pending records are durable."""
        async with bids() as (store, journal), trio.open_nursery() as nursery:
            await store.store_if_valid(Bid("lot", "ada", 1), accept)
            with paused(journal):
                calls = []
                for bidder in ("a", "b"):
                    bid = Bid("lot", bidder, 1)
                    calls.append(Call(nursery, partial(store.store_if_valid, bid, accept)))
                    await wait_all_tasks_blocked()
                with monkeypatch.context() as patch:
                    patch.setattr(Actor, "_open_rounds", fail_to_open)
                    store._supervisor.scopes["lot"].wake()
                    await wait_all_tasks_blocked()
                bid = Bid("lot", "c", 1)
                calls.append(Call(nursery, partial(store.store_if_valid, bid, accept)))
                await wait_all_tasks_blocked()
            await wait_all_tasks_blocked()
            result = await store.store_if_valid(Bid("lot", "d", 1), accept)

        assert [call.error for call in calls[:2]] == [None, None]
        assert type(calls[2].error) is ScopeFailed
        assert result.records[0].sequence == 4
        assert [bid.bidder for bid in result.stored_events] == ["ada", "a", "b", "d"]

    async def test_while_somebody_is_looked_up(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Who is looked up while the scope crashes goes on with its successor."""
        async with bids() as (store, _), trio.open_nursery() as nursery:
            await store.store_if_valid(Bid("lot", "ada", 1), accept)
            held_back = hold_back(store, "find")
            bid = Bid("lot", "bob", 1)
            call = Call(nursery, partial(store.store_if_valid, bid, accept, proposal_id=uuid4()))
            await wait_all_tasks_blocked()
            with monkeypatch.context() as patch:
                patch.setattr(Actor, "_open_rounds", fail_to_open)
                store._supervisor.scopes["lot"].wake()
                await wait_all_tasks_blocked()
            held_back.go.set()
            await wait_all_tasks_blocked()

        assert call.result.records[0].sequence == 2


async def fail_to_open(actor: Actor) -> None:
    """Crash, with nobody's round open."""
    await trio.lowlevel.checkpoint()
    raise KeyError("bug")

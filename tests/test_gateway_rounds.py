"""Rounds that are shown to a connection: one showing at a time, never behind its end."""

from __future__ import annotations

import json
from typing import Any

import pytest
from trio.testing import MockClock, wait_all_tasks_blocked

from atomic_store import Fold, JsonEvent
from atomic_store.gateway import Limits
from atomic_store.gateway.protocol.client_messages import Decide
from gateway_talk import House, Talk, admitted, an_id, bid, house, propose
from slow_journals import hold_back

SMALL = Limits(page_records=1, outbox_bytes=600)
"""One record fills the outbox of whoever takes nothing."""


async def with_a_past(here: House, count: int = 12) -> Talk:
    """Somebody who has proposed before."""
    ada = await here.connect()
    for cents in range(count):
        await admitted(ada, cents)
    ada.hear_all()
    return ada


async def test_nobody_has_seen_the_deadline(mock_clock: MockClock) -> None:
    """A decision behind the deadline is too late, also if nobody else has had a turn since."""
    async with house() as here:
        ada = await here.connect()
        ada.hear()
        id_ = await propose(ada)
        round_ = ada.heard("validate", id=id_)["round"]
        peer = ada.connection._peer
        assert peer is not None
        mock_clock.jump(5.1)
        refused = here.gateway._services.proposals.decide(
            peer, Decide(id=id_, round=round_, accept=True)
        )
        await wait_all_tasks_blocked()

        assert refused is not None
        assert (id_, round_, "stale_round", False) == (
            refused.id, refused.round, refused.code, refused.final,
        )  # fmt: skip
        ada.heard("result", id=id_, outcome="timed_out")
        assert [] == await here.store.query_events("lot/1")


class TestThePast:
    async def test_behind_the_deadline(self, mock_clock: MockClock) -> None:
        """A round that times out while its past is shown is shown no further."""
        async with house(limits=SMALL) as here:
            ada, ben = await with_a_past(here), await here.connect("ben")
            ben.hear()
            await propose(ada, past=False)
            id_ = await propose(ben, past=False, proposal_id=an_id(1))
            again = await here.connect("ben")
            again.gate.fill()
            id_ = await propose(again, proposal_id=an_id(1))
            await ada.say(type="decide", id=13, round="r-13", accept=False)
            mock_clock.jump(5.1)
            await wait_all_tasks_blocked()
            again.gate.empty()
            for _ in range(40):
                await wait_all_tasks_blocked()
            mine = [one["type"] for one in again.hear_all() if one.get("id") == id_]

            assert "result" == mine[-1]
            assert ["past"] * (len(mine) - 1) == mine[:-1]
            assert len(mine) < 13

    async def test_behind_over(self, mock_clock: MockClock) -> None:
        """The same for a validator: behind `over` comes nothing of that round."""
        async with house(limits=SMALL) as here:
            ada, judge = await with_a_past(here), await here.connect("judge")
            offer = await judge.ask("validate_for", prefix="")
            judge.hear_all()
            judge.gate.fill()
            await ada.ask("propose", scope="lot/1", event=bid(1))
            await wait_all_tasks_blocked()
            mock_clock.jump(5.1)
            judge.gate.empty()
            for _ in range(40):
                await wait_all_tasks_blocked()
            mine = [one["type"] for one in judge.hear_all() if one.get("id") == offer]

            assert "over" == mine[-1]
            assert ["past"] * (len(mine) - 1) == mine[:-1]

    async def test_over_only_what_was_shown(self, mock_clock: MockClock) -> None:
        """A round of which a validator has seen nothing does not end for it."""
        async with house() as here:
            ada, judge = await here.connect(), await here.connect("judge")
            await admitted(ada, 1)
            await judge.ask("validate_for", prefix="")
            judge.hear_all()
            slow = hold_back(here.store, "read_scope")
            await ada.ask("propose", scope="lot/1", event=bid(2))
            mock_clock.jump(5.1)
            await wait_all_tasks_blocked()
            slow.go.set()
            await wait_all_tasks_blocked()

            assert [] == judge.hear_all()
            assert "timed_out" == ada.hear_all()[-1]["outcome"]

    @pytest.mark.parametrize("is_own", [True, False])
    async def test_needed_while_it_is_sent(self, is_own: bool) -> None:
        """Asked for again while it is sent, it begins anew, and the question comes once."""
        async with house() as here:
            ada = await with_a_past(here, 30)
            offer = await ada.ask("validate_for", prefix="")
            slow = hold_back(here.store, "read_scope", answers=1)
            members = {"decide": "self", "past": False} if is_own else {}
            id_ = await ada.ask("propose", scope="lot/1", event=bid(1), **members)
            to, held = (id_, 20) if is_own else (offer, 16)
            if is_own:
                ada.heard("validate", id=id_)
                await ada.say(type="need", id=id_, round="r-31", known=4)
                ada.heard("past", id=id_, after=4, through=20)
            else:
                ada.heard("past", id=offer, after=0, through=16)
            await ada.say(type="need", id=to, round="r-31", known=held)
            slow.go.set()
            await wait_all_tasks_blocked()

            ada.heard("past", id=to, after=held, through=30)
            ada.heard("validate", id=to, sequence=30)
            assert [] == ada.hear_all()

    async def test_room_is_waited_for(self) -> None:
        """Rounds are put on their way to a validator only as far as it takes them."""
        async with house(limits=Limits(outbox_bytes=5_000)) as here:
            ada, judge = await here.connect(), await here.connect("judge")
            await judge.ask("validate_for", prefix="", rounds=64)
            judge.gate.fill()
            event = {"type": "Bid", "data": "x" * 4_000}
            for n in range(20):
                await ada.ask("propose", scope=f"lot/{n}", event=event)
            assert judge.connection._peer is not None
            assert judge.connection._peer.outbox.size < 10_000
            judge.gate.empty()
            for _ in range(40):
                await wait_all_tasks_blocked()

            assert 20 == judge.hear_types().count("validate")


class TestDeciding:
    async def test_before_it_was_asked(self) -> None:
        """Whoever guesses a round's name decides nothing before it was shown the whole past."""
        async with house() as here:
            ada = await with_a_past(here, 1)
            await propose(ada, 2, past=False)
            id_ = await propose(ada, 3, past=False)
            here.journal.pause()
            await ada.say(type="decide", id=2, round="r-2", accept=True)
            ada.hear_all()
            await ada.say(type="decide", id=id_, round="r-3", accept=True)
            ada.heard("error", id=id_, code="stale_round", final=False)
            here.journal.resume()
            await wait_all_tasks_blocked()
            ada.heard("result", id=2)
            ada.heard("validate", id=id_, round="r-3", sequence=2)

    @pytest.mark.parametrize("error", [LookupError, ValueError, TypeError])
    @pytest.mark.parametrize("is_own", [True, False])
    async def test_a_fold_that_raises(self, error: type[Exception], is_own: bool) -> None:
        """What the application's own code raises ends the round for its proposer alone."""

        def evolve(state: int, event: JsonEvent) -> int:
            if event.data["cents"] == 13:
                raise error("the secret table")
            return state

        fold: Fold[int, JsonEvent] = Fold(0, evolve, state_type=int)
        async with house(state=fold) as here:
            ada, judge = await here.connect(), await here.connect("judge")
            offer = await judge.ask("validate_for", prefix="")
            ada.hear()
            decider, to = (ada, 1) if is_own else (judge, offer)
            members = {"decide": "self"} if is_own else {}
            for cents in (13, 14):
                id_ = await ada.ask("propose", scope="lot/1", event=bid(cents), **members)
                to = id_ if is_own else offer
                name = decider.hear_all()[-1]["round"]
                await decider.say(type="decide", id=to, round=name, accept=True)
                if cents == 13:
                    message = ada.heard("error", id=id_, code="internal")["message"]
                    assert "secret" not in message
            ada.heard("result", id=2, accepted=True)
            assert not judge.is_over.is_set()

    async def test_events_of_another_scope(self) -> None:
        """Where the store tells scopes from events, others do not get into one by way of it."""
        async with house(scope_of=lambda event: f"lot/{event.data['cents']}") as here:
            ada = await here.connect()
            ada.hear()
            await ada.ask("propose", scope="lot/1", decide="self", event=bid(2))
            ada.heard("error", code="invalid_event")
            id_ = await ada.ask("propose", scope="lot/1", decide="self", event=bid(1))
            name = ada.heard("validate")["round"]
            await ada.say(type="decide", id=id_, round=name, events=[bid(2)])
            ada.heard("error", code="invalid_event", final=False)
            await ada.say(type="decide", id=id_, round=name, events=[bid(1), bid(1)])
            assert 2 == len(ada.heard("result", accepted=True)["records"])


class TestSizes:
    async def test_a_state_that_fits_no_message(self) -> None:
        """A round whose state is larger than a message is not shown, and its proposer told why."""
        fold: Fold[str, JsonEvent] = Fold("", lambda s, e: s + e.data["cents"], state_type=str)
        async with house(state=fold, limits=Limits(message_bytes=10_000)) as here:
            ada = await here.connect()
            large: Any = "x" * 6_000
            for _ in range(2):
                await admitted(ada, large)
            ada.hear_all()
            id_ = await propose(ada, past=False, state=True)
            ada.heard("error", id=id_, code="too_large", final=None)
            await propose(ada, past=False)
            ada.heard("validate")

    async def test_a_reason_that_fits_no_message(self) -> None:
        """What a decision said is told as far as it fits a message."""
        async with house(limits=Limits(message_bytes=2_000)) as here:
            ada = await here.connect()
            ada.hear()
            for meta, reason in (("m" * 900, "r"), (None, "r")):
                id_ = await propose(ada)
                name = ada.heard("validate")["round"]
                decision: dict[str, Any] = {
                    "type": "decide", "id": id_, "round": name, "accept": False, "meta": meta,
                }  # fmt: skip
                reason *= 2_000 - len(_compact(decision)) - len(',"reason":""')
                await ada.say_text(_compact({**decision, "reason": reason}))
                told = ada.heard("result", id=id_, outcome="rejected")
                assert reason.startswith(told["reason"])
                assert len(_compact(told)) <= 2_000


def _compact(message: dict[str, Any]) -> str:
    return json.dumps(message, separators=(",", ":"))

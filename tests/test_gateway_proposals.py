"""Proposals over the wire that their proposers decide."""

from __future__ import annotations

import pytest
from trio.testing import MockClock, wait_all_tasks_blocked

from atomic_store.gateway import Principal
from atomic_store.gateway.peer import Peer
from gateway_talk import ALL_RIGHTS, Talk, admitted, an_id, bid, house, left_over, propose
from slow_journals import hold_back


async def test_a_round() -> None:
    """A proposer is asked, answers, and is told what was stored, with the stamps of who did it."""
    async with house() as here:
        ada = await here.connect()
        ada.heard("welcome", protocol=1, principal="ada", position=0, store=here.store.history)
        id_ = await propose(ada, proposal_id=an_id(1), metadata={"correlation": "c-9"})
        shown = ada.heard("validate", id=id_, sequence=0, event=bid(500))
        await ada.say(type="decide", id=id_, round=shown["round"], accept=True, meta={"by": 1})
        result = ada.heard("result", id=id_, accepted=True, outcome="accepted", meta={"by": 1})

        (record,) = result["records"]
        assert ("lot/1", 1, an_id(1), bid(500)["data"]) == (
            record["scope"], record["sequence"], record["id"], record["data"],
        )  # fmt: skip
        assert {"correlation": "c-9", "$by": "ada", "$decided_by": "ada"} == record["metadata"]
        (stored,) = await here.store.query_events("lot/1")
        assert record["metadata"] == stored.metadata


async def test_a_rejection() -> None:
    """A rejection is a result, with its reason and `meta`; nothing is stored."""
    async with house() as here:
        ada = await here.connect()
        id_ = await propose(ada)
        shown = [ada.hear(), ada.hear()][1]
        await ada.say(
            type="decide", id=id_, round=shown["round"], accept=False, reason="low", meta=[1]
        )

        ada.heard("result", id=id_, accepted=False, outcome="rejected", reason="low", meta=[1])
        assert 0 == here.store.head.position


async def test_other_events() -> None:
    """Others take the event's place: all are stored, in order, as parts of one decision."""
    async with house() as here:
        ada = await here.connect()
        id_ = await propose(ada)
        shown = [ada.hear(), ada.hear()][1]
        await ada.say(
            type="decide", id=id_, round=shown["round"],
            events=[bid(501), {"type": "Sold", "data": None}],
        )  # fmt: skip

        result = ada.heard("result", accepted=True)
        assert [("Bid", [1, 2]), ("Sold", [2, 2])] == [
            (record["type"], record["part"]) for record in result["records"]
        ]


async def test_an_answer_that_does_not_count() -> None:
    """A decision that is none leaves the round open; the right one then counts."""
    async with house() as here:
        ada = await here.connect()
        id_ = await propose(ada)
        ada.hear_all()
        for wrong, code in (
            ({"round": "r-9", "accept": True}, "stale_round"),
            ({"round": "r-1"}, "bad_message"),
            ({"round": "r-1", "accept": True, "events": [bid(1)]}, "bad_message"),
            ({"round": "r-1", "events": []}, "bad_message"),
            ({"round": "r-1", "accept": True, "reason": "why"}, "bad_message"),
            ({"round": "r-1", "events": [{"type": "", "data": 1}]}, "invalid_event"),
            ({"round": "r-1", "events": [bid(1), {"type": "A", "data": "x" * 300_000}]},
             "invalid_event"),
        ):  # fmt: skip
            await ada.say(type="decide", id=id_, **wrong)
            ada.heard("error", id=id_, code=code, final=False)
        await ada.say(type="decide", id=id_, round="r-1", accept=True)

        ada.heard("result", accepted=True)


async def test_deciding_twice() -> None:
    """The second answer is stale and changes nothing."""
    async with house() as here:
        ada = await here.connect()
        id_ = await propose(ada)
        ada.hear_all()
        here.journal.pause()
        await ada.say(type="decide", id=id_, round="r-1", accept=True)
        await ada.say(type="decide", id=id_, round="r-1", accept=False)
        ada.heard("error", code="stale_round", final=False, round="r-1")
        here.journal.resume()
        await wait_all_tasks_blocked()
        ada.heard("result", accepted=True)
        await ada.say(type="decide", id=id_, round="r-1", accept=False)

        ada.heard("error", code="stale_round", final=False)


async def test_the_deadline(mock_clock: MockClock) -> None:
    """A round that is not answered ends at its deadline, which the client may set earlier."""
    async with house() as here:
        ada = await here.connect()
        id_ = await propose(ada, validation_timeout_s=2)
        ada.hear()
        ada.heard("validate", deadline_s=2.0)
        mock_clock.jump(1.99)
        await wait_all_tasks_blocked()
        assert [] == ada.hear_all()
        mock_clock.jump(0.02)
        await wait_all_tasks_blocked()
        ada.heard("result", id=id_, accepted=False, outcome="timed_out", reason="timed out")
        await ada.say(type="decide", id=id_, round="r-1", accept=True)
        ada.heard("error", code="stale_round", final=False)
        await propose(ada, validation_timeout_s=99)
        ada.heard("validate", deadline_s=5.0)


async def test_withdrawing() -> None:
    """A proposal that waits, or whose round is open, can be taken back; a decided one cannot."""
    async with house() as here:
        ada, ben = await here.connect(), await here.connect("ben")
        ada.hear_all()
        ben.hear_all()
        first, second = await propose(ada), await propose(ben)
        ada.hear()
        ben.hear()
        await ben.say(type="withdraw", id=second)
        ben.heard("result", id=second, accepted=False, outcome="withdrawn")
        await ada.say(type="withdraw", id=first)
        ada.heard("result", id=first, accepted=False, outcome="withdrawn")
        third = await propose(ada)
        ada.heard("validate", id=third)
        here.journal.pause()
        await ada.say(type="decide", id=third, round="r-2", accept=True)
        await ada.say(type="withdraw", id=third)
        here.journal.resume()
        await wait_all_tasks_blocked()

        ada.heard("result", id=third, accepted=True)


async def test_whoever_goes_takes_back() -> None:
    """A connection that ends withdraws what it would have decided; the next one has its turn."""
    async with house() as here:
        ada, ben = await here.connect(), await here.connect("ben")
        ben.hear_all()
        await propose(ada)
        await propose(ben)
        assert ["waiting"] == ben.hear_types()
        await ada.hang_up()

        ben.heard("validate", sequence=0)
        assert 1 == here.store.statistics().withdrawn


async def test_in_the_order_sent() -> None:
    """Proposals of a connection to a scope are considered in the order in which they were sent."""
    async with house() as here:
        ada = await here.connect()
        for cents in range(5):
            await admitted(ada, cents)
        ada.hear_all()
        # The first one has the longest past to be shown.
        ids = [await propose(ada, known=known, proposal_id=an_id(known)) for known in range(5)]
        for id_ in ids:
            news = [one for one in ada.hear_all() if one["type"] == "validate"]
            assert [id_] == [one["id"] for one in news]
            await ada.say(type="decide", id=id_, round=news[0]["round"], accept=True)


async def test_a_duplicate() -> None:
    """What was admitted is answered as it was then, and says so; nobody is asked."""
    async with house() as here:
        ada = await here.connect()
        first = await propose(ada, proposal_id=an_id(1))
        await ada.say(type="decide", id=first, round="r-1", accept=True)
        records = ada.hear_all()[-1]["records"]
        await propose(ada, proposal_id=an_id(1), past=False)

        ada.heard("result", accepted=True, duplicate=True, records=records)


async def test_conflicts() -> None:
    """The same id with another event, or from somebody else, is refused, and nothing is shown."""
    async with house() as here:
        ada, ben = await here.connect(), await here.connect("ben")
        first = await propose(ada, proposal_id=an_id(1))
        ada.hear_all()
        ben.hear_all()
        for talk, cents in ((ada, 501), (ben, 500)):
            await propose(talk, cents, proposal_id=an_id(1), past=False)
            error = talk.heard("error", code="proposal_conflict", final=None)
            assert "500" not in error["message"]
        await ada.say(type="decide", id=first, round="r-1", accept=True)
        ada.hear_all()
        for talk, cents in ((ada, 501), (ben, 500)):
            await propose(talk, cents, proposal_id=an_id(1), past=False)
            talk.heard("error", code="proposal_conflict")


async def test_rights() -> None:
    """Proposing and deciding need their rights, on the scope that the store gives the event."""
    async with house(scope_of=lambda event: f"lot/{event.data['cents']}") as here:
        ada = await here.connect("ada", propose=("lot/1",), decide=("lot/2",))
        ada.hear()
        for cents, decide, code in ((2, None, "forbidden"), (1, "self", "forbidden"),
                                    (1, None, "no_validator")):  # fmt: skip
            await ada.ask("propose", event=bid(cents), decide=decide)
            ada.heard("error", code=code)


async def test_somebody_else() -> None:
    """A token that stands for another principal by now does not go on with this one's proposals."""
    async with house() as here:
        ada, ben = await here.connect(), await here.connect("ben")
        await propose(ada)
        ada.connection.rights_changed(Principal("ada", ALL_RIGHTS))
        assert not ada.is_over.is_set()
        ada.connection.rights_changed(Principal("eve", ALL_RIGHTS))
        await ada.is_over.wait()
        assert ada.socket.closed is not None
        assert 4401 == ada.socket.closed[0]
        await propose(ben)

        assert "validate" == ben.hear_types()[-1]


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"proposal_id": "x"}, "bad_message"),
        ({"metadata": {"$by": "ben"}}, "bad_message"),
        ({"metadata": {"a": 1, "$other": 1}}, "bad_message"),
        ({"state": True}, "no_state"),
        ({"scope": ""}, "invalid_event"),
        ({"scope": "a\0"}, "invalid_event"),
        ({"scope": "x" * 513}, "invalid_event"),
        ({"scope": None}, "bad_message"),
        ({"event": {"type": "Bid", "data": "x" * 300_000}}, "invalid_event"),
        ({"known": -1}, "bad_message"),
        ({"validation_timeout_s": 0}, "bad_message"),
    ],
)
async def test_what_cannot_be_proposed(members: dict[str, object], code: str) -> None:
    """Each has its code, and changes nothing."""
    async with house() as here:
        ada = await here.connect()
        ada.hear()
        await ada.ask("propose", **{"scope": "lot/1", "decide": "self", "event": bid(1), **members})

        ada.heard("error", id=1, code=code, final=None)
        assert [] == ada.hear_all()


async def test_where_an_event_belongs() -> None:
    """Where the store tells an event's scope, a proposal that says another one is refused."""
    async with house(scope_of=lambda event: event.data["lot"]) as here:
        ada = await here.connect()
        ada.hear()
        event = {"type": "Bid", "data": {"lot": "lot/1"}}
        for scope in ("lot/2", "lot/1", None):
            await ada.ask("propose", scope=scope, decide="self", event=event)

        ada.heard("error", id=1, code="invalid_event")
        assert ["validate", "waiting"] == ada.hear_types()


async def test_a_full_waiting_room() -> None:
    """One proposal too many is told so at once, and may come again."""
    async with house(max_waiting=1) as here:
        ada = await here.connect()
        for cents in range(3):
            await propose(ada, cents)

        assert {"type": "error", "id": 3, "code": "scope_busy", "retry": True}.items() <= (
            ada.hear_all()[-1].items()
        )


async def test_in_the_order_sent_whatever_is_withdrawn() -> None:
    """One that is withdrawn before its place was taken does not let the next one by."""
    async with house() as here:
        ada = await here.connect()
        await admitted(ada, 1)
        ada.hear_all()
        slow = hold_back(here.store, "read_scope")
        first, second, third = [await propose(ada, n, past=n == 2) for n in (2, 3, 4)]
        await ada.say(type="withdraw", id=second)
        ada.heard("result", id=second, outcome="withdrawn")
        assert [] == ada.hear_all()
        slow.go.set()
        await wait_all_tasks_blocked()

        assert ["past", "validate", "waiting"] == ada.hear_types()
        await ada.say(type="decide", id=first, round="r-2", accept=True)
        assert third == ada.hear_all()[-1]["id"]


async def test_nothing_is_left_of_a_conversation() -> None:
    """Whatever was asked for, and however it ended, the gateway keeps nothing of it."""
    async with house() as here:
        ada, ben = await here.connect(), await here.connect("ben")
        offer = await ben.ask("validate_for", prefix="")
        await ben.ask("subscribe", prefix="lot/")
        await ben.ask("scopes", watch=True)
        for n in range(5):
            await propose(ada, n, f"lot/{n}", proposal_id=an_id(n))
            await ada.ask("propose", scope=f"lot/{n}", event=bid(n))
        await ada.say(type="decide", id=1, round="r-1", accept=True)
        await ben.say(type="decide", id=offer, round="r-6", accept=True)
        assert {} == _peer(ada).entering
        await ada.hang_up()
        await ben.hang_up()
        # What others decide goes on without its proposer, until its deadline.
        for scope in list(here.store._supervisor.scopes.values()):
            if scope.admission.round is not None:
                scope.expire(scope.admission.round.deadline)
                scope.wake()
        await wait_all_tasks_blocked()

        assert {} == left_over(here)


def _peer(talk: Talk) -> Peer:
    peer = talk.connection._peer
    assert peer is not None
    return peer

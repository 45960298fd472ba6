"""Proposals over the wire that others decide: the gateway's function, or whoever offered."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from atomic_store import Decision, JsonEvent, ValidationRequest
from gateway_talk import Talk, an_id, bid, house

Request = ValidationRequest[Any]


def higher(request: Request) -> Decision:
    """Accept what is higher than all before."""
    best = max((event.data["cents"] for event in request.past_events), default=0)
    if request.prospective_event.data["cents"] > best:
        return request.accept(meta=request.principal)
    return request.reject(f"not above {best}")


async def higher_slowly(request: Request) -> Decision:
    """The same, taking its time."""
    await trio.lowlevel.checkpoint()
    return higher(request)


async def propose(talk: Talk, cents: int = 500, scope: str = "lot/1", **more: object) -> int:
    """Propose a bid that somebody else decides."""
    return await talk.ask("propose", scope=scope, event=bid(cents), **more)


class TestFunction:
    @pytest.mark.parametrize("validate", [higher, higher_slowly])
    async def test_deciding(self, validate: Any) -> None:
        """The gateway's function decides, knows who proposed, and is named in the record."""
        async with house(validate=validate) as here:
            ada = await here.connect()
            ada.hear()
            await propose(ada, 500)
            result = ada.heard("result", accepted=True, meta="ada")
            assert {"$by": "ada", "$decided_by": "gateway"} == result["records"][0]["metadata"]
            await propose(ada, 400)
            ada.heard("result", accepted=False, outcome="rejected", reason="not above 500")

    @pytest.mark.parametrize("is_slow", [False, True])
    async def test_raising(self, is_slow: bool, caplog: pytest.LogCaptureFixture) -> None:
        """What it raises is logged and not told; nothing is stored, and the next one goes on."""

        def fail(request: Request) -> Decision:
            if request.prospective_event.data["cents"] == 13:
                raise LookupError("the secret table")
            return request.accept()

        async def fail_slowly(request: Request) -> Decision:
            await trio.lowlevel.checkpoint()
            return fail(request)

        async with house(validate=fail_slowly if is_slow else fail) as here:
            ada = await here.connect()
            ada.hear()
            await propose(ada, 13)
            error = ada.heard("error", code="internal", retry=True)
            assert "secret" not in error["message"]
            assert "the secret table" in caplog.text
            await propose(ada, 14)
            ada.heard("result", accepted=True)

    async def test_being_slow(self, mock_clock: MockClock) -> None:
        """The deadline ends its round, and it is cancelled."""
        ended = []

        async def never(request: Request) -> Decision:
            try:
                await trio.sleep_forever()
            finally:
                ended.append(request.prospective_event.data["cents"])
            raise AssertionError

        async with house(validate=never) as here:
            ada = await here.connect()
            ada.hear()
            await propose(ada, 1)
            await propose(ada, 2)
            ada.heard("waiting", ahead=1)
            mock_clock.jump(5.1)
            await wait_all_tasks_blocked()
            ada.heard("result", id=1, outcome="timed_out")
            assert [1] == ended
            await ada.say(type="withdraw", id=2)
            ada.heard("result", id=2, outcome="withdrawn")
            assert [1, 2] == ended

    async def test_going_on_without_the_proposer(self) -> None:
        """A connection that goes does not take back what others decide; the same id finds it."""
        go = trio.Event()

        async def later(request: Request) -> Decision:
            await go.wait()
            return request.accept()

        async with house(validate=later) as here:
            ada, again = await here.connect(), await here.connect()
            await propose(ada, proposal_id=an_id(1))
            await propose(ada, proposal_id=an_id(2))
            await ada.hang_up()
            again.hear_all()
            await propose(again, proposal_id=an_id(1))
            assert [] == again.hear_all()
            go.set()
            await wait_all_tasks_blocked()
            again.heard("result", accepted=True)

            assert 2 == here.store.head.position
            assert 2 == here.store.statistics().rounds

    async def test_deciding_oneself(self) -> None:
        """Whoever has the right may decide his own all the same."""
        async with house(validate=higher) as here:
            ada = await here.connect()
            ada.hear()
            await propose(ada, decide="self")
            ada.heard("validate")


class TestRegistered:
    async def test_deciding(self) -> None:
        """A registered connection is shown whose proposal it is, and the past; then what became."""
        async with house() as here:
            judge, ada = await here.connect("judge"), await here.connect("ada", propose=("lot/",))
            judge.hear()
            ada.hear()
            offer = await judge.ask("validate_for", prefix="lot/")
            id_ = await propose(ada, proposal_id=an_id(1), metadata={"from": "web"})
            shown = judge.heard(
                "validate", id=offer, sequence=0, event=bid(500), metadata={"from": "web"},
                **{"for": {"scope": "lot/1", "proposal_id": an_id(1), "principal": "ada"}},
            )  # fmt: skip
            await judge.say(type="decide", id=offer, round=shown["round"], accept=True)
            result = ada.heard("result", id=id_, accepted=True)
            judge.heard("over", id=offer, round=shown["round"], outcome="accepted")

            assert {"from": "web", "$by": "ada", "$decided_by": "judge"} == (
                result["records"][0]["metadata"]
            )
            await propose(ada, 600)
            past = judge.heard("past", id=offer, after=0, through=1, round="r-2")
            assert [1] == [one["sequence"] for one in past["records"]]
            judge.heard("validate", round="r-2", sequence=1)
            await judge.say(type="decide", id=offer, round="r-2", accept=False)
            ada.heard("result", accepted=False)
            judge.heard("over", outcome="rejected")
            await propose(ada, 600)
            judge.heard("validate", round="r-3", sequence=1)

    async def test_needing_more(self) -> None:
        """A validator that has lost what it was shown asks for it."""
        async with house() as here:
            judge = await here.connect()
            judge.hear()
            offer = await judge.ask("validate_for", prefix="")
            for cents in (1, 2):
                await propose(judge, cents)
                name = judge.hear_all()[-1]["round"]
                await judge.say(type="decide", id=offer, round=name, accept=True)
            await propose(judge, 3)
            judge.hear_all()
            await judge.say(type="need", id=offer, round="r-3", known=0)
            assert 2 == len(judge.heard("past", after=0, round="r-3")["records"])
            judge.heard("validate", round="r-3", sequence=2)
            await judge.say(type="need", id=offer, round="r-2", known=0)
            judge.heard("error", code="stale_round", final=False)

    async def test_who_is_chosen(self) -> None:
        """The longest prefix, then most free rounds, then the older offer."""
        async with house() as here:
            talks = {name: await here.connect(name) for name in ("all", "old", "new", "ada")}
            await talks["all"].ask("validate_for", prefix="", rounds=9)
            await talks["old"].ask("validate_for", prefix="lot/", rounds=2)
            await talks["new"].ask("validate_for", prefix="lot/", rounds=2)
            for talk in talks.values():
                talk.hear_all()
            chosen = []
            for n in range(6):
                await propose(talks["ada"], scope=f"lot/{n}")
                chosen += [name for name, talk in talks.items() if "validate" in talk.hear_types()]
            await propose(talks["ada"], scope="other")

            assert ["old", "new", "old", "new", "all", "all"] == chosen
            assert ["validate"] == talks["all"].hear_types()

    async def test_waiting_for_a_free_one(self) -> None:
        """Where all are busy a round waits, its deadline running, until somebody is free."""
        async with house() as here:
            judge = await here.connect()
            offer = await judge.ask("validate_for", prefix="", rounds=1)
            await propose(judge, scope="a")
            await propose(judge, scope="b")
            assert "a" == judge.hear_all()[-1]["for"]["scope"]
            await judge.say(type="decide", id=offer, round="r-1", accept=True)

            assert ["over", "result", "validate"] == sorted(judge.hear_types())

    async def test_a_validator_that_goes(self) -> None:
        """Its rounds go to the next one, under another name, with the same deadline."""
        async with house() as here:
            first, second = await here.connect("first"), await here.connect("second")
            ada = await here.connect("ada", propose=("",))
            await first.ask("validate_for", prefix="", rounds=9)
            offer = await second.ask("validate_for", prefix="", rounds=8)
            ada.hear_all()
            second.hear_all()
            await propose(ada)
            await first.hang_up()
            second.heard("validate", round="r-1.2", sequence=0)
            await second.say(type="decide", id=offer, round="r-1", accept=False)
            second.heard("error", code="stale_round")
            await second.say(type="decide", id=offer, round="r-1.2", accept=True)
            second.heard("over", round="r-1.2", outcome="accepted")
            ada.heard("result", accepted=True)

            assert 1 == here.store.statistics().rounds

    async def test_the_last_validator_goes(self, mock_clock: MockClock) -> None:
        """A round waits for another one until its deadline; new proposals are refused."""
        async with house() as here:
            judge, ada = await here.connect("judge"), await here.connect("ada", propose=("",))
            ada.hear()
            await judge.ask("validate_for", prefix="")
            await propose(ada)
            await judge.hang_up()
            await propose(ada)
            ada.heard("error", code="no_validator", retry=True)
            again = await here.connect("judge")
            offer = await again.ask("validate_for", prefix="")
            shown = again.hear_all()[-1]
            assert "r-1.2" == shown["round"]
            await again.hang_up()
            mock_clock.jump(5.1)
            await wait_all_tasks_blocked()
            ada.heard("result", outcome="timed_out")
            assert 1 == offer

    async def test_taking_the_offer_back(self) -> None:
        """Unsubscribed, it is told that its rounds are over for it, and that it is done."""
        async with house() as here:
            judge, other = await here.connect("judge"), await here.connect("other")
            offer = await judge.ask("validate_for", prefix="")
            await propose(other)
            judge.hear_all()
            await judge.say(type="unsubscribe", id=offer)
            judge.heard("over", round="r-1", outcome="withdrawn")
            judge.heard("done", id=offer)
            await judge.say(type="decide", id=offer, round="r-1", accept=True)
            judge.heard("error", code="stale_round", final=False)

    async def test_a_decision_for_somebody_else(self) -> None:
        """A name of a round is good only where it was said."""
        async with house() as here:
            first, second = await here.connect("first"), await here.connect("second")
            await first.ask("validate_for", prefix="", rounds=60)
            offer = await second.ask("validate_for", prefix="")
            await propose(first)
            second.hear_all()
            await second.say(type="decide", id=offer, round="r-1", accept=True)

            second.heard("error", code="stale_round")

    async def test_without_the_past(self) -> None:
        """Who does not want the past is not sent it."""
        async with house() as here:
            judge = await here.connect()
            offer = await judge.ask("validate_for", prefix="", past=False)
            await propose(judge, 1)
            await judge.say(type="decide", id=offer, round="r-1", accept=True)
            judge.hear_all()
            await propose(judge, 2)
            judge.heard("validate", sequence=1)

    async def test_no_state(self) -> None:
        """Where the store keeps no state, none can be asked for."""
        async with house() as here:
            judge = await here.connect()
            judge.hear()
            await judge.ask("validate_for", prefix="", state=True)
            judge.heard("error", code="no_state")


class TestOperators:
    async def test_ending_a_round(self) -> None:
        """The proposer is told so; whoever decided is too late; the next one has its turn."""
        async with house() as here:
            ada, root = await here.connect(), await here.connect("root")
            ada.hear()
            await propose(ada, decide="self")
            await propose(ada, decide="self")
            ada.hear_all()
            root.hear_all()
            await root.ask("scopes", watch=True)
            await root.ask("end_round", scope="lot/1", round="r-9")
            assert ["scopes", "error"] == root.hear_types()
            id_ = await root.ask("end_round", scope="lot/1", round="r-1")
            root.heard("done", id=id_)

            ada.heard("result", id=1, accepted=False, outcome="ended")
            ada.heard("validate", id=2)

    async def test_of_the_applications_own(self) -> None:
        """A round that did not come over the wire can be ended, too."""
        async with house() as here:
            root = await here.connect()
            root.hear()
            async with here.store.consider(JsonEvent("Bid", 1), scope="lot/1") as request:
                await root.ask("end_round", scope="lot/1", round=f"r-{request.round.number}")
                root.heard("done")
                assert request.result is not None
                assert request.result.outcome == "withdrawn"

"""Proposals that are sent again: taken over while they are undecided, and never told wrong."""

from __future__ import annotations

from typing import Any

import pytest
from trio.testing import wait_all_tasks_blocked

from gateway_talk import Talk, admitted, an_id, bid, house, propose
from slow_journals import hold_back


async def test_taking_over() -> None:
    """Sent again, an undecided proposal goes on for the new request, under a new name."""
    async with house() as here:
        ada, again = await here.connect(), await here.connect()
        ada.hear_all()
        again.hear_all()
        first = await propose(ada, proposal_id=an_id(1))
        ada.heard("validate", round="r-1")
        second = await propose(again, proposal_id=an_id(1))
        ada.heard("error", id=first, code="superseded")
        again.heard("validate", id=second, round="r-1.2")
        await ada.say(type="decide", id=first, round="r-1", accept=False)
        ada.heard("error", code="stale_round")
        await ada.hang_up()
        await again.say(type="decide", id=second, round="r-1", accept=False)
        again.heard("error", code="stale_round", final=False)
        await again.say(type="decide", id=second, round="r-1.2", accept=True)

        again.heard("result", id=second, accepted=True)
        assert 1 == here.store.statistics().rounds


async def test_while_it_waits() -> None:
    """It keeps its place among those that wait."""
    async with house() as here:
        ada, ben, again = await here.connect(), await here.connect("ben"), await here.connect("ben")
        await propose(ada)
        await propose(ben, proposal_id=an_id(1))
        await propose(ada)
        await propose(again, proposal_id=an_id(1))
        ben.hear_all()
        again.hear_all()
        await ada.say(type="decide", id=1, round="r-1", accept=False)

        again.heard("validate")


async def test_on_the_same_connection() -> None:
    """The later request goes on; neither the older id nor the older name decides any more."""
    async with house() as here:
        ada = await here.connect()
        first = await propose(ada, proposal_id=an_id(1))
        ada.hear_all()
        second = await propose(ada, proposal_id=an_id(1))
        ada.heard("error", id=first, code="superseded")
        ada.heard("validate", id=second, round="r-1.2")
        for id_, name in ((first, "r-1"), (first, "r-1.2"), (second, "r-1")):
            await ada.say(type="decide", id=id_, round=name, accept=False)
            ada.heard("error", id=id_, code="stale_round", final=False)
        await ada.say(type="decide", id=second, round="r-1.2", accept=True)

        ada.heard("result", id=second, accepted=True)


async def test_decided_and_not_durable() -> None:
    """Whoever sends it again between the decision and the disk is told the result."""
    async with house() as here:
        ada, again = await here.connect(), await here.connect()
        first = await propose(ada, proposal_id=an_id(1))
        ada.hear_all()
        again.hear_all()
        here.journal.pause()
        await ada.say(type="decide", id=first, round="r-1", accept=True)
        second = await propose(again, proposal_id=an_id(1))
        ada.heard("error", id=first, code="superseded")
        assert [] == again.hear_all()
        here.journal.resume()
        await wait_all_tasks_blocked()

        again.heard("result", id=second, accepted=True)
        assert [] == ada.hear_all()


@pytest.mark.parametrize("is_open", [True, False])
@pytest.mark.parametrize("is_right", [True, False])
async def test_the_past_of_who_takes_over(is_open: bool, is_right: bool) -> None:
    """Only what the new request lacks travels, or all of it where it holds something else."""
    async with house() as here:
        ada, ben = await here.connect(), await here.connect("ben")
        for cents in (1, 2, 3):
            await admitted(ada, cents)
        held = (await here.store.query_events("lot/1"))[1]
        if not is_open:
            await propose(ada, past=False)
        await propose(ben, proposal_id=an_id(1), past=False)
        again = await here.connect("ben")
        again.hear()
        known_id = str(held.proposal_id) if is_right else an_id(9)
        id_ = await propose(again, proposal_id=an_id(1), known=2, known_id=known_id)
        again.heard("past", id=id_, after=2 if is_right else 0, through=3)
        if not is_open:
            assert [] == again.hear_all()
            await ada.say(type="decide", id=4, round="r-4", accept=True)
            again.heard("past", id=id_, after=3, through=4)

        again.heard("validate", id=id_, sequence=3 if is_open else 4)


async def test_the_round_opens_while_the_past_is_shown() -> None:
    """What was shown to whoever took it over is not shown again with the round."""
    async with house() as here:
        ada, ben = await here.connect(), await here.connect("ben")
        for cents in range(40):
            await admitted(ada, cents)
        await propose(ada, past=False)
        await propose(ben, proposal_id=an_id(1), past=False)
        again = await here.connect("ben")
        again.hear()
        slow = hold_back(here.store, "read_scope", "find", answers=1)
        id_ = await propose(again, proposal_id=an_id(1))
        again.heard("past", id=id_, after=0, through=16)
        await ada.say(type="decide", id=41, round="r-41", accept=True)
        assert [] == again.hear_all()
        slow.go.set()
        await wait_all_tasks_blocked()

        shown = again.hear_all()
        assert ["past"] * (len(shown) - 1) + ["validate"] == [one["type"] for one in shown]
        sequences = [one["sequence"] for page in shown[:-1] for one in page["records"]]
        assert [*range(17, 42)] == sequences


async def test_taken_over_while_its_past_is_shown() -> None:
    """The older connection takes nothing: it is asked for no more, and nobody waits for it."""
    async with house() as here:
        ada, again = await here.connect(), await here.connect()
        await admitted(ada, 1)
        ada.hear_all()
        again.hear_all()
        slow = hold_back(here.store, "read_scope", "find")
        first = await propose(ada, proposal_id=an_id(1))
        here.store._parts.journal = here.journal
        second = await propose(again, proposal_id=an_id(1))
        ada.heard("error", id=first, code="superseded")
        again.heard("past", id=second)
        again.heard("validate", id=second, round="r-2")
        slow.go.set()
        await wait_all_tasks_blocked()

        assert [] == ada.hear_all()
        assert 2 == here.store.statistics().rounds


async def test_the_same_event_written_in_another_way() -> None:
    """What is the same once it was admitted is the same before that."""
    async with house() as here:
        ada = await here.connect()
        one, other = {"a": 1, "b": 1.0}, {"b": 1.0, "a": 1}
        for data in (one, other):
            event = {"type": "Bid", "data": data}
            await ada.ask("propose", scope="a", decide="self", event=event, proposal_id=an_id(1))

        assert ["welcome", "validate", "error", "validate"] == ada.hear_types()


class TestWithoutAValidator:
    async def test_undecided(self) -> None:
        """Where the only validator is gone, what waits for another one is still taken over."""
        async with house() as here:
            judge, ada = await here.connect("judge"), await here.connect()
            await judge.ask("validate_for", prefix="")
            await _propose(ada, proposal_id=an_id(1))
            await judge.hang_up()
            again = await here.connect()
            again.hear()
            id_ = await _propose(again, proposal_id=an_id(1))
            assert [] == again.hear_all()
            judge = await here.connect("judge")
            offer = await judge.ask("validate_for", prefix="")
            await judge.say(type="decide", id=offer, round="r-1.2", accept=True)

            again.heard("result", id=id_, accepted=True)

    @pytest.mark.parametrize("is_durable", [True, False])
    async def test_admitted(self, is_durable: bool) -> None:
        """Nobody need decide what was admitted: it is a duplicate, and never `no_validator`."""
        async with house() as here:
            ada = await here.connect()
            first = await propose(ada, proposal_id=an_id(1))
            if not is_durable:
                here.journal.pause()
            await ada.say(type="decide", id=first, round="r-1", accept=True)
            ada.hear_all()
            await _propose(ada, proposal_id=an_id(1))
            here.journal.resume()
            await wait_all_tasks_blocked()

            assert ada.hear_all()[-1]["accepted"]

    async def test_neither(self) -> None:
        """Else there is nobody to decide it."""
        async with house() as here:
            ada = await here.connect()
            ada.hear()
            id_ = await _propose(ada, proposal_id=an_id(1))
            ada.heard("error", id=id_, code="no_validator", retry=True)


class TestWithdrawnOnItsWay:
    async def test_what_was_admitted(self) -> None:
        """Taken back before its turn came, what had been admitted is told to be so."""
        async with house() as here:
            ada = await here.connect()
            await propose(ada, proposal_id=an_id(1))
            await ada.say(type="decide", id=1, round="r-1", accept=True)
            ada.hear_all()
            slow = hold_back(here.store, "read_scope", "find")
            id_ = await propose(ada, proposal_id=an_id(1))
            await ada.say(type="withdraw", id=id_)
            ada.heard("result", id=id_, accepted=True, duplicate=True)
            slow.go.set()
            await wait_all_tasks_blocked()
            assert [] == ada.hear_all()

    async def test_what_a_function_would_decide(self) -> None:
        """What was taken back while it was looked up is not decided."""
        asked: list[Any] = []
        async with house(validate=asked.append) as here:
            ada = await here.connect()
            ada.hear()
            slow = hold_back(here.store, "read_scope", "find")
            id_ = await _propose(ada, proposal_id=an_id(1))
            await ada.say(type="withdraw", id=id_)
            slow.go.set()
            await wait_all_tasks_blocked()

            ada.heard("result", id=id_, outcome="withdrawn")
            assert [] == asked


async def _propose(talk: Talk, **more: object) -> int:
    return await talk.ask("propose", scope="lot/1", event=bid(500), **more)

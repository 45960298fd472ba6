"""Offers to decide that are taken back, and rounds that wait for somebody who is free."""

from __future__ import annotations

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from atomic_store.gateway import Limits, Principal
from atomic_store.gateway.protocol import server_messages as say
from gateway_talk import House, Talk, bid, house


async def propose(talk: Talk, scope: str = "lot/1", **more: object) -> int:
    """Propose a bid that somebody else decides."""
    return await talk.ask("propose", scope=scope, event=bid(500), **more)


class TestDecidedAndNotDurable:
    async def test_taking_the_offer_back(self) -> None:
        """It ends when its validator was told how the rounds ended that it has decided."""
        async with house() as here:
            judge, ada = await here.connect("judge"), await here.connect()
            offer = await judge.ask("validate_for", prefix="")
            await propose(ada)
            await propose(ada, "lot/2")
            judge.hear_all()
            here.journal.pause()
            await judge.say(type="decide", id=offer, round="r-1", accept=True)
            await judge.say(type="unsubscribe", id=offer)
            judge.heard("over", id=offer, round="r-2", outcome="withdrawn")
            assert [] == judge.hear_all()
            await judge.say(type="unsubscribe", id=offer)
            await judge.say(type="decide", id=offer, round="r-1", accept=True)
            judge.heard("error", id=offer, code="stale_round", final=False)
            here.journal.resume()
            await wait_all_tasks_blocked()

            judge.heard("over", id=offer, round="r-1", outcome="accepted")
            judge.heard("done", id=offer)
            assert [] == judge.hear_all()
            await propose(ada, "lot/3")
            assert "no_validator" == ada.hear_all()[-1]["code"]

    @pytest.mark.parametrize("is_durable_in_time", [True, False])
    async def test_shutting_down(self, mock_clock: MockClock, is_durable_in_time: bool) -> None:
        """The same at a shutdown, as long as there is time for it."""
        async with house() as here:
            judge, ada = await here.connect("judge"), await here.connect()
            offer = await judge.ask("validate_for", prefix="")
            await propose(ada)
            judge.hear_all()
            here.journal.pause()
            await judge.say(type="decide", id=offer, round="r-1", accept=True)
            await _shut_down(here, mock_clock, resumes=is_durable_in_time)

            outcome = "accepted" if is_durable_in_time else "failed"
            judge.heard("over", round="r-1", outcome=outcome)
            judge.heard("error", id=offer, code="shutting_down")
            judge.heard("goodbye")
            assert [] == judge.hear_all()


async def _shut_down(here: House, clock: MockClock, *, resumes: bool) -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(here.gateway._entrance.stop_all, say.Goodbye(reason="shutdown"))
        await wait_all_tasks_blocked()
        if resumes:
            here.journal.resume()
        else:
            clock.jump(5)
    here.journal.resume()


class TestWaiting:
    async def test_the_nearest_deadline_first(self) -> None:
        """What a validator gives back comes before what nobody has been shown yet."""
        async with house() as here:
            judge, ada = await here.connect("judge"), await here.connect()
            await judge.ask("validate_for", prefix="", rounds=2)
            for n in range(4):
                await propose(ada, f"lot/{n}")
            await judge.hang_up()
            judge = await here.connect("judge")
            judge.hear()
            await judge.ask("validate_for", prefix="", rounds=3)

            assert ["lot/0", "lot/1", "lot/2"] == [one["for"]["scope"] for one in judge.hear_all()]

    async def test_for_nobody(self, mock_clock: MockClock) -> None:
        """Rounds that end while they wait are kept no longer."""
        async with house() as here:
            judge, ada = await here.connect("judge"), await here.connect()
            await judge.ask("validate_for", prefix="")
            for n in range(4):
                await propose(ada, f"lot/{n}")
            await judge.hang_up()
            assert 4 == len(here.gateway._services.validators._waiting)
            mock_clock.jump(5.1)
            await wait_all_tasks_blocked()

            assert {} == here.gateway._services.validators._waiting

    async def test_two_offers_of_one_connection(self) -> None:
        """What one of them gives back does not go to the other that is about to go, too."""
        async with house() as here:
            judge, ada = await here.connect("judge"), await here.connect()
            await judge.ask("validate_for", prefix="lot/")
            await judge.ask("validate_for", prefix="")
            await propose(ada)
            await judge.hang_up()
            judge = await here.connect("judge")
            judge.hear()
            await judge.ask("validate_for", prefix="")

            judge.heard("validate", round="r-1.2")

    async def test_rights_that_go(self) -> None:
        """A validator that may not decide any more is told so, and others do."""
        async with house(limits=Limits(rounds=1)) as here:
            judge, other = await here.connect("judge"), await here.connect("other")
            ada = await here.connect()
            offer = await judge.ask("validate_for", prefix="lot/")
            await other.ask("validate_for", prefix="")
            await propose(ada)
            judge.hear_all()
            other.hear_all()
            judge.connection.rights_changed(Principal("judge", {}))
            await wait_all_tasks_blocked()

            judge.heard("over", id=offer, round="r-1", outcome="withdrawn")
            judge.heard("error", id=offer, code="forbidden", final=None)
            other.heard("validate", round="r-1.2")

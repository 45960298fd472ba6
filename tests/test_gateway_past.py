"""What of the past a decider is shown: what it does not hold, in pages, when that is durable."""

from __future__ import annotations

import pytest
from trio.testing import wait_all_tasks_blocked

from atomic_store import Fold, JsonEvent
from atomic_store.gateway import Limits
from gateway_talk import admitted, an_id, house, propose
from slow_journals import hold_back


async def test_only_what_was_not_seen_travels() -> None:
    """The past is sent behind what the client holds; before its place is taken, then the rest."""
    async with house() as here:
        ada = await here.connect()
        for cents in (1, 2, 3):
            await admitted(ada, cents)
        ada.hear_all()
        held = (await here.store.query_events("lot/1"))[1]

        await propose(ada, known=2, known_id=str(held.proposal_id))
        past = ada.heard("past", after=2, through=3)
        assert [3] == [record["sequence"] for record in past["records"]]
        ada.heard("validate", sequence=3)

        ben = await here.connect("ben")
        ben.hear_all()
        await propose(ben, known=0)
        assert [1, 2, 3] == [one["sequence"] for one in ben.heard("past", after=0)["records"]]
        ben.heard("waiting", ahead=1)
        await ada.say(type="decide", id=4, round="r-4", accept=True)
        assert [4] == [one["sequence"] for one in ben.heard("past", after=3)["records"]]
        ben.heard("validate", sequence=4)


@pytest.mark.parametrize(("known", "known_id"), [(2, an_id(99)), (7, None), (7, an_id(99))])
async def test_what_is_held_does_not_match(known: int, known_id: str | None) -> None:
    """Whoever holds another past than the scope's gets all of it, to replace his."""
    async with house() as here:
        ada = await here.connect()
        for cents in (1, 2):
            await admitted(ada, cents)
        await propose(ada, known=known, known_id=known_id)

        assert 2 == len(ada.heard("past", after=0, through=2)["records"])


@pytest.mark.parametrize("is_in_memory", [True, False])
async def test_the_last_one_is_held(is_in_memory: bool) -> None:
    """Whoever holds all is asked at once, also where the last record must be read to know that."""
    async with house() as here:
        ada = await here.connect()
        for cents in (1, 2):
            await admitted(ada, cents)
        last = (await here.store.query_events("lot/1"))[1]
        if not is_in_memory:
            here.store._hub.window.clear()
        ada.hear_all()
        await propose(ada, known=2, known_id=an_id(99))
        assert ["past", "validate"] == ada.hear_types()
        await ada.say(type="decide", id=3, round="r-3", accept=False)
        ada.hear_all()
        await propose(ada, known=2, known_id=str(last.proposal_id))

        assert ["validate"] == ada.hear_types()


async def test_who_holds_all_waits_for_nothing() -> None:
    """Whoever holds the last record is asked though nothing at all can be read."""
    async with house() as here:
        ada = await here.connect()
        await admitted(ada, 1)
        (last,) = await here.store.query_events("lot/1")
        ada.hear_all()
        slow = hold_back(here.store, "read_scope", "scope_end")
        await propose(ada, proposal_id=an_id(1), known=1, known_id=str(last.proposal_id))

        ada.heard("validate", sequence=1)
        slow.go.set()


async def test_the_past_in_pages() -> None:
    """A long past comes in pages of as many records as the limits say."""
    async with house(limits=Limits(page_records=2)) as here:
        ada = await here.connect()
        for cents in range(5):
            await admitted(ada, cents)
        await propose(ada)

        assert [(0, 2), (2, 4), (4, 5)] == [
            (past["after"], past["through"]) for past in (ada.hear(), ada.hear(), ada.hear())
        ]


async def test_not_asked_before_the_past_is_durable() -> None:
    """A round opens at once when the one before is decided; it is shown when that is on disk."""
    async with house() as here:
        ada, ben = await here.connect(), await here.connect("ben")
        ada.hear_all()
        ben.hear_all()
        here.journal.pause()
        first, second = await propose(ada), await propose(ben)
        ada.heard("validate")
        await ada.say(type="decide", id=first, round="r-1", accept=True)
        assert [] == ada.hear_all()
        assert ["waiting"] == ben.hear_types()
        here.journal.resume()
        await wait_all_tasks_blocked()

        ada.heard("result", accepted=True)
        ben.heard("past", through=1)
        ben.heard("validate", id=second, sequence=1)


async def test_the_state() -> None:
    """With a fold, a decider may have its state instead of the past."""

    def higher(best: int, event: JsonEvent) -> int:
        cents: int = event.data["cents"]
        return max(best, cents)

    fold: Fold[int, JsonEvent] = Fold(0, higher, state_type=int)
    async with house(state=fold) as here:
        ada = await here.connect()
        for cents in (5, 3):
            await admitted(ada, cents)
        await propose(ada, past=False, state=True)
        ada.heard("validate", sequence=2, state=5)
        await ada.say(type="decide", id=3, round="r-3", accept=True)
        ada.hear_all()
        await propose(ada, past=True)

        assert [1, 2, 3] == [one["sequence"] for one in ada.heard("past")["records"]]


async def test_needing_more_of_the_past() -> None:
    """A decider that lacks something is shown it, and asked again."""
    async with house() as here:
        ada = await here.connect()
        for cents in (5, 3):
            await admitted(ada, cents)
        id_ = await propose(ada, past=False)
        ada.heard("validate", round="r-3")
        await ada.say(type="need", id=id_, round="r-3", known=1)
        assert [2] == [one["sequence"] for one in ada.heard("past", after=1)["records"]]
        ada.heard("validate", round="r-3")
        await ada.say(type="need", id=id_, round="r-2", known=1)

        ada.heard("error", code="stale_round", final=False)

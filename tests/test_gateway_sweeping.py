"""When subscribers are sent what was admitted: at once, or together with what comes soon."""

from __future__ import annotations

from trio.testing import MockClock, wait_all_tasks_blocked

from atomic_store import JsonEvent
from gateway_records import admit, positions
from gateway_talk import house


async def passed(clock: MockClock, seconds: float) -> None:
    """Let time pass, and all that is due then be done."""
    clock.jump(seconds)
    await wait_all_tasks_blocked()


async def test_reading_ahead(mock_clock: MockClock) -> None:
    """Who comes while the sweeper rests reads ahead of it, and gets nothing a second time."""
    async with house() as here:
        here.gateway._services.following.sweep_s = 1
        await admit(here, 1)
        await admit(here, 2, 3)
        ada = await here.connect()
        id_ = await ada.ask("subscribe", all=True)
        assert [1, 2, 3] == positions(ada, id_)
        await admit(here, 4)
        assert [] == positions(ada, id_)
        await passed(mock_clock, 1)

        assert [4] == positions(ada, id_)


async def test_it_rests(mock_clock: MockClock) -> None:
    """After a sweep commits gather, at least for half as long as it took; then they go together."""
    async with house() as here:
        following = here.gateway._services.following
        following.sweep_s, following.rest_share = 0.01, 0.5
        ada = await here.connect()
        await ada.ask("subscribe", all=True)
        for took, rest in ((0.0, 0.01), (0.008, 0.004), (2.0, 1.0)):
            following.on_delivered = lambda *_, took=took: mock_clock.jump(took)
            await admit(here, 1)
            following.on_delivered = lambda *_: None
            ada.hear_all()
            await admit(here, 2, 3)
            await passed(mock_clock, 0.9 * rest)
            assert [] == ada.hear_all()
            await passed(mock_clock, 0.2 * rest)
            assert 2 == len(ada.heard("records")["records"])
            await passed(mock_clock, 2.0)


async def test_it_rests_after_what_tasks_send(mock_clock: MockClock) -> None:
    """What a sweep leaves to tasks of their own counts as well: over TLS that is most of it."""
    async with house() as here:
        following = here.gateway._services.following
        following.sweep_s, following.rest_share = 0.01, 0.5
        ada = await here.connect()
        await ada.ask("subscribe", all=True)
        ada.hear_all()
        ada.gate.encrypt = lambda: mock_clock.jump(2.0)
        await admit(here, 1)
        assert 1 == len(ada.heard("records")["records"])
        ada.gate.encrypt = lambda: None
        await admit(here, 2, 3)
        await passed(mock_clock, 0.9)
        assert [] == ada.hear_all()
        await passed(mock_clock, 0.2)
        assert 2 == len(ada.heard("records")["records"])


async def test_a_few_that_wait_hold_up_nobody(mock_clock: MockClock) -> None:
    """It rests no longer because one of several takes nothing at once."""
    async with house() as here:
        following = here.gateway._services.following
        following.sweep_s, following.rest_share = 0.01, 0.5
        talks = [await here.connect() for _ in range(3)]
        ids = [await talk.ask("subscribe", all=True) for talk in talks]
        for talk in talks:
            talk.hear_all()
        talks[0].gate.encrypt = lambda: mock_clock.jump(2.0)
        await admit(here, 1)
        assert [1, 1, 1] == [len(talk.heard("records")["records"]) for talk in talks]
        talks[0].gate.encrypt = lambda: None
        await admit(here, 2, 3)
        await passed(mock_clock, 0.02)
        assert [[2, 3]] * 3 == [positions(*one) for one in zip(talks, ids, strict=True)]


async def test_what_waits_is_sent_without_a_rest() -> None:
    """Where a sweep leaves something behind, the next one follows at once."""
    async with house() as here:
        here.gateway._services.following.sweep_s = 3600
        ada = await here.connect()
        id_ = await ada.ask("subscribe", all=True)
        events = [JsonEvent("Bid", {"cents": one}) for one in range(1_200)]
        await here.store.store_if_valid(events[0], lambda r: r.accept(events=events), scope="lot/1")
        await wait_all_tasks_blocked()

        assert list(range(1, 1_201)) == positions(ada, id_)

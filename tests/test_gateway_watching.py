"""Scopes over the wire: by name, and what changes about them."""

from __future__ import annotations

from trio.testing import MockClock, wait_all_tasks_blocked

from gateway_records import admit
from gateway_talk import House, Talk, bid, house
from slow_journals import hold_back


async def filled(here: House) -> Talk:
    """Ten records in two scopes, and somebody who asks."""
    for n in range(1, 11):
        await admit(here, n, scope=f"lot/{n % 2}")
    ada = await here.connect()
    ada.hear()
    return ada


async def test_pages() -> None:
    """Scopes by name, a page at a time, with where they end and what they do."""
    async with house() as here:
        ada = await filled(here)
        await ada.ask("scopes", limit=1)
        (shown,) = ada.heard("scopes")["scopes"]
        assert {
            "scope": "lot/0",
            "sequence": 5,
            "position": 10,
            "state": "available",
        }.items() <= (shown.items())
        ada.heard("done")
        await ada.ask("scopes", after="lot/0", prefix="lot/")
        assert ["lot/1"] == [one["scope"] for one in ada.heard("scopes")["scopes"]]


async def test_watching(mock_clock: MockClock) -> None:
    """What changes is told, and nothing else; operators see whose round it is."""
    async with house() as here:
        ada = await filled(here)
        root = await here.connect("root")
        reader = await here.connect("reader", read=("",))
        ids = [await talk.ask("scopes", watch=True) for talk in (root, reader)]
        root.hear_all()
        reader.hear_all()
        mock_clock.jump(0.11)
        await wait_all_tasks_blocked()
        assert [] == root.hear_all()
        await ada.ask("propose", scope="lot/1", decide="self", event=bid(99), past=False)
        await ada.ask("propose", scope="lot/1", decide="self", event=bid(99), past=False)
        mock_clock.jump(0.11)
        await wait_all_tasks_blocked()
        (shown,) = root.heard("scopes", id=ids[0])["scopes"]
        (less,) = reader.heard("scopes", id=ids[1])["scopes"]
        open_round = {"state": "validating", "waiting": 1}
        assert {"scope": "lot/1", **open_round, "principal": "ada"}.items() <= shown.items()
        assert {"round", "since_s", "deadline_s"} <= shown.keys()
        assert not {"round", "principal"} & less.keys()
        assert open_round.items() <= less.items()
        await admit(here, 1, scope="lot/7")
        mock_clock.jump(0.11)
        await wait_all_tasks_blocked()
        assert "lot/7" in [one["scope"] for one in root.hear()["scopes"]]
        await root.say(type="unsubscribe", id=ids[0])
        root.heard("done", id=ids[0])


async def test_what_changes_while_the_page_is_sent(mock_clock: MockClock) -> None:
    """A change between the page's reading and the watching is told."""
    async with house() as here:
        ada = await filled(here)
        slow = hold_back(here.store, "scopes")
        await ada.ask("scopes", watch=True)
        here.store._parts.journal = here.journal
        await admit(here, 11, scope="lot/1")
        slow.go.set()
        await wait_all_tasks_blocked()
        ada.heard("scopes")
        mock_clock.jump(0.11)
        await wait_all_tasks_blocked()

        assert ["lot/1"] == [one["scope"] for one in ada.heard("scopes")["scopes"]]


async def test_what_was_told_last_holds(mock_clock: MockClock) -> None:
    """A round that is told as open, because it just was, is told to be over, too."""
    async with house() as here:
        ada, ben = await filled(here), await here.connect("ben")
        ben.hear()
        await ada.ask("scopes", watch=True)
        ada.hear_all()
        slow = hold_back(here.store, "scope_end")
        await admit(here, 12, scope="lot/1")
        mock_clock.jump(0.11)
        await wait_all_tasks_blocked()
        # The scope was looked at. Before it is told, a round opens; behind that, it ends.
        here.store._parts.journal = here.journal
        id_ = await ben.ask("propose", scope="lot/1", decide="self", event=bid(1), past=False)
        name = ben.heard("validate")["round"]
        slow.go.set()
        await wait_all_tasks_blocked()
        assert "validating" == ada.heard("scopes")["scopes"][0]["state"]
        await ben.say(type="decide", id=id_, round=name, accept=False)
        mock_clock.jump(0.11)
        await wait_all_tasks_blocked()

        assert "available" == ada.heard("scopes")["scopes"][0]["state"]

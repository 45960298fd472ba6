"""What the threat model says of the gateway, and no other test shows."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from atomic_store import Head, JsonEvent, open_store
from atomic_store.gateway import Limits
from atomic_store.gateway.access import TokenFile
from atomic_store.gateway.access.token_text import write
from atomic_store.journal.verify import verify
from gateway_guests import ADA, BEN, ada_and_ben
from gateway_raw import BID, hosted, until
from gateway_talk import House, Talk, admitted, an_id, bid, house
from token_files import NOW, entry, token, tokens

# --- anonymous peers ----------------------------------------------------------------------


async def test_tokens_that_do_not_count_are_told_apart_by_nobody(tmp_path: Path) -> None:
    """One that has expired is refused in the words for one that never was."""
    path = tmp_path / "tokens.json"
    path.write_bytes(write(tokens(entry(1), entry(2, expires=NOW - timedelta(days=900)))))
    path.chmod(0o600)
    told = []
    async with hosted(tokens=TokenFile(path)) as host:
        for number in (2, 3):
            async with host.open() as raw:
                await raw.say("hello", token=token(number))
                assert [] == await raw.hear_all()
                told.append((raw.close_code, raw.close_reason))
        async with host.client(token=token(1)):
            pass

    assert [(4401, told[0][1])] * 2 == told


async def test_a_peer_without_a_token_writes_few_lines(caplog: pytest.LogCaptureFixture) -> None:
    """What somebody can put into the log grows with his connections alone, and is short."""
    caplog.set_level("INFO")
    async with hosted(tokens=ada_and_ben()) as host:
        before = len(caplog.records)
        for _ in range(5):
            async with host.open() as raw:
                await raw.say("hello", token="x" * 5_000)
                assert 4401 == await raw.closed()
        await until(lambda: 0 == host.streams)
    lines = [record.getMessage() for record in caplog.records[before:]]

    assert len(lines) <= 5 * 3 + 2
    assert max(map(len, lines)) < 500


# --- clients with few rights --------------------------------------------------------------


async def with_secrets(here: House) -> Talk:
    """Two scopes, and somebody who may read one of them."""
    root = await here.connect("root")
    root.hear()
    await admitted(root, 1, "lot/1")
    await admitted(root, 2, "secret/1")
    ben = await here.connect("ben", read=("lot/",), propose=("lot/",))
    ben.hear()
    return ben


@pytest.mark.parametrize(
    ("kind", "members"),
    [
        ("query", {"all": True}),
        ("query", {"prefix": ""}),
        ("query", {"prefix": "lot"}),
        ("query", {"scope": "secret/1"}),
        ("subscribe", {"all": True}),
        ("subscribe", {"prefix": "lot"}),
        ("subscribe", {"scope": "secret/1"}),
        ("scopes", {}),
        ("scopes", {"prefix": "s"}),
        ("validate_for", {"prefix": "lot/"}),
        ("end_round", {"scope": "lot/1", "round": "r-1"}),
        ("stats", {}),
        ("store", {}),
        ("verify", {}),
    ],
)
async def test_what_is_not_ones_own_is_forbidden(kind: str, members: dict[str, Any]) -> None:
    """Other scopes, a prefix that is wider than the right, and what others decide."""
    async with house() as here:
        ben = await with_secrets(here)
        await ben.ask(kind, **members)
        ben.heard("error", code="forbidden")


async def test_a_filter_does_not_widen_what_is_seen() -> None:
    """It chooses among what the right covers, also where it names other scopes."""
    async with house() as here:
        ben = await with_secrets(here)
        where = 'scope = "secret/1" or data.cents > 0'
        await ben.ask("query", prefix="lot/", where=where)
        assert ["lot/1"] == [one["scope"] for one in ben.heard("records")["records"]]
        ben.heard("done")
        await ben.ask("subscribe", prefix="lot/", where=where)
        assert ["lot/1"] == [one["scope"] for one in ben.heard("records")["records"]]


async def test_positions_tell_how_much_happens_elsewhere() -> None:
    """A subscriber learns how far the store has come: not of what, and not in which scope."""
    async with house() as here:
        ben = await with_secrets(here)
        await ben.ask("subscribe", prefix="lot/", after=1)

        assert {"type": "caught_up", "id": 1, "position": 2} == ben.hear()
        assert [] == ben.hear_all()


async def test_many_large_filters_hold_up_nobody() -> None:
    """As many subscriptions as one may have, with filters as large as they may be: all are told."""
    where = " or ".join(f"data.cents = {n}" for n in range(60))
    async with house() as here:
        eve, ada = await here.connect("eve"), await here.connect("ada")
        eve.hear_all()
        ada.hear()
        for _ in range(here.limits.open_requests):
            await eve.ask("subscribe", all=True, where=where)
        eve.hear_all()
        await eve.ask("subscribe", all=True)
        eve.heard("error", code="too_many")
        await admitted(ada, 59)
        await wait_all_tasks_blocked()

        assert here.limits.open_requests == eve.hear_types().count("records")


# --- clients with many rights -------------------------------------------------------------


async def test_figures_are_not_told_without_a_rest() -> None:
    """Nobody can ask for them more often than ten times a second."""
    async with house() as here:
        ada = await here.connect()
        ada.hear()
        await ada.ask("stats", every_s=0.05)
        assert ada.heard("error", code="bad_message")["message"].startswith("every_s: expected")
        await ada.ask("stats", every_s=0.1)
        ada.heard("stats")


async def test_a_validator_that_does_not_read(mock_clock: MockClock) -> None:
    """What waits for it is bounded, its rounds time out, and then it is cut off: others decide."""
    limits = Limits(outbox_bytes=20_000, slow_s=6, open_requests=200)
    pad = {"type": "Bid", "data": {"pad": "x" * 2_000}}
    async with house(limits=limits) as here:
        mute, ada = await here.connect("mute"), await here.connect("ada")
        mute.hear()
        ada.hear()
        await mute.ask("validate_for", prefix="lot/", rounds=64)
        mute.gate.fill()
        for number in range(60):
            await ada.ask("propose", scope=f"lot/{number}", event=pad, proposal_id=an_id(number))
        peer = mute.connection._peer
        assert peer is not None
        assert 15_000 < peer.outbox.size < limits.outbox_bytes + 3_000
        mock_clock.jump(5.1)
        await wait_all_tasks_blocked()
        assert ["timed_out"] * 60 == [one["outcome"] for one in ada.hear_all()]
        mock_clock.jump(2)
        await wait_all_tasks_blocked()
        assert 4508 == mute.connection.code
        await ada.ask("propose", scope="lot/1", event=bid(5))
        ada.heard("error", code="no_validator")


async def test_a_proposal_outlives_the_token_it_came_with() -> None:
    """What others decide goes on when its proposer is closed, and is stored in his name."""
    guests = ada_and_ben()
    async with hosted(tokens=guests) as host, host.client(token=ADA) as judge:
        await judge.say("validate_for", id=1, prefix="lot/")
        async with host.client(token=BEN) as raw:
            await raw.say("propose", id=1, scope="lot/1", event=BID)
            shown = await judge.hear_type("validate")
            guests.revoke(BEN)
            assert 4401 == await raw.closed()
        await judge.say("decide", id=1, round=shown["round"], accept=True)
        assert "accepted" == (await judge.hear_type("over"))["outcome"]
        (record,) = await host.store.query_events("lot/1")

    assert {"$by": "ben", "$decided_by": "ada"} == record.metadata


# --- who reaches the disk -----------------------------------------------------------------


def test_another_history_is_told_by_its_head_alone(tmp_path: Path) -> None:
    """Whoever may write the files can write others that are sound; not with the same head."""

    async def admit(path: Path, cents: int) -> Head:
        async with open_store(path, events=None) as store:
            event = JsonEvent("Bid", {"cents": cents})
            await store.store_if_valid(event, lambda request: request.accept(), scope="lot/1")
            return store.head

    told = tmp_path / "told.store"
    trio.run(admit, told, 1)
    forged = Path(shutil.copytree(told, tmp_path / "forged.store"))
    heads = [trio.run(admit, told, 500), trio.run(admit, forged, 5)]

    assert [(), ()] == [verify(path).damage for path in (told, forged)]
    assert heads[0].position == heads[1].position == 2
    assert heads[0].commit != heads[1].commit

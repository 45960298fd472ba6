"""The gateway counts what it does."""

from __future__ import annotations

import re

from gateway_records import admit
from gateway_talk import House, bid, house


def figures(here: House) -> dict[str, float]:
    """What a scrape gives, without the store's own."""
    _, text = here.gateway.metrics.render()
    found = re.findall(rb"(?m)^atomic_store_gateway_(\S+) (\S+)$", text)
    return {name.decode(): float(value) for name, value in found if b"_created" not in name}


async def test_a_conversation() -> None:
    """Messages by type, requests, rounds, subscribers and records, as they come and go."""
    async with house() as here:
        ada = await here.connect()
        id_ = await ada.ask("subscribe", all=True)
        await ada.ask("propose", scope="a", decide="self", event=bid(1))
        during = figures(here)
        await ada.say(type="decide", id=2, round="r-1", accept=True)
        await ada.say(type="nonsense")
        await admit(here, 1, 2)
        await ada.say(type="unsubscribe", id=id_)
        after = figures(here)

        assert (1, 2, 1) == (
            during["connections_open"], during["requests_open"], during["subscribers"],
        )  # fmt: skip
        assert (0, 0, 3) == (
            after["requests_open"], after["subscribers"], after["delivered_records_total"],
        )  # fmt: skip
        assert 1 == after['rounds_total{outcome="accepted"}']
        heard = {
            "hello": 1,
            "subscribe": 1,
            "propose": 1,
            "decide": 1,
            "unsubscribe": 1,
            "other": 1,
        }
        told = {"welcome": 1, "caught_up": 1, "validate": 1, "result": 1, "error": 1, "done": 1}
        for name, counts in (("messages_received", heard), ("messages_sent", told)):
            assert (
                counts.items()
                <= {
                    key.partition('"')[2][:-2]: value
                    for key, value in after.items()
                    if key.startswith(name)
                }.items()
            )
        assert after['messages_sent_total{type="records"}'] >= 1


async def test_a_connection_that_is_lost() -> None:
    """What it had open is not counted any more."""
    async with house() as here:
        ada = await here.connect()
        await ada.ask("subscribe", all=True)
        await ada.ask("validate_for", prefix="")
        await ada.hang_up()
        left = figures(here)

        assert (0, 0, 0, 1) == (
            left["connections_open"], left["requests_open"], left["subscribers"],
            left['connections_total{code="1000"}'],
        )  # fmt: skip


async def test_what_operators_ask_for() -> None:
    """`stats` tells what the store counts, and who is connected, subscribed, and was sent what."""
    async with house() as here:
        ada, ben = await here.connect(), await here.connect("ben")
        await ada.ask("subscribe", all=True)
        await ben.ask("subscribe", all=True)
        await admit(here, 1, 2, 3)
        ada.hear_all()
        await ada.ask("stats")
        told = ada.heard("stats")["figures"]

        assert {
            "position": 3, "accepted": 3, "records": 3, "commits": 0, "commit_p99_s": None,
            "connections": 2, "principals": 2, "subscribers": 2, "slow_subscribers": 0,
            "delivered": 6,
        }.items() <= told.items()  # fmt: skip

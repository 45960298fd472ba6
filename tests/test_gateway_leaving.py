"""Clients that go at whatever moment: the others do not notice, and nothing is left of them."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from gateway_flows import odd_slowly
from gateway_talk import Talk, an_id, bid, house, left_over
from schedules import seeded
from slow_journals import Lagging

STEPS = 45
"""After as many turns all that is asked below has long been answered."""

SAID: list[dict[str, Any]] = [
    {"type": "hello", "token": "ada"},
    {"type": "subscribe", "id": 1, "all": True, "after": 0},
    {"type": "propose", "id": 2, "scope": "lot/1", "decide": "self", "event": bid(1)},
    {"type": "propose", "id": 3, "scope": "lot/1", "event": bid(1), "proposal_id": an_id(3)},
    {"type": "propose", "id": 4, "scope": "lot/1", "decide": "self", "event": bid(2)},
    {"type": "validate_for", "id": 5, "prefix": "lot/"},
    {"type": "query", "id": 6, "all": True},
    {"type": "scopes", "id": 7, "watch": True},
    {"type": "propose", "id": 8, "scope": "lot/1", "event": bid(1), "proposal_id": an_id(3)},
    {"type": "stats", "id": 9, "every_s": 1},
    {"type": "withdraw", "id": 4},
]


@pytest.mark.parametrize("breaks", [True, False])
@pytest.mark.parametrize("validate", [None, odd_slowly])
def test_at_any_moment(validate: Any, breaks: bool) -> None:
    """Whatever it has asked for, and however far that has come, a client may go."""
    for steps in range(STEPS):
        with seeded(steps):
            trio.run(_leave, steps, validate, breaks, clock=(clock := MockClock()))
        assert clock.current_time() > 0


async def _leave(steps: int, validate: Any, breaks: bool) -> None:
    clock = trio.lowlevel.current_clock()
    assert isinstance(clock, MockClock)
    async with house(validate=validate) as here:
        ben = await here.connect("ben")
        for n in range(3):
            await ben.ask("propose", scope="lot/1", decide="self", event=bid(n), past=False)
            await ben.say(type="decide", id=n + 1, round=f"r-{n + 1}", accept=True)
        ben.hear_all()
        lagging: Any = Lagging(here.journal, Random(steps))
        here.store._parts.journal = lagging
        await here.connect("ada")
        ada = here.ring()
        for message in SAID:
            ada.outbox.send_nowait(json.dumps(message))
        for _ in range(steps):
            await trio.lowlevel.checkpoint()
        await _go(ada, breaks)
        for _ in range(4):
            clock.jump(5.1)
            await wait_all_tasks_blocked()
        # Nobody is in the way of the next one.
        id_ = await ben.ask("propose", scope="lot/1", decide="self", event=bid(9), past=False)
        assert ["validate"] == [one["type"] for one in ben.hear_all() if one.get("id") == id_]
        for connection in list(here.gateway._entrance.connections.values()):
            connection.gate.abort()
            connection._reading.cancel()
        clock.jump(5.1)
        await wait_all_tasks_blocked()

        assert {} == left_over(here)


async def _go(talk: Talk, breaks: bool) -> None:
    if breaks:
        talk.gate.abort()
        talk.connection._reading.cancel()
    await talk.outbox.aclose()
    await talk.is_over.wait()

"""
Whole conversations with a gateway and its store: nothing that is said is a fault of the gateway.

A line is a message of one of three clients, told by its first byte; `!` lets time pass, `-`
hangs up. What is journaled in the end is what clients were told of, and nothing is left over.
"""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from atomic_store.gateway import Limits
from atomic_store.gateway.log import logger
from atomic_store.gateway.protocol.codes import CloseCode, ErrorCode
from gateway_talk import House, Talk, house, left_over
from schedules import seeded

LIMITS: Final = Limits(
    message_bytes=2_000, page_records=2, open_requests=5, rounds=2, heartbeat_s=600, slow_s=600
)
CLIENTS: Final = 3
LINES_MAX: Final = 24
DOCUMENTED: Final = frozenset(map(str, ErrorCode)) - {"internal", "store_failed"}


def fuzz(data: bytes) -> None:
    """Hold some conversations at the same time."""
    clock = MockClock()
    with seeded(0), without_complaints():
        trio.run(_talk, data, clock, clock=clock)


@contextmanager
def without_complaints() -> Iterator[None]:
    """See that the gateway logs no fault of its own."""
    complaints: list[str] = []

    class Listening(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            complaints.append(record.getMessage())

    handler, level = Listening(logging.ERROR), logger.level
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
    assert [] == complaints


async def _talk(data: bytes, clock: MockClock) -> None:
    async with house(limits=LIMITS, max_waiting=3, idle_after=4.0) as here:
        talks = [await here.connect(name) for name in ("ada", "ben", "eve")[:CLIENTS]]
        for line in data.split(b"\n")[:LINES_MAX]:
            await _say(talks, line, clock)
        for talk in talks:
            check_heard(talk)
        told = accepted_of(talks)
        for talk in talks:
            await talk.outbox.aclose()
        for _ in range(4):
            clock.jump(5.1)
            await wait_all_tasks_blocked()
        check_stored(here, told)
        assert {} == left_over(here)


async def _say(talks: list[Talk], line: bytes, clock: MockClock) -> None:
    talk = talks[sum(line[:1]) % CLIENTS]
    if line.startswith(b"!"):
        clock.jump(5.1)
    elif line.startswith(b"-"):
        await talk.outbox.aclose()
    elif not talk.is_over.is_set():
        try:
            text: str | bytes = line[1:].decode()
        except UnicodeDecodeError:
            text = line[1:]
        try:
            await talk.say_text(text)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            return
    await wait_all_tasks_blocked()


def check_heard(talk: Talk) -> None:
    """Each request has ended at most once, and with nothing that is not documented."""
    ends: Counter[int] = Counter()
    for message in talk.gate.heard:
        id_ = message.get("id")
        if message["type"] == "error":
            assert message["code"] in DOCUMENTED, message
        if id_ is None or message.get("final") is False:
            continue
        assert not ends[id_], f"{message} behind the end of its request"
        ends[id_] += message["type"] in {"result", "done", "error"}
    if talk.socket.closed is not None:
        assert talk.socket.closed[0] in set(CloseCode) - {CloseCode.INTERNAL}


def accepted_of(talks: list[Talk]) -> dict[int, dict[str, Any]]:
    """By position, the records that somebody was told of."""
    told: dict[int, dict[str, Any]] = {}
    for talk in talks:
        for message in talk.gate.heard:
            for record in message.get("records", ()):
                assert record == told.setdefault(record["position"], record)
    return told


def check_stored(here: House, told: dict[int, dict[str, Any]]) -> None:
    """Whatever was told is there, and no proposal twice."""
    stored = here.journal._records
    for position, record in told.items():
        one = stored[position - 1]
        assert (one.scope, one.sequence, one.id) == (
            record["scope"], record["sequence"], record["id"],
        )  # fmt: skip
        assert json.loads(one.data) == record["data"]
    firsts = [(one.scope, one.id) for one in stored if one.part is None or one.part[0] == 1]
    assert len(firsts) == len(set(firsts)), "a proposal was admitted twice"

"""
The other way to be consistent: append only if nobody was faster, else decide again.

Everybody reads the version of the scope, decides, and appends at the next sequence; a
scope that has moved on meanwhile is a conflict, and then the reading and the deciding
start anew.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Protocol

import attrs
import trio

from .databases import INSERT, open_sqlite, row_of
from .workload import Bid, bid


class Log(Protocol):
    """One scope of a store that compares versions."""

    async def version(self) -> int:
        """The sequence of the last event."""
        ...

    async def append(self, event: Bid, expected_version: int) -> bool:
        """Append, unless the scope is at another version."""
        ...


@attrs.define(eq=False)
class InMemory:
    """A log that costs nothing: only the conflicts are left."""

    _events: list[Bid] = attrs.Factory(list)

    async def version(self) -> int:
        await trio.lowlevel.checkpoint()
        return len(self._events)

    async def append(self, event: Bid, expected_version: int) -> bool:
        await trio.lowlevel.checkpoint()
        if expected_version != len(self._events):
            return False
        self._events.append(event)
        return True


@attrs.define(eq=False)
class InSqlite:
    """A log in SQLite, used from threads; the primary key is what finds a conflict."""

    _database: sqlite3.Connection
    # One connection takes one statement at a time.
    _turn: trio.CapacityLimiter = attrs.Factory(lambda: trio.CapacityLimiter(1))

    async def version(self) -> int:
        return await trio.to_thread.run_sync(self._version, limiter=self._turn)

    async def append(self, event: Bid, expected_version: int) -> bool:
        return await trio.to_thread.run_sync(
            self._append, event, expected_version, limiter=self._turn
        )

    def _version(self) -> int:
        query = "SELECT coalesce(max(sequence), 0) FROM records WHERE scope = ?"
        (version,) = self._database.execute(query, ("lot-1",)).fetchone()
        return int(version)

    def _append(self, event: Bid, expected_version: int) -> bool:
        try:
            self._database.execute(INSERT, row_of(event, expected_version + 1))
        except sqlite3.IntegrityError:
            return False
        return True


async def contend(log: Log, contenders: int, events: int) -> float:
    """
    Have tasks contend for one scope, all the time, until it has so many events.

    Returns:
      How many decisions were made for each event that got in.
    """
    decisions = accepted = 0

    async def contender(number: int) -> None:
        nonlocal decisions, accepted
        while accepted < events:
            version = await log.version()
            decisions += 1
            await trio.lowlevel.checkpoint()
            # Two statements: what is added to must be read after the await, not before.
            appended = await log.append(bid("lot-1", number, version), version)
            accepted += appended

    async with trio.open_nursery() as nursery:
        for number in range(contenders):
            nursery.start_soon(contender, number)
    return decisions / accepted


def decisions_in_memory(contenders: int, events: int) -> float:
    """Contend for a scope in memory."""
    return trio.run(contend, InMemory(), contenders, events)


def decisions_in_sqlite(directory: Path, contenders: int, events: int) -> float:
    """Contend for a scope in SQLite."""
    with open_sqlite(directory) as database:
        return trio.run(contend, InSqlite(database), contenders, events)

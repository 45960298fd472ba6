"""Readers: of the store, of its messages, and of its files from another process."""

from __future__ import annotations

from typing import Any, final
from uuid import UUID

import attrs
import trio

from atomic_store import (
    AtomicStoreError,
    CaughtUp,
    QueriedEvents,
    QueryEvents,
    Store,
    open_reader,
)
from atomic_store.testing.faulty_disk import FaultyDisk
from bids import Bid

from .calling import take_steps
from .flow import LOTS, PATH, Reading
from .noted import Notes, stored_of

TAILED_S = 0.05
"""How long another process follows the store: it looks every few milliseconds."""


@final
@attrs.define(eq=False)
class Looking:
    """One reader on its way."""

    plan: Reading
    notes: Notes
    store: Store[Bid]
    disk: FaultyDisk

    @property
    def lot(self) -> str:
        return self.plan.lot or LOTS[0]

    async def run(self) -> None:
        """Come, and read."""
        await trio.sleep(self.plan.after)
        await take_steps(self.plan.steps)
        await getattr(self, f"_{self.plan.what}")()

    async def _query(self) -> None:
        operation = self.notes.history.begin("query", self.lot, after=self.plan.behind)
        try:
            records = await self.store.query_events(self.lot, after=self.plan.behind)
        except AtomicStoreError as error:
            self.notes.tell_error(operation, error)
        else:
            self.notes.tell(operation, "gave", records)

    async def _message(self) -> None:
        operation = self.notes.history.begin("query", self.lot, after=self.plan.behind)
        send, receive = trio.open_memory_channel[Any](1)
        with send, receive:
            try:
                query = QueryEvents(send, scope=self.lot, after=self.plan.behind)
                await self.store.receptionist.send(query)
            except (trio.ClosedResourceError, trio.BrokenResourceError):
                self.notes.tell(operation, "closed")
                return
            answer = await receive.receive()
        if isinstance(answer, QueriedEvents):
            self.notes.tell(operation, "gave", answer.records)
        else:
            self.notes.tell_error(operation, answer.error)

    async def _outcome(self) -> None:
        id_ = UUID(int=self.plan.behind)
        operation = self.notes.history.begin("outcome", self.lot, id=str(id_))
        try:
            result = await self.store.outcome(id_, scope=self.lot)
        except AtomicStoreError as error:
            self.notes.tell_error(operation, error)
        else:
            self.notes.tell(operation, "gave", () if result is None else result.records)

    async def _follow(self) -> None:
        operation = self.notes.history.begin("follow", self.plan.lot)
        try:
            async with self.store.subscribe(scope=self.plan.lot) as feed:
                async for item in feed:
                    if isinstance(item, CaughtUp):
                        operation.caught_up = item.position
                    else:
                        self.notes.history.give(operation, stored_of(item))
        except AtomicStoreError as error:
            self.notes.tell_error(operation, error)
        else:
            self.notes.tell(operation, "gave")

    async def _read(self) -> None:
        operation = None
        try:
            async with open_reader(PATH, events=Bid, disk=self.disk) as reader:
                # As long as it is open, it may know more and more.
                for after in (0, self.plan.behind):
                    operation = self.notes.history.begin("read", self.lot, after=after)
                    records = await reader.query_events(self.lot, after=after)
                    self.notes.tell(operation, "gave", records)
        except AtomicStoreError as error:
            self._excuse(error)
            if operation is not None and operation.told is None:
                self.notes.tell_error(operation, error)

    async def _tail(self) -> None:
        operation = self.notes.history.begin("read", self.lot)
        given = []
        try:
            async with open_reader(PATH, events=Bid, disk=self.disk) as reader:
                async with reader.subscribe(scope=self.lot) as feed:
                    with trio.move_on_after(TAILED_S):
                        async for item in feed:
                            if not isinstance(item, CaughtUp):
                                given.append(item)  # noqa: PERF401 - as far as it comes
        except AtomicStoreError as error:
            self._excuse(error)
            self.notes.tell_error(operation, error)
        else:
            self.notes.tell(operation, "gave", given)

    def _excuse(self, error: AtomicStoreError) -> None:
        """A reader fails only if the disk does."""
        self.notes.counts[f"reader {type(error).__name__}"] += 1
        if not self.disk.failures and not self.disk.is_off:
            self.notes.wrong("readers", f"without a fault of the disk: {error!r}")

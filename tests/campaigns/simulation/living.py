"""The lives of a store: each from its opening to its end."""

from __future__ import annotations

from random import Random
from typing import Any, final

import attrs
import trio

from atomic_store import AtomicStoreError, JournalCorrupt, JournalFailed, Store, open_store
from atomic_store.journal import Recovery
from atomic_store.journal.file import open_file_journal
from atomic_store.testing.faulty_disk import FaultyDisk
from bids import Bid, lot_of
from spoiled_files import damage_index, spoil_snapshots

from ..history import Stored
from .calling import Calling, take_steps
from .flow import DECISION_EVENTS_MAX, PATH, POWER_OFF, TIMEOUT_S, Life
from .noted import EVENTS, Notes
from .reading import Looking
from .world import World

LONGEST_S = 400.0
"""By then everybody has been answered."""


class BodyBug(Exception):
    """What leaves a store's block that was told to raise."""


@final
@attrs.define(eq=False)
class Living:
    """One life on its way."""

    life: Life
    disk: FaultyDisk
    notes: Notes
    world: World
    was_lost: bool = False
    """The life before ended with a loss of power."""
    has_opened: bool = False
    is_over: bool = False
    """It has come to its planned end."""
    was_cut: bool = False
    """The power went off in the middle of it."""

    async def run(self) -> None:
        """Open the store, let happen what is planned, and see it end."""
        self._plan_faults(is_early=True)
        self.world.commit_s = self.life.commit_s
        with trio.move_on_after(LONGEST_S) as limit:
            async with trio.open_nursery() as tasks:
                await self._until_closed(tasks)
        if limit.cancelled_caught:
            told_nothing = [
                o
                for o in self.notes.history.operations.values()
                if o.told is None and o.call != "follow"
            ]
            self.notes.wrong("answered", "somebody was never answered", *told_nothing)
        self._look_at_disk()

    async def _until_closed(self, tasks: trio.Nursery) -> None:
        life = self.life
        try:
            with trio.CancelScope() as body:
                async with self._open_journal() as journal, self._open_store(journal) as store:
                    await self._open(store, tasks)
                    if life.end == "raise":
                        raise BodyBug
                    if life.end == "cancel":
                        body.cancel()
                        await trio.sleep_forever()
        except BodyBug:
            self.notes.counts["end: raise"] += 1
        except AtomicStoreError as error:
            self.was_cut = self.was_cut or (self.disk.is_off and not self.is_over)
            self._excuse(error)
        else:
            self.notes.counts["end: cancel" if body.cancelled_caught else "end: close"] += 1

    def _open_journal(self) -> Any:
        return open_file_journal(
            PATH,
            disk=self.disk,
            clock=self.world.now,
            segment_bytes_max=self.life.segment_bytes_max,
            piece_bytes=400,
        )

    def _open_store(self, journal: Any) -> Any:
        return open_store(
            journal,
            events=Bid,
            scope_of=lot_of,
            validation_timeout=TIMEOUT_S,
            live_scopes_max=2,
            idle_after=3.0,
            max_waiting=self.life.max_waiting,
            decision_events_max=DECISION_EVENTS_MAX,
            state=EVENTS if self.life.folds else None,
            snapshot_every=2,
        )

    async def _open(self, store: Store[Bid], tasks: trio.Nursery) -> None:
        """Let happen what is planned while it is open."""
        life, notes, disk = self.life, self.notes, self.disk
        self.has_opened = True
        notes.history.stores.append((notes.history.now(), store.history))
        self._count(store.recovery)
        await look_at_all(store, notes)
        self._plan_faults(is_early=False)
        for caller in life.callers:
            tasks.start_soon(Calling(caller, notes, store, tasks).run)
        for reading in life.readings:
            tasks.start_soon(Looking(reading, notes, store, disk).run)
        if life.damage:
            await trio.sleep(life.lasts / 2)
            damage_index(disk, PATH, life.damage[0], Random(life.seed), notes.counts)
            await trio.sleep(life.lasts / 2)
        else:
            await trio.sleep(life.lasts)
        await take_steps(life.steps)
        notes.history.heads.append((notes.history.now(), store.head.position))
        if life.end in ("kill", "power loss"):
            # From here on nothing reaches the disk: what is open stays undecided.
            self.was_cut, self.is_over = disk.is_off, True
            disk.power_off_at(0)
            await trio.sleep(life.commit_s + 0.001)
        self._count_snapshots(store)

    def _plan_faults(self, *, is_early: bool) -> None:
        for fault in self.life.faults:
            if fault.is_early is not is_early:
                continue
            if fault.operation == POWER_OFF:
                self.disk.power_off_at(self.disk.changes + fault.nth)
                continue
            self.disk.fail(
                fault.operation,
                path=fault.path,
                nth=fault.nth,
                short=fault.short,
                times=fault.times,
            )

    def _excuse(self, error: AtomicStoreError) -> None:
        """A store fails only if the disk does; what cannot be read counts as damaged."""
        self.notes.counts[f"end: {type(error).__name__}"] += 1
        failed = {operation for operation, _ in self.disk.failures}
        if isinstance(error, JournalCorrupt):
            is_excused = "read" in failed or self.disk.is_off
        else:
            # A write of nothing is no failure of the disk's own.
            is_short = any(fault.short == 0 for fault in self.life.faults)
            has_fault = bool(failed) or self.disk.is_off or is_short
            is_excused = isinstance(error, JournalFailed) and has_fault
        if not is_excused:
            self.notes.wrong("fails by faults", f"the store ended with {error!r}")

    def _look_at_disk(self) -> None:
        counts, failed = self.notes.counts, [operation for operation, _ in self.disk.failures]
        for operation in failed:
            counts[f"fault: {operation}"] += 1
        is_short = any(fault.short is not None for fault in self.life.faults)
        counts["fault: short write"] += is_short and "write" in failed
        counts[f"fault: {POWER_OFF}"] += self.was_cut
        counts["never opened"] += not self.has_opened
        if self.disk.open_files:
            self.notes.wrong("closes files", f"open at the end: {self.disk.open_files}")

    def _count(self, recovery: Recovery) -> None:
        counts = self.notes.counts
        counts["opened"] += 1
        counts["opened: after power loss"] += self.was_lost
        counts["opened: torn"] += recovery.torn_bytes > 0
        counts["opened: not closed"] += not recovery.was_closed
        counts["opened: several segments"] += recovery.segments > 1

    def _count_snapshots(self, store: Store[Bid]) -> None:
        statistics = store.statistics()
        counts = self.notes.counts
        counts["snapshots written"] += statistics.snapshots_written
        counts["snapshots used"] += statistics.snapshots_used
        counts["snapshots skipped"] += statistics.snapshots_skipped

    def left(self) -> FaultyDisk:
        """The disk as the next life finds it."""
        life, disk = self.life, self.disk
        disk.mend()
        disk.kill()
        if life.end == "power loss":
            disk = disk.crash(life.seed)
            self.notes.history.lose_power()
        random = Random(life.seed)
        spoil_snapshots(disk, life.spoiled, random)
        for damage in life.damage[1:]:
            damage_index(disk, PATH, damage, random, self.notes.counts)
        return disk


async def look_at_all(store: Store[Bid], notes: Notes) -> tuple[Stored, ...]:
    """Read all there is, as a query."""
    operation = notes.history.begin("query")
    records = [record async for record in store.read()]
    notes.tell(operation, "gave", records)
    return operation.records

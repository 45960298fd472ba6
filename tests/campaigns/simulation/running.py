"""Running a flow, and saying what was wrong with it."""

from __future__ import annotations

import gc
import sys
import traceback
from collections import Counter
from typing import Final
from unittest.mock import patch

import attrs
import trio
from trio.testing import MockClock

from atomic_store.testing.faulty_disk import FaultyDisk

from ..case import Violation
from ..checker import check
from ..history import History, Stored
from .flow import Flow, Life
from .living import Living, look_at_all
from .noted import Notes
from .world import Stuck, World, open_world

LAST: Final = Life()
"""The life that only looks."""


@attrs.frozen
class Ran:
    """
    What became of a flow.

    Attributes:
      violations: what was wrong, first of all the first.
      counts: how often anything happened.
    """

    history: History
    records: tuple[Stored, ...]
    violations: list[Violation]
    counts: Counter[str]


def run(flow: Flow) -> Ran:
    """Let a flow happen, then one more life that only looks, and check what was told."""
    notes = Notes()
    records: list[Stored] = []
    seed = flow.lives[0].seed if flow.lives else 0
    with open_world(seed) as world:
        try:
            trio.run(_live, flow, notes, world, records, clock=MockClock(autojump_threshold=0))
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                raise
            if isinstance(error.__cause__, Stuck):
                notes.wrong("answered", f"everybody waits for ever:\n    {error.__cause__}")
            else:
                text = "".join(traceback.format_exception(error)).rstrip()
                notes.wrong("crashes never", text.replace("\n", "\n    "))
            _drop_tasks(error)
            return Ran(notes.history, (), notes.violations, notes.counts)
    store = notes.history.stores[-1][1]
    violations = [*notes.violations, *check(notes.history, records, store)]
    notes.counts["records"] += len(records)
    notes.counts["operations"] += len(notes.history.operations)
    return Ran(notes.history, tuple(records), violations, notes.counts)


def _drop_tasks(error: BaseException) -> None:
    """Have the tasks of a run that broke off end now, and say nothing of it."""
    traceback.clear_frames(error.__traceback__)
    error.__cause__ = error.__context__ = error.__traceback__ = None
    with patch.object(sys, "unraisablehook", lambda unraisable: None):
        gc.collect()


async def _live(flow: Flow, notes: Notes, world: World, records: list[Stored]) -> None:
    disk = FaultyDisk(0)
    was_lost = False
    for life in flow.lives:
        living = Living(life, disk, notes, world, was_lost)
        await living.run()
        disk, was_lost = living.left(), life.end == "power loss"
    last = Living(LAST, disk, notes, world)
    world.commit_s = 0.0
    async with last._open_journal() as journal, last._open_store(journal) as store:
        notes.history.stores.append((notes.history.now(), store.history))
        records += await look_at_all(store, notes)

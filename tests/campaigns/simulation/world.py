"""
What a flow runs in, so that it does the same each time: order, ids, times, and slow commits.

The store knows none of it: what it takes from outside is put in its place from here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from math import inf
from pathlib import PurePath
from random import Random
from typing import Any, Final, TypeVar
from unittest.mock import patch
from uuid import UUID

import attrs
import outcome
import trio
import uuid_utils
from trio.testing import MockClock

import atomic_store.opening
import atomic_store.reader
from atomic_store.admission import Admission
from atomic_store.events import event_types
from atomic_store.journal import opening
from atomic_store.journal.pipeline import CommitPipeline
from schedules import seeded

T = TypeVar("T")

BEGINNING: Final = datetime(2026, 1, 1, tzinfo=UTC)
CRASHING: Final = "crash"
"""The bidder for whom no round can be opened: the scope's actor crashes."""


known_event_types = cache(event_types)
"""What a store makes anew each time it is opened, which takes as long as all the rest."""


class ActorBug(Exception):
    """What makes an actor crash."""


class Stuck(Exception):
    """Everybody waits, for nothing that will ever come, and nobody can be cancelled."""


@attrs.define(eq=False)
class World:
    """
    The world of one flow.

    Attributes:
      commit_s: how long each commit takes from now on; 0: until the tasks that are ready
        have run.
    """

    random: Random
    commit_s: float = 0.0

    def now(self) -> datetime:
        """The time that records get."""
        return BEGINNING + timedelta(seconds=trio.current_time())

    def new_id(self) -> UUID:
        """An id that no other has."""
        return UUID(int=self.random.getrandbits(128), version=4)


def _in_thread_of(world: World) -> Callable[..., None]:
    def in_thread(
        pipeline: Any, work: Callable[[], T], done: Callable[[outcome.Outcome[T]], None]
    ) -> None:
        """Write after a time, as a thread would that waits for the disk."""
        if not world.commit_s:
            pipeline._token.run_sync_soon(lambda: done(outcome.capture(work)))
            return

        async def write() -> None:
            await trio.sleep(world.commit_s)
            done(outcome.capture(work))

        trio.lowlevel.spawn_system_task(write)

    return in_thread


def _open_or_crash(open_round: Callable[..., Any]) -> Callable[..., Any]:
    def open_(admission: Admission[Any], **arguments: Any) -> Any:
        round_ = open_round(admission, **arguments)
        if round_.proposal.event.bidder == CRASHING:
            # The first thing that is done with a round; what may crash comes behind that.
            round_.proposal.round_token = round_.token
            raise ActorBug
        return round_

    return open_


def _jump_or_stop(jump: Callable[[MockClock], None]) -> Callable[[MockClock], None]:
    def jump_or_stop(clock: MockClock) -> None:
        if trio.lowlevel.current_statistics().seconds_to_next_deadline == inf:
            raise Stuck("\n    ".join(_waiting(trio.lowlevel.current_root_task())))
        jump(clock)

    return jump_or_stop


def _waiting(task: trio.lowlevel.Task | None) -> Iterator[str]:
    """Where each task waits: the innermost of its frames outside Trio."""
    if task is None:
        return
    frames = [(f.f_code.co_filename, line) for f, line in task.iter_await_frames()]
    path, line = next((f for f in reversed(frames) if "/trio/" not in f[0]), ("Trio", 0))
    yield f"{task.name} waits in {PurePath(path).name}, line {line}"
    for nursery in task.child_nurseries:
        for child in nursery.child_tasks:
            yield from _waiting(child)


@contextmanager
def open_world(seed: int) -> Iterator[World]:
    """Have everything in this block repeat under this seed."""
    world = World(Random(seed))
    with ExitStack() as stack:
        stack.enter_context(seeded(seed))
        stack.enter_context(patch.object(uuid_utils, "uuid7", world.new_id))
        stack.enter_context(patch.object(opening, "uuid4", world.new_id))
        stack.enter_context(patch.object(CommitPipeline, "_in_thread", _in_thread_of(world)))
        stack.enter_context(
            patch.object(MockClock, "_autojump", _jump_or_stop(MockClock._autojump))
        )
        stack.enter_context(patch.object(Admission, "open", _open_or_crash(Admission.open)))
        for user in (atomic_store.opening, atomic_store.reader):
            stack.enter_context(patch.object(user, "event_types", known_event_types))
        yield world

"""What the disk allows, with and without Trio: the bare loops that a store is held against."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, final

import attrs
import trio

from .workload import crowd

if TYPE_CHECKING:
    import outcome

    from .written import Written


def bare_loop(directory: Path, lines: Sequence[bytes]) -> float:
    """Write each line and wait for the disk, one after the other, without Trio or threads."""
    with _appending(directory / "bare.jsonl") as fd:
        began = time.perf_counter()
        for line in lines:
            os.write(fd, line)
            os.fdatasync(fd)
        return time.perf_counter() - began


def group_commit_loop(
    directory: Path, warmup: Written, measured: Written, proposers: int, *, same_batches: bool
) -> float:
    """
    Have a crowd append ready-made lines, written and synced a batch at a time.

    What is left of a store when everything that makes it one is taken away: the tasks,
    the batches, one write and one fdatasync for each, in a thread; while it writes, the
    next batch gathers.

    Args:
      same_batches: let each batch hold as many lines as the store's did; else whatever
        arrived while the last one was being written.
    """
    sizes = chain(warmup.sizes, measured.sizes) if same_batches else None

    async def main() -> float:
        with _appending(directory / "group.jsonl") as fd:
            loop = _GroupCommit(fd, sizes)
            # One iterator for all: whoever is free appends the next line, so that the
            # store's batches, whose tasks finished in another order, can be gathered.
            warm, timed = iter(warmup.lines), iter(measured.lines)
            return await crowd(loop.append, [warm] * proposers, [timed] * proposers)

    return trio.run(main)


@final
@attrs.define(eq=False)
class _GroupCommit:
    """A file, the lines that wait to be written to it, and the tasks that brought them."""

    _fd: int
    _sizes: Iterator[int] | None
    _wanted: int = 1
    _lines: list[bytes] = attrs.Factory(list)
    # Invariant: as long as `_lines`; the task at an index brought the line at it.
    _tasks: list[trio.lowlevel.Task] = attrs.Factory(list)
    _writing: list[trio.lowlevel.Task] = attrs.Factory(list)
    _token: trio.lowlevel.TrioToken = attrs.Factory(trio.lowlevel.current_trio_token)

    def __attrs_post_init__(self) -> None:
        self._want()

    async def append(self, line: bytes) -> None:
        """Return when the line is on the disk."""
        self._lines.append(line)
        self._tasks.append(trio.lowlevel.current_task())
        self._start()
        await trio.lowlevel.wait_task_rescheduled(_never_abort)

    def _want(self) -> None:
        self._wanted = 1 if self._sizes is None else next(self._sizes, 1)

    def _start(self) -> None:
        if self._writing or len(self._lines) < self._wanted:
            return
        count = len(self._lines) if self._sizes is None else self._wanted
        batch, self._lines = self._lines[:count], self._lines[count:]
        self._writing, self._tasks = self._tasks[:count], self._tasks[count:]
        self._want()
        fd = self._fd

        def write() -> None:
            os.write(fd, b"".join(batch))
            os.fdatasync(fd)

        trio.lowlevel.start_thread_soon(write, self._deliver)

    def _deliver(self, written: outcome.Outcome[None]) -> None:
        self._token.run_sync_soon(self._done, written)

    def _done(self, written: outcome.Outcome[None]) -> None:
        written.unwrap()
        tasks, self._writing = self._writing, []
        self._start()
        for task in tasks:
            trio.lowlevel.reschedule(task)


def _never_abort(raise_cancel: object) -> trio.lowlevel.Abort:
    return trio.lowlevel.Abort.FAILED


@contextmanager
def _appending(path: Path) -> Iterator[int]:
    fd = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND)
    try:
        yield fd
    finally:
        os.close(fd)

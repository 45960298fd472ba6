"""
Processes that cost little: forks of one that has imported everything.

The process that forks must have no other threads: it never runs Trio itself.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Self, final

import attrs

from .ledger import Line, lines_of
from .load import Say, saying

RAISED = 70
"""The exit status of a process whose work raised."""
LIFE_S_MAX = 60
"""A process that lives longer hangs; the alarm ends it."""


@final
@attrs.define(eq=False)
class Fork:
    """
    A process that does some work and says lines meanwhile.

    Attributes:
      status: how it ended: its exit status, or the negative number of a signal.
    """

    pid: int
    _said: int
    status: int | None = None

    @classmethod
    def start(cls, work: Callable[[Say], object]) -> Self:
        """Start it."""
        assert threading.active_count() == 1
        sys.stdout.flush()
        # Not a pipe: what was written to a file is there however the process ends.
        with tempfile.TemporaryFile() as file:
            said = os.dup(file.fileno())
        gc.freeze()
        pid = os.fork()
        if pid == 0:
            _work(work, saying(said))
        return cls(pid, said)

    def kill(self) -> None:
        """End it at once, by a signal that it does not see."""
        os.kill(self.pid, signal.SIGKILL)

    def end(self) -> list[Line]:
        """Wait for its end; gives the lines that it has said. Only once."""
        _, status = os.waitpid(self.pid, 0)
        self.status = os.waitstatus_to_exitcode(status)
        lines = self.heard()
        os.close(self._said)
        return lines

    def heard(self) -> list[Line]:
        """What it has said so far."""
        return lines_of(os.pread(self._said, os.fstat(self._said).st_size, 0))

    def has_said(self) -> bool:
        """Whether it has said anything yet."""
        return os.fstat(self._said).st_size > 0


def _work(work: Callable[[Say], object], say: Say) -> None:
    """Do the work, and end this process, whatever comes."""
    status = RAISED
    gc.disable()
    signal.alarm(LIFE_S_MAX)
    try:
        work(say)
        status = 0
    except BaseException as error:
        say("problem", "".join(traceback.format_exception(error)))
    finally:
        os._exit(status)


def lines_from(work: Callable[[Say], object]) -> list[Line]:
    """Do some work in a process of its own; gives what it said."""
    return Fork.start(work).end()


def figures_line(name: str, figures: dict[str, int]) -> str:
    """A campaign's figures as one line."""
    return f"{name}: " + ", ".join(f"{count:,} {what}" for what, count in sorted(figures.items()))


MEMORY = Path("/dev/shm")


def scratch(prefix: str, *, in_memory: bool = False) -> Path:
    """
    A new directory, to be removed by who asks.

    Args:
      in_memory: where there is a file system in memory, on it: syncing costs nothing there.
    """
    place = MEMORY if in_memory and MEMORY.is_dir() else None
    return Path(tempfile.mkdtemp(prefix=f"campaign-{prefix}-", dir=place))

"""From a place to a report: gather the facts, and hand them to every check."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from .checks.access import check_privacy, check_writing
from .checks.clock import check_clock
from .checks.file_system import check_file_system
from .checks.limits import check_file_size, check_open_files
from .checks.lock import check_lock
from .checks.python import check_packages, check_python
from .checks.room import check_inodes, check_room
from .checks.sync import check_sync
from .facts import Facts
from .findings import Finding, Report
from .gathering import gather

if TYPE_CHECKING:
    import os

CHECKS: Final[tuple[Callable[[Facts], Finding], ...]] = (
    check_file_system, check_writing, check_privacy, check_sync, check_lock, check_room,
    check_inodes, check_clock, check_file_size, check_open_files, check_python, check_packages,
)  # fmt: skip


def judge(facts: Facts) -> Report:
    """Say what facts mean. Pure."""
    return Report(facts.place.path, facts.place.kind.value, tuple(c(facts) for c in CHECKS))


def examine(path: str | os.PathLike[str]) -> Report:
    """
    Say what is odd about this machine, for a store at this path.

    It makes one small temporary file, syncs it some times, has a second process try to lock it,
    and removes it: beside the store, or in the directory where one would lie. A store that is
    there is read, never written to, and its lock is left alone, so a live writer is not
    disturbed. It takes a fraction of a second, and some seconds on a slow disk; it blocks.

    Args:
      path: the directory of a store, an existing directory, or one that could be made.

    Returns:
      A finding of each check, also where nothing is wrong.

    Raises:
      NotAStore: the path names something else, or the directory around it is not there.
    """
    return judge(gather(path))

"""
A directory in the making: it gets its name when all of it is durable.

Until then it is called ``.new-NAME``, and its journal ``.new-journal``, so that whatever is
left of it by a crash is seen not to be finished, and nobody opens it for a store.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final, final

import attrs

from ..errors import TargetRefused, shown
from ..journal.disk import Disk, Kind
from ..journal.failing import attempting
from ..journal.files import free_name, kind_of, make_durable_file, sync_directory
from ..journal.layout import JOURNAL, STORE
from ..journal.line import StoreLine, store_line

_UNFINISHED: Final = ".new-"
TRY_AGAIN: Final = "try again; nothing half-made is left"
"""What to do when a tool that makes a directory has failed, and its cause is mended."""


@final
@attrs.frozen
class Staging:
    """A directory that is being made, for a block of `staged`."""

    disk: Disk
    path: str
    """What it is called as long as it is not finished."""
    target: str

    @property
    def journal(self) -> str:
        """Where its segments are put."""
        return f"{self.path}/{_UNFINISHED}{JOURNAL}"

    def finish(self, line: StoreLine) -> None:
        """
        Give it its name, now that all of its files are durable.

        Args:
          line: what its store.json says.

        Raises:
          TargetRefused: something has come there meanwhile.
          JournalFailed: the disk refused.
        """
        disk = self.disk
        sync_directory(disk, self.journal)
        journal = f"{self.path}/{JOURNAL}"
        with attempting("rename", journal):
            disk.rename(self.journal, journal)
        # That syncs the directory, too.
        make_durable_file(disk, self.path, STORE, store_line(line))
        refuse_taken(disk, self.target)
        with attempting("rename", self.target):
            disk.rename(self.path, self.target)
        sync_directory(disk, parent_of(self.target))


@contextmanager
def staged(disk: Disk, target: str, *, source: str | None = None) -> Iterator[Staging]:
    """
    Make a directory for a block; take it away again if the block raises.

    Args:
      target: what it is to be called; nothing may be there, or an empty directory.
      source: the store that it is made from; the target may not lie in it.

    Raises:
      TargetRefused: there is something, or the source is around it.
      JournalFailed: the disk refused.
    """
    refuse_inside(target, source)
    refuse_taken(disk, target)
    parent, _, name = target.rpartition("/")
    path = f"{parent}/{free_name(disk, parent_of(target), f'{_UNFINISHED}{name}')}"
    staging = Staging(disk, path, target)
    with attempting("mkdir", path):
        disk.mkdir(path)
    try:
        with attempting("mkdir", staging.journal):
            disk.mkdir(staging.journal)
        yield staging
    except BaseException:
        remove(disk, path)
        raise


def refuse_inside(target: str, source: str | None) -> None:
    """
    Check that a path does not lie in the store that something is made from.

    Raises:
      TargetRefused: it does.
    """
    if source is not None and f"{target}/".startswith(f"{source}/"):
        raise TargetRefused(f"expected a path outside of {source}, found {target}")


def refuse_taken(disk: Disk, target: str) -> None:
    """
    Check that nothing is at a path, or an empty directory.

    Raises:
      TargetRefused: there is something.
      JournalFailed: the disk refused.
    """
    kind = kind_of(disk, target)
    if kind is Kind.NOTHING:
        return
    found = kind.value
    if kind is Kind.DIRECTORY:
        with attempting("list", target):
            names = sorted(disk.list_directory(target))
        if not names:
            return
        found = f"a directory with {shown(names[0])} in it"
    raise TargetRefused(f"expected nothing or an empty directory at {target}, found {found}")


def parent_of(path: str) -> str:
    """The directory that a path is in."""
    return path.rpartition("/")[0] or "/"


def remove(disk: Disk, path: str) -> None:
    """Take away what was never finished, as far as the disk lets it."""
    with suppress(OSError):
        names = disk.list_directory(path)
        for name in names:
            inner = f"{path}/{name}"
            if disk.kind(inner) is Kind.DIRECTORY:
                remove(disk, inner)
            else:
                disk.unlink(inner)
        disk.rmdir(path)


def forget(disk: Disk, path: str) -> None:
    """Take a file away that was never finished, if the disk lets it."""
    with suppress(OSError):
        disk.unlink(path)

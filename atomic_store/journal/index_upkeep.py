"""Looking after index files by hand: are they right, and making all of them anew."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import attrs

from .clock import timestamp, utc_now
from .creating import expect_store, read_identity
from .disk import Disk, OSDisk
from .file import MEBIBYTE
from .index_file import Header, UnusableIndex
from .index_store import IndexStore
from .opening import open_files

if TYPE_CHECKING:
    import os


@attrs.frozen
class CheckedIndex:
    """An index file, all of whose pages were looked at."""

    name: str
    header: Header | None
    """What it covers; None if it is no use."""
    problem: str | None
    """Why it is not used; None if nothing speaks against it."""


def check_index(
    path: str | os.PathLike[str],
    *,
    disk: Disk | None = None,
    on_progress: Callable[[int, int], object] = lambda done, total: None,
) -> list[CheckedIndex]:
    """
    Check each page of all of a store's index files, also beside a live writer.

    Args:
      path: the store's directory.
      disk: another disk than the operating system's.
      on_progress: is called with how many files were checked, and how many there are.

    Raises:
      NotAStore: the path holds something else, or a store of a later format.
      JournalFailed, JournalCorrupt: store.json cannot be read.
    """
    real_disk: Disk = OSDisk() if disk is None else disk
    directory = real_disk.resolve(path)
    expect_store(real_disk, directory)
    identity = read_identity(real_disk, directory)
    store = IndexStore(real_disk, directory, identity.store, identity.history)
    names = sorted(store.names())
    found = []
    try:
        for k, name in enumerate(names, 1):
            found.append(_checked(store, name))
            on_progress(k, len(names))
    finally:
        store.close()
    return found


def _checked(store: IndexStore, name: str) -> CheckedIndex:
    stretch = store.stretch(name)
    if stretch is None:
        return CheckedIndex(name, None, store.problem(name))
    try:
        store.own_reader(stretch)
    except UnusableIndex as error:
        return CheckedIndex(name, None, str(error))
    return CheckedIndex(name, stretch.header, None)


def rebuild_index(
    path: str | os.PathLike[str],
    *,
    disk: Disk | None = None,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> int:
    """
    Throw all index files of a store away, and make those of its cut segments anew.

    It takes the store's lock, and reads all of it, which checks it.

    Args:
      path, disk: as for `check_index`.
      on_progress: is called with the bytes read and the bytes in all.

    Returns:
      How many files were made.

    Raises:
      NotAStore: the path holds something else, or a store of a later format.
      StoreLocked: somebody has it open for writing.
      JournalCorrupt: it is damaged; there are no index files now.
      JournalFailed: the disk refused.
    """
    real_disk: Disk = OSDisk() if disk is None else disk
    directory = real_disk.resolve(path)
    expect_store(real_disk, directory)
    files = open_files(
        real_disk, directory, now=lambda: timestamp(utc_now()), segment_bytes_max=64 * MEBIBYTE,
        on_progress=on_progress, forgets_index=True,
    )  # fmt: skip
    try:
        return len(files.coverage.stretches)
    finally:
        files.coverage.store.close()
        files.close()

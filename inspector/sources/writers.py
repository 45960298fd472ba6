"""
Who writes a store, found out without disturbing him.

Trying the lock would tell for sure, and for a moment keep out a writer that just opens the
store. So this reads what the lock's file says, and where the system lists all locks, whether
it is true. It needs no right to write.
"""

from __future__ import annotations

import os
from enum import Enum, auto
from pathlib import Path
from typing import final

import attrs
import msgspec

from atomic_store.journal.disk import OSDisk
from atomic_store.journal.layout import LOCK

LOCKS = "/proc/locks"
_CONTENT_BYTES_MAX = 4096


class Held(Enum):
    """Whether somebody has a lock."""

    YES = auto()
    NO = auto()
    PERHAPS = auto()
    """It cannot be known from here."""


@final
@attrs.frozen
class Writer:
    """Who has a store's lock, as far as it is known."""

    held: Held
    words: str
    """``process 4711``, ``this process``, ``process 12 on host ada``."""

    @property
    def sentence(self) -> str:
        """What there is to say of it."""
        may = "may have" if self.held is Held.PERHAPS else "has"
        return f"{self.words} {may} it open for writing"


class _Holder(msgspec.Struct):
    """What the lock's file says of who had the lock last."""

    pid: int
    host: str


NOBODY = Writer(Held.NO, "nobody")


def writer_of(path: str) -> Writer:
    """
    Say who writes the store at a path. Blocks; nothing is written, and no lock is taken.

    Never raises: what cannot be read tells nothing.
    """
    lock = Path(path) / LOCK
    try:
        with lock.open("rb") as file:
            found = os.fstat(file.fileno())
            content = file.read(_CONTENT_BYTES_MAX)
    except OSError:
        return NOBODY
    try:
        locks = Path(LOCKS).read_text("ascii", "replace")
    except OSError:
        locks = None
    return judged(content, found.st_dev, found.st_ino, locks)


def judged(content: bytes, device: int, inode: int, locks: str | None) -> Writer:
    """
    Put together what the lock's file says and what the system does.

    Args:
      content: of the lock's file.
      device, inode: the lock's file.
      locks: the system's list of locks, as Linux has it; None if there is none.
    """
    try:
        holder = msgspec.json.decode(content, type=_Holder)
    except msgspec.DecodeError:
        holder = None
    pids = [] if locks is None else _pids(locks, device, inode)
    own, host = OSDisk().process()
    said = None if holder is None or holder.host != host else holder.pid
    if pids:
        # A child may have inherited the lock: then the list names who took it.
        return Writer(Held.YES, _words(pids[0], own))
    if holder is None:
        return NOBODY
    if said is None:
        return Writer(Held.PERHAPS, f"process {holder.pid} on host {holder.host}")
    if locks is not None or not _is_running(said):
        return NOBODY
    return Writer(Held.PERHAPS, _words(said, own))


def _words(pid: int, own: int) -> str:
    return "this process" if pid == own else f"process {pid}"


def _is_running(pid: int) -> bool:
    try:
        return pid > 0 and OSDisk().is_running(pid)
    except OverflowError:
        return False


def _pids(locks: str, device: int, inode: int) -> list[int]:
    """Who has a file locked for himself alone: ``1: FLOCK ADVISORY WRITE 47 08:01:9 0 EOF``."""
    files = {f"{os.major(device):02x}:{os.minor(device):02x}:{inode}"}
    found = []
    for line in locks.splitlines():
        words = line.split()
        # Those that wait for it have an arrow before their kind.
        if len(words) == 8 and words[1] == "FLOCK" and words[3] == "WRITE" and words[5] in files:
            found.append(int(words[4]))
    return found

"""The lock that keeps a second writer out."""

from __future__ import annotations

import errno

import msgspec

from ..errors import JournalFailed, StoreLocked
from .disk import Access, Disk, Kind
from .failing import attempting
from .files import close_quietly, kind_of, write_all

_CONTENT_BYTES_MAX = 4096


class _Holder(msgspec.Struct):
    """What the lock file says of who has the lock."""

    pid: int
    host: str


def take_lock(disk: Disk, path: str) -> int:
    """
    Take a store's lock, and write into its file who has it.

    The file stays for ever. The lock ends when the file that this returns is closed.

    Raises:
      StoreLocked: somebody else has it; the message says who.
      JournalFailed: the lock file cannot be opened or written.
      JournalCorrupt: it is not a regular file.
    """
    try:
        with attempting("open", path):
            file = disk.open(path, Access.LOCK)
    except JournalFailed as error:
        _refuse_if_held(disk, path, error)
        raise
    try:
        _lock(disk, path, file)
        holder = msgspec.json.encode(_Holder(*disk.process())) + b"\n"
        write_all(disk, file, path, holder, 0)
        with attempting("ftruncate", path):
            disk.ftruncate(file, len(holder))
    except BaseException:
        close_quietly(disk, file)
        raise
    return file


def hold_lock(disk: Disk, path: str) -> int | None:
    """
    Keep a writer out of a store whose files are not to be changed, the lock file neither.

    Returns:
      The open file that holds the lock; None if no writer has ever made it.

    Raises:
      StoreLocked: somebody has the store open for writing; the message says who.
      JournalFailed: the lock file cannot be opened.
      JournalCorrupt: it is not a regular file.
    """
    if kind_of(disk, path) is Kind.NOTHING:
        return None
    with attempting("open", path):
        file = disk.open(path, Access.READ)
    try:
        _lock(disk, path, file)
    except BaseException:
        close_quietly(disk, file)
        raise
    return file


def _refuse_if_held(disk: Disk, path: str, error: JournalFailed) -> None:
    """Where the lock file may not be written, still say who has the lock."""
    cause = error.__cause__
    if isinstance(cause, OSError) and cause.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        try:
            file = disk.open(path, Access.READ)
        except OSError:
            return
        try:
            _lock(disk, path, file)
        finally:
            close_quietly(disk, file)


def _lock(disk: Disk, path: str, file: int) -> None:
    with attempting("flock", path):
        if not disk.lock(file):
            raise StoreLocked(_who(disk, path, disk.pread(file, _CONTENT_BYTES_MAX, 0)))


def _who(disk: Disk, path: str, content: bytes) -> str:
    try:
        holder = msgspec.json.decode(content, type=_Holder)
    except msgspec.DecodeError:
        return f"{path} is locked by a process that has not said who it is"
    pid, host = disk.process()
    if holder.host != host:
        return f"{path} is locked by process {holder.pid} on host {holder.host}"
    if holder.pid == pid:
        return f"{path} is locked by this process ({pid}), which has the store open already"
    if disk.is_running(holder.pid):
        return f"{path} is locked by process {holder.pid} on this host"
    return (
        f"{path} is locked: process {holder.pid} is gone, but a process that it started "
        "still holds the lock by an inherited descriptor, or another one has just taken it"
    )

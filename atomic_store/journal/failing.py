"""How an error of the operating system becomes a `JournalFailed` that says what to do."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import final

import attrs

from ..errors import JournalCorrupt, JournalFailed
from .disk import NotAFile

_OPEN_AGAIN = "open the store again; what was acknowledged is there"
_HINTS = {
    errno.ENOSPC: "free space on this disk, then {then}",
    errno.EDQUOT: "raise the quota or free space within it, then {then}",
    errno.EFBIG: "raise the limit on file sizes (ulimit -f), then {then}",
    errno.EIO: "check the disk and the kernel's log, then {then}",
    errno.EACCES: "let this user write the store's directory and files",
    errno.EPERM: "let this user write the store's directory and files",
    errno.EROFS: "mount the file system for writing",
    errno.ENOENT: "make the directory that it should be in, or correct the path",
    errno.EEXIST: "find out who made this, move it away, then {then}",
    errno.EMFILE: "raise the limit on open files (ulimit -n)",
    errno.ENFILE: "close files elsewhere on this machine",
}


def hint_for(error: OSError, then: str = _OPEN_AGAIN) -> str:
    """
    Say what to do about an error of the operating system.

    Args:
      then: what to do when its cause is mended.
    """
    return _HINTS.get(error.errno or 0, "mend the cause, then {then}").format(then=then)


@contextmanager
def advising(then: str) -> Iterator[None]:
    """
    Say something else to do than to open a store again, where that is not what was tried.

    Args:
      then: what to do when the cause of an error inside the block is mended.
    """
    try:
        yield
    except JournalFailed as failure:
        cause = failure.__cause__
        if not isinstance(cause, OSError):
            raise
        raise JournalFailed(
            failure.operation, failure.path, hint_for(cause, then), failure.reason
        ) from cause


@final
@attrs.define(eq=False)
class attempting:  # noqa: N801 - it is used like a statement
    """
    Turn an `OSError` inside the block into a `JournalFailed`, with the error as its cause.

    Something that is not a file where one should be is damage: `JournalCorrupt`.

    Args:
      operation: what the block does, as the system calls it.
      path: the file or directory that it does it to.
    """

    operation: str
    path: str

    def __enter__(self) -> None:
        pass

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if isinstance(error, NotAFile):
            raise JournalCorrupt(self.path, 0, "a regular file", error.kind.value) from error
        if isinstance(error, OSError) and not isinstance(error, JournalFailed):
            reason = os.strerror(error.errno) if error.errno else str(error)
            raise JournalFailed(self.operation, self.path, hint_for(error), reason) from error

"""Changing a token file: atomically, and one after the other."""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from .token_file import FileSource
from .token_text import parse, write
from .tokens import TokenSet


def read_token_file(path: Path) -> tuple[TokenSet, int]:
    """
    Read a token file, and its permission bits. Blocks.

    Raises:
      BadTokenFile: there is something else.
      OSError: it cannot be read.
    """
    content = FileSource(path).read()
    return parse(content.text, str(path)), content.mode


def change_token_file(
    path: Path, change: Callable[[TokenSet], TokenSet], *, may_be_new: bool = False
) -> None:
    """
    Put other tokens into a token file. Blocks.

    After any crash the file is the old one or the new one. A new file can be read by its owner
    alone; one that is there keeps its owner, its group and its mode, so that a gateway that
    runs as somebody else can read it as before. Changes at the same time wait for each other.

    Args:
      path: where the file is; links are followed.
      change: gives the new tokens for those that are there. Whatever it raises is raised, and
        the file stays as it was.
      may_be_new: whether there need be no file yet.

    Raises:
      BadTokenFile: there is something else.
      OSError: the disk refused.
    """
    path = path.resolve()
    with _locked(path.parent) as directory:
        try:
            before, _ = read_token_file(path)
        except FileNotFoundError:
            if not may_be_new:
                raise
            before = TokenSet()
        text = write(change(before))
        parse(text, str(path))  # What the gateway would refuse is not written.
        _replace(path, text)
        os.fsync(directory)


@contextmanager
def _locked(directory: Path) -> Iterator[int]:
    # The file itself is replaced, and a lock would go with it.
    opened = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(opened, fcntl.LOCK_EX)
        yield opened
    finally:
        os.close(opened)


def _replace(path: Path, text: bytes) -> None:
    # mkstemp makes a file that is its owner's alone.
    file, temporary = tempfile.mkstemp(prefix=f".new-{path.name}-", dir=path.parent)
    try:
        with os.fdopen(file, "wb") as opened:
            with suppress(FileNotFoundError):
                _keep_access(file, path.stat())
            opened.write(text)
            opened.flush()
            os.fsync(file)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _keep_access(file: int, old: os.stat_result) -> None:
    own = os.fstat(file)
    if (own.st_uid, own.st_gid) != (old.st_uid, old.st_gid):
        os.fchown(file, old.st_uid, old.st_gid)
    os.fchmod(file, old.st_mode & 0o777)

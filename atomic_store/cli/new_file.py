"""A file in the making: it gets its name when all of it is on the disk."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from ..errors import TargetRefused


@contextmanager
def new_file(path: Path) -> Iterator[IO[bytes]]:
    """
    Write a file for a block. It is there when the block ends, and not if it raises.

    Until then it lies beside its place, under a name that begins with a dot.

    Raises:
      TargetRefused: something is at the path.
      OSError: it cannot be written.
    """
    _refuse_taken(path)
    with tempfile.NamedTemporaryFile(
        dir=path.parent, prefix=f".new-{path.name}.", delete=False
    ) as file:
        try:
            yield file
            file.flush()
            os.fsync(file.fileno())
            _give_name(Path(file.name), path)
        except BaseException:
            with suppress(OSError):
                Path(file.name).unlink()
            raise


def _refuse_taken(path: Path) -> None:
    if os.path.lexists(path):
        raise TargetRefused(f"expected nothing at {path}, found something")


def _give_name(temporary: Path, path: Path) -> None:
    try:
        # Unlike a rename, this never takes the place of what has come there meanwhile.
        path.hardlink_to(temporary)
        temporary.unlink()
    except FileExistsError:
        _refuse_taken(path)
        raise
    except OSError:
        # Not all file systems have links.
        _refuse_taken(path)
        temporary.rename(path)
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)

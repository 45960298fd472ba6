"""A copy of the tree, in which the code may be broken."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import final

import attrs

from .mutation import Mutation

ROOT = Path(__file__).resolve().parents[2]
COPIED = ("atomic_store", "docs", "inspector", "tests", "pyproject.toml", "README.md")
_LEFT_OUT = shutil.ignore_patterns("__pycache__", "_build")


@final
@attrs.frozen
class Tree:
    """A copy of what tests need of the project."""

    path: Path
    # The compiled form of a file is taken for its own by the file's time and size. So each
    # version that is written here has a time that no other one has.
    _times: Iterator[int] = attrs.field(factory=lambda: count(1))

    @contextmanager
    def broken_by(self, mutation: Mutation) -> Iterator[None]:
        """
        Apply a mutation for the length of a block.

        Raises:
          Stale: it cannot be applied.
        """
        sound = (self.path / mutation.file).read_text("utf-8")
        self._write(mutation.file, mutation.applied(sound))
        try:
            yield
        finally:
            self._write(mutation.file, sound)

    def _write(self, file: str, text: str) -> None:
        path = self.path / file
        path.write_text(text, "utf-8")
        moment = next(self._times)
        os.utime(path, (moment, moment))


def copied_tree(path: Path, root: Path = ROOT) -> Tree:
    """
    Copy the project.

    Args:
      path: where to; it must not be there.
    """
    path.mkdir()
    for name in COPIED:
        source = root / name
        if source.is_dir():
            shutil.copytree(source, path / name, ignore=_LEFT_OUT)
        else:
            shutil.copy(source, path / name)
    return Tree(path)

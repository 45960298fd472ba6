"""
The file in which habits are kept, from one day to the next.

Nothing that goes wrong with it is a reason to fail: then nothing is remembered.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final, final

import attrs

from .model.habits import DOCUMENT_BYTES_MAX, Habits, parse

NAME: Final = "inspector.json"
FOLDER: Final = "atomic_store"


def habits_path(environ: Mapping[str, str]) -> Path | None:
    """
    Say where habits are kept; None if there is no such place.

    It is in `$XDG_STATE_HOME`, or in ``~/.local/state``. A relative path there counts as
    none, as the convention wants it.
    """
    state = environ.get("XDG_STATE_HOME", "")
    if not state.startswith("/"):
        home = environ.get("HOME", "")
        if not home.startswith("/"):
            return None
        state = f"{home}/.local/state"
    return Path(state) / FOLDER / NAME


@final
@attrs.frozen
class HabitsFile:
    """Where habits are kept; nowhere, if `path` is None."""

    path: Path | None

    def load(self) -> tuple[Habits, str | None]:
        """Read them, and a sentence about what could not be read; it never raises."""
        if self.path is None:
            return Habits(), None
        try:
            # A pipe or a device there would be read for ever.
            if not self.path.is_file():
                return Habits(), None
            with self.path.open("rb") as file:
                document = file.read(DOCUMENT_BYTES_MAX + 1)
        except (OSError, ValueError) as error:
            return Habits(), f"habits: {error}"
        return parse(document)

    def change(self, change: Callable[[Habits], Habits]) -> Habits:
        """
        Change what is kept, and give it; it never raises, and keeps nothing then.

        Another inspector may have changed it meanwhile, so it is read anew. Where two of them
        change it in the same moment, one of the changes is lost, and nothing else.
        """
        before, _ = self.load()
        after = change(before)
        if after != before and self.path is not None:
            with suppress(OSError, ValueError):
                _write(self.path, after.document())
        return after


def _write(path: Path, document: bytes) -> None:
    """Put a whole file in the place of the one before."""
    # For nobody else to read: it tells where somebody has been.
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    number, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(number, "wb") as file:
            file.write(document)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise

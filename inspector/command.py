"""What ``atomic-store inspect`` does, once it knows what is wanted."""

from __future__ import annotations

import os
from pathlib import Path
from typing import final

import attrs

from atomic_store.filter import Filter

from . import garbage
from .app import Inspector
from .folding import load_folding
from .habits_file import HabitsFile, habits_path
from .model.which import Which
from .terminal import TerminalDriver


@final
@attrs.frozen
class Asked:
    """What somebody wants to see."""

    place: str | None
    token: str | None = attrs.field(default=None, repr=False)
    fold: str | None = None
    """``module:name``."""
    events: str | None = None
    """``module:name`` of the classes that the fold is for."""
    scope: str | None = None
    where: Filter | None = None


def inspector_of(asked: Asked) -> Inspector:
    """
    Make the app.

    Raises:
      CannotRun: there is no such fold.
    """
    fold = None
    if asked.fold is not None:
        fold = load_folding(asked.fold, Path.cwd(), events=asked.events)
    which = None
    if asked.scope is not None or asked.where is not None:
        which = Which(scope=asked.scope, where=asked.where)
    habits = HabitsFile(habits_path(os.environ))
    return Inspector(asked.place, token=asked.token, fold=fold, which=which, habits=habits)


def inspect(asked: Asked) -> int:
    """Show it until it is left; give the exit code."""
    app = inspector_of(asked)
    app.driver_class = TerminalDriver
    garbage.seldom()
    app.run()
    return app.return_code or 0

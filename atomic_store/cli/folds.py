"""Folds that are named on the command line, and the event classes that they are for."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import click

from ..errors import shown
from ..events import EventTypes, event_types
from ..fold import Fold
from ..parts import Options
from .ending import CannotRun
from .named import failure, load_named

fold_option = click.option(
    "--fold",
    metavar="MODULE:NAME",
    help="Say what a scope's events amount to, by this fold. This directory is searched first.",
)
fold_events_option = click.option(
    "--events",
    metavar="MODULE:NAME",
    help="The event classes that the fold is for; without it, it is given plain JSON.",
)


def load_fold(name: str, directory: Path) -> Fold[Any, Any]:
    """
    Import a fold.

    Args:
      name: ``module:name`` of a `Fold`, or of a function that gives one.
      directory: where modules are looked for first.

    Raises:
      CannotRun: there is no such thing; in one line.
    """
    found = load_named("--fold", name, directory)
    if not isinstance(found, Fold) and callable(found):
        try:
            found = found()
        except BaseException as error:
            raise CannotRun(f"--fold {name}: calling it failed: {failure_of(error)}") from error
    if not isinstance(found, Fold):
        if inspect.iscoroutine(found):
            found.close()
        raise CannotRun(
            f"--fold {name}: expected a Fold, or a function that gives one, found {shown(found)}"
        )
    return found


def load_event_types(name: str | None, directory: Path) -> EventTypes:
    """
    Import event classes.

    Args:
      name: ``module:name`` of what `open_store` takes as `events`; None: plain JSON.
      directory: where modules are looked for first.

    Raises:
      CannotRun: there is no such thing; in one line.
    """
    classes = None if name is None else load_named("--events", name, directory)
    try:
        return event_types(classes, event_bytes_max=Options().event_bytes_max)
    except (TypeError, ValueError) as error:
        raise CannotRun(f"--events {name}: {error}") from error


def failure_of(error: BaseException) -> str:
    """Say what their code has raised, and where in it; nowhere, if that was not even entered."""
    inner = error.__traceback__ and error.__traceback__.tb_next
    return failure(error.with_traceback(inner))

"""`atomic-store inspect`: look into a store, on the screen of a terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import Final

import click

from ..filter import Filter
from .choosing import scope_option, where_option
from .ending import CannotRun
from .folds import fold_events_option, fold_option
from .places import token_file_option, token_of
from .texts import help_option

INSTEAD: Final = "`atomic-store scopes`, `events`, `tail`, `stats` and `verify` print what it shows"


@click.command(add_help_option=False)
@click.argument("place", required=False)
@token_file_option
@fold_option
@fold_events_option
@scope_option
@where_option
@help_option
def inspect(
    place: str | None,
    token_file: str | None,
    fold: str | None,
    events: str | None,
    scope: str | None,
    where: Filter | None,
) -> int:
    """
    Look into the store at PLACE: its directory, or the URL of a gateway (wss://…).

    Nothing is written to it, and whoever writes to it is not held up. Without PLACE, choose
    one of those that were looked at lately, or a demo. ? shows the keys.
    """
    _refuse(place, token_file, fold, events, scope, where)
    if (missing := missing_terminal(os.environ)) is not None:
        raise CannotRun(f"inspect: expected {missing}; {INSTEAD}")
    token = token_of(token_file, os.environ)
    try:
        # Only this one needs what draws on a terminal.
        from inspector import garbage

        with garbage.while_importing():
            from inspector.command import Asked
            from inspector.command import inspect as show
    except ModuleNotFoundError as error:
        raise CannotRun(
            f"inspect: expected the inspector's packages, found no {error.name}: "
            'pip install "trio-atomic-store[inspector]"'
        ) from None
    return show(Asked(place, token, fold, events, scope, where))


def _refuse(
    place: str | None,
    token_file: str | None,
    fold: str | None,
    events: str | None,
    scope: str | None,
    where: Filter | None,
) -> None:
    """Refuse options that would mean nothing, or more than was meant."""
    if place == "":
        # More likely an unset variable than a wish to choose.
        raise click.BadParameter("expected a directory or a URL, found an empty one")
    if events is not None and fold is None:
        raise click.UsageError("--events says what a fold is for: expected --fold, too")
    if place is None and (scope is not None or where is not None):
        raise click.UsageError("--scope and --where choose events of a store: expected PLACE, too")
    # It must not go to whatever gateway is chosen then.
    if token_file is not None and "://" not in (place or ""):
        raise click.UsageError("--token-file is for a gateway: expected its URL as PLACE")


def missing_terminal(environ: Mapping[str, str]) -> str | None:
    """Say what is expected and is not there to draw on, and what was found; None if all is."""
    for stream, name in ((sys.stdin, "stdin"), (sys.stdout, "stdout"), (sys.stderr, "stderr")):
        if stream is None or not stream.isatty():
            return f"a terminal, found that {name} is none"
    if environ.get("TERM") == "dumb":
        return "a terminal that can be drawn on, found TERM=dumb"
    return None

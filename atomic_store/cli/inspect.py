"""`atomic-store inspect`: look into a store, on the screen of a terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import click

from ..filter import Filter
from .choosing import scope_option, where_option
from .ending import CannotRun
from .texts import help_option

TOKEN_VARIABLE: Final = "ATOMIC_STORE_TOKEN"
TOKEN_BYTES_MAX: Final = 1_024
INSTEAD: Final = "`atomic-store scopes`, `events`, `tail`, `stats` and `verify` print what it shows"


@click.command(add_help_option=False)
@click.argument("place", required=False)
@click.option(
    "--token-file",
    type=click.Path(),
    metavar="FILE",
    help="Come in to a gateway with the token in this file. Without it, with the one in the "
    f"environment variable {TOKEN_VARIABLE}, if there is one.",
)
@click.option(
    "--fold",
    metavar="MODULE:NAME",
    help="Show what a scope's events amount to, by this fold. This directory is searched first.",
)
@click.option(
    "--events",
    metavar="MODULE:NAME",
    help="The event classes that the fold is for; without it, it is given plain JSON.",
)
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


def token_of(token_file: str | None, environ: Mapping[str, str]) -> str | None:
    """
    Give the token to come in with; None if there is none.

    Raises:
      CannotRun: there is none where one should be. What is there is not shown.
    """
    if token_file is None:
        return environ.get(TOKEN_VARIABLE) or None
    with Path(token_file).open("rb") as file:
        found = file.read(TOKEN_BYTES_MAX + 1)
    token = found.strip().decode("ascii", "replace")
    if not token or len(found) > TOKEN_BYTES_MAX or not token.isascii() or len(token.split()) != 1:
        raise CannotRun(f"{token_file}: expected a token and nothing else, found something else")
    return token

"""What commands are given: the path of a store."""

from __future__ import annotations

from pathlib import Path

import click

from ..errors import NotAStore
from ..journal.layout import JOURNAL, STORE

EMPTY = "expected the path of a store, found an empty one"


def _new_or_old_store(
    context: click.Context, parameter: click.Parameter, value: str | None
) -> Path | None:
    # An empty path would mean this directory, and is more likely an unset variable.
    if value == "":
        raise click.BadParameter(EMPTY)
    return None if value is None else Path(value)


def _new_directory(context: click.Context, parameter: click.Parameter, value: str) -> Path:
    if value == "":
        raise click.BadParameter("expected the path of a directory, found an empty one")
    return Path(value)


def _store(context: click.Context, parameter: click.Parameter, value: str) -> Path:
    return store_at(value)


def store_at(value: str) -> Path:
    """
    Give the directory of a store that somebody has named.

    Raises:
      NotAStore: there is something else, or nothing.
    """
    if value == "":
        raise click.BadParameter(EMPTY)
    path = Path(value)
    found = _found_instead(path)
    if found is not None:
        raise NotAStore(f"{value}: expected the directory of a store, found {found}")
    return path


def _found_instead(path: Path) -> str | None:
    """Say what is there; None if it looks like a store, in whatever state."""
    try:
        if not path.is_dir():
            return "a file" if path.exists() else "nothing"
        if not any((path / name).exists() for name in (STORE, JOURNAL)):
            return f"one with neither {STORE} nor {JOURNAL}/"
    except OSError as error:
        return f"that it cannot be looked at: {error.strerror}"
    return None


store_argument = click.argument("store", type=click.Path(), callback=_store)
new_or_old_store_argument = click.argument(
    "store", type=click.Path(), callback=_new_or_old_store, metavar="DIR"
)
new_directory_argument = click.argument("target", type=click.Path(), callback=_new_directory)
store_option = click.option(
    "--store",
    type=click.Path(),
    callback=_new_or_old_store,
    metavar="DIR",
    help="Where to keep the store; without it, a new temporary directory.",
)

"""
The command line: `atomic-store`, also as ``python -m atomic_store``.

In this room: one module a command, and what they share: what they print and how, and
what a failure means to whoever called (`ending`). Only `demo` and `serve` open a store
for writing; the others read its files, beside a live writer too.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Final, cast

import click

from .ending import ended
from .output import flush
from .texts import help_option, version_option

__all__ = ["main"]

COMMANDS: Final = (
    "demo", "events", "index", "inspect", "scopes", "serve", "state", "stats", "tail", "token",
    "verify",
)  # fmt: skip
"""Each is the name of a module of this room, and of the command in it."""


class Commands(click.Group):
    """Commands that are imported when they are asked for: each starts as if there were no other."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Give all names, in the order of help."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command; None if there is none of that name."""
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f".{cmd_name}", __name__)
        return cast("click.Command", getattr(module, cmd_name))


@click.command(cls=Commands, add_help_option=False, no_args_is_help=False)
@version_option
@help_option
def atomic_store() -> None:
    """
    Look into stores of events, check them, serve one, or see one at work.

    Data goes to stdout, everything else to stderr.

    \b
    Exit codes: 0 done; 1 something is wrong with the store, or the scope is not
    there; 2 it could not be done; 130 interrupted; 141 the reader of stdout left.
    """  # noqa: D301  # click's mark for "do not wrap this paragraph"


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Run the command line.

    Args:
      arguments: what stands behind the program's name; None for this process's own.

    Returns:
      The exit code. Expected errors are told on stderr.
    """
    code = ended(
        lambda: atomic_store.main(arguments, prog_name="atomic-store", standalone_mode=False)
    )
    return ended(flush) or code

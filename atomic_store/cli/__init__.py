"""
The command line: `atomic-store`, also as ``python -m atomic_store``.

In this room: one module a command, and what they share: what they print and how, and
what a failure means to whoever called (`ending`). Only `demo` and `serve` open a store
for writing, and `restore`, `repair` and `import` make new ones; the others read its files,
beside a live writer too.
"""

from __future__ import annotations

from collections.abc import Sequence

import click

from .backup import backup
from .demo import demo
from .ending import ended
from .events import events
from .export_records import export
from .import_records import import_
from .index import index
from .inspect import inspect
from .output import flush
from .repair import repair
from .restore import restore
from .scopes import scopes
from .serve import serve
from .state import state
from .stats import stats
from .tail import tail
from .texts import help_option, version_option
from .token import token
from .verify import verify

__all__ = ["main"]


@click.group(add_help_option=False, no_args_is_help=False)
@version_option
@help_option
def atomic_store() -> None:
    """
    Look into stores of events, check and back them up, serve one, or see one at work.

    Data goes to stdout, everything else to stderr.

    \b
    Exit codes: 0 done; 1 something is wrong with the store, or the scope is not
    there; 2 it could not be done; 130 interrupted; 141 the reader of stdout left.
    """  # noqa: D301  # click's mark for "do not wrap this paragraph"


for command in (
    demo, inspect, scopes, events, tail, state, stats, verify, index, backup, restore, repair,
    export, import_, serve, token,
):  # fmt: skip
    atomic_store.add_command(command)


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

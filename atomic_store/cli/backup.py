"""`atomic-store backup`: a copy of a store, made beside its writer, that can grow."""

from __future__ import annotations

from pathlib import Path

import click

from ..safekeeping import backup as back_up
from .arguments import new_directory_argument, store_argument
from .ending import refusing_values
from .output import counted, print_line
from .progress import progress
from .texts import help_option


@click.command(add_help_option=False)
@store_argument
@new_directory_argument
@click.option(
    "--to",
    type=click.IntRange(min=0),
    metavar="POSITION",
    help="End with the last commit up to this position.",
)
@help_option
def backup(store: Path, target: Path, to: int | None) -> None:
    """
    Copy STORE to TARGET, also beside its writer; or bring an earlier copy up to date.

    The copy can be read and verified like a store. `atomic-store restore` makes a store of it.
    """
    with progress("backing up") as bar, refusing_values():
        done = back_up(store, target, to=to, on_progress=bar)
    more = done.head.position - done.before
    added = counted(more, "record") if not done.before else f"{counted(more, 'record')} more"
    print_line(
        f"{target}: {added}, {counted(done.bytes, 'byte')} in {counted(done.segments, 'segment')}"
    )
    print_line(f"head: position {done.head.position}, commit {done.head.commit}")

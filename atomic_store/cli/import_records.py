"""`atomic-store import`: a new store from what `export` wrote."""

from __future__ import annotations

from pathlib import Path

import click

from ..safekeeping import import_records as import_all
from .arguments import new_directory_argument
from .output import counted, print_line
from .progress import progress
from .texts import help_option


@click.command("import", add_help_option=False)
@click.argument("file", type=click.Path(path_type=Path))
@new_directory_argument
@help_option
def import_(file: Path, target: Path) -> None:
    """
    Make a new store TARGET of the records in FILE, which `atomic-store export` wrote.

    It is there as a whole or not at all: of a file that was cut off or changed, or whose
    records make no store, nothing is stored, and the line is named.
    """
    with progress("importing") as bar:
        done = import_all(file, target, on_progress=bar)
    print_line(
        f"{target}: {counted(done.head.position, 'record')} of {counted(done.scopes, 'scope')}"
    )
    print_line(f"store {done.store}")
    print_line(f"head: position {done.head.position}, commit {done.head.commit}")

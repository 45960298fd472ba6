"""`atomic-store restore`: a store from a backup, as it was at a moment."""

from __future__ import annotations

from pathlib import Path

import click

from ..safekeeping import restore as restore_store
from .arguments import new_directory_argument, store_argument
from .ending import refusing_values
from .output import complain, counted, print_line
from .progress import progress
from .texts import help_option


@click.command(add_help_option=False)
@store_argument
@new_directory_argument
@click.option(
    "--until",
    metavar="POSITION|TIME",
    help="Leave out what is behind this position, or after this time.",
)
@help_option
def restore(store: Path, target: Path, until: str | None) -> None:
    """
    Make a new store TARGET of STORE, which is a backup or a store.

    TARGET has the store's id and a new history: whoever has followed the old one notices.
    """
    wanted = int(until) if until is not None and until.isascii() and until.isdigit() else until
    with progress("restoring") as bar, refusing_values():
        done = restore_store(store, target, until=wanted, on_progress=bar)
    held = counted(done.head.position, "record")
    print_line(f"{target}: {held}, the last one at {done.at}" if done.at else f"{target}: {held}")
    if done.left_out:
        first = done.head.position + 1
        print_line(
            f"left out: {counted(done.left_out, 'record')}, "
            f"positions {first:,} to {done.source_head.position:,}"
        )
    if done.damage is not None:
        complain(f"{store}: what was left out is damaged: {done.damage}")
    print_line(f"store {done.store}, history {done.history}")
    print_line(f"head: position {done.head.position}, commit {done.head.commit}")

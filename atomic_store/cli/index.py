"""`atomic-store index`: are the index files right, and making them anew."""

from __future__ import annotations

from pathlib import Path

import click

from ..journal.index_upkeep import CheckedIndex, check_index, rebuild_index
from .arguments import store_argument
from .ending import DONE, WRONG
from .output import counted, print_line, print_value
from .progress import progress
from .texts import help_option


@click.command(add_help_option=False)
@store_argument
@click.option("--rebuild", is_flag=True, help="Make them anew; nobody may have the store open.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
@help_option
def index(store: Path, rebuild: bool, as_json: bool) -> int:
    """
    Check the index files of STORE: what each covers, and whether it is damaged.

    They are derived from the journal, so no damage to them loses anything: a store that
    is opened for writing makes those anew that it cannot use.
    """
    if rebuild:
        with progress("reading") as bar:
            made = rebuild_index(store, on_progress=bar)
        if not as_json:
            print_line(f"{store}: made {counted(made, 'index file')}")
    with progress("checking") as bar:
        found = check_index(store, on_progress=bar)
    for file in found:
        if as_json:
            print_value(_json_of(file))
        else:
            print_line(_line_of(file))
    damaged = sum(file.problem is not None for file in found)
    if not as_json:
        verdict = f"{damaged:,} of no use" if damaged else "none damaged"
        print_line(f"{store}: {counted(len(found), 'index file')}, {verdict}")
    return WRONG if damaged else DONE


def _line_of(file: CheckedIndex) -> str:
    header = file.header
    if header is None:
        return f"{file.name}: {file.problem}"
    what = "segment" if header.is_whole else "piece"
    return (
        f"{file.name}: {counted(header.count, 'record')}, "
        f"positions {header.first:,} to {header.last:,}, a whole {what}"
    )


def _json_of(file: CheckedIndex) -> dict[str, object]:
    header = file.header
    return {
        "file": file.name,
        "first": None if header is None else header.first,
        "last": None if header is None else header.last,
        "whole": None if header is None else header.is_whole,
        "problem": file.problem,
    }

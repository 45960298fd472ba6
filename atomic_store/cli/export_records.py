"""`atomic-store export`: records as lines that can be imported again."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import click
import trio

from ..errors import shown
from ..filter import Filter
from ..safekeeping import ExportEnd
from ..safekeeping import export_records as export_all
from .choosing import (
    both,
    correlation_option,
    prefix_option,
    refuse_both,
    scope_option,
    where_option,
)
from .ending import DONE, WRONG
from .new_file import new_file
from .output import complain, counted, print_line, print_text, safe_json
from .places import (
    Looked,
    Place,
    last_position,
    open_place,
    place_argument,
    refuse_token,
    token_file_option,
)
from .progress import progress
from .texts import help_option


@click.command("export", add_help_option=False)
@place_argument
@token_file_option
@scope_option
@prefix_option
@where_option
@correlation_option
@click.option("-o", "--output", metavar="FILE", help="Write into this new file, and not to stdout.")
@help_option
def export(
    store: Place,
    token_file: str | None,
    scope: str | None,
    prefix: str | None,
    where: Filter | None,
    correlation: Filter | None,
    output: str | None,
) -> int:
    """
    Write the records of STORE as JSON lines, with a last line that tells if some are missing.

    STORE is a directory, or the URL of a gateway (wss://…). `atomic-store import` makes a
    store of all records, or of all of some scopes.
    """
    refuse_both(scope, prefix)
    refuse_token(store, token_file)
    if output == "":
        raise click.BadParameter("expected the path of a file, found an empty one")
    return trio.run(_export, store, token_file, scope, prefix, both(where, correlation), output)


async def _export(
    place: Place,
    token_file: str | None,
    scope: str | None,
    prefix: str | None,
    where: Filter | None,
    output: str | None,
) -> int:
    async with open_place(place, token_file) as looked:
        if scope is not None and not await looked.query_events(scope, limit=1):
            complain(f"{place.name}: expected the scope {shown(scope)}, found no record of it")
            return WRONG
        with nullcontext() if output is None else new_file(Path(output)) as file:
            write = _to_stdout if file is None else file.write
            end = await _write(looked, scope, prefix, where, write, is_file=file is not None)
    if output is not None:
        print_line(f"{output}: {counted(end.records, 'record')}, SHA-256 {end.sha256}")
    return DONE


async def _write(
    looked: Looked,
    scope: str | None,
    prefix: str | None,
    where: Filter | None,
    write: Callable[[bytes], object],
    *,
    is_file: bool,
) -> ExportEnd:
    with progress("exporting") as bar:
        head = await last_position(looked, scope, prefix)

        def show(position: int, last: int) -> None:
            bar(position, head)

        def take(data: bytes) -> None:
            if not is_file:
                bar.clear()
            write(data)

        reading = looked.read(scope=scope, prefix=prefix, where=where, after=0, on_progress=show)
        for_people = not is_file and sys.stdout is not None and sys.stdout.isatty()
        return await export_all(reading, take, encode=_harmless if for_people else bytes)


def _harmless(line: bytes) -> bytes:
    """Write a line so that no terminal obeys it; it means the same."""
    return safe_json(line[:-1].decode()).encode() + b"\n"


def _to_stdout(data: bytes) -> None:
    print_text(data.decode())

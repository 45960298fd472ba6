"""`atomic-store events`: the records of a store, as they lie in its journal."""

from __future__ import annotations

import attrs
import click
import trio

from ..errors import shown
from ..filter import Filter
from .choosing import (
    at_option,
    both,
    correlation_option,
    json_option,
    prefix_option,
    refuse_both,
    scope_option,
    sequence_filter,
    sequence_option,
    where_option,
)
from .ending import DONE, WRONG
from .output import complain
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
from .record_lines import Form, RecordPrinter
from .texts import help_option


@attrs.frozen
class _Asked:
    """Which records, in which order; as `Reader.read` takes it."""

    scope: str | None
    prefix: str | None
    where: Filter | None
    after: int
    at: str | None
    reverse: bool
    limit: int | None


@click.command(add_help_option=False)
@place_argument
@token_file_option
@scope_option
@sequence_option
@prefix_option
@where_option
@correlation_option
@click.option(
    "--after",
    type=click.IntRange(min=0),
    default=0,
    metavar="POSITION",
    help="Only records behind this position.",
)
@at_option
@click.option("--reverse", is_flag=True, help="The last record first.")
@click.option("--limit", type=click.IntRange(min=0), metavar="N", help="N records at most.")
@json_option
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV, its columns' names first.")
@help_option
def events(
    store: Place,
    token_file: str | None,
    scope: str | None,
    sequence: int | None,
    prefix: str | None,
    where: Filter | None,
    correlation: Filter | None,
    after: int,
    at: str | None,
    reverse: bool,
    limit: int | None,
    as_json: bool,
    as_csv: bool,
) -> int:
    """
    Print the records of STORE in the order of their positions, one a line.

    STORE is a directory, or the URL of a gateway (wss://…).
    """
    refuse_both(scope, prefix)
    refuse_token(store, token_file)
    if as_json and as_csv:
        raise click.UsageError("expected --json or --csv, found both")
    chosen = both(both(where, correlation), sequence_filter(sequence, scope))
    asked = _Asked(scope, prefix, chosen, after, at, reverse, limit)
    form = Form.JSON if as_json else Form.CSV if as_csv else Form.PEOPLE
    return trio.run(_print, store, token_file, asked, form)


async def _print(place: Place, token_file: str | None, asked: _Asked, form: Form) -> int:
    printer = RecordPrinter(form)
    async with open_place(place, token_file) as looked:
        printer.begin()
        with progress("searching") as bar:
            head = await last_position(looked, asked.scope, asked.prefix)

            def show(position: int, last: int) -> None:
                bar(head - position if asked.reverse else position - asked.after, head)

            reading = looked.read(**attrs.asdict(asked, recurse=False), on_progress=show)
            while page := await reading.page():
                bar.clear()
                printer.print(page)
        if printer.printed or await _is_there(looked, asked.scope):
            return DONE
    complain(f"{place.name}: expected the scope {shown(asked.scope)}, found no record of it")
    return WRONG


async def _is_there(looked: Looked, scope: str | None) -> bool:
    return scope is None or bool(await looked.query_events(scope, limit=1))

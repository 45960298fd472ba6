"""`atomic-store tail`: the last records of a store, and those that follow."""

from __future__ import annotations

import click
import trio

from ..feed import CaughtUp
from ..filter import Filter
from .choosing import (
    both,
    correlation_option,
    json_option,
    prefix_option,
    refuse_both,
    scope_option,
    where_option,
)
from .output import flush
from .places import (
    Place,
    last_position,
    open_place,
    place_argument,
    refuse_token,
    token_file_option,
)
from .record_lines import Form, RecordPrinter
from .texts import help_option


@click.command(add_help_option=False)
@place_argument
@token_file_option
@scope_option
@prefix_option
@where_option
@correlation_option
@click.option(
    "--lines",
    type=click.IntRange(min=0),
    default=10,
    metavar="N",
    help="Begin with the last N records (10).",
)
@json_option
@help_option
def tail(
    store: Place,
    token_file: str | None,
    scope: str | None,
    prefix: str | None,
    where: Filter | None,
    correlation: Filter | None,
    lines: int,
    as_json: bool,
) -> None:
    """
    Print the last records of STORE, then each that is added, until interrupted.

    STORE is a directory, or the URL of a gateway (wss://…).
    """
    refuse_both(scope, prefix)
    refuse_token(store, token_file)
    printer = RecordPrinter(Form.JSON if as_json else Form.PEOPLE)
    trio.run(_follow, store, token_file, scope, prefix, both(where, correlation), lines, printer)


async def _follow(
    place: Place,
    token_file: str | None,
    scope: str | None,
    prefix: str | None,
    where: Filter | None,
    lines: int,
    printer: RecordPrinter,
) -> None:
    async with open_place(place, token_file) as looked:
        head = await last_position(looked, scope, prefix)
        reading = looked.read(
            scope=scope, prefix=prefix, where=where, before=head + 1, reverse=True, limit=lines
        )
        printer.print(reversed(await reading.all()))
        flush()
        async with looked.subscribe(scope=scope, prefix=prefix, where=where, after=head) as feed:
            while page := await feed.page():
                printer.print([item for item in page if not isinstance(item, CaughtUp)])
                # Whoever reads this waits for it.
                flush()

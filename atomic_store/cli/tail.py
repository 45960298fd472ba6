"""`atomic-store tail`: the last records of a store, and those that follow."""

from __future__ import annotations

from pathlib import Path

import click
import trio

from ..feed import CaughtUp
from ..filter import Filter
from ..reader import open_reader
from .arguments import store_argument
from .choosing import json_option, prefix_option, refuse_both, scope_option, where_option
from .output import flush
from .record_lines import print_record
from .texts import help_option


@click.command(add_help_option=False)
@store_argument
@scope_option
@prefix_option
@where_option
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
    store: Path,
    scope: str | None,
    prefix: str | None,
    where: Filter | None,
    lines: int,
    as_json: bool,
) -> None:
    """Print the last records of STORE, then each that is added, until interrupted."""
    refuse_both(scope, prefix)
    trio.run(_follow, store, scope, prefix, where, lines, as_json)


async def _follow(
    store: Path,
    scope: str | None,
    prefix: str | None,
    where: Filter | None,
    lines: int,
    as_json: bool,
) -> None:
    async with open_reader(store) as reader:
        head = (await reader.refresh()).position
        reading = reader.read(
            scope=scope, prefix=prefix, where=where, before=head + 1, reverse=True, limit=lines
        )
        for record in reversed(await reading.all()):
            print_record(record, as_json=as_json)
        flush()
        async with reader.subscribe(scope=scope, prefix=prefix, where=where, after=head) as feed:
            async for item in feed:
                if not isinstance(item, CaughtUp):
                    print_record(item, as_json=as_json)
                    # Whoever reads this waits for it.
                    flush()

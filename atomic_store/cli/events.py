"""`atomic-store events`: the records of a store, as they lie in its journal."""

from __future__ import annotations

from pathlib import Path

import attrs
import click
import trio

from ..errors import shown
from ..filter import Filter
from ..reader import open_reader
from .arguments import store_argument
from .choosing import (
    at_option,
    json_option,
    prefix_option,
    refuse_both,
    scope_option,
    where_option,
)
from .ending import DONE, WRONG
from .output import complain
from .progress import progress
from .record_lines import print_record
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
@store_argument
@scope_option
@prefix_option
@where_option
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
@help_option
def events(
    store: Path,
    scope: str | None,
    prefix: str | None,
    where: Filter | None,
    after: int,
    at: str | None,
    reverse: bool,
    limit: int | None,
    as_json: bool,
) -> int:
    """Print the records of STORE in the order of their positions, one a line."""
    refuse_both(scope, prefix)
    asked = _Asked(scope, prefix, where, after, at, reverse, limit)
    return trio.run(_print, store, asked, as_json)


async def _print(store: Path, asked: _Asked, as_json: bool) -> int:
    printed = 0
    async with open_reader(store) as reader:
        with progress("searching") as bar:
            head = reader.head.position

            def show(position: int, last: int) -> None:
                bar(head - position if asked.reverse else position - asked.after, head)

            reading = reader.read(**attrs.asdict(asked, recurse=False), on_progress=show)
            while page := await reading.page():
                bar.clear()
                for record in page:
                    print_record(record, as_json=as_json)
                printed += len(page)
        if printed or asked.scope is None or await reader.query_events(asked.scope, limit=1):
            return DONE
    complain(f"{store}: expected the scope {shown(asked.scope)}, found no record of it")
    return WRONG

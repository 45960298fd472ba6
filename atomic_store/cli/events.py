"""`atomic-store events`: the records of a store, as they lie in its journal."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..errors import InvalidEvent, shown
from ..intake import check_scope
from ..journal.line import record_body
from ..journal.readonly import list_scopes, read_records
from .arguments import store_argument
from .ending import DONE, WRONG
from .output import complain, print_json, print_line, shortened
from .texts import help_option

if TYPE_CHECKING:
    from ..journal import StoredRecord


def _scope(context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    """Refuse what no scope can be named."""
    if value is not None:
        try:
            check_scope(value)
        except InvalidEvent as error:
            raise click.BadParameter(str(error)) from None
    return value


@click.command(add_help_option=False)
@store_argument
@click.option("--scope", callback=_scope, metavar="S", help="Only the records of this scope.")
@click.option(
    "--after",
    type=click.IntRange(min=0),
    default=0,
    metavar="POSITION",
    help="Only records behind this position.",
)
@click.option("--limit", type=click.IntRange(min=0), metavar="N", help="N records at most.")
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="Print each record as in the journal, without its checksums.",
)
@help_option
def events(store: Path, scope: str | None, after: int, limit: int | None, as_json: bool) -> int:
    """Print the records of STORE in the order of their positions, one a line."""
    printed = 0
    for record in islice(_records(store, scope, after), limit):
        if as_json:
            print_json(json_line(record))
        else:
            print_line(human_line(record))
        printed += 1
    if printed == 0 and scope is not None and not _is_there(store, scope):
        complain(f"{store}: expected the scope {shown(scope)}, found no record of it")
        return WRONG
    return DONE


def _records(store: Path, scope: str | None, after: int) -> Iterator[StoredRecord]:
    for record in read_records(store, after=after):
        if scope is None or record.scope == scope:
            yield record


def _is_there(store: Path, scope: str) -> bool:
    return any(end.scope == scope for end in list_scopes(store))


def human_line(record: StoredRecord) -> str:
    """Write a record for people; long values are cut."""
    words = [f"{record.position:8}", record.at, f"{record.scope} #{record.sequence}"]
    words.append(record.type if record.version == 1 else f"{record.type} v{record.version}")
    if record.part is not None:
        words.append(f"part {record.part[0]} of {record.part[1]}")
    words.append(shortened(record.data.decode()))
    for name, value in (("metadata", record.metadata), ("meta", record.meta)):
        if value is not None:
            words.append(f"{name} {shortened(value.decode())}")
    return "  ".join(words)


def json_line(record: StoredRecord) -> str:
    """Write a record as the journal does, without its checksums."""
    return (record_body(record) + b"}").decode()

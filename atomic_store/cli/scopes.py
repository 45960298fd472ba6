"""`atomic-store scopes`: which scopes a store holds, and where each ends."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import trio

from ..journal import ScopeEnd
from ..reader import open_reader
from .arguments import store_argument
from .output import print_line, print_value
from .texts import help_option

PAGE_SCOPES = 1_000

ORDERS: dict[str, Callable[[ScopeEnd], Any]] = {
    "name": lambda end: end.scope,
    "events": lambda end: (end.sequence, end.scope),
    "position": lambda end: end.position,
    "time": lambda end: (end.at, end.position),
}


@click.command(add_help_option=False)
@store_argument
@click.option("--prefix", default="", metavar="P", help="Only scopes whose names begin with P.")
@click.option(
    "--sort",
    type=click.Choice([*ORDERS]),
    default="name",
    help="By name, number of events, last position or last time.",
)
@click.option("--reverse", is_flag=True, help="The last one first.")
@click.option("--limit", type=click.IntRange(min=0), metavar="N", help="N scopes at most.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
@help_option
def scopes(
    store: Path, prefix: str, sort: str, reverse: bool, limit: int | None, as_json: bool
) -> None:
    """List the scopes of STORE: events, last position, last time, name."""
    trio.run(_list, store, prefix, sort, reverse, limit, as_json)


async def _list(
    store: Path, prefix: str, sort: str, reverse: bool, limit: int | None, as_json: bool
) -> None:
    in_order = sort == "name" and not reverse
    ends: list[ScopeEnd] = []
    left, after = limit, None
    async with open_reader(store) as reader:
        while left != 0 and (page := await reader.scopes(prefix, after, limit=PAGE_SCOPES)):
            after = page[-1].scope
            if not in_order:
                ends += page
                continue
            for end in page[:left]:
                _print(end, as_json=as_json)
            left = None if left is None else max(0, left - len(page))
    choose = heapq.nlargest if reverse else heapq.nsmallest
    for end in choose(len(ends) if limit is None else limit, ends, key=ORDERS[sort]):
        _print(end, as_json=as_json)


def _print(end: ScopeEnd, *, as_json: bool) -> None:
    if as_json:
        print_value(
            {"scope": end.scope, "sequence": end.sequence, "position": end.position, "at": end.at}
        )
    else:
        print_line(f"{end.sequence:8}  {end.position:8}  {end.at}  {end.scope}")

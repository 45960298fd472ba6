"""`atomic-store scopes`: which scopes a store holds, where each ends, what it does."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import click
import trio

from ..journal import ScopeEnd
from ..reader import Reader
from .output import counted, print_line, print_value
from .places import Looked, Place, open_place, place_argument, refuse_token, token_file_option
from .texts import help_option

if TYPE_CHECKING:
    from ..gateway import ScopeShown

PAGE_SCOPES = 1_000

ORDERS: dict[str, Callable[[ScopeEnd], Any]] = {
    "name": lambda end: end.scope,
    "events": lambda end: (end.sequence, end.scope),
    "position": lambda end: end.position,
    "time": lambda end: (end.at, end.position),
}


@click.command(add_help_option=False)
@place_argument
@token_file_option
@click.option("--prefix", default="", metavar="P", help="Only scopes whose names begin with P.")
@click.option(
    "--sort",
    type=click.Choice([*ORDERS]),
    default="name",
    help="By name, number of events, last position or last time.",
)
@click.option("--reverse", is_flag=True, help="The last one first.")
@click.option("--limit", type=click.IntRange(min=0), metavar="N", help="N scopes at most.")
@click.option(
    "--state",
    "with_state",
    is_flag=True,
    help="Also say what each does now, who holds its round, and how many wait. Of a gateway.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
@help_option
def scopes(
    store: Place,
    token_file: str | None,
    prefix: str,
    sort: str,
    reverse: bool,
    limit: int | None,
    with_state: bool,
    as_json: bool,
) -> None:
    """
    List the scopes of STORE: events, last position, last time, name.

    STORE is a directory, or the URL of a gateway (wss://…).
    """
    refuse_token(store, token_file)
    if with_state and store.url is None:
        raise click.UsageError(
            "--state: a store's files do not tell it: expected the URL of its gateway as STORE"
        )
    printer = _print_json if as_json else _print_line
    trio.run(_list, store, token_file, prefix, sort, reverse, limit, with_state, printer)


async def _list(
    place: Place,
    token_file: str | None,
    prefix: str,
    sort: str,
    reverse: bool,
    limit: int | None,
    with_state: bool,
    printer: Callable[[ScopeEnd, Mapping[str, ScopeShown] | None], None],
) -> None:
    in_order = sort == "name" and not reverse
    ends: list[ScopeEnd] = []
    left, after = limit, None
    async with open_place(place, token_file) as looked:
        live = await _live(looked, prefix) if with_state else None
        while left != 0 and (page := await looked.scopes(prefix, after, limit=PAGE_SCOPES)):
            after = page[-1].scope
            if not in_order:
                ends += page
                continue
            for end in page[:left]:
                printer(end, live)
            left = None if left is None else max(0, left - len(page))
    choose = heapq.nlargest if reverse else heapq.nsmallest
    for end in choose(len(ends) if limit is None else limit, ends, key=ORDERS[sort]):
        printer(end, live)


async def _live(looked: Looked, prefix: str) -> Mapping[str, ScopeShown]:
    assert not isinstance(looked, Reader)
    return await looked.live_scopes(prefix)


def _print_json(end: ScopeEnd, live: Mapping[str, ScopeShown] | None) -> None:
    value: dict[str, Any] = {
        "scope": end.scope, "sequence": end.sequence, "position": end.position, "at": end.at,
    }  # fmt: skip
    if live is not None:
        shown = live.get(end.scope)
        value["state"] = "idle" if shown is None else shown.state
        if shown is not None:
            names = ("waiting", "principal", "round", "since_s", "deadline_s")
            value |= {name: getattr(shown, name) for name in names}
    print_value(value)


def _print_line(end: ScopeEnd, live: Mapping[str, ScopeShown] | None) -> None:
    state = "" if live is None else f"{_state(live.get(end.scope))}  "
    print_line(f"{end.sequence:8}  {end.position:8}  {end.at}  {state}{end.scope}")


def _state(shown: ScopeShown | None) -> str:
    """Say what a scope does: ``validating by ada for 4.2 s, 3 wait``."""
    if shown is None:
        return f"{'idle':10}"
    words = f"{shown.state:10}"
    if shown.principal is not None:
        words += f" by {shown.principal}"
    if shown.since_s is not None:
        words += f" for {shown.since_s:.1f} s"
    if shown.waiting:
        words += f", {counted(shown.waiting, 'proposal')} waiting"
    return words

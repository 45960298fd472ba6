"""`atomic-store state`: what a scope's events amount to, by a fold."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any, Final

import attrs
import click
import msgspec
import trio

from ..errors import shown
from ..events import EventTypes
from ..fold import Fold
from .choosing import scope_callback
from .ending import DONE, WRONG, CannotRun
from .folds import failure_of, fold_events_option, fold_option, load_event_types, load_fold
from .json_text import json_text
from .output import complain, counted, print_json, print_line
from .places import Looked, Place, open_place, place_argument, refuse_token, token_file_option
from .progress import progress
from .texts import help_option

PAGE_RECORDS: Final = 1_000
"""So many records are read, and gone through, at a time."""


@attrs.frozen(eq=False)
class _Asked:
    """Of which scope, and by what."""

    scope: str
    sequence: int | None
    name: str
    """The fold's, as it was given."""
    fold: Fold[Any, Any]
    types: EventTypes


@attrs.define
class _State:
    """How far it is."""

    state: Any
    sequence: int = 0
    at: str | None = None


@click.command(add_help_option=False)
@place_argument
@token_file_option
@click.option("--scope", required=True, callback=scope_callback, metavar="S", help="Of this scope.")
@click.option(
    "--sequence",
    type=click.IntRange(min=0),
    metavar="N",
    help="After its N-th event; without it, after its last one.",
)
@fold_option
@fold_events_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@help_option
def state(
    store: Place,
    token_file: str | None,
    scope: str,
    sequence: int | None,
    fold: str | None,
    events: str | None,
    as_json: bool,
) -> int:
    """
    Print the state of a scope of STORE: what its events amount to, by a fold.

    STORE is a directory, or the URL of a gateway (wss://…).
    """
    refuse_token(store, token_file)
    if fold is None:
        raise click.UsageError("expected --fold: a state is what a fold makes of a scope's events")
    here = Path.cwd()
    asked = _Asked(scope, sequence, fold, load_fold(fold, here), load_event_types(events, here))
    found = trio.run(_folded, store, token_file, asked)
    if found.sequence < (1 if sequence is None else sequence):
        wanted = f"the scope {shown(scope)}"
        if sequence is not None:
            wanted = f"event {sequence:,} of {wanted}"
        complaint = f"expected {wanted}, found {counted(found.sequence, 'event')} of it"
        complain(f"{store.name}: {complaint}")
        return WRONG
    _print(asked, found, as_json=as_json)
    return DONE


async def _folded(place: Place, token_file: str | None, asked: _Asked) -> _State:
    found = _State(asked.fold.initial)
    async with open_place(place, token_file) as looked:
        with progress("folding") as bar:
            end = asked.sequence if asked.sequence is not None else await _end(looked, asked.scope)
            while found.sequence < end:
                page = await looked.query_events(
                    asked.scope, after=found.sequence, before=end + 1, limit=PAGE_RECORDS
                )
                if not page:
                    break
                for record in page:
                    _evolve(asked, found, record._stored)
                bar(found.sequence, end)
    return found


async def _end(looked: Looked, scope: str) -> int:
    last = await looked.query_events(scope, last=1)
    return last[0].sequence if last else 0


def _evolve(asked: _Asked, found: _State, stored: Any) -> None:
    try:
        event = asked.types.decode(stored.type, stored.version, stored.data)
        found.state = asked.fold.evolve(found.state, event)
    except (Exception, SystemExit) as error:
        raise CannotRun(
            f"--fold {asked.name} fails at event {stored.sequence} of {shown(asked.scope)}: "
            f"{failure_of(error)}"
        ) from error
    found.sequence, found.at = stored.sequence, stored.at


def _print(asked: _Asked, found: _State, *, as_json: bool) -> None:
    text = json_text(found.state)
    if as_json:
        head = {"scope": asked.scope, "sequence": found.sequence, "at": found.at}
        encoded = msgspec.json.encode(head).decode()
        print_json(f'{encoded[:-1]},"state":{text.decode()}}}')
        return
    # What is nested too deep to be set out is printed as it is.
    with contextlib.suppress(msgspec.DecodeError, RecursionError):
        text = msgspec.json.format(text, indent=2)
    for line in text.decode().split("\n"):
        print_line(line)

"""`atomic-store scopes`: which scopes a store holds, and where each ends."""

from __future__ import annotations

from pathlib import Path

import click

from ..journal.readonly import list_scopes
from .arguments import store_argument
from .output import print_line, print_value
from .texts import help_option


@click.command(add_help_option=False)
@store_argument
@click.option("--prefix", default="", metavar="P", help="Only scopes whose names begin with P.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
@help_option
def scopes(store: Path, prefix: str, as_json: bool) -> None:
    """List the scopes of STORE: events, last position, last time, name."""
    for end in list_scopes(store):
        if not end.scope.startswith(prefix):
            continue
        if as_json:
            print_value(
                {
                    "scope": end.scope,
                    "sequence": end.sequence,
                    "position": end.position,
                    "at": end.at,
                }
            )
        else:
            print_line(f"{end.sequence:8}  {end.position:8}  {end.at}  {end.scope}")

"""`atomic-store verify`: check every byte of a store."""

from __future__ import annotations

import os
from pathlib import Path

import click

from ..journal.verify import Damage, Verification
from ..journal.verify import verify as verify_store
from .arguments import store_argument
from .ending import DONE, WRONG
from .output import counted, print_line, print_value
from .progress import progress
from .texts import help_option


@click.command(add_help_option=False)
@store_argument
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@help_option
def verify(store: Path, as_json: bool) -> int:
    """
    Check every record of STORE, and print what is damaged and where it ends.

    Note the position and the commit value elsewhere: they prove later that nobody has
    changed anything up to there.
    """
    with progress("verifying") as bar:
        verification = verify_store(store, on_progress=bar, processes=os.cpu_count() or 1)
    if as_json:
        print_value(json_of(verification))
    else:
        for line in human_lines(store, verification):
            print_line(line)
    return WRONG if verification.damage else DONE


def human_lines(store: Path, verification: Verification) -> list[str]:
    """Say for people what was found."""
    v = verification
    lines = [damage_line(damage) for damage in v.damage]
    lines += [f"note: {note}" for note in v.notes]
    verdict = f"damaged in {counted(len(v.damage), 'place')}" if v.damage else "not damaged"
    lines.append(f"{store}: {verdict}")
    lines.append(
        f"{counted(v.records, 'record')} of {counted(v.scopes, 'scope')} "
        f"in {counted(v.segments, 'segment')}, {counted(v.bytes, 'byte')}"
    )
    lines.append(f"head: position {v.head.position}, commit {v.head.commit}")
    return lines


def damage_line(damage: Damage) -> str:
    """Say where something is damaged, and how."""
    line = "" if damage.line is None else f", line {damage.line}"
    return (
        f"{damage.path}: offset {damage.offset}{line}: "
        f"expected {damage.expected}, found {damage.found}"
    )


def json_of(verification: Verification) -> dict[str, object]:
    """Give what was found as a JSON value."""
    v = verification
    return {
        "records": v.records,
        "segments": v.segments,
        "scopes": v.scopes,
        "bytes": v.bytes,
        "head": {"position": v.head.position, "commit": v.head.commit},
        "notes": list(v.notes),
        "damage": [
            {
                "path": os.fsencode(damage.path).decode("utf-8", "backslashreplace"),
                "offset": damage.offset,
                "line": damage.line,
                "expected": damage.expected,
                "found": damage.found,
            }
            for damage in v.damage
        ],
    }

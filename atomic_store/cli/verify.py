"""`atomic-store verify`: check every byte of a store."""

from __future__ import annotations

import os

import click
import trio

from ..journal.verify import Damage, Verification
from ..journal.verify import verify as verify_store
from .ending import DONE, WRONG
from .output import counted, print_line, print_value
from .places import Place, open_at_gateway, place_argument, refuse_token, token_file_option
from .progress import Progress, progress
from .texts import help_option


@click.command(add_help_option=False)
@place_argument
@token_file_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@help_option
def verify(store: Place, token_file: str | None, as_json: bool) -> int:
    """
    Check every record of STORE, and print what is damaged and where it ends.

    Note the position and the commit value elsewhere: they prove later that nobody has
    changed anything up to there. If STORE is the URL of a gateway (wss://…), it checks its
    store itself; that needs the right to operate.
    """
    refuse_token(store, token_file)
    with progress("verifying") as bar:
        if store.directory is None:
            verification = trio.run(_at_gateway, store, token_file, bar)
        else:
            verification = verify_store(
                store.directory, on_progress=bar, processes=os.cpu_count() or 1
            )
    if as_json:
        print_value(json_of(verification))
    else:
        for line in human_lines(store.name, verification):
            print_line(line)
    return WRONG if verification.damage else DONE


async def _at_gateway(place: Place, token_file: str | None, bar: Progress) -> Verification:
    """Have a gateway check its store: it does not tell of segments and scopes."""
    async with open_at_gateway(place, token_file) as client:
        from ..gateway.client.operating import verification_of

        return verification_of(await client.verify(on_progress=bar))


def human_lines(store: str, verification: Verification) -> list[str]:
    """Say for people what was found."""
    v = verification
    lines = [damage_line(damage) for damage in v.damage]
    lines += [f"note: {note}" for note in v.notes]
    verdict = f"damaged in {counted(len(v.damage), 'place')}" if v.damage else "not damaged"
    lines.append(f"{store}: {verdict}")
    held = counted(v.records, "record")
    if v.segments:
        held += f" of {counted(v.scopes, 'scope')} in {counted(v.segments, 'segment')}"
    lines.append(f"{held}, {counted(v.bytes, 'byte')}")
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
        # A gateway does not tell.
        "segments": v.segments or None,
        "scopes": v.scopes if v.segments else None,
        "bytes": v.bytes,
        "head": {"position": v.head.position, "commit": v.head.commit},
        "notes": list(v.notes),
        "damage": [damage_value(damage) for damage in v.damage],
    }


def damage_value(damage: Damage) -> dict[str, object]:
    """Give a place of damage as a JSON value."""
    return {
        "path": os.fsencode(damage.path).decode("utf-8", "backslashreplace"),
        "offset": damage.offset,
        "line": damage.line,
        "expected": damage.expected,
        "found": damage.found,
    }

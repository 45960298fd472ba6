"""`atomic-store repair`: a new store of what can be believed of a damaged one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from ..errors import JournalCorrupt
from ..safekeeping import LeftOut, Repaired
from ..safekeeping import repair as repair_store
from .arguments import new_directory_argument, store_argument
from .ending import DONE, WRONG, CannotRun
from .output import counted, print_line, print_value
from .progress import progress
from .texts import help_option
from .verify import damage_value

LINES_MAX = 50
"""For people, so much of what was left out is told; all of it is in the file."""


@click.command(add_help_option=False)
@store_argument
@new_directory_argument
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@help_option
def repair(store: Path, target: Path, as_json: bool) -> int:
    """
    Make a new store TARGET of what can be believed of STORE, which is not changed.

    Nobody may have STORE open for writing. What is left out is told, and is in the file
    left-out.jsonl in TARGET. Exit codes: 0 nothing was left out; 1 something was; 2 it could
    not be done.
    """
    with progress("repairing") as bar:
        try:
            repaired = repair_store(store, target, on_progress=bar)
        except JournalCorrupt as error:
            raise CannotRun(f"{store}: nothing can be repaired: {error}") from error
    if as_json:
        print_value(_json_of(repaired))
    else:
        for line in _human_lines(target, repaired):
            print_line(line)
    return WRONG if repaired.file is not None else DONE


def _human_lines(target: Path, done: Repaired) -> Iterator[str]:
    for one in done.told[:LINES_MAX]:
        yield f"left out: {_line_of(one)}"
    if len(done.told) > LINES_MAX:
        yield f"left out: and more; all of it is in {done.file}"
    for cut in done.cut[:LINES_MAX]:
        yield (
            f"scope {cut.scope}: kept up to sequence {cut.kept}; "
            f"{counted(cut.left_out, 'record')} behind that left out"
        )
    if len(done.cut) > LINES_MAX:
        yield f"{counted(len(done.cut) - LINES_MAX, 'more scope')} cut in the same way"
    for note in done.notes:
        yield f"note: {note}"
    yield (
        f"{target}: kept {counted(done.head.position, 'record')} of "
        f"{counted(done.scopes, 'scope')}; left out {done.left_out:,}, missing {done.missing:,}"
    )
    if done.unknown:
        yield (
            f"of {counted(done.unknown, 'missing record')} nothing tells the scope: "
            "it may have been the last of any"
        )
    if done.file is not None:
        yield f"what was left out is in {done.file}"
    yield f"store {done.store}, history {done.history}"
    yield f"head: position {done.head.position}, commit {done.head.commit}"


def _line_of(one: LeftOut) -> str:
    named = [] if one.position is None else [f"position {one.position}"]
    if one.scope is not None:
        named.append(f"{one.scope} #{one.sequence}, proposal {one.proposal_id}")
    what = "" if not named else f"{'seems to be ' if one.text is not None else ''}"
    place = f"{one.path}: offset {one.offset}, line {one.line}"
    return f"{place}: {what}{', '.join(named)}{': ' if named else ''}{one.why}"


def _json_of(done: Repaired) -> dict[str, object]:
    return {
        "store": done.store,
        "history": done.history,
        "head": {"position": done.head.position, "commit": done.head.commit},
        "scopes": done.scopes,
        "left_out": done.left_out,
        "missing": done.missing,
        "unknown": done.unknown,
        "cut": [
            {"scope": cut.scope, "kept": cut.kept, "left_out": cut.left_out} for cut in done.cut
        ],
        "told": [one.value() for one in done.told],
        "file": done.file,
        "damage": [damage_value(damage) for damage in done.damage],
        "notes": list(done.notes),
    }

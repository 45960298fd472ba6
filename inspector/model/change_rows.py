"""What is different, as lines for reading."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap
from typing import Final, final

import attrs

from .differences import Change, Difference, Differences, Step
from .filter_terms import path_text
from .json_text import json_text
from .words import counted

VALUE_BYTES_MAX: Final = 4_000
"""Of a value that came, went or changed, so much is written."""
REMARK_MAX: Final = 72
"""How many characters of words stand on one line."""
SHORT: Final = 24
"""Two values that are no longer than this stand on one line."""


@final
@attrs.frozen
class ChangeRow:
    """A line about a difference. Its texts are a stranger's: not safe to show as they are."""

    mark: str
    """``+``, ``-`` or ``~``; ``=`` for a heading, ``:`` for words, nothing where a line goes on."""
    path: str = ""
    before: str | None = None
    after: str | None = None
    words: str = ""


def heading(words: str) -> ChangeRow:
    """Make a line that says what follows."""
    return ChangeRow("=", words=words)


def remarks(words: str) -> list[ChangeRow]:
    """Make lines of some words; they are broken where there are blanks, if they are long."""
    return [ChangeRow(":", words=line) for line in wrap(words, REMARK_MAX) or [""]]


def change_rows(found: Differences, root: str | None = None) -> list[ChangeRow]:
    """
    Write differences as lines.

    Args:
      found: what is different.
      root: what the whole value is called; None: its members are the roots of paths.
    """
    rows: list[ChangeRow] = []
    for difference in found.items:
        rows += _rows(difference, root)
    if found.more:
        rows += remarks(f"and {counted(found.more, 'more difference')}")
    return rows


def _rows(difference: Difference, root: str | None) -> list[ChangeRow]:
    path = named_path(difference.path, root)
    mark = difference.change.value
    match difference.change:
        case Change.ADDED:
            return [ChangeRow(mark, path, after=_text(difference.after))]
        case Change.REMOVED:
            return [ChangeRow(mark, path, before=_text(difference.before))]
        case Change.CHANGED:
            before, after = _text(difference.before), _text(difference.after)
            if len(before) <= SHORT and len(after) <= SHORT:
                return [ChangeRow(mark, path, before, after)]
            return [ChangeRow(mark, path), ChangeRow("", before=before), ChangeRow("", after=after)]


def named_path(steps: Sequence[Step], root: str | None) -> str:
    """Write a path as filters do: ``data.bids[0]``, ``state["odd key"]``."""
    if root is None:
        if not steps:
            return "all of it"
        root, steps = str(steps[0]), steps[1:]
    return root + path_text("data", steps).removeprefix("data")


def _text(value: object) -> str:
    return json_text(value, bytes_max=VALUE_BYTES_MAX).decode("utf-8", "replace")


def as_text(rows: Sequence[ChangeRow]) -> str:
    """Write the lines for another program; what cannot be seen is left as it is."""
    return "\n".join(_line(row) for row in rows)


def _line(row: ChangeRow) -> str:
    if row.mark in "=:" and row.mark:
        return row.words
    values = " -> ".join(value for value in (row.before, row.after) if value is not None)
    if row.mark:
        return f"{row.mark} {row.path}{': ' if values else ''}{values}"
    return f"    {'-' if row.after is None else '+'} {values}"

"""Differences as they are drawn."""

from __future__ import annotations

import pytest

from inspector.model.change_rows import ChangeRow, heading, remarks
from inspector.model.texts import cells_of
from inspector.widgets.change_lines import ChangeLines, change_line

ROWS = [
    (heading("what"), " what"),
    (remarks("nothing")[0], " nothing"),
    (ChangeRow("~", "data.a", "1", "2"), " ~ data.a  1 → 2"),
    (ChangeRow("+", "data.b", after="[]"), " + data.b  []"),
    (ChangeRow("-", "data.c", before="null"), " - data.c  null"),
    (ChangeRow("~", "data.d"), " ~ data.d"),
    (ChangeRow("", before='"x"'), '     - "x"'),
    (ChangeRow("", after='"y"'), '     + "y"'),
]


@pytest.mark.parametrize(("row", "text"), ROWS)
def test_rows(row: ChangeRow, text: str) -> None:
    """Each kind of line."""
    assert text == "".join(part.text for part in change_line(row, 40))


@pytest.mark.parametrize("mark", ["~", "+", "-", "", "=", ":"])
def test_strange_and_long(mark: str) -> None:
    """Nothing in it is obeyed, and nothing of it is too wide."""
    odd = "\x1b[2J漢字" * 100
    row = ChangeRow(mark, odd, odd, odd if mark == "~" else None, odd if mark in "=:" else "")
    for cells in (20, 33, 80):
        line = "".join(part.text for part in change_line(row, cells))
        assert cells_of(line) <= cells
        assert "\x1b" not in line


def test_the_list() -> None:
    """It has a line for each, under a heading."""
    lines = ChangeLines([row for row, _ in ROWS], "what is different\x07")

    assert (len(ROWS), " what is different␇") == (lines.count, lines.title(40)[0].text)
    assert lines.line(2, 40) == change_line(ROWS[2][0], 40)

"""Differences as lines."""

from __future__ import annotations

from inspector.model.change_rows import (
    REMARK_MAX,
    ChangeRow,
    as_text,
    change_rows,
    heading,
    named_path,
    remarks,
)
from inspector.model.differences import text_differences


def test_each_kind_of_change() -> None:
    """What came, what went, and what changed; long values each have a line."""
    long = b"x" * 40
    found = text_differences(
        b'{"data":{"a":1,"gone":[1],"long":"%b"}}' % long,
        b'{"data":{"a":2,"long":"%by","new":null}}' % long,
    )
    before, after = f'"{"x" * 40}"', f'"{"x" * 40}y"'

    rows = change_rows(found)

    assert [
        ChangeRow("~", "data.a", "1", "2"),
        ChangeRow("~", "data.long"),
        ChangeRow("", before=before),
        ChangeRow("", after=after),
        ChangeRow("+", "data.new", after="null"),
        ChangeRow("-", "data.gone", before="[1]"),
    ] == rows
    assert [
        "~ data.a: 1 -> 2",
        "~ data.long",
        f"    - {before}",
        f"    + {after}",
        "+ data.new: null",
        "- data.gone: [1]",
    ] == as_text(rows).split("\n")


def test_paths() -> None:
    """They are written as in a filter; a state has a name of its own."""
    assert 'data["[/x]"].b[0]' == named_path(["data", "[/x]", "b", 0], None)
    assert "state.b" == named_path(["b"], "state")
    assert ("state", "all of it") == (named_path([], "state"), named_path([], None))


def test_more_than_anybody_reads() -> None:
    """What is beyond the limit is counted."""
    found = text_differences(b"[%b0]" % (b"0," * 1_500), b"[%b1]" % (b"1," * 1_500))

    assert "and 501 more differences" == as_text(change_rows(found, "state")[-1:])


def test_words() -> None:
    """Headings stand alone; remarks are broken into lines, and may be empty."""
    assert "what" == as_text([heading("what")])
    assert [ChangeRow(":")] == remarks("")
    lines = as_text(remarks("word " * 40)).split("\n")
    assert 1 < len(lines)
    assert max(map(len, lines)) <= REMARK_MAX

"""Records taken away as JSON lines and CSV."""

from __future__ import annotations

import csv
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atomic_store.cli.output import safe_json
from atomic_store.journal import StoredRecord
from atomic_store.journal.line import record_body
from filters import records
from inspector.model.export import CSV_COLUMNS, csv_lines, json_line, json_lines

AT = "2026-11-23T15:04:05.123456Z"


def record(scope: str = "lot-1", data: bytes = b"{}", type: str = "Bid") -> StoredRecord:  # noqa: A002
    """A record with these."""
    return StoredRecord(
        7, scope, 3, "an id", AT, type, data, 2, (1, 2), b'{"by":"x"}', b'{"note":"\xc2\x9b"}'
    )


@given(records)
def test_json_is_what_the_journal_holds(one: StoredRecord) -> None:
    """The record's own line without its checksums, and safe to print."""
    assert safe_json((record_body(one) + b"}").decode()) + "\n" == json_line(one)
    assert [json_line(one)] * 2 == list(json_lines([one, one]))


def test_csv_has_a_cell_for_everything() -> None:
    """A row of names, then one for each record, as RFC 4180 has them."""
    header, line = csv_lines([record(data=b'{"a":"b, \\"c\\""}')])

    assert ",".join(CSV_COLUMNS) + "\r\n" == header
    assert (
        '7,lot-1,3,2026-11-23T15:04:05.123456Z,Bid,2,1,2,an id,"{""a"":""b, \\""c\\""""}",'
        '"{""by"":""x""}","{""note"":""\\u009b""}"\r\n'
    ) == line


def test_csv_without_names() -> None:
    """Where more is added to a file that has them."""
    assert [] == list(csv_lines([], header=False))
    assert 1 == len(list(csv_lines([record()], header=False)))


@pytest.mark.parametrize("begin", ["=", "+", "-", "@"])
def test_no_cell_is_a_formula(begin: str) -> None:
    """A spreadsheet that opens it does not run what a stranger wrote."""
    hostile = f"{begin}cmd|' /C calc'!A0"
    (line,) = csv_lines([record(hostile, b"-5", hostile)], header=False)
    (row,) = csv.reader([line])

    assert f"'{hostile}" == row[CSV_COLUMNS.index("scope")]
    assert f"'{hostile}" == row[CSV_COLUMNS.index("type")]
    assert "'-5" == row[CSV_COLUMNS.index("data")]


@given(records)
def test_csv_comes_back(one: StoredRecord) -> None:
    """One row a record, whatever is in it, and its data is JSON still."""
    (row,) = csv.reader(csv_lines([one], header=False))
    cells = dict(zip(CSV_COLUMNS, row, strict=True))

    assert str(one.position) == cells["position"]
    assert json.loads(one.data) == json.loads(cells["data"].removeprefix("'"))
    assert (one.metadata is None) == (cells["metadata"] == "")


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=20))
def test_no_terminal_obeys_it(text: str) -> None:
    """All that comes out is printable but for the ends of lines, whatever the names are."""
    one = record(text, json.dumps(text, ensure_ascii=False).encode(), text)
    for line in (json_line(one), *csv_lines([one], header=False)):
        assert line.rstrip("\r\n").isprintable()


def test_lone_surrogates_and_broken_text_do_no_harm() -> None:
    """What no file could hold is written as an escape."""
    (line,) = csv_lines([record("\ud800", b'"\xff"')], header=False)

    assert line.encode().startswith(rb"7,\ud800,3,")

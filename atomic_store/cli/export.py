r"""
Records as text to be taken away: JSON lines, and CSV.

JSON lines are exactly what ``atomic-store events --json`` prints. CSV is that of RFC 4180,
with two differences. A cell that begins with ``=``, ``+``, ``-``, ``@``, a tab or a carriage
return gets a ``'`` before it, since a spreadsheet would take it for a formula and run it; so
does a negative number that is all of a record's data. And what is not printable in names is
written as ``\x1b``, in JSON as its escape, so that no terminal obeys it.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from typing import Final, final

import attrs

from ..journal import StoredRecord
from ..journal.line import record_body
from .output import printable, safe_json

CSV_COLUMNS: Final = (
    "position", "scope", "sequence", "at", "type", "version", "part", "parts", "id", "data",
    "metadata", "meta",
)  # fmt: skip

_FORMULAS: Final = ("=", "+", "-", "@", "\t", "\r")


def json_line(record: StoredRecord) -> str:
    """Write a record as a line of JSON, with its newline."""
    return safe_json((record_body(record) + b"}").decode("utf-8", "replace")) + "\n"


def json_lines(records: Iterable[StoredRecord]) -> Iterator[str]:
    """Write records as lines of JSON."""
    return map(json_line, records)


def csv_lines(records: Iterable[StoredRecord], *, header: bool = True) -> Iterator[str]:
    """Write records as lines of CSV, each with its end; a row with names first."""
    sink = _Sink()
    writer = csv.writer(sink)
    if header:
        writer.writerow(CSV_COLUMNS)
        yield sink.text
    for record in records:
        writer.writerow([_guarded(cell) for cell in _cells(record)])
        yield sink.text


@final
@attrs.define(eq=False)
class _Sink:
    """Holds the row that was written last: the writer writes each at once."""

    text: str = ""

    def write(self, text: str) -> None:
        self.text = text


def _cells(record: StoredRecord) -> Iterator[str]:
    part, parts = record.part or (1, 1)
    yield str(record.position)
    yield printable(record.scope)
    yield str(record.sequence)
    yield printable(record.at)
    yield printable(record.type)
    yield str(record.version)
    yield str(part)
    yield str(parts)
    yield printable(record.id)
    for document in (record.data, record.metadata, record.meta):
        yield "" if document is None else safe_json(document.decode("utf-8", "replace"))


def _guarded(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULAS) else cell

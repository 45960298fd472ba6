"""Records as lines: for people, as the journal writes them, and as CSV."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from typing import Any, assert_never, final

import attrs

from ..journal import StoredRecord
from ..records import Record
from .export import csv_lines, json_line
from .output import print_line, print_text, shortened


class Form(Enum):
    """How records are written."""

    PEOPLE = "people"
    JSON = "json"
    CSV = "csv"


@final
@attrs.define(eq=False)
class RecordPrinter:
    """Prints records, all in one form."""

    form: Form
    printed: int = 0
    """How many it has printed."""

    def begin(self) -> None:
        """Print what stands above all records: of CSV, the columns' names."""
        if self.form is Form.CSV:
            for text in csv_lines(()):
                print_text(text)

    def print(self, records: Iterable[Record[Any]]) -> None:
        """
        Print some more.

        Raises:
          OutputClosed, OutputFailed: nobody takes them.
        """
        stored = [record._stored for record in records]
        match self.form:
            case Form.PEOPLE:
                for one in stored:
                    print_line(human_line(one))
            case Form.JSON:
                for one in stored:
                    print_text(json_line(one))
            case Form.CSV:
                for text in csv_lines(stored, header=False):
                    print_text(text)
            case _:
                assert_never(self.form)
        self.printed += len(stored)


def human_line(record: StoredRecord) -> str:
    """Write a record for people; long values are cut."""
    words = [f"{record.position:8}", record.at, f"{record.scope} #{record.sequence}"]
    words.append(record.type if record.version == 1 else f"{record.type} v{record.version}")
    if record.part is not None:
        words.append(f"part {record.part[0]} of {record.part[1]}")
    words.append(shortened(record.data.decode()))
    for name, value in (("metadata", record.metadata), ("meta", record.meta)):
        if value is not None:
            words.append(f"{name} {shortened(value.decode())}")
    return "  ".join(words)

"""Records as lines: for people, and as the journal writes them."""

from __future__ import annotations

from typing import Any

from ..journal import StoredRecord
from ..journal.line import record_body
from ..records import Record
from .output import print_json, print_line, shortened


def print_record(record: Record[Any], *, as_json: bool) -> None:
    """Print a record: as JSON, or for people."""
    if as_json:
        print_json(json_line(record._stored))
    else:
        print_line(human_line(record._stored))


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


def json_line(record: StoredRecord) -> str:
    """Write a record as the journal does, without its checksums."""
    return (record_body(record) + b"}").decode()

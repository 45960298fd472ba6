"""
An export's lines: records as in the journal, without its checksums, and a last line. Pure.

The last line has how many records there are, and a SHA-256 over all bytes before it. Without
it, or with another one, the file was cut off or changed.
"""

from __future__ import annotations

import re
from typing import Final, final

import msgspec

from ..errors import InvalidEvent, shown
from ..journal.drafts import check_scope
from ..journal.index_file import to_microseconds
from ..journal.line import RecordMembers, record_body, to_stored
from ..journal.record import StoredRecord
from ..jsonvalue import decode_strict

END_START: Final = b'{"records":'
TYPE_BYTES_MAX: Final = 512
_is_uuid = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}").fullmatch


class NotExported(ValueError):
    """A line is not as an export has it: `expected` says what it should be, `found` what it is."""

    def __init__(self, expected: str, found: str) -> None:
        super().__init__(expected, found)
        self.expected = expected
        self.found = found


@final
class ExportEnd(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The last line of an export."""

    records: int
    """How many there are before it."""
    sha256: str
    """The hash of all bytes before it, 64 hexadecimal digits."""


_decode = msgspec.json.Decoder(RecordMembers).decode
_decode_end = msgspec.json.Decoder(ExportEnd).decode


def record_line(record: StoredRecord) -> bytes:
    """Write a record as a line, with its newline."""
    return record_body(record) + b"}\n"


def end_line(end: ExportEnd) -> bytes:
    """Write the last line, with its newline."""
    return msgspec.json.encode(end) + b"\n"


def parse_end(line: bytes) -> ExportEnd:
    """
    Read the last line, without its newline.

    Raises:
      NotExported: it is something else.
    """
    try:
        return _decode_end(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise NotExported("a last line with records and sha256", f"another ({error})") from error


def parse_exported(line: bytes) -> StoredRecord:
    """
    Read a record's line, without its newline.

    Raises:
      NotExported: it is none, or holds what no journal would take.
    """
    try:
        found = _decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise NotExported("a record as `export` writes it", f"another line ({error})") from error
    record = to_stored(found)
    check_record(record)
    return record


def check_record(record: StoredRecord) -> None:
    """
    Check by itself a record that is to be stored as it is.

    Raises:
      NotExported: a store would not have written it.
    """
    try:
        check_scope(record.scope)
        members = {"data": record.data, "metadata": record.metadata, "meta": record.meta}
        for name, value in members.items():
            if value is not None:
                decode_strict(value, root=name)
    except InvalidEvent as error:
        raise NotExported("what a store may hold", f"something else ({error})") from error
    try:
        to_microseconds(record.at)
    except ValueError as error:
        raise NotExported("a time in UTC of 27 characters", shown(record.at)) from error
    if not 1 <= len(record.type.encode()) <= TYPE_BYTES_MAX or "\0" in record.type:
        expected = f"a type of 1 to {TYPE_BYTES_MAX} bytes without NUL"
        raise NotExported(expected, shown(record.type))
    if _is_uuid(record.id) is None:
        raise NotExported("a UUID in lower case as id", shown(record.id))
    if min(record.position, record.sequence, record.version) < 1:
        raise NotExported("a position, a sequence and a version from 1", "a smaller number")
    k, n = record.part or (1, 2)
    if not 1 <= k <= n or n < 2:
        raise NotExported("a part k of n > 1", f"part {k} of {n}")

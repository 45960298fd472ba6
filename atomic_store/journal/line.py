"""
The lines of a journal: bytes in, values out, and back. Pure.

Each line is a JSON object in one exact form: members in the order of the classes
below, no white space, and a checksum last that covers all bytes before it. A line
is read by checking the checksum over its bytes, decoding it, encoding what came out
and comparing: what this module would not have written, it does not read.
docs/format.md describes the lines for programs in other languages.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TypeAlias, TypeVar, final
from zlib import crc32

import msgspec
from msgspec import UNSET, Raw, UnsetType

from .record import StoredRecord

FORMAT = 1
"""The one format that this version reads and writes."""
LINE_BYTES_MAX = 256 * 1024 * 1024
"""No line is longer: a reader need not hold more to see that it is not one."""
CRC_BYTES = len(',"crc":"00000000"}')
COMMIT_BYTES = len(',"commit":""') + 32
LINE_END_BYTES = COMMIT_BYTES + CRC_BYTES + 1

_encode = msgspec.json.Encoder().encode


class _Line(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True, frozen=True, gc=False):
    """What all lines are. The order of members here is their order in the file."""


class RecordMembers(_Line, frozen=True, kw_only=True):
    """A record without its checksums, as an export has it."""

    position: int
    scope: str
    sequence: int
    id: str
    at: str
    type: str
    v: int = 1
    part: tuple[int, int] | None = None
    proposed: str | None = None
    meta: Raw | UnsetType = UNSET
    data: Raw
    metadata: Raw | UnsetType = UNSET


@final
class RecordLine(RecordMembers, frozen=True, kw_only=True):
    """A record."""

    commit: str | None = None
    crc: str


@final
class _RecordBody(_Line, frozen=True):
    """A record's members before its checksums, in an order that makes them quick to give."""

    position: int
    scope: str
    sequence: int
    id: str
    at: str
    type: str
    data: Raw


@final
class _FullRecordBody(_Line, frozen=True, kw_only=True):
    """The same, with those that are there only where needed."""

    position: int
    scope: str
    sequence: int
    id: str
    at: str
    type: str
    v: int = 1
    part: tuple[int, int] | None = None
    proposed: str | None = None
    meta: Raw | UnsetType = UNSET
    data: Raw
    metadata: Raw | UnsetType = UNSET


@final
class HeaderLine(_Line, frozen=True):
    """The first line of a segment."""

    format: int
    store: str
    history: str
    segment: int
    first: int
    """The position that its first record has, or will have."""
    continues: str
    """The commit value before it: the store's first one, or the last in the segment before."""
    commit: str = ""
    crc: str = ""


@final
class CutLine(_Line, frozen=True):
    """The last line of a segment that another one follows."""

    cut: str
    """The file name of the segment that follows."""
    commit: str = ""
    crc: str = ""


@final
class CloseLine(_Line, frozen=True):
    """A clean end; whoever opens the store again goes on behind it."""

    close: int
    """The last record's position."""
    at: str
    commit: str = ""
    crc: str = ""


@final
class StoreLine(_Line, frozen=True):
    """The one line of store.json."""

    format: int
    store: str
    history: str
    created: str
    backup: bool = False
    """It is a backup, not to be opened for writing: that would fork the store's history."""
    crc: str = ""


MarkLine: TypeAlias = HeaderLine | CutLine | CloseLine
Line: TypeAlias = RecordLine | MarkLine
L = TypeVar("L", bound=_Line)

RECORD_START = b'{"position":'
_record_decoder = msgspec.json.Decoder(RecordLine)
# What a line is shows in its first bytes; anything else is no line.
_MARKS: dict[bytes, msgspec.json.Decoder[HeaderLine] | msgspec.json.Decoder[CutLine]
             | msgspec.json.Decoder[CloseLine]] = {
    b'{"form': msgspec.json.Decoder(HeaderLine),
    b'{"cut"': msgspec.json.Decoder(CutLine),
    b'{"clos': msgspec.json.Decoder(CloseLine),
}  # fmt: skip
_store_decoder = msgspec.json.Decoder(StoreLine)


class _AnyLine(msgspec.Struct):
    """What every format keeps: a member that names it."""

    format: int


_format_decoder = msgspec.json.Decoder(_AnyLine)


class NotALine(ValueError):
    """These bytes are no line: `expected` says what they should be, `found` what they are."""

    def __init__(self, expected: str, found: str) -> None:
        super().__init__(expected, found)
        self.expected = expected
        self.found = found


class FutureFormat(ValueError):
    """The line is whole, and of a format that this version does not know."""

    def __init__(self, format: int) -> None:  # noqa: A002 - the member's name
        super().__init__(format)
        self.format = format


# --- writing ------------------------------------------------------------------


def record_body(record: StoredRecord) -> bytes:
    """Encode a record up to where `,"commit"` or `,"crc"` follows."""
    if (
        record.version == 1
        and record.part is None
        and record.metadata is None
        and record.meta is None
        and record.proposed is None
    ):
        return _encode(
            _RecordBody(
                record.position, record.scope, record.sequence, record.id, record.at,
                record.type, Raw(record.data),
            )
        )[:-1]  # fmt: skip
    return _encode(
        _FullRecordBody(
            position=record.position,
            scope=record.scope,
            sequence=record.sequence,
            id=record.id,
            at=record.at,
            type=record.type,
            v=record.version,
            part=record.part,
            proposed=record.proposed,
            meta=UNSET if record.meta is None else Raw(record.meta),
            data=Raw(record.data),
            metadata=UNSET if record.metadata is None else Raw(record.metadata),
        )
    )[:-1]


def mark_body(mark: MarkLine) -> bytes:
    """Encode a header, cut or close line up to where `,"commit"` follows."""
    assert not mark.commit
    return _encode(mark)[:-1]


def with_crc(body: bytes) -> bytes:
    """Finish a line that does not close a commit."""
    return b'%b,"crc":"%08x"}\n' % (body, crc32(body))


def with_commit(body: bytes, value: str) -> bytes:
    """Finish the line that closes a commit."""
    return with_crc(b'%b,"commit":"%b"' % (body, value.encode()))


def store_line(line: StoreLine) -> bytes:
    """Encode the one line of store.json."""
    assert not line.crc
    return with_crc(_encode(line)[:-1])


# --- the chain of commits --------------------------------------------------------


def first_value(store: str) -> str:
    """Give the commit value that a store's first commit continues from."""
    return blake2b(store.encode(), digest_size=16).hexdigest()


def next_value(value: str, *parts: bytes) -> str:
    """Give the value of the commit whose bytes, up to `,"commit"`, are `parts` joined."""
    digest = blake2b(value.encode(), digest_size=16)
    for part in parts:
        digest.update(part)
    return digest.hexdigest()


# --- reading --------------------------------------------------------------------


def has_right_crc(line: bytes) -> bool:
    """Whether a line, without its newline, ends in the checksum of what comes before."""
    return line.endswith(b',"crc":"%08x"}' % crc32(line[:-CRC_BYTES]))


def parse_record(line: bytes) -> RecordLine:
    """
    Read a record's line, without its newline, whose checksum is right.

    Raises:
      NotALine: this is not how a record is written.
    """
    try:
        record = _record_decoder.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise NotALine("a record", f"a line with a right crc that is none ({error})") from error
    if _encode(record) != line:
        raise NotALine("a record as the journal writes it", "the same in other bytes")
    return record


def quick_record(line: bytes) -> RecordLine | None:
    """Read a record's line, without its newline; None if anything is wrong with it."""
    if not line.endswith(b',"crc":"%08x"}' % crc32(line[:-CRC_BYTES])):
        return None
    try:
        record = _record_decoder.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return record if _encode(record) == line else None


def parse_line(line: bytes) -> Line:
    """
    Read any line, without its newline.

    Raises:
      NotALine: this is not how a line is written.
      FutureFormat: a segment's header, of a later format.
    """
    if not has_right_crc(line):
        raise NotALine(*_crc_mismatch(line))
    if line.startswith(RECORD_START):
        return parse_record(line)
    decoder = _MARKS.get(line[:6])
    if decoder is None:
        raise NotALine("a record, header, cut or close line", _beginning(line))
    if line.startswith(b'{"form'):
        _refuse_future(line)
    try:
        mark = decoder.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise NotALine("a header, cut or close line", f"another ({error})") from error
    if _encode(mark) != line:
        raise NotALine("a line as the journal writes it", "the same in other bytes")
    return mark


def parse_store(content: bytes) -> StoreLine:
    """
    Read what store.json holds.

    Raises:
      NotALine: this is not how it is written.
      FutureFormat: it is of a later format.
    """
    line, newline, rest = content.partition(b"\n")
    if not newline or rest:
        raise NotALine("one line with a newline", f"{len(content)} bytes that are not")
    if not has_right_crc(line):
        raise NotALine(*_crc_mismatch(line))
    _refuse_future(line)
    try:
        store = _store_decoder.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise NotALine("a store's line", f"another ({error})") from error
    if _encode(store) != line:
        raise NotALine("a line as the store writes it", "the same in other bytes")
    return store


def to_stored(line: RecordMembers) -> StoredRecord:
    """Give a line's record, as the journal hands it out."""
    return StoredRecord(
        line.position, line.scope, line.sequence, line.id, line.at, line.type,
        bytes(line.data), line.v, line.part,
        None if line.metadata is UNSET else bytes(line.metadata),
        None if line.meta is UNSET else bytes(line.meta),
        line.proposed,
    )  # fmt: skip


def _refuse_future(line: bytes) -> None:
    try:
        found = _format_decoder.decode(line).format
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise NotALine("a line that names its format", f"one that does not ({error})") from error
    if found != FORMAT:
        raise FutureFormat(found)


def _crc_mismatch(line: bytes) -> tuple[str, str]:
    expected = b',"crc":"%08x"}' % crc32(line[:-CRC_BYTES])
    return f"a line that ends in {expected.decode()}", f"one that ends in {_ending(line)}"


def _beginning(line: bytes) -> str:
    return f"{line[:24]!r}"[1:] if line else "an empty line"


def _ending(line: bytes) -> str:
    return f"{line[-CRC_BYTES:]!r}"[1:] if line else "nothing"

"""What a repair leaves out, told one by one, and kept in a file of JSON lines."""

from __future__ import annotations

import os
import re
from typing import Any, Final, final

import attrs
import msgspec

from ..journal.disk import Disk
from ..journal.failing import attempting
from ..journal.files import write_all
from ..journal.line import RecordLine, record_body, to_stored
from .salvage import Place

FILE_NAME: Final = "left-out.jsonl"
TEXT_BYTES_MAX: Final = 64 * 1024
"""Of what cannot be read, so much is shown; all of it is where it was."""
TOLD_MAX: Final = 1_000
"""So many of what is left out are kept in memory; all of it is in the file."""
_BUFFER_BYTES: Final = 1024 * 1024

_SEEMS: Final = re.compile(
    rb'\{"position":(?P<position>\d{1,18}),"scope":(?P<scope>"(?:[^"\\]|\\.)*"),'
    rb'"sequence":(?P<sequence>\d{1,18}),"id":(?P<id>"[0-9a-f-]{36}")'
)


@attrs.frozen
class LeftOut:
    """Something that a repair has left out: a record, what cannot be read, or what is missing."""

    path: str
    offset: int
    line: int
    """The line's number in the file, from 1; of what is missing, the one behind it."""
    why: str
    position: int | None = None
    """The record's; of a line that cannot be read, what it seems to say. So are the next ones."""
    scope: str | None = None
    sequence: int | None = None
    proposal_id: str | None = None
    record: RecordLine | None = attrs.field(default=None, repr=False)
    """The record, if its line can be read."""
    text: bytes | None = attrs.field(default=None, repr=False)
    """The line, if it cannot be read."""
    missing: tuple[int, int] | None = None
    """The first and the last position that are missing."""

    @classmethod
    def of_record(cls, place: Place, record: RecordLine, why: str) -> LeftOut:
        """Leave a record out."""
        return cls(
            place.path, place.offset, place.line, why, record.position, record.scope,
            record.sequence, record.id, record,
        )  # fmt: skip

    @classmethod
    def of_text(cls, place: Place, text: bytes, why: str) -> LeftOut:
        """Leave out what cannot be read; tell what it seems to be."""
        shown = text[:TEXT_BYTES_MAX]
        seems = _SEEMS.match(shown)
        if seems is None:
            return cls(place.path, place.offset, place.line, why, text=shown)
        return cls(
            place.path, place.offset, place.line, why, int(seems["position"]),
            _decoded(seems["scope"]), int(seems["sequence"]), _decoded(seems["id"]), text=shown,
        )  # fmt: skip

    def value(self) -> dict[str, Any]:
        """Give it as a JSON value."""
        value: dict[str, Any] = {
            "path": os.fsencode(self.path).decode("utf-8", "backslashreplace"),
            "offset": self.offset,
            "line": self.line,
            "why": self.why,
        }
        if self.missing is not None:
            return value | {"missing": list(self.missing)}
        if self.record is not None:
            return value | {"record": msgspec.Raw(record_body(to_stored(self.record)) + b"}")}
        seems = {
            "position": self.position, "scope": self.scope, "sequence": self.sequence,
            "id": self.proposal_id,
        }  # fmt: skip
        if self.position is not None:
            value["seems"] = seems
        return value | {"text": (self.text or b"").decode("utf-8", "backslashreplace")}


def _decoded(text: bytes) -> str | None:
    try:
        return msgspec.json.decode(text, type=str)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


@final
@attrs.define(eq=False)
class LeftOutFile:
    """Writes what is left out, one JSON object a line, into a new file that is open."""

    disk: Disk
    path: str
    file: int
    _end: int = 0
    _buffer: bytearray = attrs.Factory(bytearray)

    def add(self, one: LeftOut) -> None:
        """Write one more."""
        self._buffer += msgspec.json.encode(one.value()) + b"\n"
        if len(self._buffer) >= _BUFFER_BYTES:
            self._write()

    def finish(self) -> None:
        """Make all of it durable."""
        self._write()
        with attempting("fsync", self.path):
            self.disk.fsync(self.file)

    def _write(self) -> None:
        write_all(self.disk, self.file, self.path, bytes(self._buffer), self._end)
        self._end += len(self._buffer)
        self._buffer.clear()

"""
The lines of a snapshot log: bytes in, values out, and back. Pure.

They are JSON objects in one exact form with a checksum last, like the journal's (`line`).
But nobody depends on them: what is not exactly as it was written is no line, and left out
without an error.
"""

from __future__ import annotations

from typing import TypeVar, final

import msgspec
from msgspec import Raw

from ..line import CRC_BYTES, FORMAT, has_right_crc, with_crc
from ..record import Snapshot

LINE_TAIL_BYTES = CRC_BYTES + 1
"""How long is what follows a snapshot's state."""

_encode = msgspec.json.Encoder().encode


class _Line(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True, frozen=True, gc=False):
    """What all lines are. The order of members here is their order in the file."""


@final
class LogHeader(_Line, frozen=True):
    """The first line of a snapshot log."""

    format: int
    store: str
    history: str
    snapshots: int
    """The log's number, which is also its name: a higher one replaces all lower ones."""
    crc: str = ""


@final
class SnapshotLine(_Line, frozen=True):
    """A snapshot."""

    snapshot: str
    """Its scope."""
    sequence: int
    """The last event that the state knows."""
    fold: int
    """The fold's version."""
    position: int
    """The last record that was durable when this was written."""
    commit: str
    """That record's commit value: the state rests on nothing that came after it."""
    length: int
    """How many bytes the state has: readers who look for something else skip it."""
    state: Raw
    crc: str = ""


@final
class DeletedLine(_Line, frozen=True):
    """Snapshots of a scope before this line that do not count any more."""

    deleted: str
    """The scope."""
    first: int
    last: int
    """The sequences from where to where, both included."""
    position: int
    commit: str
    crc: str = ""


L = TypeVar("L", SnapshotLine, DeletedLine)

_snapshot_decoder = msgspec.json.Decoder(SnapshotLine)
_deleted_decoder = msgspec.json.Decoder(DeletedLine)


# --- writing ------------------------------------------------------------------------


def header_line(store: str, history: str, number: int) -> bytes:
    """Give the first line of a log: a log that begins otherwise is of no use."""
    return with_crc(_encode(LogHeader(FORMAT, store, history, number))[:-1])


def snapshot_line(snapshot: Snapshot, position: int, commit: str) -> bytes:
    """
    Give the line of a snapshot.

    Args:
      position, commit: the last durable record, and its commit value.
    """
    line = SnapshotLine(
        snapshot.scope, snapshot.sequence, snapshot.version, position, commit,
        len(snapshot.state), Raw(snapshot.state),
    )  # fmt: skip
    return with_crc(_encode(line)[:-1])


def deleted_line(scope: str, first: int, last: int, position: int, commit: str) -> bytes:
    """Give the line after which a scope's snapshots, from one sequence to another, are none."""
    return with_crc(_encode(DeletedLine(scope, first, last, position, commit))[:-1])


# --- reading ------------------------------------------------------------------------


def parse_snapshot(line: bytes) -> SnapshotLine | None:
    """Read a snapshot's line, without its newline; None if anything is wrong with it."""
    found = _parsed(_snapshot_decoder, line)
    return found if found is not None and found.length == len(bytes(found.state)) else None


def witnessed(line: bytes) -> int | None:
    """Give the position of a line, without its newline, if it is a whole one that has it."""
    found = parse_snapshot(line) or _parsed(_deleted_decoder, line)
    return None if found is None else found.position


def to_snapshot(line: SnapshotLine) -> Snapshot:
    """Give a line's snapshot, as the journal hands it out."""
    return Snapshot(line.snapshot, line.sequence, line.fold, bytes(line.state))


def _parsed(decoder: msgspec.json.Decoder[L], line: bytes) -> L | None:
    if not has_right_crc(line):
        return None
    try:
        found = decoder.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return found if _encode(found) == line else None

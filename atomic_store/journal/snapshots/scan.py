"""
Looking through a snapshot log for where its snapshots are, without reading their states.

Pure: the bytes come from a function. Only the beginning of each line is looked at, and
whether it ends where it says. That is not all that can be wrong with it: a line is checked
in full before it counts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple, TypeAlias

import msgspec

from .lines import LINE_TAIL_BYTES

WINDOW_BYTES = 32 * 1024
"""How much is read at once: it holds the beginning of any line."""
HEAD_BYTES_MAX = 4 * 1024
"""A scope of 512 bytes, each escaped as six, and all that stands before a state."""

_SCOPE = rb'("[^"\\\n]*(?:\\.[^"\\\n]*)*")'
_NUMBER = rb"([1-9][0-9]{0,17})"
_LENGTH = rb"([1-9][0-9]{0,8})"
_COMMIT = rb'"commit":"[0-9a-f]{32}"'
_SNAPSHOT = re.compile(
    rb'\{"snapshot":' + _SCOPE + rb',"sequence":' + _NUMBER + rb',"fold":' + _NUMBER
    + rb',"position":[1-9][0-9]*,' + _COMMIT + rb',"length":' + _LENGTH + rb',"state":'
)  # fmt: skip
_DELETED = re.compile(
    rb'\{"deleted":' + _SCOPE + rb',"first":' + _NUMBER + rb',"last":' + _NUMBER
    + rb',"position":[1-9][0-9]*,' + _COMMIT + rb',"crc":"[0-9a-f]{8}"\}\n'
)  # fmt: skip
_decode_text = msgspec.json.Decoder(str).decode
_TAIL = re.compile(rb',"crc":"[0-9a-f]{8}"\}\n')

Read: TypeAlias = Callable[[int, int], bytes]
"""Gives the bytes from one offset up to another; fewer at the file's end."""


class Seen(NamedTuple):
    """A line that looks like a snapshot."""

    scope: str
    version: int
    sequence: int
    offset: int
    size: int


class Deleted(NamedTuple):
    """A line that says that snapshots do not count."""

    scope: str
    first: int
    last: int


def scan(read: Read, begin: int, end: int) -> Iterator[Seen | Deleted]:
    """
    Find the lines of a log, in order; what is no line is passed over.

    Args:
      begin: where the line behind the header begins.
      end: where the file ends.
    """
    window = _Window(read, end)
    offset = begin
    while offset < end:
        data, at = window.at(offset, HEAD_BYTES_MAX)
        match = _SNAPSHOT.match(data, at)
        if match is not None:
            literal, sequence, version, length = match.groups()
            tail_at = match.end() + int(length)
            size = tail_at + LINE_TAIL_BYTES - at
            tail = data
            if tail_at + LINE_TAIL_BYTES > len(data):
                tail, tail_at = window.at(offset + size - LINE_TAIL_BYTES, LINE_TAIL_BYTES)
            scope = _text(literal)
            if scope is not None and _TAIL.match(tail, tail_at) is not None:
                yield Seen(scope, int(version), int(sequence), offset, size)
                offset += size
                continue
        elif (match := _DELETED.match(data, at)) is not None:
            scope = _text(match[1])
            if scope is not None:
                yield Deleted(scope, int(match[2]), int(match[3]))
        offset = window.behind_newline(offset)


class _Window:
    """The part of a file that was read last."""

    def __init__(self, read: Read, end: int) -> None:
        self._read = read
        self._end = end
        self._begin = 0
        self._data = b""

    def at(self, offset: int, size: int) -> tuple[bytes, int]:
        """Give bytes and an index in them, from which there are so many, or all there are."""
        needed = min(offset + size, self._end)
        if not (self._begin <= offset and needed <= self._begin + len(self._data)):
            self._data = self._read(offset, min(offset + WINDOW_BYTES, self._end))
            self._begin = offset
        return self._data, offset - self._begin

    def behind_newline(self, offset: int) -> int:
        """Give the offset behind the next newline; the file's end if there is none."""
        while offset < self._end:
            data, at = self.at(offset, 1)
            found = data.find(b"\n", at)
            if found >= 0:
                return self._begin + found + 1
            if len(data) <= at:
                break  # The file is shorter than it was.
            offset = self._begin + len(data)
        return self._end


def _text(literal: bytes) -> str | None:
    """Read a JSON string."""
    try:
        return _decode_text(literal)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None

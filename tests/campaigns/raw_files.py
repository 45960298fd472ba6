"""A journal's records as they lie in its files, read with nothing of the library."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, final
from zlib import crc32

import attrs

from .ledger import Found

_CRC = b',"crc":"'


@final
@attrs.define(eq=False)
class RawFiles:
    """Reads what closed commits hold, and goes on from there the next time."""

    path: Path
    _segment: str = ""
    _offset: int = 0

    def new(self) -> list[Found]:
        """The records of the commits that were closed since the last call."""
        found = []
        for segment in sorted((self.path / "journal").glob("[0-9]*.jsonl")):
            if segment.name >= self._segment:
                found += self._read(segment)
        return found

    def _read(self, segment: Path) -> list[Found]:
        if segment.name != self._segment:
            self._segment, self._offset = segment.name, 0
        content = segment.read_bytes()[self._offset :]
        closed, end = closed_records(content)
        # What follows is torn, and the next opening puts something else there.
        self._offset += end
        return closed


def closed_records(content: bytes) -> tuple[list[Found], int]:
    """The records of a segment's closed commits, and where the last of these ends."""
    closed: list[Found] = []
    opened: list[Found] = []
    closed_end = 0
    for line, end in _whole_lines(content):
        if "position" in line:
            opened.append(Found.of(line))
        if "commit" in line:
            closed += opened
            opened = []
            closed_end = end
    return closed, closed_end


def _whole_lines(content: bytes) -> Iterator[tuple[dict[str, Any], int]]:
    """Lines whose checksum is right, each with where it ends, up to the first that is not."""
    offset = 0
    for line in content.split(b"\n")[:-1]:
        offset += len(line) + 1
        body, _, rest = line.rpartition(_CRC)
        if rest[:8] != b"%08x" % crc32(body):
            return
        yield json.loads(line), offset

"""
Writing the snapshot log anew, without what does not count any more, in small steps.

The lines that count are copied, in their order, into a new file, which gets its name when
it is durable; only then may the old one be removed. Everything here blocks.
"""

from __future__ import annotations

from collections.abc import Container
from contextlib import suppress
from typing import final

import attrs

from ...errors import JournalCorrupt, JournalFailed
from ..disk import Access
from ..failing import attempting
from ..files import opened, read_range, sync_directory, write_all
from ..layout import log_name
from .index import SnapshotIndex
from .lines import parse_snapshot
from .log import Log, LogPlace, remove_others

STEP_BYTES = 4 * 1024 * 1024
"""How much is copied at once, unless one line is larger."""
WASTE_BYTES_MIN = 1024 * 1024
"""What is not worth the trouble."""


def is_wasteful(log: Log) -> bool:
    """Whether more than half of a log does not count any more."""
    waste = log.end - log.index.size
    return waste >= WASTE_BYTES_MIN and waste > log.index.size


@final
@attrs.define(eq=False)
class Compaction:
    """
    One compaction: `begin`, `step` until it says that it is done, `finish`.

    All of them raise `JournalFailed` if the disk refuses; then `give_up`.

    Args:
      place: where the logs are.
      old: the log; nothing may be appended to it meanwhile.
      versions: the versions of folds whose snapshots are worth copying.
    """

    _place: LogPlace
    _old: Log
    _versions: Container[int]
    # A copy, because the old log's index is in use. Its offsets become those in the new log.
    _index: SnapshotIndex = attrs.field(init=False)
    _slots: list[int] = attrs.field(factory=list, init=False)
    _done: int = attrs.field(default=0, init=False)
    _number: int = attrs.field(init=False)
    _path: str = attrs.field(init=False)
    _end: int = attrs.field(default=0, init=False)

    def __attrs_post_init__(self) -> None:
        self._index = self._old.index.copy()
        self._number = self._old.number + 1
        self._path = f"{self._place.directory}/.new-{log_name(self._number)}"

    def begin(self) -> None:
        """Begin the new file."""
        self._slots = self._index.slots()
        remove_others(self._place, self._old.number)
        with opened(self._place.disk, self._path, Access.NEW):
            pass
        self._append(self._place.header(self._number))

    def step(self) -> bool:
        """Copy some lines; whether that was all."""
        batch = self._next_batch()
        if not batch:
            return True
        kept = [self._index.at(slot) for slot in batch]
        begin, end = kept[0].offset, kept[-1].offset + kept[-1].size
        try:
            with opened(self._place.disk, self._old.path, Access.READ) as file:
                data = read_range(self._place.disk, file, self._old.path, begin, end)
        except (JournalFailed, JournalCorrupt):
            # What cannot be read does not count.
            data = b""
        lines = []
        offset = self._end
        for slot, one in zip(batch, kept, strict=True):
            line = data[one.offset - begin : one.offset - begin + one.size]
            is_sound = self._is_worth_copying(line)
            self._index.move(slot, offset if is_sound else None)
            if is_sound:
                lines.append(line)
                offset += len(line)
        self._append(b"".join(lines))
        return False

    def finish(self) -> Log:
        """Give the new log its name; from then on the old one is not needed."""
        disk, path = self._place.disk, self._place.path(self._number)
        with attempting("rename", path):
            disk.rename(self._path, path)
        sync_directory(disk, self._place.directory)
        return Log(self._number, path, self._end, index=self._index)

    def give_up(self) -> None:
        """Remove the new file, if that can be."""
        with suppress(OSError):
            self._place.disk.unlink(self._path)

    def _next_batch(self) -> list[int]:
        """The next slots, whose lines are read at once, with what lies between them."""
        begin = self._done
        end_max = 0
        while self._done < len(self._slots):
            one = self._index.at(self._slots[self._done])
            if self._done == begin:
                end_max = one.offset + STEP_BYTES
            elif one.offset + one.size > end_max:
                break
            self._done += 1
        return self._slots[begin : self._done]

    def _is_worth_copying(self, line: bytes) -> bool:
        snapshot = parse_snapshot(line[:-1]) if line.endswith(b"\n") else None
        return snapshot is not None and snapshot.fold in self._versions

    def _append(self, data: bytes) -> None:
        with opened(self._place.disk, self._path, Access.WRITE) as file:
            write_all(self._place.disk, file, self._path, data, self._end)
            with attempting("fdatasync", self._path):
                self._place.disk.fdatasync(file)
        self._end += len(data)

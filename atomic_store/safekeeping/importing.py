"""Importing records: a new store from the lines of an export."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO, Final, TypeVar, final
from uuid import uuid4

import attrs

from ..errors import BadExport, shown
from ..journal import Head, StoredRecord
from ..journal.disk import Disk, OSDisk
from ..journal.failing import advising
from ..journal.line import LINE_BYTES_MAX
from ..journal.verify_apart import proposal_key
from .gathering import Gathering
from .lines import END_START, NotExported, parse_end, parse_exported
from .new_store import SEGMENT_BYTES_MAX, Identity, new_store
from .proposals_seen import ProposalsSeen
from .staging import TRY_AGAIN

T = TypeVar("T")

_REPORT_EACH: Final = 500
"""After so many lines it is told how far it has come."""


@attrs.frozen
class Imported:
    """What was imported."""

    store: str
    """The new store's id."""
    head: Head
    """Where it ends."""
    scopes: int


@advising(TRY_AGAIN)
def import_records(
    path: str | os.PathLike[str],
    target: str | os.PathLike[str],
    *,
    disk: Disk | None = None,
    segment_bytes_max: int = SEGMENT_BYTES_MAX,
    on_progress: Callable[[int, int], object] = lambda done, total: None,
) -> Imported:
    """
    Make a new store of an export.

    Its records have the scopes, sequences, ids, times and data that they had. Positions are
    counted anew, from 1, in the order of the file. The store is another one: it has an id
    and a history of its own. It is there as a whole or not at all. What must be remembered
    meanwhile is where each scope ends, and eight bytes for each decision.

    Args:
      path: the file that `export_records` wrote.
      target: where the store is to be; nothing may be there, or an empty directory.
      disk: where the store is made, if not on the operating system's.
      segment_bytes_max: how long a segment may become.
      on_progress: is called with the bytes read and the bytes in all.

    Raises:
      BadExport: the file is no whole export, or its records make no store; the error names
        the line.
      TargetRefused: something is at `target`.
      JournalFailed: the disk refused to take the store.
      OSError: the file cannot be read.
    """
    real_disk: Disk = OSDisk() if disk is None else disk
    identity = Identity(str(uuid4()), str(uuid4()))
    with Path(path).open("rb") as stream:
        lines = _Lines(os.fspath(path), stream, on_progress)
        gathering, seen = Gathering(), ProposalsSeen()
        with new_store(
            real_disk, real_disk.resolve(target), identity, segment_bytes_max=segment_bytes_max
        ) as store:
            for record in lines.records():
                decision = lines.checked(gathering.take, record)
                if decision is not None:
                    store.put(decision)
                    seen.add(_key(decision[0]))
            lines.checked(gathering.finish)
            lines.refuse_doubled(seen.doubled())
    return Imported(identity.store, store.head, len(gathering.sequences))


@final
@attrs.define(eq=False)
class _Lines:
    """The lines of an export, each checked."""

    path: str
    stream: BinaryIO
    on_progress: Callable[[int, int], object]
    number: int = 0

    def records(self) -> Iterator[StoredRecord]:
        """Give its records; what follows the last one is checked, too."""
        self.stream.seek(0)
        total = os.fstat(self.stream.fileno()).st_size
        self.number = done = 0
        digest = sha256()
        while line := self._next():
            if line.startswith(END_START):
                self._end(line, digest.hexdigest())
                self.on_progress(total, total)
                return
            yield self.checked(parse_exported, line[:-1])
            digest.update(line)
            done += len(line)
            if self.number % _REPORT_EACH == 0:
                self.on_progress(done, total)
        raise self._bad("a record, or the last line, which tells how many there are",
                        "the file's end: it was cut off")  # fmt: skip

    def checked(self, check: Callable[..., T], *arguments: object) -> T:
        """Call a check; what it refuses is an error that names the line."""
        try:
            return check(*arguments)
        except NotExported as error:
            raise self._bad(error.expected, error.found) from error

    def _next(self) -> bytes:
        self.number += 1
        line = self.stream.readline(LINE_BYTES_MAX)
        if line and not line.endswith(b"\n"):
            at_end = len(line) < LINE_BYTES_MAX
            found = "the file's end: it was cut off" if at_end else f"none in {len(line)}"
            raise self._bad(f"a newline within {LINE_BYTES_MAX} bytes", found)
        return line

    def _end(self, line: bytes, digest: str) -> None:
        end = self.checked(parse_end, line[:-1])
        if end.records != self.number - 1:
            raise self._bad(f"{end.records} records before it", f"{self.number - 1}")
        if end.sha256 != digest:
            raise self._bad(f"lines before it with the SHA-256 {end.sha256}", digest)
        if self._next():
            raise self._bad("nothing behind the last line", "another line")

    def refuse_doubled(self, keys: set[int]) -> None:
        """Look again at proposals whose keys came twice: is it really the same one?"""
        if not keys:
            return
        first: dict[tuple[str, str], int] = {}
        for record in self.records():
            is_first = record.part is None or record.part[0] == 1
            if is_first and _key(record) in keys:
                name = (record.scope, record.id)
                if name in first:
                    expected = f"no second proposal {record.id} in scope {shown(record.scope)}"
                    raise self._bad(expected, f"it is in line {first[name]}, too")
                first[name] = self.number

    def _bad(self, expected: str, found: str) -> BadExport:
        return BadExport(self.path, self.number, expected, found)


def _key(record: StoredRecord) -> int:
    return proposal_key(record.scope, record.id)

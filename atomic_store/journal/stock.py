"""What a store's files hold, and how much room that takes. Nothing is written."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import attrs

from . import Head
from .coverage import Coverage
from .creating import read_identity
from .disk import Disk, Kind, OSDisk
from .failing import attempting
from .files import kind_of, size_of
from .index_file import MemoryIndex, to_text
from .known import Check, know
from .layout import INDEX, JOURNAL, SNAPSHOTS, is_torn_name
from .segment_reader import list_segments

if TYPE_CHECKING:
    import os

_ALL = 1 << 62


@attrs.frozen
class SegmentStock:
    """One segment."""

    name: str
    bytes: int
    records: int
    first_at: str
    """Its first record's time; empty if it has none."""
    last_at: str
    index: str
    """What of it is in index files: `whole`, `pieces` or `none`."""

    @property
    def records_a_second(self) -> float | None:
        """How fast they came, from the first to the last; None if at once, or it is not known."""
        try:
            first, last = map(datetime.fromisoformat, (self.first_at, self.last_at))
        except ValueError:
            return None
        seconds = (last - first).total_seconds()
        return (self.records - 1) / seconds if seconds > 0 else None


@attrs.frozen
class FolderStock:
    """The files of a directory."""

    files: int
    bytes: int


@attrs.frozen
class FileStock:
    """One file."""

    name: str
    bytes: int


@attrs.frozen
class Stock:
    """A whole store."""

    store: str
    """The store's id."""
    history: str
    created: str
    head: Head
    at: str
    """The last record's time; empty if there is none."""
    scopes: int
    segments: tuple[SegmentStock, ...]
    indexed: int
    """Up to this position index files say where records lie."""
    index: FolderStock
    snapshots: FolderStock
    torn: tuple[FileStock, ...] = ()
    """Files in journal/ that keep what was cut off: commits that a crash left unfinished."""


def take_stock(
    path: str | os.PathLike[str], *, disk: Disk | None = None, check: Check = lambda: None
) -> Stock:
    """
    Say what a store holds, also beside a live writer.

    It reads what index files do not cover.

    Args:
      path: the store's directory.
      disk: another disk than the operating system's.
      check: is called between reads; what it raises ends it.

    Raises:
      NotAStore: the path holds something else, or a store of a later format.
      JournalCorrupt: it is damaged, in what was read.
      JournalFailed: the disk refused.
    """
    real_disk: Disk = OSDisk() if disk is None else disk
    directory = real_disk.resolve(path)
    known = know(real_disk, directory, check)
    coverage, chain = known.coverage, known.tail.chain
    try:
        identity = read_identity(real_disk, directory)
        names = list_segments(real_disk, directory)
        memory = {index.segment_first: index for index in known.memory}
        segments = [_segment(real_disk, directory, name, coverage, memory) for name in names]
        scopes = coverage.answer(lambda: _count_scopes(coverage, known.memory))
    finally:
        coverage.store.close()
    last = known.memory[-1]
    return Stock(
        identity.store, identity.history, identity.created,
        Head(last.last, chain.value), max((s.last_at for s in segments), default=""), scopes,
        tuple(segments), coverage.last,
        folder_of(real_disk, f"{directory}/{INDEX}"),
        folder_of(real_disk, f"{directory}/{SNAPSHOTS}"),
        torn_of(real_disk, f"{directory}/{JOURNAL}"),
    )  # fmt: skip


def _segment(
    disk: Disk, directory: str, name: str, coverage: Coverage, memory: dict[int, MemoryIndex]
) -> SegmentStock:
    first = int(name[:20])
    size = size_of(disk, f"{directory}/{JOURNAL}/{name}")
    covered = [s.header for s in coverage.stretches if s.header.segment_first == first]
    spans = [(h.count, to_text(h.first_at), to_text(h.last_at)) for h in covered if h.count]
    index = memory.get(first)
    if index is not None and index.contents.count:
        contents = index.contents
        spans.append((contents.count, to_text(contents.first_at), to_text(contents.last_at)))
    kind = "none" if not covered else "whole" if covered[0].is_whole else "pieces"
    records = sum(count for count, _, _ in spans)
    first_at, last_at = (spans[0][1], spans[-1][2]) if spans else ("", "")
    return SegmentStock(name, size, records, first_at, last_at, kind)


def _count_scopes(coverage: Coverage, memory: list[MemoryIndex]) -> int:
    newer = {scope.encode() for index in memory for scope in index.contents.scopes}
    for piece in coverage.pieces:
        rows = coverage.store.reader(piece).scope_rows(limit=_ALL)
        newer.update(name for name, _ in rows)
    # Going through all of them takes less than looking each of many up.
    return len(coverage.ends) + len(newer.difference(name for name, _ in coverage.ends.rows()))


def torn_of(disk: Disk, directory: str) -> tuple[FileStock, ...]:
    """Find the files that keep what was cut off."""
    with attempting("list", directory):
        names = sorted(filter(is_torn_name, disk.list_directory(directory)))
    return tuple(
        FileStock(name, size_of(disk, f"{directory}/{name}"))
        for name in names
        if kind_of(disk, f"{directory}/{name}") is Kind.FILE
    )


def folder_of(disk: Disk, directory: str) -> FolderStock:
    """Count the files of a directory; there are none if there is no such."""
    if kind_of(disk, directory) is not Kind.DIRECTORY:
        return FolderStock(0, 0)
    with attempting("list", directory):
        names = disk.list_directory(directory)
    paths = [f"{directory}/{name}" for name in names]
    sizes = [size_of(disk, path) for path in paths if kind_of(disk, path) is Kind.FILE]
    return FolderStock(len(sizes), sum(sizes))

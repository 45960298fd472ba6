"""Reading a whole segment, also one that somebody else is writing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias, final

import attrs

from ..errors import JournalCorrupt, NotAStore
from .chain import ClosedCommit, Problem
from .disk import Access, Disk, Kind
from .failing import attempting
from .files import CHUNK_BYTES, kind_of, opened, read_range
from .layout import JOURNAL, is_ignored, is_segment_name, segment_name
from .line import FORMAT, FutureFormat
from .scan import SegmentScan
from .segments import header_line
from .tail import judge_uncut

HEADER_BYTES_MAX = 4096

Skipped: TypeAlias = tuple[ClosedCommit, int, str]
"""The last commit that is not read, and the last position and time up to there."""


@final
@attrs.define(eq=False)
class SegmentReader:
    """
    Feeds a file to a scan, up to the size that it has at the beginning.

    Args:
      path: the file.
      scan: reads it.
      on_bytes: is called with the number of bytes of each piece that was read.
    """

    disk: Disk
    path: str
    scan: SegmentScan
    on_bytes: Callable[[int], object] = lambda size: None
    skipped: Skipped | None = None
    """What of the segment is not read, behind its header."""
    size: int = 0
    # Invariant: the scan was fed all bytes before this offset.
    _next: int = 0

    def commits(self) -> Iterator[ClosedCommit]:
        """
        Give the commits that close in the file, in order, up to its end or a problem.

        Raises:
          NotAStore: the segment is of a later format.
          JournalFailed: the disk refused.
          JournalCorrupt: the file is not a regular one.
        """
        with opened(self.disk, self.path, Access.READ) as file:
            if self.skipped is not None:
                yield from self._read_header(file, self.skipped)
            yield from self._read_on(file)
            if self.scan.problem is not None:
                # A writer may have been cutting off a torn tail and writing in its place:
                # what is wrong for good is wrong the second time as well.
                yield from self._read_again(file)

    def again(self) -> Iterator[ClosedCommit]:
        """Read what lies behind the last closed commit once more; it may have changed."""
        with opened(self.disk, self.path, Access.READ) as file:
            yield from self._read_again(file)

    def resume(self) -> Iterator[ClosedCommit]:
        """Go on behind a problem, believing what can be read."""
        yield from self.scan.resume()
        with opened(self.disk, self.path, Access.READ) as file:
            yield from self._read_on(file)

    def tail(self) -> bytes:
        """All bytes behind the last closed commit."""
        unclosed = self.scan.unclosed
        if self._next >= self.size:
            return unclosed
        with opened(self.disk, self.path, Access.READ) as file:
            return unclosed + read_range(self.disk, file, self.path, self._next, self.size)

    def _read_header(self, file: int, skipped: Skipped) -> Iterator[ClosedCommit]:
        line = read_range(self.disk, file, self.path, 0, HEADER_BYTES_MAX)
        yield from self.scan.feed(line[: line.find(b"\n") + 1])
        self.scan.skip(*skipped)
        self._next = self.scan.closed_end

    def _read_again(self, file: int) -> Iterator[ClosedCommit]:
        self.scan.rewind()
        self._next = self.scan.closed_end
        yield from self._read_on(file)

    def _read_on(self, file: int) -> Iterator[ClosedCommit]:
        with attempting("fstat", self.path):
            self.size = self.disk.size(file)
        while self._next < self.size and self.scan.problem is None:
            end = min(self.size, self._next + CHUNK_BYTES)
            chunk = read_range(self.disk, file, self.path, self._next, end)
            if not chunk:
                break
            self._next += len(chunk)
            try:
                closed = self.scan.feed(chunk)
            except FutureFormat as error:
                raise NotAStore(future_format(self.path, error)) from error
            yield from closed
            self.on_bytes(len(chunk))


def is_being_cut(reader: SegmentReader, next_path: str) -> bool:
    """
    Whether a segment lacks its cut line because a writer is, or was, about to write it.

    Then the segment that follows has no more than its header.
    """
    tail = reader.tail()
    reader.scan.roll_back()
    if not judge_uncut(reader.scan, tail):
        return False
    header, _ = header_line(reader.scan.chain)
    with opened(reader.disk, next_path, Access.READ) as file:
        return read_range(reader.disk, file, next_path, 0, len(header) + 1) == header


def uncut(scan: SegmentScan) -> Problem:
    """Say what is wrong with a segment that another one follows."""
    offset, line = scan.place
    expected = f"a cut line that names {segment_name(scan.chain.position + 1)}"
    return scan.problem or Problem(offset, line, expected, "the file's end")


def list_segments(disk: Disk, path: str) -> list[str]:
    """
    The names of a store's segments, in order.

    Raises:
      JournalCorrupt: there are none, or something else is among them.
    """
    segments, others = list_journal(disk, path)
    for name in others:
        raise JournalCorrupt(f"{path}/{JOURNAL}/{name}", 0, "segments only", "this file")
    return segments


def list_journal(disk: Disk, path: str) -> tuple[list[str], list[str]]:
    """
    The names of a store's segments, and those of what else is among them, each in order.

    Raises:
      JournalCorrupt: there are no segments.
    """
    directory = f"{path}/{JOURNAL}"
    kind = kind_of(disk, directory)
    if kind is not Kind.DIRECTORY:
        raise JournalCorrupt(directory, 0, "a directory", kind.value)
    with attempting("list", directory):
        names = sorted(name for name in disk.list_directory(directory) if not is_ignored(name))
    segments = [name for name in names if is_segment_name(name)]
    if not segments:
        raise JournalCorrupt(f"{directory}/{segment_name(1)}", 0, "a segment", "no file")
    return segments, [name for name in names if not is_segment_name(name)]


def future_format(path: str, error: FutureFormat) -> str:
    """Say that a file was written by a later version."""
    return f"{path} is of format {error.format}; this version knows format {FORMAT} only"


def corrupt(path: str, problem: Problem) -> JournalCorrupt:
    """Turn a scanner's problem into an error that names the file."""
    return JournalCorrupt(path, problem.offset, problem.expected, problem.found, problem.line)

"""The segment that is written: one write and one fdatasync a commit, cuts, the close line."""

from __future__ import annotations

from typing import final

import attrs

from .chain import Chain
from .disk import Access, Disk
from .failing import attempting
from .files import make_durable_file, write_all
from .layout import segment_name
from .line import (
    FORMAT,
    CloseLine,
    HeaderLine,
    mark_body,
    next_value,
    with_commit,
    with_crc,
)


def header_line(chain: Chain) -> tuple[bytes, str]:
    """Give the header line of the segment that follows, and its commit value."""
    header = HeaderLine(
        FORMAT, chain.store, chain.history, chain.segment + 1, chain.position + 1, chain.value
    )
    body = mark_body(header)
    value = next_value(chain.value, body)
    return with_commit(body, value), value


@attrs.frozen
class WrittenCommit:
    """Where a commit lies, now that it is durable."""

    offset: int
    """Where it begins in its segment."""
    end: int
    value: str
    first: int
    """Its segment's first position: a new one if a cut was made before it."""


@final
@attrs.define(eq=False)
class SegmentWriter:
    """
    Writes commits behind the last one. All calls block, and raise `JournalFailed`.

    After a failure it must not be used again, only closed: what the file holds from
    there on is not known until the journal is opened again.
    """

    disk: Disk
    directory: str
    chain: Chain
    file: int
    first: int
    """The position that the segment's first record has, or will have."""
    end: int
    """Where the last commit ends."""
    segment_bytes_max: int
    # Invariant: once True, no write and no sync is issued any more.
    is_broken: bool = False

    def write_commit(self, bodies: list[bytes], position: int) -> WrittenCommit:
        """
        Make records durable, as one commit.

        Args:
          bodies: their lines, up to where the checksums go.
          position: the last one's.
        """
        before = b"".join([with_crc(body) for body in bodies[:-1]])
        value, offset = self._write(before, bodies[-1], cut_first=True)
        self.chain.position = position
        return WrittenCommit(offset, self.end, value, self.first)

    def write_close(self, at: str) -> None:
        """Make it durable that the store was closed."""
        self._write(b"", mark_body(CloseLine(self.chain.position, at)), cut_first=False)

    def close(self) -> None:
        """Give the file back."""
        self._close(self.file)

    def _write(self, before: bytes, body: bytes, *, cut_first: bool) -> tuple[str, int]:
        assert not self.is_broken
        self.is_broken = True
        if cut_first and self._is_full(len(before) + len(body)):
            self._cut()
        value = next_value(self.chain.value, before, body)
        data = before + with_commit(body, value)
        offset = self.end
        self._append(data)
        self.chain.value = value
        self.is_broken = False
        return value, offset

    def _is_full(self, size: int) -> bool:
        # A segment without a record is never cut: the next would have the same name.
        has_records = self.chain.position >= self.first
        return has_records and self.end + size > self.segment_bytes_max

    def _append(self, data: bytes) -> None:
        path = self._path(self.first)
        write_all(self.disk, self.file, path, data, self.end)
        with attempting("fdatasync", path):
            self.disk.fdatasync(self.file)
        self.end += len(data)

    def _cut(self) -> None:
        """Go on in a new segment, which is durable before the old one names it."""
        chain = self.chain
        line, value = header_line(chain)
        first = chain.position + 1
        make_durable_file(self.disk, self.directory, segment_name(first), line)
        self._append(with_commit(*chain.next_cut()))
        with attempting("open", self._path(first)):
            file = self.disk.open(self._path(first), Access.WRITE)
        old, self.file = self.file, file
        self._close(old)
        self.first, self.end = first, len(line)
        chain.value = value
        chain.segment += 1

    def _close(self, file: int) -> None:
        with attempting("close", self._path(self.first)):
            self.disk.close(file)

    def _path(self, first: int) -> str:
        return f"{self.directory}/{segment_name(first)}"

"""
What opening need not read, because an index file covers it.

An index file is believed if the commit value that it names is where it says: in the
segment, at the end of what it covers. Nothing is believed of the records before that but
where they lie, and each is checked when it is read.
"""

from __future__ import annotations

import attrs

from .chain import Chain, ClosedCommit
from .disk import Access, Disk
from .files import opened, read_range
from .index_file import Header, to_text
from .index_store import IndexStore, Stretch
from .layout import index_name, is_piece_of
from .line import (
    COMMIT_BYTES,
    CRC_BYTES,
    CloseLine,
    Line,
    NotALine,
    next_value,
    parse_line,
    with_commit,
)
from .segments import header_line

COMMIT_BYTES_MAX = 4 * 1024 * 1024
"""A segment whose last commit is larger is read as a whole."""


@attrs.frozen
class Skip:
    """A part of a segment that need not be read, from its beginning on."""

    stretches: tuple[Stretch, ...]
    last: ClosedCommit
    """The last commit in it."""
    at: str
    """The last time in it."""

    @property
    def header(self) -> Header:
        """What the last index file is about."""
        return self.stretches[-1].header


def skip_whole(store: IndexStore, disk: Disk, path: str, chain: Chain) -> Stretch | None:
    """
    Give the index file of the next segment, if it covers the whole of it.

    The segment must begin with the header that continues the chain, and end with the cut
    line behind the commit that the index file names.

    Args:
      chain: where the segment before ended; not moved.
    """
    stretch = store.stretch(index_name(chain.position + 1))
    if stretch is None or not stretch.header.is_whole or not _follows(stretch.header, chain):
        return None
    header = stretch.header
    line, _ = header_line(chain)
    behind = Chain(chain.store, chain.history, chain.segment + 1, header.last, header.commit)
    cut = with_commit(*behind.next_cut())
    with opened(disk, path, Access.READ) as file:
        begins = read_range(disk, file, path, 0, len(line))
        ends = read_range(disk, file, path, header.end, header.end + len(cut) + 1)
    return stretch if (begins, ends) == (line, cut) else None


def skip_pieces(store: IndexStore, disk: Disk, path: str, chain: Chain) -> Skip | None:
    """
    Say how much of the last segment its pieces cover, as far as that can be believed.

    Args:
      chain: where the segment before ended; not moved.
    """
    first = chain.position + 1
    pieces: list[Stretch] = []
    for name in sorted(name for name in store.names() if is_piece_of(first, name)):
        stretch = store.stretch(name)
        expected = pieces[-1].header.last + 1 if pieces else first
        if stretch is None or stretch.header.is_whole or stretch.header.first != expected:
            break
        if not _follows(stretch.header, chain):
            break
        pieces.append(stretch)
    while pieces:
        header = pieces[-1].header
        commit = _last_commit(disk, path, header)
        if commit is not None:
            at = to_text(header.last_at)
            if isinstance(commit.mark, CloseLine):
                at = max(at, commit.mark.at)
            return Skip(tuple(pieces), commit, at)
        pieces.pop()
    return None


def _follows(header: Header, chain: Chain) -> bool:
    return (header.segment, header.segment_first) == (chain.segment + 1, chain.position + 1)


def _last_commit(disk: Disk, path: str, header: Header) -> ClosedCommit | None:
    """Read the last commit that an index file covers; None if there is another one."""
    begin = max(0, header.end - COMMIT_BYTES_MAX)
    with opened(disk, path, Access.READ) as file:
        data = read_range(disk, file, path, begin, header.end)
    if len(data) != header.end - begin or not data.endswith(b"\n"):
        return None
    lines = data[:-1].split(b"\n")
    last = _parsed(lines[-1])
    before = next((k for k in range(len(lines) - 2, 0, -1) if _commit_in(lines[k])), None)
    if last is None or before is None:
        return None
    offset = header.end - sum(len(line) + 1 for line in lines[before + 1 :])
    body = data[offset - begin : -1 - CRC_BYTES - COMMIT_BYTES]
    value = next_value(_commit_in(lines[before]), body)
    position = last.close if isinstance(last, CloseLine) else getattr(last, "position", None)
    if value != header.commit or last.commit != value or position != header.last:
        return None
    mark = last if isinstance(last, CloseLine) else None
    return ClosedCommit(offset, header.end, value, [], [], mark)


def _parsed(line: bytes) -> Line | None:
    try:
        return parse_line(line)
    except NotALine:
        return None


def _commit_in(line: bytes) -> str:
    """The commit value that a line ends with; empty if it closes no commit."""
    parsed = _parsed(line) if line[-CRC_BYTES - COMMIT_BYTES :].startswith(b',"commit":"') else None
    if parsed is None:
        return ""
    return parsed.commit or ""

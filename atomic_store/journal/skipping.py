"""
What opening need not read, because an index file covers it.

An index file is believed if the commit value that it names is where it says: in the
segment, at the end of what it covers. Nothing is believed of the records before that but
where they lie, and each is checked when it is read.
"""

from __future__ import annotations

import attrs

from ..errors import JournalCorrupt
from .chain import Chain, ClosedCommit
from .coverage import Coverage
from .disk import Access, Disk
from .files import opened, read_range
from .index_file import Header, to_text
from .index_store import IndexStore, Stretch
from .layout import INDEX, index_name, is_piece_of, segment_name
from .line import (
    COMMIT_BYTES,
    CRC_BYTES,
    LINE_END_BYTES,
    CloseLine,
    Line,
    NotALine,
    next_value,
    parse_line,
    with_commit,
)
from .segments import header_line

COMMIT_BYTES_MAX = 4 * 1024 * 1024
"""A piece whose last commit is larger is read again."""
_CLOSE_BYTES_MAX = 256
_COMMIT = b',"commit":"'


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


def skip_whole(
    store: IndexStore, disk: Disk, path: str, chain: Chain
) -> tuple[Stretch, str] | None:
    """
    Give the index file of the next segment and the last time in that, if it covers all of it.

    The segment must begin with the header that continues the chain, and end with the cut
    line behind the commit that the index file names.

    Args:
      chain: where the segment before ended; not moved.
    """
    first = chain.position + 1
    stretch = store.stretch(index_name(first))
    if stretch is None or not _follows(stretch.header, chain, first, is_whole=True):
        return None
    header = stretch.header
    behind = Chain(chain.store, chain.history, chain.segment + 1, header.last, header.commit)
    cut = with_commit(*behind.next_cut())
    with opened(disk, path, Access.READ) as file:
        begin = max(0, header.end - _CLOSE_BYTES_MAX)
        data = read_range(disk, file, path, begin, header.end + len(cut) + 1)
        before, ends = data[: header.end - begin], data[header.end - begin :]
        if ends != cut or not _begins(disk, file, path, chain):
            return None
    last = _parsed(before[:-1].rpartition(b"\n")[2])
    at = to_text(header.last_at)
    return stretch, max(at, last.at) if isinstance(last, CloseLine) else at


def skip_pieces(store: IndexStore, disk: Disk, path: str, chain: Chain) -> Skip | None:
    """
    Say how much of the last segment its pieces cover, as far as that can be believed.

    Args:
      chain: where the segment before ended; not moved.
    """
    first = chain.position + 1
    pieces: list[Stretch] = []
    with opened(disk, path, Access.READ) as file:
        if not _begins(disk, file, path, chain):
            return None
        for name in sorted(name for name in store.names() if is_piece_of(first, name)):
            stretch = store.stretch(name)
            expected = pieces[-1].header.last + 1 if pieces else first
            if stretch is None or not _follows(stretch.header, chain, expected, is_whole=False):
                break
            if not _is_commit(disk, file, path, stretch.header):
                break
            pieces.append(stretch)
        while pieces:
            header = pieces[-1].header
            commit = _last_commit(disk, file, path, header)
            if commit is not None:
                at = to_text(header.last_at)
                if isinstance(commit.mark, CloseLine):
                    at = max(at, commit.mark.at)
                return Skip(tuple(pieces), commit, at)
            pieces.pop()
    return None


def stale_files(coverage: Coverage, directory: str, position: int) -> list[str]:
    """
    Give the index files of this store that say nothing that is not said elsewhere.

    Args:
      coverage: what the others cover.
      directory: the one of the segments.
      position: the journal's last one.

    Raises:
      JournalCorrupt: one knows records that the journal lacks.
    """
    store = coverage.store
    stale = []
    for name in sorted(store.names() - {stretch.name for stretch in coverage.stretches}):
        stretch = store.stretch(name)
        if stretch is None:
            continue
        header = stretch.header
        if header.last > position:
            raise JournalCorrupt(
                f"{directory}/{segment_name(header.segment_first)}",
                header.end,
                f"records up to position {header.last}, which {INDEX}/{name} names",
                f"no record behind position {position}",
            )
        stale.append(name)
    return stale


def _follows(header: Header, chain: Chain, first: int, *, is_whole: bool) -> bool:
    """Whether an index file is the next one, as far as it says."""
    return (header.segment, header.segment_first, header.first, header.is_whole) == (
        chain.segment + 1, chain.position + 1, first, is_whole
    )  # fmt: skip


def _begins(disk: Disk, file: int, path: str, chain: Chain) -> bool:
    """Whether a segment begins with the header that continues the chain."""
    line, _ = header_line(chain)
    return read_range(disk, file, path, 0, len(line)) == line


def _is_commit(disk: Disk, file: int, path: str, header: Header) -> bool:
    """Whether the commit value that an index file names is where it says."""
    begin = max(0, header.end - LINE_END_BYTES)
    ending = read_range(disk, file, path, begin, header.end)
    return ending.startswith(_COMMIT + header.commit.encode() + b'"')


def _last_commit(disk: Disk, file: int, path: str, header: Header) -> ClosedCommit | None:
    """Read the last commit that an index file covers; None if it is not as it was."""
    begin = max(0, header.end - COMMIT_BYTES_MAX)
    data = read_range(disk, file, path, begin, header.end)
    lines = data.removesuffix(b"\n").split(b"\n")
    # The first line may be a part of one, if it is not the segment's first.
    places = range(len(lines) - 2, 0 if begin else -1, -1)
    before = next((k for k in places if _commit_in(lines[k])), None)
    last = _parsed(lines[-1])
    if last is None or before is None:
        return None
    offset = header.end - sum(len(line) + 1 for line in lines[before + 1 :])
    body = data[offset - begin : -LINE_END_BYTES]
    if next_value(_commit_in(lines[before]), body) != header.commit:
        return None
    mark = last if isinstance(last, CloseLine) else None
    return ClosedCommit(offset, header.end, header.commit, [], [], mark)


def _parsed(line: bytes) -> Line | None:
    try:
        return parse_line(line)
    except NotALine:
        return None


def _commit_in(line: bytes) -> str:
    """The commit value that a line ends with; empty if it closes no commit."""
    # Its checksum does not matter: what follows shows whether the value is right.
    ending = line[-COMMIT_BYTES - CRC_BYTES : -CRC_BYTES]
    closes = ending.startswith(_COMMIT) and ending.endswith(b'"')
    return ending[len(_COMMIT) : -1].decode("latin-1") if closes else ""

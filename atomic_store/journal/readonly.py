"""
Reading a store's files without the lock, also beside a live writer. Nothing is written.

What is seen ends with the last closed commit. The system may show a writer's last
commit a moment before it is on the disk: such a reader can be one commit ahead of what
a loss of power would leave.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..errors import JournalCorrupt
from . import ScopeEnd
from .chain import Chain, ClosedCommit, Problem
from .creating import expect_store, read_identity
from .disk import Disk, Kind, OSDisk
from .files import kind_of
from .layout import JOURNAL, segment_name
from .line import to_stored
from .scan import SegmentScan
from .segment_reader import SegmentReader, corrupt, is_being_cut, list_segments, uncut
from .tail import judge

if TYPE_CHECKING:
    import os

    from .record import StoredRecord


def read_records(
    path: str | os.PathLike[str], *, after: int = 0, disk: Disk | None = None
) -> Iterator[StoredRecord]:
    """
    Read a store's records in the order of position, without its lock.

    Args:
      path: the store's directory.
      after: a position; reading begins behind it.
      disk: another disk than the operating system's.

    Raises:
      NotAStore: the path holds something else, or a store of a later format.
      JournalCorrupt: it is damaged; what lies before was given.
      JournalFailed: the disk refused.
    """
    for commit in _commits(disk or OSDisk(), path, after):
        for record in commit.records:
            if record.position > after:
                yield to_stored(record)


def list_scopes(path: str | os.PathLike[str], *, disk: Disk | None = None) -> list[ScopeEnd]:
    """
    Every scope of a store and where it ends, ordered by code point, without its lock.

    Args:
      path: the store's directory.
      disk: another disk than the operating system's.

    Raises:
      NotAStore, JournalCorrupt, JournalFailed: as for `read_records`.
    """
    ends: dict[str, ScopeEnd] = {}
    for commit in _commits(disk or OSDisk(), path, 0):
        for record in commit.records:
            ends[record.scope] = ScopeEnd(record.scope, record.sequence, record.position, record.at)
    return [ends[scope] for scope in sorted(ends)]


def _commits(disk: Disk, store: str | os.PathLike[str], after: int) -> Iterator[ClosedCommit]:
    path = disk.resolve(store)
    expect_store(disk, path)
    identity = read_identity(disk, path)
    names = list_segments(disk, path)
    # The last one that begins before what is wanted, or the very first.
    skipped = max(0, sum(name <= segment_name(after + 1) for name in names) - 1)
    chain = Chain(identity.store, identity.history)
    if skipped:
        # The sequences before it are not known; that none is missing can't be seen.
        chain.lost, chain.believes = sys.maxsize, True
    for k, name in enumerate(names[skipped:], skipped):
        scan = SegmentScan(chain)
        reader = SegmentReader(disk, f"{path}/{JOURNAL}/{name}", scan)
        yield from reader.commits()
        if k + 1 == len(names):
            _check_end(disk, path, reader)
        elif scan.cut is None or scan.unclosed:
            if is_being_cut(reader, f"{path}/{JOURNAL}/{names[k + 1]}"):
                return
            # A writer may have finished the cut since.
            yield from reader.again()
            if scan.cut is None or scan.unclosed:
                raise corrupt(reader.path, uncut(scan))


def _check_end(disk: Disk, path: str, reader: SegmentReader) -> None:
    """Raise what is wrong with the end of the last segment, if anything is."""
    verdict = judge(reader.scan, reader.tail())
    if isinstance(verdict, Problem):
        raise corrupt(reader.path, verdict)
    cut = reader.scan.cut
    if cut is not None:
        following = f"{path}/{JOURNAL}/{cut.cut}"
        if kind_of(disk, following) is Kind.NOTHING:
            raise JournalCorrupt(following, 0, f"a segment that {reader.path} names", "no file")

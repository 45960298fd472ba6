"""
A sound journal's commits, read as a reader does: beside a writer, up to the last closed one.

All of it is checked on the way. Where `verify` goes on behind damage, this stops.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ..errors import JournalCorrupt
from ..journal import StoredRecord
from ..journal.chain import Chain, ClosedCommit, Problem
from ..journal.disk import Disk, Kind
from ..journal.failing import attempting
from ..journal.files import kind_of
from ..journal.layout import JOURNAL, is_segment_name, segment_name
from ..journal.line import to_stored
from ..journal.scan import SegmentScan
from ..journal.segment_reader import SegmentReader, corrupt, is_being_cut, list_segments, uncut
from ..journal.tail import Kept, judge


def sound_commits(
    disk: Disk, path: str, chain: Chain, on_bytes: Callable[[int], object] = lambda size: None
) -> Iterator[ClosedCommit]:
    """
    Give all commits of a store, in order.

    Args:
      path: the store's directory.
      chain: where its journal begins; moved on by what is read.
      on_bytes: is called with the number of bytes of each piece that was read.

    Raises:
      JournalCorrupt: it is damaged; what lies before the damage was given.
      JournalFailed: the disk refused.
      NotAStore: a segment is of a later format.
    """
    return _commits(disk, f"{path}/{JOURNAL}", list_segments(disk, path), chain, on_bytes)


def commits_in(disk: Disk, directory: str, chain: Chain) -> Iterator[ClosedCommit]:
    """Give all commits of a directory of segments; see `sound_commits`."""
    with attempting("list", directory):
        names = sorted(filter(is_segment_name, disk.list_directory(directory)))
    return _commits(disk, directory, names, chain, lambda size: None)


def _commits(
    disk: Disk,
    directory: str,
    names: list[str],
    chain: Chain,
    on_bytes: Callable[[int], object],
) -> Iterator[ClosedCommit]:
    for k, name in enumerate(names):
        refuse_gap(directory, name, chain)
        following = f"{directory}/{names[k + 1]}" if k + 1 < len(names) else None
        path = f"{directory}/{name}"
        reader = SegmentReader(disk, path, SegmentScan(chain), on_bytes)
        yield from settled(reader, path, following)
        refuse_missing(disk, directory, name, reader.scan, following)


def settled(
    reader: SegmentReader,
    path: str,
    following: str | None,
    refresh: Callable[[], object] = lambda: None,
) -> Iterator[ClosedCommit]:
    """
    Give a segment's commits, and see that it ends as it should.

    Args:
      reader: reads it, or a copy of it.
      path: the segment's.
      following: the path of the one behind it; None for the last one, which may be torn.
      refresh: is called before what looks wrong is read once more: a writer may have changed
        it meanwhile.

    Raises:
      JournalCorrupt: it is damaged.
    """
    scan = reader.scan
    yield from reader.commits()
    if scan.problem is not None or (following is not None and not _is_cut(scan)):
        if following is not None and scan.header is not None and is_being_cut(reader, following):
            return
        refresh()
        yield from reader.again()
    if following is None:
        verdict = judge(scan, reader.tail())
        if isinstance(verdict, Problem):
            scan.roll_back()
            raise corrupt(path, verdict)
        if isinstance(verdict, Kept):
            assert scan.last is not None
            yield scan.last
        scan.roll_back()
    elif scan.problem is not None or not _is_cut(scan):
        problem = uncut(scan)
        scan.roll_back()
        raise corrupt(path, problem)


def refuse_gap(directory: str, name: str, chain: Chain) -> None:
    """
    Check that a segment is the one that comes next.

    Raises:
      JournalCorrupt: another one is missing before it.
    """
    expected = segment_name(chain.position + 1)
    if name != expected:
        found = f"no file; the next is {name}"
        raise JournalCorrupt(f"{directory}/{expected}", 0, "a segment of this name", found)


def refuse_missing(
    disk: Disk, directory: str, name: str, scan: SegmentScan, following: str | None
) -> None:
    """
    Check that the segment is there that the last one names.

    It may have come since they were listed: then it is left to who looks next.

    Raises:
      JournalCorrupt: it is not.
    """
    if following is None and scan.cut is not None:
        path = f"{directory}/{scan.cut.cut}"
        if kind_of(disk, path) is Kind.NOTHING:
            raise JournalCorrupt(path, 0, f"the segment that {name} goes on in", "no file")


def decisions(commit: ClosedCommit) -> Iterator[list[StoredRecord]]:
    """Give a commit's records, those of one decision together."""
    decision: list[StoredRecord] = []
    for line in commit.records:
        decision.append(to_stored(line))
        if line.part is None or line.part[0] == line.part[1]:
            yield decision
            decision = []
    assert not decision


def _is_cut(scan: SegmentScan) -> bool:
    return scan.cut is not None and not scan.unclosed

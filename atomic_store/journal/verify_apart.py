"""
Checking segments apart from each other, in processes of their own.

A segment says in its header what it continues: so it can be checked alone, and whether it
does continue what is before it is seen afterwards. That finds whether anything is wrong,
not what: then the store is checked again, segment by segment.
"""

from __future__ import annotations

import signal
from array import array
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from hashlib import blake2b
from itertools import chain as chained
from multiprocessing import get_context

import attrs

from ..errors import JournalCorrupt, JournalFailed, NotAStore
from .chain import Chain
from .disk import Access, OSDisk
from .files import opened, read_range
from .layout import segment_name
from .line import HeaderLine, NotALine, parse_line
from .scan import SegmentScan
from .segment_reader import HEADER_BYTES_MAX, SegmentReader


@attrs.frozen
class CheckedSegment:
    """A segment in which nothing is wrong, and that ends with a cut line."""

    header: HeaderLine
    last: int
    """Its last record's position."""
    commit: str
    """The commit value that the next segment continues from."""
    first_at: str
    last_at: str
    size: int
    sequences: dict[str, tuple[int, int]]
    """Each scope's first and last sequence in it."""
    proposals: array[int]
    """The keys of its decisions."""


def proposal_key(scope: str, proposal_id: str) -> int:
    """Give 64 bits for a proposal, the same in every process."""
    text = f"{scope}\0{proposal_id}".encode()
    return int.from_bytes(blake2b(text, digest_size=8).digest(), "little")


def check_apart(
    paths: Sequence[str], processes: int
) -> Generator[CheckedSegment | None, None, None]:
    """
    Check segments, some at a time, and give what was found, in order.

    Args:
      paths: of the segments, none of which is the last.
      processes: how many at a time.
    """
    with ProcessPoolExecutor(
        processes, get_context("spawn"), initializer=signal.signal,
        initargs=(signal.SIGINT, signal.SIG_IGN),
    ) as pool:  # fmt: skip
        try:
            yield from pool.map(check_segment, paths)
        finally:
            # Whoever has seen enough, or was interrupted, does not wait for the rest.
            pool.shutdown(wait=False, cancel_futures=True)


def check_segment(path: str) -> CheckedSegment | None:
    """Check a segment by itself; None if anything in it is wrong, or may be."""
    disk = OSDisk()
    try:
        with opened(disk, path, Access.READ) as file:
            start = read_range(disk, file, path, 0, HEADER_BYTES_MAX)
        header = parse_line(start.partition(b"\n")[0])
        if not isinstance(header, HeaderLine):
            return None
        return _checked(disk, path, header)
    except (NotALine, JournalCorrupt, JournalFailed, NotAStore):
        return None


def _checked(disk: OSDisk, path: str, header: HeaderLine) -> CheckedSegment | None:
    chain = Chain(
        header.store, header.history, header.segment - 1, header.first - 1, header.continues,
        knows_all_scopes=False,
    )  # fmt: skip
    scan = SegmentScan(chain)
    reader = SegmentReader(disk, path, scan)
    firsts: dict[str, int] = {}
    proposals = array("Q")
    first_at = ""
    for record in chained.from_iterable(commit.records for commit in reader.commits()):
        first_at = first_at or record.at
        firsts.setdefault(record.scope, record.sequence)
        if record.part is None or record.part[0] == 1:
            proposals.append(proposal_key(record.scope, record.id))
    if scan.problem is not None or scan.cut is None or scan.unclosed:
        return None
    sequences = {scope: (first, chain.sequences[scope]) for scope, first in firsts.items()}
    return CheckedSegment(
        header, chain.position, chain.value, first_at, chain.at, reader.size, sequences, proposals
    )


def joined(
    chain: Chain,
    names: Sequence[str],
    segments: Iterator[CheckedSegment | None],
    on_segment: Callable[[CheckedSegment], object],
) -> set[int] | None:
    """
    Move a chain on over segments that were checked apart.

    Args:
      chain: where the journal begins.
      names: the segments' names.
      segments: what was found of them, in order.
      on_segment: is told of each that fits.

    Returns:
      The keys of all decisions; None if anything is wrong.
    """
    keys: set[int] = set()
    for name, segment in zip(names, segments, strict=True):
        if segment is None or not _continues(chain, name, segment):
            return None
        before = len(keys)
        keys.update(segment.proposals)
        if len(keys) - before != len(segment.proposals):
            return None
        for scope, (first, last) in segment.sequences.items():
            if first != chain.sequences.get(scope, 0) + 1:
                return None
            chain.sequences[scope] = last
        chain.segment, chain.position = segment.header.segment, segment.last
        chain.value, chain.at = segment.commit, segment.last_at
        on_segment(segment)
    return keys


def _continues(chain: Chain, name: str, segment: CheckedSegment) -> bool:
    header = segment.header
    return (
        name == segment_name(chain.position + 1)
        and (header.store, header.history) == (chain.store, chain.history)
        and (header.segment, header.first) == (chain.segment + 1, chain.position + 1)
        and header.continues == chain.value
        and segment.first_at >= chain.at
    )

"""
Torn or damaged: what the bytes behind the last closed commit are. Pure.

One write is under way at a time, so a crash leaves at most one commit unfinished, at
the very end of the last segment. It may have been cut at any byte, or miss any of
the 512-byte sectors of which a disk writes some and not others: those read as zeros.
Everything else is damage. A flipped bit must never look like a crash: what it is in
was acknowledged.
"""

from __future__ import annotations

import codecs
from typing import TypeAlias

import attrs

from .chain import Chain, Problem
from .line import COMMIT_BYTES, CRC_BYTES, RECORD_START, has_right_crc, with_commit
from .scan import SegmentScan

SECTOR_BYTES = 512
_CRC = b',"crc":"'


@attrs.frozen
class NoTail:
    """The segment ends with a closed commit."""


@attrs.frozen
class Torn:
    """The write of the last commit was not finished; nobody was told of it."""

    offset: int
    size: int


@attrs.frozen
class Kept:
    """The last commit is whole but for its newline."""

    end: int
    """Where it ends, the newline included."""


Verdict: TypeAlias = NoTail | Torn | Kept | Problem


def judge(scan: SegmentScan, tail: bytes) -> Verdict:
    """
    Say what lies behind the last closed commit of the last segment.

    With the verdict `Kept` the commit has been closed, as if its newline were there. With
    any other the chain still is where the lines that are not closed have moved it.

    Args:
      scan: has read the segment as far as it could.
      tail: all bytes from `scan.closed_end` on.
    """
    problem = scan.problem
    has_header = scan.place[1] > 1
    if not has_header or scan.cut is not None:
        # Both are made durable before anything is written behind them.
        if problem is None and (tail or not has_header):
            return _unfinished(scan, "" if has_header else "a segment's header, whole")
        return problem or NoTail()
    if not tail:
        return NoTail()
    torn = Torn(scan.closed_end, len(tail))
    if holds_zero_sector(tail, scan.closed_end):
        return torn if _is_torn_by_zeros(tail) else problem or _unfinished(scan, "a commit")
    if problem is not None:
        return problem
    rest = scan.rest
    if not rest:
        return torn
    if has_right_crc(rest):
        # A whole line without its newline. The newline tells the scanner what it is.
        closed = scan.feed(b"\n")
        return scan.problem or (Kept(scan.closed_end) if closed else torn)
    if not is_beginning(rest, scan.chain, alone=scan.open_lines == 0):
        return _unfinished(scan, "a record, or its beginning")
    return torn


def judge_uncut(scan: SegmentScan, tail: bytes) -> bool:
    """
    Whether a segment lacks no more than its cut line, or a part of it.

    That is how a crash leaves the last but one, when the last has no more than its header.
    """
    body, value = scan.chain.next_cut()
    line = with_commit(body, value)
    if line.startswith(tail):
        return True
    return (
        len(tail) <= len(line)
        and holds_zero_sector(tail, scan.closed_end)
        and all(found in (0, wanted) for found, wanted in zip(tail, line, strict=False))
    )


def holds_zero_sector(tail: bytes, offset: int) -> bool:
    """
    Whether a 512-byte sector was not written: all of it that lies in the tail is zeros.

    Args:
      offset: where in the file the tail begins.
    """
    # A line begins with `{` and ends with a newline, and neither is one bit away from
    # zero: a flipped bit can't make a piece of a sector, however short, all zeros.
    begin = 0
    end = SECTOR_BYTES - offset % SECTOR_BYTES
    while begin < len(tail):
        if not tail[begin:end].strip(b"\0"):
            return True
        begin, end = end, end + SECTOR_BYTES
    return False


def is_beginning(rest: bytes, chain: Chain, *, alone: bool) -> bool:
    """
    Whether these bytes are how a line begins that the journal may write next.

    Args:
      rest: bytes without a newline, at least one.
      alone: whether the line may be one of those that are a commit by themselves.
    """
    position = chain.position
    # Not a cut line: when one is written, the segment that it names is there already.
    starts = [b'{"position":%d,"scope":"' % (position + 1)]
    if alone:
        starts.append(b'{"close":%d,"at":"' % position)
    if not any(rest.startswith(start[: len(rest)]) for start in starts):
        return False
    if min(rest) < 0x20:
        return False
    try:
        codecs.getincrementaldecoder("utf-8")().decode(rest)
    except UnicodeDecodeError:
        return False
    # A whole line with something else behind it is not cut off: its newline has changed.
    end = rest.find(_CRC) + CRC_BYTES
    while CRC_BYTES <= end <= len(rest):
        if has_right_crc(rest[:end]):
            return False
        end = rest.find(_CRC, end - CRC_BYTES + 1) + CRC_BYTES
    return True


def _is_torn_by_zeros(tail: bytes) -> bool:
    """Whether whatever is wrong with these lines comes from sectors of zeros."""
    lines = tail.split(b"\n")
    rest = lines.pop()
    for k, line in enumerate(lines):
        if not has_right_crc(line) and b"\0" not in line:
            return False
        is_last = k + 1 == len(lines) and not rest
        if _closes(line) and not is_last:
            # Behind the end of a commit there was another write: it was acknowledged.
            return False
        if _closes(line) and k > 0 and not line.startswith(RECORD_START) and b"\0" not in line:
            # So it was if this is a commit by itself.
            return False
    return b"\0" in rest or rest.startswith(b"{"[: len(rest)])


def _closes(line: bytes) -> bool:
    begin = -CRC_BYTES - COMMIT_BYTES
    return line[begin : begin + 11] == b',"commit":"'


def _unfinished(scan: SegmentScan, expected: str) -> Problem:
    offset, line = scan.place
    rest = scan.rest
    found = f"{rest[:24]!r}"[1:] if rest else "the file's end"
    return Problem(offset, line, expected or "nothing behind the cut line", found)

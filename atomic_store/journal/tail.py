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

from .line import COMMIT_BYTES, CRC_BYTES, has_right_crc, with_commit
from .scan import Chain, Problem, SegmentScan

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

    offset: int


Verdict: TypeAlias = NoTail | Torn | Kept | Problem


def judge(scan: SegmentScan, tail: bytes) -> Verdict:
    """
    Say what lies behind the last closed commit of the last segment.

    The chain is left at the last closed commit, unless the verdict is `Kept`: then the
    commit has been closed, as if its newline were there.

    Args:
      scan: has read the segment as far as it could.
      tail: all bytes from `scan.closed_end` on.
    """
    verdict = _judge(scan, tail)
    if not isinstance(verdict, Kept):
        scan.roll_back()
    return verdict


def _judge(scan: SegmentScan, tail: bytes) -> Verdict:
    if not tail:
        return _missing_header(scan) if scan.header is None else NoTail()
    offset = scan.closed_end
    problem = scan.problem
    if scan.header is None or scan.cut is not None:
        # Both are made durable before anything is written behind them.
        return problem or _unfinished(scan, "a whole header, and nothing behind a cut line")
    torn = Torn(offset, len(tail))
    if holds_zero_sector(tail, offset):
        return torn if _is_torn_by_zeros(tail) else problem or _unfinished(scan, "a commit")
    if problem is not None:
        return problem
    rest = scan.rest
    if not rest:
        return torn
    if has_right_crc(rest):
        # A whole line without its newline. The newline tells the scanner what it is.
        closed = scan.feed(b"\n")
        if scan.problem is not None:
            return scan.problem
        return Kept(offset + len(tail)) if closed else torn
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
        if not has_right_crc(line):
            if b"\0" not in line:
                return False
        elif _closes(line) and (k + 1 < len(lines) or rest):
            # Behind the end of a commit there was another write: it was acknowledged.
            return False
    return b"\0" in rest or rest.startswith(b"{"[: len(rest)])


def _closes(line: bytes) -> bool:
    begin = -CRC_BYTES - COMMIT_BYTES
    return line[begin : begin + 11] == b',"commit":"'


def _missing_header(scan: SegmentScan) -> Problem:
    return Problem(0, 1, "a segment's header", "an empty file")


def _unfinished(scan: SegmentScan, expected: str) -> Problem:
    offset, line = scan.place
    rest = scan.rest
    return Problem(offset, line, expected, f"{rest[:24]!r}"[1:] if rest else "something else")

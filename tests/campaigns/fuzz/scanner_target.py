"""
Segments of a journal: bytes that were changed are never taken for sound ones.

The first byte says what the others are: a segment as it is, changes to a sound one, the same
with all checksums made right again, or bodies of lines that are then given right checksums.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import trio

from atomic_store.journal.chain import Chain
from atomic_store.journal.line import (
    CRC_BYTES,
    FutureFormat,
    next_value,
    record_body,
    to_stored,
    with_commit,
    with_crc,
)
from atomic_store.journal.scan import SegmentScan
from atomic_store.journal.segments import header_line
from atomic_store.journal.tail import Kept, NoTail, Torn, judge
from atomic_store.testing.faulty_disk import FaultyDisk
from journal_files import a_draft, segment, writing

from .edits import Change, Kind, changes_of

STORE, HISTORY = "0" * 36, "1" * 36
AGAIN_MAX = 10_000


@cache
def sound() -> bytes:
    """A store's only segment, as it should be; the store was not closed."""
    disk = FaultyDisk()
    found: list[bytes] = []

    async def main() -> None:
        async with writing(disk, segment_bytes_max=100_000) as store:
            await store.commit(a_draft("lot-1", 1), a_draft("lot-2", 2))
            await store.commit(a_draft("lot-1", 3, events=3))
            await store.commit(a_draft('"ö"', 4, pad=600))
            found.append(disk.files()[segment(1)])

    trio.run(main)
    # Its ids are new ones each time: inputs are to mean the same for ever.
    header, value = header_line(Chain(STORE, HISTORY))
    return header + b"".join(sealed(bodies_of(found[0])[1:], value))


def fuzz(data: bytes) -> None:
    """Scan what some bytes stand for, and look at all that comes of it."""
    way, rest = data[:1], data[1:]
    match int.from_bytes(way, "big") % 4:
        case 0:
            scan_all(rest, Chain(STORE, HISTORY))
        case 1:
            changes = [*changes_of(rest)]
            scan_changed(changes)
        case 2:
            scan_all(resealed(changed(sound(), [*changes_of(rest)])), Chain(STORE, HISTORY))
        case 3:
            chain = Chain(STORE, HISTORY)
            header, value = header_line(chain)
            lines = b"".join(sealed(rest.split(b"\n"), value))
            scan_all(header + lines, Chain(STORE, HISTORY))


def scan_changed(changes: list[Change]) -> None:
    """Scan a sound segment that was changed: whatever is taken of it is as it was."""
    original = sound()
    content = changed(original, changes)
    scan = scan_all(content, Chain(STORE, HISTORY))
    assert content[: scan.closed_end] == original[: scan.closed_end], "changed bytes were taken"
    if content == original:
        assert scan.closed_end == len(original)
    elif [Kind.FLIP] == [change.kind for change in changes]:
        verdict = judge(again(content, Chain(STORE, HISTORY)), content[scan.closed_end :])
        assert not isinstance(verdict, Torn | Kept | NoTail), "a flipped bit is no torn write"


def scan_all(content: bytes, chain: Chain) -> SegmentScan:
    """Scan a segment at once, in pieces, and again from its last commit: it is all the same."""
    scan = SegmentScan(chain)
    try:
        closed = scan.feed(content)
    except FutureFormat:
        return SegmentScan(chain)
    for commit in closed:
        lines = content[commit.offset : commit.end].split(b"\n")
        assert lines.pop() == b""
        for record, line in zip(commit.records, lines, strict=False):
            assert line.startswith(record_body(to_stored(record))), "it is written otherwise"
    assert scan.records == sum(len(commit.records) for commit in closed)
    ends = [commit.end for commit in closed]
    assert ends == sorted(set(ends))
    in_pieces(content, chain, ends, scan)
    tail = content[scan.closed_end :]
    assert tail.startswith(scan.unclosed)
    verdict = judge(again(content, chain), tail)
    if isinstance(verdict, Torn):
        assert (scan.closed_end, len(tail)) == (verdict.offset, verdict.size)
    if isinstance(verdict, Kept):
        assert verdict.end == len(content) + 1
    go_on(content, chain)
    return scan


def in_pieces(content: bytes, chain: Chain, ends: list[int], whole: SegmentScan) -> None:
    """Feed a segment in pieces, as a reader does that follows it."""
    scan = SegmentScan(Chain(chain.store, chain.history))
    found: list[int] = []
    size = 1 + len(content) // 3
    for begin in range(0, len(content), size):
        if scan.problem is None:
            found += [commit.end for commit in scan.feed(content[begin : begin + size])]
    assert ends == found
    assert (scan.problem is None) == (whole.problem is None)
    if scan.problem is not None and whole.problem is not None:
        assert (scan.problem.offset, scan.problem.line) == (
            whole.problem.offset, whole.problem.line,
        )  # fmt: skip
    scan.rewind()
    assert [] == scan.feed(content[scan.closed_end :]), "what was not closed was closed later"


def again(content: bytes, chain: Chain) -> SegmentScan:
    """A scan that has read a segment as far as it could."""
    scan = SegmentScan(Chain(chain.store, chain.history))
    scan.feed(content)
    return scan


def go_on(content: bytes, chain: Chain) -> None:
    """Go on behind each problem, as `verify` does: it comes to an end, and never back."""
    scan = again(content, chain)
    places: list[int] = []
    while (problem := scan.problem) is not None:
        places.append(problem.offset)
        if scan.place[0] >= len(content):
            break
        try:
            scan.resume()
        except FutureFormat:
            break
        assert len(places) < AGAIN_MAX
    assert places == sorted(set(places)), "a problem was met twice"


def changed(content: bytes, changes: list[Change]) -> bytes:
    """Bytes with changes, one after the other."""
    for change in changes:
        content = change.made(content)
    return content


def resealed(content: bytes) -> bytes:
    """Give the lines of a segment right checksums, as whoever wants to deceive would."""
    return b"".join(sealed(bodies_of(content), Chain(STORE, HISTORY).value))


def bodies_of(content: bytes) -> list[bytes]:
    """The lines of a segment without their checksums."""
    return [line[:-CRC_BYTES] for line in content.split(b"\n") if line]


def sealed(bodies: list[bytes], value: str) -> Iterator[bytes]:
    """Finish lines: those that have a commit value, or begin with `+`, end a commit."""
    parts: list[bytes] = []
    for body in bodies:
        bare, commit, _ = body.partition(b',"commit":"')
        if not commit and not body.startswith(b"+"):
            line = with_crc(bare)
            parts.append(line)
        else:
            bare = bare.removeprefix(b"+")
            value = next_value(value, *parts, bare)
            line, parts = with_commit(bare, value), []
        yield line

"""The pure scanner and its verdicts, where whole stores do not reach."""

from __future__ import annotations

import pytest

from atomic_store.journal.chain import Chain, Problem
from atomic_store.journal.line import (
    CloseLine,
    FutureFormat,
    HeaderLine,
    NotALine,
    has_right_crc,
    mark_body,
    next_value,
    parse_line,
    parse_store,
    with_commit,
    with_crc,
)
from atomic_store.journal.scan import SegmentScan
from atomic_store.journal.segments import header_line
from atomic_store.journal.tail import NoTail, Torn, holds_zero_sector, judge
from journal_files import JOURNAL, lived, segment


def content_of(first: int) -> bytes:
    """The bytes of a segment of the store that was killed."""
    return lived(is_closed=False).files()[segment(first)]


def chain_of(content: bytes) -> Chain:
    """A chain at the beginning of a first segment."""
    header = parse_line(content.partition(b"\n")[0])
    assert isinstance(header, HeaderLine)
    return Chain(header.store, header.history)


class TestScan:
    @pytest.mark.parametrize("size", [1, 7, 100, 10_000])
    def test_pieces(self, size: int) -> None:
        """Bytes may come in pieces of any size."""
        content = content_of(1)
        chain = chain_of(content)
        scan = SegmentScan(chain)
        closed = []
        for begin in range(0, len(content), size):
            closed += scan.feed(content[begin : begin + size])

        assert [0, 2, 1, 1, 0] == [len(commit.records) for commit in closed]
        assert [commit.end for commit in closed[:-1]] == [commit.offset for commit in closed[1:]]
        assert (len(content), 4, None) == (scan.closed_end, chain.position, scan.problem)
        assert 4 == scan.records

    def test_long_line(self) -> None:
        """A line that does not end is a problem as soon as it is too long."""
        content = content_of(1)
        scan = SegmentScan(chain_of(content), line_bytes_max=600)
        scan.feed(content[:600])
        scan.feed(b"x" * 600)

        assert ["a newline within 600 bytes"] == [p.expected for p in (scan.problem,) if p]

    def test_rolled_back(self) -> None:
        """Lines that are not closed leave no trace in the chain."""
        content = content_of(1)
        begin = content.index(b"\n") + 1
        end = content.index(b"\n", begin) + 1
        chain = chain_of(content)
        scan = SegmentScan(chain)
        scan.feed(content[: end + 10])
        assert (1, {"lot-1": 1}, 1) == (chain.position, chain.sequences, scan.open_lines)
        assert content[begin : end + 10] == scan.unclosed
        scan.roll_back()

        assert (0, {}, "", 0) == (chain.position, chain.sequences, chain.at, scan.open_lines)

    def test_nothing_behind_a_cut(self) -> None:
        """A record behind a cut line is a problem, also if it is the next one."""
        content = content_of(1)
        chain = chain_of(content)
        scan = SegmentScan(chain)
        scan.feed(content)
        line = content_of(chain.position + 1).splitlines()[1]
        body = line.partition(b',"commit"')[0].partition(b',"crc"')[0]
        scan.feed(with_commit(body, next_value(chain.value, body)))

        assert ["nothing behind the cut line"] == [p.expected for p in (scan.problem,) if p]

    def test_read_again(self) -> None:
        """After going back to the last closed commit the same bytes give the same commits."""
        content = content_of(1)
        scan = SegmentScan(chain_of(content))
        scan.feed(content[:-300] + b"\n")
        was_wrong = scan.problem is not None
        scan.rewind()
        scan.feed(content[scan.closed_end :])

        assert (True, len(content), 4) == (was_wrong, scan.closed_end, scan.records)

    def test_a_cut_line_that_names_nothing(self) -> None:
        """One that names no segment is not believed, not even behind a problem."""
        body = b'{"cut":"0000000000000000r005"'
        scan = SegmentScan(Chain("a", "b"))
        scan.feed(with_commit(body, next_value(scan.chain.value, body)))

        assert [] == scan.resume()
        assert (0, None) == (scan.chain.position, scan.cut)

    def test_nothing_after_a_problem(self) -> None:
        """A scan that holds a problem takes nothing more."""
        scan = SegmentScan(Chain("a", "b"))
        scan.feed(b"x\n")
        with pytest.raises(AssertionError):
            scan.feed(b"y\n")


class TestTail:
    def scan_of(self, behind: bytes) -> tuple[SegmentScan, bytes]:
        """A scan of a header and what is behind it."""
        chain = Chain("0" * 36, "1" * 36)
        line, _ = header_line(chain)
        scan = SegmentScan(chain)
        scan.feed(line + behind)
        return scan, behind

    def test_whole_records_without_an_end(self) -> None:
        """Records with right checksums that no commit value follows are torn."""
        content = content_of(8)
        begin = content.index(b'{"position":8')
        record = content[begin : content.index(b"\n", begin) + 1]
        chain = chain_of(content)
        chain.believes = True
        for tail in (record, record[:-1]):
            scan = SegmentScan(Chain(chain.store, chain.history, believes=True, lost=99))
            scan.feed(content[:begin] + tail)
            assert Torn(begin, len(tail)) == judge(scan, tail)

    def test_whole_record_in_a_wrong_place(self) -> None:
        """A whole record without its newline that does not belong there is damage."""
        content = content_of(5)
        begin = content.index(b'{"position":5')
        record = content[begin : content.index(b"\n", begin)]
        scan, tail = self.scan_of(record)
        verdict = judge(scan, tail)

        assert isinstance(verdict, Problem)
        assert "position 1" == verdict.expected

    def test_beginnings(self) -> None:
        """What a line may begin with is torn; what it may not is damage."""
        for behind in (
            b"{",
            b'{"pos',
            b'{"position":1,"scope":"\xc3',
            b'{"close":0,"at":"2',
            b'{"c',
        ):
            assert Torn(scan_end(self, behind), len(behind)) == judge(*self.scan_of(behind))
        for behind in (b'{"cut":"', b'{"position":2', b'{"close":1', b'{"format":1', b" ", b"}"):
            assert isinstance(judge(*self.scan_of(behind)), Problem)

    def test_whole_line_inside(self) -> None:
        """A whole line with something behind it is damage, not torn; data that looks so is."""
        inner = b'{"position":1,"scope":"a","x":{"b":1,"crc":"00000000"},"crc":"11111111"}'
        assert isinstance(judge(*self.scan_of(inner)), Torn)
        whole = with_crc(b'{"position":1,"scope":"a"')[:-1] + b"\x4a"
        assert isinstance(judge(*self.scan_of(whole)), Problem)

    def test_no_tail(self) -> None:
        """Nothing behind the last commit is nothing."""
        assert NoTail() == judge(*self.scan_of(b""))

    def test_zeros(self) -> None:
        """Zeros count where they fill all of a sector that lies in the tail."""
        assert holds_zero_sector(bytes(1), 511)
        assert holds_zero_sector(b"x" * 12 + bytes(512), 500)
        assert not holds_zero_sector(b"x" + bytes(511) + b"y" + bytes(510) + b"z", 0)
        assert not holds_zero_sector(b"", 0)

    def test_zeros_with_something_else(self) -> None:
        """Zeros do not excuse what they do not explain."""
        body = mark_body(CloseLine(0, "2026-11-23T15:04:05.123456Z"))
        line = with_commit(body, next_value("0" * 32, body))
        scan_end_ = scan_end(self, b"")
        hole = bytes(1024 - scan_end_ % 512)
        for behind in (hole + b"\nx\n", line[:-1] + b"?\n" + hole, hole + b"\n" + line + b"x",
                       hole + b"\n" + line, hole + b"\njunk"):  # fmt: skip
            assert isinstance(judge(*self.scan_of(behind)), Problem)
        for behind in (hole, hole + b"\n", hole + b'\n{"posi', hole + b"\n{"):
            assert isinstance(judge(*self.scan_of(behind)), Torn | Problem)
        assert isinstance(judge(*self.scan_of(hole)), Torn)


def scan_end(test: TestTail, behind: bytes) -> int:
    """Where the header of such a scan ends."""
    scan, _ = test.scan_of(behind)
    return scan.closed_end


class TestLines:
    @pytest.mark.parametrize(
        "line",
        [
            b"",
            b"{}",
            b'{"position":1,"crc":"00000000"}',
            b"\xff" * 30,
            b'{"cut":1,"crc":"5e0dd9f5"}',
        ],
    )
    def test_no_lines(self, line: bytes) -> None:
        """What is no line is refused, with what was expected."""
        with pytest.raises(NotALine):
            parse_line(line)

    def test_store(self) -> None:
        """The one line of store.json is read in exactly one form."""
        for content, expected in (
            (b"", "one line with a newline"),
            (b"{}\n{}\n", "one line with a newline"),
            (b"{}\n", "a line that ends in"),
            (with_crc(b'{"a":1'), "a line that names its format"),
            (with_crc(b'{"format":1'), "a store's line"),
            (with_crc(b'{"format":1,"store": "a","history":"b","created":"c"'), "as the store"),
        ):
            with pytest.raises(NotALine) as refused:
                parse_store(content)
            assert expected in refused.value.expected
        with pytest.raises(FutureFormat):
            parse_store(with_crc(b'{"format":2,"anything":[]'))

    def test_crc_letters(self) -> None:
        """Checksums are lower-case: an upper-case one is another byte."""
        body = next(b'{"a":%d' % k for k in range(99) if b"a" in with_crc(b'{"a":%d' % k)[-11:])
        line = with_crc(body)[:-1]

        assert has_right_crc(line)
        assert not has_right_crc(line[:-10] + line[-10:].upper())
        assert JOURNAL.startswith("/")

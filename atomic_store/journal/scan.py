"""
The scanner: the bytes of segments in, closed commits out. Pure.

A `SegmentScan` takes a segment's bytes in pieces of any size and gives the commits
that close in them. Nothing that is not closed ever leaves it. At the first thing
that is not as the journal writes it, it stops and holds a `Problem`; what that is,
damage or the torn end of a write, depends on where the file ends and is judged in
`tail`. What continues from one segment to the next is in the `Chain`.

`resume` is for `verify`, which wants to see what lies behind a problem: it believes
the next line that it can read, and goes on from there.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Any, TypeAlias, final

import attrs

from .chain import Chain, ClosedCommit, Misplaced, Problem, kind_of
from .layout import is_segment_name, segment_name
from .line import (
    COMMIT_BYTES,
    CRC_BYTES,
    LINE_BYTES_MAX,
    RECORD_START,
    CutLine,
    HeaderLine,
    Line,
    MarkLine,
    NotALine,
    RecordLine,
    has_right_crc,
    parse_line,
    parse_record,
    quick_record,
)

_Hash: TypeAlias = Any  # hashlib has no public name for what it makes


@final
@attrs.define(eq=False)
class SegmentScan:
    """
    One segment's bytes, front to back.

    Args:
      chain: where the segment before ended; moved on by what is read here.
      line_bytes_max: a line that is longer is none.
    """

    chain: Chain
    line_bytes_max: int = LINE_BYTES_MAX
    problem: Problem | None = None
    header: HeaderLine | None = None
    cut: CutLine | None = None
    closed_end: int = 0
    """The end of the last closed commit."""
    closed_lines: int = 0
    last: ClosedCommit | None = None
    """The last closed commit."""
    records: int = 0
    """How many records closed commits have."""
    # Invariant: the lines of the commit that is not closed; the chain is moved on by them.
    _open: list[RecordLine] = attrs.Factory(list)
    _offsets: list[int] = attrs.Factory(list)
    _at_before: str = ""
    # The decision that the last record leaves unfinished.
    _part: RecordLine | None = None
    # What is left of this and of `_rest` when the file ends is its tail.
    _pieces: list[bytes] = attrs.Factory(list)
    _digest: _Hash = None
    _rest: bytes = b""
    _offset: int = 0
    _line: int = 1

    @property
    def rest(self) -> bytes:
        """What follows the last newline."""
        return self._rest

    @property
    def unclosed(self) -> bytes:
        """What was fed and follows the last closed commit."""
        return b"".join((*self._pieces, self._rest))

    @property
    def open_lines(self) -> int:
        """How many whole lines the commit has that is not closed."""
        return len(self._open)

    @property
    def place(self) -> tuple[int, int]:
        """The offset and the line number of what was not read yet."""
        return self._offset, self._line

    def feed(self, data: bytes) -> list[ClosedCommit]:
        """Take the segment's next bytes; give the commits that close in them, in order."""
        assert self.problem is None
        chunk = self._rest + data if self._rest else data
        lines = chunk.split(b"\n")
        self._rest = lines.pop()
        closed: list[ClosedCommit] = []
        begin = place = 0
        digest = self._digest or _begin_digest(self.chain.value)
        for line in lines:
            length = len(line) + 1
            try:
                parsed = self._take_plain(line) or self._take(line)
                if parsed.commit:
                    if self._line == 1:
                        digest = _begin_digest(self.chain.value)
                    body = place + length - 1 - COMMIT_BYTES - CRC_BYTES
                    digest.update(memoryview(chunk)[begin:body])
                    commit = self._close(parsed, digest.hexdigest(), self._offset + length)
                    closed.append(commit)
                    digest = _begin_digest(self.chain.value)
                    begin = place + length
                    self._pieces.clear()
            except NotALine as error:
                self._stop(error)
                self._rest = chunk[place:]
                break
            place += length
            self._offset += length
            self._line += 1
        if begin < place:
            digest.update(memoryview(chunk)[begin:place])
            self._pieces.append(chunk[begin:place])
        self._digest = digest
        if self.problem is None and len(self._rest) > self.line_bytes_max:
            expected = f"a newline within {self.line_bytes_max} bytes"
            self._stop(NotALine(expected, f"none in {len(self._rest)}"))
        return closed

    def resume(self) -> list[ClosedCommit]:
        """Go on behind the problem, believing the next line that can be read."""
        problem, self.problem = self.problem, None
        assert problem is not None
        line, newline, rest = self._rest.partition(b"\n")
        chain = self.chain
        closed: list[ClosedCommit] = []
        if not chain.believes:
            chain.believes, chain.known = True, chain.position
        self._part = None
        parsed = problem.parsed
        end = self._offset + len(line) + len(newline)
        if isinstance(parsed, RecordLine):
            # It was accepted if all that is wrong is the commit that it closes.
            if not self._open or self._open[-1] is not parsed:
                chain.lost += max(0, parsed.position - chain.position - 1)
                self._accept(parsed)
        elif parsed is not None:
            self._believe_mark(parsed)
        elif self._line > 1:
            # A header that can't be read is no record lost; another line may be one.
            chain.position += 1
            chain.lost += 1
        if parsed is not None and parsed.commit:
            closed.append(self._close(parsed, "", end))
        self._offset, self._line = end, self._line + len(newline)
        self._rest, self._digest, self._pieces = b"", None, []
        return closed + self.feed(rest)

    def skip(self, last: ClosedCommit, position: int, at: str) -> None:
        """
        Go on behind a commit that was read before, without what lies in between.

        Only behind the header. Lines are counted from there.

        Args:
          last: that commit.
          position, at: the last record's up to there.
        """
        chain = self.chain
        chain.position, chain.value, chain.at = position, last.value, at
        self.last, self.closed_end, self._offset = last, last.end, last.end
        self._digest = None

    def rewind(self) -> None:
        """Go back to the end of the last closed commit, to be fed from there again."""
        self.roll_back()
        self.problem = None
        self._offset, self._line = self.closed_end, self.closed_lines + 1
        self._rest, self._digest, self._pieces = b"", None, []

    def roll_back(self) -> None:
        """Take the lines of the commit that is not closed back out of the chain."""
        chain = self.chain
        for record in reversed(self._open):
            chain.sequences[record.scope] = record.sequence - 1
            if record.sequence == 1:
                del chain.sequences[record.scope]
        chain.position -= len(self._open)
        if self._open:
            chain.at = self._at_before
        self._open, self._offsets, self._part = [], [], None

    # --- one line ------------------------------------------------------------------

    def _take_plain(self, line: bytes) -> RecordLine | None:
        """Do what `_take` does for nearly every line, quickly; None if this is another."""
        chain = self.chain
        record = quick_record(line) if line.startswith(RECORD_START) else None
        if (
            record is None
            or record.part is not None
            or self._part is not None
            or record.position != chain.position + 1
            or record.sequence != chain.next_sequence(record)
            or record.at < chain.at
            or len(record.at) != 27
            or len(record.id) != 36
            or record.v < 1
            or self.header is None
            or self.cut is not None
        ):
            return None
        if not self._open:
            self._at_before = chain.at
        self._open.append(record)
        self._offsets.append(self._offset)
        chain.position += 1
        chain.sequences[record.scope] = record.sequence
        chain.at = record.at
        return record

    def _take(self, line: bytes) -> Line:
        """Read a line and check that it belongs here; move the chain on if it is a record's."""
        if self._line == 1 or not line.startswith(RECORD_START):
            parsed = parse_line(line)
            self._check_mark(parsed)
            return parsed
        if not has_right_crc(line):
            parse_line(line)
        record = parse_record(line)
        chain = self.chain
        if self.cut is not None:
            raise Misplaced("nothing behind the cut line", "a record", record)
        if record.position != chain.position + 1 and not (
            chain.believes and chain.known < record.position <= chain.position
        ):
            raise Misplaced(f"position {chain.position + 1}", f"position {record.position}", record)
        sequence = chain.next_sequence(record)
        if record.sequence != sequence and not (
            sequence < record.sequence <= sequence + chain.lost
        ):
            place = f"of scope {record.scope!r}"
            raise Misplaced(
                f"sequence {sequence} {place}", f"sequence {record.sequence} {place}", record
            )
        if record.at < chain.at or len(record.at) != 27:
            raise Misplaced(f"a time not before {chain.at}", record.at, record)
        if len(record.id) != 36 or record.v < 1:
            raise Misplaced(
                "an id of 36 characters and a version above 0",
                f"id {record.id} and version {record.v}",
                record,
            )
        if record.part is not None or self._part is not None:
            self._check_part(record)
        self._accept(record)
        return record

    def _accept(self, record: RecordLine) -> None:
        chain = self.chain
        if not self._open:
            self._at_before = chain.at
        self._open.append(record)
        self._offsets.append(self._offset)
        chain.position = record.position
        chain.sequences[record.scope] = record.sequence
        if record.at > chain.at:
            chain.at = record.at

    def _check_part(self, record: RecordLine) -> None:
        before = self._part
        k, n = record.part or (1, 1)
        if before is None:
            expected, fits = "the first record of a decision", k == 1 < n
        else:
            assert before.part is not None
            k_before, n_before = before.part
            expected = f"record {k_before + 1} of {n_before} of proposal {before.id}"
            fits = (k, n, record.scope, record.id) == (
                k_before + 1, n_before, before.scope, before.id
            )  # fmt: skip
        if (not fits and not self.chain.believes) or (k < n and record.commit is not None):
            raise Misplaced(expected, f"record {k} of {n} of proposal {record.id}", record)
        self._part = record if k < n else None

    def _check_mark(self, line: Line) -> None:
        chain = self.chain
        # First of all: `resume` believes what a line says that is only in the wrong place.
        if isinstance(line, CutLine) and not is_segment_name(line.cut):
            raise NotALine("a cut line that names a segment", line.cut)
        if isinstance(line, RecordLine) or (self._line == 1) != isinstance(line, HeaderLine):
            expected = "a segment's header" if self._line == 1 else "a record, cut or close line"
            raise Misplaced(expected, kind_of(line), line)
        if self.cut is not None:
            raise Misplaced("nothing behind the cut line", kind_of(line), line)
        if self._open and not chain.believes:
            raise Misplaced("the commit's next record", kind_of(line), line)
        if not line.commit:
            raise NotALine("a commit value", "none")
        if chain.believes:
            self._believe_mark(line)
        if isinstance(line, HeaderLine):
            self._check_header(line)
        elif isinstance(line, CutLine):
            name = segment_name(chain.position + 1)
            if line.cut != name:
                raise Misplaced(f"a cut line that names {name}", line.cut, line)
        elif line.close != chain.position or line.at < chain.at or len(line.at) != 27:
            expected = f"a close line at position {chain.position}, not before {chain.at}"
            raise Misplaced(expected, f"one at {line.close}, {line.at}", line)

    def _check_header(self, header: HeaderLine) -> None:
        chain = self.chain
        for member, expected in (
            ("store", chain.store),
            ("history", chain.history),
            ("segment", chain.segment + 1),
            ("first", chain.position + 1),
            ("continues", chain.value),
        ):
            found = getattr(header, member)
            if found != expected:
                raise Misplaced(
                    f"a header with {member} {expected}", f"one with {member} {found}", header
                )

    def _believe_mark(self, mark: MarkLine) -> None:
        """Take what a mark says of what came before it; never another store's."""
        chain = self.chain
        if isinstance(mark, HeaderLine):
            chain.segment, chain.position = mark.segment - 1, mark.first - 1
            chain.value = mark.continues
        elif isinstance(mark, CutLine):
            chain.position = int(mark.cut[:20]) - 1
        else:
            chain.position = mark.close

    def _close(self, line: Line, value: str, end: int) -> ClosedCommit:
        """End the open commit with its last line. A value of "" believes the line's own."""
        chain = self.chain
        if value != line.commit and not chain.believes:
            raise Misplaced(f"commit value {value}", f"{line.commit}", line)
        assert line.commit
        mark = None
        if not isinstance(line, RecordLine):
            mark = line
            self._pass(line)
        # Behind a cut line nothing follows: the next segment continues from before it.
        if not isinstance(line, CutLine):
            chain.value = line.commit
            chain.believes = False
        records, self._open = self._open, []
        offsets, self._offsets = self._offsets, []
        begin = self.closed_end
        self.last = ClosedCommit(begin, end, line.commit, records, offsets, mark)
        self.records += len(records)
        self.closed_end, self.closed_lines = end, self._line
        return self.last

    def _pass(self, mark: MarkLine) -> None:
        if isinstance(mark, HeaderLine):
            self.header = mark
            self.chain.segment = mark.segment
        elif isinstance(mark, CutLine):
            self.cut = mark
        else:
            self.chain.at = max(self.chain.at, mark.at)

    def _stop(self, error: NotALine) -> None:
        parsed = error.line if isinstance(error, Misplaced) else None
        self.problem = Problem(self._offset, self._line, error.expected, error.found, parsed)


def _begin_digest(value: str) -> _Hash:
    return blake2b(value.encode(), digest_size=16)

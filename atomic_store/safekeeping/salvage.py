"""
What can still be believed of a damaged journal: lines in, findings out. Pure.

Two things bear witness. A record's checksum says that its line is as it was written. A
commit's value says so of all lines of a commit, that they stand where they stood, and that
none is missing; it needs the value before it. A commit whose value is right is *proven*. Where
a commit holds a line that cannot be read, its other lines are believed by their checksums,
if their positions lie between what is proven around them.

If all lines of a commit can be read, follow each other, and its value is wrong all the same,
somebody has changed one of them and put right checksums on it. Which one cannot be known:
none of them is believed.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b
from typing import Any, Final, TypeAlias, final

import attrs

from ..journal.index_file import to_microseconds
from ..journal.line import (
    COMMIT_BYTES,
    CRC_BYTES,
    CloseLine,
    CutLine,
    HeaderLine,
    Line,
    NotALine,
    RecordLine,
    parse_line,
)

ENDLESS: Final = 2**63
_Hash: TypeAlias = Any  # hashlib has no public name for what it makes


@attrs.frozen
class Place:
    """Where a line lies."""

    path: str
    offset: int
    line: int
    """Its number in the file, from 1."""


@attrs.frozen
class Genuine:
    """A record that is as it was written."""

    place: Place
    record: RecordLine


@attrs.frozen
class Unreadable:
    """A line, or a stretch of bytes, that is not as it was written."""

    place: Place
    text: bytes
    expected: str
    found: str


@attrs.frozen
class Doubtful:
    """A record that can be read, and does not belong here, or may have been changed."""

    place: Place
    record: RecordLine
    why: str


@attrs.frozen
class Missing:
    """Positions of which there is no record that can be believed."""

    place: Place
    first: int
    last: int


Finding: TypeAlias = Genuine | Unreadable | Doubtful | Missing
_Taken: TypeAlias = Genuine | Unreadable
_FOREIGN: Final = "it is in a segment of another store, or of another history of this one"
_FORKED: Final = "its segment goes on from another commit than the one before it"
_CHANGED: Final = (
    "the value of its commit is wrong, though each line has a right checksum: somebody has "
    "changed at least one of them"
)


@final
@attrs.define(eq=False)
class Salvage:
    """
    Takes the lines of a journal, segment by segment, and gives what it finds, in order.

    Args:
      store, history: whose journal it is; None if nothing tells.
    """

    store: str | None
    history: str | None
    last: int = 0
    """The last position that is accounted for."""
    claimed: int = 0
    """The highest position of which a line says that there is a record."""
    closed_end: int = 0
    """In the segment: where the last line ends that closes a commit."""
    cut: str | None = None
    """In the segment: the file that the cut line names, if there is one."""
    # Invariant: the value that the next commit continues from; None if it can't be known.
    _value: str | None = None
    _digest: _Hash = None
    # The lines of the commit that is not closed, and of those before it that are not proven.
    _group: list[_Taken] = attrs.Factory(list)
    _run: list[_Taken] = attrs.Factory(list)
    # Why no record of the segment counts, if so.
    _refused: str | None = None
    # The last line of the segment is a cut line, and all is known up to there.
    _is_cut: bool = False

    def take(self, place: Place, line: bytes) -> Iterator[Finding]:
        """Take a segment's next line, without its newline."""
        end = place.offset + len(line) + 1
        try:
            parsed = parse_line(line)
            if isinstance(parsed, RecordLine):
                _check(parsed)
            elif isinstance(parsed, HeaderLine) != (place.line == 1):
                raise NotALine("a segment's header first, and only there", "another line")
        except NotALine as error:
            found: _Taken = Unreadable(place, line, error.expected, error.found)
            self._group.append(found)
            self._digest = None
            return
        if isinstance(parsed, RecordLine):
            self._group.append(Genuine(place, parsed))
        elif isinstance(parsed, HeaderLine):
            self._begin(parsed)
            self.closed_end = end
            return
        if not parsed.commit:
            if self._digest is not None:
                self._digest.update(line + b"\n")
            return
        is_proven = self._proves(line, parsed.commit)
        self.closed_end = end
        yield from self._close(parsed, is_proven=is_proven)
        if isinstance(parsed, CutLine):
            self._claim(int(parsed.cut[:20]) - 1)
            self.cut = parsed.cut
            # The next segment continues from before it.
            self._is_cut = is_proven is True
            return
        if isinstance(parsed, CloseLine):
            self._claim(parsed.close)
        self._go_on_from(parsed.commit)

    def begin_segment(self) -> None:
        """Have the lines of the next segment follow."""
        self._refused, self.closed_end, self._is_cut, self.cut = None, 0, False, None
        # Its commits continue from its header, if that can be read.
        self._digest = None

    def end_segment(self, next_first: int | None) -> Iterator[Finding]:
        """
        Have all lines of a segment behind it.

        Args:
          next_first: the first position of the segment that follows, by its name.
        """
        if self._group or not self._is_cut or self._refused is not None:
            self._value = None
        self._run += self._group
        self._group = []
        yield from self._flush(ENDLESS if next_first is None else next_first)

    @property
    def was_refused(self) -> bool:
        """Whether no record of the segment counted, because it is not of this journal."""
        return self._refused is not None

    def drop_tail(self) -> int:
        """Forget what follows the last commit: it was never finished. Gives how many lines."""
        dropped, self._group = len(self._group), []
        return dropped

    # --- commits ----------------------------------------------------------------------------

    def _begin(self, header: HeaderLine) -> None:
        if self.store is not None and (header.store, header.history) != (self.store, self.history):
            self._refused = _FOREIGN
        elif self._value not in (None, header.continues) and header.first == self.last + 1:
            self._refused = _FORKED
        self._claim(header.first - 1)
        self._go_on_from(header.commit)

    def _claim(self, position: int) -> None:
        if self._refused is None:
            self.claimed = max(self.claimed, position)

    def _go_on_from(self, value: str | None) -> None:
        self._value = value
        self._digest = None if value is None else blake2b(value.encode(), digest_size=16)

    def _proves(self, line: bytes, value: str) -> bool | None:
        """Whether a commit's value is right; None if that cannot be known."""
        if self._digest is None:
            return None
        self._digest.update(line[: -COMMIT_BYTES - CRC_BYTES])
        return bool(self._digest.hexdigest() == value)

    def _close(self, line: Line, *, is_proven: bool | None) -> Iterator[Finding]:
        group, self._group = self._group, []
        records = [found.record for found in group if isinstance(found, Genuine)]
        if not group:
            return
        if self._refused is not None or (is_proven and records):
            yield from self._flush(records[0].position if records else ENDLESS)
            self._run = group
            yield from self._flush(ENDLESS)
            return
        # Marks are commits by themselves: before one, the line is missing that closed the records.
        is_closed = isinstance(line, RecordLine)
        if is_proven is False and is_closed and self._follow_each_other(records):
            yield from self._flush(records[0].position)
            yield from (Doubtful(found.place, found.record, _CHANGED)
                        for found in group if isinstance(found, Genuine))  # fmt: skip
            self.last = records[-1].position
            return
        self._run += group

    def _follow_each_other(self, records: list[RecordLine]) -> bool:
        """Whether records follow each other, and what comes before them."""
        before = self.last
        for found in self._run:
            if isinstance(found, Genuine):
                before = found.record.position
        return bool(records) and all(r.position == before + k for k, r in enumerate(records, 1))

    def _flush(self, end: int) -> Iterator[Finding]:
        """Tell of the lines that wait, of which no record may lie at `end` or behind."""
        run, self._run = self._run, []
        for found in run:
            if isinstance(found, Unreadable):
                yield found
                continue
            record = found.record
            if self._refused is not None:
                yield Doubtful(found.place, record, self._refused)
            elif not self.last < record.position < end:
                why = f"it has position {record.position}, where one above {self.last} belongs"
                yield Doubtful(found.place, record, why)
            else:
                if record.position > self.last + 1:
                    yield Missing(found.place, self.last + 1, record.position - 1)
                self.last = record.position
                yield found


def _check(record: RecordLine) -> None:
    """Refuse what no journal writes, whatever its checksum says."""
    if len(record.id) != 36 or record.v < 1 or record.sequence < 1 or record.position < 1:
        raise NotALine("a record as the journal writes it", "one with an odd id or number")
    try:
        to_microseconds(record.at)
    except ValueError as error:
        raise NotALine("a record's time", record.at) from error

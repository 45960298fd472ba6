"""What scanning a journal knows and gives: the chain, its commits, and problems. Pure."""

from __future__ import annotations

from typing import final

import attrs

from .layout import segment_name
from .line import (
    CutLine,
    HeaderLine,
    Line,
    MarkLine,
    NotALine,
    RecordLine,
    first_value,
    next_value,
)


class Misplaced(NotALine):
    """A line that can be read and is not the one that belongs here."""

    def __init__(self, expected: str, found: str, line: Line) -> None:
        super().__init__(expected, found)
        self.line = line


def kind_of(line: Line) -> str:
    """Say what a line is, for a message."""
    if isinstance(line, RecordLine):
        return "a record"
    if isinstance(line, HeaderLine):
        return "a segment's header"
    return "a cut line" if isinstance(line, CutLine) else "a close line"


@attrs.frozen
class Problem:
    """A place where something else lies than the journal writes."""

    offset: int
    line: int
    """The line's number in the segment, from 1."""
    expected: str
    found: str
    parsed: Line | None = None
    """The line itself, where it can be read and is only in the wrong place."""


@final
@attrs.define(eq=False)
class ClosedCommit:
    """A commit that is whole: its value stands for all bytes up to its end."""

    offset: int
    end: int
    value: str
    records: list[RecordLine]
    offsets: list[int]
    """Where each record's line begins."""
    mark: MarkLine | None = None
    """What it is instead, if it is a commit of no records."""


@final
@attrs.define(eq=False)
class Chain:
    """What continues through all segments."""

    store: str
    history: str
    segment: int = 0
    """The number of the segment last begun."""
    position: int = 0
    value: str = attrs.field(
        default=attrs.Factory(lambda self: first_value(self.store), takes_self=True)
    )
    at: str = ""
    sequences: dict[str, int] = attrs.Factory(dict)
    """Each scope's last sequence."""
    knows_all_scopes: bool = True
    """False: what came before was not read, and a scope may begin with any sequence."""
    lost: int = 0
    """How many records were not seen: a sequence may jump by as many."""
    known: int = 0
    """The last position that was seen; `position` counts lines that can't be read, too."""
    believes: bool = False
    """What came last is not known: what the next line says of it is believed."""

    def next_sequence(self, record: RecordLine) -> int:
        """The sequence that a record must have."""
        last = self.sequences.get(record.scope)
        if last is None:
            return 1 if self.knows_all_scopes else record.sequence
        return last + 1

    def next_cut(self) -> tuple[bytes, str]:
        """Give the body of the cut line that ends a segment here, and its commit value."""
        # A cut line has nothing in it but what the chain knows: a crash in the middle
        # of writing it is repaired by writing the same bytes again.
        body = b'{"cut":"%b"' % segment_name(self.position + 1).encode()
        return body, next_value(self.value, body)

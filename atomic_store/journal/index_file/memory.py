"""What an index file will say, looked up while its records are still in memory."""

from __future__ import annotations

from heapq import nsmallest
from typing import final

import attrs

from .contents import Before, Contents, Entry, not_settled
from .layout import Facts
from .moments import to_microseconds, to_text
from .read import Span


@final
@attrs.define(eq=False)
class MemoryIndex:
    """
    The records of a run of commits, of which there is no index file yet. Grows at its end.

    Records may be left out, to be read again and added when somebody asks: whoever only
    follows a journal never does.

    Args:
      segment: the segment's number.
      segment_first: the segment's first position.
      first: the position that its first record has, or will have.
      end: an offset: behind the last commit that it covers.
      commit: that commit's value.
    """

    segment: int
    segment_first: int
    first: int
    end: int
    commit: str
    begin: int = attrs.field(init=False)
    contents: Contents = attrs.field(init=False)
    """What is known of all records but those that were left out."""
    left_out: dict[str, int] = attrs.field(init=False, factory=dict)
    """The scopes of those, with their last sequences."""
    # How many records it covers. Invariant: those that were left out are the last ones.
    _count: int = attrs.field(init=False, default=0)
    # Where what `contents` has ends, if nothing was added since.
    _contents_end: int = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.begin = self._contents_end = self.end
        self.contents = Contents(self.first)

    @property
    def last(self) -> int:
        """The last covered position; the one before `first` if nothing is covered."""
        return self.first + self._count - 1

    def add(self, entry: Entry, before: Before) -> None:
        """Take the next record; `close` is to be called once its commit is whole."""
        self.contents.add(entry, before)
        self._count += 1

    def close(self, end: int, commit: str) -> None:
        """Take a commit as whole, whose records were added or left out."""
        self.end, self.commit = end, commit
        if not self.left_out:
            self._contents_end = end

    # --- leaving records out --------------------------------------------------------

    def leave_out(self, scope: str, sequence: int, at: str) -> None:
        """
        Only count the next record.

        Raises:
          ValueError: its time is none.
        """
        to_microseconds(at)
        self.left_out[scope] = sequence
        self._count += 1

    @property
    def begin_of_left_out(self) -> int:
        """An offset at or before the first record that was left out, at a line's beginning."""
        offsets = self.contents.offsets
        return offsets[-1] if offsets else self.begin

    def add_left_out(self, entry: Entry, position: int) -> None:
        """
        Take a record that was left out and is read again; one that is known is passed by.

        Raises:
          ValueError: this is another one.
        """
        following = self.first + self.contents.count
        if position == following - 1:
            return
        if position != following or position > self.last:
            raise ValueError(f"expected record {following} of {self.last}, found {position}")
        known = self.contents.scopes.get(entry.scope)
        sequence = known and known.first_sequence + len(known.ordinals)
        if sequence is not None and entry.sequence != sequence:
            raise ValueError(f"expected sequence {sequence}, found {entry.sequence}")
        self.contents.add(entry, not_settled)

    @property
    def has_all(self) -> bool:
        """Whether no record is missing in `contents`."""
        return self.contents.count == self._count

    def nothing_left_out(self) -> None:
        """Say that all records have been read again."""
        assert self.has_all
        self._contents_end = self.end
        self.left_out.clear()

    def facts(self, store: str, history: str) -> Facts:
        """What an index file of it is about."""
        return Facts(
            store, history, self.segment, self.segment_first,
            self.first, self.begin, self.end, self.commit,
        )  # fmt: skip

    def following(self) -> MemoryIndex:
        """An empty one for what follows in the same segment."""
        return MemoryIndex(self.segment, self.segment_first, self.last + 1, self.end, self.commit)

    # --- looking up, as in an IndexReader -------------------------------------------

    def extent(self, position: int) -> tuple[int, int]:
        """Say between which offsets the record at a position lies; others may follow it."""
        # First of all: if records are added meanwhile, the next one's offset is the end.
        end = self._contents_end
        offsets = self.contents.offsets
        k = position - self.first
        return offsets[k], offsets[k + 1] if k + 1 < len(offsets) else end

    def scope(self, scope: str) -> Span | None:
        """Say what is here of a scope; None if nothing."""
        found = self.contents.scopes.get(scope)
        if found is None:
            return None
        last = self.first + found.ordinals[-1]
        count = len(found.ordinals)
        return Span(scope, found.first_sequence, count, last, to_text(found.at), found.before, 0)

    def scopes(self, prefix: str, after: str | None, limit: int) -> list[Span]:
        """Give some scopes, ordered by code point."""
        names = (
            name
            for name in self.contents.scopes
            if name.startswith(prefix) and (after is None or name > after)
        )
        return [span for name in nsmallest(limit, names) if (span := self.scope(name))]

    def positions(self, span: Span, first: int, last: int) -> list[int]:
        """Give positions of a scope's records by sequence, both included, rising."""
        begin = max(0, first - span.first_sequence)
        end = min(span.count, last - span.first_sequence + 1)
        ordinals = self.contents.scopes[span.scope].ordinals
        return [self.first + ordinal for ordinal in ordinals[begin : max(begin, end)]]

    def find_id(self, scope: str, proposal_id: str) -> tuple[int, ...]:
        """Give positions of which one may be the first of this proposal's records."""
        found = self.contents.find_id(scope, proposal_id)
        return tuple(self.first + ordinal for ordinal in found)

"""What an index file will say, looked up while its records are still in memory."""

from __future__ import annotations

from heapq import nsmallest
from typing import final

import attrs

from .contents import Before, Contents, Entry
from .layout import Facts
from .moments import to_text
from .read import Span


@final
@attrs.define(eq=False)
class MemoryIndex:
    """
    The records of a run of commits, of which there is no index file yet. Grows at its end.

    Args:
      segment: the segment's number.
      segment_first: the segment's first position.
      first: the position that its first record has, or will have.
      end: an offset: behind the last commit that it covers.
      commit: that commit's value.
      hashes_late: hash proposals' ids only when somebody asks for one, or a file is made.
    """

    segment: int
    segment_first: int
    first: int
    end: int
    commit: str
    hashes_late: bool = False
    begin: int = attrs.field(init=False)
    contents: Contents = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.begin = self.end
        self.contents = Contents(self.first, hashes_late=self.hashes_late)

    @property
    def last(self) -> int:
        """The last covered position; the one before `first` if nothing is covered."""
        return self.first + self.contents.count - 1

    def add(self, entry: Entry, before: Before) -> None:
        """Take the next record; `end` and `commit` are to be set once its commit is whole."""
        self.contents.add(entry, before)

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
        end = self.end
        offsets = self.contents.offsets
        k = position - self.first
        return offsets[k], offsets[k + 1] if k + 1 < len(offsets) else end

    def scope(self, scope: str) -> Span | None:
        """Say what is here of a scope; None if nothing."""
        found = self.contents.scopes.get(scope)
        if found is None or not found.ordinals:
            # Another thread is just adding its first record.
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

"""
Where records lie, in memory: built while a journal is opened, and kept up by commits.

Pure: it knows of offsets, not of files.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from typing import final

import attrs


@final
@attrs.define(eq=False)
class ScopeIndex:
    """Where one scope's records are."""

    scope: str
    appended: int = 0
    """The last sequence given away: of a durable record, or of one on its way to the disk."""
    at: str = ""
    """The last durable record's time."""
    # Invariant: positions[n - 1] is that of the durable record with sequence n.
    positions: array[int] = attrs.Factory(lambda: array("Q"))


@final
@attrs.define(eq=False)
class Index:
    """
    Where every durable record is.

    Not for several threads at once; `scopes` and the arrays may be read in another
    thread up to a length that was taken here.
    """

    scopes: dict[str, ScopeIndex] = attrs.Factory(dict)
    # Invariant: offsets[p - 1] is where in its segment the record at position p begins.
    offsets: array[int] = attrs.Factory(lambda: array("Q"))
    firsts: list[int] = attrs.Factory(list)
    """Each segment's first position, in order."""
    ends: list[int] = attrs.Factory(list)
    """Where each segment's last commit of records ends."""
    _firsts_of_ids: dict[int, int | tuple[int, ...]] = attrs.Factory(dict)
    # Invariant: the scopes that have durable records are these two together.
    _names: list[str] = attrs.Factory(list)
    _new_names: list[str] = attrs.Factory(list)

    @property
    def count(self) -> int:
        """How many durable records there are: the last one's position."""
        return len(self.offsets)

    def begin_segment(self, first: int) -> None:
        """Add a segment behind the others: what is added from now on lies in it."""
        self.firsts.append(first)
        self.ends.append(0)

    def add(
        self, position: int, scope: str, proposal_id: str, at: str, k: int, offset: int
    ) -> None:
        """
        Add the next durable record.

        Args:
          k: its place in its decision, from 1.
          offset: where its line begins in the last segment.
        """
        entry = self.scopes.get(scope)
        if entry is None:
            entry = self.scopes[scope] = ScopeIndex(scope)
        positions = entry.positions
        if not positions:
            self._new_names.append(scope)
        self.offsets.append(offset)
        positions.append(position)
        entry.at = at
        if k == 1:
            # A hash is a third of the size of what it stands for. Whoever looks one up
            # reads the record, so two ids with one hash cost a reading, no more.
            key = hash((scope, proposal_id))
            before = self._firsts_of_ids.setdefault(key, position)
            if before is not position:
                known = before if isinstance(before, tuple) else (before,)
                self._firsts_of_ids[key] = (*known, position)

    def candidates(self, scope: str, proposal_id: str) -> tuple[int, ...]:
        """Positions of which one may be the first of this proposal's records."""
        found = self._firsts_of_ids.get(hash((scope, proposal_id)), ())
        return found if isinstance(found, tuple) else (found,)

    def segment_of(self, position: int) -> int:
        """Which segment, from 0, holds this position."""
        return bisect_right(self.firsts, position) - 1

    def positions(
        self, scope: str, first: int, last: int | None, limit: int | None, *, reverse: bool
    ) -> list[int]:
        """Positions of a scope's records by sequence, both bounds included."""
        entry = self.scopes.get(scope)
        if entry is None:
            return []
        begin = max(first, 1) - 1
        end = len(entry.positions) if last is None else max(0, min(last, len(entry.positions)))
        if begin >= end or (limit is not None and limit <= 0):
            return []
        if limit is not None and limit < end - begin:
            begin, end = (end - limit, end) if reverse else (begin, begin + limit)
        found = entry.positions[begin:end].tolist()
        if reverse:
            found.reverse()
        return found

    def names(self, prefix: str, after: str | None, limit: int) -> list[str]:
        """A page of the scopes that have records, ordered by code point."""
        if self._new_names:
            self._names += self._new_names
            self._new_names.clear()
            self._names.sort()
        names = self._names
        begin = bisect_left(names, prefix)
        if after is not None:
            begin = max(begin, bisect_right(names, after))
        return list(_while_prefix(names[begin : begin + max(0, limit)], prefix))


def _while_prefix(names: Iterable[str], prefix: str) -> Iterable[str]:
    for name in names:
        if not name.startswith(prefix):
            return
        yield name

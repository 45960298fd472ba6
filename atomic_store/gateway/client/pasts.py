"""
The pasts of scopes that a client holds, so that only what is new need travel.

A past is a list that only ever grows, and whoever decides sees the first so many of it. So
rounds of one scope share a list, and none of them copies it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, final

import attrs

from ...errors import shown
from ...journal.record import size_of
from ...records import Record

RECORD_BYTES = 500
"""What a record takes in memory beside its data, about."""


@final
@attrs.define(eq=False)
class Past:
    """A scope's records from the first one on, as far as they are held."""

    # Invariant: the k-th has the sequence k; nobody changes or removes one.
    records: list[Record[Any]] = attrs.Factory(list)
    bytes: int = 0

    def _extend(self, records: Sequence[Record[Any]]) -> None:
        self.records.extend(records)
        self.bytes += sum(size_of(record._stored) + RECORD_BYTES for record in records)


@final
@attrs.frozen
class View:
    """The first so many records of a past: what one round sees."""

    past: Past = attrs.Factory(Past)
    count: int = 0

    @property
    def last_id(self) -> str | None:
        """The last record's proposal; None if there is none."""
        return self.past.records[self.count - 1]._stored.id if self.count else None

    def followed_by(self, page: Sequence[Record[Any]]) -> View:
        """
        Give a view of these records and of the ones that follow them.

        The list is shared with whoever else has seen the same: it grows in place, if
        what it has behind these records is what the page says.
        """
        held = self.past.records
        beyond = len(held) - self.count
        ahead = zip(held[self.count :], page, strict=False)
        if any(one._stored != other._stored for one, other in ahead):
            other = Past()
            other._extend(held[: self.count])
            other._extend(page)
            return View(other, self.count + len(page))
        self.past._extend(page[beyond:])
        return View(self.past, self.count + len(page))


@final
@attrs.define(eq=False)
class Pasts:
    """
    Pasts by scope; those that were not used for longest go first.

    Args:
      bytes_max: how much may be held. Pasts that are looked at just now are held by who
        does so, and count when they come back.
    """

    bytes_max: int
    bytes: int = attrs.field(default=0, init=False)
    # With the size that each was counted with: it may have grown since.
    _held: OrderedDict[str, tuple[Past, int]] = attrs.field(factory=OrderedDict, init=False)

    def get(self, scope: str) -> View:
        """What is held of a scope; an empty one if nothing is."""
        found = self._held.get(scope)
        if found is None:
            return View()
        self._held.move_to_end(scope)
        past, _ = found
        return View(past, len(past.records))

    def put(self, scope: str, past: Past) -> None:
        """Hold a past, in the place of what was held of its scope."""
        _, before = self._held.pop(scope, (None, 0))
        self._held[scope] = (past, past.bytes)
        self.bytes += past.bytes - before
        while self.bytes > self.bytes_max:
            _, (_, size) = self._held.popitem(last=False)
            self.bytes -= size

    def clear(self) -> None:
        """Hold nothing: what was held is another history's."""
        self._held.clear()
        self.bytes = 0


def check_page(page: Sequence[Record[Any]], scope: str, after: int, through: int) -> None:
    """
    Check that a page is what lies in a scope from behind one sequence to another.

    Raises:
      ValueError: it is not.
    """
    expected = range(after + 1, through + 1)
    if [record.sequence for record in page] != list(expected):
        found = [record.sequence for record in page[:3]]
        raise ValueError(
            f"past of {shown(scope)}: expected the sequences {after + 1} to {through}, "
            f"found {len(page)} records, beginning with {found}"
        )
    for record in page:
        if record.scope != scope:
            raise ValueError(
                f"past of {shown(scope)}: expected its records, found one of {shown(record.scope)}"
            )

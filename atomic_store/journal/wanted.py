"""Which records a reader wants, and what it gets: a page at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

import attrs

from .record import StoredRecord

if TYPE_CHECKING:
    # Filters look at the journal's records: importing them here goes round in a ring.
    from ..filter import Filter  # noqa: TC004


@final
@attrs.frozen(kw_only=True)
class Wanted:
    """Which records are wanted, and in which order; without arguments, all of them."""

    first: int = 1
    """The first position that may be one."""
    last: int | None = None
    """The last position; None for the journal's last durable record."""
    since: str | None = None
    """No record before this time, written as records have it."""
    until: str | None = None
    """No record after this time."""
    scope: str | None = None
    """Only this scope's; None for those of all."""
    prefix: str = ""
    """Only those of scopes whose names begin so."""
    where: Filter | None = None
    """Only those that match."""
    reverse: bool = False
    """The last one first."""

    def matches(self, record: StoredRecord) -> bool:
        """
        Tell whether a record is wanted.

        Raises:
          InvalidEvent: the filter had to decode it, and it is not JSON text.
        """
        return (
            (self.scope is None or record.scope == self.scope)
            and record.position >= self.first
            and (self.last is None or record.position <= self.last)
            and (not self.prefix or record.scope.startswith(self.prefix))
            and (self.since is None or record.at >= self.since)
            and (self.until is None or record.at <= self.until)
            and (self.where is None or self.where.matches(record))
        )

    def going_on_at(self, position: int) -> Wanted:
        """The rest of it, from a position on: upwards, or downwards if reversed."""
        if self.reverse:
            return attrs.evolve(self, last=position)
        return attrs.evolve(self, first=position)


@final
@attrs.frozen
class Page:
    """Some of the records that are wanted, in the order that was asked for."""

    records: list[StoredRecord]
    """All of them that lie before `next`; maybe none, though there are more."""
    next: int | None
    """The position at which to go on; None if nothing is left."""

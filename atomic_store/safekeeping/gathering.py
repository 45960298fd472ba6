"""Records one after the other, gathered to decisions; each must belong behind those before."""

from __future__ import annotations

from typing import final

import attrs

from ..errors import shown
from ..journal.record import StoredRecord
from .lines import NotExported


@final
@attrs.define(eq=False)
class Gathering:
    """Takes records in their order, and gives decisions, each when it is whole."""

    sequences: dict[str, int] = attrs.Factory(dict)
    """Each scope's last sequence."""
    at: str = ""
    """The last record's time."""
    # Invariant: the records of a decision of which more are to come.
    _open: list[StoredRecord] = attrs.Factory(list)

    def take(self, record: StoredRecord) -> list[StoredRecord] | None:
        """
        Take the next record.

        Returns:
          The decision that it completes; None if more of it is to come.

        Raises:
          NotExported: it does not belong here; nothing has changed.
        """
        last = self.sequences.get(record.scope, 0)
        if record.sequence != last + 1:
            place = f"of scope {shown(record.scope)}"
            raise NotExported(f"sequence {last + 1} {place}", f"sequence {record.sequence}")
        if record.at < self.at:
            raise NotExported(f"a time not before {self.at}", record.at)
        self._check_part(record)
        self.sequences[record.scope] = record.sequence
        self.at = record.at
        self._open.append(record)
        if record.part is not None and record.part[0] < record.part[1]:
            return None
        decision, self._open = self._open, []
        return decision

    def finish(self) -> None:
        """
        See that no decision has begun and not ended.

        Raises:
          NotExported: one has.
        """
        if self._open:
            raise NotExported(self._next_part(), "the end")

    def _check_part(self, record: StoredRecord) -> None:
        k, n = record.part or (1, 1)
        if not self._open:
            if k != 1:
                raise NotExported("the first record of a decision", f"record {k} of {n}")
            return
        first = self._open[0]
        assert first.part is not None
        if (record.scope, record.id, k, n) != (
            first.scope, first.id, len(self._open) + 1, first.part[1]
        ):  # fmt: skip
            found = f"record {k} of {n} of proposal {record.id}"
            raise NotExported(self._next_part(), found)

    def _next_part(self) -> str:
        first = self._open[0]
        assert first.part is not None
        return f"record {len(self._open) + 1} of {first.part[1]} of proposal {first.id}"

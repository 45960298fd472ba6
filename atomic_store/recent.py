"""The proposal ids that a scope admitted of late, for those who looked before that."""

from __future__ import annotations

from collections import deque
from typing import Any, TypeAlias, final

import attrs

from .records import Record

Admitted: TypeAlias = tuple[Record[Any], ...]

IDS_KEPT = 256
"""Fewer than this are kept, needed or not: looking costs more than keeping."""
FORGOTTEN_AT_ONCE = 4
"""How many are forgotten at a time: where hundreds of scopes keep pace, all come to it at once."""


@final
@attrs.define(eq=False)
class RecentIds:
    """
    Proposals admitted in a scope behind some position, by id.

    A proposal with an id of its own is looked up in the journal before it waits, and
    once more before its round opens: what was admitted in between is all that can
    have changed, and it is here. `forget` keeps it small. Pure.
    """

    _by_id: dict[str, Admitted] = attrs.Factory(dict)
    # Invariant: the ids of _by_id in the order of position.
    _order: deque[tuple[int, str]] = attrs.Factory(deque)

    def __len__(self) -> int:
        return len(self._order)

    def add(self, proposal_id: str, records: Admitted) -> None:
        """Remember an admission; positions rise from call to call."""
        assert not self._order or self._order[-1][0] < records[0].position
        self._by_id[proposal_id] = records
        self._order.append((records[0].position, proposal_id))

    def get(self, proposal_id: str) -> Admitted | None:
        """The records of an admission that is still remembered here."""
        return self._by_id.get(proposal_id)

    def forget(self, position: int, count: int = FORGOTTEN_AT_ONCE) -> bool:
        """
        Forget what was admitted up to a position: everybody finds it in the journal.

        Args:
          count: no more is forgotten now, so that no call takes long.

        Returns:
          Whether there is more to forget.
        """
        order = self._order
        while order and order[0][0] <= position:
            if not count:
                return True
            count -= 1
            del self._by_id[order.popleft()[1]]
        return False

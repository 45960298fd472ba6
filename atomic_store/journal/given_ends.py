"""Where scopes end that are appended to: what is not yet durable included. Pure."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final, final

import attrs
import msgspec

from . import ScopeEnd

ENDS_KEPT: Final = 131_072
"""So many scopes may be used between two records of one whose end is still known here."""


class GivenEnd(msgspec.Struct, frozen=True, gc=False):
    """The last place in a scope that was given away."""

    sequence: int
    position: int


@final
@attrs.define(eq=False)
class GivenEnds:
    """The ends of the scopes that were used last; more than `ENDS_KEPT` while they are needed."""

    # Invariant: the one used last is the last; all that are not yet durable are here.
    _ends: OrderedDict[str, GivenEnd] = attrs.field(factory=OrderedDict, init=False)
    forgotten: int = attrs.field(default=0, init=False)
    """How many ends were forgotten so far."""

    def __len__(self) -> int:
        return len(self._ends)

    def get(self, scope: str) -> GivenEnd | None:
        """Say where a scope ends, if that is known."""
        return self._ends.get(scope)

    def put(self, scope: str, end: GivenEnd, durable: int) -> None:
        """
        Take a scope's new end.

        Args:
          durable: the last position that is durable; ends up to it are found elsewhere.
        """
        ends = self._ends
        ends[scope] = end
        ends.move_to_end(scope)
        while len(ends) > ENDS_KEPT:
            oldest = next(iter(ends))
            if ends[oldest].position > durable:
                break
            del ends[oldest]
            self.forgotten += 1

    def learn(self, end: ScopeEnd, forgotten: int, durable: int) -> None:
        """
        Take a scope's end that was read.

        Args:
          forgotten: what it was when reading began; the end may be an old one if it moved.
          durable: as in `put`.
        """
        if end.scope not in self._ends and forgotten == self.forgotten:
            self.put(end.scope, GivenEnd(end.sequence, end.position), durable)

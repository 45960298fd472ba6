"""Which proposals have come already, at eight bytes each. Pure."""

from __future__ import annotations

from array import array
from itertools import pairwise
from typing import Final, final

import attrs

_BUCKETS: Final = 256


@final
@attrs.define(eq=False)
class ProposalsSeen:
    """Remembers the keys of proposals, 64 bits each, and tells at the end which came twice."""

    # A set would take ten times as much. Buckets, so that only a part is sorted at a time.
    _buckets: list[array[int]] = attrs.Factory(lambda: [array("Q") for _ in range(_BUCKETS)])

    def add(self, key: int) -> None:
        """Remember a key."""
        self._buckets[key % _BUCKETS].append(key)

    def doubled(self) -> set[int]:
        """The keys that were added more than once: of one proposal, or by chance of two."""
        found: set[int] = set()
        for bucket in self._buckets:
            if len(set(bucket)) < len(bucket):
                keys = sorted(bucket)
                found.update(a for a, b in pairwise(keys) if a == b)
        return found

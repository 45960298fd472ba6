"""What an index file will say, while it is collected: record by record, or piece by piece."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator
from heapq import merge
from typing import TypeAlias, final

import attrs
import msgspec

from .hashes import Digest, HashBuckets, correlation_hashes, digest_of, id_hash, scope_half
from .layout import TIMES_EVERY
from .moments import to_microseconds

Before: TypeAlias = Callable[[str], int]
"""Gives the position of a scope's last record before all that a file covers, 0 if none."""

SORTED_AT_ONCE = 4096
ID_BYTES = 36
"""A proposal's id is a UUID's text, but for what others have written."""
NOT_SETTLED = -1
"""The position before, of a scope of which nobody has looked for it yet."""


def not_settled(scope: str) -> int:
    """A `Before` that leaves it to `Contents.settle`: asking for each takes its time."""
    return NOT_SETTLED


class Entry(msgspec.Struct, frozen=True, gc=False):
    """What of a record goes into an index."""

    offset: int
    """Where its line begins in the segment."""
    scope: str
    sequence: int
    id: str
    at: str
    k: int = 1
    """Its place in its decision, from 1."""
    metadata: bytes | None = None
    """As the record has it: JSON."""


class ScopeContents(msgspec.Struct, gc=False):
    """What a file will say of one scope."""

    first_sequence: int
    before: int
    half: int
    """The scope's part in the hashes of its ids, if there are records to come."""
    at: int
    ordinals: array[int]


@final
@attrs.define(eq=False)
class Contents:
    """
    Collects what a file will say.

    Args:
      first: the first position that it covers.
      hashes_late: hash ids when `ids` is asked for, not when records are added. That is
        two fifths of adding them, and whoever only follows a journal asks for none.
    """

    first: int
    _digest: Digest = digest_of
    hashes_late: bool = attrs.field(default=False, kw_only=True)
    first_at: int = attrs.field(init=False, default=0)
    last_at: int = attrs.field(init=False, default=0)
    # Invariant: offsets[k] is that of the record at position first + k, in its segment.
    offsets: array[int] = attrs.field(init=False, factory=lambda: array("Q"))
    # Invariant: of the positions that are multiples of TIMES_EVERY, and of no others.
    times: array[int] = attrs.field(init=False, factory=lambda: array("q"))
    scopes: dict[str, ScopeContents] = attrs.field(init=False, factory=dict)
    _ids: HashBuckets = attrs.field(init=False, factory=HashBuckets)
    # Of the ids that are not hashed yet: 36 bytes each, with its scope's half and its ordinal.
    _late: bytearray = attrs.field(init=False, factory=bytearray)
    _late_halves: array[int] = attrs.field(init=False, factory=lambda: array("I"))
    _late_ordinals: array[int] = attrs.field(init=False, factory=lambda: array("I"))
    correlations: HashBuckets = attrs.field(init=False, factory=HashBuckets)

    @property
    def count(self) -> int:
        """How many records there are."""
        return len(self.offsets)

    def add(self, entry: Entry, before: Before) -> None:
        """
        Take the next record.

        Raises:
          ValueError: its time is none; nothing was taken.
        """
        at = to_microseconds(entry.at)
        ordinal = self.count
        name = entry.scope
        scope = self.scopes.get(name) or self.begin_scope(
            name, entry.sequence, before(name), scope_half(name, self._digest)
        )
        assert entry.sequence == scope.first_sequence + len(scope.ordinals)
        if not ordinal:
            self.first_at = at
        self.last_at = scope.at = at
        self.offsets.append(entry.offset)
        scope.ordinals.append(ordinal)
        if (self.first + ordinal) % TIMES_EVERY == 0:
            self.times.append(at)
        if entry.k == 1:
            self._add_id(scope.half, entry.id, ordinal)
        if entry.metadata is not None:
            for found in correlation_hashes(entry.metadata, self._digest):
                self.correlations.add(found, ordinal)

    def _add_id(self, half: int, proposal_id: str, ordinal: int) -> None:
        if self.hashes_late:
            data = proposal_id.encode()
            if len(data) == ID_BYTES:
                self._late_halves.append(half)
                self._late_ordinals.append(ordinal)
                self._late += data
                return
        self._ids.add(id_hash(half, proposal_id, self._digest), ordinal)

    @property
    def ids(self) -> HashBuckets:
        """The hashes of all proposals' ids; those that are late are made now."""
        self.hash_late()
        return self._ids

    def hash_late(self) -> None:
        """Make the hashes that are late. Not while another thread does, or adds records."""
        count = self.late_hashes
        for k in range(count):
            data = bytes(self._late[k * ID_BYTES : (k + 1) * ID_BYTES])
            self._ids.add(self._digest(data) ^ self._late_halves[k], self._late_ordinals[k])
        if count:
            del self._late[: count * ID_BYTES]
            del self._late_halves[:count]
            del self._late_ordinals[:count]

    @property
    def late_hashes(self) -> int:
        """How many ids are not hashed yet."""
        return len(self._late) // ID_BYTES

    def settle(self, before: Before) -> None:
        """Find out what was left open by `not_settled` when scopes were met."""
        for name, scope in self.scopes.items():
            if scope.before == NOT_SETTLED:
                scope.before = before(name) if scope.first_sequence > 1 else 0

    def find_id(self, scope: str, proposal_id: str) -> list[int]:
        """Give the ordinals of records that may be the first of this proposal's."""
        known = self.scopes.get(scope)
        if known is None:
            return []
        return self.ids.ordinals(id_hash(known.half, proposal_id, self._digest))

    def begin_scope(
        self, name: str, first_sequence: int, before: int, half: int = 0
    ) -> ScopeContents:
        """Take a scope that was not met before; its records are to be added."""
        scope = self.scopes[name] = ScopeContents(first_sequence, before, half, 0, array("I"))
        return scope

    def sorted_names(self) -> Iterator[str]:
        """Give the scopes' names, ordered by code point."""
        names = list(self.scopes)
        # Sorting holds the GIL: not all at once.
        blocks = (names[k : k + SORTED_AT_ONCE] for k in range(0, len(names), SORTED_AT_ONCE))
        return merge(*map(sorted, blocks))

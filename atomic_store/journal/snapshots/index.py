"""
Where each scope's snapshots are in the log: its two newest, for each version of the fold.

Pure, and compact, because there may be millions: a hash table in flat arrays, with one
entry for a scope and a version. The scope's name is not in it. Two that have the same
hash push each other's snapshots out, which costs time and nothing else: whoever loads one
reads the name in its line.
"""

from __future__ import annotations

from array import array
from typing import NamedTuple, final

import attrs

KEPT = 2
"""How many snapshots of a scope and a version are kept: one may be damaged."""
_FIRST_BUCKETS = 8
_HASH_MASK = 2**64 - 1


class Kept(NamedTuple):
    """A snapshot that is kept."""

    sequence: int
    offset: int
    size: int
    """How many bytes its line has."""


@final
@attrs.define(eq=False)
class SnapshotIndex:
    """Where the snapshots are that count. Not for several threads at once."""

    size: int = 0
    """How many bytes the lines of all that are in it have."""
    versions: set[int] = attrs.Factory(set)
    """The versions of folds that it has, or had, snapshots of."""
    # Invariant: _heads[hash & mask] - 1 is the first entry of a chain, _next goes on.
    _heads: array[int] = attrs.field(factory=lambda: array("I", [0]) * _FIRST_BUCKETS)
    _next: array[int] = attrs.field(factory=lambda: array("I"))
    _hashes: array[int] = attrs.field(factory=lambda: array("Q"))
    # An entry has KEPT slots in these, the last written snapshot first; size 0: it is free.
    _sequences: array[int] = attrs.field(factory=lambda: array("Q"))
    _offsets: array[int] = attrs.field(factory=lambda: array("Q"))
    _sizes: array[int] = attrs.field(factory=lambda: array("I"))

    def add(self, scope: str, version: int, sequence: int, offset: int, size: int) -> None:
        """Add a snapshot; the oldest that was kept so far, or one of its sequence, goes."""
        key = _key(scope, version)
        entry = self._find(key)
        if entry is None:
            entry = self._new_entry(key)
            self.versions.add(version)
        self.size += size
        sizes = self._sizes
        slot = first = entry * KEPT
        while slot < first + KEPT - 1 and sizes[slot] and self._sequences[slot] != sequence:
            slot += 1
        self.size -= sizes[slot]
        while slot > first:
            self._set(slot, *self._get(slot - 1))
            slot -= 1
        self._set(first, sequence, offset, size)

    def of(self, scope: str, version: int) -> list[Kept]:
        """The snapshots of a scope for a version, by falling sequence."""
        entry = self._find(_key(scope, version))
        if entry is None:
            return []
        slots = range(entry * KEPT, entry * KEPT + KEPT)
        return sorted((self._get(slot) for slot in slots if self._sizes[slot]), reverse=True)

    def remove(self, scope: str, version: int, offset: int) -> None:
        """Let the snapshot at an offset, if it is still there, not count any more."""
        entry = self._find(_key(scope, version))
        if entry is not None:
            for slot in range(entry * KEPT, entry * KEPT + KEPT):
                if self._sizes[slot] and self._offsets[slot] == offset:
                    self._clear(slot)

    def delete(self, scope: str, first: int, last: int) -> None:
        """Let a scope's snapshots of these sequences, both included, not count any more."""
        for version in self.versions:
            for kept in self.of(scope, version):
                if first <= kept.sequence <= last:
                    self.remove(scope, version, kept.offset)

    def holds(self, scope: str, first: int, last: int) -> bool:
        """Whether it has any of a scope's snapshots of these sequences."""
        return any(
            first <= kept.sequence <= last
            for version in self.versions
            for kept in self.of(scope, version)
        )

    def slots(self) -> list[int]:
        """The slots that hold a snapshot, in the order of offset."""
        taken = [slot for slot, size in enumerate(self._sizes) if size]
        return sorted(taken, key=self._offsets.__getitem__)

    def at(self, slot: int) -> Kept:
        """The snapshot in a slot."""
        return self._get(slot)

    def move(self, slot: int, offset: int | None) -> None:
        """Say that the snapshot in a slot is somewhere else now, or nowhere."""
        if offset is None:
            self._clear(slot)
        else:
            self._offsets[slot] = offset

    def copy(self) -> SnapshotIndex:
        """Give another one that does not change with this one."""
        return SnapshotIndex(
            self.size, set(self.versions), self._heads[:], self._next[:], self._hashes[:],
            self._sequences[:], self._offsets[:], self._sizes[:],
        )  # fmt: skip

    # --- entries and slots --------------------------------------------------------------

    def _find(self, key: int) -> int | None:
        entry = self._heads[key & (len(self._heads) - 1)]
        while entry:
            if self._hashes[entry - 1] == key:
                return entry - 1
            entry = self._next[entry - 1]
        return None

    def _new_entry(self, key: int) -> int:
        if len(self._hashes) >= 2 * len(self._heads):
            self._grow()
        self._hashes.append(key)
        self._next.append(0)
        for slots in (self._sequences, self._offsets, self._sizes):
            slots.extend((0,) * KEPT)
        entry = len(self._hashes) - 1
        self._link(entry)
        return entry

    def _grow(self) -> None:
        """Make twice as many chains: they have two entries each at most, on average."""
        self._heads = array("I", [0]) * (2 * len(self._heads))
        for entry in range(len(self._hashes)):
            self._link(entry)

    def _link(self, entry: int) -> None:
        bucket = self._hashes[entry] & (len(self._heads) - 1)
        self._next[entry] = self._heads[bucket]
        self._heads[bucket] = entry + 1

    def _get(self, slot: int) -> Kept:
        return Kept(self._sequences[slot], self._offsets[slot], self._sizes[slot])

    def _set(self, slot: int, sequence: int, offset: int, size: int) -> None:
        self._sequences[slot], self._offsets[slot], self._sizes[slot] = sequence, offset, size

    def _clear(self, slot: int) -> None:
        self.size -= self._sizes[slot]
        self._sizes[slot] = 0


def _key(scope: str, version: int) -> int:
    return hash((scope, version)) & _HASH_MASK

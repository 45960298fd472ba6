"""Files and directories as a system's cache and its disk hold them, for the faulty disk."""

from __future__ import annotations

from random import Random
from typing import TypeAlias, final

import attrs

from ..journal.disk import Kind

SECTOR_BYTES = 512


@final
@attrs.define(eq=False)
class CachedFile:
    """A file's bytes, in the cache and on the disk."""

    data: bytearray = attrs.Factory(bytearray)
    durable: bytearray = attrs.Factory(bytearray)
    # Invariant: a sector in which both differ is in here, unless a failed sync lied of it.
    dirty: set[int] = attrs.Factory(set)
    kind: Kind = Kind.FILE
    locked_by: int | None = None

    def write(self, data: bytes, offset: int) -> None:
        """Write into the cache."""
        end = offset + len(data)
        if end > len(self.data):
            self.data.extend(bytes(end - len(self.data)))
        self.data[offset:end] = data
        self.dirty.update(range(offset // SECTOR_BYTES, (end - 1) // SECTOR_BYTES + 1))

    def truncate(self, size: int) -> None:
        """Give the file another size, in the cache."""
        del self.data[size:]
        self.data.extend(bytes(size - len(self.data)))
        self.dirty.add(size // SECTOR_BYTES)

    def sync(self) -> None:
        """Bring the cache to the disk."""
        if self.dirty:
            self._resize(len(self.data))
            for sector in self.dirty:
                self._bring(sector)
            self.dirty.clear()

    def survivor(self, random: Random) -> CachedFile:
        """What of it is there after a crash."""
        left = CachedFile(bytearray(self.durable), bytearray(self.durable), kind=self.kind)
        if self.dirty:
            low, high = sorted((len(self.durable), len(self.data)))
            left._resize(random.choice((low, high, random.randint(low, high))))
            # All and none are the cases that are met most often.
            chance = random.choice((0.0, 0.5, 0.9, 1.0))
            for sector in sorted(self.dirty):
                if random.random() < chance:
                    left._take(sector, self.data)
            left.data = bytearray(left.durable)
        return left

    def _resize(self, size: int) -> None:
        del self.durable[size:]
        self.durable.extend(bytes(size - len(self.durable)))

    def _bring(self, sector: int) -> None:
        self._take(sector, self.data)

    def _take(self, sector: int, data: bytearray) -> None:
        begin = sector * SECTOR_BYTES
        end = min(begin + SECTOR_BYTES, len(self.durable), len(data))
        if begin < end:
            self.durable[begin:end] = data[begin:end]


@final
@attrs.define(eq=False)
class CachedDirectory:
    """A directory's names, in the cache and on the disk."""

    names: dict[str, Node] = attrs.Factory(dict)
    durable: dict[str, Node] = attrs.Factory(dict)
    # Invariant: `durable` with these done in order is `names`.
    pending: list[Change] = attrs.Factory(list)

    def link(self, name: str, node: Node, *, instead_of: str | None = None) -> None:
        """Give something a name, in the cache, and take another one from it."""
        self._do((instead_of, name, node))

    def unlink(self, name: str) -> None:
        """Take a name away, in the cache."""
        self._do((name, None, None))

    def _do(self, change: Change) -> None:
        _change(self.names, change)
        self.pending.append(change)

    def sync(self) -> None:
        """Bring the names to the disk."""
        self.durable = dict(self.names)
        self.pending.clear()

    def survivor(self, random: Random) -> CachedDirectory:
        """What of it is there after a crash."""
        names = dict(self.durable)
        chance = random.choice((0.0, 0.5, 1.0))
        for change in self.pending:
            if random.random() < chance:
                _change(names, change)
        left = {name: node.survivor(random) for name, node in names.items()}
        return CachedDirectory(left, dict(left))


Node: TypeAlias = CachedFile | CachedDirectory
Change: TypeAlias = tuple[str | None, str | None, Node | None]
"""A name that goes, and a name that comes with what it names."""


def _change(names: dict[str, Node], change: Change) -> None:
    old, new, node = change
    if old is not None:
        names.pop(old, None)
    if new is not None and node is not None:
        names[new] = node

"""
What a loss of power may leave of files, from a log of what was done to them.

A disk that keeps its word and nothing more: what was synced is there; of all else each 512-byte
sector, each size and each name may be there or not, in any mixture. Names of one directory that
were not synced may be there without those before. After a failed sync the cache shows what the
disk does not have, and no later sync brings it there.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Protocol, TypeAlias, final

import attrs

from .shim import Action, Call, Entry

SECTOR_BYTES = 512


@final
@attrs.define(eq=False)
class ModelFile:
    """A file in the cache and on the disk."""

    cached: bytearray = attrs.Factory(bytearray)
    durable: bytearray = attrs.Factory(bytearray)
    # Invariant: a sector in which both differ is in here, unless a sync of it failed.
    unsynced: dict[int, list[bytes]] = attrs.Factory(dict)
    """What each sector has held since it was synced; any of it may have come to the disk."""

    def write(self, data: bytes, offset: int) -> None:
        end = offset + len(data)
        self.cached.extend(bytes(max(0, end - len(self.cached))))
        self.cached[offset:end] = data
        for sector in range(offset // SECTOR_BYTES, (end - 1) // SECTOR_BYTES + 1):
            self._note(sector)

    def truncate(self, size: int) -> None:
        del self.cached[size:]
        self.cached.extend(bytes(size - len(self.cached)))
        self._note(size // SECTOR_BYTES)

    def sync(self) -> None:
        self.durable = self._with({n: held[-1] for n, held in self.unsynced.items()}, None)
        self.unsynced.clear()

    def fail_to_sync(self) -> None:
        self.unsynced.clear()

    def left(self, chooser: Chooser) -> bytes:
        """What of it is there afterwards."""
        if not self.unsynced:
            return bytes(self.durable)
        chooser.begin()
        size = chooser.size(len(self.durable), len(self.cached))
        chosen = {n: chooser.version(len(held)) for n, held in sorted(self.unsynced.items())}
        kept = {n: self.unsynced[n][version] for n, version in chosen.items() if version >= 0}
        return bytes(self._with(kept, size))

    def _note(self, sector: int) -> None:
        begin = sector * SECTOR_BYTES
        held = bytes(self.cached[begin : begin + SECTOR_BYTES])
        self.unsynced.setdefault(sector, []).append(held)

    def _with(self, sectors: dict[int, bytes], size: int | None) -> bytearray:
        """What is durable with some sectors in place of its own, in another size."""
        size = len(self.cached) if size is None else size
        content = self.durable[:size] + bytes(max(0, size - len(self.durable)))
        for sector, held in sectors.items():
            begin = sector * SECTOR_BYTES
            piece = held[: max(0, size - begin)]
            content[begin : begin + len(piece)] = piece
        return content


Names: TypeAlias = "dict[str, ModelFile | ModelDirectory]"
Change: TypeAlias = "tuple[str | None, str | None, ModelFile | ModelDirectory | None]"
"""A name that goes, and a name that comes with what it names."""


@final
@attrs.define(eq=False)
class ModelDirectory:
    """A directory's names in the cache and on the disk."""

    cached: Names = attrs.Factory(dict)
    durable: Names = attrs.Factory(dict)
    unsynced: list[Change] = attrs.Factory(list)

    def change(self, old: str | None, new: str | None, node: ModelFile | ModelDirectory) -> None:
        self.unsynced.append((old, new, node))
        _apply(self.cached, self.unsynced[-1])

    def sync(self) -> None:
        self.durable = dict(self.cached)
        self.unsynced.clear()

    def left(self, chooser: Chooser) -> Names:
        """Which names are there afterwards."""
        names = dict(self.durable)
        chooser.begin()
        for change in self.unsynced:
            if chooser.version(1) == 0:
                _apply(names, change)
        return names


def _apply(names: Names, change: Change) -> None:
    old, new, node = change
    if old is not None:
        names.pop(old, None)
    if new is not None and node is not None:
        names[new] = node


class Chooser(Protocol):
    """Decides what of what was not synced is there."""

    def begin(self) -> None:
        """Another file or directory follows."""
        ...

    def version(self, count: int) -> int:
        """Which of so many versions of a sector, or change of names, is there; -1: none."""
        ...

    def size(self, durable: int, cached: int) -> int:
        """A file's size."""
        ...


@final
@attrs.frozen
class Whole:
    """All of what was not synced is there, or none of it."""

    keeps_all: bool

    def begin(self) -> None:
        pass

    def version(self, count: int) -> int:
        return count - 1 if self.keeps_all else -1

    def size(self, durable: int, cached: int) -> int:
        return cached if self.keeps_all else durable


@final
@attrs.define(eq=False)
class Mixture:
    """Any of it is there; each file may be nearly whole or nearly lost."""

    random: Random
    _chance: float = 0.0

    def begin(self) -> None:
        self._chance = self.random.choice((0.0, 0.5, 0.9, 1.0))

    def version(self, count: int) -> int:
        return self.random.randrange(count) if self.random.random() < self._chance else -1

    def size(self, durable: int, cached: int) -> int:
        low, high = sorted((durable, cached))
        return self.random.choice((low, high, high, self.random.randint(low, high)))


Left: TypeAlias = dict[str, bytes | None]
"""What is there, by path below the directory that was watched; None: a directory."""


@final
@attrs.define(eq=False)
class CrashModel:
    """
    The files below a directory, as the entries of a log change them.

    Args:
      directory: the paths in the log begin with it.
    """

    directory: Path
    root: ModelDirectory = attrs.Factory(ModelDirectory)
    _open: dict[int, ModelFile | ModelDirectory] = attrs.Factory(dict)

    @classmethod
    def of(cls, directory: Path) -> CrashModel:
        """The files that are there now, all of them durable."""
        model = cls(directory)
        for path in sorted(directory.rglob("*")):
            parent, name = model._parent(str(path))
            node: ModelFile | ModelDirectory = ModelDirectory()
            if path.is_file():
                content = path.read_bytes()
                node = ModelFile(bytearray(content), bytearray(content))
            parent.change(None, name, node)
            parent.sync()
        return model

    def begin_process(self) -> None:
        """Another process follows: its descriptors are its own."""
        self._open.clear()

    def take(self, entry: Entry) -> bool:
        """Do what was done; gives whether a loss of power may leave something else now."""
        if entry.call in (Call.FSYNC, Call.FDATASYNC):
            return self._sync(entry)
        if entry.result < 0:
            return False
        match entry.call:
            case Call.OPEN:
                return self._opened(entry)
            case Call.WRITE:
                self._file(entry).write(entry.data, entry.offset)
            case Call.FTRUNCATE:
                self._file(entry).truncate(entry.offset)
            case Call.MKDIR:
                parent, name = self._parent(entry.path)
                parent.change(None, name, ModelDirectory())
            case Call.RENAME:
                parent, name = self._parent(entry.path)
                new_parent, new_name = self._parent(os.fsdecode(entry.data))
                assert new_parent is parent
                parent.change(name, new_name, parent.cached[name])
            case Call.UNLINK:
                parent, name = self._parent(entry.path)
                parent.change(name, None, parent.cached[name])
            case _:
                return False
        return True

    def left(self, chooser: Chooser) -> Left:
        """What a loss of power now may leave."""
        return dict(_walk(self.root, "", chooser))

    def _sync(self, entry: Entry) -> bool:
        node = self._open[entry.file]
        if entry.action is Action.LIE:
            return False
        if entry.result == 0:
            node.sync()
        elif isinstance(node, ModelFile):
            node.fail_to_sync()
        return True

    def _opened(self, entry: Entry) -> bool:
        parent, name = self._parent(entry.path)
        node: ModelFile | ModelDirectory | None = parent.cached.get(name) if name else self.root
        is_new = node is None
        if node is None:
            node = ModelFile()
            parent.change(None, name, node)
        self._open[entry.result] = node
        return is_new

    def _file(self, entry: Entry) -> ModelFile:
        node = self._open[entry.file]
        assert isinstance(node, ModelFile)
        return node

    def _parent(self, path: str) -> tuple[ModelDirectory, str]:
        """The directory that a path's last name is in; no name for the root itself."""
        *parents, name = Path(path).relative_to(self.directory).parts or ("",)
        directory = self.root
        for parent in parents:
            node = directory.cached[parent]
            assert isinstance(node, ModelDirectory)
            directory = node
        return directory, name


def _walk(
    directory: ModelDirectory, path: str, chooser: Chooser
) -> Iterator[tuple[str, bytes | None]]:
    for name, node in directory.left(chooser).items():
        below = f"{path}/{name}"
        if isinstance(node, ModelDirectory):
            yield below, None
            yield from _walk(node, below, chooser)
        else:
            yield below, node.left(chooser)

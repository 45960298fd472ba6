"""
The files in index/: made, opened, and replaced when they are damaged.

They are derived, so no trouble with them is anybody else's: one that cannot be written is
kept in memory, one that cannot be read counts as damaged.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import final

import attrs

from ..errors import JournalCorrupt, JournalFailed
from .disk import Access, Disk, Kind
from .failing import attempting
from .files import close_quietly, kind_of, opened, read_range, write_all
from .index_file import Header, IndexDamaged, IndexReader, UnusableIndex
from .layout import INDEX, is_index_name

FILES_OPEN_MAX = 32
"""How many index files are open at a time."""


def reader_of(image: bytes, name: str) -> IndexReader:
    """A reader of a file that is in memory."""
    return IndexReader(lambda at, size: image[at : at + size], len(image), name=name)


@attrs.frozen
class Stretch:
    """A run of records that an index file covers."""

    header: Header
    name: str
    """The file's."""


@final
@attrs.define(eq=False)
class IndexStore:
    """
    A store's index files. Its calls block; whoever makes some of them holds the `lock`.

    Args:
      path: the store's directory.
      store, history: only files that have these ids are used.
      is_writer: whether files may be written; until then new ones are kept in memory.
    """

    disk: Disk
    path: str
    store: str
    history: str
    is_writer: bool = False
    lock: threading.RLock = attrs.field(factory=threading.RLock, init=False)
    error: str | None = attrs.field(default=None, init=False)
    """Why the last file that could not be written could not; None if all could."""
    # Invariant: whole files, as they would be on the disk.
    _images: dict[str, bytes] = attrs.field(factory=dict, init=False)
    _readers: OrderedDict[str, tuple[int, IndexReader]] = attrs.field(
        factory=OrderedDict, init=False
    )

    @property
    def directory(self) -> str:
        """Where the files lie."""
        return f"{self.path}/{INDEX}"

    def names(self) -> set[str]:
        """The names of all index files."""
        if kind_of(self.disk, self.directory) is not Kind.DIRECTORY:
            return set()
        with attempting("list", self.directory):
            found = self.disk.list_directory(self.directory)
        return {name for name in found if is_index_name(name)}

    def stretch(self, name: str) -> Stretch | None:
        """Say what a file covers; None if it is not one of this store's, or no use."""
        try:
            header = self.reader(name).header
        except UnusableIndex:
            return None
        is_ours = (header.store, header.history) == (self.store, self.history)
        return Stretch(header, name) if is_ours else None

    def reader(self, name: str) -> IndexReader:
        """
        Give a file's reader. It stays open until many others were asked for.

        Raises:
          IndexDamaged: the file is damaged, or cannot be read.
          IndexFromFuture: it is a later version's.
        """
        image = self._images.get(name)
        if image is not None:
            return reader_of(image, name)
        known = self._readers.get(name)
        if known is not None:
            self._readers.move_to_end(name)
            return known[1]
        try:
            file, reader = self._open(name)
        except (JournalFailed, JournalCorrupt) as error:
            raise IndexDamaged(name, 0, str(error)) from error
        self._readers[name] = file, reader
        if len(self._readers) > FILES_OPEN_MAX:
            _, (oldest, _) = self._readers.popitem(last=False)
            close_quietly(self.disk, oldest)
        return reader

    def image(self, name: str) -> bytes:
        """
        Give all of a file, for a reader of one's own.

        Raises:
          IndexDamaged: it cannot be read.
        """
        image = self._images.get(name)
        if image is not None:
            return image
        path = f"{self.directory}/{name}"
        try:
            with opened(self.disk, path, Access.READ) as file:
                with attempting("fstat", path):
                    size = self.disk.size(file)
                return read_range(self.disk, file, path, 0, size)
        except (JournalFailed, JournalCorrupt) as error:
            raise IndexDamaged(name, 0, str(error)) from error

    def save(self, name: str, image: bytes) -> Stretch:
        """Make a file, in the place of another of this name; in memory if it cannot be."""
        self.forget(name)
        self._images[name] = image
        found = self.stretch(name)
        assert found is not None
        if self.is_writer:
            self._write_out(name)
        return found

    def begin_writing(self) -> None:
        """Write what was kept in memory, and whatever is made from now on."""
        self.is_writer = True
        for name in list(self._images):
            self._write_out(name)

    def remove(self, name: str) -> None:
        """Take a file away that is not needed any more."""
        self.forget(name)
        try:
            with attempting("unlink", f"{self.directory}/{name}"):
                self.disk.unlink(f"{self.directory}/{name}")
        except JournalFailed as error:
            self.error = str(error)

    def forget(self, name: str) -> None:
        """Close a file, if it is open."""
        self._images.pop(name, None)
        known = self._readers.pop(name, None)
        if known is not None:
            close_quietly(self.disk, known[0])

    def close(self) -> None:
        """Close all files."""
        with self.lock:
            for name in list(self._readers):
                self.forget(name)

    def _open(self, name: str) -> tuple[int, IndexReader]:
        path = f"{self.directory}/{name}"
        with attempting("open", path):
            file = self.disk.open(path, Access.READ)

        def read(at: int, size: int) -> bytes:
            try:
                return read_range(self.disk, file, path, at, at + size)
            except JournalFailed as error:
                # What cannot be read may still be made anew.
                raise IndexDamaged(name, 0, str(error)) from error

        try:
            with attempting("fstat", path):
                size = self.disk.size(file)
            return file, IndexReader(read, size, name=name)
        except BaseException:
            close_quietly(self.disk, file)
            raise

    def _write_out(self, name: str) -> None:
        try:
            self._write(name, self._images[name])
        except (JournalFailed, JournalCorrupt) as error:
            self.error = str(error)
        else:
            del self._images[name]

    def _write(self, name: str, image: bytes) -> None:
        if kind_of(self.disk, self.directory) is Kind.NOTHING:
            with attempting("mkdir", self.directory):
                self.disk.mkdir(self.directory)
        temporary = f"{self.directory}/.new-{name}"
        if kind_of(self.disk, temporary) is not Kind.NOTHING:
            with attempting("unlink", temporary):
                self.disk.unlink(temporary)
        with opened(self.disk, temporary, Access.NEW) as file:
            write_all(self.disk, file, temporary, image, 0)
        # Not synced: a file that a loss of power left behind unwritten is found by its
        # checksums, and made anew. Syncing it would hold up the journal's own syncs.
        path = f"{self.directory}/{name}"
        with attempting("rename", path):
            self.disk.rename(temporary, path)

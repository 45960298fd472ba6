"""
The files in index/: made, opened, and replaced when they are damaged.

They are derived, so no trouble with them is anybody else's: one that cannot be written is
kept in memory, one that cannot be read counts as damaged. If index/ is anything but a
directory, also a link to one, nothing is read or written there.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from contextlib import suppress
from typing import final

import attrs

from ..errors import JournalCorrupt, JournalFailed
from .disk import Access, Disk, Kind
from .failing import attempting
from .files import close_quietly, kind_of, opened, read_range, write_all
from .index_file import Header, IndexDamaged, IndexFromFuture, IndexReader, UnusableIndex
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
@attrs.define(eq=False, repr=False)
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
    """Why something last failed that was to be done in index/; None if nothing ever did."""
    # Invariant: once True, nothing stays open and nothing is written.
    _is_closed: bool = attrs.field(default=False, init=False)
    # Invariant: whole files, as they would be on the disk; they serve in the place of those.
    _images: dict[str, bytes] = attrs.field(factory=dict, init=False)
    # Invariant: their images are in memory also when they were written.
    _kept: set[str] = attrs.field(factory=set, init=False)
    _unwritten: set[str] = attrs.field(factory=set, init=False)
    _readers: OrderedDict[str, tuple[int, IndexReader]] = attrs.field(
        factory=OrderedDict, init=False
    )

    @property
    def directory(self) -> str:
        """Where the files lie."""
        return f"{self.path}/{INDEX}"

    # --- reading ----------------------------------------------------------------------

    def names(self) -> set[str]:
        """The names of all index files; none if that cannot be said."""
        try:
            if not self._has_directory():
                return set()
            with attempting("list", self.directory):
                found = self.disk.list_directory(self.directory)
        except JournalFailed as error:
            self.error = str(error)
            return set()
        return {name for name in found if is_index_name(name)}

    def stretch(self, name: str) -> Stretch | None:
        """Say what a file covers; None if it is not one of this store's, or no use."""
        try:
            header = self._reader(name).header
        except UnusableIndex:
            return None
        is_ours = (header.store, header.history) == (self.store, self.history)
        return Stretch(header, name) if is_ours else None

    def problem(self, name: str) -> str:
        """Say why a file is not used, for which there is no `stretch`."""
        try:
            self._reader(name)
        except UnusableIndex as error:
            return str(error)
        return f"{name}: it is of another store, or of another history"

    def reader(self, stretch: Stretch) -> IndexReader:
        """
        Give a file's reader. It stays open until many others were asked for.

        Raises:
          IndexDamaged: the file is damaged, cannot be read, or is another one by now.
        """
        try:
            reader = self._reader(stretch.name)
        except IndexFromFuture as error:
            raise IndexDamaged(stretch.name, 0, str(error)) from error
        return _expected(reader, stretch)

    def own_reader(self, stretch: Stretch) -> IndexReader:
        """
        Give a reader that needs no lock and nothing open, of a file that is right as a whole.

        Raises:
          IndexDamaged: some of it is damaged, it cannot be read, or is another one by now.
        """
        try:
            reader = self._memory_reader(stretch.name)
        except IndexFromFuture as error:
            raise IndexDamaged(stretch.name, 0, str(error)) from error
        reader.check()
        return _expected(reader, stretch)

    def _reader(self, name: str) -> IndexReader:
        if self._is_closed or name in self._images:
            return self._memory_reader(name)
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

    def _memory_reader(self, name: str) -> IndexReader:
        image = self._images.get(name)
        if image is None:
            path = self._path(name)
            try:
                with opened(self.disk, self._path_inside(name), Access.READ) as file:
                    with attempting("fstat", path):
                        size = self.disk.size(file)
                    image = read_range(self.disk, file, path, 0, size)
            except (JournalFailed, JournalCorrupt) as error:
                raise IndexDamaged(name, 0, str(error)) from error
        return reader_of(image, name)

    def _open(self, name: str) -> tuple[int, IndexReader]:
        path = self._path_inside(name)
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

    # --- writing ----------------------------------------------------------------------

    def save(self, name: str, image: bytes, *, keep: bool = False) -> Stretch:
        """
        Make a file, in the place of another of this name; in memory if it cannot be.

        Args:
          keep: let it also stay in memory: what was written could not be read.
        """
        self.forget(name)
        self._images[name] = image
        self._unwritten.add(name)
        if keep:
            self._kept.add(name)
        found = self.stretch(name)
        assert found is not None
        if self.is_writer:
            self._write_out()
        return found

    def begin_writing(self) -> None:
        """Write what was kept in memory, and whatever is made from now on."""
        self.is_writer = True
        self._write_out()

    def remove(self, name: str) -> None:
        """Take a file away that is not needed any more."""
        self.forget(name)
        self._kept.discard(name)
        try:
            if self.is_writer and self._has_directory():
                self._unlink(self._path(name))
        except JournalFailed as error:
            self.error = str(error)

    def forget(self, name: str) -> None:
        """Close a file, if it is open, and let go of its image."""
        self._images.pop(name, None)
        self._unwritten.discard(name)
        known = self._readers.pop(name, None)
        if known is not None:
            close_quietly(self.disk, known[0])

    def close(self) -> None:
        """
        Close all files; more than once is no error.

        What is asked later is answered, and leaves nothing open or written.
        """
        if self._is_closed:
            return
        with self.lock:
            self._is_closed, self.is_writer = True, False
            for file, _ in self._readers.values():
                close_quietly(self.disk, file)
            self._readers.clear()

    def _write_out(self) -> None:
        """Write what is in memory only, also what could not be written before."""
        for name in sorted(self._unwritten):
            try:
                self._write(name, self._images[name])
            except (JournalFailed, JournalCorrupt) as error:
                self.error = str(error)
            else:
                self._unwritten.remove(name)
                if name not in self._kept:
                    del self._images[name]

    def _write(self, name: str, image: bytes) -> None:
        if not self._has_directory():
            with attempting("mkdir", self.directory):
                self.disk.mkdir(self.directory)
        temporary = self._path(f".new-{name}")
        self._unlink(temporary)
        try:
            with opened(self.disk, temporary, Access.NEW) as file:
                write_all(self.disk, file, temporary, image, 0)
            # Not synced: a file that a loss of power left behind unwritten is found by its
            # checksums, and made anew. Syncing it would hold up the journal's own syncs.
            with attempting("rename", self._path(name)):
                self.disk.rename(temporary, self._path(name))
        except JournalFailed:
            # On a full disk it would only take what little is left.
            with suppress(JournalFailed):
                self._unlink(temporary)
            raise

    def _unlink(self, path: str) -> None:
        with attempting("unlink", path), suppress(FileNotFoundError):
            self.disk.unlink(path)

    def _has_directory(self) -> bool:
        return kind_of(self.disk, self.directory) is Kind.DIRECTORY

    def _path(self, name: str) -> str:
        return f"{self.directory}/{name}"

    def _path_inside(self, name: str) -> str:
        if not self._has_directory():
            raise JournalCorrupt(self.directory, 0, "a directory", "something else")
        return self._path(name)


def _expected(reader: IndexReader, stretch: Stretch) -> IndexReader:
    """Check that a file is still the one that it was: somebody may have replaced it."""
    header = reader.header
    if header is not stretch.header and header != stretch.header:
        raise IndexDamaged(stretch.name, 0, "it is not the file that it was")
    return reader

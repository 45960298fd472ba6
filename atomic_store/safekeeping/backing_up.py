"""
Backing up: a copy of a store's journal, to the byte, up to its last closed commit.

The copy is made beside whoever writes the store, and grows by what came since when it is
made again. It is written in the order in which a store is: so at each moment it is a journal
that ends earlier. It says in its store.json that it is a backup, so that nobody opens it for
writing: store and history are the same, and two that go on from there would be two stores
that each takes for the other.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import final

import attrs

from ..errors import JournalCorrupt, TargetRefused
from ..journal import Head
from ..journal.chain import Chain, ClosedCommit
from ..journal.creating import expect_store, read_identity
from ..journal.disk import Access, Disk, Kind, OSDisk
from ..journal.failing import advising, attempting
from ..journal.files import (
    CHUNK_BYTES,
    close_quietly,
    free_name,
    kind_of,
    make_durable_file,
    opened,
    read_range,
    size_of,
    sync_directory,
    write_all,
)
from ..journal.layout import JOURNAL, LOCK, STORE
from ..journal.line import (
    FORMAT,
    CutLine,
    FutureFormat,
    HeaderLine,
    NotALine,
    StoreLine,
    parse_line,
    with_commit,
)
from ..journal.lock import take_lock
from ..journal.mending import write_cut
from ..journal.scan import SegmentScan
from ..journal.segment_reader import HEADER_BYTES_MAX, SegmentReader, list_segments
from ..journal.segments import header_line
from .sound import refuse_gap, refuse_missing, settled
from .staging import TRY_AGAIN, forget, refuse_inside, staged


@attrs.frozen
class BackedUp:
    """What was backed up."""

    head: Head
    """Where the backup ends."""
    before: int
    """The position at which it ended before; 0 if there was none."""
    segments: int
    """How many segments were written, the first of them perhaps again."""
    bytes: int
    """How many bytes were written."""


@advising(TRY_AGAIN)
def backup(
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    *,
    to: int | None = None,
    disk: Disk | None = None,
    on_progress: Callable[[int, int], object] = lambda done, total: None,
) -> BackedUp:
    """
    Copy a store's journal, also beside its writer, or bring a copy up to date.

    The copy is the store's journal to the byte, up to the last closed commit; each commit is
    checked in the copy before it counts. It can be read and verified like a store, but not
    opened for writing: `restore` makes a store of it. Made again at the same path, it gets
    what came since: of what it has, only the last segment is read and written again.

    A new backup is there as a whole or not at all. One that is brought up to date is at each
    moment a backup that ends somewhere between its old end and its new one.

    Args:
      source: the store's directory.
      target: where the backup is to be: nothing, an empty directory, or an earlier backup.
      to: the last position that is wanted; the backup ends with the last commit up to there.
      disk: another disk than the operating system's.
      on_progress: is called with the bytes read and the bytes in all.

    Raises:
      ValueError: `to` is a position that the source does not have, or that the backup is past.
      NotAStore: there is no store at `source`.
      JournalCorrupt: the source is damaged, or the last segment of the earlier backup is.
      TargetRefused: something else is at `target`: a backup of another history, or one that
        has commits which the source has not; or it lies in the source.
      StoreLocked: somebody else brings that backup up to date.
      JournalFailed: the disk refused.
    """
    real_disk: Disk = OSDisk() if disk is None else disk
    path, place = real_disk.resolve(source), real_disk.resolve(target)
    expect_store(real_disk, path)
    identity = read_identity(real_disk, path)
    line = StoreLine(FORMAT, identity.store, identity.history, identity.created, backup=True)
    refuse_inside(place, path)
    if kind_of(real_disk, f"{place}/{STORE}") is Kind.NOTHING:
        with staged(real_disk, place, source=path) as staging:
            copying = _Copying(real_disk, path, staging.journal, line, to, on_progress)
            copying.run(None)
            staging.finish(line)
        return copying.result(0)
    _refuse_other(real_disk, place, line)
    lock = take_lock(real_disk, f"{place}/{LOCK}")
    try:
        copying = _Copying(real_disk, path, f"{place}/{JOURNAL}", line, to, on_progress)
        old = _old(real_disk, place, line)
        copying.run(old)
    finally:
        close_quietly(real_disk, lock)
    return copying.result(old.head.position)


def _refuse_other(disk: Disk, place: str, line: StoreLine) -> None:
    """Check that what is at a path is an earlier backup of the same history."""
    found = read_identity(disk, place)
    if not found.backup:
        raise TargetRefused(
            f"expected nothing, an empty directory or a backup at {place}, found a store"
        )
    if (found.store, found.history) != (line.store, line.history):
        raise TargetRefused(
            f"expected a backup of store {line.store}, history {line.history}, at {place}, "
            f"found one of store {found.store}, history {found.history}"
        )


@attrs.frozen
class _Old:
    """An earlier backup's end: the segment from which on it is made again."""

    name: str
    header: bytes
    begin: Chain
    """Where the journal is before that segment."""
    head: Head
    end: int
    """Where its last commit ends there, not counting a cut line."""


def _old(disk: Disk, place: str, line: StoreLine) -> _Old:
    """Say where an earlier backup ends."""
    directory = f"{place}/{JOURNAL}"
    names = list_segments(disk, place)
    following = None
    if len(names) > 1:
        path = f"{directory}/{names[-1]}"
        if size_of(disk, path) == len(_header(disk, path)[1]):
            # The cut line before it may not have been finished.
            following = f"{directory}/{names.pop()}"
    path = f"{directory}/{names[-1]}"
    header, text = _header(disk, path)
    begin = (
        line.store, line.history, header.segment - 1, header.first - 1, header.continues
    )  # fmt: skip
    chain = Chain(*begin, knows_all_scopes=False)
    scan = SegmentScan(chain)
    for _ in settled(SegmentReader(disk, path, scan), path, following):
        pass
    end = scan.closed_end
    if scan.cut is not None:
        assert scan.last is not None
        end = scan.last.offset
    head = Head(chain.position, chain.value)
    return _Old(names[-1], text, Chain(*begin, knows_all_scopes=False), head, end)


def _header(disk: Disk, path: str) -> tuple[HeaderLine, bytes]:
    """Read a segment's header, and its line."""
    with opened(disk, path, Access.READ) as file:
        start = read_range(disk, file, path, 0, HEADER_BYTES_MAX)
    text = start[: start.find(b"\n") + 1]
    try:
        line = parse_line(text[:-1])
    except (NotALine, FutureFormat) as error:
        raise JournalCorrupt(path, 0, "a segment's header", f"another line ({error})") from error
    if not isinstance(line, HeaderLine):
        raise JournalCorrupt(path, 0, "a segment's header", "another line", 1)
    return line, text


@final
@attrs.define(eq=False)
class _Copying:
    """
    Copies segments into a directory.

    Args:
      source: the store's directory.
      directory: where the copies are.
      line: what the backup's store.json says.
      to: the last position that is wanted.
    """

    disk: Disk
    source: str
    directory: str
    line: StoreLine
    to: int | None
    on_progress: Callable[[int, int], object]
    chain: Chain = attrs.field(init=False)
    head: Head = attrs.field(init=False)
    segments: int = 0
    bytes: int = 0
    _end: int = 0
    _is_over: bool = False
    _in_all: int = 0
    _read: int = 0

    def __attrs_post_init__(self) -> None:
        self.chain = Chain(self.line.store, self.line.history)
        self.head = Head(0, self.chain.value)

    def result(self, before: int) -> BackedUp:
        return BackedUp(self.head, before, self.segments, self.bytes)

    def run(self, old: _Old | None) -> None:
        """Copy all that is wanted, from the last segment of the earlier backup on."""
        names = list_segments(self.disk, self.source)
        if old is not None:
            self._refuse_past(old)
            if old.name not in names or _header(self.disk, self._of(old.name))[1] != old.header:
                raise self._is_not_continued(old)
            self.chain = old.begin
            names = names[names.index(old.name) :]
        self._in_all = sum(size_of(self.disk, self._of(name)) for name in names)
        for k, name in enumerate(names):
            refuse_gap(f"{self.source}/{JOURNAL}", name, self.chain)
            if k:
                self._cut(names[k - 1], name)
            following = self._of(names[k + 1]) if k + 1 < len(names) else None
            self._copy(name, following, old if not k else None)
            if self._is_over or self.head.position == self.to:
                return
        if self.to is not None and self.to > self.head.position:
            raise ValueError(
                f"to: expected a position up to {self.head.position}, where {self.source} ends, "
                f"found {self.to}"
            )

    def _refuse_past(self, old: _Old) -> None:
        if self.to is not None and self.to < old.head.position:
            raise ValueError(
                f"to: expected a position from {old.head.position} on, up to which the backup "
                f"goes already, found {self.to}"
            )

    def _is_not_continued(self, old: _Old) -> TargetRefused:
        return TargetRefused(
            f"expected a backup that {self.source} goes on from, found one that ends at position "
            f"{old.head.position} with commit {old.head.commit}, which the store does not have: "
            "it has lost records, or another history; the backup was not changed"
        )

    def _cut(self, name: str, following: str) -> None:
        """Go on in the next segment, as a writer does: it is there before the cut line names it."""
        # Its records are not there yet, so that also a cut line that is torn does no harm.
        if kind_of(self.disk, f"{self.directory}/{following}") is Kind.NOTHING:
            make_durable_file(self.disk, self.directory, following, header_line(self.chain)[0])
        cut = with_commit(*self.chain.next_cut())
        write_cut(self.disk, f"{self.directory}/{name}", self._end, cut)
        self.bytes += len(cut)

    def _copy(self, name: str, following: str | None, old: _Old | None) -> None:
        """Copy a segment but for its cut line, and put the copy in the place of an earlier one."""
        disk = self.disk
        copy = f"{self.directory}/{free_name(disk, self.directory, f'.new-{name}')}"
        try:
            with opened(disk, copy, Access.NEW) as file:
                self._fill(name, copy, file, following, old)
                with attempting("fsync", copy):
                    disk.fsync(file)
            with attempting("rename", f"{self.directory}/{name}"):
                disk.rename(copy, f"{self.directory}/{name}")
        except BaseException:
            forget(disk, copy)
            raise
        sync_directory(disk, self.directory)
        self.segments += 1
        self.bytes += self._end

    def _fill(
        self, name: str, copy: str, file: int, following: str | None, old: _Old | None
    ) -> None:
        disk, scan = self.disk, SegmentScan(self.chain)
        reader = SegmentReader(disk, copy, scan)

        def pour() -> None:
            self._pour(name, copy, file, scan.closed_end)

        pour()
        is_continued = old is None
        for commit in settled(reader, self._of(name), following, pour):
            if not self._takes(commit):
                break
            if old is not None and (commit.end, commit.value) == (old.end, old.head.commit):
                is_continued = True
        if old is not None and not is_continued:
            raise self._is_not_continued(old)
        if following is None:
            refuse_missing(disk, f"{self.source}/{JOURNAL}", name, scan, following)
        with attempting("ftruncate", copy):
            disk.ftruncate(file, self._end)
        # All that may be missing is the last newline.
        write_all(disk, file, copy, b"\n", self._end - 1)

    def _takes(self, commit: ClosedCommit) -> bool:
        """Take a commit into the backup; False if it is behind what is wanted."""
        if isinstance(commit.mark, CutLine):
            return True
        position = commit.records[-1].position if commit.records else self.head.position
        if self.to is not None and position > self.to:
            self._is_over = True
            return False
        if isinstance(commit.mark, HeaderLine):
            position = commit.mark.first - 1
        self.head, self._end = Head(position, commit.value), commit.end
        return True

    def _pour(self, name: str, copy: str, file: int, begin: int) -> None:
        """Copy a segment's bytes from an offset on, whatever they are."""
        disk, path = self.disk, self._of(name)
        with opened(disk, path, Access.READ) as from_file:
            with attempting("fstat", path):
                size = disk.size(from_file)
            while begin < size:
                data = read_range(disk, from_file, path, begin, min(size, begin + CHUNK_BYTES))
                if not data:
                    break
                write_all(disk, file, copy, data, begin)
                begin += len(data)
                self._read += len(data)
                self.on_progress(self._read, max(self._in_all, self._read))
        with attempting("ftruncate", copy):
            disk.ftruncate(file, begin)

    def _of(self, name: str) -> str:
        return f"{self.source}/{JOURNAL}/{name}"

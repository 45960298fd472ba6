"""
Opening a journal for writing: read it all, judge its end, mend what a crash left.

Nothing is changed before everything was read and found right. What is changed then:
an unfinished commit is copied aside and cut off, an unfinished cut is finished, and
the last commit is written again, the same bytes in the same place. After a failed
sync the system may show bytes that the disk does not have, and no later sync brings
them there; writing them again does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias, final
from uuid import uuid4

import attrs

from ..errors import JournalCorrupt, NotAStore
from . import Head, Recovery
from .chain import Chain, ClosedCommit, Problem
from .coverage import Coverage, entry_of
from .creating import Found, create, make_name_durable, read_identity, survey
from .disk import Access, Disk
from .failing import attempting
from .files import close_quietly, size_of, sync_directory
from .index_file import MemoryIndex, not_settled
from .index_file.write import file_chunks
from .index_store import IndexStore, Stretch
from .layout import JOURNAL, LOCK, index_name, segment_name
from .line import CloseLine, CutLine, HeaderLine, with_commit
from .lock import take_lock
from .mending import keep_aside, write_again, write_cut
from .scan import SegmentScan
from .segment_reader import SegmentReader, corrupt, is_being_cut, list_segments, uncut
from .segments import SegmentWriter
from .skipping import Skip, skip_pieces, skip_whole, stale_files
from .snapshots.log import LogPlace
from .snapshots.witness import refuse_missing_records
from .tail import Kept, NoTail, Torn, Verdict, judge

Progress: TypeAlias = Callable[[int, int], None]


@final
@attrs.define(eq=False)
class OpenedFiles:
    """A journal's files, open for writing and locked."""

    disk: Disk
    directory: str
    lock: int
    writer: SegmentWriter
    coverage: Coverage
    """What index files cover."""
    index: MemoryIndex
    """What lies behind that."""
    head: Head
    at: str
    """The last time in it; nothing that follows may be earlier."""
    recovery: Recovery
    snapshots: LogPlace

    def close(self) -> None:
        """Give all files back; that ends the lock."""
        self.coverage.store.close()
        try:
            self.writer.close()
        finally:
            # That ends the lock, even if it fails.
            with attempting("close", self.directory):
                self.disk.close(self.lock)


def open_files(
    disk: Disk,
    path: str,
    *,
    now: Callable[[], str],
    segment_bytes_max: int,
    on_progress: Progress,
    new_id: Callable[[], str] = lambda: str(uuid4()),
    forgets_index: bool = False,
) -> OpenedFiles:
    """
    Open a store's journal for writing; make the store if there is nothing.

    Args:
      now: gives the time as the journal writes it.
      on_progress: is called with the bytes read and the bytes in all; what it raises
        ends the opening.
      new_id: gives a UUID.
      forgets_index: throw all index files away first.

    Raises:
      NotAStore: the path holds something else, a store of a later format, or a backup.
      StoreLocked: another writer has it.
      JournalFailed: the disk refused.
      JournalCorrupt: it is damaged; nothing was changed.
    """
    found = survey(disk, path)
    if found is Found.NOTHING:
        with attempting("mkdir", path):
            try:
                disk.mkdir(path)
            except FileExistsError:
                # Another process was quicker by a moment.
                found = survey(disk, path)
    if found is not Found.STORE:
        make_name_durable(disk, path, was_there=found is Found.BEGUN)
    # A store of a later format may have another lock; it is not touched at all.
    elif read_identity(disk, path).backup:
        raise NotAStore(
            f"expected a store at {path}, found a backup of one, which is only read: "
            "atomic-store restore makes a store of it"
        )
    lock = take_lock(disk, f"{path}/{LOCK}")
    try:
        # Another process may have made the store since.
        was_created = survey(disk, path) is not Found.STORE
        if was_created:
            create(disk, path, now=now(), new_id=new_id)
        opening = _Opening(disk, path, on_progress)
        if forgets_index:
            for name in opening.coverage.store.names():
                opening.coverage.store.remove(name)
        try:
            opening.read()
            opening.hear_witness()
            writer, recovery = opening.mend(segment_bytes_max, was_created=was_created)
        except BaseException:
            opening.coverage.store.close()
            raise
    except BaseException:
        close_quietly(disk, lock)
        raise
    chain = opening.chain
    head = Head(chain.position, chain.value)
    return OpenedFiles(
        disk, opening.directory, lock, writer, opening.coverage, opening.index, head,
        chain.at, recovery, opening.snapshots,
    )  # fmt: skip


@final
@attrs.define(eq=False)
class _Opening:
    disk: Disk
    path: str
    on_progress: Progress
    directory: str = attrs.field(init=False)
    chain: Chain = attrs.field(init=False)
    coverage: Coverage = attrs.field(init=False)
    index: MemoryIndex = attrs.field(init=False)
    _scan: SegmentScan = attrs.field(init=False)
    _reader: SegmentReader = attrs.field(init=False)
    _verdict: Verdict = attrs.Factory(NoTail)
    # The last but one segment: where its last commit of records ends, and what ends it.
    _before: tuple[str, int, bytes] | None = None
    _is_cut: bool = True
    # Whole segments that were passed by, and that the coverage lacks.
    _skipped: list[Stretch] = attrs.Factory(list)
    # Index files that are not used: of segments that were cut since, mostly.
    _stale: list[str] = attrs.Factory(list)
    _segments: int = 0
    _bytes_read: int = 0
    _bytes_in_all: int = 0

    def __attrs_post_init__(self) -> None:
        self.directory = f"{self.path}/{JOURNAL}"
        identity = read_identity(self.disk, self.path)
        store = IndexStore(self.disk, self.path, identity.store, identity.history)
        self.chain = Chain(identity.store, identity.history)
        self.coverage = Coverage(store)

    # --- reading -------------------------------------------------------------------

    def read(self) -> None:
        """Read all segments and judge how they end; change nothing."""
        names = list_segments(self.disk, self.path)
        self._segments = len(names)
        self._bytes_in_all = sum(size_of(self.disk, self._of(name)) for name in names)
        for k, name in enumerate(names):
            expected = segment_name(self.chain.position + 1)
            if name != expected:
                raise JournalCorrupt(
                    self._of(expected), 0, "a segment of this name", f"no file; the next is {name}"
                )
            if k + 1 == len(names):
                self._go_on_behind_skipped()
                self._end_journal(name, self._read_last_segment(name))
            elif not self._skip_segment(name):
                self._go_on_behind_skipped()
                tail = self._read_segment(name)
                self._end_segment(name, tail, is_last_but_one=k + 2 == len(names))
                self._save_index()
        self._stale = stale_files(self.coverage, self.directory, self.chain.position)

    def _skip_segment(self, name: str) -> bool:
        """Pass by a segment that an index file covers."""
        chain, path = self.chain, self._of(name)
        skip = skip_whole(self.coverage.store, self.disk, path, chain)
        if skip is None:
            return False
        whole, chain.at = skip
        self._skipped.append(whole)
        header = whole.header
        chain.segment, chain.position, chain.value = header.segment, header.last, header.commit
        self._before = (name, header.end, with_commit(*chain.next_cut()))
        self._count_bytes(size_of(self.disk, path))
        return True

    def _go_on_behind_skipped(self) -> None:
        # All at once, because each time it is read where all scopes end.
        if self._skipped:
            self._go_on_from(self.coverage.with_whole(*self._skipped))
            self._skipped.clear()

    def _read_last_segment(self, name: str) -> bytes:
        skip = skip_pieces(self.coverage.store, self.disk, self._of(name), self.chain)
        if skip is None:
            return self._read_segment(name)
        for piece in skip.stretches:
            self._go_on_from(self.coverage.with_piece(piece))
        self._count_bytes(skip.last.end)
        return self._read_segment(name, skip)

    def _read_segment(self, name: str, skip: Skip | None = None) -> bytes:
        """Read one segment; give what lies behind its last closed commit."""
        self._scan = SegmentScan(self.chain)
        reader = self._reader = SegmentReader(
            self.disk, self._of(name), self._scan, self._count_bytes
        )
        if skip is not None:
            reader.skipped = (skip.last, skip.header.last, skip.at)
        for commit in reader.commits():
            self._add(commit)
        return reader.tail()

    def _go_on_from(self, coverage: Coverage) -> None:
        self.coverage = coverage
        self.chain.sequences, self.chain.knows_all_scopes = {}, False

    def _count_bytes(self, size: int) -> None:
        self._bytes_read += size
        self.on_progress(self._bytes_read, self._bytes_in_all)

    def _add(self, commit: ClosedCommit) -> None:
        """Take a commit into the index of what is read."""
        if isinstance(commit.mark, CutLine):
            return
        if isinstance(commit.mark, HeaderLine):
            header, covered = commit.mark, self.coverage.last
            pieces = self.coverage.pieces
            if not pieces:
                self.index = MemoryIndex(
                    header.segment, header.first, header.first, commit.end, commit.value
                )
            else:
                last = pieces[-1].header
                self.index = MemoryIndex(
                    header.segment, header.first, covered + 1, last.end, last.commit
                )
            return
        for record, offset in zip(commit.records, commit.offsets, strict=True):
            try:
                self.index.add(entry_of(offset, record), not_settled)
            except ValueError as error:
                raise JournalCorrupt(self._reader.path, offset, "a time", record.at) from error
        self.index.end, self.index.commit = commit.end, commit.value

    def _save_index(self) -> None:
        """Make the index file of a segment that was read."""
        store, index = self.coverage.store, self.index
        index.contents.settle(self.coverage.last_position)
        facts = index.facts(store.store, store.history)
        image = b"".join(file_chunks(index.contents, facts, self.coverage.ends))
        self._go_on_from(self.coverage.with_whole(store.save(index_name(facts.first), image)))

    def _end_segment(self, name: str, tail: bytes, *, is_last_but_one: bool) -> None:
        """Another segment follows: this one must end with a cut line."""
        scan = self._scan
        if scan.cut is not None and not tail:
            assert scan.last is not None
            self._before = (name, scan.last.offset, with_commit(*self.chain.next_cut()))
            return
        following = self._of(segment_name(self.chain.position + 1))
        if not is_last_but_one or scan.header is None or not is_being_cut(self._reader, following):
            raise corrupt(self._of(name), uncut(scan))
        self._is_cut = False
        self._before = (name, scan.closed_end, with_commit(*self.chain.next_cut()))

    def _end_journal(self, name: str, tail: bytes) -> None:
        scan = self._scan
        already_closed = scan.last
        verdict = self._verdict = judge(scan, tail)
        if isinstance(verdict, Problem):
            damage = corrupt(self._of(name), verdict)
            # Lines are not counted in what was not read.
            damage.line = None if self._reader.skipped else damage.line
            raise damage
        if isinstance(verdict, Torn):
            scan.roll_back()
        if isinstance(verdict, Kept):
            assert scan.last is not None
            assert scan.last is not already_closed
            self._add(scan.last)
        if scan.cut is not None:
            raise JournalCorrupt(
                self._of(scan.cut.cut), 0, f"the segment that {name} goes on in", "no file"
            )

    def hear_witness(self) -> None:
        """Refuse a journal that lacks records which snapshots rest on."""
        assert self._scan.header is not None
        segment = self._of(segment_name(self._scan.header.first))
        refuse_missing_records(self.snapshots, self.chain.position, segment, self._scan.closed_end)

    @property
    def snapshots(self) -> LogPlace:
        """Where the store's snapshots are."""
        return LogPlace(self.disk, self.path, self.chain.store, self.chain.history)

    # --- mending --------------------------------------------------------------------

    def mend(self, segment_bytes_max: int, *, was_created: bool) -> tuple[SegmentWriter, Recovery]:
        """Bring the files into the state in which the next commit can follow."""
        scan = self._scan
        assert scan.header is not None
        assert scan.last is not None
        name = segment_name(scan.header.first)
        path = self._of(name)
        recovery = self._recovery(was_created=was_created)
        if self._before is not None and self._has_only_header():
            name_before, offset, line = self._before
            write_cut(self.disk, self._of(name_before), offset, line)
        with attempting("open", path):
            file = self.disk.open(path, Access.WRITE)
        try:
            if isinstance(self._verdict, Torn):
                kept = keep_aside(self.disk, self.directory, name, file, self._verdict)
                recovery = attrs.evolve(recovery, torn_kept=kept)
                with attempting("ftruncate", path):
                    self.disk.ftruncate(file, self._verdict.offset)
            # That syncs the file, and so also where it ends now.
            write_again(self.disk, path, file, scan.last, isinstance(self._verdict, Kept))
            sync_directory(self.disk, self.directory)
            sync_directory(self.disk, self.path)
        except BaseException:
            close_quietly(self.disk, file)
            raise
        self.coverage.store.begin_writing()
        for stale in self._stale:
            self.coverage.store.remove(stale)
        writer = SegmentWriter(
            self.disk, self.directory, self.chain, file, scan.header.first, scan.closed_end,
            segment_bytes_max,
        )  # fmt: skip
        return writer, recovery

    def _recovery(self, *, was_created: bool) -> Recovery:
        notes = []
        assert self._scan.last is not None
        if isinstance(self._verdict, Kept):
            notes.append("The last commit was whole but for its newline, which was added.")
        if not self._is_cut:
            notes.append("The cut of the last but one segment was finished.")
        return Recovery(
            was_created=was_created,
            was_closed=was_created
            or (isinstance(self._scan.last.mark, CloseLine) and isinstance(self._verdict, NoTail)),
            records=self.chain.position,
            segments=self._segments,
            torn_bytes=self._verdict.size if isinstance(self._verdict, Torn) else 0,
            notes=tuple(notes),
        )

    def _has_only_header(self) -> bool:
        last = self._scan.last
        return last is not None and isinstance(last.mark, HeaderLine)

    def _of(self, name: str) -> str:
        return f"{self.directory}/{name}"

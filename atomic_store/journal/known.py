"""What is known of a journal that somebody else writes: index files, and indexes in memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import final

import attrs

from ..errors import JournalCorrupt, NotAStore
from .chain import Chain, ClosedCommit
from .coverage import Coverage, entry_of
from .creating import begun_header, expect_store, read_identity
from .disk import Disk, Kind
from .files import kind_of
from .index_file import MemoryIndex, merge_pieces, not_settled
from .index_file.write import file_chunks
from .index_store import IndexStore, Stretch, reader_of
from .layout import STORE, index_name, segment_name
from .line import CutLine, HeaderLine
from .segment_reader import list_segments
from .skipping import skip_pieces, skip_whole
from .tailing import Tail

OPENING_BYTES = 4 * 1024 * 1024
"""How much is read at a time before there is anything to be held up."""

Check = Callable[[], object]


@attrs.frozen
class Covered:
    """What is known once index files have taken the place of indexes in memory."""

    coverage: Coverage
    memory: list[MemoryIndex]
    sequences: dict[str, int]
    """Where the scopes end that the indexes in memory know."""


@final
@attrs.define(eq=False)
class Known:
    """
    Records and where they lie.

    Args:
      memory: what lies behind the coverage; the last one grows.
    """

    tail: Tail
    coverage: Coverage
    memory: list[MemoryIndex] = attrs.field(factory=list)

    def take(self, commit: ClosedCommit) -> None:
        """
        Take up a commit. Does not block.

        Raises:
          JournalCorrupt: a record's time is none.
        """
        if isinstance(commit.mark, CutLine):
            return
        if isinstance(commit.mark, HeaderLine):
            header, end = commit.mark, commit.end
            first, value = header.first, commit.value
            pieces = self.coverage.pieces
            if pieces and pieces[-1].header.segment == header.segment:
                last = pieces[-1].header
                first, end, value = last.last + 1, last.end, last.commit
            self.memory.append(
                MemoryIndex(header.segment, header.first, first, end, value, hashes_late=True)
            )
            return
        index = self.memory[-1]
        for record, offset in zip(commit.records, commit.offsets, strict=True):
            try:
                index.add(entry_of(offset, record), not_settled)
            except ValueError as error:
                path = self.tail.path_of(index.segment_first)
                raise JournalCorrupt(path, offset, "a time", record.at) from error
        index.end, index.commit = commit.end, commit.value

    @property
    def has_late_hashes(self) -> bool:
        """Whether `hash_late` has something to do."""
        return any(index.contents.late_hashes for index in self.memory)

    def hash_late(self) -> None:
        """Hash what proposals are looked for by. It takes a tenth of a second for a segment."""
        for index in list(self.memory):
            index.contents.hash_late()

    # --- segments that were cut, whose index files the writer makes ------------------------

    def covered(self, *, must: bool) -> Covered | None:
        """
        Look for index files of segments that were cut. Blocks; changes nothing.

        Args:
          must: make one in memory for the newest, too, if there is none: for older ones
            the writer has had its time.
        """
        coverage, store = self.coverage, self.coverage.store
        # The newest stays while others may look at it: there is nothing behind it yet.
        known = self.memory if must else self.memory[:-1]
        whole = [index for index in known if index.segment_first != self.tail.first]
        replaced: list[MemoryIndex] = []
        with store.lock:
            for index in whole:
                found = _found(store, index)
                if found is None and (must or index is not whole[-1]):
                    found = store.save(index_name(index.segment_first), _image(coverage, index))
                if found is None:
                    break
                coverage = coverage.with_whole(found)
                replaced.append(index)
        return self._covered(coverage, replaced) if replaced else None

    def _covered(self, coverage: Coverage, replaced: list[MemoryIndex]) -> Covered:
        kept = [index for index in self.memory if index not in replaced]
        sequences = {
            scope: contents.first_sequence + len(contents.ordinals) - 1
            for index in kept
            for scope, contents in index.contents.scopes.items()
        }
        return Covered(coverage, kept, sequences)

    def cover(self, covered: Covered) -> None:
        """Use what covers more. Does not block. A commit that is not closed is read again."""
        self.tail.rewind()
        self.coverage = covered.coverage
        self.memory[:] = covered.memory
        chain = self.tail.chain
        chain.sequences, chain.knows_all_scopes = covered.sequences, False

    # --- opening -------------------------------------------------------------------------

    def read_all(self, names: Sequence[str], check: Check) -> None:
        """
        Read what no index file covers, of what is there now. Blocks.

        It ends behind the last of the segments, also where a writer has cut more of them
        meanwhile: it may be quicker than this.
        """
        self._skip_segments(names)
        if segment_name(self.tail.first) not in names:
            raise JournalCorrupt(self.tail.segment, 0, "a segment of this name", "no file")
        self._skip_pieces()
        while True:
            check()
            step = self.tail.read_on(OPENING_BYTES)
            for commit in step.commits:
                self.take(commit)
            if step.is_last:
                if self.tail.is_at_end(names):
                    return
                continue
            if segment_name(self.tail.first) > names[-1]:
                return
            covered = self.covered(must=True)
            if covered is not None:
                self.cover(covered)
                self._skip_segments(names)

    def _skip_segments(self, names: Sequence[str]) -> None:
        """Pass by segments that index files cover, up to the last one."""
        tail, chain, store = self.tail, self.tail.chain, self.coverage.store
        skipped: list[Stretch] = []
        with store.lock:
            while segment_name(chain.position + 1) in names[:-1]:
                skip = skip_whole(store, tail.disk, tail.path_of(chain.position + 1), chain)
                if skip is None:
                    break
                whole, chain.at = skip
                header = whole.header
                chain.segment, chain.position, chain.value = (
                    header.segment, header.last, header.commit
                )  # fmt: skip
                skipped.append(whole)
            if skipped:
                tail.begin_segment()
                self.cover(self._covered(self.coverage.with_whole(*skipped), []))

    def _skip_pieces(self) -> None:
        """Pass by what pieces cover of the next segment."""
        tail, store = self.tail, self.coverage.store
        with store.lock:
            skip = skip_pieces(store, tail.disk, tail.segment, tail.chain)
            if skip is None:
                return
            coverage = self.coverage
            for piece in skip.stretches:
                coverage = coverage.with_piece(piece)
            self.cover(self._covered(coverage, []))
            for commit in tail.begin_segment(skip):
                self.take(commit)


def know(disk: Disk, path: str, check: Check = lambda: None) -> Known:
    """
    Read a store's files as far as index files do not say what is in them. Blocks.

    Args:
      path: the store's directory.
      check: is called between reads; what it raises ends it.

    Raises:
      NotAStore: the path holds something else, a store that is not finished, or one of a
        later format.
      JournalCorrupt: it is damaged, in what was read.
      JournalFailed: the disk refused.
    """
    expect_store(disk, path)
    if kind_of(disk, f"{path}/{STORE}") is Kind.NOTHING:
        begun_header(disk, path)
        raise NotAStore(f"expected a store at {path}, found one that is not finished")
    identity = read_identity(disk, path)
    names = list_segments(disk, path)
    store = IndexStore(disk, path, identity.store, identity.history)
    known = Known(Tail(disk, path, Chain(identity.store, identity.history)), Coverage(store))
    try:
        known.read_all(names, check)
    except BaseException:
        store.close()
        raise
    return known


def _found(store: IndexStore, index: MemoryIndex) -> Stretch | None:
    """The index file of a whole segment, if it is about the same."""
    stretch = store.stretch(index_name(index.segment_first))
    if stretch is None or not stretch.header.is_whole:
        return None
    header = stretch.header
    is_same = (header.end, header.commit, header.last) == (index.end, index.commit, index.last)
    return stretch if is_same else None


def _image(coverage: Coverage, index: MemoryIndex) -> bytes:
    """Make an index file of a whole segment: of its pieces and what lies behind them."""
    store = coverage.store
    index.contents.settle(coverage.last_position)
    facts = index.facts(store.store, store.history)
    pieces = [coverage.answer(partial(store.own_reader, piece)) for piece in coverage.pieces]
    if not pieces:
        return b"".join(file_chunks(index.contents, facts, coverage.ends))
    if index.contents.count:
        pieces.append(reader_of(b"".join(file_chunks(index.contents, facts, None)), ""))
    first = pieces[0].header
    facts = attrs.evolve(facts, first=first.first, begin=first.begin)
    return b"".join(merge_pieces(pieces, facts, coverage.ends))

"""Making an index file: from records, or from the files of pieces that follow each other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import final

from .contents import Before, Contents, Entry
from .ends import EndsTable
from .hashes import Digest, digest_of
from .layout import SPAN_ROW, Facts
from .read import IndexReader
from .write import file_chunks

ENTRIES_IN_A_STEP = 1024
NO_SCOPES = EndsTable()


@final
class IndexBuilder:
    """
    Collects records for an index file.

    Args:
      first: the first record's position.
      before: gives the position of a scope's last record before that, 0 if there is none.
      digest: the hash of what is looked up; for tests.
    """

    def __init__(self, first: int, before: Before, *, digest: Digest = digest_of) -> None:
        self._contents = Contents(first, digest)
        self._before = before

    @property
    def count(self) -> int:
        """How many records it has."""
        return self._contents.count

    def add(self, entry: Entry) -> None:
        """
        Take the next record.

        Raises:
          ValueError: its time is none; nothing was taken.
        """
        self._contents.add(entry, self._before)

    def chunks(self, facts: Facts, ends_before: EndsTable | None = None) -> Iterator[bytes]:
        """
        Encode the file: its bytes in order, in chunks.

        Empty chunks come where nothing is ready yet: a place to let other threads run.

        Args:
          facts: what the file is about.
          ends_before: where all scopes end before the segment, if the file is the whole
            segment's; `NO_SCOPES` for the first one's. None if it is a piece's.
        """
        return file_chunks(self._contents, facts, ends_before)


def build_index(
    facts: Facts,
    entries: Iterable[Entry],
    before: Before,
    ends_before: EndsTable | None = None,
    *,
    digest: Digest = digest_of,
) -> Iterator[bytes]:
    """
    Encode the index file of some records, in chunks; see `IndexBuilder`.

    Raises:
      ValueError: a record's time is none.
    """
    builder = IndexBuilder(facts.first, before, digest=digest)
    for k, entry in enumerate(entries, 1):
        builder.add(entry)
        if k % ENTRIES_IN_A_STEP == 0:
            yield b""
    yield from builder.chunks(facts, ends_before)


def merge_pieces(
    pieces: Sequence[IndexReader], facts: Facts, ends_before: EndsTable | None = None
) -> Iterator[bytes]:
    """
    Encode one index file for what several cover that follow each other.

    It has the same bytes as one that is built from all the records. The pieces must
    stay readable while it is iterated.

    Raises:
      ValueError: they do not follow each other.
      IndexDamaged: a piece is damaged; its `name` says which.
    """
    contents = Contents(facts.first)
    end = facts.begin
    for piece in pieces:
        header = piece.header
        expected = (facts.store, facts.history, facts.segment, facts.first + contents.count)
        found = (header.store, header.history, header.segment, header.first)
        if found != expected or header.begin < end or header.end > facts.end:
            raise ValueError(
                f"expected a piece of {expected} from {end} to {facts.end}, "
                f"found {found} from {header.begin} to {header.end}"
            )
        end = header.end
        yield from _take_piece(contents, piece)
    yield from file_chunks(contents, facts, ends_before)


def _take_piece(contents: Contents, piece: IndexReader) -> Iterator[bytes]:
    """Add what a piece says; where others may run, an empty chunk."""
    header, tables = piece.header, piece.tables
    if not header.count:
        return
    shift = contents.count
    if not shift:
        contents.first_at = header.first_at
    contents.last_at = header.last_at
    contents.offsets.extend(piece.offsets(header.first, header.last))
    contents.times.extend(tables.times[:])
    yield b""
    places = tables.places[:]
    for k, (name, row) in enumerate(tables.scopes.rows(), 1):
        sequence, before, at, begin, count, _ = SPAN_ROW.unpack(row)
        text = name.decode()
        scope = contents.scopes.get(text) or contents.begin_scope(text, sequence, before)
        scope.at = at
        scope.ordinals.extend([shift + place for place in places[begin : begin + count]])
        if k % ENTRIES_IN_A_STEP == 0:
            yield b""
    for into, table in ((contents.ids, tables.ids), (contents.correlations, tables.correlations)):
        for k, hashed in enumerate(table.rows(), 1):
            # The ordinal is the lowest part of the row.
            into.add_row(hashed + shift)
            if k % ENTRIES_IN_A_STEP == 0:
                yield b""

"""Looking something up in an index file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import final

import attrs

from .ends import EndsTable
from .hashes import Digest, correlation_hash, digest_of, id_half, id_hash, scope_half
from .layout import SPAN_ROW, Header, Section
from .moments import to_text
from .names import encoded
from .pages import CACHED_PAGES_MAX, PageFile, ReadBytes
from .tables import Tables, tables_of
from .time_grid import find_time


@attrs.frozen
class Span:
    """What an index file says of one scope: the part of it that lies in the file."""

    scope: str
    first_sequence: int
    count: int
    """How many records it has here, at least one."""
    last_position: int
    at: str
    """The last one's time."""
    before: int
    """The position of the scope's last record before this file's first; 0 if there is none."""
    first_place: int
    """Where its positions begin in the file's list of them."""

    @property
    def last_sequence(self) -> int:
        """The last record's sequence."""
        return self.first_sequence + self.count - 1


@final
class IndexReader:
    """
    Looks things up in an index file. Used from one thread at a time.

    Every page is checked when it is read, so that no answer is wrong.

    Args:
      read: reads the file: from an offset, so many bytes.
      size: how many bytes the file has.
      name: what errors call it.
      digest: the hash that the file was made with; for tests.
      cached_pages_max: how many pages are kept in memory.

    Raises:
      IndexDamaged: a page is not what was written; from the constructor, all methods,
        and what they give while it is iterated.
      IndexFromFuture: from the constructor: this is a later version's.
    """

    def __init__(
        self,
        read: ReadBytes,
        size: int,
        *,
        name: str = "",
        digest: Digest = digest_of,
        cached_pages_max: int = CACHED_PAGES_MAX,
    ) -> None:
        self._file = PageFile(read, size, name, cached_pages_max)
        self._digest = digest
        self.header: Header = self._file.header
        """What the file is about."""
        self.tables: Tables = tables_of(self._file)
        """Its sections, for whoever merges files."""

    def check(self) -> None:
        """Read every page, for nothing but to see whether it is as it was written."""
        for _ in self._file.payloads(1, self.header.pages):
            pass

    # --- by position ------------------------------------------------------------

    def offset(self, position: int) -> int:
        """
        Say where in the segment the record at a position begins.

        Raises:
          IndexError: the file does not cover this position.
        """
        return self.offsets(position, position)[0]

    def offsets(self, first: int, last: int) -> list[int]:
        """
        Say where the records from one position to another begin, both included.

        Raises:
          IndexError: the file does not cover one of them.
        """
        header = self.header
        if not header.first <= first <= last <= header.last:
            raise IndexError(
                f"expected positions in {header.first}..{header.last}, found {first}..{last}"
            )
        found = self.tables.offsets[first - header.first : last - header.first + 1]
        return [header.begin + offset for offset in found]

    def extent(self, position: int) -> tuple[int, int]:
        """
        Say between which offsets the record at a position lies; others may follow it there.

        Raises:
          IndexError: the file does not cover this position.
        """
        return self.extents([position])[0]

    def extents(self, positions: Iterable[int]) -> list[tuple[int, int]]:
        """Say the same of some records."""
        header, item = self.header, self.tables.offsets.item
        found = []
        for position in positions:
            if not header.first <= position <= header.last:
                raise IndexError(
                    f"expected a position in {header.first}..{header.last}, found {position}"
                )
            k = position - header.first
            end = header.end if position == header.last else header.begin + item(k + 1)
            found.append((header.begin + item(k), end))
        return found

    # --- by time ----------------------------------------------------------------

    def positions_at(self, microseconds: int) -> range:
        """
        Say where to look for the first record that is not before a time.

        Args:
          microseconds: the time, since 1970.

        Returns:
          Positions of which one is it, at most 64. Empty if all records are before the
          time; then it begins where the next file does.
        """
        header = self.header
        return find_time(header.first, header.last, header.last_at, self.tables.times, microseconds)

    # --- by scope ---------------------------------------------------------------

    def scope(self, scope: str) -> Span | None:
        """Say what the file has of a scope; None if nothing."""
        name = encoded(scope)
        row = self.tables.scopes.find(name)
        return None if row is None else self.span(name, row)

    def scopes(self, prefix: str = "", after: str | None = None, limit: int = 1000) -> list[Span]:
        """Give some scopes of the file, ordered by code point."""
        found = self.scope_rows(prefix, after, limit)
        return [self.span(name, row) for name, row in found]

    def scope_rows(
        self, prefix: str = "", after: str | None = None, limit: int = 1000
    ) -> Iterator[tuple[bytes, bytes]]:
        """Give the names and rows of some scopes: what they say takes longer to read."""
        return self.tables.scopes.select(prefix, after, limit)

    def positions(self, span: Span, first: int = 1, last: int | None = None) -> list[int]:
        """
        Give positions of a scope's records that lie in the file, rising.

        Args:
          span: the scope, as this file gave it.
          first: the first sequence that is wanted.
          last: the last one; None for all.
        """
        begin = max(0, first - span.first_sequence)
        end = span.count if last is None else min(span.count, last - span.first_sequence + 1)
        places = self.tables.places[span.first_place + begin : span.first_place + max(begin, end)]
        return [self.header.first + ordinal for ordinal in places]

    # --- by hash ----------------------------------------------------------------

    def find_id(self, scope: str, proposal_id: str) -> tuple[int, ...]:
        """Give positions of which one may be the first of this proposal's records."""
        hash_ = id_hash(scope_half(scope, self._digest), proposal_id, self._digest)
        return tuple(self._found(self.tables.ids.ordinals(hash_)))

    def find_id_anywhere(self, proposal_id: str) -> tuple[int, ...]:
        """Give positions where the records of proposals with this id may begin, in any scope."""
        half = id_half(proposal_id, self._digest)
        return tuple(sorted(self._found(self.tables.ids.ordinals_of_half(half))))

    def find_correlation(self, member: str, value: str, *, first: int = 1) -> Iterator[int]:
        """
        Give the positions of records whose metadata may have this member with this value.

        All that have it are given, rising; each must be read to see whether it has.

        Args:
          member: `correlation` or `causation`.
          value: a string.
          first: positions before this one are left out.
        """
        ordinal = max(0, first - self.header.first)
        hash_ = correlation_hash(member, value, self._digest)
        return self._found(self.tables.correlations.ordinals(hash_, ordinal))

    # --- all scopes -------------------------------------------------------------

    def load_ends(self) -> EndsTable:
        """Read where all scopes end; only in a whole segment's file, else it is empty."""
        place = self.header.sections[Section.ENDS]
        pages = self._file.payloads(place.first_page, place.first_page + place.pages)
        return EndsTable(list(pages), place.items)

    def _found(self, ordinals: Iterator[int]) -> Iterator[int]:
        return (self.header.first + ordinal for ordinal in ordinals)

    def span(self, name: bytes, row: bytes) -> Span:
        """Read what a row says of a scope."""
        sequence, before, at, place, count, ordinal = SPAN_ROW.unpack(row)
        position = self.header.first + ordinal
        return Span(name.decode(), sequence, count, position, to_text(at), before, place)

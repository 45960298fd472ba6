"""
The first page of an index file: what the file covers, and where its sections lie.

docs/format.md describes the file for programs in other languages.
"""

from __future__ import annotations

from enum import IntEnum
from struct import Struct
from uuid import UUID

import attrs

FORMAT = 1
"""The one format that this version reads and writes."""
PAGE_BYTES = 4096
PAYLOAD_BYTES = PAGE_BYTES - 4
TIMES_EVERY = 64
"""How far apart, in positions, the records are whose times are kept."""

U32, U64, I64 = "I", "Q", "q"
"""The kinds of numbers in sections of numbers, as `struct` calls them."""
HASH_BYTES = 12
"""The size of a hash with its ordinal."""
SPAN_ROW = Struct("<QQqIII")
"""Of a scope: its first sequence, its last position before the file, its last time; then its
first place, how many there are, and its last ordinal."""
END_ROW = Struct("<QQq")
"""Of a scope: its last sequence, last position and last time."""

_MAGIC = b"atomidx\n"
_IS_WHOLE = 1
_HAS_WIDE_OFFSETS = 2
_BEGINNING = Struct("<8sI")
_HEADER = Struct("<8sII16s16s6Q16s2qQ14Q")


class Section(IntEnum):
    """The parts of a file, in the order in which they lie there."""

    OFFSETS = 0
    TIMES = 1
    SCOPES = 2
    PLACES = 3
    IDS = 4
    CORRELATIONS = 5
    ENDS = 6


@attrs.frozen
class SectionPlace:
    """Where one section lies."""

    first_page: int
    pages: int
    items: int
    """Numbers, scopes or hashes: whatever it is made of."""


@attrs.frozen
class Facts:
    """What an index file is about: a run of whole commits in one segment."""

    store: str
    """The store's id, as 36 characters."""
    history: str
    segment: int
    """The segment's number, from 1."""
    segment_first: int
    """The segment's first position: the one in its name."""
    first: int
    """The first position that the file covers."""
    begin: int
    """An offset in the segment, not behind the first covered record's line."""
    end: int
    """The offset behind the last covered commit."""
    commit: str
    """That commit's value, 32 hexadecimal digits: it stands for all that is covered."""


@attrs.frozen
class Header(Facts):
    """All that the first page says."""

    count: int
    """How many records are covered."""
    is_whole: bool
    """The file covers its whole segment, and holds where every scope of the store ends."""
    has_wide_offsets: bool
    first_at: int
    """The first covered record's time, in microseconds since 1970; 0 if there is none."""
    last_at: int
    sections: tuple[SectionPlace, ...]
    """By `Section`."""

    @property
    def last(self) -> int:
        """The last covered position; the one before `first` if nothing is covered."""
        return self.first + self.count - 1

    @property
    def offset_code(self) -> str:
        """The kind of numbers that offsets are."""
        return U64 if self.has_wide_offsets else U32

    @property
    def pages(self) -> int:
        """How many pages the file has."""
        last = self.sections[-1]
        return last.first_page + last.pages


def header_payload(header: Header) -> bytes:
    """Encode the first page, up to its checksum."""
    flags = _IS_WHOLE * header.is_whole | _HAS_WIDE_OFFSETS * header.has_wide_offsets
    packed = _HEADER.pack(
        _MAGIC, FORMAT, flags,
        UUID(header.store).bytes, UUID(header.history).bytes,
        header.segment, header.segment_first, header.first, header.count,
        header.begin, header.end,
        bytes.fromhex(header.commit),
        header.first_at, header.last_at, header.pages,
        *(number for s in header.sections for number in (s.first_page, s.items)),
    )  # fmt: skip
    return packed.ljust(PAYLOAD_BYTES, b"\0")


def format_of(payload: bytes) -> int | None:
    """Give the format that a first page names; None if it is no index file's."""
    magic, number = _BEGINNING.unpack_from(payload)
    return number if magic == _MAGIC else None


def parse_header(payload: bytes) -> Header:
    """Read a first page of this format, whose checksum is right."""
    (
        _, _, flags, store, history, segment, segment_first, first, count, begin, end,
        commit, first_at, last_at, pages, *sections,
    ) = _HEADER.unpack_from(payload)  # fmt: skip
    first_pages, items = sections[::2], sections[1::2]
    ends = [*first_pages[1:], pages]
    return Header(
        str(UUID(bytes=store)), str(UUID(bytes=history)), segment, segment_first,
        first, begin, end, commit.hex(), count,
        bool(flags & _IS_WHOLE), bool(flags & _HAS_WIDE_OFFSETS), first_at, last_at,
        tuple(
            SectionPlace(page, end - page, n)
            for page, end, n in zip(first_pages, ends, items, strict=True)
        ),
    )  # fmt: skip

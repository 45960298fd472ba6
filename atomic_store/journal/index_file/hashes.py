"""
Tables of hashes: what has this id, this correlation?

A row is one number of 96 bits: a hash of 64 bits, and below it the ordinal of the
record that it belongs to. Whoever finds a hash reads the record to see whether it is
the one: two texts with one hash cost a reading, no more.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterator
from hashlib import blake2b
from typing import TypeAlias, final

import attrs
import msgspec
from msgspec import UNSET, Raw, UnsetType

from .layout import HASH_BYTES, PAYLOAD_BYTES, SectionPlace
from .numbers import ReadPage

Digest: TypeAlias = Callable[[bytes], int]
"""Gives 64 bits for some bytes."""

_ROWS = PAYLOAD_BYTES // HASH_BYTES
_ORDINAL_BITS = 32
_HALF = (1 << 32) - 1


def digest_of(data: bytes) -> int:
    """Give the BLAKE2b hash of 8 bytes, as a number in little-endian order."""
    return int.from_bytes(blake2b(data, digest_size=8).digest(), "little")


# --- what is hashed ---------------------------------------------------------------


def scope_half(scope: str, digest: Digest) -> int:
    """Give what a scope does to the lower half of its proposals' hashes."""
    return digest(scope.encode()) >> 32


def id_hash(half: int, proposal_id: str, digest: Digest) -> int:
    """
    Give the hash of a proposal.

    Its upper half is that of the id in any scope, so that an id can be found without
    knowing its scope.

    Args:
      half: the scope's `scope_half`.
    """
    return digest(proposal_id.encode()) ^ half


def id_half(proposal_id: str, digest: Digest) -> int:
    """Give the upper half of the hashes of all proposals with this id."""
    return digest(proposal_id.encode()) >> 32


def correlation_hash(member: str, value: str, digest: Digest) -> int:
    """Give the hash of a member of a record's metadata."""
    return digest(f"{member}\0{value}".encode())


class _Correlations(msgspec.Struct, gc=False):
    correlation: Raw | UnsetType = UNSET
    causation: Raw | UnsetType = UNSET


_decode_members = msgspec.json.Decoder(_Correlations).decode
_decode_text = msgspec.json.Decoder(str).decode


def correlation_hashes(metadata: bytes, digest: Digest) -> list[int]:
    """Give the hashes of a record's correlation and causation, of those that are strings."""
    try:
        found = _decode_members(metadata)
        return [
            correlation_hash(member, _decode_text(raw), digest)
            for member, raw in (("correlation", found.correlation), ("causation", found.causation))
            if not isinstance(raw, UnsetType) and bytes(raw).startswith(b'"')
        ]
    except (msgspec.DecodeError, UnicodeDecodeError):
        return []


# --- writing ------------------------------------------------------------------------


@final
@attrs.define(eq=False)
class HashBuckets:
    """
    Collects rows, and gives them sorted.

    They are kept apart by the first bits of their hashes: sorting a part of them at a
    time takes no longer, and lets other threads run in between.
    """

    count: int = attrs.field(init=False, default=0)
    # Invariant: a row is in the bucket that its first byte names.
    _buckets: defaultdict[int, list[int]] = attrs.field(
        init=False, factory=lambda: defaultdict(list)
    )

    def add(self, hash_: int, ordinal: int) -> None:
        """Take one row."""
        self.add_row(hash_ << _ORDINAL_BITS | ordinal)

    def add_row(self, row: int) -> None:
        """Take one row, as `HashTable.rows` gives it; ordinals may have been added to it."""
        self._buckets[row >> 88].append(row)
        self.count += 1

    def ordinals(self, hash_: int) -> list[int]:
        """Give the ordinals of a hash."""
        bucket = self._buckets.get(hash_ >> 56, ())
        return [row & _HALF for row in bucket if row >> _ORDINAL_BITS == hash_]

    def pages(self) -> Iterator[bytes]:
        """Encode the rows in order."""
        rows: list[int] = []
        for begin in sorted(self._buckets):
            # Not in place: somebody may be looking something up in it.
            rows += sorted(self._buckets[begin])
            full = len(rows) - len(rows) % _ROWS
            for k in range(0, full, _ROWS):
                yield _hash_page(rows[k : k + _ROWS])
            del rows[:full]
        if rows:
            yield _hash_page(rows)


def _hash_page(rows: list[int]) -> bytes:
    return b"".join([row.to_bytes(HASH_BYTES, "little") for row in rows])


# --- reading ------------------------------------------------------------------------


@final
@attrs.frozen(eq=False)
class HashTable:
    """A sorted table of hashes, read when it is asked."""

    page: ReadPage
    place: SectionPlace

    def ordinals(self, hash_: int, first: int = 0) -> Iterator[int]:
        """Give the ordinals of a hash, rising, from `first` on."""
        return self._ordinals(hash_ << _ORDINAL_BITS | first, (hash_ + 1) << _ORDINAL_BITS)

    def ordinals_of_half(self, half: int) -> Iterator[int]:
        """Give the ordinals of all hashes with this upper half, by hash."""
        return self._ordinals(half << 64, (half + 1) << 64)

    def rows(self, start: int = 0) -> Iterator[int]:
        """Give the rows from the first on that is not less than `start`."""
        for k in range(self._page_of(start), self.place.pages):
            page, count = self._page(k)
            first = _first_row(page, count, start)
            for begin in range(first * HASH_BYTES, count * HASH_BYTES, HASH_BYTES):
                yield int.from_bytes(page[begin : begin + HASH_BYTES], "little")

    def _ordinals(self, start: int, end: int) -> Iterator[int]:
        before = -1
        for row in self.rows(start):
            if row >= end:
                return
            if row != before:
                yield row & _HALF
            before = row

    def _page_of(self, start: int) -> int:
        """
        Give the first page whose last row is not less than `start`; if none, their number.

        Hashes are spread evenly, so the page is guessed, then it is one beside it, and
        if hashes are not as they should be, it is still found by halving.
        """
        begin, end = 0, self.place.pages
        guess, is_near = (start >> _ORDINAL_BITS) * end >> 64, True
        while begin < end:
            page, count = self._page(guess)
            if _row(page, count - 1) < start:
                begin = guess + 1
                guess = begin if is_near else (begin + end) // 2
            elif _row(page, 0) < start:
                return guess
            else:
                end = guess
                guess = end - 1 if is_near else (begin + end) // 2
            is_near = False
        return begin

    def _page(self, k: int) -> tuple[bytes, int]:
        """Give what a page of the table holds, and how many rows that is."""
        return self.page(self.place.first_page + k), min(_ROWS, self.place.items - k * _ROWS)


def _row(page: bytes, k: int) -> int:
    return int.from_bytes(page[k * HASH_BYTES : (k + 1) * HASH_BYTES], "little")


def _first_row(page: bytes, count: int, start: int) -> int:
    return bisect_left(range(count), start, key=lambda k: _row(page, k))

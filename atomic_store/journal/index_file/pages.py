"""
The pages of an index file: each with a checksum that says also which page of which file it is.

A page's checksum begins with that of the first page, which covers all that the file
is about, and with the page's own number. So a page that was changed, moved or put
here from another file is never taken for the right one.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from struct import Struct
from typing import TypeAlias, final
from zlib import crc32

import attrs

from .errors import IndexDamaged, IndexFromFuture
from .layout import FORMAT, PAGE_BYTES, PAYLOAD_BYTES, Header, format_of, parse_header

ReadBytes: TypeAlias = Callable[[int, int], bytes]
"""Reads a file: from an offset, so many bytes."""

CACHED_PAGES_MAX = 64
PAGES_AT_ONCE = 64
"""How many pages are read in one call where many are wanted."""

_CRC = Struct("<I")
_SEED = Struct("<IQ")


def seal_first(payload: bytes) -> tuple[bytes, int]:
    """Finish the first page; gives also its checksum, with which all others begin."""
    crc = crc32(payload)
    return payload + _CRC.pack(crc), crc


def seal(payload: bytes, number: int, first_crc: int) -> bytes:
    """Finish any other page; what is missing at its end is filled with zeros."""
    payload = payload.ljust(PAYLOAD_BYTES, b"\0")
    return payload + _CRC.pack(_crc(payload, number, first_crc))


def _crc(payload: bytes, number: int, first_crc: int) -> int:
    return crc32(payload, crc32(_SEED.pack(first_crc, number)))


@final
@attrs.define(eq=False)
class PageFile:
    """
    Reads pages and checks them. Used from one thread at a time.

    Args:
      read: reads the file.
      size: how many bytes it has.
      name: what errors call it.
      cached_pages_max: how many checked pages are kept, at least 1.

    Raises:
      IndexDamaged: from all that reads, also the constructor: there is something else.
      IndexFromFuture: from the constructor alone.
    """

    read: ReadBytes
    size: int
    name: str = ""
    cached_pages_max: int = CACHED_PAGES_MAX
    header: Header = attrs.field(init=False)
    _first_crc: int = attrs.field(init=False)
    # Invariant: checked; the one used last is the last.
    _cached: OrderedDict[int, bytes] = attrs.field(init=False, factory=OrderedDict)

    def __attrs_post_init__(self) -> None:
        page = self.read(0, PAGE_BYTES)
        if len(page) != PAGE_BYTES:
            raise IndexDamaged(self.name, 0, f"expected {PAGE_BYTES} bytes, found {len(page)}")
        payload = page[:PAYLOAD_BYTES]
        (self._first_crc,) = _CRC.unpack_from(page, PAYLOAD_BYTES)
        if crc32(payload) != self._first_crc:
            raise IndexDamaged(self.name, 0, "the checksum is not right")
        number = format_of(payload)
        if number is None:
            raise IndexDamaged(self.name, 0, "it is no index file's")
        if number != FORMAT:
            raise IndexFromFuture(self.name, number)
        self.header = parse_header(payload)
        expected = self.header.pages * PAGE_BYTES
        if self.size != expected:
            raise IndexDamaged(
                self.name, 0, f"expected a file of {expected} bytes, found {self.size}"
            )

    def payload(self, number: int) -> bytes:
        """Give what one page holds, before its checksum; not for the first."""
        found = self._cached.get(number)
        if found is not None:
            self._cached.move_to_end(number)
            return found
        (found,) = self._checked(number, number + 1)
        self._cached[number] = found
        if len(self._cached) > self.cached_pages_max:
            self._cached.popitem(last=False)
        return found

    def payloads(self, begin: int, end: int) -> Iterator[bytes]:
        """Give what many pages hold, from `begin` up to `end`; they are not kept."""
        for number in range(begin, end, PAGES_AT_ONCE):
            yield from self._checked(number, min(end, number + PAGES_AT_ONCE))

    def _checked(self, begin: int, end: int) -> list[bytes]:
        data = self.read(begin * PAGE_BYTES, (end - begin) * PAGE_BYTES)
        found = []
        for number in range(begin, end):
            page = data[(number - begin) * PAGE_BYTES : (number - begin + 1) * PAGE_BYTES]
            payload, crc = page[:PAYLOAD_BYTES], page[PAYLOAD_BYTES:]
            if crc != _CRC.pack(_crc(payload, number, self._first_crc)):
                raise IndexDamaged(self.name, number, "the checksum is not right")
            found.append(payload)
        return found

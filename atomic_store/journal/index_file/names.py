"""
Tables sorted by scope: each page holds some names whole, and a row of numbers for each.

Names are ordered by their UTF-8 bytes, which is the order of their code points. No
name is empty or has a zero byte.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from itertools import islice
from struct import Struct, unpack_from
from typing import final

import attrs

from .layout import PAYLOAD_BYTES
from .numbers import ReadPage

_COUNT = Struct("<H")


def encoded(name: str) -> bytes:
    """Encode a name to look it up; one that is no text is nowhere, and has its place in order."""
    return name.encode("utf-8", "surrogatepass")


def name_pages(rows: Iterable[tuple[bytes, bytes]]) -> Iterator[bytes]:
    """Encode names with their rows, as many to a page as there is room for."""
    names: list[bytes] = []
    packed: list[bytes] = []
    size = _COUNT.size
    for name, row in rows:
        more = len(name) + len(row) + _COUNT.size
        if size + more > PAYLOAD_BYTES:
            yield _name_page(names, packed)
            names, packed, size = [], [], _COUNT.size
        names.append(name)
        packed.append(row)
        size += more
    if names:
        yield _name_page(names, packed)


def _name_page(names: list[bytes], rows: list[bytes]) -> bytes:
    end = 0
    ends = [end := end + len(name) for name in names]
    slots = Struct(f"<{len(names) + 1}H").pack(len(names), *ends)
    return b"".join([slots, *rows, *names])


@final
@attrs.frozen(eq=False)
class NameTable:
    """A sorted table of names, read when it is asked."""

    page: ReadPage
    first_page: int
    pages: int
    row_bytes: int
    # The first names of pages that were looked at: most of a search is among these.
    _first_names: dict[int, bytes] = attrs.field(factory=dict, init=False)

    def find(self, name: bytes) -> bytes | None:
        """Give a name's row; None if it is not there."""
        for found, row in self.rows(name):
            return row if found == name else None
        return None

    def rows(self, start: bytes = b"") -> Iterator[tuple[bytes, bytes]]:
        """Give names and rows in order, from the first name that is not before `start`."""
        end = self.first_page + self.pages
        # The last page whose first name is not behind `start`; else the first page.
        following = bisect_right(
            range(self.first_page, end), start, key=lambda number: self._first_name(number)
        )
        for number in range(self.first_page + max(0, following - 1), end):
            payload = self.page(number)
            (count,) = _COUNT.unpack_from(payload)
            ends = (0, *unpack_from(f"<{count}H", payload, _COUNT.size))
            rows = _COUNT.size * (count + 1)
            names = rows + self.row_bytes * count
            for k in range(_place_of(start, payload, names, ends), count):
                begin = rows + k * self.row_bytes
                name = payload[names + ends[k] : names + ends[k + 1]]
                yield name, payload[begin : begin + self.row_bytes]

    def select(self, prefix: str, after: str | None, limit: int) -> Iterator[tuple[bytes, bytes]]:
        """Give at most `limit` rows of names with this prefix that come after a name."""
        start = beginning = encoded(prefix)
        if after is not None:
            # The least name that is greater: there is none with a zero byte in between.
            start = max(start, encoded(after) + b"\0")
        for name, row in islice(self.rows(start), max(0, limit)):
            if not name.startswith(beginning):
                return
            yield name, row

    def _first_name(self, number: int) -> bytes:
        known = self._first_names.get(number)
        if known is None:
            known = self._first_names[number] = self._read_first_name(number)
        return known

    def _read_first_name(self, number: int) -> bytes:
        payload = self.page(number)
        count, length = unpack_from("<HH", payload)
        begin = _COUNT.size * (count + 1) + self.row_bytes * count
        return payload[begin : begin + length]


def _place_of(start: bytes, payload: bytes, names: int, ends: tuple[int, ...]) -> int:
    """The place in a page of its first name that is not before `start`."""
    return bisect_left(
        range(len(ends) - 1), start, key=lambda k: payload[names + ends[k] : names + ends[k + 1]]
    )


def count_in(payload: bytes) -> int:
    """How many names a page holds."""
    return int(_COUNT.unpack_from(payload)[0])

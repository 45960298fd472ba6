"""Sections of numbers that all have the same size: item k is found by counting."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, islice
from struct import Struct, calcsize, pack, unpack_from
from typing import TypeAlias, final, overload

import attrs

from .layout import I64, PAYLOAD_BYTES, U32, U64, SectionPlace

ReadPage: TypeAlias = Callable[[int], bytes]
"""Gives what the page with this number holds."""


_ITEMS = {code: Struct(f"<{code}") for code in (U32, U64, I64)}


def number_pages(numbers: Iterable[int], code: str) -> Iterator[bytes]:
    """Encode numbers, as many to a page as there is room for."""
    numbers = iter(numbers)
    per_page = PAYLOAD_BYTES // calcsize(f"<{code}")
    while page := list(islice(numbers, per_page)):
        yield pack(f"<{len(page)}{code}", *page)


def pages_for(items: int, item_bytes: int) -> int:
    """How many pages items of this size need; none of them lies in two pages."""
    return -(-items // (PAYLOAD_BYTES // item_bytes))


@final
@attrs.frozen(eq=False)
class Numbers(Sequence[int]):
    """A section of numbers, read when it is asked."""

    page: ReadPage
    place: SectionPlace
    code: str

    def __len__(self) -> int:
        return self.place.items

    @overload
    def __getitem__(self, index: int) -> int: ...
    @overload
    def __getitem__(self, index: slice) -> list[int]: ...

    def __getitem__(self, index: int | slice) -> int | list[int]:
        if isinstance(index, slice):
            begin, end, step = index.indices(len(self))
            assert step == 1
            return list(self._between(begin, end))
        return self.item(index)

    def item(self, index: int) -> int:
        """Give one number."""
        assert 0 <= index < self.place.items
        struct = _ITEMS[self.code]
        page, k = divmod(index, PAYLOAD_BYTES // struct.size)
        (number,) = struct.unpack_from(self.page(self.place.first_page + page), k * struct.size)
        return int(number)

    def _between(self, begin: int, end: int) -> Iterator[int]:
        item_bytes = calcsize(f"<{self.code}")
        per_page = PAYLOAD_BYTES // item_bytes
        return chain.from_iterable(
            unpack_from(
                f"<{min(end - low, per_page) - max(begin - low, 0)}{self.code}",
                self.page(self.place.first_page + low // per_page),
                max(begin - low, 0) * item_bytes,
            )
            for low in range(begin - begin % per_page, end, per_page)
        )

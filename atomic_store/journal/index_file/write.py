"""From what was collected to the bytes of an index file."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from itertools import accumulate, chain, islice
from typing import TypeVar

from .contents import Contents
from .ends import EndsTable, merged_rows
from .layout import (
    END_ROW,
    HASH_BYTES,
    I64,
    SPAN_ROW,
    U32,
    Facts,
    Header,
    SectionPlace,
    header_payload,
)
from .names import count_in, name_pages
from .numbers import number_pages, pages_for
from .pages import seal, seal_first

WIDE_FROM = 1 << 32
"""Offsets need eight bytes from here on."""
PAGES_IN_A_CHUNK = 16
NAMES_IN_A_STEP = 1024

T = TypeVar("T")


def file_chunks(contents: Contents, facts: Facts, ends_before: EndsTable | None) -> Iterator[bytes]:
    """
    Encode an index file: its bytes in order, in chunks.

    Empty chunks come where nothing is ready yet: a place to let other threads run.

    Args:
      ends_before: where all scopes end before the segment; None if the file is a piece's.
    """
    _check(contents, facts)
    names = yield from _in_steps(contents.sorted_names(), NAMES_IN_A_STEP)
    # The header says how many pages each section has, and here only making them tells.
    scope_pages = yield from _in_steps(name_pages(_span_rows(contents, names)))
    end_pages: list[bytes] = []
    if ends_before is not None:
        rows = merged_rows(ends_before, _end_rows(contents, names))
        end_pages = yield from _in_steps(name_pages(rows))
    header = _header(contents, facts, scope_pages, end_pages, is_whole=ends_before is not None)
    pages = chain(
        number_pages((n - facts.begin for n in contents.offsets), header.offset_code),
        number_pages(contents.times, I64),
        scope_pages,
        number_pages(_places(contents, names), U32),
        contents.ids.pages(),
        contents.correlations.pages(),
        end_pages,
    )
    first, crc = seal_first(header_payload(header))
    sealed = chain([first], (seal(page, k, crc) for k, page in enumerate(pages, 1)))
    while chunk := b"".join(islice(sealed, PAGES_IN_A_CHUNK)):
        yield chunk


def _check(contents: Contents, facts: Facts) -> None:
    assert facts.first == contents.first
    if contents.count:
        assert facts.begin <= contents.offsets[0]
        assert contents.offsets[-1] < facts.end


def _in_steps(items: Iterable[T], step: int = 1) -> Generator[bytes, None, list[T]]:
    found: list[T] = []
    items = iter(items)
    while some := list(islice(items, step)):
        found += some
        yield b""
    return found


def _header(
    contents: Contents,
    facts: Facts,
    scope_pages: Sequence[bytes],
    end_pages: Sequence[bytes],
    *,
    is_whole: bool,
) -> Header:
    is_wide = facts.end - facts.begin >= WIDE_FROM
    n = contents.count
    sizes = [
        (pages_for(n, 8 if is_wide else 4), n),
        (pages_for(len(contents.times), 8), len(contents.times)),
        (len(scope_pages), len(contents.scopes)),
        (pages_for(n, 4), n),
        (pages_for(contents.ids.count, HASH_BYTES), contents.ids.count),
        (pages_for(contents.correlations.count, HASH_BYTES), contents.correlations.count),
        (len(end_pages), sum(map(count_in, end_pages))),
    ]
    firsts = accumulate((pages for pages, _ in sizes), initial=1)
    places = (SectionPlace(first, *size) for first, size in zip(firsts, sizes, strict=False))
    return Header(
        facts.store, facts.history, facts.segment, facts.segment_first, facts.first,
        facts.begin, facts.end, facts.commit,
        n, is_whole, is_wide, contents.first_at, contents.last_at, tuple(places),
    )  # fmt: skip


def _span_rows(contents: Contents, names: Iterable[str]) -> Iterator[tuple[bytes, bytes]]:
    begin = 0
    for name in names:
        scope = contents.scopes[name]
        n = len(scope.ordinals)
        row = SPAN_ROW.pack(
            scope.first_sequence, scope.before, scope.at, begin, n, scope.ordinals[-1]
        )
        yield name.encode(), row
        begin += n


def _end_rows(contents: Contents, names: Iterable[str]) -> Iterator[tuple[bytes, bytes]]:
    for name in names:
        scope = contents.scopes[name]
        sequence = scope.first_sequence + len(scope.ordinals) - 1
        yield name.encode(), END_ROW.pack(sequence, contents.first + scope.ordinals[-1], scope.at)


def _places(contents: Contents, names: Iterable[str]) -> Iterator[int]:
    return chain.from_iterable(contents.scopes[name].ordinals for name in names)

"""A damaged index file says so, and never gives a wrong answer."""

from __future__ import annotations

from struct import pack
from typing import Any
from zlib import crc32

import attrs
import pytest

from atomic_store.journal.index_file import (
    PAGE_BYTES,
    IndexDamaged,
    IndexFromFuture,
    IndexReader,
    UnusableIndex,
    build_index,
    merge_pieces,
)
from atomic_store.journal.index_file.pages import PageFile
from index_files import Run, answers, file_of, many, reader_of, reading, run_of

SMALL = run_of(
    [
        (name, parts, 70, b'{"correlation":"x"}' if parts == 2 else None)
        for name in ("a", "b", "\U0001f600", "lot-1")
        for parts in (1, 2, 3, 2, 1, 3, 2, 1, 1)
    ],
    before=["a", "c", "d"],
)
CONTENT = file_of(SMALL, is_whole=True)
PAGES = len(CONTENT) // PAGE_BYTES


def right_answers(content: bytes, run: Run) -> dict[str, object]:
    """What a whole file says."""
    return {name: ask() for name, ask in answers(reader_of(content), run).items()}


RIGHT = right_answers(CONTENT, SMALL)


def damaged_answers(content: bytes | bytearray, run: Run, right: dict[str, object]) -> int:
    """
    Ask a damaged file all that the whole one was asked.

    Returns:
      How many answers it refused; all others were right.
    """
    try:
        reader = IndexReader(reading(content), len(content))
    except IndexDamaged:
        return len(right)
    refused = 0
    for name, ask in answers(reader, run).items():
        try:
            found = ask()
        except IndexDamaged:
            refused += 1
        else:
            assert right[name] == found, name
    return refused


def test_every_section_is_there() -> None:
    """The small file of these tests has one page of each section."""
    assert 8 == PAGES
    assert [1] * 7 == [place.pages for place in reader_of(CONTENT).header.sections]
    assert 0 == damaged_answers(CONTENT, SMALL, RIGHT)


def test_every_flipped_bit_is_found() -> None:
    """Whichever single bit is flipped, reading its page finds it."""
    content = bytearray(CONTENT)
    file = PageFile(lambda offset, length: bytes(content[offset : offset + length]), len(content))
    found = []
    for place in range(PAGE_BYTES, len(content)):
        number = place // PAGE_BYTES
        for bit in range(8):
            content[place] ^= 1 << bit
            try:
                list(file.payloads(number, number + 1))
            except IndexDamaged as error:
                found.append(error.page)
            content[place] ^= 1 << bit

    assert CONTENT == content
    assert [number for number in range(1, PAGES) for _ in range(8 * PAGE_BYTES)] == found


def test_every_flipped_bit_of_the_first_page_is_found() -> None:
    """Whichever bit of the first page is flipped, the file is not opened."""
    content = bytearray(CONTENT)
    for place in range(PAGE_BYTES):
        for bit in range(8):
            content[place] ^= 1 << bit
            with pytest.raises(IndexDamaged, match="page 0"):
                PageFile(reading(content), len(content))
            content[place] ^= 1 << bit


def test_flipped_bits_never_lie() -> None:
    """With a bit flipped anywhere, each question gets the right answer or none."""
    content = bytearray(CONTENT)
    for place in range(0, len(content), 211):
        content[place] ^= 1 << place % 8
        refused = damaged_answers(content, SMALL, RIGHT)
        content[place] ^= 1 << place % 8
        # No question reads the table of times here but those about times, and so on.
        assert 0 < refused <= len(RIGHT)


def test_every_length() -> None:
    """A file that was cut, anywhere, or that goes on, is refused at once."""
    for length in range(len(CONTENT)):
        with pytest.raises(IndexDamaged, match="page 0"):
            IndexReader(reading(CONTENT[:length]), length)
    for more in (b"\0", bytes(PAGE_BYTES)):
        with pytest.raises(IndexDamaged, match=f"found {len(CONTENT + more)}"):
            reader_of(CONTENT + more)


def test_a_short_reading_is_found() -> None:
    """A file that was cut after its size was taken is found where something is missing."""
    for length in range(PAGE_BYTES, len(CONTENT), 501):
        reader = IndexReader(reading(CONTENT[:length]), len(CONTENT))
        with pytest.raises(IndexDamaged):
            reader.load_ends()


def with_page(content: bytes, number: int, page: bytes) -> bytes:
    """A file with another page in this place."""
    return content[: number * PAGE_BYTES] + page + content[(number + 1) * PAGE_BYTES :]


def page_of(content: bytes, number: int) -> bytes:
    """One page of a file."""
    return content[number * PAGE_BYTES : (number + 1) * PAGE_BYTES]


def test_moved_pages_are_found() -> None:
    """A page in another one's place is found, wherever it comes from in the file."""
    for number in range(PAGES):
        for other in set(range(PAGES)) - {number}:
            moved = with_page(CONTENT, number, page_of(CONTENT, other))
            assert 0 < damaged_answers(moved, SMALL, RIGHT)


@pytest.mark.parametrize("field", ["store", "history", "segment", "first", "end", "commit"])
def test_foreign_pages_are_found(field: str) -> None:
    """A page of a file about something else is found, also where only one thing is different."""
    others: dict[str, Any] = {
        "store": "0198c0de-0000-7000-8000-000000000009",
        "history": "0198c0de-0000-7000-8000-000000000009",
        "segment": 4,
        "first": 8,
        "end": SMALL.end + 1,
        "commit": "359254a165c0156a69a057bafcc8a696",
    }
    facts = attrs.evolve(SMALL.facts, **{field: others[field]})
    foreign = file_of(SMALL, is_whole=True, facts=facts)
    assert len(CONTENT) == len(foreign)

    for number in range(1, PAGES):
        mixed = with_page(CONTENT, number, page_of(foreign, number))
        assert 0 < damaged_answers(mixed, SMALL, RIGHT)


def test_pages_of_a_piece_are_foreign() -> None:
    """A piece and the whole may end at one commit: their pages are told apart all the same."""
    piece = file_of(SMALL)
    for number in range(1, PAGES - 1):
        mixed = with_page(CONTENT, number, page_of(piece, number))
        assert 0 < damaged_answers(mixed, SMALL, RIGHT)


def test_damage_in_large_tables() -> None:
    """Where a table has many pages, those that a lookup does not need may be damaged."""
    run = many(1500)
    content = file_of(run, is_whole=True)
    right = right_answers(content, run)
    for number in range(1, len(content) // PAGE_BYTES):
        damaged = bytearray(content)
        damaged[number * PAGE_BYTES + 1000] ^= 4
        assert 0 < damaged_answers(damaged, run, right) < len(right)


def test_a_damaged_piece_is_named() -> None:
    """Merging stops at a damaged piece, and says which it is."""
    middle = len(SMALL.entries) // 2
    first = SMALL.part(0, middle)
    damaged = bytearray(file_of(SMALL.part(middle, len(SMALL.entries))))
    damaged[-7] ^= 1
    pieces = [
        reader_of(file_of(first), name="one"),
        IndexReader(reading(damaged), len(damaged), name="two"),
    ]

    with pytest.raises(IndexDamaged, match="two: page 6: the checksum is not right") as raised:
        list(merge_pieces(pieces, SMALL.facts))

    assert ("two", 6) == (raised.value.name, raised.value.page)


def resealed(beginning: bytes) -> bytes:
    """The small file with another beginning, and a right checksum behind its first page."""
    page = beginning + CONTENT[len(beginning) : PAGE_BYTES - 4]
    return with_page(CONTENT, 0, page + pack("<I", crc32(page)))


@pytest.mark.parametrize("number", [0, 2, 4_294_967_295])
def test_another_format(number: int) -> None:
    """A whole file of a format that nobody knows yet is not damaged; it is of no use."""
    with pytest.raises(IndexFromFuture, match=f"a.idx: format {number}") as raised:
        reader_of(resealed(pack("<8sI", b"atomidx\n", number)), name="a.idx")

    assert (number, "a.idx") == (raised.value.format, raised.value.name)
    assert not isinstance(raised.value, IndexDamaged)
    assert isinstance(raised.value, UnusableIndex)


def test_another_kind_of_file() -> None:
    """A file with a right checksum in the right place is no index without its first bytes."""
    with pytest.raises(IndexDamaged, match="page 0: it is no index file's"):
        reader_of(resealed(b"atomidx "))


def test_errors_are_value_errors() -> None:
    """A file without a name is called one."""
    with pytest.raises(ValueError, match="index file: page 0: expected 4096 bytes, found 0"):
        reader_of(b"")


def test_facts_must_fit() -> None:
    """A file is not made with facts that its records contradict."""
    run = SMALL.part(3, 10)
    facts = run.facts
    for bad in (
        attrs.evolve(facts, begin=facts.begin + 1),
        attrs.evolve(facts, end=run.entries[-1].offset),
    ):
        with pytest.raises(AssertionError):
            list(build_index(bad, run.entries, lambda _: 0))

"""What a scan does about damage: what lies before it is given, then it is raised."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from atomic_store import parse_filter
from atomic_store.errors import JournalCorrupt, JournalFailed
from atomic_store.journal import Wanted
from atomic_store.testing.faulty_disk import FaultyDisk
from filters import NOW
from journal_files import INDEX, segment
from scanned_journals import bid, found, journal_of, many_records, wanted_of


@pytest.fixture
def many() -> FaultyDisk:
    """A closed store of 1,003 records, all of it indexed; not to be changed."""
    return many_records()


def flipped(disk: FaultyDisk, path: str, needle: bytes) -> tuple[FaultyDisk, int]:
    """A copy in which one bit behind some bytes is flipped; gives the line's offset along."""
    damaged = disk.copy()
    content = bytearray(damaged.files()[path])
    assert 1 == content.count(needle)
    at = content.index(needle)
    content[at + len(needle) - 1] ^= 1
    damaged.put(path, bytes(content))
    return damaged, content.rindex(b"\n", 0, at) + 1


@pytest.mark.parametrize(
    ("asked", "before"),
    [
        ({}, [*range(1, 11)]),
        ({"reverse": True, "last": 14}, [14, 13, 12]),
        ({"scope": "lot-10"}, []),
        ({"scope": "lot-10", "reverse": True, "last": 60}, [51, 31]),
        ({"where": "data.cents in (7, 8, 10)"}, [8, 9]),
        ({"where": "data.k = 0", "first": 9}, [9, 10]),
    ],
    ids=str,
)
async def test_damage_that_is_met(
    asked: dict[str, Any], before: list[int], many: FaultyDisk
) -> None:
    """What lies before it is given; then it raises, each time, and says where."""
    disk, offset = flipped(many, segment(1), b'"position":11,"scope":"lot-1')
    wanted = wanted_of(asked)
    seen: list[int] = []
    async with journal_of(disk) as (journal, _):
        with pytest.raises(JournalCorrupt) as raised:
            while True:
                page = await journal.scan(wanted, limit=500)
                seen += [record.position for record in page.records]
                assert page.next is not None
                wanted = wanted.going_on_at(page.next)
        with pytest.raises(JournalCorrupt):
            await journal.scan(wanted, limit=500)

    assert (segment(1), offset) == (raised.value.path, raised.value.offset)
    assert before == seen


async def test_damage_that_is_passed_by(many: FaultyDisk) -> None:
    """A line that lacks what is looked for is not checked."""
    disk, _ = flipped(many, segment(1), b'"position":11,"scope":"lot-1')
    async with journal_of(disk) as (journal, _):
        records = await found(journal, Wanted(where=parse_filter("data.cents = 500", now=NOW)))

    assert [501, 502, 503, 504] == [record.position for record in records]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"position":12,', b'"position":15,'),
        (b'\n{"position":12,', b'\n{"qosition":12,'),
        (b'\n{"position":12,', b' {"position":12,'),
        (b'"}\n{"cut', b'"} {"cut'),
    ],
)
@pytest.mark.parametrize("where", ["", "not type = Closed", "data.k"])
async def test_other_lines_are_damage(where: str, old: bytes, new: bytes, many: FaultyDisk) -> None:
    """A record of another place, a line that is none, two in one: none is taken for a record."""
    disk = many.copy()
    content = disk.files()[segment(1)]
    disk.put(segment(1), content.replace(old, new))
    async with journal_of(disk) as (journal, _):
        for wanted in (Wanted(first=11), Wanted(reverse=True)):
            with pytest.raises(JournalCorrupt):
                await found(journal, attrs.evolve(wanted, where=parse_filter(where, now=NOW)))


async def test_a_record_in_another_ones_place(many: FaultyDisk) -> None:
    """A whole line with a right checksum is damage where another record should be."""
    disk = many.copy()
    lines = disk.files()[segment(1)].split(b"\n")
    here = next(k for k, line in enumerate(lines) if line.startswith(b'{"position":21,'))
    there = next(k for k, line in enumerate(lines) if line.startswith(b'{"position":41,'))
    assert len(lines[here]) == len(lines[there])
    lines[here] = lines[there]
    disk.put(segment(1), b"\n".join(lines))
    async with journal_of(disk) as (journal, _):
        with pytest.raises(
            JournalCorrupt, match="expected a record from 21 to 21, found record 41"
        ):
            await found(journal, Wanted(first=19, last=23))


async def test_records_that_changed_places(many: FaultyDisk) -> None:
    """Also if only those are cut out that hold something."""
    disk = many.copy()
    lines = disk.files()[segment(1)].split(b"\n")
    lines[33:35] = [lines[34], lines[33]]
    disk.put(segment(1), b"\n".join(lines))
    async with journal_of(disk) as (journal, _):
        for text, reverse in (("data.k = 0", False), ("data.k = 0", True), ("type > A", False)):
            where = parse_filter(text, now=NOW)
            with pytest.raises(JournalCorrupt, match="expected a record from "):
                await found(journal, Wanted(where=where, last=90, reverse=reverse))


async def test_lines_of_other_kinds() -> None:
    """Close lines lie between records, and are no records."""
    disk = FaultyDisk()
    for number in range(4):
        async with journal_of(disk, [bid(number, f"lot-{number}")], 1 << 20, 1 << 20):
            pass
    async with journal_of(disk) as (journal, _):
        for reverse in (False, True):
            records = await found(journal, Wanted(reverse=reverse))
            assert [1, 2, 3, 4] == sorted(record.position for record in records)
        where = parse_filter('at > 2000-01-01 and (data.k or "close")', now=NOW)
        assert 4 == len(await found(journal, Wanted(where=where)))
        where = parse_filter("metadata.correlation = c-1", now=NOW)
        assert [] == await found(journal, Wanted(where=where))
        assert [] == await found(journal, Wanted(prefix="lot-\ud800"))
        assert [] == await found(journal, Wanted(scope="lot-\ud800"))


async def test_damage_that_goes_away(many: FaultyDisk) -> None:
    """Records that can be read the second time are given."""
    disk = many.copy()
    async with journal_of(disk) as (journal, _):
        disk.fail("read", path="journal/0")
        assert 2 == len(await found(journal, Wanted(scope="rare")))


async def test_a_segment_that_was_cut_short(many: FaultyDisk) -> None:
    """Where records should be and the file ends is damage."""
    disk = many.copy()
    async with journal_of(disk) as (journal, _):
        disk.put(segment(1), disk.files()[segment(1)][:3000])
        with pytest.raises(JournalCorrupt, match="found the file's end"):
            await found(journal, Wanted(first=100))


async def test_a_disk_that_refuses(many: FaultyDisk) -> None:
    """What cannot be read is damage of what lies there; no more open files is none."""
    disk = many.copy()
    async with journal_of(disk) as (journal, _):
        disk.fail("read", path="journal/0")
        with pytest.raises(JournalCorrupt):
            await journal.scan(Wanted(), limit=5)
        disk.fail("open", path="journal/0", error=24)
        with pytest.raises(JournalFailed):
            await journal.scan(Wanted(), limit=5)
        assert 5 == len((await journal.scan(Wanted(), limit=5)).records)


async def test_a_damaged_index_file_is_made_again(many: FaultyDisk) -> None:
    """A scan that meets one finds all the same."""
    disk = many.copy()
    for path, content in disk.files().items():
        if path.startswith(INDEX):
            disk.put(path, content[:5000] + b"x" + content[5001:])
    async with journal_of(disk) as (journal, _):
        assert 50 == len(await found(journal, Wanted(scope="lot-7")))
        assert 1003 == len(await found(journal, Wanted()))

"""A reader beside a writer that is quicker than it is comes to an end all the same."""

from __future__ import annotations

from itertools import pairwise

import pytest
import trio

from atomic_store import open_reader
from atomic_store.journal.disk import Disk
from atomic_store.journal.known import know
from atomic_store.testing.faulty_disk import FaultyDisk
from journal_files import INDEX, JOURNAL, STORE, a_draft, wrapped, writing


@pytest.fixture(scope="module")
def disk() -> FaultyDisk:
    """A store of many segments, whose index files do not help."""
    disk = FaultyDisk()

    async def main() -> None:
        async with writing(disk) as store:
            for number in range(1, 40):
                await store.commit(a_draft("lot-1", number, pad=100))

    trio.run(main)
    disk.remove(INDEX)
    return disk


def segments_of(disk: FaultyDisk) -> list[str]:
    return sorted(path.rpartition("/")[2] for path in disk.files() if path.startswith(JOURNAL))


def listing(disk: FaultyDisk, shown: list[str]) -> Disk:
    """A disk on which the other segments came after these had been listed."""
    return wrapped(
        disk,
        list_directory=lambda path: [*shown] if path == JOURNAL else disk.list_directory(path),
    )


def test_opening_ends(disk: FaultyDisk) -> None:
    """What was there when it began is read, and what is cut meanwhile is left for later."""
    names = segments_of(disk)
    assert len(names) > 6
    for shown, following in pairwise(names):
        known = know(listing(disk, names[: names.index(shown) + 1]), STORE)

        assert int(following[:20]) == known.tail.first == known.memory[-1].last + 1


async def test_looking_ends(disk: FaultyDisk) -> None:
    """Each look ends behind what was there during it, and the next goes on from there."""
    names = segments_of(disk)
    shown = names[:2]
    async with open_reader(STORE, disk=listing(disk, shown)) as reader:
        assert int(names[2][:20]) - 1 == reader.head.position
        assert int(names[3][:20]) - 1 == (await reader.refresh()).position
        shown[:] = names[:6]
        assert int(names[6][:20]) - 1 == (await reader.refresh()).position
        shown[:] = names
        assert 39 == (await reader.refresh()).position
        records = await reader.query_events("lot-1")

    assert [*range(1, 40)] == [record.sequence for record in records]

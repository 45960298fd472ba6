"""Following a journal on a disk in memory, step by step."""

from __future__ import annotations

from pathlib import Path

import attrs

from atomic_store.journal import StoredRecord, Wanted
from atomic_store.journal.disk import Disk, OSDisk
from atomic_store.journal.known import Known, know
from atomic_store.journal.line import to_stored
from atomic_store.journal.scanning import Scan
from atomic_store.testing.faulty_disk import FaultyDisk
from journal_files import STORE, a_draft, writing


@attrs.define
class Looker:
    """What a followed journal does, without Trio: so that it can look in the middle of a write."""

    known: Known
    seen: list[StoredRecord]

    @classmethod
    def at(cls, disk: Disk) -> Looker:
        known = know(disk, STORE)
        return cls(known, all_of(known))

    def look(self) -> None:
        while True:
            step = self.known.tail.read_on(700)
            for commit in step.commits:
                self.known.take(commit)
                self.seen += map(to_stored, commit.records)
            covered = self.known.covered(must=False)
            if covered is not None:
                self.known.cover(covered)
            if step.is_last:
                return


def all_of(known: Known) -> list[StoredRecord]:
    """The records of all that is known."""
    tail, last = known.tail, known.memory[-1].last
    directory = tail.segment.rpartition("/")[0]
    scan = Scan(tail.disk, directory, known.coverage, known.memory, last, Wanted(), 10**6)
    found: list[StoredRecord] = []
    while True:
        page = scan.page()
        found += page.records
        if page.next is None:
            return found
        wanted = scan.wanted.going_on_at(page.next)
        scan = Scan(tail.disk, directory, known.coverage, known.memory, last, wanted, 10**6)


def records_in(path: str | Path, disk: Disk | None = None) -> list[StoredRecord]:
    """All records of a store, read beside whoever writes it."""
    disk = disk or OSDisk()
    return all_of(know(disk, disk.resolve(path)))


async def go_on(disk: FaultyDisk, looker: Looker, pad: int) -> None:
    """Write on, and look before and after."""
    async with writing(disk) as store:
        looker.look()
        await store.commit(a_draft("lot-9", 50, pad=pad))
        looker.look()
        assert looker.seen == await store.journal.read_all(limit=99)

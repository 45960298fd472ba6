"""Following a journal on a disk in memory, step by step."""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from atomic_store.journal import StoredRecord, Wanted
from atomic_store.journal.disk import Disk
from atomic_store.journal.known import Known, know
from atomic_store.journal.line import to_stored
from atomic_store.journal.scanning import Scan
from atomic_store.testing.faulty_disk import FaultyDisk
from journal_files import JOURNAL, STORE, a_draft, writing


@attrs.define
class Looker:
    """What a followed journal does, without Trio: so that it can look in the middle of a write."""

    known: Known
    seen: list[StoredRecord]

    @classmethod
    def at(cls, disk: Disk) -> Looker:
        known = know(disk, STORE)
        return cls(known, [*all_of(known)])

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


def all_of(known: Known) -> Iterator[StoredRecord]:
    """The records of all that is known."""
    tail, last = known.tail, known.memory[-1].last
    scan = Scan(tail.disk, JOURNAL, known.coverage, known.memory, last, Wanted(), 10**6)
    page = scan.page()
    assert page.next is None
    return iter(page.records)


async def go_on(disk: FaultyDisk, looker: Looker, pad: int) -> None:
    """Write on, and look before and after."""
    async with writing(disk) as store:
        looker.look()
        await store.commit(a_draft("lot-9", 50, pad=pad))
        looker.look()
        assert looker.seen == await store.journal.read_all(limit=99)

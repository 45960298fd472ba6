"""What the tests of scanning share: journals on a disk in memory, and what is asked of them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from functools import cache
from typing import Any

import attrs
import trio

from atomic_store import parse_filter
from atomic_store.journal import Draft, EncodedEvent, StoredRecord, Wanted
from atomic_store.journal.disk import Disk
from atomic_store.journal.file import FileJournal, open_file_journal
from atomic_store.testing.faulty_disk import FaultyDisk
from filters import NOW
from journal_files import JOURNAL, STORE, an_id, ticking_clock, wrapped


@attrs.define
class Reads:
    """A disk that counts what is read of segments."""

    disk: FaultyDisk
    bytes_read: int = 0

    def pread(self, file: int, size: int, offset: int) -> bytes:
        data = self.disk.pread(file, size, offset)
        if self.disk._open[file][1].startswith(JOURNAL):
            self.bytes_read += len(data)
        return data

    def counting(self) -> Disk:
        return wrapped(self.disk, pread=self.pread)


@asynccontextmanager
async def journal_of(
    disk: Disk, some: Iterable[Draft] = (), segment_bytes_max: int = 3000, piece_bytes: int = 900
) -> AsyncIterator[tuple[FileJournal, list[StoredRecord]]]:
    """A journal to which drafts were appended, three to a commit; gives its records along."""
    async with open_file_journal(
        STORE, disk=disk, clock=ticking_clock(), segment_bytes_max=segment_bytes_max,
        piece_bytes=piece_bytes,
    ) as journal:  # fmt: skip
        sequences = {end.scope: end.sequence for end in await journal.scopes()}
        records: list[StoredRecord] = []
        for number, draft in enumerate(some):
            appended, commit = journal.append_nowait(
                draft, expected_sequence=sequences.get(draft.scope, 0)
            )
            sequences[draft.scope] = appended[-1].sequence
            records += appended
            if number % 3 == 0:
                journal.flush_nowait()
                await commit.wait()
        if records:
            journal.flush_nowait()
            await commit.wait()
        yield journal, records


async def found(journal: FileJournal, wanted: Wanted, *, limit: int = 500) -> list[StoredRecord]:
    """All that is wanted, page by page."""
    records: list[StoredRecord] = []
    while True:
        page = await journal.scan(wanted, limit=limit)
        assert len(page.records) <= limit
        records += page.records
        if page.next is None:
            return records
        wanted = wanted.going_on_at(page.next)


def bid(number: int, scope: str = "", *, events: int = 1, metadata: bytes | None = None) -> Draft:
    """One of many bids: 20 lots, an id and cents of its own."""
    cents = [b'{"cents":%d,"k":%d}' % (number, k) for k in range(events)]
    return Draft(
        scope or f"lot-{number % 20}",
        an_id(number),
        tuple(EncodedEvent("Bid", 1, data) for data in cents),
        metadata=metadata,
    )


MANY = [
    bid(n, "rare" if n in (300, 700) else "", events=4 if n == 500 else 1,
        metadata=b'{"correlation":"c-%d"}' % (n // 100) if n % 50 == 0 else None)
    for n in range(1000)
]  # fmt: skip
"""About 200 kB in several segments; position n + 1 up to 501, three more behind that."""


@cache
def many_records() -> FaultyDisk:
    """A closed store of `MANY`, all of it indexed; not to be changed."""
    disk = FaultyDisk()

    async def main() -> None:
        async with journal_of(disk, MANY, segment_bytes_max=60_000, piece_bytes=20_000):
            pass
        # Opening makes the index files that closing did not wait for.
        async with journal_of(disk, segment_bytes_max=60_000, piece_bytes=20_000):
            pass

    trio.run(main)
    return disk


def wanted_of(asked: dict[str, Any]) -> Wanted:
    """What is wanted, with the filter as text."""
    where = asked.get("where")
    more: dict[str, Any] = {"where": None if where is None else parse_filter(where, now=NOW)}
    return Wanted(**{**asked, **more})

"""The end of a journal that somebody else writes: whatever it looks like, what is read is right."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import chain, repeat

import pytest
import trio
from hypothesis import event, given, settings
from hypothesis import strategies as st

from atomic_store.errors import JournalCorrupt, JournalFailed
from atomic_store.journal import StoredRecord
from atomic_store.journal.disk import Disk
from atomic_store.journal.file import open_file_journal
from atomic_store.journal.known import know
from atomic_store.testing.faulty_disk import FaultyDisk
from followed_journals import Looker, all_of, go_on
from journal_files import (
    JOURNAL,
    STORE,
    Writing,
    a_draft,
    lived,
    segment,
    ticking_clock,
    wrapped,
)  # fmt: skip


def test_cut_at_every_byte() -> None:
    """Of a commit that is not whole nothing is seen; what comes in its place is."""
    whole = lived(is_closed=False)
    path = segment(8)
    content = whole.files()[path]
    last = content.rindex(b"\n", 0, -1) + 1
    for cut in range(last, len(content)):
        disk = whole.copy()
        disk.put(path, content[:cut])
        looker = Looker.at(disk)
        looker.look()
        assert [*range(1, 8)] == [record.position for record in looker.seen], cut

        if cut % 9 == 0:
            # The next writer cuts the rest off, or keeps it, and goes on.
            trio.run(go_on, disk, looker, cut % 300)


def test_flipped_at_every_byte() -> None:
    """A bit of the last commit that changes is damage, each time that it is looked at."""
    whole = lived(is_closed=False)
    path = segment(8)
    content = whole.files()[path]
    last = content.rindex(b"\n", 0, -1) + 1
    for at in range(last, len(content) - 1, 3):
        disk = whole.copy()
        looker = Looker.at(disk)
        disk.put(path, content[:last])
        with pytest.raises(JournalCorrupt, match="found the file's end"):
            looker.look()

        fresh = whole.copy()
        fresh.put(path, content[:last])
        looker = Looker.at(fresh)
        fresh.put(path, content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
        for _ in range(2):
            with pytest.raises(JournalCorrupt):
                looker.look()
        with pytest.raises(JournalCorrupt):
            know(fresh, STORE)
        # Whatever it was, it is over.
        fresh.put(path, content)
        looker.look()
        assert [*range(1, 11)] == [record.position for record in looker.seen]


OPERATIONS = st.lists(
    st.one_of(
        st.tuples(st.just("commit"), st.integers(1, 3), st.sampled_from([0, 100, 600])),
        st.tuples(st.just("close"), st.just(0), st.just(0)),
        st.tuples(st.just("kill"), st.just(0), st.just(0)),
        st.tuples(st.just("tear"), st.integers(1, 3), st.integers(0, 500)),
        st.tuples(st.just("zeros"), st.integers(1, 3), st.integers(0, 500)),
    ),
    min_size=3,
    max_size=14,
)


def halting(disk: FaultyDisk, look: Callable[[], None]) -> Disk:
    """A disk that halts in the middle of a write to the journal, and has somebody look."""

    def pwrite(file: int, data: bytes | memoryview, offset: int) -> int:
        half = len(data) // 2 if disk._open[file][1].startswith(JOURNAL) else 0
        written = disk.pwrite(file, bytes(data[: half or None]), offset)
        if half:
            look()
        return written

    return wrapped(disk, pwrite=pwrite)


def lengthen(disk: FaultyDisk, before: dict[str, bytes]) -> None:
    """Make the last segment longer, if it has grown: its bytes had not come to the disk."""
    last = max(path for path in before if path.startswith(JOURNAL))
    content = disk.files()[last]
    if len(content) > len(before[last]):
        disk.put(last, content + bytes(1024))


@settings(max_examples=150)
@given(OPERATIONS, st.lists(st.booleans(), max_size=40), st.booleans())
def test_beside_any_writer(
    operations: list[tuple[str, int, int]], when: list[bool], is_split: bool
) -> None:
    """Writers come, are killed in the middle of a write, others go on: no gap, no double."""
    whether: Iterator[bool] = chain(when, repeat(True))
    disk = FaultyDisk()
    lookers: list[Looker] = []
    errors: list[Exception] = []
    rest = deque(operations)

    def look() -> None:
        if lookers and next(whether) is True:
            try:
                lookers[0].look()
            except Exception as error:
                # In the middle of a write it would be taken for the disk's.
                errors.append(error)

    watched = halting(disk, look) if is_split else disk
    number = 0

    async def live() -> None:
        nonlocal number
        async with open_file_journal(
            STORE, disk=watched, clock=ticking_clock(), segment_bytes_max=1500, piece_bytes=600
        ) as journal:
            if not lookers:
                lookers.append(Looker.at(disk))
            store = Writing(journal, started={s.scope: s.sequence for s in await journal.scopes()})
            while rest:
                what, events, size = rest.popleft()
                event(what)
                if what == "close":
                    break
                if what == "kill":
                    disk.fail("write", path=JOURNAL, times=None)
                if what in ("tear", "zeros"):
                    disk.fail("write", path=JOURNAL, short=size)
                number += 1
                before = disk.files()
                draft = a_draft(f"lot-{number % 3}", number, events=events, pad=size)
                try:
                    await store.commit(draft)
                except JournalFailed:
                    if what == "zeros":
                        lengthen(disk, before)
                    break
                look()

    async def main() -> list[StoredRecord]:
        while rest:
            with suppress(JournalFailed):
                await live()
            disk._faults.clear()
            look()
        async with open_file_journal(STORE, disk=disk, clock=ticking_clock()) as journal:
            lookers[0].look()
            return await journal.read_all(limit=10_000)

    written = trio.run(main)

    assert [] == errors
    assert written == lookers[0].seen
    assert written == [*all_of(lookers[0].known)]
    assert len(lookers[0].known.memory) <= 3

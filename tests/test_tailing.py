"""The end of a journal that somebody else writes: whatever it looks like, what is read is right."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from itertools import chain, repeat

import attrs
import pytest
import trio
from hypothesis import event, given, settings
from hypothesis import strategies as st

from atomic_store.errors import JournalCorrupt, JournalFailed
from atomic_store.journal import StoredRecord
from atomic_store.journal.clock import Clock
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


@attrs.define
class Watched:
    """A disk that somebody looks at, also in the middle of writes."""

    disk: FaultyDisk
    whether: Iterator[bool]
    is_split: bool
    looker: Looker | None = None
    errors: list[Exception] = attrs.Factory(list)
    number: int = 0
    clock: Clock = attrs.Factory(ticking_clock)

    def look(self) -> None:
        if self.looker is not None and next(self.whether):
            try:
                self.looker.look()
            except Exception as error:
                # In the middle of a write it would be taken for the disk's.
                self.errors.append(error)

    def pwrite(self, file: int, data: bytes | memoryview, offset: int) -> int:
        half = len(data) // 2 if self.is_split else 0
        if half and self.disk._open[file][1].startswith(JOURNAL):
            written = self.disk.pwrite(file, bytes(data[:half]), offset)
            self.look()
            return written
        return self.disk.pwrite(file, data, offset)

    async def live(self, rest: deque[tuple[str, int, int]]) -> None:
        """Write until the store is to be closed, or the disk fails."""
        disk = wrapped(self.disk, pwrite=self.pwrite)
        async with open_file_journal(
            STORE, disk=disk, clock=self.clock, segment_bytes_max=1500, piece_bytes=600
        ) as journal:
            self.looker = self.looker or Looker.at(self.disk)
            store = Writing(journal, started={s.scope: s.sequence for s in await journal.scopes()})
            while rest:
                what, events, size = rest.popleft()
                event(what)
                if what == "close":
                    break
                await self.commit(store, what, events, size)
                self.look()

    async def commit(self, store: Writing, what: str, events: int, size: int) -> None:
        """Write one commit, or as much of it as the disk takes."""
        if what == "kill":
            self.disk.fail("write", path=JOURNAL, times=None)
        if what in ("tear", "zeros"):
            self.disk.fail("write", path=JOURNAL, short=size)
        self.number += 1
        before = self.disk.files()
        draft = a_draft(f"lot-{self.number % 3}", self.number, events=events, pad=size)
        try:
            await store.commit(draft)
        except JournalFailed:
            last = max(path for path in before if path.startswith(JOURNAL))
            content = self.disk.files()[last]
            if what == "zeros" and len(content) > len(before[last]):
                # As if its size had come to the disk, and its bytes had not.
                self.disk.put(last, content + bytes(1024))
            raise


@settings(max_examples=150)
@given(OPERATIONS, st.lists(st.booleans(), max_size=40), st.booleans())
def test_beside_any_writer(
    operations: list[tuple[str, int, int]], when: list[bool], is_split: bool
) -> None:
    """Writers come, are killed in the middle of a write, others go on: no gap, no double."""
    rest = deque(operations)
    watched = Watched(FaultyDisk(), chain(when, repeat(True)), is_split)

    async def main() -> list[StoredRecord]:
        while rest:
            with suppress(JournalFailed):
                await watched.live(rest)
            watched.disk._faults.clear()
            watched.look()
        async with open_file_journal(STORE, disk=watched.disk, clock=ticking_clock()) as journal:
            return await journal.read_all(limit=10_000)

    written = trio.run(main)

    assert [] == watched.errors
    assert watched.looker is not None
    watched.looker.look()
    assert written == watched.looker.seen
    assert written == all_of(watched.looker.known)
    assert len(watched.looker.known.memory) <= 3

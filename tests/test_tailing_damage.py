"""Damage at the end of a journal that somebody else writes, and what only looks like it."""

from __future__ import annotations

import pytest
import trio

from atomic_store.errors import JournalCorrupt, NotAStore
from atomic_store.journal.file import open_file_journal
from atomic_store.journal.known import know
from atomic_store.journal.line import HeaderLine, mark_body, next_value, with_commit
from atomic_store.testing.faulty_disk import FaultyDisk
from followed_journals import Looker, go_on
from journal_files import (
    INDEX,
    STORE,
    Writing,
    a_draft,
    lived,
    moving,
    segment,
    ticking_clock,
    wrapped,
    writing,
)  # fmt: skip


def test_a_commit_whose_newline_is_missing() -> None:
    """It is not closed, and is not shown before it is."""
    disk = lived(is_closed=False)
    content = disk.files()[segment(8)]
    disk.put(segment(8), content[:-1])
    looker = Looker.at(disk)
    looker.look()
    assert 7 == len(looker.seen)
    disk.put(segment(8), content)
    looker.look()

    assert 10 == len(looker.seen)


def two_lives() -> tuple[FaultyDisk, bytes, bytes]:
    """A disk with seven records, and the segment behind them as two writers would go on."""
    disk = lived(is_closed=False)
    content = disk.files()[segment(8)]
    disk.put(segment(8), content[: content.index(b"\n") + 1])
    lives: list[bytes] = []

    async def main() -> None:
        for scope in ("lot-8", "lot-9"):
            life = disk.copy()
            async with writing(life) as store:
                await store.commit(*(a_draft(scope, n, events=2, pad=9) for n in (70, 80)))
                lives.append(life.files()[segment(8)])

    trio.run(main)
    return disk, lives[0], lives[1]


def test_a_mixture_of_two_commits() -> None:
    """Old bytes before new ones, as when a torn tail is cut off and written over between looks."""
    disk, old, new = two_lives()
    assert len(old) == len(new)
    # What lacks its newline alone is kept by the next writer, and so never written over.
    for kept in range(len(disk.files()[segment(8)]), min(len(old), len(new)) - 1, 7):
        torn = disk.copy()
        torn.put(segment(8), old[:kept])
        looker = Looker.at(torn)
        assert 7 == len(looker.seen)
        torn.put(segment(8), new[: kept + len(new) * (kept % 2)])
        looker.look()
        torn.put(segment(8), new)
        looker.look()
        assert 11 == len(looker.seen), kept
        assert "lot-9" == looker.seen[-1].scope


def test_a_mixture_that_is_read_once() -> None:
    """What is wrong only the first time is no damage."""
    disk, old, new = two_lives()
    looker = Looker.at(disk)
    disk.put(segment(8), old[:-100] + new[-100:])
    with pytest.raises(JournalCorrupt):
        Looker.at(disk.copy())
    looker.known.tail.disk = moving(disk, segment(8), new, closings=1)
    # The disk that moves is another one: its first look at the segment still sees the mixture.
    looker.look()

    assert 11 == len(looker.seen)


def test_damage_that_keeps_changing() -> None:
    """It is looked at again the next time."""
    disk = lived(is_closed=False)
    content = disk.files()[segment(8)]
    looker = Looker.at(disk)
    reads: list[int] = []

    def pread(file: int, size: int, offset: int) -> bytes:
        data = disk.pread(file, size, offset)
        if disk._open[file][1] != segment(8):
            return data
        reads.append(offset)
        return bytes([len(reads) % 250]) + data[1:]

    looker.known.tail.disk = wrapped(disk, pread=pread)
    disk.put(segment(8), content + content[content.index(b"\n") + 1 :])
    looker.look()
    assert len(reads) >= 3
    looker.known.tail.disk = disk
    with pytest.raises(JournalCorrupt):
        looker.look()


def test_being_cut() -> None:
    """A segment without its cut line, or with a part of it, waits for the rest."""
    whole = lived(is_closed=False)
    content = whole.files()[segment(5)]
    header = whole.files()[segment(8)]
    begin = content.index(b'{"cut"')
    for end in range(begin, len(content)):
        disk = whole.copy()
        disk.put(segment(5), content[:end])
        disk.put(segment(8), header[: header.index(b"\n") + 1])
        looker = Looker.at(disk)
        looker.look()
        assert 7 == len(looker.seen)
        if end % 5 == 0:
            trio.run(go_on, disk, looker, 10)


def test_a_segment_that_goes_on_without_a_cut_line() -> None:
    """Where records follow in the next one, it is damage; also if it is only just seen."""
    disk = lived(is_closed=False)
    content = disk.files()[segment(5)]
    disk.put(segment(5), content[: content.index(b'{"cut"')])
    with pytest.raises(JournalCorrupt, match="expected a cut line that names"):
        know(disk, STORE)
    # The writer may have written it in between.
    calls: list[str] = []

    def close(file: int) -> None:
        calls.append(disk._open[file][1])
        disk.close(file)
        if calls[-1] == segment(8):
            disk.put(segment(5), content)

    looker = Looker.at(wrapped(disk, close=close))
    looker.look()
    assert 10 == len(looker.seen)


@pytest.mark.parametrize("gone", [1, 5, 8])
def test_a_segment_that_is_missing(gone: int) -> None:
    """Each is found, at the beginning, in the middle and at the end."""
    disk = lived(is_closed=False)
    disk.remove(segment(gone))
    with pytest.raises(JournalCorrupt, match=f"{segment(gone)} is damaged at offset 0"):
        know(disk, STORE)


def test_segments_that_are_missing_behind_an_end() -> None:
    """A segment that lies beyond the next is not passed over in silence."""
    disk = lived(is_closed=False)
    content = disk.files()[segment(1)]
    disk.put(segment(1), content[: content.index(b'{"cut"')])
    disk.remove(segment(5))
    with pytest.raises(JournalCorrupt, match="expected a segment of this name, found no file, but"):
        know(disk, STORE)


def test_a_header_that_is_not_whole() -> None:
    """A segment gets its name after its header was synced: it is never torn."""
    disk = lived(is_closed=False, has_index=True)
    content = disk.files()[segment(8)]
    for cut in (0, 1, 100):
        damaged = disk.copy()
        damaged.put(segment(8), content[:cut])
        with pytest.raises(JournalCorrupt):
            know(damaged, STORE)


def test_a_segment_of_a_later_format() -> None:
    """It is no damage: it cannot be read by this version."""
    disk = lived(is_closed=False)
    looker = Looker.at(disk)
    content = disk.files()[segment(8)]
    header = HeaderLine(2, "x", "y", 3, 8, "z")
    disk.put(segment(8), with_commit(mark_body(header), "0" * 32) + content)
    with pytest.raises(NotAStore, match="format 2"):
        know(disk, STORE)
    assert 10 == len(looker.seen)


def test_damage_in_a_header_behind_an_index() -> None:
    """A header is read also where an index file covers what follows it."""

    async def main() -> FaultyDisk:
        disk = FaultyDisk()
        async with open_file_journal(
            STORE, disk=disk, clock=ticking_clock(), piece_bytes=600
        ) as journal:
            store = Writing(journal)
            for number in range(12):
                await store.commit(a_draft("lot-1", number))
            return disk.copy()

    disk = trio.run(main)
    assert any("-" in path for path in disk.files() if path.startswith(INDEX))
    looker = Looker.at(disk)
    assert 12 == len(looker.seen)
    assert looker.known.coverage.last > 0
    content = disk.files()[segment(1)]
    for wrong in (b"{" + content[2:], content.replace(b"\n", b" ", 1)):
        damaged = disk.copy()
        damaged.put(segment(1), wrong if len(wrong) == len(content) else b" " + wrong)
        with pytest.raises(JournalCorrupt):
            know(damaged, STORE)


def test_a_header_that_changes_behind_an_index() -> None:
    """What was looked at a moment ago is looked at again."""

    async def main() -> FaultyDisk:
        disk = FaultyDisk()
        async with open_file_journal(
            STORE, disk=disk, clock=ticking_clock(), piece_bytes=600
        ) as journal:
            await Writing(journal).commit(*(a_draft("lot-1", number) for number in range(9)))
            return disk.copy()

    disk = trio.run(main)
    content = disk.files()[segment(1)]
    for wrong in (b"", b"{" + content[2:]):
        with pytest.raises(JournalCorrupt, match=f"{segment(1)} is damaged"):
            know(moving(disk, segment(1), wrong, closings=1), STORE)


def test_a_time_that_is_none() -> None:
    """A record whose time cannot be indexed is damage, though its checksums are right."""
    disk = lived(is_closed=False)
    content = disk.files()[segment(8)]
    header = content[: content.index(b"\n") + 1]
    disk.put(segment(8), header)
    chain = Looker.at(disk).known.tail.chain
    line = content.split(b"\n")[1]
    at = line.index(b'"at":"') + len(b'"at":"')
    body = line[:at] + b"2027-13-45T99:99:99.999999Z" + line[at + 27 : line.rindex(b',"crc"')]
    body = body.replace(b',"part":[1,2]', b"")
    disk.put(segment(8), header + with_commit(body, next_value(chain.value, body)))
    with pytest.raises(JournalCorrupt, match="expected a time, found 2027-13-45"):
        know(disk, STORE)


def test_an_index_file_of_another_life() -> None:
    """Of the same store and segment, but of records that a torn tail was replaced by elsewhere."""
    disk, _, _ = two_lives()

    async def live(life: FaultyDisk, pad: int) -> None:
        async with writing(life) as store:
            for number in range(90, 96):
                await store.commit(a_draft("lot-5", number, pad=pad + number % 3))

    here, elsewhere = disk.copy(), disk.copy()
    trio.run(live, here, 200)
    trio.run(live, elsewhere, 203)
    name = f"{INDEX}/{8:020}.idx"
    for life in (here, elsewhere):
        trio.run(live, life, 1)
        assert name in life.files()
    here.put(name, elsewhere.files()[name])
    here.remove(f"{INDEX}/{1:020}.idx")
    looker = Looker.at(here)

    assert [*range(1, 20)] == [record.position for record in looker.seen]
    assert here.files()[segment(8)].index(b'{"cut"') == looker.known.coverage.at(8).header.end

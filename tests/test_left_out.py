"""What a reader that only follows leaves out of its indexes is there as soon as somebody asks."""

from __future__ import annotations

from itertools import chain, repeat

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st

from atomic_store import CaughtUp, open_reader
from atomic_store.errors import JournalCorrupt, JournalFailed, NotAStore
from atomic_store.journal.index_file import MemoryIndex
from atomic_store.journal.line import CRC_BYTES, with_crc
from atomic_store.testing.faulty_disk import FaultyDisk
from bids import Bid
from bids_beside import beside, bid_often, bids_on, take
from followed_journals import Looker, all_of
from journal_files import STORE, a_draft, segment, wrapped, writing


def said_by(index: MemoryIndex) -> object:
    """All that an index says."""
    contents = index.contents
    return (
        index.first, index.last, index.begin, index.end, index.commit, contents.first_at,
        contents.last_at, contents.offsets, contents.times, contents.scopes,
        contents.ids._buckets, contents.correlations._buckets,
        [index.extent(position) for position in range(index.first, index.last + 1)],
    )  # fmt: skip


@settings(max_examples=60)
@given(
    st.lists(st.tuples(st.integers(1, 3), st.sampled_from([0, 100, 400])), min_size=1, max_size=25),
    st.lists(st.booleans()),
)
def test_as_if_it_had_been_asked(commits: list[tuple[int, int]], asked: list[bool]) -> None:
    """Whenever it is asked, an index says what it says if it is asked all the time."""
    disk = FaultyDisk()

    async def main() -> None:
        async with writing(disk, segment_bytes_max=2500, piece_bytes=900) as store:
            always, sometimes = Looker.at(disk), Looker.at(disk)
            sometimes.asked = chain(asked, repeat(False))
            for number, (events, pad) in enumerate(commits):
                draft = a_draft(f"lot-{number % 3}", number, events=events, pad=pad)
                await store.commit(draft)
                always.look()
                sometimes.look()
            assert always.seen == sometimes.seen
            chains = [looker.known.tail.chain for looker in (always, sometimes)]
            assert chains[0].sequences == chains[1].sequences
            sometimes.known.catch_up()
            assert sometimes.known.is_caught_up
            assert [*map(said_by, always.known.memory)] == [*map(said_by, sometimes.known.memory)]
            assert all_of(always.known) == all_of(sometimes.known)

    trio.run(main)


def a_follower(disk: FaultyDisk) -> Looker:
    """Somebody who knows one record, and has seen three more that are in no index."""
    looker = None

    async def main() -> None:
        nonlocal looker
        async with writing(disk) as store:
            await store.commit(a_draft("lot-1", 1))
            looker = Looker.at(disk)
            looker.asked = repeat(False)
            await store.commit(a_draft("lot-1", 2), a_draft("lot-2", 3))
            await store.commit(a_draft("lot-1", 4))
            looker.look()

    trio.run(main)
    assert looker is not None
    return looker


def test_what_is_known_is_not_changed_by_what_is_left_out() -> None:
    """The last record that is in the index ends where the next one begins."""
    disk = FaultyDisk()
    looker = a_follower(disk)
    (index,) = looker.known.memory
    begin, end = index.extent(1)

    assert (1, 4) == (index.contents.count, index.last)
    assert {"lot-1": 3, "lot-2": 1} == index.left_out
    assert disk.files()[segment(1)][begin:end].endswith(b"}\n")
    assert 1 == disk.files()[segment(1)][begin:end].count(b"\n")


def lines(disk: FaultyDisk) -> list[bytes]:
    """The lines of the first segment, with their ends."""
    return disk.files()[segment(1)].splitlines(keepends=True)


def put(disk: FaultyDisk, changed: list[bytes]) -> None:
    """Have other lines in the first segment."""
    disk.put(segment(1), b"".join(changed))


def with_right_crc(line: bytes) -> bytes:
    """The line with the checksum that it should have."""
    return with_crc(line[: -CRC_BYTES - 1])


def padded(line: bytes, size: int) -> bytes:
    """The line of a record, made so long by its data."""
    pad = size - len(line)
    return with_right_crc(line.replace(b'"pad":"', b'"pad":"' + b"x" * pad))


@pytest.mark.parametrize(
    ("k", "old", "new", "found"),
    [
        (3, b'"position":3', b'"position":4', "record 4 .expected record 3 of 4, found 4"),
        (3, b"lot-2", b"lot-1", "record 3 .expected sequence 3, found 1"),
        (2, b"2026", b"20x6", "record 2 .Invalid isoformat"),
    ],
)
def test_another_record_in_its_place(k: int, old: bytes, new: bytes, found: str) -> None:
    """It is damage, said where it is; once it is put right all is there."""
    disk = FaultyDisk()
    looker = a_follower(disk)
    sound = lines(disk)
    changed = sound.copy()
    changed[k] = with_right_crc(sound[k].replace(old, new))
    assert changed != sound
    put(disk, changed)

    for _ in range(2):
        with pytest.raises(JournalCorrupt, match=found) as caught:
            looker.known.catch_up()
        assert len(b"".join(sound[:k])) == caught.value.offset
        assert not looker.known.is_caught_up
    put(disk, sound)
    looker.known.catch_up()
    assert looker.known.is_caught_up
    assert looker.seen == all_of(looker.known)


def test_fewer_records() -> None:
    """Records that are missing are damage."""
    disk = FaultyDisk()
    looker = a_follower(disk)
    sound = lines(disk)
    put(disk, [*sound[:2], padded(sound[2], sum(map(len, sound[2:5])))])

    with pytest.raises(JournalCorrupt, match="expected records up to 4, found fewer"):
        looker.known.catch_up()


def test_a_store_that_is_taken_away() -> None:
    """That it is gone is said, not that it is damaged."""
    disk = FaultyDisk()
    looker = a_follower(disk)
    for path in disk.files():
        disk.unlink(path)

    with pytest.raises(NotAStore):
        looker.known.catch_up()


def test_a_disk_that_refuses() -> None:
    """It is asked again the next time."""
    disk = FaultyDisk()
    looker = a_follower(disk)
    disk.fail("read", path=segment(1))

    with pytest.raises(JournalFailed):
        looker.known.catch_up()
    looker.known.catch_up()
    assert looker.seen == all_of(looker.known)


# --- readers -----------------------------------------------------------------------------


async def test_a_reader_that_follows_and_asks() -> None:
    """It reads again what it has passed by once it is asked, and then keeps an index."""
    async with beside() as (store, reader, _), reader.subscribe(after="end") as feed:

        def is_caught_up() -> bool:
            return reader._journal._known.is_caught_up

        assert [CaughtUp(40)] == await take(feed, 1)
        await bid_often(store, 30, begin=40)
        assert [*range(41, 71)] == await take(feed, 30)
        assert not is_caught_up()

        found = await reader.query_events("lot-1")
        assert found == await store.query_events("lot-1")
        assert is_caught_up()
        # That is so until the next segment begins.
        await bid_often(store, 1, begin=70)
        await take(feed, 1)
        assert is_caught_up()
        await bid_often(store, 31, begin=71)
        await take(feed, 31)
        assert not is_caught_up()
        assert 102 == max(end.position for end in await reader.scopes())
        assert await reader.outcome(found[-1].proposal_id, scope="lot-1") is not None
        assert [102] == [record.position for record in await reader.read(after=101).all()]


async def test_two_that_ask_at_once() -> None:
    """What is missing is read again once; both have their answers."""
    async with beside() as (store, reader, _), reader.subscribe(after="end") as feed:
        await take(feed, 1)
        await bid_often(store, 30, begin=40)
        await take(feed, 30)
        answers: list[int] = []

        async def ask(scope: str) -> None:
            answers.append((await reader._journal.scope_end(scope)).sequence)

        async with trio.open_nursery() as nursery:
            for scope in ("lot-0", "lot-1", "lot-2", "lot-9"):
                nursery.start_soon(ask, scope)
        assert [0, 23, 23, 24] == sorted(answers)


async def test_damage_in_what_was_left_out() -> None:
    """Whoever asks hears of it, each time; whoever follows goes on."""
    disk = FaultyDisk()
    is_damaged = False

    def pread(file: int, size: int, offset: int) -> bytes:
        data = disk.pread(file, size, offset)
        return data.replace(b'"ada","cents":41', b'"ada","cents":14') if is_damaged else data

    async with bids_on(disk) as (store, _):
        await bid_often(store, 40)
        async with (
            open_reader(STORE, events=Bid, disk=wrapped(disk, pread=pread)) as reader,
            reader.subscribe(after="end") as feed,
        ):
            await take(feed, 1)
            await bid_often(store, 2, begin=40)
            await take(feed, 2)
            is_damaged = True
            with pytest.raises(JournalCorrupt, match="crc"):
                await reader.query_events("lot-1")
            await bid_often(store, 1, begin=42)
            assert [43] == await take(feed, 1)
            with pytest.raises(JournalCorrupt, match="crc"):
                await reader.scopes()
            is_damaged = False
            assert 43 == max(end.position for end in await reader.scopes())

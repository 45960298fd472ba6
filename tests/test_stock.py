"""What a store's files hold, also from the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from atomic_store import JsonEvent, open_store
from atomic_store.errors import NotAStore
from atomic_store.journal.stock import FileStock, FolderStock, SegmentStock, take_stock
from atomic_store.testing.faulty_disk import FaultyDisk
from command_line import called, lines_of, refusal
from journal_files import INDEX, STORE, a_draft, lived, open_again, writing


@pytest.mark.parametrize("has_index", [True, False])
def test_a_store_of_several_segments(has_index: bool) -> None:
    """Each segment is told with its records and times; all of them are counted."""
    disk = lived(is_closed=True, has_index=has_index)
    records, _ = open_again(disk.copy())
    before = disk.files()
    stock = take_stock(STORE, disk=disk)

    assert disk.files() == before
    assert stock.head.position == len(records) == sum(s.records for s in stock.segments)
    assert stock.scopes == len({record.scope for record in records})
    assert stock.at == records[-1].at
    at = iter(records)
    for segment in stock.segments:
        mine = [next(at) for _ in range(segment.records)]
        assert segment.name == f"{mine[0].position:020}.jsonl"
        assert (segment.first_at, segment.last_at) == (mine[0].at, mine[-1].at)
        assert segment.bytes == len(before[f"{STORE}/journal/{segment.name}"])
    sizes = [len(content) for path, content in before.items() if INDEX in path]
    assert stock.index == FolderStock(len(sizes), sum(sizes))
    assert stock.snapshots == FolderStock(0, 0)


def test_what_is_indexed() -> None:
    """It is told of each segment whether it is in index files, as a whole or in pieces."""
    stock = take_stock(STORE, disk=lived(is_closed=True, has_index=True))

    *cut, last = stock.segments
    assert ["whole"] * len(cut) == [segment.index for segment in cut]
    assert last.index == "none"
    assert stock.indexed == stock.head.position - last.records


async def test_beside_a_writer_with_pieces() -> None:
    """Beside a live writer nothing is missed; a segment that is written has pieces."""
    disk = FaultyDisk()
    async with writing(disk, segment_bytes_max=10**6, piece_bytes=600) as store:
        for number in range(1, 9):
            await store.commit(a_draft(f"lot-{number % 3}", number, pad=100))
            stock = take_stock(STORE, disk=disk)

            assert stock.head == store.journal.head
            assert stock.scopes == min(number, 3)
        (segment,) = stock.segments

    assert segment.index == "pieces"
    assert segment.records == 8
    assert stock.indexed > 0


async def test_an_empty_store() -> None:
    """A store without records holds nothing, at no time."""
    disk = FaultyDisk()
    async with writing(disk):
        stock = take_stock(STORE, disk=disk)

    assert (stock.head.position, stock.scopes, stock.at) == (0, 0, "")
    assert (stock.segments[0].records, stock.segments[0].first_at) == (0, "")


def test_no_store() -> None:
    """There must be a store."""
    with pytest.raises(NotAStore):
        take_stock(STORE, disk=FaultyDisk())


@pytest.mark.parametrize(
    ("records", "first", "last", "rate"),
    [
        (11, "2026-11-23T15:04:05.000000Z", "2026-11-23T15:04:10.000000Z", 2.0),
        (1, "2026-11-23T15:04:05.000000Z", "2026-11-23T15:04:05.000000Z", None),
        (2, "2026-11-23T15:04:05.000000Z", "2026-11-23T15:04:05.000000Z", None),
        (0, "", "", None),
        (2, "once", "2026-11-23T15:04:05.000000Z", None),
    ],
)
def test_rate(records: int, first: str, last: str, rate: float | None) -> None:
    """A rate needs two records at two times."""
    assert rate == SegmentStock("a", 1, records, first, last, "none").records_a_second


async def test_what_was_cut_off(tmp_path: Path) -> None:
    """A commit that a crash left unfinished is told, once opening has set it aside."""
    path = tmp_path / "shop.store"

    async def say_something() -> None:
        async with open_store(path, events=None) as store:
            await store.store_if_valid(
                JsonEvent("Said", {}), lambda request: request.accept(), scope="a"
            )

    await say_something()
    (segment,) = (path / "journal").glob("*.jsonl")
    content = segment.read_bytes()
    whole = len(content) - len(content.splitlines(keepends=True)[-1])
    segment.write_bytes(content[: whole + 20])
    assert () == take_stock(path).torn
    (path / "journal" / ".torn-by-somebody-else").mkdir()
    await say_something()

    kept = FileStock(f".torn-{segment.name}-{whole}", 20)
    assert (kept,) == take_stock(path).torn
    assert f"cut off after a crash: {kept.name}, 20 bytes" == lines_of(called("stats", path))[-1]


async def test_command(tmp_path: Path) -> None:
    """`stats` prints the same for people and for programs."""
    path = tmp_path / "shop.store"
    async with open_store(path, events=None) as store:
        empty = lines_of(called("stats", path))
        for number in range(3):
            await store.store_if_valid(
                JsonEvent("Said", {"n": number}), lambda request: request.accept(), scope="a"
            )
    lines = lines_of(called("stats", path))
    value = json.loads(lines_of(called("stats", path, "--json"))[0])

    assert empty[1] == "0 records of 0 scopes"
    assert lines[0].startswith(f"{path}: store {value['store']}, history ")
    assert lines[1] == f"3 records of 1 scope, the last one at {value['at']}"
    assert lines[2] == f"head: position 3, commit {value['head']['commit']}"
    assert lines[3].endswith("records/s  index none")
    assert value["segments"][0]["records"] == 3
    assert value["segments"][0]["records_a_second"] > 0
    assert "found nothing" in refusal(called("stats", tmp_path / "nowhere.store"))

"""What can still be read of a damaged journal, whatever was done to its bytes."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import pytest
from msgspec.structs import replace

from atomic_store.journal import StoredRecord, Wanted
from atomic_store.journal.line import record_body, with_crc
from atomic_store.testing.faulty_disk import FaultyDisk
from followed_journals import records_in
from inspector.sources.salvage import Salvage
from inspector.sources.salvaged import SalvagedPage, records_of
from journal_files import JOURNAL, STORE, lived, segment, with_file

SOUND = lived(is_closed=True)
RECORDS = records_in(STORE, SOUND)
SEGMENTS = sorted(path for path in SOUND.files() if path.startswith(JOURNAL))


def salvaged(disk: FaultyDisk) -> Salvage:
    """Look for all that can be read."""
    found = Salvage(disk, STORE)
    found.read_on()
    return found


def read(salvage: Salvage, wanted: Wanted | None = None, limit: int = 10_000) -> list[StoredRecord]:
    """Read what is wanted, page by page."""
    found: list[StoredRecord] = []
    going_on: Wanted | None = wanted or Wanted()
    while going_on is not None:
        page = SalvagedPage(salvage, going_on, limit).page()
        found += page.records
        going_on = None if page.next is None else going_on.going_on_at(page.next)
    return found


def without(*positions: int) -> list[StoredRecord]:
    """All records but some."""
    return [record for record in RECORDS if record.position not in positions]


def place_of(position: int) -> tuple[str, int, int]:
    """The segment that a record is in, and where its line begins and ends."""
    for path in SEGMENTS:
        content = SOUND.files()[path]
        begin = content.find(b'{"position":%d,' % position)
        if begin >= 0:
            return path, begin, content.index(b"\n", begin) + 1
    raise AssertionError(f"no record {position}")


def changed(path: str, change: Callable[[bytes], bytes]) -> FaultyDisk:
    """A disk on which a file was changed."""
    return with_file(SOUND, path, change(SOUND.files()[path]))


def test_a_sound_journal() -> None:
    """All of it is there, and no place is damaged."""
    salvage = salvaged(SOUND)

    assert RECORDS == read(salvage)
    assert (0, len(RECORDS), RECORDS[-1].at) == (salvage.places, salvage.last, salvage.at)


@pytest.mark.parametrize("position", [record.position for record in RECORDS])
def test_one_line_is_changed(position: int) -> None:
    """It is missing; all others are there, and one place is damaged."""
    path, begin, _ = place_of(position)
    salvage = salvaged(changed(path, lambda old: old[: begin + 40] + b"?" + old[begin + 41 :]))

    assert without(position) == read(salvage)
    assert 1 == salvage.places


def test_a_line_is_missing() -> None:
    """Where a position is left out, a place is damaged, though each line is whole."""
    path, begin, end = place_of(3)
    salvage = salvaged(changed(path, lambda old: old[:begin] + old[end:]))

    assert without(3) == read(salvage)
    assert 1 == salvage.places


def test_a_line_is_doubled() -> None:
    """It is there once."""
    path, begin, end = place_of(3)
    salvage = salvaged(changed(path, lambda old: old[:end] + old[begin:]))

    assert RECORDS == read(salvage)
    assert 1 == salvage.places


def test_a_segment_is_missing() -> None:
    """The others are there, with one gap."""
    disk = SOUND.copy()
    disk.remove(SEGMENTS[1])
    first, following = int(SEGMENTS[1][-26:-6]), int(SEGMENTS[2][-26:-6])
    salvage = salvaged(disk)

    assert without(*range(first, following)) == read(salvage)
    assert 1 == salvage.places


def test_a_segment_lies_in_anothers_place() -> None:
    """Its records do not belong there, and keep none out that do."""
    disk = with_file(SOUND, SEGMENTS[0], SOUND.files()[SEGMENTS[-1]])
    following = int(SEGMENTS[1][-26:-6])
    salvage = salvaged(disk)

    assert without(*range(1, following)) == read(salvage)
    assert 1 == salvage.places


def test_zeros_in_the_middle() -> None:
    """What a disk has lost is one place, however long it is."""
    path, begin, _ = place_of(5)
    salvage = salvaged(changed(path, lambda old: old[:begin] + bytes(50_000) + old[begin:]))

    assert without(5) == read(salvage)
    assert 1 == salvage.places


def test_an_unfinished_end() -> None:
    """What a crash leaves at the very end is no damage."""
    salvage = salvaged(changed(SEGMENTS[-1], lambda old: old + b'{"position":'))

    assert RECORDS == read(salvage)
    assert 0 == salvage.places


@pytest.mark.parametrize(
    "line",
    [b"", b"[" * 100_000, b'{"position":' * 50_000, b"\xff\xfe", b'{"position":1}', b"\0" * 5],
)
def test_lines_that_are_none(line: bytes) -> None:
    """They are passed by."""
    path, begin, _ = place_of(5)
    salvage = salvaged(changed(path, lambda old: old[:begin] + line + b"\n" + old[begin:]))

    assert RECORDS == read(salvage)
    assert 1 == salvage.places


def test_a_line_that_is_too_deep() -> None:
    """A right checksum does not help it."""
    path, begin, _ = place_of(5)
    deep = b"[" * 100_000 + b"]" * 100_000
    body = b'{"position":5,"scope":"x","sequence":1,"id":"","at":"","type":"E","data":' + deep
    line = with_crc(body)
    salvage = salvaged(changed(path, lambda old: old[:begin] + line + old[begin:]))

    assert RECORDS == read(salvage)
    assert 1 == salvage.places


def test_all_is_gone() -> None:
    """Without a segment there is nothing."""
    disk = SOUND.copy()
    for path in SEGMENTS:
        disk.remove(path)
    salvage = salvaged(disk)

    assert [] == read(salvage)
    assert [] == salvage.scopes("", None, 10)


@pytest.mark.parametrize("seed", range(60))
def test_any_damage(seed: int) -> None:
    """Whatever was done to the bytes, each record that is shown is one of the store's."""
    random = Random(seed)
    disk = SOUND.copy()
    for _ in range(random.randrange(1, 5)):
        path = random.choice(SEGMENTS)
        content = bytearray(disk.files()[path])
        at = random.randrange(len(content))
        length = random.randrange(1, 400)
        match random.randrange(4):
            case 0:
                content[at] ^= 1 << random.randrange(8)
            case 1:
                del content[at : at + length]
            case 2:
                content[at:at] = random.randbytes(length)
            case _:
                content[at:at] = content[max(0, at - length) : at]
        disk.put(path, bytes(content))
    salvage = salvaged(disk)
    found = read(salvage)

    assert all(record in RECORDS for record in found)
    assert sorted({record.position for record in found}) == [record.position for record in found]
    assert found[::-1] == read(salvage, Wanted(reverse=True), limit=2)
    for scope in {record.scope for record in found}:
        wanted = [record for record in found if record.scope == scope]
        assert wanted == read(salvage, Wanted(scope=scope), limit=1)
        assert wanted == records_of(salvage, salvage.of_sequences(scope, 1, 99), lambda: None)


@pytest.mark.parametrize("block", [1, 300, 10**6])
def test_blocks_of_any_size(monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    """However much is searched at a time, the same is found, between any bounds."""
    monkeypatch.setattr("inspector.sources.salvaged.BLOCK_BYTES", block)
    monkeypatch.setattr("inspector.sources.salvaged.LINE_BYTES", 7)
    monkeypatch.setattr("inspector.sources.salvaged.PAGE_BYTES_MAX", 3 * block)
    path, begin, _ = place_of(6)
    salvage = salvaged(changed(path, lambda old: old[:begin] + b"?" + old[begin + 1 :]))
    for first in range(1, len(RECORDS) + 1):
        for last in range(first, len(RECORDS) + 2):
            wanted = [record for record in without(6) if first <= record.position <= last]
            assert wanted == read(salvage, Wanted(first=first, last=last))
            assert wanted[::-1] == read(salvage, Wanted(first=first, last=last, reverse=True), 3)


def test_what_is_written_later() -> None:
    """It is taken up, also in a segment that is new; and half a line only once it is whole."""
    whole = SOUND.files()
    disk = SOUND.copy()
    for path in SEGMENTS[1:]:
        disk.remove(path)
    cut = len(whole[SEGMENTS[0]]) - 30
    disk.put(SEGMENTS[0], whole[SEGMENTS[0]][:cut])
    salvage = salvaged(disk)
    seen = read(salvage)
    assert RECORDS[: len(seen)] == seen
    disk.put(SEGMENTS[0], whole[SEGMENTS[0]])
    for path in SEGMENTS[1:]:
        disk.put(path, whole[path])
        assert not salvage.is_stale()
        salvage.read_on()
        salvage.read_on()

    assert RECORDS == read(salvage)
    assert 0 == salvage.places


def test_what_is_cut_off_later() -> None:
    """A segment that has become shorter, or is gone, is noticed."""
    salvage = salvaged(SOUND)
    assert not salvage.is_stale()
    salvage.disk = changed(SEGMENTS[-1], lambda old: old[:-1])
    assert salvage.is_stale()
    salvage.disk = SOUND.copy()
    salvage.disk.unlink(segment(1))
    assert salvage.is_stale()


def test_what_is_changed_later() -> None:
    """A record that cannot be read any more is left out."""
    salvage = salvaged(SOUND)
    path, begin, _ = place_of(4)
    salvage.disk = changed(path, lambda old: old[:begin] + b"?" + old[begin + 1 :])

    assert without(4) == read(salvage)
    other = replace(RECORDS[3], position=9)
    line = with_crc(record_body(other))
    salvage.disk = changed(path, lambda old: old[:begin] + line + old[begin + len(line) :])
    assert other not in read(salvage)
    gone = SOUND.copy()
    gone.remove(path)
    salvage.disk = gone
    assert all(record in RECORDS for record in read(salvage))


@pytest.mark.parametrize("after", range(1, len(SEGMENTS) + 1))
def test_cancelled_in_the_middle(after: int) -> None:
    """Whoever reads on has all of it, wherever it was cancelled."""
    salvage, checks = Salvage(SOUND.copy(), STORE), 0

    class Stopped(Exception):
        pass

    def check() -> None:
        nonlocal checks
        checks += 1
        if checks == after:
            raise Stopped

    with pytest.raises(Stopped):
        salvage.read_on(check)
    salvage.read_on()
    assert RECORDS == read(salvage)
    assert 0 == salvage.places

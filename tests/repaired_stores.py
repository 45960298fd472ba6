"""Damaged stores that are repaired, and the rule by which records are kept, said once more."""

from __future__ import annotations

import json

from atomic_store.journal import StoredRecord
from atomic_store.journal.disk import Kind
from atomic_store.journal.line import with_crc
from atomic_store.safekeeping import Repaired, repair, verify
from atomic_store.testing.faulty_disk import FaultyDisk
from followed_journals import records_in
from journal_files import (
    SEGMENT_BYTES_MAX,
    STORE,
)
from kept_safe import TARGET, files_of, without_places

NAMES = (1, 2, 6, 9, 11)
RECORD = b'{"position":'


def repaired(disk: FaultyDisk) -> tuple[Repaired, list[StoredRecord]]:
    """Repair a store, check what always holds, and give what was kept."""
    before = files_of(disk, STORE)
    if disk.kind(TARGET) is not Kind.NOTHING:
        disk.remove(TARGET)
    done = repair(STORE, TARGET, disk=disk, segment_bytes_max=SEGMENT_BYTES_MAX)
    found = verify(TARGET, disk=disk)
    records = records_in(TARGET, disk)

    assert before == files_of(disk, STORE)
    assert (done.head, (), ()) == (found.head, found.damage, found.notes)
    assert list(range(1, len(records) + 1)) == [r.position for r in records]
    assert (done.file is None) == (not done.told)
    if done.file is not None:
        lines = disk.files()[done.file].splitlines()
        assert json.loads(json.dumps([one.value() for one in done.told], default=raw)) == list(
            map(json.loads, lines[: len(done.told)])
        )
    return done, records


def raw(value: object) -> object:
    """A raw piece of JSON as a value."""
    return json.loads(bytes(value))  # type: ignore[call-overload]


def kept_of(records: list[StoredRecord], lost: set[int]) -> list[tuple[object, ...]]:
    """What is to be kept of a store if some positions are lost: the rule, said once more."""
    holes: set[str] = set()
    kept: list[StoredRecord] = []
    for record in records:
        n = 1 if record.part is None else record.part[1]
        k = 1 if record.part is None else record.part[0]
        decision = range(record.position - k + 1, record.position - k + 1 + n)
        if lost.intersection(decision):
            holes.add(record.scope)
        if record.scope not in holes:
            kept.append(record)
    return without_places(kept)


def spoil(disk: FaultyDisk, path: str, at: int, byte: bytes = b"\x07") -> None:
    """Change a byte."""
    content = disk.files()[path]
    disk.put(path, content[:at] + byte + content[at + 1 :])


def place_of(disk: FaultyDisk, position: int) -> tuple[str, int]:
    """Where a record's line begins."""
    for path, content in disk.files().items():
        at = content.find(b'{"position":%d,' % position)
        if at >= 0:
            return path, at
    raise AssertionError(position)


def rewritten(disk: FaultyDisk, position: int, old: bytes, new: bytes) -> None:
    """Change a record and put a right checksum on it, as somebody who knows the format would."""
    path, at = place_of(disk, position)
    content = disk.files()[path]
    line = content[at:].partition(b"\n")[0] + b"\n"
    assert old in line
    body = line[: -len(',"crc":"00000000"}\n')].replace(old, new)
    disk.put(path, content.replace(line, with_crc(body)))

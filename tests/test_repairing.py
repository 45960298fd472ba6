"""Repairing a damaged store: what is kept can be believed, and what is left out is told."""

from __future__ import annotations

import errno
import json
from random import Random

import pytest
import trio

from atomic_store.errors import JournalCorrupt, NotAStore, StoreLocked, TargetRefused
from atomic_store.journal import StoredRecord
from atomic_store.journal.chain import Chain
from atomic_store.journal.creating import read_identity
from atomic_store.journal.disk import Access, Kind
from atomic_store.journal.line import StoreLine, store_line, with_crc
from atomic_store.journal.segments import header_line
from atomic_store.safekeeping import Repaired, backup, repair, verify
from atomic_store.testing.faulty_disk import FaultyDisk
from followed_journals import records_in
from journal_files import (
    INDEX,
    LAST,
    SEGMENT_BYTES_MAX,
    STORE,
    a_draft,
    last_commit,
    lived,
    open_again,
    segment,
    writing,
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


class TestSound:
    @pytest.mark.parametrize("is_closed", [True, False])
    def test_nothing_is_left_out(self, is_closed: bool) -> None:
        """Of a sound store all is kept, with the store's id and another history."""
        disk = lived(is_closed=is_closed)
        done, records = repaired(disk)
        old, new = (read_identity(disk, place) for place in (STORE, TARGET))

        assert records_in(STORE, disk) == records
        assert (True, None, 0, (), (), ()) == (
            done.is_whole, done.file, done.unknown, done.cut, done.damage, done.notes,
        )  # fmt: skip
        assert (old.store, old.created, done.history) == (new.store, new.created, new.history)
        assert old.history != new.history

    def test_torn(self) -> None:
        """What was never finished is a note, as for `verify`; nobody was told of it."""
        disk = lived(is_closed=False)
        content = disk.files()[LAST]
        for end in range(last_commit(content) + 1, len(content) - 1, 29):
            disk.put(LAST, content[:end])
            done, records = repaired(disk)

            assert (7, None, 1) == (len(records), done.file, len(done.notes))
        disk.put(LAST, content[:-1])
        assert 10 == len(repaired(disk)[1])

    def test_all_members_stay(self) -> None:
        """What is kept stays as it is: ids, times, parts, data."""
        disk = lived(is_closed=True)
        path, at = place_of(disk, 1)
        spoil(disk, path, at + 40)
        expected = kept_of(records_in(STORE, lived(is_closed=True)), {1})

        assert expected == without_places(repaired(disk)[1])


class TestOneLine:
    @pytest.mark.parametrize("position", range(1, 14))
    def test_every_record(self, position: int) -> None:
        """A record that cannot be read ends its scope; the others are kept, and all is told."""
        disk = lived(is_closed=True)
        before = records_in(STORE, disk)
        path, at = place_of(disk, position)
        spoil(disk, path, at + 150)
        done, records = repaired(disk)
        lost = before[position - 1]

        assert kept_of(before, {position}) == without_places(records)
        assert 1 == done.missing
        assert 13 - 1 - len(records) == done.left_out
        first = done.told[0]
        assert (path, at, disk.files()[path][:at].count(b"\n") + 1) == (
            first.path, first.offset, first.line,
        )  # fmt: skip
        assert (position, lost.scope, lost.sequence, lost.id) == (
            first.position, first.scope, first.sequence, first.proposal_id,
        )  # fmt: skip
        # What comes later in its scope shows whose it was; of the last one nothing does.
        is_last = not any(r.scope == lost.scope for r in before[position:])
        is_part_of_kept = lost.part is not None and position != lost.position - lost.part[0] + 1
        assert int(is_last) == done.unknown or is_part_of_kept
        if not is_last:
            assert [lost.scope] == [cut.scope for cut in done.cut]

    def test_every_byte(self) -> None:
        """Whatever byte is changed, what is kept is what the rule says, and never another thing."""
        sound = lived(is_closed=True)
        before = records_in(STORE, sound)
        random = Random(7)
        for name in NAMES:
            path = segment(name)
            content = sound.files()[path]
            for at in range(0, len(content), 31):
                disk = sound.copy()
                byte = bytes([content[at] ^ 1 << random.randrange(8)])
                spoil(disk, path, at, byte)
                # The line, and the next one if it was their newline, or became one.
                begin = content.rfind(b"\n", 0, at) + 1
                end = content.find(b"\n", at) + 1
                bad = content[begin:end]
                if content[at : at + 1] == b"\n":
                    bad += content[end:].partition(b"\n")[0]
                lost = {
                    int(line[len(RECORD) : line.index(b",")])
                    for line in bad.splitlines()
                    if line.startswith(RECORD)
                }
                done, records = repaired(disk)

                assert (name, at, kept_of(before, lost)) == (name, at, without_places(records))
                assert (name, at, len(lost)) == (name, at, done.missing)
                assert done.damage
                assert done.file is not None

    @pytest.mark.parametrize("seed", range(25))
    def test_many_lines(self, seed: int) -> None:
        """However many lines are lost, each scope is kept up to its first hole."""
        random = Random(seed)
        disk = lived(is_closed=True)
        before = records_in(STORE, disk)
        lost = set(random.sample(range(1, 14), random.randrange(1, 8)))
        for position in lost:
            path, at = place_of(disk, position)
            if random.random() < 0.5:
                spoil(disk, path, at + 30 + random.randrange(50))
            else:
                content = disk.files()[path]
                end = content.index(b"\n", at) + 1
                disk.put(path, content[:at] + content[end:])
        done, records = repaired(disk)

        assert kept_of(before, lost) == without_places(records)
        assert len(lost) == done.missing
        assert 13 - len(lost) - len(records) == done.left_out


class TestSegments:
    @pytest.mark.parametrize("name", NAMES)
    def test_a_missing_one(self, name: int) -> None:
        """Of a segment that is not there all positions are missing; scopes tell what they can."""
        disk = lived(is_closed=True)
        before = records_in(STORE, disk)
        following = [*NAMES, 14][NAMES.index(name) + 1]
        lost = set(range(name, following))
        disk.remove(segment(name))
        done, records = repaired(disk)

        assert kept_of(before, lost) == without_places(records)
        # Of the last one it is only known that it had a record.
        assert (len(lost) if name != 11 else 1) == done.missing

    @pytest.mark.parametrize("name", NAMES)
    def test_without_its_header(self, name: int) -> None:
        """A segment's records are believed without its header."""
        disk = lived(is_closed=True)
        content = disk.files()[segment(name)]
        header, _, rest = content.partition(b"\n")
        for instead in (rest, header.replace(b"format", b"fxrmat") + b"\n" + rest, b"\n" + rest):
            disk.put(segment(name), instead)
            done, records = repaired(disk)

            assert (13, 0, 0) == (len(records), done.missing, done.left_out)
            assert done.is_whole

    @pytest.mark.parametrize("name", NAMES)
    def test_without_its_cut_or_close_line(self, name: int) -> None:
        """Where a segment's last line is not there or cannot be read, its records are."""
        disk = lived(is_closed=True)
        content = disk.files()[segment(name)]
        *lines, last = content.splitlines(keepends=True)
        for instead in (b"", last[:-3] + b"..\n"):
            disk.put(segment(name), b"".join(lines) + instead)
            _, records = repaired(disk)

            assert 13 == len(records)

    @pytest.mark.parametrize("is_other_store", [True, False])
    def test_a_foreign_one(self, is_other_store: bool) -> None:
        """A segment of another store, or of another history, is not mixed in."""
        disk = lived(is_closed=True)
        before = records_in(STORE, disk)
        if is_other_store:
            other = lived(is_closed=True).files()[segment(6)]
        else:
            content = disk.files()[segment(6)]
            chain = Chain(read_identity(disk, STORE).store, "another history", 2, 5, "0" * 32)
            other = header_line(chain)[0] + content.partition(b"\n")[2]
        disk.put(segment(6), other)
        done, records = repaired(disk)

        assert kept_of(before, {6, 7, 8}) == without_places(records)
        assert 3 == done.missing
        assert 3 == sum("of another store, or of another history" in one.why for one in done.told)

    def test_another_branch(self) -> None:
        """A segment that goes on from another commit than the one before it is not mixed in."""
        disk = lived(is_closed=True)
        content = disk.files()[segment(11)]
        identity = read_identity(disk, STORE)
        chain = Chain(identity.store, identity.history, 4, 10, "0" * 32)
        disk.put(segment(11), header_line(chain)[0] + content.partition(b"\n")[2])
        done, records = repaired(disk)

        # How many there were in the right one, nothing tells.
        assert (10, 1) == (len(records), done.missing)
        assert any("goes on from another commit" in one.why for one in done.told)

    def test_a_copy_of_one(self) -> None:
        """A segment that is there twice, under another name, adds nothing."""
        disk = lived(is_closed=True)
        disk.put(segment(12), disk.files()[segment(2)])
        done, records = repaired(disk)

        assert records_in(STORE, lived(is_closed=True)) != []
        assert (13, 0) == (len(records), done.missing)
        assert any("where one above" in one.why for one in done.told)

    def test_what_is_no_file(self) -> None:
        """Something else in the place of a segment is told; the others are kept."""
        disk = lived(is_closed=True)
        before = records_in(STORE, disk)
        disk.remove(segment(6))
        disk.put(segment(6), kind=Kind.OTHER)
        done, records = repaired(disk)

        assert kept_of(before, {6, 7, 8}) == without_places(records)
        assert 3 == done.missing
        assert "expected a regular file" in done.told[0].why


class TestWitnesses:
    def test_the_last_ones(self) -> None:
        """Records that are gone from the end are missed, if an index file or a mark tells."""
        disk = lived(is_closed=False, has_index=True)
        trio.run(_write_an_index, disk)
        index = {path: c for path, c in disk.files().items() if path.startswith(INDEX)}
        last = max(path for path in disk.files() if path.endswith(".jsonl"))
        content = disk.files()[last]
        lines = content.splitlines(keepends=True)
        before = records_in(STORE, disk)
        disk.put(last, lines[0])
        done, records = repaired(disk)

        assert index
        assert len(before) - len(records) == done.missing + done.left_out
        assert done.missing > 0
        assert not done.is_whole

    def test_bytes_at_the_end(self) -> None:
        """A last line that cannot be read may have been a record: it counts as missing."""
        disk = lived(is_closed=False)
        path, at = place_of(disk, 10)
        spoil(disk, path, at + 150)
        done, records = repaired(disk)

        assert (9 - 0, 1) == (len(records), done.missing) or done.left_out

    def test_changed_with_a_right_checksum(self) -> None:
        """A record that somebody changed knowingly is found by its commit, and not believed."""
        disk = lived(is_closed=True)
        before = records_in(STORE, disk)
        rewritten(disk, 6, b'"cents":', b'"cents":9')
        done, records = repaired(disk)

        assert kept_of(before, {6}) == without_places(records)
        assert 1 == done.missing
        assert "somebody has changed" in done.told[0].why

    def test_swapped_lines(self) -> None:
        """Lines in another order are no store: the one that comes too late is left out."""
        disk = lived(is_closed=True)
        path, at = place_of(disk, 2)
        content = disk.files()[path]
        lines = content.splitlines(keepends=True)
        k = content[:at].count(b"\n")
        lines[k], lines[k + 3] = lines[k + 3], lines[k]
        disk.put(path, b"".join(lines))
        done, records = repaired(disk)

        assert kept_of(records_in(STORE, lived(is_closed=True)), set(range(2, 6))) is not None
        assert done.left_out or done.missing
        assert len(records) < 13

    @pytest.mark.parametrize("old", [b'"id":"0', b'"at":"2026', b'"sequence":1'])
    def test_what_no_journal_writes(self, old: bytes) -> None:
        """A line with a right checksum that no journal would write is not believed."""
        new = {b'"id":"0': b'"id":"', b'"at":"2026': b'"at":"26', b'"sequence":1': b'"sequence":0'}
        disk = lived(is_closed=True)
        rewritten(disk, 1, old, new[old])
        done, records = repaired(disk)

        assert kept_of(records_in(STORE, lived(is_closed=True)), {1}) == without_places(records)
        assert 1 == done.missing


async def _write_an_index(disk: FaultyDisk) -> None:
    """Write on, with an index file for each commit."""
    async with writing(disk, piece_bytes=1) as store:
        for number in range(20, 24):
            await store.commit(a_draft("lot-3", number))


class TestReading:
    def test_bad_blocks(self) -> None:
        """Where the disk gives an error, what lies around it is read, and the block is told."""
        disk = lived(is_closed=True)
        before = records_in(STORE, disk)
        path, at = place_of(disk, 7)
        bad = _Failing(disk, path, at + 20)
        done = repair(STORE, TARGET, disk=bad, segment_bytes_max=SEGMENT_BYTES_MAX)  # type: ignore[arg-type]
        records = records_in(TARGET, disk)

        assert kept_of(before, set(range(6, 9))) == without_places(records)
        assert any("an error: Input/output error" in damage.found for damage in done.damage)

    def test_a_bad_block_at_the_end_is_not_torn(self) -> None:
        """A tail that cannot be read was not left by a crash: it is told, and counts."""
        disk = lived(is_closed=False)
        path, at = place_of(disk, 10)
        bad = _Failing(disk, path, at + 20, block_bytes=at)
        done = repair(STORE, TARGET, disk=bad)  # type: ignore[arg-type]

        assert done.missing
        assert done.file is not None

    def test_a_long_stretch_without_a_newline(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """What is too long to be a line is passed by in pieces."""
        monkeypatch.setattr("atomic_store.safekeeping.repairing.LINE_BYTES_MAX", 500)
        monkeypatch.setattr("atomic_store.safekeeping.repairing.CHUNK_BYTES", 100)
        disk = lived(is_closed=True)
        path, at = place_of(disk, 7)
        content = disk.files()[path]
        disk.put(path, content[:at] + b"y" * 2_000 + b"\n" + content[at:])
        done, records = repaired(disk)

        assert (13, 0) == (len(records), done.missing)
        assert len(done.told) > 2


class _Failing:
    """A disk on which one place of one file cannot be read."""

    def __init__(self, disk: FaultyDisk, path: str, at: int, block_bytes: int = 0) -> None:
        self.disk, self.path, self.at = disk, path, at
        self.begin = block_bytes

    def __getattr__(self, name: str) -> object:
        return getattr(self.disk, name)

    def pread(self, file: int, size: int, offset: int) -> bytes:
        """Read, but not across the bad place."""
        if self.disk._open[file][1] == self.path and offset <= self.at < offset + size:
            raise OSError(errno.EIO, "Input/output error")
        return self.disk.pread(file, size, offset)


class TestIdentity:
    def test_without_store_json(self) -> None:
        """Whose store it is, headers tell as well; if nothing does, it gets a new id."""
        disk = lived(is_closed=True)
        store = read_identity(disk, STORE).store
        for content in (b"{}\n", None):
            if content is None:
                disk.remove(f"{STORE}/store.json")
            else:
                disk.put(f"{STORE}/store.json", content)
            done, records = repaired(disk)

            assert (store, 13) == (done.store, len(records))
        for name in NAMES:
            spoil(disk, segment(name), 5)
        done, records = repaired(disk)

        assert 13 == len(records)
        assert store != done.store
        assert ("Nothing tells the store's id: it has a new one.",) == done.notes[-1:]

    def test_a_backup(self) -> None:
        """A damaged backup is repaired like a store, and is one then."""
        disk = lived(is_closed=True)
        backup(STORE, "/b", disk=disk)
        spoil(disk, segment(6).replace(STORE, "/b"), 600)
        done = repair("/b", TARGET, disk=disk)

        assert not read_identity(disk, TARGET).backup
        assert done.missing == 1

    def test_a_later_format(self) -> None:
        """A store, or a segment, of a later format is not repaired."""
        disk = lived(is_closed=True)
        body = disk.files()[segment(6)].partition(b"\n")[0][: -len(',"crc":"00000000"}')]
        later = with_crc(body.replace(b'"format":1', b'"format":2'))
        disk.put(segment(6), later + disk.files()[segment(6)].partition(b"\n")[2])
        with pytest.raises(NotAStore, match="is of format 2"):
            repair(STORE, TARGET, disk=disk)
        disk.put(f"{STORE}/store.json", store_line(StoreLine(2, "x", "y", "z")))
        with pytest.raises(NotAStore):
            repair(STORE, TARGET, disk=disk)

    def test_no_journal(self) -> None:
        """Where there is nothing to be repaired, nothing is made."""
        disk = lived(is_closed=True)
        disk.remove(f"{STORE}/journal")
        with pytest.raises(JournalCorrupt):
            repair(STORE, TARGET, disk=disk)

        assert disk.kind(TARGET) is Kind.NOTHING


class TestRefusals:
    def test_a_live_writer(self) -> None:
        """A store that is open for writing is refused, with who has it; the lock is not touched."""
        disk = lived(is_closed=True)
        lock = disk.open(f"{STORE}/lock", Access.LOCK)
        assert disk.lock(lock)
        before = disk.files()
        with pytest.raises(StoreLocked, match=r"/shop.store/lock is locked by this process"):
            repair(STORE, TARGET, disk=disk)
        assert before == disk.files()
        disk.close(lock)
        repair(STORE, TARGET, disk=disk)

        assert before == {p: c for p, c in disk.files().items() if not p.startswith(TARGET)}
        # It is free again.
        assert 13 == len(open_again(disk)[0])

    def test_without_a_lock_file(self) -> None:
        """A copy of a store that has no lock file is repaired, and does not get one."""
        disk = lived(is_closed=True)
        disk.remove(f"{STORE}/lock")
        repair(STORE, TARGET, disk=disk)

        assert f"{STORE}/lock" not in disk.files()

    def test_a_lock_that_is_no_file(self) -> None:
        """Something else in the place of the lock is told."""
        disk = lived(is_closed=True)
        disk.put(f"{STORE}/lock", kind=Kind.OTHER)
        with pytest.raises(JournalCorrupt, match="expected a regular file"):
            repair(STORE, TARGET, disk=disk)

    def test_targets(self) -> None:
        """The target is a new directory, outside of the source."""
        disk = lived(is_closed=True)
        disk.put("/taken/file")
        for target in ("/taken", STORE, f"{STORE}/repaired"):
            with pytest.raises(TargetRefused):
                repair(STORE, target, disk=disk)

    def test_too_much_damage_to_tell(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """However much damage there is, all of it is in the file; nothing is taken for torn."""
        for name in ("repairing.DAMAGE_MAX", "repairing.TOLD_MAX"):
            monkeypatch.setattr(f"atomic_store.safekeeping.{name}", 1)
        monkeypatch.setattr("atomic_store.journal.verify.DAMAGE_MAX", 1)
        disk = lived(is_closed=False)
        disk.put(LAST, disk.files()[LAST][:-30])
        path, at = place_of(disk, 1)
        spoil(disk, path, at + 150)
        done, _ = repaired(disk)

        assert 1 == len(done.told)
        assert done.file is not None
        assert disk.files()[done.file].count(b"\n") > 5

"""Repairing a damaged store: what is kept can be believed, and what is left out is told."""

from __future__ import annotations

from random import Random

import pytest
import trio

from atomic_store.journal.chain import Chain
from atomic_store.journal.creating import read_identity
from atomic_store.journal.disk import Kind
from atomic_store.journal.segments import header_line
from atomic_store.testing.faulty_disk import FaultyDisk
from followed_journals import records_in
from journal_files import (
    INDEX,
    LAST,
    STORE,
    a_draft,
    last_commit,
    lived,
    segment,
    writing,
)
from kept_safe import TARGET, without_places
from repaired_stores import NAMES, RECORD, kept_of, place_of, repaired, rewritten, spoil


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


def _commits(*commits: tuple[str, ...]) -> FaultyDisk:
    """A store of commits, each of one record in each of some scopes."""
    disk = FaultyDisk()

    async def main() -> None:
        async with writing(disk, segment_bytes_max=1_000_000) as store:
            for k, scopes in enumerate(commits):
                await store.commit(*(a_draft(scope, 10 * k + i) for i, scope in enumerate(scopes)))

    trio.run(main)
    return disk


class TestWitnesses:
    def test_a_changed_one_behind_a_bad_one(self) -> None:
        """What a commit lost does not hide that somebody has changed the next one."""
        disk = _commits(("a", "b", "c"), ("d",), ("e",))
        path, at = place_of(disk, 1)
        spoil(disk, path, at + 150)
        rewritten(disk, 4, b'"cents":', b'"cents":9')
        done, records = repaired(disk)

        assert ["b", "c", "e"] == [record.scope for record in records]
        assert (2, 0, 2) == (done.missing, done.left_out, done.unknown)

    def test_a_later_line_in_an_earlier_place(self) -> None:
        """A line from further on, in the place of another, does not make those behind it late."""
        disk = _commits(("a", "b", "c"), ("d", "e", "f"))
        path, _ = place_of(disk, 1)
        lines = disk.files()[path].splitlines(keepends=True)
        lines[1] = lines[4]
        disk.put(path, b"".join(lines))
        done, records = repaired(disk)

        assert ["b", "c", "d", "e", "f"] == [record.scope for record in records]
        assert (1, 1) == (done.missing, done.unknown)

    def test_a_header_in_the_middle(self) -> None:
        """A header that stands where none belongs is no record, and no record is lost by it."""
        disk = _commits(("a",), ("a",), ("b",))
        path, at = place_of(disk, 2)
        content = disk.files()[path]
        header = content.partition(b"\n")[0] + b"\n"
        disk.put(path, content[:at] + header + content[at:])
        done, records = repaired(disk)

        assert (3, True) == (len(records), done.is_whole)
        assert "a segment's header first, and only there" in done.told[0].why

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

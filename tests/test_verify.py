"""Checking a whole store, and reading one, without its lock."""

from __future__ import annotations

import pytest
import trio

from atomic_store.errors import JournalCorrupt
from atomic_store.journal import Head
from atomic_store.journal.disk import Kind
from atomic_store.journal.line import first_value, with_crc
from atomic_store.journal.verify import DAMAGE_MAX, Verification, verify
from atomic_store.testing.faulty_disk import FaultyDisk
from followed_journals import Looker, records_in
from journal_files import (
    JOURNAL,
    STORE,
    a_draft,
    lived,
    moving,
    open_again,
    segment,
    wrapped,
    writing,
)


def changed(path: str, old: bytes, new: bytes, *, is_closed: bool = True) -> FaultyDisk:
    """A small store in which some bytes were replaced."""
    disk = lived(is_closed=is_closed)
    content = disk.files()[path]
    assert 1 == content.count(old)
    disk.put(path, content.replace(old, new))
    return disk


def damage_of(disk: FaultyDisk) -> list[tuple[str, str, str]]:
    """What `verify` finds: file, expected, found."""
    found = verify(STORE, disk=disk).damage
    return [(damage.path, damage.expected, damage.found) for damage in found]


def lines_of(disk: FaultyDisk, path: str) -> list[bytes]:
    """A file's lines, with their newlines."""
    return disk.files()[path].splitlines(keepends=True)


def rewritten(disk: FaultyDisk, path: str, place: int, old: bytes, new: bytes) -> None:
    """Change a line and put right checksums on it, as somebody who knows the format would."""
    lines = lines_of(disk, path)
    body = lines[place][: -len(',"crc":"00000000"}\n')].replace(old, new)
    lines[place] = with_crc(body)
    disk.put(path, b"".join(lines))


class TestSound:
    def test_closed(self) -> None:
        """A store that was closed has nothing to note; its head is what opening gives."""
        disk = lived(is_closed=True)
        progress: list[tuple[int, int]] = []
        found = verify(STORE, disk=disk, on_progress=lambda *read: progress.append(read))
        value = lines_of(disk, segment(11))[-1][-52:-20].decode()

        assert Verification(13, 5, 3, 5000, Head(13, value), (), ()) == found
        assert (5000, 5000) == progress[-1]

    def test_torn(self) -> None:
        """An unfinished commit at the end is a note; so is a missing newline."""
        disk = lived(is_closed=False)
        content = disk.files()[segment(8)]
        disk.put(segment(8), content[:-100])
        found = verify(STORE, disk=disk)

        assert (7, ()) == (found.records, found.damage)
        assert "of a commit that is not finished." in found.notes[0]

        disk.put(segment(8), content[:-1])
        found = verify(STORE, disk=disk)

        assert (10, ()) == (found.records, found.damage)
        assert (f"{segment(8)} lacks its last newline.",) == found.notes

    async def test_beside_a_writer(self) -> None:
        """Beside a live writer, also one that cuts, nothing is taken for damage."""
        disk = FaultyDisk()
        async with writing(disk) as store:
            for number in range(1, 40):
                await store.commit(a_draft(f"lot-{number % 3}", number, events=1 + number % 2))
                found = verify(STORE, disk=disk)

                assert (store.journal.head, ()) == (found.head, found.damage)
                assert store.appended == records_in(STORE, disk)

    def test_writer_moves_on_meanwhile(self) -> None:
        """A cut, or a torn tail that gives way, while it is read is no damage."""
        before = lived(is_closed=True)
        whole = before.files()[segment(6)]
        before.put(segment(6), whole[: whole.index(b'{"cut"')])

        assert () == verify(STORE, disk=moving(before, segment(6), whole, 2)).damage
        disk = moving(before, segment(6), whole, 1)
        assert 13 == len(records_in(STORE, disk))

    def test_new_segment_meanwhile(self) -> None:
        """What came after the segments were listed is read by the next look, and not missed."""
        disk = lived(is_closed=True)
        listed = [name for name in disk.list_directory(JOURNAL) if name != segment(11)[-26:]]

        def list_directory(path: str) -> list[str]:
            return listed if path == JOURNAL else disk.list_directory(path)

        older = wrapped(disk, list_directory=list_directory)

        assert (10, ()) == ((found := verify(STORE, disk=older)).records, found.damage)
        looker = Looker.at(older)
        assert 10 == len(looker.seen)
        looker.look()
        assert records_in(STORE, disk) == looker.seen
        assert 13 == len(looker.seen)

    def test_shrinking(self) -> None:
        """A file that is shorter than it was a moment ago is read as far as it goes."""
        disk = lived(is_closed=True)
        longer = wrapped(disk, size=lambda file: disk.size(file) + 10)

        assert () == verify(STORE, disk=longer).damage

    def test_small_chunks(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Whatever the size of the pieces that are read, the same is found."""
        monkeypatch.setattr("atomic_store.journal.segment_reader.CHUNK_BYTES", 100)
        disk = lived(is_closed=False)
        assert 10 == len(open_again(disk.copy())[0])
        content = disk.files()[segment(8)]
        disk.put(segment(8), content[:-500] + bytes(500))
        assert (7, ()) == ((found := verify(STORE, disk=disk)).records, found.damage)
        assert 7 == len(open_again(disk.copy())[0])
        disk.put(segment(8), content[:-400] + b"x" + content[-399:])
        assert [segment(8)] == [path for path, _, _ in damage_of(disk)]


class TestFound:
    def test_one_bad_line(self) -> None:
        """One bad line is one finding, with its place; everything else is still counted."""
        disk = changed(segment(6), b'"cents":500', b'"cents":501')
        found = verify(STORE, disk=disk)
        content = disk.files()[segment(6)]
        offset = content.index(b'{"position":7')

        assert [(segment(6), offset, 3)] == [(d.path, d.offset, d.line) for d in found.damage]
        assert (12, 13) == (found.records, found.head.position)
        assert str(found.damage[0]).startswith(f"{segment(6)}, offset {offset}, line 3: expected")

    def test_bad_lines_of_all_kinds(self) -> None:
        """A bad header, record inside a decision, last record, cut or close line: one finding."""
        for first, at in ((1, 0), (2, 1), (2, 2), (2, 4), (6, 3), (6, 4), (11, 0), (11, 4)):
            path = segment(first)
            disk = lived(is_closed=True)
            lines = lines_of(disk, path)
            lines[at] = lines[at].replace(b":", b";", 1)
            disk.put(path, b"".join(lines))
            found = verify(STORE, disk=disk)

            assert [(path, at + 1)] == [(d.path, d.line) for d in found.damage]
            assert 13 == found.head.position

    def test_several(self) -> None:
        """Damage in several places is found in all of them."""
        disk = lived(is_closed=True)
        for first in (1, 6, 11):
            content = disk.files()[segment(first)]
            disk.put(segment(first), content.replace(b'"type":"Bid"', b'"type":"Bit"', 1))
        disk.put(f"{STORE}/store.json", b"x")

        assert [f"{STORE}/store.json", segment(1), segment(6), segment(11)] == [
            path for path, _, _ in damage_of(disk)
        ]

    def test_missing_record(self) -> None:
        """A record that is missing is found by the next one's position."""
        disk = lived(is_closed=True)
        lines = lines_of(disk, segment(6))
        disk.put(segment(6), b"".join(lines[:2] + lines[3:]))

        assert [(segment(6), "position 7", "position 8")] == damage_of(disk)

    def test_doubled_record(self) -> None:
        """A record that is there twice is found."""
        disk = lived(is_closed=True)
        lines = lines_of(disk, segment(6))
        disk.put(segment(6), b"".join((*lines[:3], lines[2], *lines[3:])))

        assert (segment(6), "position 8", "position 7") == damage_of(disk)[0]

    def test_missing_segment(self) -> None:
        """A segment that is missing is named; so is one at the end, by the cut line."""
        disk = lived(is_closed=True)
        disk.remove(segment(6))
        assert (segment(6), "a segment of this name", f"the next is {segment(9)[-26:]}") == (
            damage_of(disk)[0]
        )
        disk = lived(is_closed=True)
        disk.remove(segment(11))
        assert [(segment(11), f"a segment that {segment(9)[-26:]} names", "no file")] == (
            damage_of(disk)
        )
        with pytest.raises(JournalCorrupt, match="found no file"):
            records_in(STORE, disk)

    def test_doubled_segment(self) -> None:
        """A segment that is there twice, under another name, is found."""
        disk = lived(is_closed=True)
        disk.put(segment(8), disk.files()[segment(6)])

        assert segment(8) in [path for path, _, _ in damage_of(disk)]

    def test_foreign(self) -> None:
        """A segment of another store, or a store.json of another, is found."""
        disk = lived(is_closed=True)
        disk.put(segment(6), lived(is_closed=True).files()[segment(6)])
        assert damage_of(disk)[0][1].startswith("a header with store ")

        disk = lived(is_closed=True)
        disk.put(f"{STORE}/store.json", lived(is_closed=True).files()[f"{STORE}/store.json"])
        assert segment(1) == damage_of(disk)[0][0]

    def test_uncut(self) -> None:
        """A segment that lacks its cut line is found, also when it is read."""
        disk = lived(is_closed=True)
        content = disk.files()[segment(6)]
        disk.put(segment(6), content[: content.index(b'{"cut"')])

        assert [(segment(6), f"a cut line that names {segment(9)[-26:]}", "the file's end")] == (
            damage_of(disk)
        )
        with pytest.raises(JournalCorrupt, match="expected a cut line"):
            records_in(STORE, disk)

    @pytest.mark.parametrize(
        ("path", "place", "old", "new", "expected"),
        [
            (segment(1), 1, b'"cents":100', b'"cents":999', "commit value"),
            (segment(6), 1, b'{"position":6', b'{"position":7', "position 6"),
            (segment(6), 1, b'"sequence":2', b'"sequence":9', "sequence 2 of scope 'lot-1'"),
            (segment(6), 1, b'"at":"2026', b'"at":"1926', "a time not before 2026"),
            (segment(6), 1, b'"at":"2026', b'"at":"12026', "a time not before 2026"),
            (segment(6), 1, b'"id":"0', b'"id":"', "an id of 36 characters"),
            (segment(6), 1, b'"data"', b'"v":0,"data"', "a version above 0"),
            (segment(6), 1, b'"data"', b'"v":1,"data"', "a record as the journal writes it"),
            (segment(6), 1, b'"data"', b'"x":1,"data"', "a record"),
            (segment(6), 1, b'"data":', b'"data": ', "a record as the journal writes it"),
            (segment(6), 1, b'"type":"B', b'"type":"\\u0042', "a record as the journal writes it"),
            (segment(6), 1, b'"type":"B', b'"type":"\xff', "a record"),
            (segment(2), 1, b"[1,3]", b"[2,3]", "the first record of a decision"),
            (segment(2), 2, b"[2,3]", b"[3,3]", "record 2 of 3 of proposal"),
            (segment(2), 2, b"[2,3]", b"[2,4]", "record 2 of 3 of proposal"),
            (segment(2), 2, b"0002", b"0005", "record 2 of 3 of proposal"),
            (segment(2), 3, b'"part":[3,3],', b"", "record 3 of 3 of proposal"),
            (segment(11), 4, b'{"close":13', b'{"close":12', "a close line at position 13"),
            (segment(11), 4, b'"at":"2026', b'"at":"1926', "a close line at position 13"),
            (segment(11), 4, b"close", b"clos", "a header, cut or close line"),
            (segment(11), 4, b"close", b"done", "a record, header, cut or close line"),
            (segment(11), 4, b'":13', b'": 13', "a line as the journal writes it"),
            (segment(1), 0, b'"store":"', b'"store":"0', "a header with store"),
            (segment(1), 0, b'"history":"', b'"history":"0', "a header with history"),
            (segment(11), 0, b'"history":"', b'"history":"0', "a header with history"),
            (segment(11), 0, b'"first":11', b'"first":12', "a header with first 11"),
            (segment(11), 0, b'"segment":5', b'"segment":4', "a header with segment 5"),
            (segment(11), 0, b'"continues":"', b'"continues":"0', "a header with continues"),
            (segment(11), 0, b'"format":1', b'"format":"1"', "a line that names its format"),
            (segment(2), 5, b"06.jsonl", b"07.jsonl", "a cut line that names"),
            (segment(2), 5, b"06.jsonl", b"06.json", "a cut line that names a segment"),
        ],
    )  # fmt: skip
    def test_forged(self, path: str, place: int, old: bytes, new: bytes, expected: str) -> None:
        """A line that is wrong although its checksum is right is found, as what it is."""
        disk = lived(is_closed=True)
        rewritten(disk, path, place, old, new)
        found = verify(STORE, disk=disk).damage[0]

        assert path == found.path
        assert expected in found.expected
        with pytest.raises(JournalCorrupt):
            open_again(disk)

    def test_without_commit_value(self) -> None:
        """A close line without a commit value is found."""
        disk = lived(is_closed=True)
        lines = lines_of(disk, segment(11))
        lines[-1] = with_crc(lines[-1][: lines[-1].index(b',"commit"')])
        disk.put(segment(11), b"".join(lines))

        assert [(segment(11), "a commit value", "none")] == damage_of(disk)

    def test_inside_a_decision(self) -> None:
        """A commit that ends in the middle of a decision is found."""
        disk = lived(is_closed=True)
        lines = lines_of(disk, segment(2))
        lines[1] = with_crc(lines[1][:-19] + b',"commit":"%b"' % (b"0" * 32))
        disk.put(segment(2), b"".join(lines))

        assert (segment(2), "the first record of a decision") == damage_of(disk)[0][:2]

    def test_misplaced_marks(self) -> None:
        """A header, cut or close line in a wrong place is found."""
        disk = lived(is_closed=True)
        lines = lines_of(disk, segment(11))
        for changed_lines, expected in (
            ([lines[1], *lines[2:]], "a segment's header"),
            ([lines[0], lines[0], *lines[1:]], "a record, cut or close line"),
            ([*lines[:2], lines[4], *lines[2:]], "the commit's next record"),
        ):
            disk.put(segment(11), b"".join(changed_lines))
            assert expected == damage_of(disk)[0][1]

        disk = lived(is_closed=True)
        lines = lines_of(disk, segment(6))
        for behind in (lines[-1], lines[1], b"x"):
            disk.put(segment(6), b"".join((*lines, behind)))
            assert segment(6) == damage_of(disk)[0][0]

    def test_ids_twice(self) -> None:
        """An id that one scope has twice is found; the same id in another scope is not."""
        disk = FaultyDisk()

        async def main() -> None:
            async with writing(disk) as store:
                for _ in range(3):
                    await store.commit(a_draft("lot-1", 1, events=2), a_draft("lot-2", 2))
                    await store.commit(a_draft("lot-3", 2))

        trio.run(main)
        found = damage_of(disk)

        assert 6 == len(found)
        assert found[0][1].startswith("no second proposal 00000000-0000-7000-0000-")
        assert "it is there again, at position 5" == found[0][2]

    def test_files_of_other_kinds(self) -> None:
        """What is no segment among them, or no file, is found; the rest is still checked."""
        disk = lived(is_closed=True)
        disk.put(f"{JOURNAL}/notes.txt")
        disk.put(segment(9), kind=Kind.OTHER)
        found = damage_of(disk)

        assert (f"{JOURNAL}/notes.txt", "segments only", "this file") == found[0]
        assert (segment(9), "a regular file", Kind.OTHER.value) == found[1]
        assert segment(9) == found[2][0]

    def test_nothing_left(self) -> None:
        """A store of which nothing is left but its name is damaged."""
        disk = lived(is_closed=True)
        for first in (1, 2, 6, 9, 11):
            disk.remove(segment(first))
        assert [(segment(1), "a segment", "no file")] == damage_of(disk)
        disk.put(segment(1))
        disk.put(f"{STORE}/store.json")
        found = verify(STORE, disk=disk)

        assert [f"{STORE}/store.json", segment(1)] == [d.path for d in found.damage]
        assert Head(0, first_value("")) == found.head

    def test_no_store_json(self) -> None:
        """Without its store.json a store is damaged, and still checked."""
        disk = lived(is_closed=True)
        disk.remove(f"{STORE}/store.json")

        assert [(f"{STORE}/store.json", "the store's line", "no file")] == damage_of(disk)

    def test_ids_from_the_headers(self) -> None:
        """Without a store.json the headers say whose store it is: only that is damage."""
        disk = lived(is_closed=True)
        lines = lines_of(disk, segment(1))
        disk.put(segment(1), b"x" + b"".join(lines))
        disk.put(segment(2), b"".join(lines_of(disk, segment(2))[1:]))
        disk.put(f"{STORE}/store.json", b"{}\n")

        assert [f"{STORE}/store.json", segment(1), segment(2)] == [
            path for path, _, _ in damage_of(disk)
        ]

    def test_too_much(self) -> None:
        """After a thousand findings it is enough."""
        disk = lived(is_closed=True)
        disk.put(segment(6), b"x\n" * 2000)
        found = verify(STORE, disk=disk)

        assert DAMAGE_MAX == len(found.damage)
        assert "There is more damage" in found.notes[0]

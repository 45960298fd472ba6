"""Opening a file journal: what is torn, what is damage, what is finished, what is refused."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import trio

from atomic_store.errors import JournalCorrupt, JournalFailed, NotAStore, StoreLocked
from atomic_store.journal import Head, Recovery
from atomic_store.journal.disk import Access, Kind
from atomic_store.journal.file import open_file_journal
from atomic_store.journal.line import StoreLine, store_line, with_crc
from atomic_store.journal.verify import verify
from atomic_store.testing.faulty_disk import FaultyDisk
from journal_files import (
    JOURNAL,
    STORE,
    a_draft,
    lived,
    only_open,
    open_again,
    segment,
    writing,
)

LAST = segment(8)
"""The last segment of the store that was killed."""


def with_file(disk: FaultyDisk, path: str, content: bytes) -> FaultyDisk:
    """A copy of a disk, with other bytes in one file."""
    changed = disk.copy()
    changed.put(path, content)
    return changed


def last_commit(content: bytes) -> int:
    """Where the last commit of a segment begins."""
    lines = content.splitlines(keepends=True)
    end = len(content) - len(lines.pop())
    while b',"commit":"' not in lines[-1]:
        end -= len(lines.pop())
    return end


def opened(disk: FaultyDisk) -> Recovery:
    """Open and close the store; give what opening found."""
    return open_again(disk)[1].recovery


def refusal(disk: FaultyDisk) -> JournalCorrupt:
    """Try to open the store; give why it was refused, when nothing was changed."""
    before = disk.files()
    with pytest.raises(JournalCorrupt) as refused:
        only_open(disk)
    after = disk.files()
    before.pop(f"{STORE}/lock", None)
    after.pop(f"{STORE}/lock", None)

    assert before == after
    return refused.value


class TestTorn:
    def test_every_offset(self) -> None:
        """The last commit, cut off at any byte, is torn: cut off, kept aside, reported."""
        disk = lived(is_closed=False)
        content = disk.files()[LAST]
        begin = last_commit(content)
        whole, _ = open_again(disk.copy())
        before = [record for record in whole if record.position < 8]

        for end in range(begin + 1, len(content) - 1):
            cut = with_file(disk, LAST, content[:end])
            records, journal = open_again(cut)
            kept = f"{JOURNAL}/.torn-{LAST[-26:]}-{begin}"

            assert (end, before) == (end, records)
            assert end - begin == journal.recovery.torn_bytes
            assert kept == journal.recovery.torn_kept
            assert content[begin:end] == cut.files()[kept]
            assert not journal.recovery.was_closed
            assert not verify(STORE, disk=cut).damage

    def test_clean_cut(self) -> None:
        """A commit that is missing as a whole needs a witness: without one, nothing is seen."""
        disk = lived(is_closed=False)
        content = disk.files()[LAST]
        recovery = opened(with_file(disk, LAST, content[: last_commit(content)]))

        assert (7, 0) == (recovery.records, recovery.torn_bytes)

    def test_newline_alone(self) -> None:
        """A commit that lacks only its newline is kept, and completed."""
        disk = lived(is_closed=False)
        content = disk.files()[LAST]
        cut = with_file(disk, LAST, content[:-1])
        records, journal = open_again(cut)

        assert [10] == [record.position for record in records[-1:]]
        assert ("The last commit was whole but for its newline, which was added.",) == (
            journal.recovery.notes
        )
        assert cut.files()[LAST].startswith(content)

    def test_close_line(self) -> None:
        """A close line that is cut off is torn: the store was not closed."""
        disk = lived(is_closed=True)
        path = segment(11)
        content = disk.files()[path]
        for end in range(last_commit(content) + 1, len(content) - 1):
            recovery = opened(with_file(disk, path, content[:end]))

            assert (13, False) == (recovery.records, recovery.was_closed)
            assert recovery.torn_bytes > 0

    def test_sectors_of_zeros(self) -> None:
        """A sector that was not written makes the last commit torn, wherever it is."""
        disk = lived(is_closed=False)
        content = disk.files()[LAST]
        begin = last_commit(content)
        for sector in range(begin // 512, (len(content) - 1) // 512 + 1):
            low, high = max(begin, sector * 512), min(len(content), sector * 512 + 512)
            hole = content[:low] + bytes(high - low) + content[high:]
            recovery = opened(with_file(disk, LAST, hole))

            assert len(content) - begin == recovery.torn_bytes

    def test_zeros_behind(self) -> None:
        """Zeros behind the last commit are torn: the file had grown, its bytes were not there."""
        disk = lived(is_closed=False)
        content = disk.files()[LAST]
        for size in (1, 511, 512, 5000):
            assert size == opened(with_file(disk, LAST, content + bytes(size))).torn_bytes

    def test_kept_aside_twice(self) -> None:
        """What was kept aside before is not overwritten."""
        disk = lived(is_closed=False)
        content = disk.files()[LAST]
        cut = with_file(disk, LAST, content[:-3])
        kept = opened(cut.copy()).torn_kept
        assert kept is not None
        cut.put(kept, b"older")
        again = opened(cut).torn_kept

        assert (f"{kept}.2", b"older") == (again, cut.files()[kept])

    def test_goes_on(self) -> None:
        """Behind a torn tail that was cut off, the next commit follows without a gap."""
        disk = lived(is_closed=False)
        cut = with_file(disk, LAST, disk.files()[LAST][:-30])

        async def main() -> None:
            async with writing(cut) as store:
                await store.commit(a_draft("lot-2", 20))

        trio.run(main)

        assert [8] == [record.position for record in open_again(cut)[0][7:]]
        assert () == verify(STORE, disk=cut).damage


class TestDamage:
    @pytest.mark.parametrize("is_closed", [True, False])
    def test_every_bit(self, is_closed: bool) -> None:
        """A flipped bit anywhere is refused as damage, located, and never taken for torn."""
        disk = lived(is_closed=is_closed)
        files = disk.files()
        del files[f"{STORE}/lock"]
        # All bits of what is most easily mistaken: the last commits, and store.json.
        for path, content in files.items():
            is_last = path in (LAST, segment(11), f"{STORE}/store.json")
            for offset in range(0, len(content), 1 if is_last else 11):
                for bit in range(8):
                    flipped = bytearray(content)
                    flipped[offset] ^= 1 << bit
                    disk.put(path, bytes(flipped))
                    with pytest.raises(JournalCorrupt) as refused:
                        only_open(disk)

                    assert path == refused.value.path
                    assert refused.value.offset <= offset
            disk.put(path, content)

    def test_zeroed_sector_inside(self) -> None:
        """A sector of zeros with later commits behind it is damage: they were acknowledged."""
        disk = lived(is_closed=True)
        content = disk.files()[segment(11)]
        begin = content.index(b'{"position":11')
        hole = content[:begin] + bytes(512) + content[begin + 512 :]

        assert segment(11) == refusal(with_file(disk, segment(11), hole)).path

    @pytest.mark.parametrize(
        ("change", "expected", "found"),
        [
            (lambda c: c + b"junk", "a record, or its beginning", "'junk'"),
            (lambda c: c + b"\n", "a line that ends in", "nothing"),
            (lambda c: c[:-1] + b"\x0b", "a record, or its beginning", '\'{"position":10'),
            (lambda c: c[:-1] + b"\r\n", "a line that ends in", "crc"),
            (lambda c: b"\xef\xbb\xbf" + c, "a line that ends in", "crc"),
            (lambda c: b"", "a segment's header, whole", "the file's end"),
            (lambda c: c[:40], "a segment's header, whole", '\'{"format":1,"store":"'),
            (lambda c: c + b'{"position":11,"sc\x01', "a record, or its beginning", "position"),
            (lambda c: c + b'{"position":11,"scope":"\xff', "a record, or its", "position"),
            (lambda c: c + b'{"position":12,"scope":"', "a record, or its", "position"),
            (lambda c: c[: c.index(b"\n") + 1] + c, "a record, cut or close line", "header"),
            (lambda c: c + b'{"x"}\n' + bytes(600), "a line that ends in", "{"),
        ],
    )
    def test_of_the_end(self, change: Callable[[bytes], bytes], expected: str, found: str) -> None:
        """What no crash leaves is damage."""
        disk = lived(is_closed=False)
        damage = refusal(with_file(disk, LAST, change(disk.files()[LAST])))

        assert LAST == damage.path
        assert expected in damage.expected
        assert found in damage.found

    def test_doubled_record(self) -> None:
        """A record that is there twice is damage, also where its checksum is right."""
        disk = lived(is_closed=False)
        content = disk.files()[LAST]
        begin = content.index(b'{"position":8')
        end = content.index(b'{"position":9')
        damage = refusal(with_file(disk, LAST, content[:end] + content[begin:end]))

        assert ("position 9", "position 8") == (damage.expected, damage.found)

    def test_missing_segments(self) -> None:
        """A segment that is missing is found: by the next one, or by the cut line before."""
        for first in (1, 5, 8):
            disk = lived(is_closed=False)
            disk.remove(segment(first))

            assert segment(first) == refusal(disk).path

    def test_doubled_segment(self) -> None:
        """A segment that is there twice is found."""
        disk = lived(is_closed=False)
        disk.put(segment(11), disk.files()[LAST])

        assert LAST == refusal(disk).path

    def test_swapped_segments(self) -> None:
        """Segments in each other's place are found."""
        disk = lived(is_closed=False)
        files = disk.files()
        disk.put(segment(5), files[LAST])
        disk.put(LAST, files[segment(5)])

        assert (segment(5), "a header with segment 2") == (
            (damage := refusal(disk)).path,
            damage.expected,
        )

    def test_foreign_segment(self) -> None:
        """A segment of another store is found."""
        disk = lived(is_closed=False)
        disk.put(LAST, lived(is_closed=False).files()[LAST])
        damage = refusal(disk)

        assert LAST == damage.path
        assert damage.expected.startswith("a header with store ")

    def test_uncut_segment(self) -> None:
        """A segment without its cut line is damage if the next one has records."""
        disk = lived(is_closed=False)
        content = disk.files()[segment(5)]
        for end in (content.index(b'{"cut"'), len(content) - 1):
            damage = refusal(with_file(disk, segment(5), content[:end]))

            assert segment(5) == damage.path
            assert f"a cut line that names {LAST[-26:]}" == damage.expected

    def test_something_behind_a_cut(self) -> None:
        """Nothing may follow a cut line."""
        disk = lived(is_closed=False)
        content = disk.files()[segment(5)]
        more = content[content.index(b'{"position":7') : content.index(b'{"cut"')]
        for behind in (more, b"x"):
            damage = refusal(with_file(disk, segment(5), content + behind))

            assert segment(5) == damage.path

    @pytest.mark.parametrize("kind", [Kind.DIRECTORY, Kind.LINK, Kind.OTHER])
    @pytest.mark.parametrize("path", [LAST, f"{STORE}/store.json", f"{STORE}/lock"])
    def test_no_file(self, path: str, kind: Kind) -> None:
        """Something else in the place of a file is damage."""
        disk = lived(is_closed=False)
        disk.put(path, kind=kind)
        with pytest.raises(JournalCorrupt) as refused:
            only_open(disk)

        assert (path, "a regular file", kind.value) == (
            refused.value.path,
            refused.value.expected,
            refused.value.found,
        )

    def test_no_journal(self) -> None:
        """A store without journal/, without segments or with strange files is damaged."""
        disk = lived(is_closed=False)
        disk.put(f"{JOURNAL}/notes.txt", b"hello")
        assert f"{JOURNAL}/notes.txt" == refusal(disk).path
        for first in (1, 5, 8):
            disk.remove(segment(first))
        disk.remove(f"{JOURNAL}/notes.txt")
        assert segment(1) == refusal(disk).path
        disk.remove(JOURNAL)
        assert (JOURNAL, "nothing") == ((damage := refusal(disk)).path, damage.found)

    def test_store_json_missing(self) -> None:
        """Records without a store.json are damage."""
        disk = lived(is_closed=False)
        disk.remove(f"{STORE}/store.json")

        assert f"{STORE}/store.json" == refusal(disk).path

        for first in (5, 8):
            disk.remove(segment(first))

        assert f"{STORE}/store.json" == refusal(disk).path

    def test_store_json_of_another(self) -> None:
        """A store.json that disagrees with the headers is damage."""
        disk = lived(is_closed=False)
        disk.put(f"{STORE}/store.json", lived(is_closed=False).files()[f"{STORE}/store.json"])

        assert segment(1) == refusal(disk).path


class TestIgnored:
    def test_left_over_files(self) -> None:
        """Files that begin with a dot are ignored in journal/, any are beside it; none is lost."""
        disk = lived(is_closed=False)
        others = {f"{JOURNAL}/.new-x": b"1", f"{STORE}/.new-store.json": b"2", f"{STORE}/x": b"3"}
        for path, content in others.items():
            disk.put(path, content)

        assert 10 == opened(disk).records
        assert others == {path: disk.files()[path] for path in others}


class TestTwice:
    def test_same_again(self) -> None:
        """Opening a second time finds the same as the first, and nothing to mend."""
        disk = lived(is_closed=False)
        cut = with_file(disk, LAST, disk.files()[LAST][:-30])
        first, _ = open_again(cut)
        second, journal = open_again(cut)

        assert first == second
        assert Recovery(records=7, segments=3) == journal.recovery

    def test_head(self) -> None:
        """The head of a journal that was closed is its close line's commit value."""
        disk = lived(is_closed=True)
        value = disk.files()[segment(11)].splitlines()[-1][-52:-20].decode()
        _, journal = open_again(disk)

        assert Head(13, value) != journal.head
        assert 13 == journal.head.position


class TestFuture:
    def test_store(self) -> None:
        """A store of a later format is refused as such, and not touched."""
        disk = lived(is_closed=False)
        line = store_line(StoreLine(2, "x", "y", "z"))
        disk.put(f"{STORE}/store.json", line)
        disk.remove(f"{STORE}/lock")
        with pytest.raises(NotAStore, match=r"is of format 2; this version knows format 1 only"):
            only_open(disk)

        assert f"{STORE}/lock" not in disk.files()

    def test_segment(self) -> None:
        """A segment of a later format is refused as such."""
        disk = lived(is_closed=False)
        disk.put(LAST, with_crc(b'{"format":3,"new":true') + b"more")
        with pytest.raises(NotAStore, match=r"00000000000000000008.jsonl is of format 3"):
            only_open(disk)


class TestCreating:
    def test_new(self) -> None:
        """Where there is nothing, a store is made; opened again it is an old one."""
        disk = FaultyDisk()
        _, journal = open_again(disk)

        assert Recovery(was_created=True, segments=1) == journal.recovery
        assert Recovery(segments=1) == opened(disk)

    def test_every_crash(self) -> None:
        """A crash at any step of making a store leaves one that is finished, or made anew."""
        steps = FaultyDisk()
        only_open(steps)
        for change in range(1, steps.changes + 1):
            for seed in range(6):
                disk = FaultyDisk(seed)
                disk.power_off_at(change)
                with pytest.raises(JournalFailed):
                    only_open(disk)
                left = disk.crash()
                only_open(left)

                assert 0 == opened(left).records
                assert () == verify(STORE, disk=left).damage

    def test_adopts_the_header(self) -> None:
        """A store whose making was interrupted before store.json keeps its segment's ids."""
        disk = FaultyDisk()
        only_open(disk)
        header = disk.files()[segment(1)]
        disk.remove(f"{STORE}/store.json")
        only_open(disk)

        assert header == disk.files()[segment(1)]
        assert header[12:100] == disk.files()[f"{STORE}/store.json"][12:100]

    @pytest.mark.parametrize(
        ("name", "content"),
        [
            ("notes.txt", b""),
            ("store.json", b'{"name":"a shop"}\n'),
            ("store.json", b""),
            ("lock", b"somebody else's"),
            ("journal", b""),
            ("journal/monday.md", b"dear diary"),
            (".git/config", b""),
        ],
    )
    def test_other_directories(self, name: str, content: bytes) -> None:
        """A directory that holds something else is refused, and nothing in it is touched."""
        disk = FaultyDisk()
        disk.put(f"{STORE}/{name}", content)
        with pytest.raises(NotAStore):
            only_open(disk)

        assert {f"{STORE}/{name}": content} == disk.files()

    def test_a_file(self) -> None:
        """A file where the directory should be is refused."""
        disk = FaultyDisk()
        disk.put(STORE, b"")
        with pytest.raises(NotAStore, match="found a regular file"):
            only_open(disk)

    @pytest.mark.parametrize(
        ("content", "expected"),
        [
            (b"", "a line that ends in"),
            (b"x\n", "a line that ends in"),
            (with_crc(b'{"position":1'), "a record"),
            (with_crc(b'{"cut":"x","commit":"y"'), "a segment's header"),
        ],
    )
    def test_begun_with_something_else(self, content: bytes, expected: str) -> None:
        """A first segment without store.json and without a whole header is damage."""
        disk = FaultyDisk()
        disk.put(segment(1), content)

        assert expected in refusal(disk).expected

    def test_begun_by_a_later_version(self) -> None:
        """A first segment of a later format is not finished by this version."""
        disk = FaultyDisk()
        disk.put(segment(1), with_crc(b'{"format":9,"new":true'))
        with pytest.raises(NotAStore, match="is of format 9"):
            only_open(disk)

    def test_no_parent(self) -> None:
        """Where the parent directory is missing, the error says so."""
        disk = FaultyDisk()

        async def main() -> None:
            async with open_file_journal("/no/where", disk=disk):
                raise AssertionError("it is not opened")

        with pytest.raises(JournalFailed, match=r"mkdir failed on /no/where.*make the directory"):
            trio.run(main)

    def test_name_taken_meanwhile(self) -> None:
        """A new file never takes the place of one that is there."""
        disk = FaultyDisk()
        only_open(disk)
        disk.remove(f"{STORE}/store.json")
        disk.put(f"{JOURNAL}/.new-x", b"")
        disk.put(f"{STORE}/store.json", kind=Kind.LINK)

        assert "a symbolic link" == refusal(disk).found


class TestCuts:
    def test_every_crash(self) -> None:
        """A crash anywhere in a cut is finished on opening, and loses nothing acknowledged."""
        disk = lived(is_closed=False)
        content = disk.files()[segment(5)]
        header = disk.files()[LAST][: disk.files()[LAST].index(b"\n") + 1]
        begin = content.index(b'{"cut"')
        for end in range(begin, len(content) + 1):
            cut = with_file(with_file(disk, LAST, header), segment(5), content[:end])
            notes = verify(STORE, disk=cut).notes
            recovery = opened(cut)

            assert (7, 0) == (recovery.records, recovery.torn_bytes)
            assert content == cut.files()[segment(5)]
            if end < len(content):
                assert ("The cut of the last but one segment was finished.",) == recovery.notes
                assert (f"{segment(5)} is being cut: its last line is not there yet.",) == notes

    def test_cut_line_with_a_hole(self) -> None:
        """A cut line of which a sector was not written is written again."""
        disk = lived(is_closed=False)
        content = disk.files()[segment(5)]
        header = disk.files()[LAST][: disk.files()[LAST].index(b"\n") + 1]
        begin = content.index(b'{"cut"')
        for hole in (bytes(len(content) - begin), bytes(10)):
            cut = with_file(with_file(disk, LAST, header), segment(5), content[:begin] + hole)
            opened(cut)

            assert content == cut.files()[segment(5)]


class TestLock:
    def test_second_writer(self) -> None:
        """A second writer is refused, with who holds the lock."""
        disk = FaultyDisk()

        async def main(pid: int) -> str:
            async with writing(disk):
                disk.pid = pid
                with pytest.raises(StoreLocked) as refused:
                    only_open(disk)
                return str(refused.value)

        assert "locked by this process (1), which has the store open already" in trio.run(main, 1)
        disk.running = {1, 2}
        disk.pid = 1
        assert "locked by process 1 on this host" in trio.run(main, 2)
        disk.running = {2}
        disk.pid = 1
        assert "process 1 is gone" in trio.run(main, 2)

    @pytest.mark.parametrize(
        ("content", "expected"),
        [
            (b"", "has not said who it is"),
            (b'{"pid":7,"host":"there"}', "locked by process 7 on host there"),
        ],
    )
    def test_other_holders(self, content: bytes, expected: str) -> None:
        """A holder on another host, or one that has not written its name yet, is named as such."""
        disk = lived(is_closed=True)
        disk.put(f"{STORE}/lock", content)
        assert disk.lock(disk.open(f"{STORE}/lock", Access.WRITE))
        with pytest.raises(StoreLocked, match=expected):
            only_open(disk)

    def test_without_the_right_to_write(self) -> None:
        """Who may not write is told who holds the lock or, if nobody does, what is missing."""
        disk = lived(is_closed=True)
        disk.fail("open", path="/lock", error=13)
        with pytest.raises(JournalFailed, match=r"open failed on .*/lock .Permission denied."):
            only_open(disk)
        held = disk.open(f"{STORE}/lock", Access.WRITE)
        assert disk.lock(held)
        disk.fail("open", path="/lock", error=30)
        with pytest.raises(StoreLocked):
            only_open(disk)
        disk.fail("open", path="/lock", error=13, times=2)
        with pytest.raises(JournalFailed):
            only_open(disk)

    def test_failing(self) -> None:
        """An error of the lock itself, or of writing its holder, is a failure and lets go of it."""
        disk = lived(is_closed=True)
        for operation in ("flock", "write", "ftruncate"):
            disk.fail(operation, path="/lock")
            with pytest.raises(JournalFailed, match=f"{operation} failed on {STORE}/lock"):
                only_open(disk)
        only_open(disk)

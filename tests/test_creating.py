"""Opening a file journal: what is made, finished, ignored, refused and locked."""

from __future__ import annotations

import errno
from contextlib import suppress

import pytest
import trio

from atomic_store.errors import JournalFailed, NotAStore, StoreLocked
from atomic_store.journal import Head, Recovery
from atomic_store.journal.disk import Access, Kind
from atomic_store.journal.file import open_file_journal
from atomic_store.journal.line import StoreLine, store_line, with_crc
from atomic_store.journal.opening import OpenedFiles
from atomic_store.journal.verify import verify
from atomic_store.testing.faulty_disk import FaultyDisk
from journal_files import (
    JOURNAL,
    LAST,
    STORE,
    lived,
    only_open,
    open_again,
    open_files_at,
    opened,
    refusal,
    segment,
    with_file,
    writing,
)


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
            for seed in range(30):
                disk = FaultyDisk(seed)
                disk.power_off_at(change)
                with pytest.raises(JournalFailed):
                    only_open(disk)
                left = disk.crash()
                only_open(left)

                assert 0 == opened(left).records
                assert () == verify(STORE, disk=left).damage

    def test_killed_before_the_power_goes(self) -> None:
        """A kill while a store is made, then a loss of power while it is finished: it still is."""
        steps = FaultyDisk()
        only_open(steps)
        for kill in range(1, steps.changes + 1):
            for change in range(1, steps.changes + 1):
                disk = FaultyDisk(kill * change)
                disk.power_off_at(kill)
                with pytest.raises(JournalFailed):
                    only_open(disk)
                disk.kill()
                disk.power_off_at(disk.changes + change)
                with suppress(JournalFailed):
                    only_open(disk)
                left = disk.crash()
                only_open(left)

                assert (kill, change, ()) == (kill, change, verify(STORE, disk=left).damage)

    def test_every_kill(self) -> None:
        """Killed at any step of making a store, and opened again, it outlives a loss of power."""
        steps = FaultyDisk()
        only_open(steps)
        for change in range(1, steps.changes + 1):
            for seed in range(5):
                disk = FaultyDisk(seed)
                disk.power_off_at(change)
                with pytest.raises(JournalFailed):
                    only_open(disk)
                disk.mend()
                disk.kill()
                only_open(disk)
                identity = disk.files()[f"{STORE}/store.json"]
                left = disk.crash()

                assert identity == left.files()[f"{STORE}/store.json"]
                assert not opened(left).was_created

    def test_where_its_user_may_not_look(self) -> None:
        """A directory that was made for a store may lie in one that its user may not read."""
        disk = FaultyDisk()
        disk.put(STORE, kind=Kind.DIRECTORY)
        disk.fail("fsync", error=errno.EACCES)

        assert opened(disk).was_created

    def test_name_that_cannot_be_durable(self) -> None:
        """Any other error of that, or of a directory made just now, is told."""
        for is_there, error in ((True, errno.EIO), (False, errno.EACCES)):
            disk = FaultyDisk()
            if is_there:
                disk.put(STORE, kind=Kind.DIRECTORY)
            disk.fail("fsync", error=error)
            with pytest.raises(JournalFailed, match="fsync failed on /"):
                only_open(disk)

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
            ("snapshots/holiday.jpg", b"\xff\xd8"),
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

    @pytest.mark.parametrize("is_finished", [False, True])
    def test_another_is_quicker(self, is_finished: bool, monkeypatch: pytest.MonkeyPatch) -> None:
        """Of two that make a store at the same moment one does, and the other meets its lock."""
        disk, made = FaultyDisk(), list[OpenedFiles]()
        make = FaultyDisk.mkdir

        def late(disk: FaultyDisk, path: str) -> None:
            monkeypatch.undo()
            if is_finished:
                made.append(open_files_at(disk, STORE))
            else:
                make(disk, path)
            make(disk, path)

        monkeypatch.setattr(FaultyDisk, "mkdir", late)
        if is_finished:
            with pytest.raises(StoreLocked):
                open_files_at(disk, STORE)
            made[0].close()
        else:
            open_files_at(disk, STORE).close()
        assert 0 == opened(disk).records

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

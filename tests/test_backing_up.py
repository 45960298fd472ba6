"""Backups: copies to the byte, made beside a writer, that grow and are never taken for stores."""

from __future__ import annotations

import pytest

from atomic_store.errors import (
    JournalCorrupt,
    NotAStore,
    StoreLocked,
    TargetRefused,
)
from atomic_store.journal.disk import Access, Kind
from atomic_store.safekeeping import BackedUp, backup, restore, verify
from atomic_store.testing.faulty_disk import FaultyDisk
from followed_journals import records_in
from journal_files import (
    LAST,
    SEGMENT_BYTES_MAX,
    STORE,
    a_draft,
    last_commit,
    lived,
    moving,
    only_open_at,
    segment,
    wrapped,
    writing,
)
from kept_safe import TARGET, files_of


def segments(disk: FaultyDisk, place: str) -> dict[str, bytes]:
    """A store's segments, by name."""
    journal = f"{place}/journal/"
    files = {path: content for path, content in disk.files().items() if path.startswith(journal)}
    return {path.removeprefix(journal): content for path, content in files.items()}


def before_last(disk: FaultyDisk) -> str:
    """The path of the last segment but one."""
    return f"{STORE}/journal/{sorted(segments(disk, STORE))[-2]}"


class TestCopy:
    @pytest.mark.parametrize("is_closed", [True, False])
    def test_to_the_byte(self, is_closed: bool) -> None:
        """A backup has the store's segments, its ids, and ends with the same commit value."""
        disk = lived(is_closed=is_closed)
        before = files_of(disk, STORE)
        told: list[tuple[int, int]] = []
        done = backup(STORE, TARGET, disk=disk, on_progress=lambda *read: told.append(read))
        found = verify(TARGET, disk=disk)
        size = sum(map(len, segments(disk, STORE).values()))

        assert segments(disk, STORE) == segments(disk, TARGET)
        assert before == files_of(disk, STORE)
        assert verify(STORE, disk=disk).head == found.head == done.head
        assert BackedUp(found.head, 0, found.segments, size) == done
        assert (size, size) == told[-1]

    async def test_beside_a_writer(self) -> None:
        """Beside a live writer, also one that cuts, it ends with the last closed commit."""
        disk = FaultyDisk()
        async with writing(disk) as store:
            for number in range(1, 30):
                await store.commit(a_draft(f"lot-{number % 3}", number, events=1 + number % 2))
                done = backup(STORE, TARGET, disk=disk)

                assert store.journal.head == done.head == verify(TARGET, disk=disk).head
                assert segments(disk, STORE) == segments(disk, TARGET)

    def test_torn(self) -> None:
        """What is not finished at the end is not copied; a last newline that lacks is made up."""
        disk = lived(is_closed=False)
        content = disk.files()[LAST]
        disk.put(LAST, content[:-1])
        backup(STORE, "/kept", disk=disk)
        disk.put(LAST, content[:-9])
        backup(STORE, "/torn", disk=disk)

        assert content == disk.files()[LAST.replace(STORE, "/kept")]
        assert content[: last_commit(content)] == disk.files()[LAST.replace(STORE, "/torn")]
        for place, records in (("/kept", 10), ("/torn", 7)):
            found = verify(place, disk=disk)
            assert (records, (), ()) == (found.records, found.damage, found.notes)

    def test_a_segment_that_is_being_cut(self) -> None:
        """A segment whose cut line is not there yet is copied, and gets it."""
        disk = lived(is_closed=False)
        sealed = segments(disk, STORE)
        header = disk.files()[LAST].partition(b"\n")[0] + b"\n"
        disk.put(LAST, header)
        path = before_last(disk)
        disk.put(path, disk.files()[path].partition(b'{"cut"')[0])
        backup(STORE, TARGET, disk=disk)

        assert sealed | {LAST[-26:]: header} == segments(disk, TARGET)
        assert () == verify(TARGET, disk=disk).damage

    def test_a_writer_that_moves_on_meanwhile(self) -> None:
        """What gives way to a commit, or to a cut line, while it is copied is read once more."""
        disk = lived(is_closed=False)
        for path in (LAST, before_last(disk)):
            whole = disk.files()[path]
            early = disk.copy()
            early.put(path, whole[: last_commit(whole)] + b"torn, and given up\n")
            done = backup(STORE, TARGET, disk=moving(early, path, whole, 2))

            assert 10 == done.head.position

    def test_to_every_position(self) -> None:
        """Wherever it is to end, it ends with the last commit up to there."""
        disk = lived(is_closed=True)
        lines = b"".join(segments(disk, STORE).values()).splitlines()
        closing = [x for x in lines if x.startswith(b'{"position"') and b',"commit":"' in x]
        ends = [0, *(int(line[12 : line.index(b",")]) for line in closing)]
        for to in range(14):
            done = backup(STORE, f"/{to}", to=to, disk=disk)
            found = verify(f"/{to}", disk=disk)

            assert max(end for end in ends if end <= to) == done.head.position
            assert (found.head, (), ()) == (done.head, found.damage, found.notes)
        with pytest.raises(ValueError, match="to: expected a position up to 13, where"):
            backup(STORE, TARGET, to=14, disk=disk)
        assert disk.kind(TARGET) is Kind.NOTHING

    def test_damage(self) -> None:
        """What is damaged is not backed up, and nothing is left behind."""
        disk = lived(is_closed=True)
        disk.put(segment(6), disk.files()[segment(6)].replace(b'"cents":500', b'"cents":501'))
        before = disk.files()
        with pytest.raises(JournalCorrupt) as refused:
            backup(STORE, TARGET, disk=disk)

        assert (segment(6), 3) == (refused.value.path, refused.value.line)
        assert before == disk.files()

    def test_damage_at_the_end(self) -> None:
        """Also damage in the last segment is found; a file that shrinks is read to its end."""
        disk = lived(is_closed=True)
        longer = wrapped(disk, size=lambda file: disk.size(file) + 10)
        assert 13 == backup(STORE, "/shorter", disk=longer).head.position
        disk.put(segment(11), disk.files()[segment(11)].replace(b'"cents":900', b'"cents":901'))
        with pytest.raises(JournalCorrupt, match=f"{segment(11)} is damaged at offset 240, line 2"):
            backup(STORE, TARGET, disk=disk)

    @pytest.mark.parametrize("name", [1, 6, 11])
    def test_a_missing_segment(self, name: int) -> None:
        """Where a segment is missing, the one that should be there is named."""
        disk = lived(is_closed=True)
        disk.remove(segment(name))
        with pytest.raises(JournalCorrupt) as refused:
            backup(STORE, TARGET, disk=disk)

        assert segment(name) == refused.value.path


class TestGrowing:
    def test_from_every_end_to_every_end(self) -> None:
        """Whatever it had, it gets what came since, and is then the same as a new one."""
        disk = lived(is_closed=True)
        for before in range(14):
            for to in (*range(before, 14), None):
                grown = disk.copy()
                backup(STORE, TARGET, to=before, disk=grown)
                first = verify(TARGET, disk=grown).head
                done = backup(STORE, TARGET, to=to, disk=grown)
                found = verify(TARGET, disk=grown)
                backup(STORE, "/new", to=to, disk=grown)

                assert (done.head, ()) == (found.head, found.damage)
                assert first.position == done.before
                assert verify("/new", disk=grown).head == done.head

    def test_only_the_last_segment_is_made_again(self) -> None:
        """What was backed up before is not read and not written again, but for one segment."""
        disk = lived(is_closed=True)
        backup(STORE, TARGET, to=9, disk=disk)
        disk.log.clear()
        backup(STORE, TARGET, disk=disk)

        assert not any(segment(name) in path for name in (1, 6) for _, path in disk.log)
        assert any(segment(9) in path for _, path in disk.log)

    def test_it_is_not_made_shorter(self) -> None:
        """A backup never gives up what it has."""
        disk = lived(is_closed=True)
        backup(STORE, TARGET, disk=disk)
        with pytest.raises(ValueError, match="to: expected a position from 13 on"):
            backup(STORE, TARGET, to=12, disk=disk)

    def test_a_store_that_lost_what_was_backed_up(self) -> None:
        """A backup that has commits which the store has not is left as it is."""
        disk = lived(is_closed=False)
        backup(STORE, TARGET, disk=disk)
        content = disk.files()[LAST]
        before = files_of(disk, TARGET)
        shorter, gone = disk.copy(), disk.copy()
        shorter.put(LAST, content[: last_commit(content)])
        gone.remove(LAST)
        path = f"{STORE}/journal/{max(segments(gone, STORE))}"
        gone.put(path, gone.files()[path].partition(b'{"cut"')[0])

        for changed in (shorter, gone):
            with pytest.raises(TargetRefused, match="ends at position 10 with commit"):
                backup(STORE, TARGET, disk=changed)
            assert before == files_of(changed, TARGET)

    def test_what_is_no_backup_of_it(self) -> None:
        """A store, and a backup of another history, are refused and left alone."""
        disk = lived(is_closed=True)
        restore(STORE, "/other", disk=disk)
        backup("/other", "/b", disk=disk)
        before = disk.files()
        with pytest.raises(TargetRefused, match="or a backup at /other, found a store"):
            backup(STORE, "/other", disk=disk)
        with pytest.raises(TargetRefused, match="at /b, found one of store"):
            backup(STORE, "/b", disk=disk)

        assert before == disk.files()

    @pytest.mark.parametrize("content", [b"{}\n", b'{"close":0}\n', b"no line", b"a record"])
    def test_a_damaged_backup(self, content: bytes) -> None:
        """A backup whose last segment is damaged is refused, and named."""
        disk = lived(is_closed=True)
        backup(STORE, TARGET, disk=disk)
        path = segment(11).replace(STORE, TARGET)
        lines = disk.files()[path].splitlines(keepends=True)
        disk.put(path, lines[1] if content == b"a record" else content)
        with pytest.raises(JournalCorrupt) as refused:
            backup(STORE, TARGET, disk=disk)

        assert path == refused.value.path

    def test_two_at_a_time(self) -> None:
        """Two do not bring one backup up to date at once."""
        disk = lived(is_closed=True)
        backup(STORE, TARGET, disk=disk)
        lock = disk.open(f"{TARGET}/lock", Access.LOCK)
        assert disk.lock(lock)
        with pytest.raises(StoreLocked, match="/target/lock is locked"):
            backup(STORE, TARGET, disk=disk)


class TestUse:
    def test_it_is_not_opened_for_writing(self) -> None:
        """Opening a backup for writing would fork the store's history: it is refused."""
        disk = lived(is_closed=True)
        backup(STORE, TARGET, disk=disk)
        before = disk.files()
        with pytest.raises(NotAStore, match="found a backup of one, which is only read"):
            only_open_at(disk, TARGET)

        assert before == disk.files()
        assert records_in(STORE, disk) == records_in(TARGET, disk)

    def test_a_backup_of_a_backup(self) -> None:
        """It can be backed up itself, and restored."""
        disk = lived(is_closed=True)
        backup(STORE, "/b", disk=disk)
        backup("/b", "/c", disk=disk)
        restore("/c", TARGET, disk=disk, segment_bytes_max=SEGMENT_BYTES_MAX)
        only_open_at(disk, TARGET)

        assert records_in(STORE, disk) == records_in(TARGET, disk)

    @pytest.mark.parametrize("target", [STORE, f"{STORE}/b", f"{STORE}/journal/b"])
    def test_not_into_the_store(self, target: str) -> None:
        """Nothing is made inside of what it is made from."""
        disk = lived(is_closed=True)
        before = disk.files()
        for tool in (backup, restore):
            with pytest.raises(TargetRefused, match="expected a path outside of"):
                tool(STORE, target, disk=disk)

        assert before == disk.files()

    @pytest.mark.parametrize("place", ["/nothing", "/"])
    def test_no_store(self, place: str) -> None:
        """Where there is no store, there is nothing to be backed up."""
        disk = FaultyDisk()
        disk.put("/file")
        for tool in (backup, restore):
            with pytest.raises(NotAStore):
                tool(place, TARGET, disk=disk)

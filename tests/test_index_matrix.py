"""Whatever lies in index/: opening and reading give what a store without index files gives."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from struct import pack_into
from zlib import crc32

import pytest
import trio

from atomic_store.errors import JournalCorrupt
from atomic_store.journal.disk import Kind
from atomic_store.journal.index_file import PAGE_BYTES
from atomic_store.journal.layout import index_name
from atomic_store.journal.record import StoredRecord
from atomic_store.journal.verify import verify
from atomic_store.testing.faulty_disk import FaultyDisk
from indexed_journals import (
    asked,
    check,
    compare,
    expected,
    expected_of,
    index_files,
    indexed,
    indexing,
    only_opened,
    with_index,
    write,
)
from journal_files import INDEX, STORE, a_draft, segment

CLOSED, KILLED = indexed(), indexed(is_closed=False)
FILES = index_files(CLOSED)
LAST_FIRST = max(int(path[-26:-6]) for path in CLOSED.files() if path.endswith(".jsonl"))
PIECES = sorted(path for path in FILES if "-" in path[len(INDEX) :])
WHOLES = sorted(FILES.keys() - set(PIECES))


def sealed(page: bytes) -> bytes:
    """A first page with a right checksum."""
    return page[:-4] + crc32(page[:-4]).to_bytes(4, "little")


def changed_header(content: bytes, at: int, kind: str, value: object) -> bytes:
    """The same file with something else in its first page, whose checksum is right."""
    page = bytearray(content[:PAGE_BYTES])
    pack_into(f"<{kind}", page, at, value)
    return sealed(bytes(page)) + content[PAGE_BYTES:]


class TestSound:
    def test_there_is_something_to_damage(self) -> None:
        """The store that is damaged below has whole segments and pieces behind them."""
        assert 4 == len(WHOLES)
        assert len(PIECES) >= 3
        assert 50 == len(expected()["all"])

    @pytest.mark.parametrize("disk", [CLOSED, KILLED])
    def test_used(self, disk: FaultyDisk) -> None:
        """Sound files are used: no old segment is read, nor what pieces cover."""
        disk = disk.copy()
        assert only_opened(disk.copy()).index.contents.count < 5
        content = disk.files()[segment(1)]
        half = len(content) // 2
        unread = disk.copy()
        unread.put(segment(1), content[:half] + b"?" + content[half + 1 :])
        only_opened(unread)
        check(disk, "sound")
        assert FILES == index_files(disk)

    def test_made_the_same_again(self) -> None:
        """Files that are made anew have the same bytes as those that were merged from pieces."""
        disk = with_index(CLOSED, {})
        only_opened(disk)

        assert {path: FILES[path] for path in WHOLES} == index_files(disk)


@pytest.mark.no_cover
class TestDamaged:
    @pytest.mark.parametrize("path", sorted(FILES))
    def test_missing(self, path: str) -> None:
        """Each file may be missing, alone or with all that follow."""
        check(with_index(CLOSED, {p: c for p, c in FILES.items() if p != path}), path)
        check(with_index(KILLED, {p: c for p, c in FILES.items() if p < path}), path)
        check(with_index(KILLED, {p: c for p, c in FILES.items() if p > path}), path)

    @pytest.mark.parametrize("path", sorted(FILES))
    def test_cut_off(self, path: str) -> None:
        """A file may end at any place."""
        content = FILES[path]
        borders = range(0, len(content) + 1, PAGE_BYTES)
        ends = {*range(0, len(content), 5003), *(b + k for b in borders for k in (-1, 0))}
        for end in sorted(ends):
            damaged = content[: max(end, 0)].ljust(end, b"\0")
            check(with_index(KILLED, FILES | {path: damaged}), (path, end), times=1)

    @pytest.mark.parametrize("path", [WHOLES[0], WHOLES[-1], *PIECES[:2]])
    def test_flipped(self, path: str) -> None:
        """A bit may be flipped anywhere."""
        content = FILES[path]
        offsets = {*range(0, 252, 31), *range(PAGE_BYTES, len(content), 1021)}
        for k, offset in enumerate(sorted(offsets)):
            flipped = bytearray(content)
            flipped[offset] ^= 1 << k % 8
            disk = with_index(CLOSED, FILES | {path: bytes(flipped)})
            check(disk, (path, offset), times=1)

    def test_mended(self) -> None:
        """What was damaged and is needed again is whole again on the disk."""
        path = WHOLES[1]
        disk = with_index(
            CLOSED, FILES | {path: FILES[path][:PAGE_BYTES] + b"x" + FILES[path][PAGE_BYTES + 1 :]}
        )
        check(disk, path, times=1)

        assert FILES == index_files(disk)

    @pytest.mark.parametrize("kind", [Kind.DIRECTORY, Kind.LINK, Kind.OTHER])
    @pytest.mark.parametrize("path", [WHOLES[1], PIECES[0]])
    def test_no_file(self, path: str, kind: Kind) -> None:
        """Something else may have a file's name."""
        disk = CLOSED.copy()
        disk.put(path, kind=kind)

        check(disk, (path, kind))

    @pytest.mark.parametrize("kind", [Kind.FILE, Kind.LINK, Kind.OTHER])
    def test_no_directory(self, kind: Kind) -> None:
        """Something else may be in the place of index/; it is left alone."""
        disk = with_index(CLOSED, {})
        disk.put(INDEX, b"mine", kind)
        check(disk, kind)

        assert (b"mine", kind) == (disk.files()[INDEX], disk.kind(INDEX))

    def test_left_over(self) -> None:
        """Files whose making was interrupted are passed by, and do not hinder making them."""
        disk = with_index(CLOSED, {})
        for path in (*FILES, f"{INDEX}/{index_name(LAST_FIRST + 900)}"):
            disk.put(path.replace("/0", "/.new-0"), b"half")
        check(disk, "left over")

        assert {path: FILES[path] for path in WHOLES}.items() <= index_files(disk).items()

    def test_strange_names(self) -> None:
        """Names that are no index file's are passed by, and stay."""
        strange = {f"{INDEX}/{name}": b"?" for name in ("x.idx", "1.idx", "0" * 20, "notes.txt")}
        disk = with_index(CLOSED, FILES | strange)
        check(disk, "strange names")

        assert strange.items() <= index_files(disk).items()


def swaps() -> Iterator[dict[str, bytes]]:
    """Files under each other's names."""
    paths = sorted(FILES)
    for k, one in enumerate(paths):
        for other in paths[k + 1 :]:
            yield {one: FILES[other], other: FILES[one]}
            yield {other: FILES[one]}


class TestForeign:
    @pytest.mark.parametrize("disk", [CLOSED, KILLED])
    def test_swapped(self, disk: FaultyDisk) -> None:
        """Files may have each other's names."""
        for swapped in swaps():
            check(with_index(disk, FILES | swapped), sorted(swapped), times=1)

    @pytest.mark.parametrize(("at", "what"), [(16, "store"), (32, "history")])
    def test_of_another_store(self, at: int, what: str) -> None:
        """Files of another store, or of the time before it was restored, are not used."""
        foreign = {
            path: changed_header(content, at, "16s", b"x" * 16) for path, content in FILES.items()
        }
        disk = with_index(CLOSED, foreign | {f"{INDEX}/{index_name(999)}": foreign[WHOLES[0]]})
        check(disk, what)

        assert foreign[WHOLES[0]] == disk.files()[f"{INDEX}/{index_name(999)}"]

    @pytest.mark.parametrize("path", [WHOLES[0], WHOLES[-1], PIECES[0], PIECES[-1]])
    def test_of_a_later_format(self, path: str) -> None:
        """A file of a later format is of no use."""
        later = changed_header(FILES[path], 8, "I", 2)

        check(with_index(CLOSED, FILES | {path: later}), path)

    @pytest.mark.parametrize(
        ("at", "kind", "change"),
        [(48, "Q", 1), (56, "Q", 1), (64, "Q", 1), (88, "Q", -1), (88, "Q", 1), (12, "I", 1)],
    )
    @pytest.mark.parametrize("path", [WHOLES[1], PIECES[1]])
    def test_about_something_else(self, path: str, at: int, kind: str, change: int) -> None:
        """A file that is right and about another part of the journal is not believed."""
        content = FILES[path]
        size = 8 if kind == "Q" else 4
        value = int.from_bytes(content[at : at + size], "little")
        value = value ^ 1 if kind == "I" else value + change
        disk = with_index(CLOSED, FILES | {path: changed_header(content, at, kind, value)})

        check(disk, (path, at, change))

    def test_of_a_copy_that_went_its_own_way(self) -> None:
        """Pieces of a copy of the same store are not believed, though they fit each other."""

        async def main(disk: FaultyDisk, first: int, scope: str) -> list[StoredRecord]:
            async with indexing(disk) as store:
                for number in range(first, first + 6):
                    await store.commit(a_draft(scope, number, pad=5), a_draft("both", number))
                return await store.journal.read_all(limit=100)

        start = FaultyDisk()
        trio.run(main, start, 1, "lot-1")
        one, other = start.copy(), start.copy()
        records = trio.run(main, one, 20, "lot-1")
        trio.run(main, other, 40, "lot-2")
        names = index_files(one).keys() & index_files(other).keys()
        assert len([name for name in names if "-" in name[len(INDEX) :]]) >= 2
        wrong = 0
        for name in sorted(names):
            wrong += index_files(one)[name] != index_files(other)[name]
            mixed = with_index(one, index_files(one) | {name: index_files(other)[name]})

            async def read(disk: FaultyDisk, of: str) -> None:
                async with indexing(disk) as store:
                    compare(await asked(store.journal), expected_of(records), of)

            trio.run(read, mixed, name)

        assert wrong >= 2


class TestWitnesses:
    def refused(self, disk: FaultyDisk) -> JournalCorrupt:
        before = disk.files()
        with pytest.raises(JournalCorrupt) as refused:
            only_opened(disk)
        before.pop(f"{STORE}/lock", None)
        after = disk.files()
        after.pop(f"{STORE}/lock", None)

        assert before == after
        return refused.value

    def test_records_that_are_missing(self) -> None:
        """Whole commits that are missing at the end are found if a piece knows of them."""
        disk = KILLED.copy()
        lines = disk.files()[segment(LAST_FIRST)].splitlines(keepends=True)
        known = max(int(path[-24:-4]) for path in index_files(KILLED) if path in PIECES)
        seen = 0
        while len(lines) > 1:
            lines.pop()
            if b',"commit":"' in lines[-1]:
                disk.put(segment(LAST_FIRST), b"".join(lines))
                last = lines[-1].partition(b',"scope"')[0].rpartition(b":")[2]
                if last.isdigit() and int(last) >= known + 2:
                    only_opened(disk.copy())
                else:
                    damage = self.refused(disk)
                    seen += 1
                    assert segment(LAST_FIRST) == damage.path
                    assert "records up to position" in damage.expected
                    assert "no record behind position" in damage.found

        assert seen >= 3

    def test_segments_that_are_missing(self) -> None:
        """Segments that are gone are found, also without the cut line that names the first."""
        disk = CLOSED.copy()
        disk.remove(segment(LAST_FIRST))
        before = max(int(path[-24:-4]) for path in WHOLES)
        assert segment(LAST_FIRST) == self.refused(disk).path

        content = disk.files()[segment(before)]
        disk.put(segment(before), content[: content.index(b'{"cut"')])
        assert segment(LAST_FIRST) == self.refused(disk).path

    def test_stale_pieces(self) -> None:
        """Pieces of a segment that was cut since know nothing new, and are taken away."""
        disk = KILLED.copy()

        async def go_on() -> list[StoredRecord]:
            async with indexing(disk) as store:
                await write(store, 37, 60)
                return await store.journal.read_all(limit=1000)

        records = trio.run(go_on)
        now = index_files(disk)
        assert not now.keys() & set(PIECES)
        both = with_index(disk, now | {path: FILES[path] for path in PIECES})

        async def read() -> None:
            async with indexing(both) as store:
                compare(await asked(store.journal), expected_of(records), "stale")

        trio.run(read)

        assert now == index_files(both)
        assert () == verify(STORE, disk=both).damage

    def test_unusable_ones_are_no_witnesses(self) -> None:
        """A damaged file that may have known more is passed by, and stays where it is."""
        name = f"{INDEX}/{index_name(999)}"
        disk = with_index(CLOSED, FILES | {name: FILES[WHOLES[0]][:-1]})
        check(disk, name)

        assert FILES[WHOLES[0]][:-1] == disk.files()[name]


def removed(disk: FaultyDisk) -> None:
    """Delete all of index/."""
    disk.remove(INDEX)


def each(change: Callable[[bytes], bytes]) -> Callable[[FaultyDisk], None]:
    """Put other bytes in the place of all files."""

    def damage(disk: FaultyDisk) -> None:
        for path, content in index_files(disk).items():
            disk.put(path, change(content))

    return damage


def in_place(disk: FaultyDisk) -> None:
    """Change all files where they are, also for whoever has them open."""
    for path, content in index_files(disk).items():
        file = next((f for f, opened in disk._open.items() if opened[1] == path), None)
        if file is not None:
            node = disk._open[file][0]
            node.data[:] = content[: len(content) // 2]


def swapped_around(disk: FaultyDisk) -> None:
    """Give each file the bytes of another one."""
    files = index_files(disk)
    contents = [*files.values()]
    for path, content in zip(files, contents[1:] + contents[:1], strict=True):
        disk.put(path, content)


DAMAGES: dict[str, Callable[[FaultyDisk], None]] = {
    "deleted": removed,
    "emptied": each(lambda content: b""),
    "cut off": each(lambda content: content[:-100]),
    "pages changed": each(lambda c: c[:PAGE_BYTES] + bytes(len(c) - PAGE_BYTES)),
    "of a later format": each(lambda content: changed_header(content, 8, "I", 2)),
    "of another store": each(lambda content: changed_header(content, 16, "16s", b"x" * 16)),
    "swapped": swapped_around,
    "cut in place": in_place,
}


class TestWhileOpen:
    @pytest.mark.parametrize("files_open_max", [1, 32])
    @pytest.mark.parametrize("damage", DAMAGES)
    async def test_damaged(
        self, damage: str, files_open_max: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Files that are deleted or changed while the journal is open are made anew."""
        monkeypatch.setattr("atomic_store.journal.index_store.FILES_OPEN_MAX", files_open_max)
        for has_read in (False, True):
            disk = indexed()
            async with indexing(disk) as store:
                if has_read:
                    compare(await asked(store.journal), expected(), (damage, "before"))
                DAMAGES[damage](disk)
                compare(await asked(store.journal), expected(), (damage, "after"))
                await write(store, 37, 60)
                DAMAGES[damage](disk)
                records = await store.journal.read_all(limit=1000)
                compare(await asked(store.journal), expected_of(records), (damage, "later"))
                assert store.journal._indexer.error is None

            async with indexing(disk) as store:
                compare(await asked(store.journal), expected_of(records), (damage, "reopened"))

    @pytest.mark.parametrize("damage", DAMAGES)
    async def test_appending_goes_on(self, damage: str) -> None:
        """A writer that nobody reads beside makes whole files from what is left of pieces."""
        disk = FaultyDisk()
        async with indexing(disk) as store:
            for number in range(1, 80, 4):
                await write(store, number, number + 3)
                if index_files(disk):
                    DAMAGES[damage](disk)
            assert store.journal._indexer.error is None
            assert [] == store.journal._records.memory[:-1]
            records = await store.journal.read_all(limit=1000)
            compare(await asked(store.journal), expected_of(records), damage)
            assert len(records) > 80

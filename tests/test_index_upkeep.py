"""Looking after index files by hand, also from the command line."""

from __future__ import annotations

import shutil
from itertools import pairwise
from pathlib import Path

import pytest
import trio
import trio.testing

from atomic_store.errors import JournalCorrupt, NotAStore, StoreLocked
from atomic_store.journal.disk import Kind
from atomic_store.journal.file import open_file_journal
from atomic_store.journal.index_upkeep import check_index, rebuild_index
from atomic_store.journal.verify import verify
from atomic_store.testing.faulty_disk import FaultyDisk
from command_line import called, lines_of, refusal
from journal_files import INDEX, STORE, a_draft, lived, open_again, segment, with_file, writing


def names(disk: FaultyDisk) -> list[str]:
    return sorted(path.removeprefix(f"{INDEX}/") for path in disk.files() if INDEX in path)


def test_sound_files_are_said_to_be() -> None:
    """Each file is told with what it covers; they follow each other from the first record."""
    disk = lived(is_closed=True, has_index=True)
    progress: list[tuple[int, int]] = []
    found = check_index(STORE, disk=disk, on_progress=lambda *done: progress.append(done))

    assert names(disk) == [file.name for file in found]
    assert len(found) > 2
    assert [None] * len(found) == [file.problem for file in found]
    headers = [file.header for file in found if file.header is not None]
    assert headers[0].first == 1
    for before, after in pairwise(headers):
        assert after.first == before.last + 1
    assert progress[-1] == (len(found), len(found))


@pytest.mark.parametrize("offset", [0, 20, 4095, 4096, 9000, -1])
def test_damage_is_found(offset: int) -> None:
    """A flipped bit is found in whatever page it is, and no other file is blamed."""
    disk = lived(is_closed=True, has_index=True)
    (first, *_) = names(disk)
    content = bytearray(disk.files()[f"{INDEX}/{first}"])
    content[offset] ^= 4
    found = check_index(STORE, disk=with_file(disk, f"{INDEX}/{first}", bytes(content)))

    assert [True] + [False] * (len(found) - 1) == [file.problem is not None for file in found]
    assert "page" in str(found[0].problem)
    assert found[0].header is None


def test_foreign_files_are_found() -> None:
    """A file of another store is of no use, and that is said."""
    disk, other = (lived(is_closed=True, has_index=True) for _ in range(2))
    (first, *_) = names(disk)
    disk.put(f"{INDEX}/{first}", other.files()[f"{INDEX}/{first}"])
    found = check_index(STORE, disk=disk)

    assert found[0].problem == f"{first}: it is of another store, or of another history"


def test_rebuilding_makes_the_same() -> None:
    """Made anew, the files are what they were; what is no index file stays."""
    disk = lived(is_closed=True, has_index=True)
    before = disk.files()
    disk.put(f"{INDEX}/notes.txt", b"mine")
    progress: list[tuple[int, int]] = []
    made = rebuild_index(STORE, disk=disk, on_progress=lambda *read: progress.append(read))

    assert made == len(names(disk)) - 1
    assert disk.files() == before | {f"{INDEX}/notes.txt": b"mine", **_lock(disk)}
    assert progress
    assert open_again(disk)[0][-1].position == 13


def _lock(disk: FaultyDisk) -> dict[str, bytes]:
    return {f"{STORE}/lock": disk.files()[f"{STORE}/lock"]}


def test_rebuilding_mends_everything() -> None:
    """Damaged, missing and foreign files give way to right ones."""
    disk = lived(is_closed=True, has_index=True)
    right = disk.files()
    for name in names(disk):
        disk.put(f"{INDEX}/{name}", b"rubbish")
    rebuild_index(STORE, disk=disk)

    assert {path: right[path] for path in right if INDEX in path} == {
        path: content for path, content in disk.files().items() if INDEX in path
    }


async def test_nothing_is_rebuilt_beside_a_writer() -> None:
    """The lock keeps it out, and the files stay."""
    disk = FaultyDisk()
    async with writing(disk) as store:
        for number in range(1, 12):
            await store.commit(a_draft("lot-1", number, pad=200))
        await trio.testing.wait_all_tasks_blocked()
        before = names(disk)
        assert before
        with pytest.raises(StoreLocked):
            rebuild_index(STORE, disk=disk)

        assert names(disk) == before
        assert [None] * len(before) == [file.problem for file in check_index(STORE, disk=disk)]


def test_what_is_no_store_is_refused() -> None:
    """Neither makes a store where there is none, nor an index for a damaged one."""
    disk = FaultyDisk()
    for refused in (check_index, rebuild_index):
        with pytest.raises(NotAStore):
            refused(STORE, disk=disk)
    disk.put("/shop.store", kind=Kind.OTHER)
    with pytest.raises(NotAStore):
        check_index(STORE, disk=disk)
    damaged = lived(is_closed=True)
    content = damaged.files()[segment(1)]
    with pytest.raises(JournalCorrupt):
        rebuild_index(STORE, disk=with_file(damaged, segment(1), content[:-3] + b"xx\n"))


@pytest.fixture(scope="module")
def cut(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A closed store of several segments on a real disk."""
    path = tmp_path_factory.mktemp("cut") / "shop.store"

    async def main() -> None:
        async with open_file_journal(path, segment_bytes_max=2_000) as journal:
            for number in range(1, 15):
                draft = a_draft("lot-1", number, pad=200)
                _, commit = journal.append_nowait(draft, expected_sequence=number - 1)
                journal.flush_nowait()
                await commit.wait()

    trio.run(main)
    return path


def test_command_checks(cut: Path) -> None:
    """`index` lists files and says that none is damaged."""
    rebuild_index(cut)
    lines = lines_of(called("index", cut))

    assert lines[0].endswith(".idx: 4 records, positions 1 to 4, a whole segment")
    assert lines[-1] == f"{cut}: {len(lines) - 1} index files, none damaged"


def test_command_finds_damage_and_mends_it(cut: Path, tmp_path: Path) -> None:
    """A damaged file is exit code 1; `--rebuild` makes it right."""
    store = Path(shutil.copytree(cut, tmp_path / "shop.store"))
    rebuild_index(store)
    damaged = min((store / "index").iterdir())
    damaged.write_bytes(damaged.read_bytes()[:-1])
    run = called("index", store)

    assert run.returncode == 1
    assert run.stdout.decode().splitlines()[-1].endswith("1 of no use")
    as_json = called("index", store, "--json").stdout.decode().splitlines()
    assert f'"file":"{damaged.name}","first":null' in as_json[0]
    assert '"problem":null' in as_json[1]

    lines = lines_of(called("index", store, "--rebuild"))
    assert lines[0].startswith(f"{store}: made ")
    assert lines[-1].endswith("none damaged")
    assert lines_of(called("index", store, "--rebuild", "--json"))


def test_command_refuses_what_is_no_store(tmp_path: Path) -> None:
    """There must be a store."""
    assert "found nothing" in refusal(called("index", tmp_path / "nowhere.store"))


def test_verify_hears_index_files() -> None:
    """Records that an index file names and the journal lacks are missing, and that is said."""
    early = FaultyDisk()
    disk = FaultyDisk()

    async def main() -> None:
        nonlocal early
        async with writing(disk) as store:
            await store.commit(a_draft("lot-1", 1))
            early = disk.copy()
            for number in range(2, 12):
                await store.commit(a_draft("lot-1", number, pad=200))
            await trio.testing.wait_all_tasks_blocked()

    trio.run(main)
    assert () == verify(STORE, disk=early).damage
    (first, *_) = names(disk)
    early.put(f"{INDEX}/{first}", disk.files()[f"{INDEX}/{first}"])
    (damage,) = verify(STORE, disk=early).damage

    assert damage.path == f"{INDEX}/{first}"
    assert damage.expected == "no position above 1"
    assert damage.found.startswith("an index file that names position")
    with pytest.raises(JournalCorrupt, match=f"index/{first}"):
        open_again(early)

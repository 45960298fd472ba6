"""The real disk, and the file journal on it: threads, processes, locks, kills, limits."""

from __future__ import annotations

import os
import resource
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import trio

from atomic_store.errors import JournalCorrupt, JournalFailed, StoreLocked
from atomic_store.journal import StoredRecord
from atomic_store.journal import disk as disk_module
from atomic_store.journal.disk import Access, Kind, NotAFile, OSDisk
from atomic_store.journal.file import open_file_journal
from atomic_store.journal.verify import verify
from followed_journals import records_in
from journal_files import a_draft

ROOT = Path(__file__).parent.parent

WRITER = """
import resource, sys, trio
sys.path.insert(0, "tests")
from atomic_store.journal.file import open_file_journal
from journal_files import a_draft

async def main(path, limit):
    async with open_file_journal(path, segment_bytes_max=20_000) as journal:
        if limit:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        end = await journal.scope_end("lot-1")
        sequence = end.sequence
        print("open", flush=True)
        while True:
            for _ in range(3):
                draft = a_draft("lot-1", sequence, pad=sequence % 300)
                records, commit = journal.append_nowait(draft, expected_sequence=sequence)
                sequence += 1
            journal.flush_nowait()
            await commit.wait()
            print(records[-1].position, flush=True)

trio.run(main, sys.argv[1], int(sys.argv[2]))
"""

HOLDER = """
import os, sys, time, trio
from atomic_store.journal.file import open_file_journal

async def main(path):
    async with open_file_journal(path):
        if os.fork() == 0:
            # A child that only sleeps, with what it inherited.
            sys.stdout.close()
            time.sleep(60)
            os._exit(0)
        print("open", flush=True)
        await trio.sleep_forever()

trio.run(main, sys.argv[1])
"""


def started(program: str, *arguments: object) -> subprocess.Popen[str]:
    """Start a Python program in the project's directory; it has said "open"."""
    process = subprocess.Popen(
        [sys.executable, "-c", program, *map(str, arguments)],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    assert process.stdout is not None
    assert "open\n" == process.stdout.readline()
    return process


async def fill(path: Path, count: int = 20) -> list[StoredRecord]:
    """Make a store with some records in several segments."""
    appended: list[StoredRecord] = []
    async with open_file_journal(path, segment_bytes_max=1200) as journal:
        for number in range(count):
            records, commit = journal.append_nowait(
                a_draft(f"lot-{number % 3}", number, events=1 + number % 2),
                expected_sequence=(await journal.scope_end(f"lot-{number % 3}")).sequence,
            )
            appended += records
            journal.flush_nowait()
            await commit.wait()
    return appended


class TestOSDisk:
    def test_kinds(self, tmp_path: Path) -> None:
        """What lies at a path is told apart; only a regular file is opened, none is waited for."""
        disk = OSDisk()
        (tmp_path / "file").touch()
        (tmp_path / "directory").mkdir()
        (tmp_path / "link").symlink_to("file")
        os.mkfifo(tmp_path / "fifo")
        kinds = {
            "file": Kind.FILE, "directory": Kind.DIRECTORY, "link": Kind.LINK,
            "fifo": Kind.OTHER, "nothing": Kind.NOTHING, "file/below": Kind.NOTHING,
        }  # fmt: skip

        assert kinds == {name: disk.kind(str(tmp_path / name)) for name in kinds}
        assert Kind.FILE is disk.kind(str(tmp_path / "link"), follow=True)
        for name in ("directory", "link", "fifo"):
            for access in (Access.READ, Access.WRITE, Access.LOCK):
                with pytest.raises(NotAFile, match=kinds[name].value):
                    disk.open(str(tmp_path / name), access)
        with pytest.raises(FileExistsError):
            disk.open(str(tmp_path / "file"), Access.NEW)
        with pytest.raises(FileNotFoundError):
            disk.open(str(tmp_path / "nothing"), Access.WRITE)

    def test_not_inherited(self, tmp_path: Path) -> None:
        """A program that this one starts does not get the files."""
        disk = OSDisk()
        file = disk.open(str(tmp_path / "file"), Access.NEW)

        assert not os.get_inheritable(file)
        disk.close(file)

    def test_processes(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A process that may not be signalled is running; one that is gone is not."""
        disk = OSDisk()
        pid, _ = disk.process()
        assert disk.is_running(pid)

        def refuse(error: type[OSError]) -> None:
            def kill(pid: int, number: int) -> None:
                raise error

            monkeypatch.setattr(os, "kill", kill)

        refuse(PermissionError)
        assert disk.is_running(pid)
        refuse(ProcessLookupError)
        assert not disk.is_running(pid)

    def test_syncing(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """What is synced, a file's bytes, a file, a directory, the system is asked to sync."""
        asked: list[tuple[str, int]] = []

        def ask(name: str) -> Callable[[int], None]:
            return lambda file: asked.append((name, os.fstat(file).st_ino))

        monkeypatch.setattr(disk_module, "_fdatasync", ask("fdatasync"))
        monkeypatch.setattr(os, "fsync", ask("fsync"))
        disk, path = OSDisk(), tmp_path / "file"
        file = disk.open(str(path), Access.NEW)
        disk.fdatasync(file)
        disk.fsync(file)
        disk.close(file)
        disk.fsync_directory(str(tmp_path))

        own = path.stat().st_ino
        assert [("fdatasync", own), ("fsync", own), ("fsync", tmp_path.stat().st_ino)] == asked


class TestJournal:
    async def test_life(self, tmp_path: Path) -> None:
        """On the real disk records are durable, read, found and there again after reopening."""
        path = tmp_path / "shop.store"
        appended = await fill(path)
        seen: list[tuple[int, int]] = []
        async with open_file_journal(path, on_progress=lambda *read: seen.append(read)) as journal:
            assert appended == await journal.read_all(limit=100)
            assert [r for r in appended if r.scope == "lot-1"] == await journal.read_scope("lot-1")
            assert appended[4:6] == list(await journal.find("lot-0", appended[4].id))
            assert journal.recovery.was_closed
            assert seen[-1][0] == seen[-1][1]
        assert appended == records_in(path)
        assert () == verify(path).damage

    async def test_modes(self, tmp_path: Path) -> None:
        """Files are their owner's alone, and so are directories."""
        path = tmp_path / "shop.store"
        await fill(path)
        files = [file for file in path.rglob("*") if file.is_file()]

        assert {0o600} == {stat.S_IMODE(file.stat().st_mode) for file in files}
        directories = (path, path / "journal", path / "index")
        assert {0o700} == {stat.S_IMODE(p.stat().st_mode) for p in directories}
        assert [".", "index", "journal", "lock", "store.json"] == sorted(
            [".", *(file.name for file in path.iterdir())]
        )

    async def test_moved_directory(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A relative path stays what it was when the process goes elsewhere."""
        monkeypatch.chdir(tmp_path)
        async with open_file_journal("shop.store") as journal:
            monkeypatch.chdir("/")
            _, commit = journal.append_nowait(a_draft("lot-1", 1), expected_sequence=0)
            journal.flush_nowait()
            await commit.wait()

            assert 1 == len(await journal.read_all(limit=10))

    async def test_cancelled_while_opening(self, tmp_path: Path) -> None:
        """Opening ends soon after it is cancelled, and gives the lock back."""
        path = tmp_path / "shop.store"
        await fill(path)
        with trio.CancelScope() as scope:
            async with open_file_journal(path, on_progress=lambda *read: scope.cancel()):
                raise AssertionError("it is not opened")
        assert scope.cancelled_caught
        async with open_file_journal(path) as journal:
            assert journal.recovery.was_closed

    async def test_cancelled_while_closing(self, tmp_path: Path) -> None:
        """What was appended is durable though leaving the block is cancelled."""
        path = tmp_path / "shop.store"
        with trio.CancelScope() as scope:
            async with open_file_journal(path) as journal:
                journal.append_nowait(a_draft("lot-1", 1), expected_sequence=0)
                scope.cancel()

        assert 1 == len(records_in(path))

    @pytest.mark.parametrize("kind", ["fifo", "link", "directory"])
    async def test_no_file(self, tmp_path: Path, kind: str) -> None:
        """Something else in the place of a segment is damage, and is not waited for."""
        path = tmp_path / "shop.store"
        await fill(path)
        segment = path / "journal" / "00000000000000000001.jsonl"
        kept = segment.rename(tmp_path / "kept")
        if kind == "fifo":
            os.mkfifo(segment)
        elif kind == "link":
            segment.symlink_to(kept)
        else:
            segment.mkdir()
        with pytest.raises(JournalCorrupt, match="expected a regular file"):
            async with open_file_journal(path):
                raise AssertionError("it is not opened")

        assert "a regular file" == verify(path).damage[0].expected

    async def test_twice_in_one_process(self, tmp_path: Path) -> None:
        """A store that this process has open is not opened again."""
        async with open_file_journal(tmp_path / "shop.store"):
            with pytest.raises(StoreLocked, match="this process"):
                async with open_file_journal(tmp_path / "shop.store"):
                    raise AssertionError("it is not opened")

    async def test_beside_a_checker(self, tmp_path: Path) -> None:
        """Checking in a thread, while a writer appends and cuts, never finds damage."""
        path = tmp_path / "shop.store"
        done = trio.Event()
        found: list[object] = []
        async with open_file_journal(path, segment_bytes_max=3000) as journal:

            async def check() -> None:
                while not done.is_set():
                    found.extend((await trio.to_thread.run_sync(verify, path)).damage)

            async with trio.open_nursery() as nursery:
                nursery.start_soon(check)
                for number in range(300):
                    _, commit = journal.append_nowait(
                        a_draft("lot-1", number), expected_sequence=number
                    )
                    journal.flush_nowait()
                    await commit.wait()
                done.set()

        assert [] == found


class TestProcesses:
    async def test_kill(self, tmp_path: Path) -> None:
        """A writer that is killed at any moment loses nothing that it has said was stored."""
        path = tmp_path / "shop.store"
        said = 0
        for cycle in range(6):
            process = started(WRITER, path, 0)
            assert process.stdout is not None
            for _ in range(5 + 7 * cycle):
                said = int(process.stdout.readline())
            with pytest.raises(StoreLocked, match=f"locked by process {process.pid} on this host"):
                async with open_file_journal(path):
                    raise AssertionError("it is not opened")
            process.kill()
            rest, _ = process.communicate()
            said = int(([str(said), *rest.split("\n")[:-1]])[-1])

            assert () == verify(path).damage
            async with open_file_journal(path) as journal:
                assert journal.head.position >= said
                assert not journal.recovery.was_closed
                records = await journal.read_all(limit=10**6)
                assert [*range(1, len(records) + 1)] == [r.sequence for r in records]

    async def test_inherited_lock(self, tmp_path: Path) -> None:
        """While a killed writer's child holds the lock, the store is refused, and why."""
        path = tmp_path / "shop.store"
        process = started(HOLDER, path)
        process.kill()
        process.wait()
        try:
            with pytest.raises(StoreLocked, match=r"is gone, but a process that it started"):
                async with open_file_journal(path):
                    raise AssertionError("it is not opened")
        finally:
            # The child is in the session that was made for its parent.
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
        with trio.fail_after(10):
            while True:
                try:
                    async with open_file_journal(path) as journal:
                        assert not journal.recovery.was_created
                        break
                except StoreLocked:
                    # Killing takes effect a moment later.
                    await trio.lowlevel.checkpoint()

    async def test_file_size_limit(self, tmp_path: Path) -> None:
        """At the limit of a file's size the store fails, says so, and has what it acknowledged."""
        path = tmp_path / "shop.store"
        process = started(WRITER, path, 7000)
        out, err = process.communicate(timeout=60)
        said = int(out.split()[-1])

        assert 1 == process.returncode
        assert "JournalFailed: write failed on" in err
        assert "File too large" in err
        assert "raise the limit on file sizes (ulimit -f)" in err
        async with open_file_journal(path) as journal:
            assert said == journal.head.position
            assert journal.recovery.torn_bytes > 0
        assert () == verify(path).damage

    def test_limit_is_of_the_child(self) -> None:
        """The limit was set in the other process alone."""
        assert resource.RLIM_INFINITY == resource.getrlimit(resource.RLIMIT_FSIZE)[0]


class TestRefusals:
    async def test_read_only_directory(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Where nothing may be written, opening says what is missing, and reading works."""
        path = tmp_path / "shop.store"
        appended = await fill(path)
        os_open = os.open

        def read_only(name: str, flags: int, mode: int = 0o777) -> int:
            if flags & (os.O_RDWR | os.O_CREAT) and str(tmp_path) in str(name):
                raise PermissionError(13, "Permission denied", name)
            return os_open(name, flags, mode)

        monkeypatch.setattr(os, "open", read_only)
        with pytest.raises(JournalFailed, match="let this user write the store's directory"):
            async with open_file_journal(path):
                raise AssertionError("it is not opened")

        assert appended == records_in(path)
        assert () == verify(path).damage

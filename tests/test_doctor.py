"""Looking at a real place: what is gathered, what is left behind, what the program says."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import resource
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import attrs
import pytest

from atomic_store import JsonEvent, open_store
from atomic_store.doctor import examine, gathering
from atomic_store.doctor.facts import LockTrial, PlaceKind
from atomic_store.doctor.findings import Severity
from atomic_store.doctor.gathering import gather, place_at
from atomic_store.doctor.probing import SYNCS_MAX, probe
from atomic_store.errors import NotAStore
from atomic_store.journal.disk import OSDisk
from command_line import ROOT, called, lines_of, refusal
from machines import SOUND

pytest_plugins = ("cli_stores",)


def everything(directory: Path) -> dict[str, tuple[int, bytes]]:
    """All files below a directory: when each was changed, and what is in it."""
    return {
        str(path): (path.stat().st_mtime_ns, path.read_bytes() if path.is_file() else b"")
        for path in [directory, *sorted(directory.rglob("*"))]
    }


class FailingDisk:
    """The system's files, whose fdatasync does what a test wants."""

    def __init__(self, error: OSError | None = None) -> None:
        self.error = error
        self.syncs = 0

    def pwrite(self, file: int, data: bytes, offset: int) -> int:
        """Write for real."""
        return os.pwrite(file, data, offset)

    def fdatasync(self, file: int) -> None:
        """Count, and fail if it must."""
        self.syncs += 1
        if self.error is not None:
            raise self.error


class TestGathering:
    """What is known of a place."""

    def test_a_store_is_looked_at_and_left_alone(self, auctioned: Path) -> None:
        """Nothing in it changes, and beside it nothing is left."""
        beside, before = sorted(auctioned.parent.iterdir()), everything(auctioned)
        facts = gather(auctioned)

        assert before == everything(auctioned)
        assert beside == sorted(auctioned.parent.iterdir())
        assert (PlaceKind.STORE, str(auctioned.parent)) == (facts.place.kind, facts.probe.directory)
        assert facts.clock.last_record is not None
        assert timedelta(0) < datetime.now(UTC) - facts.clock.last_record < timedelta(hours=1)

    def test_the_machine_is_looked_at(self, tmp_path: Path) -> None:
        """Times of syncs, the lock, the room, the limits and Python are those of this machine."""
        facts = gather(tmp_path)

        assert (SYNCS_MAX, None) == (len(facts.probe.sync_seconds), facts.probe.error)
        assert LockTrial.REFUSED is facts.probe.lock
        assert facts.room is not None
        assert 0 < facts.room.free_bytes < facts.room.total_bytes
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == facts.limits.open_files_max
        assert sys.version_info[:3] == facts.python.version
        assert "trio" in {package.name for package in facts.python.packages}

    @pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux has /dev/shm")
    def test_a_disk_in_memory_is_found_out(self) -> None:
        """Of /dev/shm, by its kind and by how long a sync takes there, each by itself."""
        severities = {f.check: f.severity for f in examine("/dev/shm").findings}

        assert Severity.PROBLEM is severities["file system"]
        assert Severity.PROBLEM is severities["sync"]

    def test_a_place_that_is_not_there_is_looked_at_around(self, tmp_path: Path) -> None:
        """It is not made; the directory in which it would be is what counts."""
        facts = gather(tmp_path / "shop.store")

        assert (PlaceKind.NOTHING, str(tmp_path)) == (facts.place.kind, facts.probe.directory)
        assert [] == list(tmp_path.iterdir())

    async def test_a_live_writer_is_not_disturbed(self, tmp_path: Path) -> None:
        """It goes on, and closes, and the store is sound."""
        async with open_store(tmp_path / "s", events=None) as store:
            for number in range(3):
                await store.store_if_valid(
                    JsonEvent("Said", {"n": number}), lambda r: r.accept(), scope="a"
                )
                assert PlaceKind.STORE is gather(tmp_path / "s").place.kind

        assert 0 == called("verify", tmp_path / "s").returncode
        assert ["s"] == os.listdir(tmp_path)  # noqa: PTH208 - names, not paths

    @pytest.mark.parametrize(
        "what", ["file", "link to nothing", "nothing around it", "under a file"]
    )
    def test_what_is_no_place_is_refused(self, what: str, tmp_path: Path) -> None:
        """Nothing is looked at, and nothing written."""
        place = tmp_path / "place"
        if what in ("file", "under a file"):
            place.write_text("hello")
        elif what == "link to nothing":
            place.symlink_to(tmp_path / "nowhere")
        path = place / "store" if what in ("nothing around it", "under a file") else place
        before = sorted(tmp_path.iterdir())

        with pytest.raises(NotAStore, match=f"expected a directory.*{place}"):
            examine(path)
        assert before == sorted(tmp_path.iterdir())

    def test_what_may_not_be_written_to_is_found(
        self, copy: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The last segment and the directories count; other segments are not written to again."""
        refused = {copy / "journal", copy / "lock", copy / "journal" / f"{1:020}.jsonl"}
        monkeypatch.setattr(gathering, "_may_write", lambda path: path not in refused)
        place = place_at(str(copy))

        assert refused == set(map(Path, place.unwritable))
        (copy / "journal" / f"{5000:020}.jsonl").write_bytes(b"")
        assert refused - {copy / "journal" / f"{1:020}.jsonl"} == set(
            map(Path, place_at(str(copy)).unwritable)
        )

    def test_a_store_in_foreign_surroundings_is_tried_inside(
        self, copy: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Where nothing may be made beside it; and it stays a sound store."""
        monkeypatch.setattr(gathering, "_may_write", lambda path: path != copy.parent)

        assert str(copy) == gather(copy).probe.directory
        assert 0 == called("verify", copy).returncode

    def test_damage_is_told_and_the_rest_looked_at(self, copy: Path) -> None:
        """A store whose end cannot be read is no reason to say nothing of the machine."""
        (copy / "store.json").write_bytes(b"{}\n")
        report = examine(copy)
        (clock,) = (f for f in report.findings if f.check == "clock")

        assert Severity.WARNING is clock.severity
        assert "store.json is damaged at offset 0" in clock.found


class TestProbing:
    """The temporary file."""

    @pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC])
    def test_what_the_disk_refuses_is_told(self, number: int, tmp_path: Path) -> None:
        """The file is gone all the same."""
        disk: Any = FailingDisk(OSError(number, os.strerror(number)))
        found = probe(str(tmp_path), disk)

        assert (os.strerror(number), ()) == (found.error, found.sync_seconds)
        assert [] == list(tmp_path.iterdir())

    def test_a_file_that_cannot_be_made_is_told(self, tmp_path: Path) -> None:
        """With what the system says."""
        assert f"open: {os.strerror(errno.ENOENT)}" == probe(str(tmp_path / "x")).error

    def test_a_slow_disk_is_not_waited_for(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """After a second or two, enough is known."""
        disk: Any = FailingDisk()
        moments = iter(range(1_000))
        monkeypatch.setattr(time, "perf_counter", lambda: float(next(moments)))

        assert (1.0, 1.0, 1.0) == probe(str(tmp_path), disk).sync_seconds
        assert 3 == disk.syncs

    def test_a_lock_that_does_not_hold_is_found(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Here it was never taken, so that the second process gets it."""
        monkeypatch.setattr(fcntl, "flock", lambda file, how: None)

        assert LockTrial.GOT_IT is probe(str(tmp_path)).lock

    def test_a_lock_that_cannot_be_taken_is_not_known(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Some file systems have none."""

        def refuse(file: int, how: int) -> None:
            raise OSError(errno.ENOLCK, "No locks available")

        monkeypatch.setattr(fcntl, "flock", refuse)

        assert LockTrial.UNKNOWN is probe(str(tmp_path)).lock

    def test_its_name_is_one_that_a_store_ignores(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """So that a store can be made in the same directory in the same moment."""
        names: list[str] = []
        real = OSDisk().fdatasync

        class Watching(FailingDisk):
            def fdatasync(self, file: int) -> None:
                names.extend(path.name for path in tmp_path.iterdir())
                real(file)

        disk: Any = Watching()
        probe(str(tmp_path), disk)
        (tmp_path / names[0]).write_text("left over")
        run = called("demo", "--store", tmp_path, "--lots", "1", "--bidders", "1")

        assert (0, b"") == (run.returncode, run.stderr)


class TestCommand:
    """`atomic-store doctor`."""

    def test_says_what_was_found(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A line for each check, what it means below, and the verdict last; 0 for a warning."""
        python = attrs.evolve(SOUND.python, is_optimised=True)
        facts = attrs.evolve(SOUND, python=python, room=None)
        monkeypatch.setattr("atomic_store.doctor.examining.gather", lambda path: facts)
        lines = lines_of(called("doctor", "shop.store"))
        at = lines.index("warning  Python       CPython 3.12.4, started with -O")

        assert "shop.store: a store" == lines[0]
        assert "ok       file system  ext4 on /dev/sda1" in lines
        assert lines[at + 2] == f"{'':22}Start it without -O, and without PYTHONOPTIMIZE."
        assert "shop.store: 1 warning, 1 note" == lines[-1]

    def test_a_sound_machine_is_said_to_be_one(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """In the last line."""
        monkeypatch.setattr("atomic_store.doctor.examining.gather", lambda path: SOUND)

        assert "shop.store: nothing is odd" == lines_of(called("doctor", "shop.store"))[-1]

    def test_a_problem_is_exit_1(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """And is in the JSON."""
        facts = attrs.evolve(SOUND, probe=attrs.evolve(SOUND.probe, lock=LockTrial.GOT_IT))
        monkeypatch.setattr("atomic_store.doctor.examining.gather", lambda path: facts)
        run = called("doctor", "x", "--json")
        value = json.loads(run.stdout)

        assert (1, "problem", "/srv/shop.store") == (run.returncode, value["worst"], value["place"])
        assert [
            "flock lets a second process in",
        ] == [f["found"] for f in value["findings"] if f["severity"] == "problem"]

    @pytest.mark.parametrize(
        ("place", "message"),
        [
            ("", "expected the path of a store, found an empty one"),
            ("wss://shop.example.com", "expected a directory of this machine, found a URL"),
            ("nowhere/shop.store", "could be made, found no"),
        ],
    )
    def test_what_cannot_be_looked_at_is_exit_2(self, place: str, message: str) -> None:
        """With what was expected."""
        run = called("doctor", place)

        assert message in refusal(run)
        assert 2 == run.returncode

    def test_a_name_cannot_command_a_terminal(self, tmp_path: Path) -> None:
        """Not even one that is no UTF-8; for people and as JSON."""
        place = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\x1b[31m\xff"))
        place.mkdir()

        for arguments in ((), ("--json",)):
            run = called("doctor", place, *arguments)
            assert b"\x1b" not in run.stdout
            assert b"\\x1b[31m" in run.stdout or b"\\u001b[31m" in run.stdout

    def test_runs_as_a_program_without_assertions(self, tmp_path: Path) -> None:
        """Started with -O, it says so."""
        run = subprocess.run(
            [sys.executable, "-O", "-m", "atomic_store", "doctor", "--json", str(tmp_path)],
            capture_output=True, timeout=60, env={**os.environ, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip
        found = {f["check"]: f["found"] for f in json.loads(run.stdout)["findings"]}

        assert found["Python"].endswith(", started with -O")

    def test_a_small_file_size_limit_is_a_problem(self, tmp_path: Path) -> None:
        """It is found, and ends with 1."""
        run = subprocess.run(
            ["bash", "-c", f'ulimit -f 64; "{sys.executable}" -m atomic_store doctor --json'],
            capture_output=True, timeout=60, cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip

        assert 1 == run.returncode
        assert b"files may have 65,536 bytes" in run.stdout

    def test_has_help(self) -> None:
        """It says what it writes."""
        assert any("temporary file" in line for line in lines_of(called("doctor", "--help")))


@pytest.mark.skipif(os.geteuid() != 0, reason="needs another user")
def test_a_store_of_another_user_is_found(copy: Path) -> None:
    """The user nobody may not write to a store of root's."""
    program = """
import os
from atomic_store.doctor.gathering import place_at
os.setuid(65534)
print(*place_at("copy.store").unwritable)
"""
    for directory in (copy.parent, copy, copy / "journal"):
        directory.chmod(0o755)
    run = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True, timeout=60, cwd=copy.parent, text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip

    expected = {"copy.store", "copy.store/journal", f"copy.store/journal/{1:020}.jsonl"}
    assert expected <= set(run.stdout.split()), run.stderr

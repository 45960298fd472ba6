"""What making a store from another survives: failing disks, full disks, kills, losses of power."""

from __future__ import annotations

import errno
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from atomic_store.errors import JournalFailed
from atomic_store.journal.failing import advising
from atomic_store.safekeeping import backup, import_records, repair, restore, verify
from atomic_store.testing.faulty_disk import FaultyDisk
from followed_journals import records_in
from journal_files import SEGMENT_BYTES_MAX, STORE, lived, segment
from kept_safe import TARGET, Faults, Tool, exported, files_of, without_places, written

OPERATIONS = (
    "mkdir", "open", "write", "fsync", "fdatasync", "rename", "close", "list", "stat", "read",
    "fstat",
)  # fmt: skip


@pytest.fixture(params=["import", "restore", "backup", "repair"])
def faults(request: pytest.FixtureRequest, tmp_path: Path) -> Faults:
    """Each of the tools, and the disk on which it works."""
    disk = lived(is_closed=True)
    path = written(tmp_path, exported(disk, STORE))
    if request.param == "repair":
        content = disk.files()[segment(6)]
        disk.put(segment(6), content.replace(b'"cents":500', b'"cents":501'))
    tools: dict[str, Tool] = {
        "import": lambda disk: import_records(
            path, TARGET, disk=disk, segment_bytes_max=SEGMENT_BYTES_MAX
        ),
        "restore": lambda disk: restore(
            STORE, TARGET, until=9, disk=disk, segment_bytes_max=SEGMENT_BYTES_MAX
        ),
        "backup": lambda disk: backup(STORE, TARGET, disk=disk),
        "repair": lambda disk: repair(
            STORE, TARGET, disk=disk, segment_bytes_max=SEGMENT_BYTES_MAX
        ),
    }
    return Faults.of(disk, tools[request.param])


def test_power_lost_at_every_step(faults: Faults) -> None:
    """After a loss of power, or a kill, before any change the target is whole or not there."""
    assert faults.lose_power_at_every_step() > 15


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_call_fails_once(faults: Faults, operation: str) -> None:
    """Whatever fails, it is told, nothing half-made is left, and the source is as it was."""
    error = errno.ENOSPC if operation in ("write", "mkdir", "open") else errno.EIO

    # A backup is synced file by file, without fdatasync.
    assert (operation in faults.operations) == (faults.fail_at_every_call(operation, error) > 0)
    assert operation in faults.operations or operation == "fdatasync"


def test_a_backup_that_cannot_cut_off() -> None:
    """A copy that cannot be cut off where its last commit ends is none."""
    disk = lived(is_closed=True)

    assert Faults.of(disk, lambda disk: backup(STORE, TARGET, disk=disk)).fail_at_every_call(
        "ftruncate", errno.EIO
    )


def test_a_full_disk_is_told(faults: Faults) -> None:
    """A disk that is full and stays so gives an error that says what to do."""
    disk = faults.before.copy()
    disk.fail("write", path="/.new-target/", nth=2, error=errno.ENOSPC, times=None)

    with pytest.raises(JournalFailed) as caught:
        faults.tool(disk)
    assert "free space on this disk, then try again; nothing half-made is left" == caught.value.hint
    assert [] == [path for path in disk.files() if not path.startswith(STORE)]
    assert files_of(faults.before, STORE) == files_of(disk, STORE)


def test_nobody_is_told_to_open_a_store(faults: Faults) -> None:
    """Whatever fails, what to do is said of what was tried."""
    hints = []
    for operation in ("read", "mkdir", "fsync"):
        disk = faults.before.copy()
        disk.fail(operation, nth=2, error=errno.EIO)
        try:
            faults.tool(disk)
        except JournalFailed as failure:
            hints.append(failure.hint)

    assert hints
    assert [] == [hint for hint in hints if "open the store" in hint]


def test_other_failures_keep_their_advice() -> None:
    """A failure that no error of the system has caused already says what to do."""
    failure = JournalFailed("write", ":memory:", "a test asked for this failure")

    with pytest.raises(JournalFailed) as caught, advising("try again"):
        raise failure
    assert failure is caught.value


class Growing:
    """Bringing a backup up to date."""

    def __init__(self) -> None:
        self.before = lived(is_closed=True)
        backup(STORE, TARGET, to=6, disk=self.before)
        self.before = self.before.copy()
        self.wanted = without_places(records_in(STORE, self.before))

    def check(self, disk: FaultyDisk) -> None:
        """It is a sound backup, and ends somewhere between its old end and its new one."""
        there = without_places(records_in(TARGET, disk))

        assert () == verify(TARGET, disk=disk).damage
        assert len(there) >= 6
        assert self.wanted[: len(there)] == there
        assert files_of(self.before, STORE) == files_of(disk, STORE)

    def again(self, disk: FaultyDisk) -> None:
        """What was interrupted is made up for."""
        disk = disk.copy()
        backup(STORE, TARGET, disk=disk)
        assert verify(STORE, disk=disk).head == verify(TARGET, disk=disk).head
        self.check(disk)


def test_a_backup_that_grows_loses_power_at_every_step() -> None:
    """At each moment it is a sound backup, and growing it again finishes what was begun."""
    growing, step, failed = Growing(), 0, True
    while failed:
        step += 1
        disk = growing.before.copy()
        disk.power_off_at(step)
        try:
            backup(STORE, TARGET, disk=disk)
            failed = False
        except JournalFailed:
            for seed in range(2):
                left = disk.crash(seed)
                growing.check(left)
                growing.again(left)
            growing.check(disk.copy())
            growing.again(disk.copy())

    assert step > 20


@pytest.mark.parametrize("operation", ["write", "fsync", "rename", "ftruncate", "flock", "close"])
def test_a_backup_that_grows_fails_once(operation: str) -> None:
    """Whatever fails, what was backed up before is still there, and so is the source."""
    growing, nth, disk = Growing(), 0, FaultyDisk()
    while not nth or disk.failures:
        nth += 1
        disk = growing.before.copy()
        disk.fail(operation, nth=nth)
        if nth == 1:
            with pytest.raises(JournalFailed):
                backup(STORE, TARGET, disk=disk)
        else:
            with suppress(JournalFailed):
                backup(STORE, TARGET, disk=disk)
        growing.check(disk.copy())


@pytest.mark.parametrize("tool", [restore, backup, repair])
def test_interrupted(tool: Callable[..., object]) -> None:
    """Ctrl-C leaves nothing half-made, and does not touch the source."""
    disk = lived(is_closed=True)
    before = files_of(disk, STORE)

    def interrupt(done: int, total: int) -> None:
        if done > total / 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tool(STORE, TARGET, disk=disk, on_progress=interrupt)
    assert before == {p: c for p, c in disk.files().items() if not p.endswith("/lock")}


def test_an_interrupted_import(tmp_path: Path) -> None:
    """Ctrl-C leaves nothing half-made."""
    disk = FaultyDisk()
    path = written(tmp_path, exported(lived(is_closed=True), STORE))

    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_records(path, TARGET, disk=disk, on_progress=interrupt)
    assert {} == disk.files()

"""What each fact about a machine means."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import attrs
import pytest

from atomic_store.doctor import Severity, judge
from atomic_store.doctor.examining import CHECKS
from atomic_store.doctor.facts import Clock, Device, Facts, LockTrial, Mount, Package, PlaceKind
from machines import NOW, SOUND

OK, NOTE, WARNING, PROBLEM = Severity


def found(facts: Facts, check: str) -> tuple[Severity, str]:
    """What a check says of facts; and nothing else than it finds anything."""
    report = judge(facts)
    (finding,) = (f for f in report.findings if f.check == check)
    assert [] == [f for f in report.findings if f.check != check and f.severity is not OK]
    assert report.worst is finding.severity
    if finding.severity in (WARNING, PROBLEM):
        assert finding.meaning
        assert finding.advice
    return finding.severity, finding.found


def changed(part: str, **changes: Any) -> Facts:
    """The facts of a sound machine, with some of one part changed."""
    return attrs.evolve(SOUND, **{part: attrs.evolve(getattr(SOUND, part), **changes)})


def test_a_sound_machine_is_ok() -> None:
    """Every check says something, and none finds anything."""
    report = judge(SOUND)

    assert [OK] * len(CHECKS) == [finding.severity for finding in report.findings]
    assert all(finding.found for finding in report.findings)
    assert (OK, "/srv/shop.store", "a store") == (report.worst, report.place, report.kind)


def test_the_worst_finding_counts() -> None:
    """Of a note, a warning and a problem, the problem is the verdict."""
    facts = attrs.evolve(SOUND, room=None, limits=attrs.evolve(SOUND.limits, file_bytes_max=1))
    facts = attrs.evolve(facts, python=attrs.evolve(SOUND.python, is_optimised=True))

    assert PROBLEM is judge(facts).worst


@pytest.mark.parametrize(
    ("kind", "options", "severity"),
    [
        ("ext4", "rw", OK),
        ("xfs", "rw,noatime", OK),
        ("tmpfs", "rw", PROBLEM),
        ("ramfs", "rw", PROBLEM),
        ("ext4", "ro", PROBLEM),
        ("ext4", "rw,nobarrier", PROBLEM),
        ("ext4", "rw,barrier=0", PROBLEM),
        ("ext4", "rw,data=writeback", WARNING),
        ("ext4", "rw,data=ordered", OK),
        ("nfs4", "rw,vers=4.2,local_lock=none", WARNING),
        ("nfs", "rw,nolock", PROBLEM),
        ("nfs", "rw,local_lock=all", PROBLEM),
        ("cifs", "rw", WARNING),
        ("cifs", "rw,nobrl", PROBLEM),
        ("9p", "rw", WARNING),
        ("fuse.sshfs", "rw", WARNING),
        ("fuse.ntfs-3g", "rw", WARNING),
        ("fuseblk", "rw", WARNING),
        ("overlay", "rw", WARNING),
        ("overlay", "rw,volatile", PROBLEM),
        ("vfat", "rw", WARNING),
        ("newfs", "rw", NOTE),
    ],
)
def test_file_systems(kind: str, options: str, severity: Severity) -> None:
    """Each is judged by its kind and by its options, and named."""
    facts = attrs.evolve(SOUND, mount=Mount(kind, "x:/y", frozenset(options.split(","))))

    assert severity is found(facts, "file system")[0]
    assert found(facts, "file system")[1].startswith(f"{kind} on x:/y")


def test_a_disk_in_memory_is_a_problem() -> None:
    """Whatever file system is on it."""
    facts = attrs.evolve(SOUND, device=Device("zram0", is_rotational=False, is_virtual=True))

    assert (PROBLEM, "ext4 on /dev/sda1, which is memory") == found(facts, "file system")


def test_an_unknown_file_system_is_a_note() -> None:
    """Where the system does not tell which it is."""
    assert NOTE is found(attrs.evolve(SOUND, mount=None), "file system")[0]


@pytest.mark.parametrize(
    ("seconds", "device", "severity"),
    [
        (1e-6, Device("sda", is_rotational=False), PROBLEM),
        (14e-6, None, PROBLEM),
        (16e-6, None, NOTE),
        (100e-6, Device("nvme0n1", is_rotational=False), NOTE),
        (100e-6, Device("vda", is_rotational=True, is_virtual=True), NOTE),
        (300e-6, Device("vda", is_rotational=True, is_virtual=True), OK),
        (300e-6, Device("sda", is_rotational=True), WARNING),
        (4e-3, Device("sda", is_rotational=True), OK),
        (0.03, None, NOTE),
        (0.5, None, WARNING),
    ],
)
def test_syncs(seconds: float, device: Device | None, severity: Severity) -> None:
    """One that is faster than the device can be, or slower than is good, is told."""
    facts = attrs.evolve(changed("probe", sync_seconds=(seconds,) * 5), device=device)

    assert severity is found(facts, "sync")[0]


def test_syncs_are_shown_with_their_unit() -> None:
    """The median and the longest one; a long one among short ones is told."""
    facts = changed("probe", sync_seconds=(0.002, 0.0004, 1.25))

    assert found(facts, "sync") == (
        NOTE,
        "2.0 ms in the median of 3 on sda, 1.2 s at most: slow at times",
    )


@pytest.mark.parametrize(
    ("trial", "severity"),
    [(LockTrial.REFUSED, OK), (LockTrial.GOT_IT, PROBLEM), (LockTrial.UNKNOWN, NOTE)],
)
def test_locks(trial: LockTrial, severity: Severity) -> None:
    """One that a second process got, too, is a problem."""
    assert severity is found(changed("probe", lock=trial), "lock")[0]


def test_what_may_not_be_written_to_is_named() -> None:
    """Some of it, and how much more there is."""
    facts = changed("place", unwritable=("/a", "/b", "/c", "/d"))

    assert (PROBLEM, "/a, /b, /c and 1 more may not be written to") == found(facts, "writing")


def test_what_is_mounted_read_only_is_not_taken_for_foreign() -> None:
    """Then another owner would help nothing."""
    mount = Mount("ext4", "/dev/sda1", frozenset(["ro"]))
    facts = attrs.evolve(changed("place", unwritable=("/a",)), mount=mount)
    advice = {f.check: f.advice for f in judge(facts).findings}

    assert "The file system is mounted read-only: mount it for writing." == advice["writing"]


def test_a_refused_file_is_a_problem() -> None:
    """What the system said is told."""
    error = "open: No space left on device"
    facts = changed("probe", error=error)

    assert (PROBLEM, f"a temporary file in /srv: {error}") == found(facts, "writing")


def test_others_who_may_read_are_a_note() -> None:
    """Only of a store: another directory says nothing of what is made in it."""
    facts = changed("place", others_may_read=True)

    assert NOTE is found(facts, "privacy")[0]
    nothing = attrs.evolve(facts, place=attrs.evolve(facts.place, kind=PlaceKind.DIRECTORY))
    assert OK is found(nothing, "privacy")[0]


@pytest.mark.parametrize(
    ("free", "total", "severity", "shown"),
    [
        (100 << 20, 100 << 30, PROBLEM, "100.0 MiB of 100.0 GiB are left"),
        (128 << 20, 1 << 30, WARNING, "128.0 MiB of 1.0 GiB are left"),
        (4 << 30, 100 << 30, WARNING, "4.0 GiB of 100.0 GiB are left"),
        (21 << 30, 8 << 40, OK, "21.0 GiB of 8.0 TiB are left"),
        (0, 5_000, PROBLEM, "0 bytes of 5,000 bytes are left"),
    ],
)
def test_room(free: int, total: int, severity: Severity, shown: str) -> None:
    """Less than the next segment and decision is a problem; little is a warning."""
    assert (severity, shown) == found(changed("room", free_bytes=free, total_bytes=total), "room")


@pytest.mark.parametrize(
    ("free", "total", "severity"),
    [(99, 10**6, PROBLEM), (9_999, 10**6, WARNING), (60_000, 10**6, OK), (0, 0, OK)],
)
def test_inodes(free: int, total: int, severity: Severity) -> None:
    """A file system without a number of them makes them as they are needed."""
    assert severity is found(changed("room", free_inodes=free, total_inodes=total), "inodes")[0]


@pytest.mark.parametrize(
    ("ahead_s", "severity"), [(-5, OK), (1, OK), (1.5, WARNING), (3600, WARNING), (3601, PROBLEM)]
)
def test_a_clock_behind_the_last_record(ahead_s: float, severity: Severity) -> None:
    """The times of records would stand still so long."""
    facts = changed("clock", last_record=NOW + timedelta(seconds=ahead_s))

    assert severity is found(facts, "clock")[0]


@pytest.mark.parametrize(
    ("clock", "severity", "text"),
    [
        (Clock(datetime(1970, 1, 1, tzinfo=UTC)), PROBLEM, "it says 1970-01-01 00:00:00 UTC"),
        (Clock(NOW, step_seconds=-2.5), WARNING, "jumped backwards by 2.5 s"),
        (Clock(NOW, step_seconds=0.2), WARNING, "jumped forwards by 0.2 s"),
        (Clock(NOW, is_synchronised=False), NOTE, "nothing on this system synchronises it"),
        (Clock(NOW, is_synchronised=None), OK, "whether it is synchronised could not be told"),
        (Clock(NOW, last_record_error="x is damaged"), WARNING, "x is damaged"),
        (Clock(NOW), OK, "2026-11-23 15:04:05 UTC"),
    ],
)
def test_clocks(clock: Clock, severity: Severity, text: str) -> None:
    """One that is before all records, that jumps, or that nobody keeps right, is told."""
    judged, said = found(attrs.evolve(SOUND, clock=clock), "clock")

    assert severity is judged
    assert text in said


@pytest.mark.parametrize(
    ("allowed", "severity"),
    [(None, OK), (128 << 20, OK), ((128 << 20) - 1, PROBLEM)],
)
def test_file_sizes(allowed: int | None, severity: Severity) -> None:
    """A segment and the largest decision must fit into a file."""
    assert severity is found(changed("limits", file_bytes_max=allowed), "file size")[0]


@pytest.mark.parametrize(
    ("allowed", "severity"),
    [(None, OK), (65_536, OK), (1_024, NOTE), (128, NOTE), (127, PROBLEM)],
)
def test_open_files(allowed: int | None, severity: Severity) -> None:
    """Few are told, with the connections that a gateway has left."""
    facts = changed("limits", open_files_max=allowed)

    assert severity is found(facts, "open files")[0]


def test_the_connections_of_few_open_files_are_told() -> None:
    """What a gateway keeps back for its store is what the doctor says."""
    finding = next(
        f for f in judge(changed("limits", open_files_max=1_024)).findings if f.severity is NOTE
    )
    server = pytest.importorskip("atomic_store.gateway.server")

    assert f"takes {1_024 - server.FILES_KEPT} connections at most" in finding.meaning


@pytest.mark.parametrize(
    ("changes", "severity", "text"),
    [
        ({"is_optimised": True}, WARNING, "CPython 3.12.4, started with -O"),
        ({"version": (3, 10, 9)}, PROBLEM, "CPython 3.10.9, expected >=3.11"),
        ({"version": (3, 14, 0)}, NOTE, "CPython 3.14.0"),
        ({"implementation": "PyPy"}, NOTE, "PyPy 3.12.4"),
        ({}, OK, "CPython 3.12.4"),
    ],
)
def test_pythons(changes: dict[str, Any], severity: Severity, text: str) -> None:
    """Another one than the library is made for or tested with, and -O, are told."""
    assert (severity, text) == found(changed("python", **changes), "Python")


@pytest.mark.parametrize(
    ("package", "severity", "text"),
    [
        (Package("trio", ">=0.30", "0.29.1"), PROBLEM, "expected trio>=0.30, found 0.29.1"),
        (Package("trio", ">=0.30", None), PROBLEM, "expected trio>=0.30, found none"),
        (Package("h11", ">=0.14", None, is_optional=True), OK, ""),
        (Package("h11", ">=0.14", "0.9", is_optional=True), PROBLEM, "h11>=0.14, found 0.9"),
        (Package("textual", "<9,>=8.2", "9.0.1", is_optional=True), PROBLEM, "found 9.0.1"),
        (Package("textual", "<9,>=8.2", "8.10", is_optional=True), OK, "textual 8.10"),
    ],
)
def test_packages(package: Package, severity: Severity, text: str) -> None:
    """One that is missing or of another version is told; an extra may be missing."""
    judged, said = found(changed("python", packages=(package,)), "packages")

    assert severity is judged
    assert text in said


def test_a_library_that_was_not_installed_is_a_note() -> None:
    """Then what it needs is not known."""
    assert NOTE is found(changed("python", wanted=None, packages=()), "packages")[0]


def test_what_could_not_be_told_is_no_problem() -> None:
    """Without figures of the disk and without a temporary file there are notes."""
    facts = attrs.evolve(changed("probe", sync_seconds=(), lock=LockTrial.UNKNOWN), room=None)
    notes = [f.check for f in judge(facts).findings if f.severity is not OK]

    assert (NOTE, ["sync", "lock", "room"]) == (judge(facts).worst, notes)

"""Our journals keep every journal's promises, and the suite notices those that do not."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import cast

import attrs
import pytest
import trio
import trio.testing

from atomic_store.errors import JournalFailed
from atomic_store.journal import Draft, EncodedEvent, Journal
from atomic_store.journal.disk import Disk, OSDisk
from atomic_store.journal.file import open_file_journal
from atomic_store.journal.memory import MemoryJournal, open_memory_journal
from atomic_store.journal.snapshots import keeper, lines
from atomic_store.testing import (
    DamagedSnapshotsConformance,
    FailingJournalConformance,
    FaultyDisk,
    HeldJournalConformance,
    JournalConformance,
    PersistentJournalConformance,
    check_journal,
)
from atomic_store.testing.conformance import cases_of, failures_of
from atomic_store.testing.conformance.place import JournalPlace
from broken_journals import opened
from broken_scans import ALL_BROKEN as BROKEN_APPENDS
from broken_snapshots import BROKEN_SNAPSHOTS
from kept_journals import BROKEN_SHELVES, Shelf
from snapshot_logs import damaged, estranged, with_newest

ALL_BROKEN = [*BROKEN_APPENDS, *BROKEN_SNAPSHOTS]
ROOT = Path(__file__).parent.parent
TOO_LARGE = Draft("lot-1", "id", (EncodedEvent("Bid", 1, b"1" * 2_000_000),))


class TestMemoryJournal(JournalConformance, HeldJournalConformance, FailingJournalConformance):
    """The memory journal, held and failed by its own hooks."""

    def open_journal(self) -> AbstractAsyncContextManager[MemoryJournal]:
        return open_memory_journal(decision_bytes_max=1_000_000)

    def unstorable_drafts(self) -> list[Draft]:
        return [*super().unstorable_drafts(), TOO_LARGE]

    def hold_writes(self, journal: Journal) -> None:
        assert isinstance(journal, MemoryJournal)
        journal.pause()

    def release_writes(self, journal: Journal) -> None:
        assert isinstance(journal, MemoryJournal)
        journal.resume()

    def fail_writes(self, journal: Journal) -> None:
        assert isinstance(journal, MemoryJournal)
        journal.fail()


class TestMemoryJournalWithAFailingWrite(FailingJournalConformance):
    """The memory journal, failed by a commit hook that raises when the next write starts."""

    is_failing = False

    def open_journal(self) -> AbstractAsyncContextManager[MemoryJournal]:
        return open_memory_journal(commit_hook=self.hook)

    def hook(self, records: object) -> None:
        if self.is_failing:
            raise JournalFailed("write", "a disk", "buy another one")

    def fail_writes(self, journal: Journal) -> None:
        self.is_failing = True


class TestFileJournal(PersistentJournalConformance, DamagedSnapshotsConformance):
    """The file journal on the real disk."""

    segment_bytes_max = 64 * 1024 * 1024

    @pytest.fixture(autouse=True)
    def path(self, tmp_path: Path) -> None:
        self._path = tmp_path / "conformance.store"

    def open_journal(self) -> AbstractAsyncContextManager[Journal]:
        return open_file_journal(
            self._path,
            segment_bytes_max=self.segment_bytes_max,
            decision_bytes_max=1_000_000,
        )

    def unstorable_drafts(self) -> list[Draft]:
        return [*super().unstorable_drafts(), TOO_LARGE]

    def damage_newest_snapshot(self, journal: Journal, scope: str) -> None:
        self._spoil(damaged, scope)

    def estrange_newest_snapshot(self, journal: Journal, scope: str) -> None:
        self._spoil(estranged, scope)

    def _spoil(self, spoiled: Callable[[bytes], bytes], scope: str) -> None:
        (log,) = (self._path / "snapshots").iterdir()
        content = log.read_bytes()
        with log.open("r+b") as file:
            file.write(with_newest(content, scope, spoiled))


class TestFileJournalInSmallSegments(TestFileJournal):
    """The file journal on the real disk, when nearly every commit begins another segment."""

    segment_bytes_max = 4096


class TestFileJournalOnAFaultyDisk(PersistentJournalConformance, FailingJournalConformance):
    """The file journal on a disk in memory, whose writes and syncs fail on demand."""

    @pytest.fixture(autouse=True, params=["write", "fdatasync"])
    def disk(self, request: pytest.FixtureRequest) -> None:
        self._disk = FaultyDisk()
        self._operation: str = request.param

    def open_journal(self) -> AbstractAsyncContextManager[Journal]:
        return open_file_journal("conformance.store", disk=self._disk)

    def fail_writes(self, journal: Journal) -> None:
        self._disk.fail(self._operation, times=None)


class HeldDisk:
    """The real disk, with syncs that can be held up."""

    def __init__(self) -> None:
        self.may_sync = threading.Event()
        self.may_sync.set()

    def __getattr__(self, name: str) -> object:
        return getattr(OSDisk(), name)

    def fdatasync(self, file: int) -> None:
        assert self.may_sync.wait(timeout=60), "held for a minute: who releases it?"
        OSDisk().fdatasync(file)


class TestFileJournalOnAHeldDisk(HeldJournalConformance):
    """The file journal on the real disk, with its thread held up in a sync."""

    @pytest.fixture(autouse=True)
    def place(self, tmp_path: Path) -> None:
        self._path = tmp_path / "conformance.store"
        self._disk = HeldDisk()

    def open_journal(self) -> AbstractAsyncContextManager[Journal]:
        return open_file_journal(self._path, disk=cast("Disk", self._disk))

    def hold_writes(self, journal: Journal) -> None:
        self._disk.may_sync.clear()

    def release_writes(self, journal: Journal) -> None:
        self._disk.may_sync.set()


class TestKeptJournal(PersistentJournalConformance):
    """The journal on which the cases about opening again are tried out."""

    @pytest.fixture(autouse=True)
    def shelf(self) -> None:
        self._shelf = Shelf()

    def open_journal(self) -> AbstractAsyncContextManager[Journal]:
        return self._shelf.open()


@attrs.define(eq=False)
class Opened(TestMemoryJournal):
    """All cases, for a journal of any class."""

    _journal_type: type[MemoryJournal]

    def open_journal(self) -> AbstractAsyncContextManager[MemoryJournal]:
        return opened(self._journal_type)

    def unstorable_drafts(self) -> list[Draft]:
        return super().unstorable_drafts()[:-1]


@pytest.mark.no_cover
@pytest.mark.parametrize(
    ("journal_type", "case"), ALL_BROKEN, ids=[broken.__name__ for broken, _ in ALL_BROKEN]
)
async def test_broken_journals_are_noticed(
    journal_type: type[MemoryJournal], case: str, autojump_clock: trio.testing.MockClock
) -> None:
    """For each way to break a journal, the case that is about it fails."""
    failures = await failures_of(lambda _: Opened(journal_type), [case])

    assert [case] == list(failures)
    assert [f"in the conformance case {case}"] == failures[case].__notes__


@pytest.mark.no_cover
@pytest.mark.parametrize(
    ("shelf_type", "case"), BROKEN_SHELVES, ids=[broken.__name__ for broken, _ in BROKEN_SHELVES]
)
async def test_journals_that_reopen_badly_are_noticed(
    shelf_type: type[Shelf], case: str, autojump_clock: trio.testing.MockClock
) -> None:
    """For each way to break opening again, the case that is about it fails."""
    with pytest.raises(ExceptionGroup) as raised:
        await check_journal(by_name(shelf_type), is_persistent=True)

    notes = [error.__notes__ for error in raised.value.exceptions]
    assert [f"in the conformance case {case}"] in notes


def by_name(shelf_type: type[Shelf]) -> Callable[[str], AbstractAsyncContextManager[Journal]]:
    """Give each name a shelf of its own."""
    shelves: dict[str, Shelf] = {}
    return lambda name: shelves.setdefault(name, shelf_type()).open()


async def test_unbroken_journals_pass(autojump_clock: trio.testing.MockClock) -> None:
    """What the broken journals are made of is not broken."""
    await check_journal(by_name(Shelf), is_persistent=True)
    await check_journal(lambda _: open_memory_journal(), is_persistent=False)

    assert {} == await failures_of(lambda _: Opened(MemoryJournal), cases_of(Opened))


def test_every_case_can_fail() -> None:
    """There is no case in the suite that no broken journal fails."""
    can_fail = {case for _, case in [*ALL_BROKEN, *BROKEN_SHELVES]}
    cases = {*cases_of(TestMemoryJournal), *cases_of(PersistentJournalConformance)}

    assert sorted(cases) == sorted(can_fail)


@pytest.mark.parametrize(
    ("place", "case"),
    [
        (f"{lines.__name__}.has_right_crc", "test_a_damaged_snapshot_is_passed_over"),
        (
            f"{keeper.__name__}.SnapshotKeeper._matches",
            "test_a_snapshot_beside_other_records_is_passed_over",
        ),
    ],
)
async def test_unchecked_snapshots_are_noticed(
    place: str, case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file journal that leaves one of its checks of snapshots out fails the case about it."""

    async def yes(*arguments: object) -> bool:
        return True

    monkeypatch.setattr(place, (lambda line: True) if "crc" in place else yes)

    def new_case(name: str) -> JournalPlace:
        conformance = TestFileJournal()
        conformance._path = tmp_path / "conformance.store"
        return conformance

    assert [case] == list(await failures_of(new_case, [case]))


async def test_a_persistent_journal_is_told_from_one_that_is_not() -> None:
    """A journal that forgets everything is no persistent one."""
    with pytest.raises(ExceptionGroup, match="7 of 63 conformance cases failed"):
        await check_journal(lambda _: open_memory_journal(), is_persistent=True)


async def test_what_must_be_overridden() -> None:
    """Without its overrides the suite says what is missing."""
    journal = MemoryJournal()

    with pytest.raises(NotImplementedError, match="open_journal"):
        JournalConformance().open_journal()
    with pytest.raises(NotImplementedError, match="hold_writes"):
        HeldJournalConformance().hold_writes(journal)
    with pytest.raises(NotImplementedError, match="release_writes"):
        HeldJournalConformance().release_writes(journal)
    with pytest.raises(NotImplementedError, match="fail_writes"):
        FailingJournalConformance().fail_writes(journal)
    with pytest.raises(NotImplementedError, match="damage_newest_snapshot"):
        DamagedSnapshotsConformance().damage_newest_snapshot(journal, "lot-1")
    with pytest.raises(NotImplementedError, match="estrange_newest_snapshot"):
        DamagedSnapshotsConformance().estrange_newest_snapshot(journal, "lot-1")


def test_the_suite_does_not_need_pytest() -> None:
    """`check_journal` works where pytest is not installed."""
    program = """
import sys
sys.modules["pytest"] = None
import trio
from atomic_store.testing import check_journal, open_memory_journal
trio.run(lambda: check_journal(lambda name: open_memory_journal(), is_persistent=False))
print("passed")
"""

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, check=False
    )

    assert ("", "passed\n") == (done.stderr, done.stdout)

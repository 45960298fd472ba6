"""Index files on the real disk: readers in threads beside the one that makes files; the end."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import cast

import attrs
import pytest
import trio

from atomic_store.journal import ScopeEnd, StoredRecord
from atomic_store.journal.disk import OSDisk
from atomic_store.journal.file import FileJournal, open_file_journal
from atomic_store.journal.verify import verify
from atomic_store.testing.faulty_disk import FaultyDisk
from indexed_journals import end_of, until_indexed
from journal_files import a_draft, an_id, wrapped

DECISIONS = 600


def descriptors() -> int:
    """How many files this process has open."""
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - names are counted


@attrs.define(eq=False)
class Beside:
    """Readers beside a writer: each answer must be what was durable when it was asked."""

    journal: FileJournal
    directory: Path
    random: Random = attrs.Factory(lambda: Random(1))
    appended: list[StoredRecord] = attrs.Factory(list)
    asked: int = 0
    is_over: bool = False

    async def write(self) -> None:
        sequences: dict[str, int] = {}
        for number in range(0, DECISIONS, 15):
            for k in range(number, number + 15):
                scope = f"lot-{self.random.randrange(40)}"
                draft = a_draft(scope, k, events=1 + k % 7 // 6, pad=40)
                records, commit = self.journal.append_nowait(
                    draft, expected_sequence=sequences.get(scope, 0)
                )
                sequences[scope] = records[-1].sequence
                self.appended += records
            self.journal.flush_nowait()
            await commit.wait()
        self.is_over = True

    async def read(self) -> None:
        while not self.is_over:
            await self.ask()
            self.asked += 1

    async def ask(self) -> None:
        journal = self.journal
        durable = self.appended[: journal.head.position]
        scope = f"lot-{self.random.randrange(41)}"
        known = [record for record in durable if record.scope == scope]
        match self.random.randrange(5):
            case 0:
                assert known == await journal.read_scope(scope)
            case 1:
                after = self.random.randrange(len(durable) + 1)
                expected = durable[after:][:100]
                assert expected == await journal.read_all(after=after, limit=100)
            case 2:
                end = end_of(known[-1]) if known else ScopeEnd(scope, 0, 0)
                assert end == await journal.scope_end(scope)
            case 3:
                ends = {record.scope: end_of(record) for record in durable}
                names = [name for name in sorted(ends) if name.startswith("lot-1")][:7]
                found = await journal.scopes(prefix="lot-1", limit=7)
                assert [ends[name] for name in names] == found
            case _:
                wanted = self.random.choice(durable) if durable else None
                if wanted is not None:
                    expected = [r for r in known if r.id == wanted.id]
                    expected = [r for r in durable if (r.scope, r.id) == (wanted.scope, wanted.id)]
                    assert tuple(expected) == await journal.find(wanted.scope, wanted.id)
                assert () == await journal.find(scope, an_id(DECISIONS + 1))

    async def damage(self) -> None:
        while not self.is_over:
            await trio.lowlevel.checkpoint()
            files = sorted((self.directory / "index").glob("0*.idx"))
            if files and self.random.random() < 0.02:
                self.random.choice(files).unlink(missing_ok=True)


@asynccontextmanager
async def small(path: Path) -> AsyncIterator[FileJournal]:
    """A journal with small segments and pieces on the real disk."""
    async with open_file_journal(path, segment_bytes_max=24_000, piece_bytes=4_000) as journal:
        yield journal


class TestBeside:
    @pytest.mark.parametrize("is_damaged", [False, True])
    async def test_readers(
        self, tmp_path: Path, is_damaged: bool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Readers see exactly what is durable while files are made, replaced, removed, deleted."""
        monkeypatch.setattr("atomic_store.journal.given_ends.ENDS_KEPT", 9)
        monkeypatch.setattr("atomic_store.journal.index_store.FILES_OPEN_MAX", 3)
        path = tmp_path / "shop.store"
        before = descriptors()
        async with small(path) as journal:
            beside = Beside(journal, path)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(beside.write)
                for _ in range(4):
                    nursery.start_soon(beside.read)
                if is_damaged:
                    nursery.start_soon(beside.damage)
            await until_indexed(journal)
            coverage = journal._records.coverage
            assert journal._indexer.error is None
            assert len([s for s in coverage.stretches if s.header.is_whole]) >= 5
            assert beside.asked > 10
        async with small(path) as journal:
            assert beside.appended == await journal.read_all(limit=10_000)
            for _ in range(20):
                await beside.ask()

        assert () == verify(path).damage
        assert before >= descriptors()


class TestDescriptors:
    async def test_many_lives(self, tmp_path: Path) -> None:
        """No file stays open when a store is closed, however often, and whatever was read."""
        path = tmp_path / "shop.store"
        async with small(path) as journal:
            await Beside(journal, path).write()
        before = descriptors()
        for _ in range(8):
            async with small(path) as journal:
                await journal.read_all(limit=10_000)
                await journal.find("lot-1", an_id(1))
                assert descriptors() > before + 3

        assert before == descriptors()

    async def test_read_after_closing(self, tmp_path: Path) -> None:
        """What is read of a closed journal leaves nothing open, and nothing written."""
        path = tmp_path / "shop.store"
        async with small(path) as journal:
            await Beside(journal, path).write()
        before = descriptors()
        for file in (path / "index").iterdir():
            file.unlink()
        found = await journal.read_scope("lot-1")

        assert found == [r for r in await journal.read_all(limit=10_000) if r.scope == "lot-1"]
        assert await journal.find("lot-1", found[0].id)
        assert before == descriptors()
        assert [] == list((path / "index").iterdir())

    async def test_refused(self, tmp_path: Path) -> None:
        """An opening that is refused leaves nothing open either."""
        path = tmp_path / "shop.store"
        async with small(path) as journal:
            await Beside(journal, path).write()
        segment = max((path / "journal").iterdir())
        segment.write_bytes(segment.read_bytes()[:200])
        before = descriptors()
        for _ in range(5):
            with pytest.raises(Exception, match="damaged"):
                async with small(path):
                    raise AssertionError("it is not opened")

        assert before == descriptors()


@attrs.define(eq=False)
class Gate:
    """Holds the thread that gives an index file its name, until it is opened."""

    has_come: threading.Event = attrs.Factory(threading.Event)
    may_go: threading.Event = attrs.Factory(threading.Event)

    def rename(self, old: str, new: str) -> None:
        if "/index/" in new:
            self.has_come.set()
            assert self.may_go.wait(30)
        OSDisk().rename(old, new)


async def until_busy(journal: FileJournal, gate: Gate) -> None:
    """Append until the indexer holds at the gate."""
    number = 0
    while not gate.has_come.is_set():
        _, commit = journal.append_nowait(a_draft("lot-1", number), expected_sequence=number)
        journal.flush_nowait()
        await commit.wait()
        number += 1


class TestClosing:
    @pytest.mark.parametrize("is_interrupted", [False, True])
    def test_while_busy(self, tmp_path: Path, is_interrupted: bool) -> None:
        """Closing waits for the file that is made; neither cancelling nor Ctrl-C ends that."""
        path, gate = tmp_path / "shop.store", Gate()
        disk = wrapped(cast("FaultyDisk", OSDisk()), rename=gate.rename)
        before, threads = descriptors(), threading.active_count()
        said: list[str] = []

        @trio.lowlevel.enable_ki_protection
        async def let_go() -> None:
            while journals[0]._indexer._closer is None:
                await trio.lowlevel.checkpoint()
            for _ in range(50):
                await trio.lowlevel.checkpoint()
            if is_interrupted:
                signal.raise_signal(signal.SIGINT)
            for _ in range(50):
                await trio.lowlevel.checkpoint()
            said.append("let go")
            gate.may_go.set()

        journals: list[FileJournal] = []

        async def main() -> None:
            async with trio.open_nursery() as nursery:
                with trio.CancelScope() as scope:
                    async with open_file_journal(path, disk=disk, piece_bytes=1) as journal:
                        journals.append(journal)
                        await until_busy(journal, gate)
                        nursery.start_soon(let_go)
                        scope.cancel()
                said.append("closed")

        if is_interrupted:
            with pytest.raises((KeyboardInterrupt, BaseExceptionGroup)) as interrupted:
                trio.run(main)
            assert "KeyboardInterrupt" in repr(interrupted.value)
        else:
            trio.run(main)

        assert "let go" == said[0]
        assert () == verify(path).damage
        assert b'{"close":' in max((path / "journal").iterdir()).read_bytes()
        assert threading.active_count() <= threads + 8
        assert before >= descriptors()

    async def test_without_waiting_jobs(self, tmp_path: Path) -> None:
        """What waits to be made when it is closed is made when it is opened, or later."""
        path, gate = tmp_path / "shop.store", Gate()
        disk = wrapped(cast("FaultyDisk", OSDisk()), rename=gate.rename)
        async with open_file_journal(path, disk=disk, piece_bytes=1) as journal:
            await until_busy(journal, gate)
            count = journal.head.position
            for number in range(count, count + 9):
                _, commit = journal.append_nowait(
                    a_draft("lot-1", number), expected_sequence=number
                )
                journal.flush_nowait()
                await commit.wait()
            assert len(journal._indexer._jobs) >= 9
            gate.may_go.set()
            journal._indexer._is_stopped = True
        assert len(list((path / "index").glob("*.idx"))) <= 1

        async with open_file_journal(path) as journal:
            assert count + 9 == len(await journal.read_scope("lot-1"))

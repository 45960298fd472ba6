"""Stores that are backed up, restored, repaired, exported and imported, on a disk in memory."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

import attrs
import trio

from atomic_store import open_reader
from atomic_store.errors import JournalCorrupt, JournalFailed, NotAStore
from atomic_store.journal import StoredRecord
from atomic_store.journal.disk import Kind
from atomic_store.safekeeping import export_records, verify
from atomic_store.testing.faulty_disk import FaultyDisk
from followed_journals import records_in
from journal_files import STORE, only_open_at

TARGET: Final = "/target"

Tool = Callable[[FaultyDisk], object]
"""Makes `TARGET` of `STORE`."""


def exported(disk: FaultyDisk, place: str, scope: str | None = None) -> bytes:
    """A store's export."""

    async def main() -> bytes:
        parts: list[bytes] = []
        async with open_reader(place, disk=disk) as reader:
            await export_records(reader.read(scope=scope), parts.append)
        return b"".join(parts)

    return trio.run(main)


def files_of(disk: FaultyDisk, place: str) -> dict[str, bytes]:
    """The files below a directory, but for its lock."""
    return {
        path: content
        for path, content in disk.files().items()
        if path.startswith(f"{place}/") and not path.endswith("/lock")
    }


def without_places(records: list[StoredRecord]) -> list[tuple[object, ...]]:
    """All that stays of records when they are stored anew."""
    return [
        (r.scope, r.sequence, r.id, r.at, r.type, r.version, r.part, r.data, r.metadata, r.meta,
         r.proposed)
        for r in records
    ]  # fmt: skip


@attrs.frozen
class Faults:
    """A tool on a failing disk: its target is not there, or whole; its source is as it was."""

    before: FaultyDisk
    tool: Tool
    wanted: list[tuple[object, ...]]
    """What the target has, if it is there."""
    left_out: bytes | None
    """What a repair tells in a file."""
    operations: frozenset[str]
    """What the tool asks of the disk."""

    @classmethod
    def of(cls, before: FaultyDisk, tool: Tool) -> Faults:
        """See what the tool makes when nothing fails."""
        disk = before.copy()
        tool(disk)
        operations = frozenset(operation for operation, _ in disk.log)
        left_out = disk.files().get(f"{TARGET}/left-out.jsonl")
        return cls(before, tool, without_places(records_in(TARGET, disk)), left_out, operations)

    def lose_power_at_every_step(self) -> int:
        """Lose the power, or kill the process, before each change; gives how many there are."""
        step = 0
        while True:
            step += 1
            disk = self.before.copy()
            disk.power_off_at(step)
            try:
                self.tool(disk)
            except JournalFailed:
                pass
            else:
                for seed in range(8):
                    left = disk.crash(seed)
                    assert left.kind(TARGET) is not Kind.NOTHING
                    self.check(left)
                return step
            for seed in range(3):
                self.check(disk.crash(seed))
            self.check(disk.copy())

    def fail_at_every_call(self, operation: str, error: int) -> int:
        """Have each call of an operation fail once; gives how many there are."""
        nth = 0
        while True:
            nth += 1
            disk = self.before.copy()
            disk.fail(operation, nth=nth, error=error)
            with suppress(JournalFailed):
                self.tool(disk)
            if not disk.failures:
                return nth - 1
            self.check(disk.copy())
            assert [] == [path for path in disk.files() if "/.new-" in path]

    def check(self, disk: FaultyDisk) -> None:
        """See what is left on a disk."""
        assert files_of(self.before, STORE) == files_of(disk, STORE)
        for name in disk.list_directory("/"):
            if name.startswith(".new-"):
                self.check_unfinished(disk, f"/{name}")
        if disk.kind(TARGET) is not Kind.NOTHING:
            assert () == verify(TARGET, disk=disk).damage
            assert self.wanted == without_places(records_in(TARGET, disk))
            assert self.left_out == disk.files().get(f"{TARGET}/left-out.jsonl")

    def check_unfinished(self, disk: FaultyDisk, place: str) -> None:
        """What has not got its name yet is whole, or no store."""
        opened, is_store = disk.copy(), False
        with suppress(NotAStore, JournalCorrupt):
            only_open_at(opened, place)
            is_store = True
        if is_store:
            assert self.wanted == without_places(records_in(place, opened))


def written(tmp_path: Path, content: bytes) -> Path:
    """A file of lines."""
    path = tmp_path / "records.jsonl"
    path.write_bytes(content)
    return path

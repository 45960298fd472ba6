"""Small stores with snapshots on a disk in memory, for the tests of snapshots."""

from __future__ import annotations

import json
from typing import Any

import trio

from atomic_store.journal import Snapshot
from atomic_store.journal.snapshots.log import LogPlace
from atomic_store.testing.faulty_disk import FaultyDisk
from journal_files import STORE, Writing, a_draft, writing

SNAPSHOTS = f"{STORE}/snapshots"
FAULTS_OF_READING = (("list", 1), ("open", 1), ("read", 1), ("fstat", 1))
"""What can go wrong when a log is chosen."""
SCOPES = ("lot-1", "lot-2")


def log_path(number: int = 1) -> str:
    """Where the log of this number is."""
    return f"{SNAPSHOTS}/{number:020}.jsonl"


def state_of(scope: str, sequence: int, *, pad: int = 0, version: int = 1) -> Snapshot:
    """A snapshot that tells what it is of."""
    return Snapshot(
        scope, sequence, version, b'["%b",%d]' % (scope.encode() + b"x" * pad, sequence)
    )


async def keep(store: Writing, sequence: int, **how: int) -> None:
    """Append up to a sequence to both scopes, and keep the states there."""
    for scope in SCOPES:
        while (await store.journal.scope_end(scope)).sequence < sequence:
            await store.commit(a_draft(scope, len(store.appended) + 1000 * sequence))
    await store.journal.save_snapshots([state_of(scope, sequence, **how) for scope in SCOPES])


async def keeping(*sequences: int) -> FaultyDisk:
    """A disk with a closed store that has kept these states of both scopes."""
    disk = FaultyDisk()
    async with writing(disk, segment_bytes_max=10**6) as store:
        for sequence in sequences:
            await keep(store, sequence)
    return disk


def kept(*sequences: int) -> FaultyDisk:
    """The same, where Trio does not run."""
    return trio.run(keeping, *sequences)


async def newest(journal: Any, *, version: int = 1) -> list[int]:
    """The sequences of the newest snapshots; 0 for none. They must be what was kept."""
    found = []
    for scope in SCOPES:
        snapshot = await journal.load_snapshot(scope, version=version)
        if snapshot is not None:
            assert snapshot == state_of(scope, snapshot.sequence, version=version)
        found.append(0 if snapshot is None else snapshot.sequence)
    return found


async def newest_in(disk: FaultyDisk, version: int = 1) -> list[int]:
    """The same, in the store on a disk."""
    async with writing(disk) as store:
        return await newest(store.journal, version=version)


def newest_on(disk: FaultyDisk, *, version: int = 1) -> list[int]:
    """The same, where Trio does not run."""
    return trio.run(newest_in, disk, version)


def place_on(disk: FaultyDisk) -> LogPlace:
    """Where the snapshots of the store on a disk are."""
    store = json.loads(disk.files()[f"{STORE}/store.json"])
    return LogPlace(disk, STORE, store["store"], store["history"])

"""Stores that have grown for years: made once a run, then opened and asked."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, cast

import trio
import uuid_utils

from atomic_store.journal import Draft, EncodedEvent
from atomic_store.journal.file import FileJournal, open_file_journal

from .databases import NotRun
from .workload import DATA_BYTES

if TYPE_CHECKING:
    from .runner import Round

LONG_SCOPE = "long"
"""One scope has far more records than the others, spread over the whole store."""
RARE_BIDDER = "rare"
RARE_EVERY = 100_000
"""One record in so many is of that bidder."""
_AT_ONCE = 2_000


def grown_store(round_: Round, which: int) -> Path:
    """A closed store of one of the sizes, made once; then the same in all rounds."""
    events = _events(round_, which)
    directory = round_.shared / f"grown-{events}.store"
    if not directory.exists():
        trio.run(_grow, directory, events, long_records(events))
    return directory


def killed_store(round_: Round, which: int) -> Path:
    """The same as its writer's kill would have left it: without a close line."""
    source = grown_store(round_, which)
    directory = source.with_name(f"killed-{source.name}")
    if directory.exists():
        shutil.rmtree(directory)
    shutil.copytree(source, directory, copy_function=os.link)
    last = max((directory / "journal").glob("*.jsonl"))
    copied = last.read_bytes()
    last.unlink()
    last.write_bytes(copied[: copied.rindex(b'{"close":')])
    return directory


def long_records(events: int) -> int:
    """How many records the long scope has in a store of so many."""
    return min(10_000, events // 20)


def scopes_of(events: int) -> int:
    """How many scopes there are in a store of so many records: 50 records each, and more."""
    return min(100_000, max(1, events // 50))


def _events(round_: Round, which: int) -> int:
    if which >= len(round_.sizes.grown):
        raise NotRun("only in a full run")
    return round_.sizes.grown[which]


async def _grow(directory: Path, events: int, long: int) -> None:
    """Append to the journal itself: a store's own way would take twice as long."""
    scopes, every = scopes_of(events), events // long
    sequences = dict.fromkeys(range(scopes), 0) | {-1: 0}
    async with open_file_journal(directory) as journal:
        for number in range(events):
            scope = -1 if number % every == 0 and sequences[-1] < long else number * 7919 % scopes
            _append(journal, scope, sequences[scope], number)
            sequences[scope] += 1
            if number % _AT_ONCE == _AT_ONCE - 1:
                await _flush(journal)
        await _flush(journal)


def _append(journal: FileJournal, scope: int, sequence: int, number: int) -> None:
    lot = LONG_SCOPE if scope < 0 else f"lot-{scope}"
    bidder = RARE_BIDDER if number % RARE_EVERY == RARE_EVERY // 2 else f"bidder-{number % 977}"
    data = b'{"lot":"%b","bidder":"%b","cents":%d,"note":"' % (
        lot.encode(), bidder.encode(), number,
    )  # fmt: skip
    data += b"n" * (DATA_BYTES - len(data) - 2) + b'"}'
    draft = Draft(lot, str(uuid_utils.uuid7()), (EncodedEvent("Bid", 1, data),))
    journal.append_nowait(draft, expected_sequence=sequence)


async def _flush(journal: FileJournal) -> None:
    commit = journal._pipeline.batch.commit
    if journal._pipeline.batch.records:
        journal.flush_nowait()
        await commit.wait()


# --- opening, in a process of its own --------------------------------------------------


def opening_s(killed: bool, cold: bool, which: int, round_: Round) -> float:
    """Open a grown store in a fresh process; gives seconds."""
    return _opened(round_, killed, cold, which)["seconds"]


def opening_mb(killed: bool, which: int, round_: Round) -> float:
    """The same; gives the process's largest resident size, in MB."""
    return _opened(round_, killed, False, which)["peak_mb"]


def _opened(round_: Round, killed: bool, cold: bool, which: int) -> dict[str, float]:
    store = (killed_store if killed else grown_store)(round_, which)
    if cold:
        _drop_from_cache(store)
    return ask_process("opening", store)


def ask_process(what: str, store: Path, *more: str) -> dict[str, float]:
    """Run `python -m tests.benchmarks.alone`, and give the figures that it prints."""
    root = Path(__file__).parents[2]
    command = [sys.executable, "-m", "tests.benchmarks.alone", what, str(store.absolute()), *more]
    done = subprocess.run(command, cwd=root, stdout=subprocess.PIPE, check=True)
    return cast("dict[str, float]", json.loads(done.stdout))


def _drop_from_cache(store: Path) -> None:
    """Have the system forget a store's files, so that they are read from the disk again."""
    for path in store.rglob("*"):
        if path.is_file():
            file = os.open(path, os.O_RDONLY)
            try:
                os.fdatasync(file)
                os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
            finally:
                os.close(file)


# --- asking ----------------------------------------------------------------------------


def first_admission_ms(with_fold: bool, which: int, round_: Round) -> float:
    """Propose to the long scope of a grown store, which is cold; gives milliseconds."""
    store = grown_store(round_, which)
    kind = "fold" if with_fold else "past"
    # The first one brings what it reads into the page cache.
    figures = [ask_process("admission", store, kind) for _ in range(2)]
    return figures[1]["milliseconds"]


def bytes_per_event(round_: Round) -> float:
    """What the largest grown store takes on the disk for each event, index files included."""
    events = max(round_.sizes.grown)
    store = grown_store(round_, round_.sizes.grown.index(events))
    kept = (path for path in store.rglob("*") if path.is_file())
    return sum(path.stat().st_size for path in kept) / events


def many_scopes_mb(round_: Round) -> float:
    """Use many scopes once each; gives by how many MB that makes a process larger."""
    store = round_.directory / "bids.store"
    return ask_process("scopes", store, str(round_.sizes.scopes_once))["grown_mb"]

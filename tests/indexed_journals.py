"""Journals of several segments and pieces, and all that can be asked of one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import cache
from itertools import groupby
from typing import Any, TypeAlias

import trio

from atomic_store.journal import Draft, EncodedEvent, ScopeEnd, StoredRecord
from atomic_store.journal.file import FileJournal
from atomic_store.journal.opening import OpenedFiles, open_files
from atomic_store.testing.faulty_disk import FaultyDisk
from journal_files import INDEX, STORE, Writing, a_draft, an_id, writing

SEGMENT = 3000
PIECE = 500
"""A segment has a few pieces, and a piece has a few records."""
SCOPES = ["lot-1", "lot-10", 'ö "\n', "\U0001f600", "lot-2", "￿"]
"""Some begin like others, some are ordered otherwise by UTF-16."""

Answers: TypeAlias = dict[object, Any]


@asynccontextmanager
async def indexing(disk: FaultyDisk, *, segment: int = SEGMENT) -> AsyncIterator[Writing]:
    """Open the journal with small segments and pieces."""
    async with writing(disk, segment_bytes_max=segment, piece_bytes=PIECE) as store:
        yield store


async def until_indexed(journal: FileJournal) -> None:
    """Wait until no index file is being made."""
    while journal._indexer._is_busy:
        await trio.lowlevel.checkpoint()


def a_decision(number: int) -> Draft:
    """One of several decisions: of one event or more, with metadata or without."""
    scope = SCOPES[(number * number + number // 6) % len(SCOPES)]
    draft = a_draft(scope, number // 2, events=1 + number % 5 // 3)
    metadata = b'{"correlation":"c%d","causation":"x"}' % (number % 4) if number % 3 else None
    return Draft(scope, draft.id, draft.events, metadata)


async def write(store: Writing, first: int, last: int) -> None:
    """Append decisions, one or two a commit."""
    for number in range(first, last + 1, 2):
        await store.commit(*(a_decision(k) for k in {number, min(number + 1, last)}))
        await until_indexed(store.journal)


@cache
def _stores() -> tuple[FaultyDisk, FaultyDisk]:
    async def main() -> FaultyDisk:
        async with indexing(disk) as store:
            await write(store, 1, 36)
            return disk.copy()

    disk = FaultyDisk()
    # In a thread of its own: who asks first may be in a run of Trio already.
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(trio.run, main).result(), disk


def indexed(*, is_closed: bool = True) -> FaultyDisk:
    """A disk with a store of whole segments and pieces, closed or as a kill leaves it."""
    killed, closed = _stores()
    return (closed if is_closed else killed).copy()


def index_files(disk: FaultyDisk) -> dict[str, bytes]:
    """The index files on a disk, by path."""
    return {path: found for path, found in disk.files().items() if path.startswith(f"{INDEX}/")}


def with_index(disk: FaultyDisk, files: dict[str, bytes]) -> FaultyDisk:
    """A copy of a disk with these index files, and no others."""
    copy = disk.copy()
    if index_files(copy):
        copy.remove(INDEX)
    for path, content in files.items():
        copy.put(path, content)
    return copy


async def asked(journal: FileJournal) -> Answers:
    """Ask everything that can be asked, and give the answers."""
    records = await journal.read_all(limit=10_000)
    answers: Answers = {"all": records}
    for after, limit in ((0, 5), (4, 9), (len(records) - 2, 10), (7, 0), (10_000, 3), (-3, 2)):
        answers["all", after, limit] = await journal.read_all(after=after, limit=limit)
    for scope in scopes_of(records):
        answers["end", scope] = await journal.scope_end(scope)
        answers["scope", scope] = await journal.read_scope(scope)
        answers["newest", scope] = await journal.read_scope(scope, reverse=True, limit=3)
        answers["oldest", scope] = await journal.read_scope(scope, limit=2)
        answers["middle", scope] = await journal.read_scope(scope, first=3, last=5, reverse=True)
    for record in records:
        answers["find", record.scope, record.id] = await journal.find(record.scope, record.id)
    for record in records[::9]:
        answers["miss", record.id] = await journal.find("lot-100", record.id)
    answers["no id"] = await journal.find("lot-1", "\ud800"), await journal.find("lot-1", an_id(0))
    for prefix, behind, limit in PAGES:
        page = await journal.scopes(prefix=prefix, after=behind, limit=limit)
        answers["scopes", prefix, behind, limit] = page
    return answers


PAGES: list[tuple[str, str | None, int]] = [
    ("", None, 1000), ("", None, 2), ("", "lot-1", 2), ("lot-1", None, 5), ("lot-1", "lot-1", 5),
    ("lot-", "lot-10", 1), ("z", None, 5), ("", "￿", 5), ("", "\ud800", 5), ("\ud800", None, 5),
    ("", None, 0), ("", None, -1), ("", "a", 3),
]  # fmt: skip


def expected_of(records: list[StoredRecord]) -> Answers:
    """What must be answered by a journal that holds these records: a plain list says it."""
    answers: Answers = {"all": records}
    for after, limit in ((0, 5), (4, 9), (len(records) - 2, 10), (7, 0), (10_000, 3), (-3, 2)):
        answers["all", after, limit] = records[max(after, 0) : max(after, 0) + limit]
    ends: dict[str, ScopeEnd] = {}
    for scope in scopes_of(records):
        found = [record for record in records if record.scope == scope]
        last = found[-1] if found else None
        end = ScopeEnd(scope, 0, 0) if last is None else end_of(last)
        answers["end", scope] = end
        answers["scope", scope] = found
        answers["newest", scope] = found[::-1][:3]
        answers["oldest", scope] = found[:2]
        answers["middle", scope] = found[2:5][::-1]
        if found:
            ends[scope] = end
    for key, decision in groupby(records, key=lambda record: (record.scope, record.id)):
        answers["find", *key] = tuple(decision)
    answers |= {("miss", record.id): () for record in records[::9]}
    answers["no id"] = (), ()
    for prefix, behind, limit in PAGES:
        begin = "" if behind is None else behind
        names = [n for n in sorted(ends) if n.startswith(prefix) and n > begin]
        answers["scopes", prefix, behind, limit] = [ends[n] for n in names[: max(0, limit)]]
    return answers


def scopes_of(records: list[StoredRecord]) -> set[str]:
    """All scopes that are asked for: those that are there, and some that are not."""
    return {record.scope for record in records} | {*SCOPES, "", "lot", "lot-100", "\ud800"}


def end_of(record: StoredRecord) -> ScopeEnd:
    """Where a scope ends whose last record this is."""
    return ScopeEnd(record.scope, record.sequence, record.position, record.at)


def compare(found: Answers, expected: Answers, of: object) -> None:
    """Fail with the first wrong answer, and what it was found on."""
    for question, answer in expected.items():
        assert (of, question, answer) == (of, question, found[question])


@cache
def expected() -> Answers:
    """What the small stores must answer: what one without index files does."""
    disk = with_index(indexed(), {})

    async def main() -> Answers:
        async with writing(disk, segment_bytes_max=SEGMENT) as store:
            found = await asked(store.journal)
            compare(found, expected_of(found["all"]), "without an index")
            return found

    # As for the stores: it may be asked first within a run.
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(trio.run, main).result()


def check(disk: FaultyDisk, of: object, *, times: int = 2) -> None:
    """Open the store as often, and compare all that it answers."""

    async def main() -> None:
        async with indexing(disk) as store:
            compare(await asked(store.journal), expected(), of)

    for _ in range(times):
        trio.run(main)


def only_opened(disk: FaultyDisk) -> OpenedFiles:
    """Open the files and close them again, as a kill would."""
    files = open_files(
        disk,
        STORE,
        now=lambda: "2026-11-23T16:00:00.000000Z",
        segment_bytes_max=SEGMENT,
        on_progress=lambda read, in_all: None,
    )
    files.close()
    return files


def an_event(pad: int = 0) -> EncodedEvent:
    """Some event."""
    return EncodedEvent("Bid", 1, b'"%b"' % (b"x" * pad))

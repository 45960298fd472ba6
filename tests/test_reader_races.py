"""A reader beside real processes that write, are killed, and go on: no gap, no double, no loss."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio

from atomic_store import CaughtUp, JsonEvent, Record, open_reader
from atomic_store.journal.file import open_file_journal
from command_line import environment

pytestmark = pytest.mark.no_cover
"""It goes again and again through what other tests have covered."""

WRITER = Path(__file__).parent / "writing_process.py"


@asynccontextmanager
async def writer(store: Path, commits: int) -> AsyncIterator[trio.Process]:
    """A process that writes; killed at the end of the block, if it still runs."""
    process = await trio.lowlevel.open_process(
        [sys.executable, str(WRITER), str(store), str(commits)],
        stdout=subprocess.PIPE, env=environment(),
    )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        with trio.CancelScope(shield=True):
            await process.wait()
            assert process.stdout is not None
            await process.stdout.aclose()


async def acknowledged(process: trio.Process, count: int) -> int:
    """Wait until so many commits are; give the last position, 0 if it ended before the first."""
    assert process.stdout is not None
    said = b""
    while said.count(b"\n") < count:
        some = await process.stdout.receive_some()
        if not some:
            break
        said += some
    whole = said[: said.rfind(b"\n") + 1].split()
    return int(whole[-1]) if whole else 0


async def test_writers_that_are_killed(tmp_path: Path) -> None:
    """Each record comes once, in order; what was acknowledged comes; what came stays."""
    store = tmp_path / "bids.store"
    seen: list[Record[JsonEvent]] = []
    told = 0
    with trio.fail_after(100):
        async with writer(store, 3) as process:
            await acknowledged(process, 1)
        async with open_reader(store) as reader, trio.open_nursery() as nursery:

            async def follow() -> None:
                async with reader.subscribe() as feed:
                    while True:
                        item = await anext(feed)
                        if not isinstance(item, CaughtUp):
                            seen.append(item)

            nursery.start_soon(follow)
            for round_ in range(8):
                async with writer(store, 100_000) as process:
                    told = max(told, await acknowledged(process, 12 + 5 * round_))
                    # Others come in the middle, and see a beginning of it.
                    async with open_reader(store) as late:
                        head = late.head.position
                        records = await late.read(before=head + 1).all()
                        assert [*range(1, head + 1)] == [record.position for record in records]
                        assert head >= told
            head = (await reader.refresh()).position
            assert head >= told
            while len(seen) < head:
                await trio.lowlevel.checkpoint()
            nursery.cancel_scope.cancel()

        assert [*range(1, head + 1)] == [record.position for record in seen]
        async with open_file_journal(store) as journal:
            stored = await journal.read_all(limit=head + 100)

    assert [record._stored for record in seen] == stored[:head]
    assert len(stored) == head
    assert len([*store.glob("journal/*.jsonl")]) > 3


async def test_a_store_that_is_closed_and_opened_again(tmp_path: Path) -> None:
    """A feed goes on over closes and cuts, a few milliseconds behind."""
    store = tmp_path / "bids.store"
    with trio.fail_after(100):
        async with writer(store, 4) as process:
            await acknowledged(process, 99)
            assert 0 == await process.wait()
        async with open_reader(store) as reader, reader.subscribe(after="end") as feed:
            assert reader.was_closed
            assert isinstance(await anext(feed), CaughtUp)
            last = reader.head.position
            for _ in range(3):
                async with writer(store, 120) as process:
                    told = await acknowledged(process, 99)
                    assert 0 == await process.wait()
                while last < told:
                    item = await anext(feed)
                    assert isinstance(item, Record)
                    assert last + 1 == item.position
                    last = item.position
            await reader.refresh()
            assert reader.was_closed
            assert [*range(1, reader.head.position + 1)] == [
                record.position for record in await reader.read().all()
            ]

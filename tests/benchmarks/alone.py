"""`python -m tests.benchmarks.alone`: what is measured in a process of its own."""

from __future__ import annotations

import gc
import json
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import trio

from atomic_store import Fold, Record, open_reader
from atomic_store.journal.file import open_file_journal

from .grown import LONG_SCOPE
from .stores import HighestBid, accept, bid_store, fill, highest
from .workload import Bid, bid

LOOKUPS = 41
"""How many look-ups of a kind; an odd number."""
BURST_S = 0.002
"""How long is computed at a time: a reader works through what has gathered for as long."""


async def opening(store: Path) -> dict[str, float]:
    """How long it takes to open a store's journal, and how large that makes the process."""
    began = time.perf_counter()
    async with open_file_journal(store):
        seconds = time.perf_counter() - began
    # Not `ru_maxrss`: that counts the process that started this one, too.
    return {"seconds": seconds, "peak_mb": status_mb("VmHWM")}


async def admission(store: Path, kind: str) -> dict[str, float]:
    """How long the first admission in a long, cold scope takes."""
    state = Fold(HighestBid(), highest, state_type=HighestBid) if kind == "fold" else None
    if state is not None:
        # The scope was used with this fold before, at some time.
        async with bid_store(store, state=state) as opened:
            await opened.store_if_valid(bid(LONG_SCOPE, 1, 1), accept)
    async with bid_store(store, state=state) as opened:
        began = time.perf_counter()
        await opened.store_if_valid(bid(LONG_SCOPE, 1, 2), accept)
        return {"milliseconds": 1e3 * (time.perf_counter() - began)}


async def scopes(store: Path, count: str) -> dict[str, float]:
    """By how much a process grows that uses so many scopes once each."""
    async with bid_store(store) as opened:
        await fill(opened, ["warm-up"], 1)
        gc.collect()
        before = status_mb("RssAnon")
        lots = [f"lot-{k}" for k in range(int(count))]
        for begin in range(0, len(lots), 1_000):
            await fill(opened, lots[begin : begin + 1_000], 1)
        gc.collect()
        return {"grown_mb": max(0.1, status_mb("RssAnon") - before)}


async def filtered(store: Path, where: str) -> dict[str, float]:
    """How long it takes to look for what a filter means in all of a store."""
    async with bid_store(store) as opened:
        began = time.perf_counter()
        found = await opened.read(where=where).all()
        return {"seconds": time.perf_counter() - began, "found": len(found)}


async def lookups(store: Path) -> dict[str, float]:
    """What some look-ups take, each the median of some, at places that nobody asked for before."""
    async with bid_store(store) as opened:
        head = opened.head.position
        places = [1 + head * k // LOOKUPS for k in range(LOOKUPS)]
        records = [(await opened.read(after=place - 1, limit=1).all())[0] for place in places]

        async def median_ms(ask: Callable[[Record[Bid]], Awaitable[object]]) -> float:
            taken = []
            for record in records:
                began = time.perf_counter()
                await ask(record)
                taken.append(time.perf_counter() - began)
            return 1e3 * statistics.median(taken)

        return {
            "position": await median_ms(
                lambda r: opened.read(after=max(1, r.position // 3), limit=1).all()
            ),
            "last": await median_ms(lambda r: opened.query_events(r.scope, last=50)),
            "id": await median_ms(lambda r: opened.outcome(r.proposal_id, scope=r.scope)),
            "time": await median_ms(lambda r: opened.read(at=r.at, limit=1).all()),
        }


async def following(store: Path, count: str) -> dict[str, float]:
    """
    Follow a writer for so many records; how far behind they are seen, and at what CPU time.

    Of those that come together only the last one's time is looked at: that of each would be
    a tenth of what following takes.
    """
    behind: list[float] = []
    seen = 0
    async with open_reader(store) as reader, reader.subscribe(after=0) as feed:
        print("ready", flush=True)
        began: tuple[float, float] | None = None
        while seen < int(count):
            records = [item for item in await feed.page() if isinstance(item, Record)]
            if records:
                began = began or (time.perf_counter(), time.process_time())
                behind.append(1e3 * (time.time() - records[-1].at.timestamp()))
                seen += len(records)
    assert began is not None
    share = (time.process_time() - began[1]) / (time.perf_counter() - began[0])
    behind.sort()
    return {
        "median_ms": statistics.median(behind), "p99_ms": behind[int(0.99 * len(behind))],
        "share": share,
    }  # fmt: skip


async def computing(store: Path, share: str) -> dict[str, float]:
    """Compute for so great a part of the time, without a look at the store, until it is closed."""
    print("ready", flush=True)
    async with trio.open_nursery() as nursery:

        async def compute() -> None:
            while True:
                used, began = time.process_time(), time.perf_counter()
                while time.process_time() - used < BURST_S:
                    sum(range(1_000))
                took = time.perf_counter() - began
                await trio.sleep(max(0.0, BURST_S / float(share) - took))

        nursery.start_soon(compute)
        await trio.to_thread.run_sync(sys.stdin.readline)
        nursery.cancel_scope.cancel()
    return {}


def status_mb(member: str) -> float:
    """
    What the kernel says of this process, in MB (Linux).

    Args:
      member: `RssAnon`, its memory that is not of files; or `VmHWM`, the most that it ever had.
    """
    for line in Path("/proc/self/status").read_text("ascii").splitlines():
        if line.startswith(f"{member}:"):
            return int(line.split()[1]) / 1024
    raise AssertionError(f"the kernel says nothing of {member}")


if __name__ == "__main__":
    kinds = (opening, admission, scopes, filtered, lookups, following, computing)
    measure = {kind.__name__: kind for kind in kinds}[sys.argv[1]]
    print(json.dumps(trio.run(measure, Path(sys.argv[2]), *sys.argv[3:])))  # type: ignore[arg-type]  # each takes what is given for it

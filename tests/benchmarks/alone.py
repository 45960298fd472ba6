"""`python -m tests.benchmarks.alone`: what is measured in a process of its own."""

from __future__ import annotations

import gc
import json
import resource
import sys
import time
from pathlib import Path

import trio

from atomic_store import Fold
from atomic_store.journal.file import open_file_journal

from .grown import LONG_SCOPE
from .stores import HighestBid, accept, bid_store, fill, highest
from .workload import bid


async def opening(store: Path) -> dict[str, float]:
    """How long it takes to open a store's journal, and how large that makes the process."""
    began = time.perf_counter()
    async with open_file_journal(store):
        seconds = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"seconds": seconds, "peak_mb": peak}


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
        before = anonymous_mb()
        lots = [f"lot-{k}" for k in range(int(count))]
        for begin in range(0, len(lots), 1_000):
            await fill(opened, lots[begin : begin + 1_000], 1)
        gc.collect()
        return {"grown_mb": max(0.1, anonymous_mb() - before)}


def anonymous_mb() -> float:
    """This process's memory that is not of files, in MB (Linux)."""
    for line in Path("/proc/self/status").read_text("ascii").splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) / 1024
    raise AssertionError("the kernel says nothing of RssAnon")


if __name__ == "__main__":
    measure = {"opening": opening, "admission": admission, "scopes": scopes}[sys.argv[1]]
    print(json.dumps(trio.run(measure, Path(sys.argv[2]), *sys.argv[3:])))  # type: ignore[arg-type]  # each takes what is given for it

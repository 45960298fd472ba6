"""Many seeds, one after the other or on all processors, and what they met."""

from __future__ import annotations

import gc
import os
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from typing import Final

import attrs

from .flow import Flow, source_of
from .generating import flow_of
from .running import Ran, run
from .shrinking import shrunk

CHUNK_SEEDS: Final = 50

MUST_MEET: Final = (
    *(f"propose: {answer}" for answer in (
        "accepted", "rejected", "timed out", "duplicate", "raised", "cancelled", "withdrawn",
        "busy", "conflict", "stale", "closed", "scope failed", "failed",
    )),
    *(f"cancelled {way}" for way in ("plain", "async", "remote", "consider", "message")),
    *(f"{call}: gave" for call in ("query", "outcome", "read", "follow")),
    *(f"end: {end}" for end in ("close", "raise", "cancel", "JournalFailed")),
    *(f"fault: {operation}" for operation in (
        "write", "short write", "fdatasync", "fsync", "rename", "open", "read", "power off",
    )),
    *(f"opened: {how}" for how in ("torn", "not closed", "several segments", "after power loss")),
    *(f"index {damage}" for damage in (
        "deleted", "one deleted", "cut off", "changed", "swapped",
    )),
    *(f"snapshots {what}" for what in ("written", "used", "skipped")),
)  # fmt: skip
"""What some thousand flows meet, all of it: those that do not prove little."""


@attrs.frozen
class Failure:
    """A flow that was wrong."""

    seed: int
    rule: str
    text: str


@attrs.define
class Summary:
    """What became of many flows."""

    seeds: int = 0
    counts: Counter[str] = attrs.Factory(Counter)
    failures: list[Failure] = attrs.Factory(list)

    def add(self, other: Summary) -> None:
        """Take in what became of others."""
        self.seeds += other.seeds
        self.counts.update(other.counts)
        self.failures += other.failures

    @property
    def never_met(self) -> list[str]:
        """What should have happened, and did not."""
        return [what for what in MUST_MEET if not self.counts[what]]


@contextmanager
def _collecting_seldom() -> Iterator[None]:
    """Look for garbage less often: that takes a third of the time of a flow."""
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


def run_seeds(seeds: Iterable[int], make: Callable[[int], Flow] = flow_of) -> Summary:
    """Run the flows of some seeds in this process."""
    summary = Summary()
    with _collecting_seldom():
        for seed in seeds:
            ran = run(make(seed))
            summary.seeds += 1
            summary.counts.update(ran.counts)
            if ran.violations:
                summary.failures.append(_failure(seed, ran))
    return summary


def _failure(seed: int, ran: Ran) -> Failure:
    return Failure(seed, ran.violations[0].rule, "\n".join(map(str, ran.violations)))


def run_campaign(
    first: int, seeds: int, say: Callable[[str], object], processes: int | None = None
) -> Summary:
    """
    Run the flows of many seeds on all processors.

    Args:
      say: is told of each failure, and now and then how far it has come.
    """
    summary, started, said = Summary(), time.monotonic(), time.monotonic()
    chunks = [
        range(start, min(start + CHUNK_SEEDS, first + seeds))
        for start in range(first, first + seeds, CHUNK_SEEDS)
    ]
    with get_context("spawn").Pool(processes or os.cpu_count()) as pool:
        for part in pool.imap_unordered(run_seeds, chunks):
            summary.add(part)
            for failure in part.failures:
                say(f"seed {failure.seed}: {failure.text}")
            if time.monotonic() - said > 10:
                said = time.monotonic()
                rate = summary.seeds / (said - started)
                say(f"{summary.seeds:,} of {seeds:,} flows, {rate:.0f} flows/s")
    return summary


def shrink_seed(seed: int, rule: str) -> str:
    """Make a failing flow small, and write it as Python."""

    def fails(flow: Flow) -> bool:
        return any(violation.rule == rule for violation in run(flow).violations)

    return source_of(shrunk(flow_of(seed), fails))

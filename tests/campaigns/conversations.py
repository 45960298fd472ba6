"""
Random conversations with a gateway, in memory: `python -m tests.campaigns.conversations`.

What is said, when, and in which order tasks run depends on the seed alone; no sockets,
threads or clocks take part. `--seed N` runs one again; see gateway_flows.
"""

from __future__ import annotations

import argparse
import logging
import sys
import time
import traceback
from collections import Counter
from collections.abc import Sequence
from multiprocessing import Pool
from typing import Final, TypeAlias

import gateway_flows

CHUNK: Final = 20

Found: TypeAlias = tuple[int, Counter[str], str | None]
"""A seed, what was met, and what went wrong."""


def converse(seed: int) -> Found:
    """Run the flow of a seed."""
    try:
        return seed, gateway_flows.run(seed).counts, None
    except Exception:
        return seed, Counter(), traceback.format_exc()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run flows; 1 if one of them broke a promise."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.campaigns.conversations", description=__doc__
    )
    parser.add_argument("--seed", type=int, help="only this one")
    parser.add_argument("--from", type=int, default=0, dest="first", help="the first seed")
    parser.add_argument("--seeds", type=int, default=2_000, help="how many (2,000)")
    parser.add_argument("--processes", type=int, help="how many at a time (all processors)")
    asked = parser.parse_args(arguments)
    seeds = range(asked.first, asked.first + asked.seeds)
    if asked.seed is not None:
        seeds = range(asked.seed, asked.seed + 1)
    began = time.monotonic()
    met: Counter[str] = Counter()
    wrong: list[int] = []
    # What the gateway logs of faults that belong to a flow, nobody reads.
    with Pool(asked.processes, logging.disable, (logging.CRITICAL,)) as pool:
        for seed, counts, complaint in pool.imap_unordered(converse, seeds, CHUNK):
            met += counts
            if complaint is not None:
                wrong.append(seed)
                print(f"seed {seed}:\n{complaint}", file=sys.stderr)
    for what in sorted(met):
        print(f"{met[what]:9}  {what}")
    took = time.monotonic() - began
    print(f"{len(seeds)} flows in {took:.1f} s; broken: {sorted(wrong) or 'none'}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

"""`python -m tests.campaigns.simulation`: run flows by their seeds, and make wrong ones small."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence

from .campaign import Summary, run_campaign, run_seeds, shrink_seed
from .flow import source_of
from .generating import flow_of

SHRUNK_MAX = 3
"""So many failures are made small; there are rarely more causes."""


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.campaigns.simulation", description=__doc__
    )
    parser.add_argument("--seed", type=int, help="run this one alone, and print its flow")
    parser.add_argument("--seeds", type=int, default=5_000, help="how many (default: 5000)")
    parser.add_argument("--from", type=int, default=0, dest="first", help="the first seed")
    parser.add_argument("--processes", type=int, help="default: one for each processor")
    return parser.parse_args(arguments)


def table_of(summary: Summary, seconds: float) -> str:
    """What flows met, and how often."""
    lines = [f"{number:>12,}  {what}" for what, number in sorted(summary.counts.items())]
    lines.append(
        f"{summary.seeds:,} flows in {seconds:.0f} s, {summary.seeds / seconds:.0f} flows/s, "
        f"{len(summary.failures)} failed"
    )
    lines += [f"never met: {what}" for what in summary.never_met]
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what the arguments say; 1 if a flow failed, or if the flows met too little."""
    options = _arguments(arguments)
    started = time.monotonic()
    if options.seed is not None:
        print(source_of(flow_of(options.seed)))
        summary = run_seeds([options.seed])
        for failure in summary.failures:
            print(failure.text)
    else:
        summary = run_campaign(options.first, options.seeds, print, options.processes)
        print(table_of(summary, time.monotonic() - started))
    for failure in summary.failures[:SHRUNK_MAX]:
        print(f"\nseed {failure.seed} made small ({failure.rule}):\n")
        print(shrink_seed(failure.seed, failure.rule))
    return 1 if summary.failures or (options.seed is None and summary.never_met) else 0


if __name__ == "__main__":
    sys.exit(main())

"""
kill -9: a writer under load ends at any moment, a thousand times, and nothing is lost.

`python -m tests.campaigns.kills --cycles N` runs it. A cycle forks a writer, which opens the
store, compares it with what is known, and loads it; then it is killed, and what it had said is
compared with what lies in the files. The moment is some hundredths of a second after the fork,
or after the store is open, so that openings and first commits are hit as often as the rest.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from collections.abc import Sequence
from math import exp, log
from pathlib import Path
from random import Random
from typing import final

import attrs
import trio

from atomic_store import open_reader
from atomic_store.journal.verify import verify

from .forked import Fork, figures_line, lines_from, scratch
from .ledger import Ledger
from .load import Deed, Load, Say, run
from .raw_files import RawFiles

MOMENT_S = (0.002, 0.1)
"""The earliest and the latest moment of a kill; early ones are as likely as late ones."""
OPENED_SHARE = 0.7
"""How often that counts from when the store is open, however long this takes."""
OPENING_S_MAX = 60
STORE_CYCLES = (1, 80)
"""How many lives a store has, at least and at most."""


@final
@attrs.define(eq=False)
class KilledStore:
    """One store, its lives, and what is known of it."""

    path: Path
    random: Random
    acknowledges_early: bool = False
    ledger: Ledger = attrs.Factory(Ledger)
    lives: int = 0
    _raw: RawFiles = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._raw = RawFiles(self.path)

    def cycle(self) -> None:
        """One life, from its opening to its sudden end."""
        load = Load(self.lives, acknowledges_early=self.acknowledges_early)
        writer = Fork.start(lambda say: run(self.path, load, say, self.ledger))
        self._await_moment(writer)
        writer.kill()
        self.lives += 1
        self.ledger.hear(writer.end())
        self.ledger.find(self._raw.new())
        self.ledger.check()

    def _await_moment(self, writer: Fork) -> None:
        if self.random.random() < OPENED_SHARE:
            last = time.monotonic() + OPENING_S_MAX
            while not writer.has_said() and time.monotonic() < last:
                time.sleep(0.001)
        earliest, latest = map(log, MOMENT_S)
        time.sleep(exp(self.random.uniform(earliest, latest)))

    def finish(self) -> None:
        """Open it once more, and look at all of it in every way that there is."""
        load = Load(self.lives, proposals=3)
        self.ledger.hear(lines_from(lambda say: run(self.path, load, say, self.ledger)))
        self.ledger.find(self._raw.new())
        self.ledger.hear(lines_from(lambda say: read_all(self.path, self.ledger, say)))
        self.ledger.check()


def read_all(path: Path, ledger: Ledger, say: Say) -> None:
    """Verify a store, and compare what a reader gives with what is known."""
    verification = verify(path)
    for damage in verification.damage:
        say("problem", f"verify: {damage}")
    trio.run(_read_all, path, ledger, say)


async def _read_all(path: Path, ledger: Ledger, say: Say) -> None:
    async with open_reader(path, events=Deed) as reader:
        sequences: dict[str, int] = {}
        position = 0
        async for record in reader.read():
            position += 1
            expected = position, sequences.get(record.scope, 0) + 1
            if (record.position, record.sequence) != expected:
                say("problem", f"a reader gives {record}, expected {expected}")
            sequences[record.scope] = record.sequence
    if sequences != {scope: past.sequence for scope, past in ledger.scopes.items()}:
        say("problem", f"a reader finds {sequences}")


def campaign(cycles: int, seed: int, *, acknowledges_early: bool = False) -> Ledger:
    """
    Kill writers so many times; gives all problems and figures together.

    It ends at the first problem.
    """
    random = Random(seed)
    total = Ledger()
    left = cycles
    while left and not total.problems:
        # On a disk commits are large and slow, in memory there are many.
        path = scratch("kills", in_memory=bool(total.figures.get("stores", 0) % 2))
        store = KilledStore(path / "store", random, acknowledges_early)
        lives = min(left, random.randint(*STORE_CYCLES))
        for _ in range(lives):
            store.cycle()
            if store.ledger.problems:
                break
        else:
            store.finish()
        left -= lives
        total.problems += [f"{store.path}: {problem}" for problem in store.ledger.problems]
        for what, count in store.ledger.figures.items():
            total.count(what, count)
        total.count("kills", store.lives)
        total.count("stores")
        total.count("records", store.ledger.position)
        if acknowledges_early or not store.ledger.problems:
            shutil.rmtree(path)
    return total


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the campaign, and print its figures; gives the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.campaigns.kills", description=__doc__)
    parser.add_argument("--cycles", type=int, default=1_000, help="how many kills")
    parser.add_argument("--seed", type=int, default=0, help="decides when")
    parser.add_argument("--control", action="store_true", help="acknowledge early: must fail")
    asked = parser.parse_args(arguments)
    found = campaign(asked.cycles, asked.seed, acknowledges_early=asked.control)
    print(figures_line("kills", found.figures))
    for problem in found.problems:
        print(problem, file=sys.stderr)
    return 1 if found.problems else 0


if __name__ == "__main__":
    sys.exit(main())

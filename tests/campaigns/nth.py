"""
The Nth call: every call of a writer's life fails, is short, or is its last one, in turn.

`python -m tests.campaigns.nth` runs it. A life is either the first one of a store, from nothing
to its close, or one that finds a torn tail, several segments, snapshots and index files. For each
kind of call the first one is struck, then the second, until the life is over before. Afterwards
the store is opened twice, in the same boot, and compared with what the process had said.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from typing import final

import attrs

from .forked import figures_line, lines_from, scratch
from .ledger import Ledger
from .load import run
from .raw_files import RawFiles
from .shim import Call, Shim, loaded, with_shim
from .strikes import STRIKES, Strike
from .struck_life import SMALL, Beginning, StruckLife

STEPS = {
    Call.WRITE: 2, Call.FSYNC: 2, Call.RENAME: 3, Call.UNLINK: 6,
    Call.OPEN: 15, Call.READ: 20, Call.CLOSE: 20,
}  # fmt: skip
"""Of calls that there are many of, only every so many-th is struck, unless all are asked for."""
MISSES = 2
"""A life is over when so many strikes in a row have hit nothing: two threads take turns."""


def beginnings(directory: Path) -> list[Beginning]:
    """What lives begin with, below a directory."""
    nothing = directory / "nothing"
    nothing.mkdir()
    old = directory / "old"
    old.mkdir()
    ledger = Ledger()
    load = attrs.evolve(SMALL, workers=3, proposals=8)
    ledger.hear(lines_from(lambda say: run(old / "store", load, say, ledger)))
    ledger.find(RawFiles(old / "store").new())
    assert [] == ledger.check()
    last = max((old / "store" / "journal").iterdir())
    with last.open("ab") as file:
        file.write(b'{"position":%d,"scope":"scope-1","sequ' % (ledger.position + 1))
    return [Beginning("a new store", nothing, Ledger(), 0), Beginning("an old one", old, ledger, 1)]


@final
@attrs.define(eq=False)
class Search:
    """
    Strikes at calls of some kinds, and what was found.

    Args:
      every: strike each call, in every way; else some calls, each in one way.
      acknowledges_early: the control, which ends at the first problem.
    """

    shim: Shim
    every: bool = False
    acknowledges_early: bool = False
    total: Ledger = attrs.Factory(Ledger)
    _turn: int = 0

    def run(self, calls: Sequence[Call]) -> Ledger:
        """Strike all there is; gives all problems and figures together."""
        directory = scratch("nth", in_memory=True)
        for beginning in beginnings(directory):
            for call in calls:
                self._strike_each(beginning, call)
        if self.acknowledges_early or not self.total.problems:
            shutil.rmtree(directory)
        return self.total

    def _strike_each(self, beginning: Beginning, call: Call) -> None:
        """Strike the first call of a kind, the second, and so on, until there is none."""
        step = 1 if self.every else STEPS.get(call, 1)
        misses = 0
        for nth in count(1, step):
            if self.acknowledges_early and self.total.problems:
                break
            hits = [self._strike(beginning, strike) for strike in self._strikes(call, nth)]
            misses = 0 if any(hits) else misses + 1
            if misses == MISSES:
                break

    def _strikes(self, call: Call, nth: int) -> list[Strike]:
        ways = STRIKES[call]
        if not self.every:
            self._turn += 1
            ways = [ways[self._turn % len(ways)]]
        return [Strike(call, nth, action, error) for action, error in ways]

    def _strike(self, beginning: Beginning, strike: Strike) -> bool:
        """Live one life; gives whether there was a call to strike."""
        path = beginning.files.parent / f"{beginning.name} {strike}".replace(" ", "-")
        life = StruckLife(path, beginning, strike, self.shim, self.acknowledges_early)
        problems = life.run()
        self.total.problems += [f"{path}: {problem}" for problem in problems]
        if self.acknowledges_early or not problems:
            shutil.rmtree(path)
        if life.was_hit:
            self.total.count("cases")
            self.total.count(f"strikes at {strike.call.name.lower()}")
            for what, more in life.ledger.figures.items():
                self.total.count(what, more)
        return life.was_hit


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the campaign, and print its figures; gives the exit status."""
    names = {call.name.lower(): call for call in STRIKES}
    parser = argparse.ArgumentParser(prog="python -m tests.campaigns.nth", description=__doc__)
    parser.add_argument("calls", nargs="*", choices=[*names, []], help="which kinds of calls")
    parser.add_argument("--every", action="store_true", help="all that may become of each call")
    parser.add_argument("--control", action="store_true", help="acknowledge early: must fail")
    asked = parser.parse_args(arguments)
    shim = loaded()
    if shim is None:
        given = sys.argv[1:] if arguments is None else arguments
        return with_shim("tests.campaigns.nth", given)
    calls = [names[name] for name in asked.calls] or [*STRIKES]
    found = Search(shim, every=asked.every, acknowledges_early=asked.control).run(calls)
    print(figures_line("nth", found.figures))
    for problem in found.problems:
        print(problem, file=sys.stderr)
    return 1 if found.problems else 0


if __name__ == "__main__":
    sys.exit(main())

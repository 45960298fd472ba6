"""
Power loss, replayed: a real process's writes and syncs, and every state that they may leave.

`python -m tests.campaigns.power_loss` runs it. A writer runs on the real disk, with its threads,
and the shim writes down what it does and what it says, in order. `CrashModel` then gives what a
loss of power at any moment may have left. Each such state is opened by the real store, loaded,
and compared with what had been said by then.

Writers live their first life, or find an old store with a torn tail; or a sync of theirs fails,
and another process opens the store in the same boot before the power is lost. The control is a
disk whose syncs do nothing and succeed.
"""

from __future__ import annotations

import argparse
import copy
import json
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import final

import attrs
import trio
from trio.testing import MockClock

from atomic_store import AtomicStoreError
from atomic_store.journal.disk import Kind
from atomic_store.testing.faulty_disk import FaultyDisk

from .crash_model import CrashModel, Left, Mixture, Whole
from .forked import Fork, figures_line, scratch
from .ledger import Ledger, Line
from .load import Say, live, run
from .nth import beginnings
from .raw_files import closed_records
from .shim import Action, Call, Entry, Shim, entries, loaded, with_shim
from .struck_life import SMALL, Beginning

PROBLEMS_MAX = 10
"""After so many the search ends."""
MIXTURES = 1
"""How many random mixtures of what was not synced are tried at each moment."""


@attrs.frozen
class Plan:
    """
    What is recorded.

    Args:
      strike: which call of the first process, and what becomes of it.
      processes: how many there are, one after the other.
      beginning: what they begin with: nothing, or an old store.
    """

    name: str
    strike: tuple[Call, int, Action] | None = None
    processes: int = 1
    beginning: int = 0


PLANS = [
    Plan("all is well", beginning=1),
    Plan("a write is short", (Call.WRITE, 6, Action.SHORT_THEN_FAIL), 2),
    Plan("a commit's sync fails", (Call.FDATASYNC, 3, Action.FAIL), 2),
    Plan("a later commit's sync fails", (Call.FDATASYNC, 6, Action.FAIL), 2),
    Plan("a new file's sync fails", (Call.FSYNC, 5, Action.FAIL), 2),
]
CONTROLS = [Plan(f"sync {n} lies", (Call.FDATASYNC, n, Action.LIE)) for n in (3, 4, 5)]


@attrs.frozen
class Recording:
    """
    What some processes did to a store's files, one after the other.

    Args:
      model: the files before.
      logs: one a process, the lines that it said among them.
    """

    plan: Plan
    beginning: Beginning
    model: CrashModel
    logs: list[list[Entry]]

    @property
    def name(self) -> str:
        return f"{self.beginning.name}, {self.plan.name}"

    @property
    def strikes(self) -> list[Entry]:
        """The calls that something else became of."""
        return [e for log in self.logs for e in log if e.action is not Action.NOTHING]


def record(shim: Shim, beginning: Beginning, plan: Plan) -> Recording:
    """Run the processes of a plan on a copy of a store."""
    directory = Path(tempfile.mkdtemp(dir=beginning.files.parent)) / "recorded"
    shutil.copytree(beginning.files, directory)
    model = CrashModel.of(directory)
    ledger = copy.deepcopy(beginning.ledger)
    logs = []
    for number in range(plan.processes):
        with tempfile.TemporaryFile() as log:
            strike = plan.strike if number == 0 else None
            life = beginning.life + number
            writer = Writer(shim, directory, life, ledger, strike, log.fileno())
            Fork.start(writer.run).end()
            log.seek(0)
            logs.append(list(entries(log.read())))
        ledger.hear(json.loads(entry.data) for entry in logs[-1] if entry.call is Call.NOTE)
    shutil.rmtree(directory.parent)
    return Recording(plan, beginning, model, logs)


@attrs.frozen
class Writer:
    """A process that is recorded."""

    shim: Shim
    directory: Path
    life: int
    ledger: Ledger
    strike: tuple[Call, int, Action] | None
    log: int

    def run(self, say: Say) -> None:
        """Live, and say all into the log, so that it is known what came before it."""
        load = attrs.evolve(SMALL, life=self.life)
        self.shim.watch(self.directory, self.log)
        if self.strike is not None:
            self.shim.arm(*self.strike)
        run(
            self.directory / "store", load,
            lambda *line: self.shim.note(json.dumps(line).encode()), self.ledger,
        )  # fmt: skip


@final
@attrs.define(eq=False)
class Replay:
    """
    All moments of a recording, and what a loss of power leaves at each.

    Args:
      total: problems and figures are added to it.
    """

    recording: Recording
    total: Ledger
    random: Random
    mixtures: int = MIXTURES
    _said: list[Line] = attrs.Factory(list)
    _tried: set[bytes] = attrs.Factory(set)

    def run(self) -> None:
        """Lose the power at each moment."""
        model = self.recording.model
        for log in self.recording.logs:
            model.begin_process()
            for entry in log:
                if len(self.total.problems) >= PROBLEMS_MAX:
                    return
                if entry.call is Call.NOTE:
                    self._said.append(json.loads(entry.data))
                    if self._said[-1][0] in ("accepted", "saw"):
                        self._lose_power([model.left(Whole(False))])
                elif model.take(entry):
                    self.total.count("moments")
                    self._lose_power(self._left(model))

    def _left(self, model: CrashModel) -> Iterator[Left]:
        yield model.left(Whole(True))
        yield model.left(Whole(False))
        for _ in range(self.mixtures):
            yield model.left(Mixture(self.random))

    def _lose_power(self, states: Iterator[Left] | list[Left]) -> None:
        for state in states:
            # What was said meanwhile makes another state of it.
            told = sum(line[0] in ("accepted", "saw") for line in self._said)
            digest = sha256(repr((told, sorted(state.items()))).encode()).digest()
            if digest not in self._tried:
                self._tried.add(digest)
                self._open(state)

    def _open(self, state: Left) -> None:
        ledger = copy.deepcopy(self.recording.beginning.ledger)
        known = ledger.position
        ledger.figures.clear()
        ledger.hear(self._said)
        problems = reopen(state, ledger, known)
        self.total.count("states")
        self.total.count("acknowledged records looked for", len(ledger.told))
        name, moment = self.recording.name, self.total.figures["moments"]
        self.total.problems += [f"{name}, moment {moment}: {problem}" for problem in problems]


def reopen(state: Left, ledger: Ledger, known: int) -> list[str]:
    """Open what was left with the real store, load it, and compare; gives the problems."""
    disk = FaultyDisk()
    for path, content in state.items():
        if content is None:
            disk.put(path, kind=Kind.DIRECTORY)
        else:
            disk.put(path, content)
    load = attrs.evolve(SMALL, life=90, workers=1, proposals=1, again=2)
    said: list[Line] = []
    try:
        trio.run(
            live, Path("/store"), load, lambda *line: said.append(list(line)), ledger, disk,
            clock=MockClock(autojump_threshold=0),
        )  # fmt: skip
    except AtomicStoreError as error:
        return [f"it does not open: {type(error).__name__}: {error}"]
    ledger.hear(said)
    segments = [
        content
        for path, content in sorted(disk.files().items())
        if path.startswith("/store/journal/0")
    ]
    found = [record for content in segments for record in closed_records(content)[0]]
    ledger.find(found[known:])
    return ledger.check()


def campaign(
    shim: Shim, plans: Sequence[Plan], *, every: bool = False, mixtures: int = MIXTURES
) -> Ledger:
    """
    Record and replay some plans; gives all problems and figures together.

    Args:
      every: each plan with each beginning; else with its own.
    """
    total = Ledger()
    directory = scratch("power-loss")
    try:
        begun = beginnings(directory)
        recordings = [
            record(shim, beginning, plan)
            for plan in plans
            for beginning in (begun if every else [begun[plan.beginning]])
        ]
    finally:
        shutil.rmtree(directory)
    for recording in recordings:
        total.count("recordings")
        strikes = recording.strikes
        total.count("faults", len(strikes))
        if recording.plan.strike is not None and not strikes:
            total.problems.append(f"{recording.name}: there was nothing to strike")
        Replay(recording, total, Random(0), mixtures).run()
    return total


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the campaign, and print its figures; gives the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.campaigns.power_loss")
    parser.add_argument("--mixtures", type=int, default=MIXTURES, help="at each moment")
    parser.add_argument("--only", type=int, choices=range(len(PLANS)), help="one plan")
    parser.add_argument("--every", action="store_true", help="each plan with each beginning")
    parser.add_argument("--control", action="store_true", help="a sync that lies: must fail")
    asked = parser.parse_args(arguments)
    shim = loaded()
    if shim is None:
        given = sys.argv[1:] if arguments is None else arguments
        return with_shim("tests.campaigns.power_loss", given)
    plans = CONTROLS if asked.control else PLANS
    if asked.only is not None:
        plans = PLANS[asked.only :][:1]
    found = campaign(shim, plans, every=asked.every, mixtures=asked.mixtures)
    print(figures_line("power loss", found.figures))
    for problem in found.problems:
        print(problem, file=sys.stderr)
    return 1 if found.problems else 0


if __name__ == "__main__":
    sys.exit(main())

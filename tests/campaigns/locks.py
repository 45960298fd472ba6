"""
The lock: of all processes that want to write a store, one does, and the others are told who.

`python -m tests.campaigns.locks` runs it. In each round some processes open the same store at the
same moment, and one of them has it. It forks a child, which inherits the lock, and starts a
program, which does not. Then it is killed: while the child lives the store is refused still, and
when that is gone, too, the next process has it. Readers look on all the time.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast, final

import attrs
import trio

from atomic_store import StoreLocked, open_reader, open_store
from atomic_store.journal.disk import Disk, OSDisk
from atomic_store.journal.file import open_file_journal
from atomic_store.journal.lock import take_lock

from .forked import Fork, figures_line, lines_from, scratch
from .ledger import Ledger, Line
from .load import Deed, Load, Say, run

RACERS = 4
ROUNDS = 10
WAIT_S_MAX = 30


@final
@attrs.define(eq=False)
class Gate:
    """A pipe that tells processes that something is over: its writing end is closed everywhere."""

    read: int
    write: int

    @classmethod
    def make(cls) -> Gate:
        return cls(*os.pipe())

    def wait(self) -> None:
        """Wait until nobody can write any more; this process can't from now on."""
        self.open()
        assert os.read(self.read, 1) == b""

    def open(self) -> None:
        """Give the writing end back."""
        if self.write >= 0:
            os.close(self.write)
            self.write = -1


@final
@attrs.frozen
class UnlockedDisk:
    """The control: whoever wants a lock has it."""

    real: OSDisk = attrs.Factory(OSDisk)

    def lock(self, file: int) -> bool:
        return True

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)


@final
@attrs.define(eq=False)
class Round:
    """
    One race for a store, and what follows.

    Attributes:
      start: once it is open, racers run.
      lives: is open once the holder and its child are gone.
      child, program: once they are open, the holder's child and its program end.
    """

    path: Path
    disk: Disk
    total: Ledger
    start: Gate = attrs.Factory(Gate.make)
    lives: Gate = attrs.Factory(Gate.make)
    child: Gate = attrs.Factory(Gate.make)
    program: Gate = attrs.Factory(Gate.make)

    def run(self) -> None:
        """Race, refuse, kill, refuse, and open again."""
        racers = [Fork.start(self._race) for _ in range(RACERS)]
        self.lives.open()
        self.start.open()
        holders = self._settled(racers)
        self._expect(1, len(holders), "holders")
        for holder in holders[:1]:
            held_by = f"is locked by process {holder.pid} on this host"
            self._expect_refusal(held_by, "of a live holder")
        self.total.hear(lines_from(lambda say: trio.run(read, self.path, say)))
        for holder in holders:
            holder.kill()
            lines = sorted(holder.end())
            self._expect([["child was", "refused"], ["holds"]], lines, "of the holder")
            self.total.hear(lines)
        self._expect_refusal("by an inherited descriptor", "of its child")
        self.child.open()
        os.read(self.lives.read, 1)
        self._open_again()
        self.program.open()
        for gate in (self.start, self.lives, self.child, self.program):
            os.close(gate.read)

    def _race(self, say: Say) -> None:
        self.child.open()
        self.program.open()
        self.start.wait()
        trio.run(self._hold, say)

    async def _hold(self, say: Say) -> None:
        """Take the store, and keep it until the end of this process."""
        try:
            async with (
                open_file_journal(self.path, disk=self.disk) as journal,
                open_store(journal, events=Deed, scope_of=lambda deed: deed.scope) as store,
            ):
                # Even what a program is allowed to inherit does not hold the lock.
                await trio.lowlevel.open_process(["cat"], stdin=self.program.read, close_fds=False)
                has_tried = Gate.make()
                # Python warns of forks beside threads; this one makes no use of any.
                warnings.simplefilter("ignore", DeprecationWarning)
                if os.fork() == 0:
                    self._be_child(say, has_tried)
                await trio.to_thread.run_sync(has_tried.wait)
                await store.store_if_valid(Deed("scope-0", 0), lambda request: request.accept())
                say("holds")
                await trio.sleep_forever()
        except StoreLocked as error:
            say("refused", str(error))

    def _be_child(self, say: Say, has_tried: Gate) -> None:
        """Be refused like all others, though the lock was inherited; then only live."""
        say("child was", "refused" if refusal(self.path, self.disk) else "let in")
        has_tried.open()
        self.child.wait()
        os._exit(0)

    def _settled(self, racers: list[Fork]) -> list[Fork]:
        """Wait until all but those who have the store have ended; gives these."""
        last = time.monotonic() + WAIT_S_MAX
        while not all(map(has_settled, racers)) and time.monotonic() < last:
            time.sleep(0.001)
        holders = []
        for racer in racers:
            if ["holds"] in racer.heard():
                holders.append(racer)
            else:
                lines = racer.end()
                if [line[0] for line in lines] != ["refused"]:
                    self.total.problems.append(f"of a racer: expected a refusal, found {lines}")
                self.total.count("refused in a race")
        return holders

    def _expect_refusal(self, expected: str, what: str) -> None:
        lines = lines_from(lambda say: say("refused", refusal(self.path, self.disk)))
        if expected not in str(lines[-1][1]):
            self.total.problems.append(f"{what}: expected {expected!r}, found {lines}")
        self.total.count(f"refused because {what}")

    def _open_again(self) -> None:
        """Open it now that nobody has the lock."""
        ledger = Ledger()
        lines: list[Line] = []
        last = time.monotonic() + WAIT_S_MAX
        while lines[-1:] != [["ended", "closed"]] and time.monotonic() < last:
            # The lock of a process that ends is free a moment after its pipes are closed.
            lines = lines_from(lambda say: run_closed(self.path, say, ledger))
        self._expect([["ended", "closed"]], lines[-1:], "after all")

    def _expect(self, expected: object, found: object, what: str) -> None:
        if expected != found:
            self.total.problems.append(f"{what}: expected {expected}, found {found}")


def has_settled(racer: Fork) -> bool:
    """Whether a racer has the store, or will not have it."""
    return any(line[0] in ("holds", "refused", "problem") for line in racer.heard())


def run_closed(path: Path, say: Say, ledger: Ledger) -> None:
    """Open a store and close it, in a life without proposals."""
    run(path, Load(0, proposals=0), say, ledger)


def refusal(path: Path, disk: Disk) -> str | None:
    """Try to take a store's lock; gives what the error says, or None if there was none."""
    try:
        os.close(take_lock(disk, str(path / "lock")))
    except StoreLocked as error:
        return str(error)
    return None


async def read(path: Path, say: Say) -> None:
    """Read a store beside whoever writes it."""
    async with open_reader(path, events=Deed) as reader:
        numbers = [record.event.number async for record in reader.read()]
    if not numbers:
        say("problem", "a reader found no record")
    say("read beside a writer")


@contextmanager
def store_directory() -> Iterator[Path]:
    """Where a store may be made, for a block."""
    directory = scratch("locks", in_memory=True)
    try:
        yield directory / "store"
    finally:
        shutil.rmtree(directory)


def campaign(rounds: int, *, without_lock: bool = False) -> Ledger:
    """
    Race so many times; gives all problems and figures. It ends at the first problem.

    Args:
      without_lock: the control.
    """
    disk = cast("Disk", UnlockedDisk()) if without_lock else OSDisk()
    total = Ledger()
    with store_directory() as path:
        for _ in range(rounds):
            Round(path, disk, total).run()
            total.count("rounds")
            if total.problems:
                break
    return total


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the campaign, and print its figures; gives the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.campaigns.locks")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="how many races")
    parser.add_argument("--control", action="store_true", help="without a lock: must fail")
    asked = parser.parse_args(arguments)
    found = campaign(asked.rounds, without_lock=asked.control)
    print(figures_line("locks", found.figures))
    for problem in found.problems:
        print(problem, file=sys.stderr)
    return 1 if found.problems else 0


if __name__ == "__main__":
    sys.exit(main())

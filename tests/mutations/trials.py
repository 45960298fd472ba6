"""
Trying mutations: whether the cases that are written down for them notice them.

Each processor has a copy of the tree, and tries one mutation after the other in it. Before
that the cases are run in the sound tree: one that fails there says nothing.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from enum import StrEnum
from pathlib import Path
from time import monotonic
from typing import final

import attrs

from .cases import Report, report_of, start
from .mutation import Mutation, Stale
from .trees import ROOT, Tree, copied_tree

SECONDS_MAX = 30
"""How long the case of a mutation may take."""
SOUND_SECONDS_MAX = 300
"""How long all of them may take in the sound tree."""


class Verdict(StrEnum):
    """What a trial shows."""

    CAUGHT = "caught"
    """The case fails, as it should."""
    SURVIVED = "SURVIVED"
    """It passes: nothing guards the rule."""
    STALE = "stale"
    """The code is not the one that the mutation was written for."""
    LATE = "late"
    """The case did not end in time. Whoever waits for it learns nothing."""
    BROKEN = "broken"
    """There is no such case, it cannot be run, or it does not pass in the sound tree."""


@final
@attrs.frozen
class Trial:
    """A mutation that was tried."""

    mutation: Mutation
    verdict: Verdict
    case: str = ""
    """The case that was run, or the first that failed."""
    how: str = ""
    """How it failed, or why nothing can be said."""
    seconds: float = 0.0


@final
@attrs.frozen
class Work:
    """Something to run in a tree, perhaps with a mutation in it."""

    arguments: Sequence[str]
    """Ids of cases, or files, and what else pytest is to be told."""
    seconds_max: int
    mutation: Mutation | None = None
    failures_max: int = 1


@final
@attrs.define(eq=False)
class Workshop:
    """
    Copies of the tree, one for each process that may run at the same time.

    Args:
      directory: an empty directory, in which all files are made.
      trees: how many copies.
      root: the project.
    """

    directory: Path
    trees: int
    root: Path = ROOT
    _free: list[Tree] = attrs.field(factory=list, init=False)
    _made: int = attrs.field(default=0, init=False)
    # By the process, what runs, where, since when, and what puts the tree right again.
    _running: dict[int, tuple[Work, Tree, float, ExitStack]] = attrs.field(factory=dict, init=False)

    def run(self, works: Sequence[Work]) -> Iterator[tuple[Work, Report | Stale, float]]:
        """
        Run all, as many at the same time as there are trees.

        Yields:
          Each with what became of it, and how many seconds it took, in the order of ending.
        """
        try:
            for work in works:
                if len(self._running) == self.trees:
                    yield self._ended()
                try:
                    self._start(work)
                except Stale as error:
                    yield work, error, 0.0
            while self._running:
                yield self._ended()
        finally:
            # Where it was left in the middle.
            for pid, (_, _, _, stack) in self._running.items():
                _kill_group(pid)
                os.waitpid(pid, 0)
                stack.close()
            self._running.clear()

    def _start(self, work: Work) -> None:
        tree = self._free.pop() if self._free else self._new_tree()
        stack = ExitStack()
        try:
            if work.mutation is not None:
                stack.enter_context(tree.broken_by(work.mutation))
        except Stale:
            self._free.append(tree)
            raise
        pid = start(
            tree.path, work.arguments, _notes(tree), seconds_max=work.seconds_max,
            failures_max=work.failures_max,
        )  # fmt: skip
        self._running[pid] = work, tree, monotonic(), stack

    def _new_tree(self) -> Tree:
        self._made += 1
        return copied_tree(self.directory / f"tree-{self._made}", self.root)

    def _ended(self) -> tuple[Work, Report | Stale, float]:
        """Wait until something has ended."""
        pid, status = os.wait()
        # It may have left others running, who would see the tree change under them.
        _kill_group(pid)
        work, tree, began, stack = self._running.pop(pid)
        stack.close()
        self._free.append(tree)
        return work, report_of(_notes(tree), status), monotonic() - began


def try_all(
    mutations: Sequence[Mutation], caught: Mapping[str, str], workshop: Workshop,
    tell: Callable[[Trial], object] = lambda trial: None, *, seconds_max: int = SECONDS_MAX,
) -> list[Trial]:  # fmt: skip
    """
    Try mutations, each with the case that is written down for it.

    Args:
      caught: the ids of the cases, by the mutations' names.
      tell: is called with each trial when it has ended.
      seconds_max: how long each may take.

    Returns:
      The trials, in the order of the mutations.
    """
    known = {m.name: caught[m.name] for m in mutations if m.name in caught}
    sound = sound_cases(sorted(set(known.values())), workshop)
    trials: dict[str, Trial] = {}

    def note(trial: Trial) -> None:
        trials[trial.mutation.name] = trial
        tell(trial)

    works = []
    for mutation in mutations:
        case = known.get(mutation.name)
        if case is None:
            note(Trial(mutation, Verdict.BROKEN, "", "no case is written down: use --learn"))
        elif sound[case] is not None:
            note(Trial(mutation, Verdict.BROKEN, case, f"in the sound tree: {sound[case]}"))
        else:
            works.append(Work([case], seconds_max, mutation))
    for work, report, seconds in workshop.run(works):
        assert work.mutation is not None
        note(judged(work.mutation, work.arguments[0], report, seconds))
    return [trials[mutation.name] for mutation in mutations]


def judged(mutation: Mutation, case: str, report: Report | Stale, seconds: float) -> Trial:
    """Say what the report on a mutation's case shows."""
    if isinstance(report, Stale):
        return Trial(mutation, Verdict.STALE, case, str(report))
    if report.is_late:
        return Trial(mutation, Verdict.LATE, case, "it did not end in time", seconds)
    if report.problem is not None:
        return Trial(mutation, Verdict.BROKEN, case, report.problem, seconds)
    for name, found in report.failed.items():
        return Trial(mutation, Verdict.CAUGHT, name, found.how, seconds)
    return Trial(mutation, Verdict.SURVIVED, case, "it passed", seconds)


def sound_cases(cases: Sequence[str], workshop: Workshop) -> dict[str, str | None]:
    """Run cases in the sound tree; gives for each why it did not pass, None if it did."""
    parts = [cases[k :: workshop.trees] for k in range(workshop.trees)]
    found: dict[str, str | None] = {}
    alone: list[str] = []
    for part, report in _run_sound([part for part in parts if part], workshop):
        if report.problem is not None and len(part) > 1:
            # One of them that cannot be found keeps the others from being run.
            alone += part
        else:
            found.update({case: _fault(case, report) for case in part})
    for part, report in _run_sound([[case] for case in alone], workshop):
        found[part[0]] = _fault(part[0], report)
    return found


def _run_sound(
    parts: Sequence[Sequence[str]], workshop: Workshop
) -> Iterator[tuple[Sequence[str], Report]]:
    works = [Work(part, SOUND_SECONDS_MAX, failures_max=0) for part in parts]
    for work, report, _ in workshop.run(works):
        assert isinstance(report, Report)
        yield work.arguments, report


def _fault(case: str, report: Report) -> str | None:
    """Why a case did not pass; None if it did."""
    ended = report.cases.get(case)
    if ended is None:
        return report.problem or "it was not run"
    return None if ended.outcome == "passed" else ended.how or ended.outcome


def _notes(tree: Tree) -> Path:
    return tree.path.with_suffix(".notes")


def _kill_group(pid: int) -> None:
    """End a process, and those that it has started, as far as they are left."""
    with suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)

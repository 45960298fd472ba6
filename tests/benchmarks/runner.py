"""Rows as data, and the rounds that measure them with the peers interleaved."""

from __future__ import annotations

import gc
import shutil
import statistics
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import attrs

from .databases import NotRun
from .sizes import Sizes

STORE = "atomic_store"
"""The contestant that goals are about."""


@attrs.define(eq=False)
class Round:
    """Where one contestant works, and what the ones before it left in the same round."""

    directory: Path
    """Fresh and empty, for this contestant alone."""
    sizes: Sizes
    shared: Path
    """One directory for all rounds, for what is costly to prepare and not changed."""
    kept: dict[str, Any] = attrs.Factory(dict)
    """What the first contestant leaves for the others of its row and round."""


@attrs.frozen
class Contestant:
    """Somebody who does the row's work, and the figure that comes of it."""

    name: str
    measure: Callable[[Round], float]
    """Gives a figure in the row's unit. Raises `NotRun` if it can't."""


@attrs.frozen
class Goal:
    """What the store's figure is to be, by itself or as a multiple of a peer's."""

    text: str
    is_met: Callable[[float], bool]
    peer: str | None = None
    """The contestant it is a multiple of; None: the figure itself."""


@attrs.frozen
class Row:
    """One kind of work, and who does it."""

    name: str
    """For `--only`."""
    title: str
    unit: str
    contestants: tuple[Contestant, ...]
    """The store first: its peers write what it wrote."""
    goals: tuple[Goal, ...] = ()


@attrs.frozen
class Spread:
    """A median and what it lies between."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, figures: Iterable[float]) -> Spread:
        """Of some figures, at least one."""
        known = sorted(figures)
        return cls(statistics.median(known), known[0], known[-1])


@attrs.frozen
class Verdict:
    """A goal, and how the store stands to it."""

    goal: Goal
    found: Spread | None
    """None: the peer did not run."""

    @property
    def is_met(self) -> bool | None:
        """Whether the median meets the goal; None if there is none."""
        return None if self.found is None else self.goal.is_met(self.found.median)


@attrs.frozen
class Measured:
    """A row's figures, round by round."""

    row: Row
    figures: dict[str, list[float]]
    """By contestant; a list a round long, or empty if it did not run."""
    not_run: dict[str, str]
    """By contestant: why it did not run."""

    def spread(self, contestant: str) -> Spread | None:
        """A contestant's figures; None if it did not run."""
        figures = self.figures[contestant]
        return Spread.of(figures) if figures else None

    def against(self, peer: str) -> Spread | None:
        """The store's figure as a multiple of a peer's, each within one round."""
        ours, theirs = self.figures[STORE], self.figures[peer]
        if not ours or not theirs:
            return None
        return Spread.of(a / b for a, b in zip(ours, theirs, strict=True))

    def verdicts(self) -> list[Verdict]:
        """All goals of the row."""
        return [
            Verdict(goal, self.spread(STORE) if goal.peer is None else self.against(goal.peer))
            for goal in self.row.goals
        ]


def at_least(factor: float, peer: str | None = None) -> Goal:
    """The store's figure is at least this, or this many times the peer's."""
    return Goal(f"≥ {factor:,g}{' x' if peer else ''}", lambda found: found >= factor, peer)


def at_most(figure: float) -> Goal:
    """The store's figure is at most this."""
    return Goal(f"≤ {figure:,g}", lambda found: found <= figure)


def exactly(figure: float) -> Goal:
    """The store's figure is this, in every round."""
    return Goal(f"exactly {figure:,g}", lambda found: found == figure)


def run(
    rows: Sequence[Row],
    sizes: Sizes,
    rounds: int,
    parent: Path,
    note: Callable[[str], object] = lambda line: None,
) -> list[Measured]:
    """
    Measure every row in every round, all of a row's contestants next to each other.

    Rounds go over all rows: what disturbs the machine for a while then spoils one round
    of some rows instead of all rounds of one.

    Args:
      parent: a directory on the disk to be measured; everything made in it is removed.
      note: called with a line for every row of every round.
    """
    measured = [
        Measured(row, {contestant.name: [] for contestant in row.contestants}, {}) for row in rows
    ]
    shared = Path(tempfile.mkdtemp(dir=parent))
    try:
        for number in range(1, rounds + 1):
            for each in measured:
                note(f"round {number} of {rounds}: {each.row.name}")
                _run_round(each, sizes, parent, shared)
    finally:
        shutil.rmtree(shared)
    return measured


def _run_round(measured: Measured, sizes: Sizes, parent: Path, shared: Path) -> None:
    kept: dict[str, Any] = {}
    for contestant in measured.row.contestants:
        if contestant.name in measured.not_run:
            continue
        directory = Path(tempfile.mkdtemp(dir=parent))
        # Nobody pays for the garbage of the one before; it stays switched on for all.
        gc.collect()
        try:
            figure = contestant.measure(Round(directory, sizes, shared, kept))
        except NotRun as reason:
            measured.not_run[contestant.name] = str(reason)
            measured.figures[contestant.name].clear()
        else:
            measured.figures[contestant.name].append(figure)
        finally:
            shutil.rmtree(directory)

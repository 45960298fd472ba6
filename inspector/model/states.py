"""
A scope's states at any of its sequences, by a fold, without going through all from the first.

Some states are kept: one every thousand events, so that no sequence is far from one, and the
last ones that were gone through, so that a step back costs nothing.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias, final

import attrs

from atomic_store.journal import StoredRecord

EVERY_EVENTS: Final = 1_000
"""A state is kept for each sequence that is a multiple of this."""

KEPT_MAX: Final = 200
"""How many of those are kept: the ones that were used last."""

NEAR_MAX: Final = 200
"""How many of the states that were gone through last are kept."""

State: TypeAlias = Any
Evolve: TypeAlias = Callable[[State, StoredRecord], State]
"""Gives the state after one more record. It must not change the one that it is given."""


class FoldBroken(Exception):
    """A fold has raised; the message says at which sequence, and what."""


@final
@attrs.frozen
class Way:
    """How to get to the state at some sequence."""

    sequence: int
    """From the state at this one, which is kept."""
    state: State
    first: int
    """Through the records from this sequence on …"""
    last: int
    """… to this one. None at all if it is lower."""

    @property
    def is_there(self) -> bool:
        """Nothing need be read: it is the state itself."""
        return self.last < self.first


@final
@attrs.define(eq=False)
class StatesKept:
    """
    States of one scope, some of them.

    Args:
      initial: the state before the first event.
    """

    initial: State
    every_events: int = EVERY_EVENTS
    kept_max: int = KEPT_MAX
    near_max: int = NEAR_MAX
    # Invariant: the last used is the last, in both.
    _kept: OrderedDict[int, State] = attrs.field(factory=OrderedDict, init=False)
    _near: OrderedDict[int, State] = attrs.field(factory=OrderedDict, init=False)

    @property
    def count(self) -> int:
        """How many states are kept."""
        return len(self._kept) + len(self._near)

    def way_to(self, sequence: int) -> Way:
        """
        Say how to get to the state at a sequence, the shortest way.

        Args:
          sequence: from 0, which is before the first event.
        """
        for states in (self._near, self._kept):
            if sequence in states:
                states.move_to_end(sequence)
                return Way(sequence, states[sequence], sequence + 1, sequence)
        best, state = 0, self.initial
        for states in (self._near, self._kept):
            nearest = max((n for n in states if n < sequence), default=0)
            if nearest > best:
                best, state = nearest, states[nearest]
                states.move_to_end(nearest)
        return Way(best, state, best + 1, sequence)

    def keep(self, sequence: int, state: State) -> None:
        """Keep a state, if it is one of those that are kept, until others push it out."""
        states, states_max = (
            (self._near, self.near_max)
            if sequence % self.every_events
            else (self._kept, self.kept_max)
        )
        states[sequence] = state
        states.move_to_end(sequence)
        if len(states) > states_max:
            states.popitem(last=False)


def gone(way: Way, records: Sequence[StoredRecord], evolve: Evolve, kept: StatesKept) -> Way:
    """
    Go a part of a way, and keep the states on it.

    Args:
      way: where to go.
      records: the next ones on it, perhaps not all.
      evolve: the fold.
      kept: keeps what may be needed again.

    Returns:
      What is left of the way.

    Raises:
      FoldBroken: the fold has raised. What was gone before that is kept.
      ValueError: these are not the next records.
    """
    sequence, state = way.sequence, way.state
    for record in records:
        if record.sequence != sequence + 1 or record.sequence > way.last:
            expected = f"sequence {sequence + 1}, up to {way.last}"
            raise ValueError(f"expected {expected}, found {record.sequence}")
        try:
            state = evolve(state, record)
        except Exception as error:
            raise FoldBroken(
                f"the fold has failed at sequence {record.sequence}: "
                f"{type(error).__qualname__}: {_said(error)}"
            ) from error
        sequence = record.sequence
        kept.keep(sequence, state)
    return Way(sequence, state, sequence + 1, way.last)


def _said(error: Exception) -> str:
    try:
        return str(error)[:500]
    except Exception:
        return "…"

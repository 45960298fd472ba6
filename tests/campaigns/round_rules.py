"""Rules about rounds: what they saw, and whose turn it was."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from .case import Case, Violation, events_of
from .history import Operation

RESTS_ON_PAST: Final = frozenset({"accepted", "rejected", "timed out", "raised"})
"""What is told only when all that the round saw is durable."""


def whole_past(case: Case) -> Iterator[Violation]:
    """A round that was told of saw all records before its own, and nothing else."""
    for operation in case.proposals:
        saw = operation.saw
        if saw is None or operation.answer not in RESTS_ON_PAST:
            continue
        before = case.past(operation.scope)[: len(saw)]
        if events_of(before) != list(saw):
            problem = "a round saw what the journal does not have"
            yield Violation("whole past", problem, (operation,), tuple(before))
        elif operation.records and operation.records[0].sequence != len(saw) + 1:
            problem = "a round did not see exactly what lies before its record"
            yield Violation("whole past", problem, (operation,), operation.records)


def past_of_untold(case: Case) -> Iterator[Violation]:
    """A record whose proposer was told nothing has a round that saw all before it."""
    for name, records in case.decisions.items():
        rounds = [o for o in case.proposers.get(name, []) if o.saw is not None]
        before = events_of(case.past(records[0].scope)[: records[0].sequence - 1])
        if rounds and not any(list(o.saw or ()) == before for o in rounds):
            problem = f"no round of it saw the past before it, {before}"
            yield Violation("whole past", problem, tuple(rounds), tuple(records))


def one_at_a_time(case: Case) -> Iterator[Violation]:
    """Between a round's opening and a decision that counts, no other opens in its scope."""
    for rounds in _rounds(case).values():
        for first, second in pairwise(rounds):
            if first.answer in ("accepted", "rejected") and (
                (second.saw_at or 0) < (first.decided_at or 0)
            ):
                yield Violation("one at a time", "two rounds were open", (first, second))


def in_turn(case: Case) -> Iterator[Violation]:
    """Of those that are known to wait, who came first has its round first."""
    for rounds in _rounds(case).values():
        latest: Operation | None = None
        for operation in rounds:
            if not operation.entered:
                continue
            if latest is not None and operation.began < latest.began:
                yield Violation("in turn", "who came later was served first", (operation, latest))
            if latest is None or operation.began > latest.began:
                latest = operation


def _rounds(case: Case) -> dict[str | None, list[Operation]]:
    """Each scope's operations that had a round, in the order of opening."""
    rounds: dict[str | None, list[Operation]] = {}
    opened = [o for o in case.proposals if o.saw_at is not None]
    for operation in sorted(opened, key=lambda o: o.saw_at or 0):
        rounds.setdefault(operation.scope, []).append(operation)
    return rounds

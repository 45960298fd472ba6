"""A history and the journal that is to bear it out, as the rules look at them."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from operator import attrgetter
from typing import Any, Final, final

import attrs

from .history import Answer, History, Operation, Stored

MAY_HAVE_STORED: Final[frozenset[Answer | None]] = frozenset({None, "accepted", "failed"})
"""What the proposer of a stored record can have been told; None: nothing."""


@final
@attrs.frozen
class Violation:
    """A broken rule: which, how, and by what."""

    rule: str
    problem: str
    operations: tuple[Operation, ...] = ()
    records: tuple[Stored, ...] = ()

    def __str__(self) -> str:
        lines = [f"{self.rule}: {self.problem}"]
        lines += [f"  operation {operation}" for operation in self.operations]
        lines += [f"  record {record}" for record in self.records]
        return "\n".join(lines)


@final
@attrs.define(eq=False, slots=False)
class Case:
    """A history, and the journal in the end: its records in the order of position."""

    history: History
    records: tuple[Stored, ...]
    store: str | None = None
    """The journal's history id."""

    @cached_property
    def proposals(self) -> list[Operation]:
        """All operations that proposed something."""
        return [o for o in self.history.operations.values() if o.call == "propose"]

    @cached_property
    def by_scope(self) -> dict[str, list[Stored]]:
        """Each scope's records."""
        scopes: dict[str, list[Stored]] = {}
        for record in self.records:
            scopes.setdefault(record.scope, []).append(record)
        return scopes

    @cached_property
    def decisions(self) -> dict[tuple[str, str], list[Stored]]:
        """The records of each decision, by scope and proposal id."""
        decisions: dict[tuple[str, str], list[Stored]] = {}
        for record in self.records:
            decisions.setdefault((record.scope, record.id), []).append(record)
        return decisions

    @cached_property
    def proposers(self) -> dict[tuple[str, str], list[Operation]]:
        """Those that proposed under the same id in the same scope, in the order of beginning."""
        proposers: dict[tuple[str, str], list[Operation]] = {}
        for operation in sorted(self.proposals, key=attrgetter("began")):
            proposers.setdefault(named(operation), []).append(operation)
        return proposers

    def past(self, scope: str | None) -> list[Stored]:
        """A scope's records; None: all."""
        return [*self.records] if scope is None else self.by_scope.get(scope, [])


def named(operation: Operation) -> tuple[str, str]:
    """What an operation's proposal is known by."""
    if operation.scope is None or operation.id is None:
        raise ValueError(f"expected a scope and an id, found {operation}")
    return operation.scope, operation.id


def events_of(records: Iterable[Stored]) -> list[Any]:
    """The events of some records."""
    return [record.event for record in records]

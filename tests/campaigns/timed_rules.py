"""
Rules about when: what is told agrees with what was told before, and with what is read.

An operation that was told something rests on a number of its scope's records, its *reach*; the
journal then had at least so many durable ones. A round, a query or a new record also had at
most so many before it, its *past*. One operation that was told before another one began must
not reach beyond the other's past: for an append-only log, that is linearizability.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator

import attrs

from .case import Case, Violation, events_of, named
from .history import Operation, Stored
from .round_rules import RESTS_ON_PAST


@attrs.frozen
class Span:
    """How an operation lies to the records of its scope."""

    operation: Operation
    began: float
    told: float
    past: int | None = None
    """At most so many records were there when it began; None: it does not say."""
    reach: int = 0
    """So many were there when it was told."""


def real_time(case: Case) -> Iterator[Violation]:
    """What began after another was told rests on no less."""
    for scope, spans in _spans(case).items():
        for before, after in _out_of_order(spans):
            problem = (
                f"{before.operation.key} was told of {before.reach} records before "
                f"{after.operation.key} began, which shows {after.past}"
            )
            operations = (before.operation, after.operation)
            lost = tuple(case.past(scope)[after.past : before.reach])
            yield Violation("real time", problem, operations, lost)


def _out_of_order(spans: list[Span]) -> Iterator[tuple[Span, Span]]:
    told = sorted(spans, key=lambda span: span.told)
    furthest: Span | None = None
    i = 0
    for span in sorted(spans, key=lambda span: span.began):
        while told[i].told < span.began:
            if furthest is None or told[i].reach > furthest.reach:
                furthest = told[i]
            i += 1
        if furthest is not None and span.past is not None and furthest.reach > span.past:
            yield furthest, span


def _spans(case: Case) -> dict[str, list[Span]]:
    """The spans of each scope's operations, without those of readers outside."""
    spans: dict[str, list[Span]] = {}
    for operation in case.history.operations.values():
        if operation.call == "propose":
            spans.setdefault(named(operation)[0], []).append(_span_of_proposal(case, operation))
        elif operation.call == "query" and operation.scope is not None:
            spans.setdefault(operation.scope, []).append(_span_of_reading(operation))
        elif operation.call == "follow":
            for at, record in operation.gave:
                # Before it was given, the subscription says nothing.
                span = Span(operation, at, at, None, record.sequence)
                spans.setdefault(record.scope, []).append(span)
    return spans


def _span_of_proposal(case: Case, operation: Operation) -> Span:
    told = float("inf") if operation.told is None else operation.told
    past = None if operation.saw is None else len(operation.saw)
    records = case.decisions.get(named(operation), [])
    if past is None and records and case.proposers[named(operation)][0] is operation:
        # Nobody can have admitted it before somebody proposed it.
        past = records[0].sequence - 1
    if operation.answer in ("accepted", "duplicate"):
        reach = max((record.sequence for record in operation.records), default=0)
    else:
        reach = (past or 0) if operation.answer in RESTS_ON_PAST else 0
    return Span(operation, operation.began, told, past, reach)


def _span_of_reading(operation: Operation) -> Span:
    told = float("inf") if operation.told is None else operation.told
    if operation.answer != "gave":
        return Span(operation, operation.began, told)
    if not operation.records:
        return Span(operation, operation.began, told, operation.after)
    count = operation.records[-1].sequence
    return Span(operation, operation.began, told, count, count)


# --- reading ----------------------------------------------------------------------------------


def queries(case: Case) -> Iterator[Violation]:
    """A query gives what the journal has, without a gap."""
    for operation in case.history.operations.values():
        if operation.call == "query" and operation.answer == "gave":
            past = case.past(operation.scope)[operation.after :][: len(operation.records)]
            if list(operation.records) != past:
                problem = "a query gave what the journal does not have"
                yield Violation("queries", problem, (operation,), tuple(past))


def outcomes(case: Case) -> Iterator[Violation]:
    """Who asks for the outcome of a proposal is told of its records, once somebody was."""
    for operation in case.history.operations.values():
        if operation.call != "outcome" or operation.answer != "gave" or operation.told is None:
            continue
        name = named(operation)
        stored = tuple(case.decisions.get(name, ()))
        known = [
            o
            for o in case.proposers.get(name, ())
            if o.answer in ("accepted", "duplicate") and (o.told or 0) < operation.began
        ]
        if operation.records != stored and (operation.records or known):
            problem = "an outcome is not what the journal has"
            yield Violation("outcomes", problem, (operation, *known[:1]), stored)


def subscriptions(case: Case) -> Iterator[Violation]:
    """A subscription gives all records from where it begins, in order, as the journal has them."""
    for operation in case.history.operations.values():
        if operation.call != "follow":
            continue
        past = case.past(operation.scope)
        start = bisect_left(past, operation.after + 1, key=lambda record: record.position)
        expected = past[start : start + len(operation.gave)]
        if [record for _, record in operation.gave] != expected:
            problem = "a subscription gave what the journal does not have there"
            yield Violation("subscriptions", problem, (operation,), tuple(expected))
        elif operation.caught_up is not None:
            yield from _caught_up(case, operation, operation.caught_up)


def _caught_up(case: Case, operation: Operation, position: int) -> Iterator[Violation]:
    """What was told before it began is behind it once it has caught up."""
    for other in case.proposals:
        told = [r for r in other.records if r.position > position] if other.told else []
        if told and (other.told or 0) < operation.began:
            problem = f"it had caught up at {position}, and more was told before it began"
            yield Violation("subscriptions", problem, (operation, other), tuple(told))
            return


def readers(case: Case) -> Iterator[Violation]:
    """
    Another process reads what is written: in order, and without a gap.

    What was not durable when the power was lost it may have seen, and nobody else ever will.
    """
    spans = _spans(case)
    for operation in case.history.operations.values():
        if operation.call != "read" or operation.answer != "gave":
            continue
        scope, after, told = operation.scope or "", operation.after, operation.told or 0
        given = list(operation.records)
        if [record.sequence for record in given] != [*range(after + 1, after + 1 + len(given))]:
            yield Violation("readers", "it gave records with a gap", (operation,))
            continue
        loss = min((at for at in case.history.losses if at > told), default=None)
        if loss is not None:
            durable = _reach_at(spans.get(scope, ()), loss)
            given = given[: max(0, durable - after)]
        past = case.past(scope)[after:][: len(given)]
        known = _reach_at(spans.get(scope, ()), operation.began)
        if given != past:
            problem = "a reader gave what the journal does not have"
            yield Violation("readers", problem, (operation,), tuple(past))
        elif known > after + len(operation.records):
            problem = f"{known} records had been told before it began"
            yield Violation("readers", problem, (operation,), tuple(case.past(scope)[:known]))


def _reach_at(spans: Iterable[Span], at: float) -> int:
    """How many records of a scope somebody had been told of before a time."""
    return max((span.reach for span in spans if span.told < at), default=0)


def heads(case: Case) -> Iterator[Violation]:
    """What a store said was durable is there, and it has always been the same store."""
    for at, position in case.history.heads:
        if position > len(case.records):
            problem = f"{position} was durable at {at}, and {len(case.records)} is the last"
            yield Violation("heads", problem)
    for at, store in case.history.stores:
        if case.store is not None and store != case.store:
            problem = f"history {store} was opened at {at}, and is {case.store} now"
            yield Violation("heads", problem)


def seen_before_told(case: Case) -> Iterator[Violation]:
    """Also a round of which nobody was told saw all that had been told before it began."""
    spans = _spans(case)
    for operation in case.proposals:
        if operation.saw is None or operation.answer in RESTS_ON_PAST:
            continue
        known = _reach_at(spans.get(operation.scope or "", ()), operation.began)
        durable: list[Stored] = case.past(operation.scope)[:known]
        if list(operation.saw[:known]) != events_of(durable):
            problem = f"{known} records had been told before it began"
            yield Violation("whole past", problem, (operation,), tuple(durable))

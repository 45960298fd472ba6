"""Rules about what is stored: the journal in itself, and what proposers were told of it."""

from __future__ import annotations

from collections.abc import Iterator

from .case import MAY_HAVE_STORED, Case, Violation, events_of, named

# --- the journal in itself ------------------------------------------------------------------


def places(case: Case) -> Iterator[Violation]:
    """Positions have no gap, nor have the sequences of a scope."""
    for position, record in enumerate(case.records, 1):
        if record.position != position:
            yield Violation("places", f"expected position {position}", (), (record,))
            return
    for scope in case.by_scope.values():
        for sequence, record in enumerate(scope, 1):
            if record.sequence != sequence:
                yield Violation("places", f"expected sequence {sequence}", (), (record,))
                break


def whole_decisions(case: Case) -> Iterator[Violation]:
    """A decision's records are all there, side by side; no proposal has two decisions."""
    for records in case.decisions.values():
        first = records[0]
        expected = [(first.position + k, (k + 1, first.part[1])) for k in range(first.part[1])]
        if [(record.position, record.part) for record in records] != expected:
            problem = f"expected one decision of {first.part[1]} events"
            yield Violation("whole decisions", problem, (), tuple(records))


# --- what is stored ---------------------------------------------------------------------------


def proposed(case: Case) -> Iterator[Violation]:
    """What is stored was proposed, and is what somebody's round accepted."""
    for name, records in case.decisions.items():
        proposers = case.proposers.get(name, [])
        accepted = [o.decided for o in proposers if o.decided is not None]
        if not proposers:
            yield Violation("proposed", "nobody proposed this", (), tuple(records))
        elif accepted and tuple(events_of(records)) not in accepted:
            problem = "this is not what was accepted"
            yield Violation("proposed", problem, tuple(proposers), tuple(records))


def acknowledged(case: Case) -> Iterator[Violation]:
    """What was told to be stored is there, unchanged, and was told to one alone."""
    for name, proposers in case.proposers.items():
        accepted = [o for o in proposers if o.answer == "accepted"]
        stored = tuple(case.decisions.get(name, ()))
        for operation in accepted:
            if operation.records != stored or not stored:
                problem = "an acknowledged decision is missing, or is another one"
                yield Violation("acknowledged", problem, (operation,), stored)
        if len(accepted) > 1:
            problem = "a proposal was decided twice"
            yield Violation("acknowledged", problem, tuple(accepted), stored)


def nothing_stored(case: Case) -> Iterator[Violation]:
    """Who was told that nothing was stored had nothing stored."""
    for name, records in case.decisions.items():
        proposers = case.proposers.get(name, [])
        if proposers and not any(o.answer in MAY_HAVE_STORED for o in proposers):
            problem = "everybody was told that this is not stored"
            yield Violation("nothing stored", problem, tuple(proposers), tuple(records))


def duplicates(case: Case) -> Iterator[Violation]:
    """A duplicate is told of the original; a conflict has one, of another event."""
    for operation in case.proposals:
        if operation.answer not in ("duplicate", "conflict"):
            continue
        name = named(operation)
        stored = tuple(case.decisions.get(name, ()))
        originals = [o for o in case.proposers[name] if o.answer in MAY_HAVE_STORED]
        is_same = operation.answer == "duplicate"
        problem = None
        if not stored or not originals:
            problem = f"a {operation.answer} of what was never admitted"
        elif not any((o.event == operation.event) is is_same for o in originals):
            problem = f"a {operation.answer} of {'another' if is_same else 'the same'} event"
        elif is_same and operation.records != stored:
            problem = "a duplicate was told of other records"
        if problem is not None:
            yield Violation("duplicates", problem, (operation, *originals), stored)

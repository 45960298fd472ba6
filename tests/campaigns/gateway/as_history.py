"""What clients of a gateway were told, as a history that the checker of all campaigns reads."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final

from ..history import Answer, Event, History, Operation
from ..history import Stored as Kept
from .rule import seen
from .told import Heard, Proposed, Stored, Told

ANSWERS: Final[Mapping[str, Answer]] = {
    "accepted": "accepted",
    "rejected": "rejected",
    "timed_out": "timed out",
    "withdrawn": "withdrawn",
}


def kept(stored: Sequence[Stored]) -> list[Kept]:
    """The journal, as the checker compares it."""
    return [
        Kept(one.position, one.scope, one.sequence, one.id, [one.id, one.cents]) for one in stored
    ]


def history_of(told: Told, stored: Sequence[Stored]) -> History:
    """
    Write down as a history what clients were told.

    Of a proposal that was sent several times, only the first time and the last answer are known:
    a duplicate is a call of its own, whose first one was told nothing.
    """
    history = History(now=lambda: 0)
    past: dict[str, list[Event]] = defaultdict(list)
    for one in stored:
        past[one.scope].append([one.id, one.cents])
    for number, proposed in enumerate(told.proposed):
        _add_proposal(history, f"p{number}", proposed, past[proposed.scope])
    by_position = {one.position: one for one in kept(stored)}
    for number, heard in enumerate(told.followed):
        if not heard.prefix:
            operation = _begun(history, f"f{number}", "follow", heard)
            times = zip(heard.times, heard.positions, strict=True)
            operation.gave = [(_ticks(time), by_position[at]) for time, at in times]
    scopes = {one.scope for one in stored}
    for number, heard in enumerate(told.queried):
        if heard.is_whole and heard.prefix in scopes and not heard.after:
            operation = _begun(history, f"q{number}", "query", heard)
            operation.records = tuple(by_position[at] for at in heard.positions)
            operation.answer, operation.told = "gave", _ticks(heard.ended)
    return history


def _begun(history: History, key: str, call: str, heard: Heard) -> Operation:
    operation = Operation(key, call, _ticks(heard.began), heard.prefix or None)  # type: ignore[arg-type]  # one of those
    history.operations[key] = operation
    return operation


def _add_proposal(history: History, key: str, one: Proposed, past: Sequence[Event]) -> None:
    event = [one.id, one.cents]
    operation = Operation(key, "propose", _ticks(one.began), one.scope, one.id, event)
    history.operations[key] = operation
    if one.is_duplicate:
        # Somebody had been told nothing when it was admitted.
        operation = Operation(f"{key}-again", "propose", operation.began, one.scope, one.id, event)
        history.operations[operation.key] = operation
    answer = ANSWERS.get(one.outcome or "")
    if answer is None or one.ended is None:
        return
    operation.answer = "duplicate" if one.is_duplicate else answer
    operation.told = _ticks(one.ended)
    operation.records = tuple(
        Kept(position, one.scope, sequence, one.id, event) for position, sequence in one.places
    )
    if one.meta is not None and not one.is_duplicate:
        operation.saw = _seen(one.meta, past)


def _seen(meta: Mapping[str, object], past: Sequence[Event]) -> tuple[Event, ...]:
    """The events that a round says to have seen; something that nobody stored, if it was others."""
    count = meta["saw"]
    assert isinstance(count, int)
    ids = [event[0] for event in past[:count]]
    return tuple(past[:count]) if dict(meta) == seen(ids) else ("something else",)


def _ticks(time: float) -> int:
    return round(time * 1e9)

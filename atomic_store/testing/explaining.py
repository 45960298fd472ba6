"""What a failed check says: what was expected, what was found, and in the light of what."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .. import jsonvalue
from ..errors import InvalidEvent
from ..events import EventTypes
from ..result import Outcome, Result

EVENTS_SHOWN_MAX = 10


def complaint(expected: str, found: str, result: Result[Any], past: Sequence[Any]) -> str:
    """
    Give the text of a failed check.

    Args:
      result: what became of the proposal.
      past: the events of its scope before it.
    """
    return (
        f"expected: {expected}\n"
        f"found: {found}\n"
        f"proposed: {result.prospective_event!r}\n"
        f"past of scope {result.scope!r}: {listed(past, keep_last=True)}"
    )


def ending_of(result: Result[Any]) -> str:
    """How a proposal ended, and with what."""
    if result.outcome is Outcome.ACCEPTED:
        before = ", as it was before" if result.is_duplicate else ""
        return f"accepted{before}, storing {listed([record.event for record in result.records])}"
    ending = "timed out" if result.outcome is Outcome.TIMED_OUT else "rejected"
    return f"{ending} {because(result.reason)}"


def because(reason: str | None) -> str:
    """A reason, in a sentence."""
    return "without a reason" if reason is None else f"because {reason!r}"


def listed(events: Sequence[Any], *, keep_last: bool = False) -> str:
    """Some events, each on a line of its own; of many, the first ones or the last ones."""
    count = len(events)
    if not count:
        return "no events"
    lines = [f"  {event!r}" for event in events]
    hidden = count - EVENTS_SHOWN_MAX
    if hidden > 0 and keep_last:
        lines = [f"  … {hidden} before", *lines[hidden:]]
    elif hidden > 0:
        lines = [*lines[:EVENTS_SHOWN_MAX], f"  … {hidden} more"]
    return "\n".join([f"{count} event{'' if count == 1 else 's'}", *lines])


def first_difference(types: EventTypes, expected: Sequence[Any], found: Sequence[Any]) -> int:
    """The index at which two lists of events begin to differ; -1 if they do not."""
    for index, (one, other) in enumerate(zip(expected, found, strict=False)):
        if not are_same(types, one, other):
            return index
    return -1 if len(expected) == len(found) else min(len(expected), len(found))


def are_same(types: EventTypes, expected: Any, found: Any) -> bool:
    """
    Whether two events are equal, or are stored as the same.

    The latter is for classes that define no equality, and for what is stored as something
    equal to everyone but Python, such as a tuple in plain JSON.
    """
    if expected == found:
        return True
    try:
        one, other = types.encode(expected), types.encode(found)
    except InvalidEvent:
        return False
    return one.type == other.type and (
        jsonvalue.canonical(one.data) == jsonvalue.canonical(other.data)
    )

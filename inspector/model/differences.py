"""
What is different between two JSON values: members and elements that came, went or changed.

Every part of both values gets a number first, equal parts the same one, from the leaves up.
So comparing two parts costs nothing, and neither depth nor length needs recursion.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from typing import Final, TypeAlias, final

import attrs

from .json_values import Json, NotJson, value_of

CHANGES_MAX: Final = 1_000
"""More changes than this nobody reads; they are counted."""

Step: TypeAlias = str | int


class Change(Enum):
    """What happened to a part."""

    ADDED = "+"
    REMOVED = "-"
    CHANGED = "~"


@final
@attrs.frozen
class Difference:
    """A part that is different."""

    path: tuple[Step, ...]
    """Where it is: of what was removed before, of all else after the change."""
    change: Change
    before: Json = None
    """What was there; None also if it was added."""
    after: Json = None
    """What is there; None also if it was removed."""


@final
@attrs.frozen
class Differences:
    """All that is different, in the order of the value."""

    items: tuple[Difference, ...]
    more: int = 0
    """How many there are beyond these."""

    def __bool__(self) -> bool:
        return bool(self.items)


def differences(before: Json, after: Json, *, items_max: int = CHANGES_MAX) -> Differences:
    """
    Compare two JSON values.

    Objects are compared by key. Arrays are compared from both ends: what is left between
    was changed, one by one, and then added or removed. ``1``, ``1.0`` and ``true`` are three
    different values.

    Args:
      before, after: JSON values as `value_of` reads them, nested as deep as they may be.
      items_max: how many to give at most; the others are counted.
    """
    items: list[Difference] = []
    more = 0
    for found in _found(before, after):
        if len(items) < items_max:
            items.append(found())
        else:
            more += 1
    return Differences(tuple(items), more)


def text_differences(before: bytes, after: bytes) -> Differences:
    """Compare two JSON texts; if one of them is none, they are compared as texts."""
    if before == after:
        return Differences(())
    try:
        return differences(value_of(before), value_of(after))
    except NotJson:
        one, other = (text.decode("utf-8", "backslashreplace") for text in (before, after))
        return differences(one, other)


# --- numbers for equal parts -----------------------------------------------------------


@final
@attrs.define(eq=False)
class _Numbers:
    """
    Numbers for values, equal ones the same.

    Invariant: all containers that have a number are alive, since their ids are kept.
    """

    _by_content: dict[object, int] = attrs.field(factory=dict, init=False)
    _by_id: dict[int, int] = attrs.field(factory=dict, init=False)

    def of(self, value: Json) -> int:
        """The number of a value; its parts must have theirs."""
        if isinstance(value, dict | list):
            return self._by_id[id(value)]
        # Types count: True and 1 are equal in Python. So are 0.0 and -0.0, but as texts.
        content = repr(value) if type(value) is float else value
        return self._by_content.setdefault((type(value), content), len(self._by_content))

    def give(self, value: Json) -> None:
        """Give numbers to a value and all its parts, the inner ones first."""
        stack = [(value, False)]
        while stack:
            part, is_ready = stack.pop()
            if not isinstance(part, dict | list) or id(part) in self._by_id:
                continue
            if not is_ready:
                stack.append((part, True))
                stack.extend((inner, False) for inner in _inside(part))
                continue
            content: object = (
                (dict, frozenset((key, self.of(inner)) for key, inner in part.items()))
                if isinstance(part, dict)
                else (list, tuple(map(self.of, part)))
            )
            number = self._by_content.setdefault(content, len(self._by_content))
            self._by_id[id(part)] = number


def _inside(container: dict[str, Json] | list[Json]) -> Iterator[Json]:
    return iter(container.values() if isinstance(container, dict) else container)


# --- the walk ----------------------------------------------------------------------------


@final
@attrs.frozen(eq=False)
class _Place:
    """A path as a chain: a tuple for each step of a deep one would take its square."""

    step: Step
    above: _Place | None


@final
@attrs.frozen(eq=False)
class _Found:
    """A difference that is written out only if it is wanted."""

    place: _Place | None
    change: Change
    before: Json = None
    after: Json = None

    def __call__(self) -> Difference:
        steps = []
        place = self.place
        while place is not None:
            steps.append(place.step)
            place = place.above
        return Difference(tuple(reversed(steps)), self.change, self.before, self.after)


def _found(before: Json, after: Json) -> Iterator[_Found]:
    numbers = _Numbers()
    numbers.give(before)
    numbers.give(after)
    stack = [_Found(None, Change.CHANGED, before, after)]
    while stack:
        found = stack.pop()
        one, other = found.before, found.after
        if found.change is not Change.CHANGED:
            yield found
        elif numbers.of(one) == numbers.of(other):
            continue
        elif isinstance(one, dict) and isinstance(other, dict):
            stack.extend(reversed(list(_in_objects(found.place, one, other))))
        elif isinstance(one, list) and isinstance(other, list):
            stack.extend(reversed(list(_in_arrays(found.place, one, other, numbers))))
        else:
            yield found


def _in_objects(
    place: _Place | None, before: dict[str, Json], after: dict[str, Json]
) -> Iterator[_Found]:
    """The members to be compared, in their order after the change; then those that went."""
    for key, value in after.items():
        inner = _Place(key, place)
        if key in before:
            yield _Found(inner, Change.CHANGED, before[key], value)
        else:
            yield _Found(inner, Change.ADDED, after=value)
    for key, value in before.items():
        if key not in after:
            yield _Found(_Place(key, place), Change.REMOVED, before=value)


def _in_arrays(
    place: _Place | None, before: list[Json], after: list[Json], numbers: _Numbers
) -> Iterator[_Found]:
    """The elements to be compared, without those that both arrays begin and end with."""
    one, other = list(map(numbers.of, before)), list(map(numbers.of, after))
    shorter = min(len(one), len(other))
    begin = next((i for i in range(shorter) if one[i] != other[i]), shorter)
    rest = shorter - begin
    end = next((i for i in range(rest) if one[-1 - i] != other[-1 - i]), rest)
    both = shorter - end
    for index in range(begin, both):
        yield _Found(_Place(index, place), Change.CHANGED, before[index], after[index])
    for index in range(both, len(before) - end):
        yield _Found(_Place(index, place), Change.REMOVED, before=before[index])
    for index in range(both, len(after) - end):
        yield _Found(_Place(index, place), Change.ADDED, after=after[index])

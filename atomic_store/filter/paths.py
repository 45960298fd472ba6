"""Paths into JSON values."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from .terms import Step, Wild

MISSING: Final = object()
"""Nothing is there: not even null."""


def reach(value: object, steps: Iterable[Step]) -> object:
    """Follow a path that is not wild; `MISSING` if it leads nowhere."""
    for step in steps:
        if type(value) is dict:
            # A key is never equal to an index.
            value = value.get(step, MISSING)
        elif type(value) is list and isinstance(step, int) and step < len(value):
            value = value[step]
        else:
            return MISSING
    return value


def reach_all(value: object, steps: Iterable[Step]) -> Sequence[object]:
    """
    Follow a path to all the values it leads to.

    It goes one level down with each step, and meets no value twice: what it costs is at
    most the size of the whole value, however many steps are wild.
    """
    values = [value]
    for step in steps:
        if step is Wild.ANY:
            values = [inner for outer in values for inner in _inside(outer)]
        else:
            reached = [reach(outer, (step,)) for outer in values]
            values = [inner for inner in reached if inner is not MISSING]
        if not values:
            break
    return values


def _inside(value: object) -> Iterable[object]:
    if type(value) is dict:
        return value.values()
    return value if type(value) is list else ()

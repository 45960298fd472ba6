"""Making a flow that fails small: whatever can be left out, is left out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final, TypeVar

import attrs

from .flow import Flow

T = TypeVar("T")

TRIES_MAX: Final = 3_000


def shrunk(flow: Flow, fails: Callable[[Flow], bool], tries_max: int = TRIES_MAX) -> Flow:
    """
    Give the smallest flow that is found to fail as well.

    Args:
      flow: one that fails.
      fails: whether a flow does, in the same way.
      tries_max: how many flows are tried at most.
    """
    tries = 0
    smaller = smaller_ones(flow)
    while tries < tries_max:
        candidate = next(smaller, None)
        if candidate is None:
            break
        tries += 1
        if fails(candidate):
            flow, smaller = candidate, smaller_ones(candidate)
    return flow


def smaller_ones(value: T) -> Iterator[T]:
    """
    Give variants of a flow, or of a part of it, that are one thing smaller: large steps first.

    Of a tuple, those without some of its parts, or with a smaller one; of anything that has
    fields, those with a field that is as it is anyway, or smaller.
    """
    one: Any = value
    if isinstance(one, tuple):
        yield from _shorter(one)
        for i, part in enumerate(one):
            for smaller in smaller_ones(part):
                yield (*one[:i], smaller, *one[i + 1 :])  # type: ignore[misc]  # a T, as `one` is
    elif attrs.has(type(one)):
        for field in attrs.fields(type(one)):
            part = getattr(one, field.name)
            if isinstance(part, tuple):
                for smaller in smaller_ones(part):
                    yield attrs.evolve(one, **{field.name: smaller})
            elif field.default is not attrs.NOTHING and part != field.default:
                yield attrs.evolve(one, **{field.name: field.default})


def _shorter(parts: tuple[Any, ...]) -> Iterator[Any]:
    size = len(parts)
    while size:
        for start in range(0, len(parts), size):
            yield parts[:start] + parts[start + size :]
        size //= 2

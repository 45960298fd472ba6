"""Spans: all values between two."""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce
from typing import Generic, TypeVar

import attrs

T = TypeVar("T", int, str)


@attrs.frozen
class Span(Generic[T]):
    """All values from a first to a last one, both included; None is no end."""

    first: T | None = None
    last: T | None = None

    @property
    def is_empty(self) -> bool:
        """Whether no value is in it."""
        return self.first is not None and self.last is not None and self.first > self.last


def meet(one: Span[T], other: Span[T]) -> Span[T]:
    """What is in both."""
    firsts = [end for end in (one.first, other.first) if end is not None]
    lasts = [end for end in (one.last, other.last) if end is not None]
    return Span(max(firsts, default=None), min(lasts, default=None))


def join(one: Span[T], other: Span[T]) -> Span[T]:
    """The least span around both, neither of which is empty."""
    return Span(
        None if one.first is None or other.first is None else min(one.first, other.first),
        None if one.last is None or other.last is None else max(one.last, other.last),
    )


def hull(spans: Iterable[Span[T]]) -> Span[T]:
    """The least span around some, of which there is one at least, and none is empty."""
    return reduce(join, spans)

"""Where the records that match can be: what an index can use."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import reduce
from typing import Final, TypeAlias

import attrs

from .spans import Span, hull, join, meet
from .terms import And, Compare, Node, OneOf, Operator, Or, Path, Scalar
from .times import Period

Names: TypeAlias = frozenset[str]

_CORRELATIONS: Final = frozenset({("correlation",), ("causation",)})
"""The members of metadata that tie a record to others."""

_ANY_NUMBER: Final[Span[int]] = Span()
_ANY_TIME: Final[Span[str]] = Span()


@attrs.frozen
class Bounds:
    """
    Where the records that match a filter can be.

    Each part says by itself what holds for all of them; None, or a span without ends, says
    nothing. The bounds may be wider than need be, never narrower.
    """

    scopes: Names | None = None
    """They are in one of these scopes. If it is not None, `scope_prefixes` is."""
    scope_prefixes: Names | None = None
    """Their scope begins with one of these; none of these begins with another."""
    ids: Names | None = None
    """They came from one of these proposals."""
    correlations: Names | None = None
    """One of these is the ``correlation`` or the ``causation`` in their metadata."""
    positions: Span[int] = _ANY_NUMBER
    sequences: Span[int] = _ANY_NUMBER
    times: Span[str] = _ANY_TIME
    """When they were admitted, as records have it; a span may be a moment too wide."""
    matches_nothing: bool = False
    """It is plain that there can be no such record."""


ANYWHERE: Final = Bounds()
NOWHERE: Final = Bounds(scopes=frozenset(), ids=frozenset(), matches_nothing=True)


def bounds_of(node: Node) -> Bounds:
    """
    Give a filter's bounds.

    Args:
      node: a filter whose `not`s were carried inward.
    """
    match node:
        case And(parts):
            return reduce(_both, map(bounds_of, parts), ANYWHERE)
        case Or(parts):
            return reduce(_either, map(bounds_of, parts))
        case OneOf(path, values):
            return _equal(path, values)
        case Compare(path, "=", value):
            return _equal(path, (value,))
        case Compare(path, operator, value):
            return _compared(path, operator, value)
    return ANYWHERE


# --- terms -------------------------------------------------------------------------------


def _equal(path: Path, values: Sequence[Scalar]) -> Bounds:
    names = frozenset(value for value in values if isinstance(value, str))
    match path.root:
        case "scope":
            return Bounds(scopes=names)
        case "id":
            return Bounds(ids=names)
        case "metadata":
            is_found = path.steps in _CORRELATIONS and all(isinstance(v, str) for v in values)
            return Bounds(correlations=names) if is_found else ANYWHERE
        case "at":
            return Bounds(times=hull(_time_span("=", value) for value in values))
        case "position" | "sequence":
            spans = [span for value in values if not (span := _whole_span("=", value)).is_empty]
            return _in_numbers(path, hull(spans)) if spans else NOWHERE
    return ANYWHERE


def _compared(path: Path, operator: Operator, value: Scalar) -> Bounds:
    match path.root:
        case "scope" if operator == "^=" and isinstance(value, str) and value:
            return Bounds(scope_prefixes=frozenset({value}))
        case "at":
            return Bounds(times=_time_span(operator, value))
        case "position" | "sequence":
            span = _whole_span(operator, value)
            return NOWHERE if span.is_empty else _in_numbers(path, span)
    return ANYWHERE


def _in_numbers(path: Path, span: Span[int]) -> Bounds:
    return Bounds(positions=span) if path.root == "position" else Bounds(sequences=span)


def _whole_span(operator: Operator, value: Scalar) -> Span[int]:
    """The positions and sequences, which are whole and begin at 1, that compare so."""
    assert isinstance(value, int | float)
    match operator:
        case "=":
            return Span(max(1, math.ceil(value)), math.floor(value))
        case "<":
            return Span(1, math.ceil(value) - 1)
        case "<=":
            return Span(1, math.floor(value))
        case ">":
            return Span(max(1, math.floor(value) + 1))
        case ">=":
            return Span(max(1, math.ceil(value)))
    return Span()


def _time_span(operator: Operator, value: Scalar) -> Span[str]:
    assert isinstance(value, Period)
    match operator:
        case "=":
            return Span(value.first, value.last)
        case "<":
            return Span(None, value.first)
        case "<=":
            return Span(None, value.last)
        case ">":
            return Span(value.last)
        case ">=":
            return Span(value.first)
    return Span()


# --- joins -------------------------------------------------------------------------------


def _both(one: Bounds, other: Bounds) -> Bounds:
    scopes = _common(one.scopes, other.scopes)
    prefixes = _common_prefixes(one.scope_prefixes, other.scope_prefixes)
    if scopes is not None and prefixes is not None:
        scopes = frozenset(scope for scope in scopes if scope.startswith(tuple(prefixes)))
        prefixes = None
    both = Bounds(
        scopes,
        prefixes,
        _common(one.ids, other.ids),
        _fewer(one.correlations, other.correlations),
        meet(one.positions, other.positions),
        meet(one.sequences, other.sequences),
        meet(one.times, other.times),
    )
    return NOWHERE if _is_contradiction(both) else both


def _is_contradiction(bounds: Bounds) -> bool:
    names = (bounds.scopes, bounds.scope_prefixes, bounds.ids)
    spans = (bounds.positions, bounds.sequences, bounds.times)
    return frozenset() in names or any(span.is_empty for span in spans)


def _either(one: Bounds, other: Bounds) -> Bounds:
    if one.matches_nothing or other.matches_nothing:
        return other if one.matches_nothing else one
    scopes = _united(one.scopes, other.scopes)
    prefixes = None
    if scopes is None:
        prefixes = _shortest(_united(_begin(one), _begin(other)))
    return Bounds(
        scopes,
        prefixes,
        _united(one.ids, other.ids),
        _united(one.correlations, other.correlations),
        join(one.positions, other.positions),
        join(one.sequences, other.sequences),
        join(one.times, other.times),
    )


def _begin(bounds: Bounds) -> Names | None:
    """What the scopes begin with: a scope begins with itself."""
    return bounds.scope_prefixes if bounds.scopes is None else bounds.scopes


def _common(one: Names | None, other: Names | None) -> Names | None:
    if one is None or other is None:
        return other if one is None else one
    return one & other


def _fewer(one: Names | None, other: Names | None) -> Names | None:
    """The smaller one: both hold, but one may speak of the correlation, one of the causation."""
    if one is None or other is None:
        return other if one is None else one
    return min(one, other, key=len)


def _united(one: Names | None, other: Names | None) -> Names | None:
    return None if one is None or other is None else one | other


def _common_prefixes(one: Names | None, other: Names | None) -> Names | None:
    if one is None or other is None:
        return other if one is None else one
    return frozenset(
        max(a, b, key=len) for a in one for b in other if a.startswith(b) or b.startswith(a)
    )


def _shortest(prefixes: Names | None) -> Names | None:
    """Leave out what begins with another one."""
    if prefixes is None:
        return None
    return frozenset(
        long
        for long in prefixes
        if not any(long != short and long.startswith(short) for short in prefixes)
    )

"""From what is wanted to where it can lie and what its lines must hold."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import attrs

from .. import jsonvalue
from ..errors import InvalidEvent
from .index_file import to_microseconds
from .line_search import Clauses
from .lookup import Key
from .wanted import Wanted


@attrs.frozen
class Sought:
    """Where the records that are wanted can be; whether they are is seen in each."""

    first: int
    last: int
    keys: tuple[Key, ...] | None = None
    """They are among what an index has of these; None if no index helps."""
    ids: frozenset[str] | None = None
    """They come from one of these proposals; None if that is not known."""
    clauses: Clauses = ()
    """What their lines must hold."""
    since: int | None = None
    """They are not before this time, in microseconds since 1970."""
    until: int | None = None


NOTHING = Sought(1, 0)


def sought_for(wanted: Wanted, count: int) -> Sought:
    """
    Say where what is wanted can be.

    Args:
      count: how many records there are.
    """
    bounds = None if wanted.where is None else wanted.where.bounds
    first, last = max(wanted.first, 1), _least(count, wanted.last)
    since, until, ids = wanted.since, wanted.until, None
    scopes = None if wanted.scope is None else frozenset({wanted.scope})
    keys: tuple[Key, ...] | None = None
    if bounds is not None:
        if bounds.matches_nothing:
            return NOTHING
        first = max(first, bounds.positions.first or 1)
        last = _least(last, bounds.positions.last)
        since = _of_both(max, since, bounds.times.first)
        until = _of_both(min, until, bounds.times.last)
        ids = bounds.ids
        if bounds.scopes is not None:
            scopes = bounds.scopes if scopes is None else scopes & bounds.scopes
        if bounds.correlations is not None:
            names = sorted(bounds.correlations)
            members = ("correlation", "causation")
            keys = tuple(Key(name, member) for name in names for member in members)
    if scopes is not None and keys is None:
        keys = tuple(Key(scope) for scope in sorted(scopes) if scope.startswith(wanted.prefix))
    try:
        clauses = _clauses(wanted)
    except InvalidEvent:
        # There is no scope with a name that is no text.
        return NOTHING
    return Sought(
        first, last, keys, ids, clauses,
        None if since is None else to_microseconds(since),
        None if until is None else to_microseconds(until),
    )  # fmt: skip


def _clauses(wanted: Wanted) -> list[Sequence[bytes]]:
    clauses: list[Sequence[bytes]] = []
    if wanted.scope is not None:
        clauses.append((b'"scope":' + jsonvalue.encode(wanted.scope),))
    if wanted.prefix:
        clauses.append((b'"scope":' + jsonvalue.encode(wanted.prefix)[:-1],))
    if wanted.where is not None:
        clauses += wanted.where.needles
    return clauses


def _least(one: int, other: int | None) -> int:
    return one if other is None else min(one, other)


def _of_both(choose: Callable[[str, str], str], one: str | None, other: str | None) -> str | None:
    if one is None or other is None:
        return other if one is None else one
    return choose(one, other)

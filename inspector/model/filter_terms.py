"""Terms of the filter language, made from what is on the screen."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final, TypeAlias

from atomic_store.errors import AtomicStoreError, FilterError
from atomic_store.filter import parse
from atomic_store.filter.terms import Compare, Path, Root, Step
from atomic_store.filter.writing import written

Scalar: TypeAlias = str | int | float | bool | None

_NO_TIME: Final = datetime(2000, 1, 1, tzinfo=UTC)
"""What periods such as ``-2h`` would be counted from; there are none here."""


def path_text(root: Root, steps: Sequence[Step] = ()) -> str:
    """Write a path: ``data.bids[0]["odd key"]``; lone surrogates as ``?``."""
    safe = (s.encode("utf-8", "replace").decode() if isinstance(s, str) else s for s in steps)
    text = written(Compare(Path(root, tuple(safe)), "=", None))
    return text.removesuffix(" = null")


def term_for(root: Root, steps: Sequence[Step], value: Scalar) -> str | None:
    """
    Write the term that records with this value at this place match.

    Args:
      root: the part of the record, such as ``data``, or a field of its own.
      steps: the keys and indexes that lead on from there.
      value: what stands there.

    Returns:
      None if no filter can say it: it is too long, or no valid text or number.
    """
    if isinstance(value, float) and value - value != 0:
        # It would be written as a word, and read as a text.
        return None
    try:
        term = written(Compare(Path(root, tuple(steps)), "=", value))
        return parse(term, now=_NO_TIME).text
    except (AtomicStoreError, ValueError):
        return None


def narrowed(where: str, term: str) -> str | None:
    """
    Add a term to a filter, so that less matches it.

    Returns:
      None if the filter is none, or both together are too long.
    """
    return _joined(where, f"({where}) and {term}", term)


def widened(where: str, term: str) -> str | None:
    """
    Add a term to a filter, so that more matches it; to an empty one, so that only this does.

    Returns:
      None if the filter is none, or both together are too long.
    """
    return _joined(where, f"{where} or {term}", term)


def _joined(where: str, both: str, term: str) -> str | None:
    if not where.strip():
        both = term
    try:
        # Alone first: a bracket too many would meet the one that is added.
        parse(where, now=_NO_TIME)
        parse(both, now=_NO_TIME)
    except FilterError:
        return None
    return both

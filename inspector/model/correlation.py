"""
What belongs together, over all scopes.

Two members of a record's metadata tie it to others: ``correlation``, which all of one affair
share, and ``causation``, the id of the proposal that brought it about.
"""

from __future__ import annotations

from typing import Final, final

import attrs

from atomic_store.journal import StoredRecord

from .filter_terms import term_for, widened
from .json_values import NotJson, value_of

_METADATA_BYTES_MAX: Final = 1024 * 1024
"""Larger metadata is not looked into: it would take too long for a keystroke."""


@final
@attrs.frozen
class Ties:
    """What ties a record to others."""

    id: str
    """Its own: what others name as their causation."""
    correlation: str | None = None
    causation: str | None = None


def ties_of(record: StoredRecord) -> Ties:
    """Say what ties a record to others; what is no text ties nothing."""
    metadata = record.metadata
    if metadata is None or len(metadata) > _METADATA_BYTES_MAX:
        return Ties(record.id)
    try:
        value = value_of(metadata)
    except NotJson:
        return Ties(record.id)
    found = value if isinstance(value, dict) else {}
    correlation, causation = found.get("correlation"), found.get("causation")
    return Ties(
        record.id,
        correlation if isinstance(correlation, str) else None,
        causation if isinstance(causation, str) else None,
    )


def related(ties: Ties) -> str:
    """
    Write the filter for all that belongs to a record.

    Those with its correlation, or its id for one; those with its causation, and those that
    it has caused. Whatever has neither is not among them, perhaps not even the record itself.
    Each term is such that an index can answer it. What makes it too long is left out.
    """
    where = ""
    for member, value in (
        ("correlation", ties.correlation),
        ("correlation", None if ties.correlation == ties.id else ties.id),
        ("causation", None if ties.causation == ties.id else ties.causation),
        ("causation", ties.id),
    ):
        term = None if value is None else term_for("metadata", (member,), value)
        if term is not None:
            where = widened(where, term) or where
    return where


def cause(ties: Ties) -> str | None:
    """Write the filter for what has caused a record; None if it does not say."""
    return None if ties.causation is None else term_for("id", (), ties.causation)

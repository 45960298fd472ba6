"""
The values that a journal takes and gives: drafts in, stored records out, and snapshots.

They are msgspec structs and not attrs classes for one reason: there are millions of them,
they hold only text, bytes and numbers, and without ``gc=False`` the garbage collector
walks over all of them again and again (6.5 of 48 µs an admission, measured).
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec


class EncodedEvent(msgspec.Struct, frozen=True, gc=False):
    """An event as it will be stored."""

    type: str
    """The name of its type."""
    version: int
    """The version of its type's schema, from 1."""
    data: bytes
    """Its value, as JSON text in UTF-8."""


class Draft(msgspec.Struct, frozen=True, gc=False):
    """An accepting decision on its way to the journal: records without a place."""

    scope: str
    id: str
    """The proposal's UUID, as 36 lower-case characters."""
    events: tuple[EncodedEvent, ...]
    """What is to be stored, all or none; at least one."""
    metadata: bytes | None = None
    """A JSON object, given with the proposal; stored with every record of the decision."""
    meta: bytes | None = None
    """A JSON value, given with the decision; stored with the first record."""
    proposed: str | None = None
    """The digest of the proposed event, where others took its place."""


class StoredRecord(msgspec.Struct, frozen=True, gc=False):
    """A record as a journal holds it: an admitted event with its place, not yet decoded."""

    position: int
    scope: str
    sequence: int
    id: str
    """The proposal's UUID, as 36 lower-case characters."""
    at: str
    """When it was admitted: ``2026-11-23T15:04:05.123456Z``, never less than before it."""
    type: str
    data: bytes
    version: int = 1
    part: tuple[int, int] | None = None
    """``(k, n)``: the k-th of a decision's n > 1 records."""
    metadata: bytes | None = None
    meta: bytes | None = None
    proposed: str | None = None


class Snapshot(msgspec.Struct, frozen=True, gc=False):
    """What a scope's events amounted to, so that nobody need go through them again."""

    scope: str
    sequence: int
    """The last event that the state knows."""
    version: int
    """The version of the fold that made it, from 1."""
    state: bytes
    """The state, as JSON text in UTF-8."""


def size_of(record: StoredRecord) -> int:
    """How many bytes of data and metadata a record holds."""
    size = len(record.data)
    if record.metadata is not None:
        size += len(record.metadata)
    if record.meta is not None:
        size += len(record.meta)
    return size


def size_of_all(records: Sequence[StoredRecord]) -> int:
    """How many bytes of data and metadata some records hold."""
    if len(records) == 1:
        return size_of(records[0])
    return sum(map(size_of, records))


def records_of(draft: Draft, *, position: int, sequence: int, at: str) -> tuple[StoredRecord, ...]:
    """Give a draft its place: its records, the first at `position` and `sequence`."""
    n = len(draft.events)
    if n == 1:
        (event,) = draft.events
        return (
            StoredRecord(
                position, draft.scope, sequence, draft.id, at, event.type, event.data,
                event.version, None, draft.metadata, draft.meta, draft.proposed,
            ),
        )  # fmt: skip
    return tuple(
        StoredRecord(
            position + k, draft.scope, sequence + k, draft.id, at, event.type, event.data,
            event.version, (k + 1, n), draft.metadata,
            draft.meta if k == 0 else None, draft.proposed if k == 0 else None,
        )
        for k, event in enumerate(draft.events)
    )  # fmt: skip

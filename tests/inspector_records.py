"""Records for the tests of the inspector's model."""

from __future__ import annotations

from atomic_store.journal import StoredRecord

AT = "2026-11-23T15:04:05.123456Z"


def record_at(
    position: int, sequence: int = 0, scope: str = "lot-1", size: int = 10
) -> StoredRecord:
    """A record of about so many bytes; its sequence is its position, if none is given."""
    return StoredRecord(
        position, scope, sequence or position, f"id-{position}", AT, "Bid", b"1" * size
    )


def records_at(first: int, last: int, scope: str = "lot-1") -> list[StoredRecord]:
    """Records with all positions from `first` to `last`."""
    return [record_at(position, scope=scope) for position in range(first, last + 1)]

"""What a store tells about itself."""

from __future__ import annotations

from typing import final
from uuid import UUID

import attrs


@final
@attrs.frozen
class ScopeStatus:
    """What a live scope is doing."""

    is_validating: bool
    """A round is open; else the scope is available."""
    waiting: int
    """How many proposals wait their turn."""
    sequence: int
    """How many events it has, those included that are not durable yet."""
    proposal_id: UUID | None = None
    """Whose round is open."""
    since: float | None = None
    """When the round was opened, on `trio.current_time`'s clock, in seconds."""
    deadline: float | None = None
    """When it ends at the latest, on the same clock."""


@final
@attrs.frozen
class StoreStatistics:
    """What happened since the store was opened, and what it holds now."""

    rounds: int
    """Rounds opened: one for each time that a validator ran."""
    accepted: int
    rejected: int
    timed_out: int
    withdrawn: int
    raised: int
    """Rounds that ended because the validator raised."""
    crashed: int
    """Rounds that ended because the scope's actor crashed: each one is a bug."""
    duplicates: int
    """Proposals that were answered with what was admitted before."""
    records: int
    """Records that were admitted."""
    live_scopes: int
    """Scopes that have an actor now."""
    waiting: int
    """Proposals that wait their turn, in all scopes."""
    past_bytes: int
    """The size of all events that are kept in memory for validators."""
    commits: int
    """Commits, each one write and one fdatasync; 0 if the journal does not tell."""
    commit_p50_s: float | None
    """Half of the last 1,000 commits took so many seconds at most; None if it is not known."""
    commit_p99_s: float | None
    """99 of 100 of them took so long at most."""
    commit_max_s: float | None
    """The longest of them."""
    snapshots_written: int
    """States of the fold that were kept on disk."""
    snapshots_used: int
    """States from which a scope's past was gone through, instead of from its beginning."""
    snapshots_skipped: int
    """Kept states that were damaged, did not match the records, or could not be read as states."""
    snapshots_error: str | None
    """What went wrong last with keeping states; None if nothing did. Nothing depends on it."""

"""The options of a store, as one type: what is handed on need not be listed again."""

from __future__ import annotations

from typing import TypedDict


class StoreOptions(TypedDict, total=False):
    """The limits and habits of a store; `open_store` documents them."""

    validation_timeout: float
    timeout_reason: str
    max_waiting: int
    idle_after: float
    live_scopes_max: int
    past_bytes_max: int
    event_bytes_max: int
    decision_events_max: int
    decision_bytes_max: int
    snapshot_every: int

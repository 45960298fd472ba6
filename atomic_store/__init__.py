"""
Strictly consistent streams of events for Trio.

A store holds many scopes. In each, events are admitted to an append-only log one at a
time, by a decision that is made once, in the light of all events before it, and that is
durable before anybody is told.
"""

from __future__ import annotations

from .admission import RoundToken
from .consideration import Consideration, ConsideredRequest
from .decision import Accept, Decision, Reject
from .errors import (
    AtomicStoreError,
    BadExport,
    FilterError,
    IdempotencyConflict,
    InvalidEvent,
    JournalCorrupt,
    JournalFailed,
    NotAStore,
    PastNotLoaded,
    ScopeBusy,
    ScopeFailed,
    SequenceConflict,
    StaleResponse,
    StoreClosed,
    StoreLocked,
    StoreReplaced,
    TargetRefused,
)
from .events import EventType, JsonEvent
from .feed import CaughtUp, Feed
from .filter import Filter
from .filter import parse as parse_filter
from .fold import Fold
from .journal import Head, Journal, Recovery, ScopeEnd
from .messages import (
    Envelope,
    Failed,
    GetLiveLogScopes,
    LiveLogScopes,
    QueriedEvents,
    QueryEvents,
    StoreIfValid,
    ValidationResponse,
)
from .opening import open_store
from .reader import Reader, open_reader
from .reading import Reading
from .records import PastEvents, PastRecords, Record
from .request import PastInPages, ValidationRequest, Validator
from .result import Outcome, Result
from .status import ScopeStatus, StoreStatistics
from .store import Store

__version__ = "0.1.0"

__all__ = [
    "Accept",
    "AtomicStoreError",
    "BadExport",
    "CaughtUp",
    "Consideration",
    "ConsideredRequest",
    "Decision",
    "Envelope",
    "EventType",
    "Failed",
    "Feed",
    "Filter",
    "FilterError",
    "Fold",
    "GetLiveLogScopes",
    "Head",
    "IdempotencyConflict",
    "InvalidEvent",
    "Journal",
    "JournalCorrupt",
    "JournalFailed",
    "JsonEvent",
    "LiveLogScopes",
    "NotAStore",
    "Outcome",
    "PastEvents",
    "PastInPages",
    "PastNotLoaded",
    "PastRecords",
    "QueriedEvents",
    "QueryEvents",
    "Reader",
    "Reading",
    "Record",
    "Recovery",
    "Reject",
    "Result",
    "RoundToken",
    "ScopeBusy",
    "ScopeEnd",
    "ScopeFailed",
    "ScopeStatus",
    "SequenceConflict",
    "StaleResponse",
    "Store",
    "StoreClosed",
    "StoreIfValid",
    "StoreLocked",
    "StoreReplaced",
    "StoreStatistics",
    "TargetRefused",
    "ValidationRequest",
    "ValidationResponse",
    "Validator",
    "open_reader",
    "open_store",
    "parse_filter",
]

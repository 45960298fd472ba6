"""
How event objects become JSON and come back, strictly.

In this room: the event types of a store, and the shapes behind them, one for each
annotation. Everything here is pure: values in, values out.
"""

from __future__ import annotations

from .event_type import EventType
from .event_types import EVENT_BYTES_MAX, EventTypes, event_types
from .json_event import JsonEvent
from .state_codec import StateCodec, state_codec

__all__ = [
    "EVENT_BYTES_MAX",
    "EventType",
    "EventTypes",
    "JsonEvent",
    "StateCodec",
    "event_types",
    "state_codec",
]

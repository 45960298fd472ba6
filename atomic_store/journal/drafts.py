"""What may go into a journal: the last look before bytes are fixed. Pure."""

from __future__ import annotations

import re

import msgspec

from ..errors import InvalidEvent, shown
from .record import Draft, Snapshot

SCOPE_BYTES_MAX = 512
VERSION_END = 10**18
_check_json = msgspec.json.Decoder(msgspec.Raw).decode
_is_uuid = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}").fullmatch


def check_scope(scope: str) -> None:
    """
    Check a scope's name.

    Raises:
      InvalidEvent: it is empty, too long, holds a NUL, or is no text in UTF-8.
    """
    try:
        size = len(scope.encode())
    except UnicodeEncodeError as error:
        raise InvalidEvent(f"scope: expected text, found {shown(scope)} ({error})") from error
    if not 1 <= size <= SCOPE_BYTES_MAX:
        raise InvalidEvent(f"scope: expected 1 to {SCOPE_BYTES_MAX} bytes, found {size}")
    if "\0" in scope:
        raise InvalidEvent(f"scope: expected no NUL, found {shown(scope)}")


def check_draft(draft: Draft, decision_bytes_max: int) -> None:
    """
    Check everything of a draft that its line depends on, but its scope.

    Raises:
      InvalidEvent: a line that holds this could not be read again, or is too large.
    """
    if _is_uuid(draft.id) is None:
        raise InvalidEvent(f"id: expected a UUID in lower case, found {shown(draft.id)}")
    events = draft.events
    if not events:
        raise InvalidEvent("events: expected at least one, found none")
    size = 0
    for event in events:
        _check_value("data", event.data)
        size += len(event.data)
        if event.version < 1:
            raise InvalidEvent(f"version: expected at least 1, found {event.version}")
    if draft.metadata is not None:
        _check_value("metadata", draft.metadata)
        size += len(draft.metadata) * len(events)
    if draft.meta is not None:
        _check_value("meta", draft.meta)
        size += len(draft.meta)
    if size > decision_bytes_max:
        raise InvalidEvent(
            f"events: expected at most {decision_bytes_max} bytes in a decision, found {size}"
        )


def check_snapshot(snapshot: Snapshot, end: int) -> None:
    """
    Check everything of a snapshot that its line depends on.

    Args:
      end: its scope's last durable sequence.

    Raises:
      ValueError: it is of a record that is not there, or cannot be stored.
    """
    if not 1 <= snapshot.sequence <= end:
        raise ValueError(
            f"sequence: expected a durable one of {shown(snapshot.scope)}, which has {end}, "
            f"found {snapshot.sequence}"
        )
    if not 1 <= snapshot.version < VERSION_END:
        raise ValueError(
            f"version: expected one from 1 to below {VERSION_END}, found {snapshot.version}"
        )
    _check_value("state", snapshot.state)


def _check_value(member: str, value: bytes) -> None:
    try:
        _check_json(value)
        if not value.isascii():
            value.decode()
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidEvent(f"{member}: expected JSON, found {shown(value)} ({error})") from error
    if b"\n" in value:
        raise InvalidEvent(f"{member}: expected JSON in one line, found {shown(value)}")
    # What stands around a value is not part of it, and would be lost.
    if value != value.strip():
        raise InvalidEvent(f"{member}: expected no white space around it, found {shown(value)}")

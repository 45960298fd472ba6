"""From an accepting decision to what goes to the journal."""

from __future__ import annotations

from typing import Any

from . import jsonvalue
from .decision import Accept
from .errors import InvalidEvent, shown
from .journal import Draft, EncodedEvent
from .parts import Parts
from .proposal import Proposal


def draft_of(parts: Parts, proposal: Proposal, decision: Accept) -> Draft:
    """
    Check and encode what was accepted.

    Raises:
      InvalidEvent: it cannot be stored: an event or `meta` is no JSON, belongs to another
        scope, or it is all too large.
    """
    meta = None if decision.meta is None else jsonvalue.encode(decision.meta)
    if decision.events is None:
        return Draft(proposal.scope, proposal.id, (proposal.encoded,), proposal.metadata, meta)
    return _draft_of_others(parts, proposal, decision.events, meta)


def _draft_of_others(
    parts: Parts, proposal: Proposal, events: tuple[Any, ...], meta: bytes | None
) -> Draft:
    options = parts.options
    if len(events) > options.decision_events_max:
        raise InvalidEvent(
            f"expected at most {options.decision_events_max} events in one decision "
            f"(decision_events_max), found {len(events)}"
        )
    encoded = tuple(_encode_own(parts, proposal, event) for event in events)
    size = sum(len(event.data) for event in encoded)
    if size > options.decision_bytes_max:
        raise InvalidEvent(
            f"expected at most {options.decision_bytes_max} bytes of events in one decision "
            f"(decision_bytes_max), found {size}"
        )
    proposed = proposal.encoded
    digest = None
    if encoded != (proposed,):
        digest = jsonvalue.digest(proposed.type, proposed.data)
    return Draft(proposal.scope, proposal.id, encoded, proposal.metadata, meta, digest)


def _encode_own(parts: Parts, proposal: Proposal, event: Any) -> EncodedEvent:
    """Encode an event that was accepted in place of another: it stays in the scope."""
    encoded, decoded = parts.types.encode_and_decode(event)
    if parts.scope_of is not None and not proposal.has_given_scope:
        scope = parts.scope_of(decoded)
        if scope != proposal.scope:
            raise InvalidEvent(
                "events accepted in place of another belong to its scope: "
                f"expected {shown(proposal.scope)}, found {shown(scope)}"
            )
    return encoded

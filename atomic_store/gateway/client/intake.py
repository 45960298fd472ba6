"""What is checked of a proposal before anything is sent; as the store does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

import uuid_utils

from ... import jsonvalue
from ...errors import InvalidEvent, shown
from ...events import EventTypes
from ...intake import check_scope
from .calls import Proposing


def proposing(
    types: EventTypes,
    scope_of: Callable[[Any], str] | None,
    number: int,
    event: object,
    scope: str | None,
    proposal_id: UUID | None,
    metadata: Mapping[str, Any] | None,
    validation_timeout: float | None,
    *,
    decides: bool,
) -> tuple[Proposing, Any]:
    """
    Make the call of a proposal, and give the event along as everybody else will see it.

    Raises:
      InvalidEvent, TypeError, ValueError: it cannot be proposed.
    """
    encoded, decoded = types.encode_and_decode(event)
    if scope is None:
        if scope_of is None:
            raise TypeError("scope: expected one, for the client has no scope_of")
        scope = scope_of(decoded)
    check_scope(scope)
    if proposal_id is not None and not isinstance(proposal_id, UUID):
        raise TypeError(f"proposal_id: expected a uuid.UUID, found {shown(proposal_id)}")
    id_ = str(uuid_utils.uuid7() if proposal_id is None else proposal_id)
    if validation_timeout is not None and not validation_timeout > 0:
        raise ValueError(
            f"validation_timeout: expected seconds above 0, found {validation_timeout!r}"
        )
    call = Proposing(
        scope, encoded, id_, _checked(metadata), validation_timeout, decides, number=number
    )
    return call, decoded


def _checked(metadata: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if metadata is None:
        return None
    if not isinstance(metadata, Mapping):
        raise InvalidEvent(f"metadata: expected a JSON object, found {shown(metadata)}")
    try:
        copied: Any = jsonvalue.copied(dict(metadata))
    except InvalidEvent as error:
        raise InvalidEvent(f"metadata: {error}") from None
    return dict(copied)

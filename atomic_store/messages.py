"""
The message-shaped interface: for those who route messages themselves.

Messages are sent to `Store.receptionist`. Each carries `reply_to`, a send channel that
the store uses with `send_nowait` only: one that is closed or full means that the proposer
is gone. A `StoreIfValid` is answered by a `ValidationRequest` and, once that is answered
by a `ValidationResponse`, by a `Result`; or by `Failed` at any time.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias, final
from uuid import UUID

import attrs
import trio

from .admission import RoundToken
from .decision import Decision
from .records import Record
from .status import ScopeStatus

ReplyTo: TypeAlias = trio.MemorySendChannel[Any]


@final
@attrs.frozen
class StoreIfValid:
    """Propose an event; as `Store.store_if_valid`, whose arguments it has."""

    event: Any
    reply_to: ReplyTo
    scope: str | None = attrs.field(default=None, kw_only=True)
    proposal_id: UUID | None = attrs.field(default=None, kw_only=True)
    metadata: Mapping[str, Any] | None = attrs.field(default=None, kw_only=True)
    validation_timeout: float | None = attrs.field(default=None, kw_only=True)


@final
@attrs.frozen
class ValidationResponse:
    """Answer a round: `decision` is what the `ValidationRequest` made."""

    decision: Decision
    reply_to: ReplyTo
    """Where `Failed` goes if the answer does not count; the result goes to the proposer."""

    @property
    def round(self) -> RoundToken:
        """The round that it answers."""
        return self.decision.round


@final
@attrs.frozen
class QueryEvents:
    """Ask for a scope's records; as `Store.query_events`. Answered by `QueriedEvents`."""

    reply_to: ReplyTo
    scope: str | None = attrs.field(default=None, kw_only=True)
    after: int = attrs.field(default=0, kw_only=True)
    before: int | None = attrs.field(default=None, kw_only=True)
    last: int | None = attrs.field(default=None, kw_only=True)
    limit: int | None = attrs.field(default=None, kw_only=True)


@final
@attrs.frozen
class QueriedEvents:
    """The answer to `QueryEvents`."""

    scope: str
    records: tuple[Record[Any], ...]


@final
@attrs.frozen
class GetLiveLogScopes:
    """Ask which scopes are live. Answered by `LiveLogScopes`."""

    reply_to: ReplyTo


@final
@attrs.frozen
class LiveLogScopes:
    """The answer to `GetLiveLogScopes`."""

    scopes: Mapping[str, ScopeStatus]


@final
@attrs.frozen
class Failed:
    """A message could not be served: the error, and the message."""

    error: Exception
    message: object


Message: TypeAlias = StoreIfValid | ValidationResponse | QueryEvents | GetLiveLogScopes
"""What may be sent to the receptionist."""


@final
@attrs.frozen
class Envelope:
    """A message with the scope that it is for; the message's own scope, if it has one, counts."""

    scope: str
    message: Message

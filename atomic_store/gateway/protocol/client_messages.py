"""
What clients say: one class a message; `parsing` makes them, `writing` writes them.

They are msgspec structs, because those are read strictly and written without what was left
out, and give a JSON Schema. Members that stand for any JSON value are `Any`.
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import msgspec

Id: TypeAlias = int
"""A request's number: 1 to 2^53 - 1, greater than all before it on its connection."""


class ClientMessage(
    msgspec.Struct, tag_field="type", frozen=True, omit_defaults=True, kw_only=True
):
    """Anything that a client says."""


class Event(msgspec.Struct, frozen=True):
    """An event on the wire."""

    type: str
    data: Any


# --- beside all requests ---------------------------------------------------------------


class Hello(ClientMessage, frozen=True, tag="hello"):
    """The first message of every connection."""

    token: str | None = None
    client: str | None = None
    """What the client is, for the log."""


class Ping(ClientMessage, frozen=True, tag="ping"):
    """Asks for a `pong`."""


class Pong(ClientMessage, frozen=True, tag="pong"):
    """Answers a `ping`; it need not be sent."""


# --- proposing and deciding --------------------------------------------------------------


class Propose(ClientMessage, frozen=True, tag="propose"):
    """Hand in an event."""

    id: Id
    event: Event
    scope: str | None = None
    """Where it belongs, if the store does not tell that from the event."""
    proposal_id: str | None = None
    """A UUID. Without one the gateway makes one, and sending again is not safe."""
    known: int = 0
    """The highest sequence of the scope that the client holds."""
    known_id: str | None = None
    """That record's `id`."""
    decide: Literal["self"] | None = None
    """Who decides: the proposer itself, or whoever the gateway has for it."""
    metadata: dict[str, Any] | None = None
    past: bool = True
    """Whether a proposer that decides wants to see the past."""
    state: bool = False
    """Whether it wants the fold's state."""
    validation_timeout_s: float | None = None
    """How long the round may stay open, if shorter than the store's."""


class Decide(ClientMessage, frozen=True, tag="decide"):
    """Answer a round: exactly one of `accept` and `events` says how."""

    id: Id
    round: str
    accept: bool | None = None
    events: list[Event] | None = None
    """What to store in the event's place."""
    reason: str | None = None
    meta: Any = None


class Withdraw(ClientMessage, frozen=True, tag="withdraw"):
    """Take a proposal back; answered by the result that it has."""

    id: Id


class ValidateFor(ClientMessage, frozen=True, tag="validate_for"):
    """Offer to decide the proposals of others."""

    id: Id
    prefix: str
    rounds: int = 16
    """How many rounds it takes at the same time."""
    past: bool = True
    state: bool = False


class Need(ClientMessage, frozen=True, tag="need"):
    """A validator lacks a part of a round's past: again from `known`."""

    id: Id
    round: str
    known: int


# --- asking and following ----------------------------------------------------------------


class Query(ClientMessage, frozen=True, tag="query"):
    """Ask for a page of records: of one scope, of a prefix, or of all."""

    id: Id
    scope: str | None = None
    prefix: str | None = None
    all: bool = False
    after_sequence: int | None = None
    before_sequence: int | None = None
    after: int | None = None
    """A position."""
    before: int | None = None
    at: str | None = None
    order: Literal["asc", "desc"] = "asc"
    limit: int | None = None
    where: str | None = None


class Subscribe(ClientMessage, frozen=True, tag="subscribe"):
    """Follow records of one scope, of a prefix, or of all."""

    id: Id
    scope: str | None = None
    prefix: str | None = None
    all: bool = False
    after: int | Literal["end"] = 0
    store: str | None = None
    """The history that `after` belongs to."""
    where: str | None = None


class Unsubscribe(ClientMessage, frozen=True, tag="unsubscribe"):
    """End what goes on for ever: a subscription, an offer to decide, something watched."""

    id: Id


class Scopes(ClientMessage, frozen=True, tag="scopes"):
    """Ask for scopes by name, and perhaps watch them."""

    id: Id
    prefix: str = ""
    after: str | None = None
    limit: int | None = None
    watch: bool = False


# --- operating ------------------------------------------------------------------------------


class Stats(ClientMessage, frozen=True, tag="stats"):
    """Ask for figures, once or every so often."""

    id: Id
    every_s: float | None = None


class StoreInfo(ClientMessage, frozen=True, tag="store"):
    """Ask what the store consists of."""

    id: Id


class Verify(ClientMessage, frozen=True, tag="verify"):
    """Have the whole store checked."""

    id: Id


class EndRound(ClientMessage, frozen=True, tag="end_round"):
    """End another one's round."""

    id: Id
    scope: str
    round: str


Request: TypeAlias = (
    Propose | ValidateFor | Query | Subscribe | Scopes | Stats | StoreInfo | Verify | EndRound
)
"""What carries a new id, and ends with exactly one terminal message."""

Steering: TypeAlias = Decide | Withdraw | Need | Unsubscribe
"""What names the id of an open request."""

REQUESTS: tuple[type[Request], ...] = (
    Propose, ValidateFor, Query, Subscribe, Scopes, Stats, StoreInfo, Verify, EndRound,
)  # fmt: skip
STEERINGS: tuple[type[Steering], ...] = (Decide, Withdraw, Need, Unsubscribe)
ENDLESS: tuple[type[ClientMessage], ...] = (Subscribe, ValidateFor, Scopes, Stats)
"""What `unsubscribe` may end."""
OTHERS: tuple[type[ClientMessage], ...] = (Hello, Ping, Pong)

ALL: dict[str, type[ClientMessage]] = {
    str(kind.__struct_config__.tag): kind for kind in (*OTHERS, *REQUESTS, *STEERINGS)
}
"""Every message, by its `type`."""

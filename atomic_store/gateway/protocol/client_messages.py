"""
What clients say: one class a message; `parsing` makes them, `writing` writes them.

They are msgspec structs, because those are read strictly and written without what was left
out, and give a JSON Schema. Members that stand for any JSON value are `Any`.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, TypeAlias

import msgspec
from msgspec import Meta

WIRE_INT_MAX: Final = 2**53 - 1
"""The largest number on the wire: above it JavaScript and others count in steps of two."""

Id: TypeAlias = Annotated[
    int,
    Meta(
        description="The request's number.",
        extra_json_schema={"minimum": 1, "maximum": WIRE_INT_MAX},
    ),
]
"""
A request's number: 1 to 2^53 - 1, greater than all before it on its connection.

Any int is taken here, because another one is no bad message: it ends the connection.
"""

Count: TypeAlias = Annotated[int, Meta(ge=0, le=WIRE_INT_MAX)]
"""A sequence or a position, or 0: before the first one."""

Size: TypeAlias = Annotated[int, Meta(ge=1, le=WIRE_INT_MAX)]
"""How many of something, at most."""

Seconds: TypeAlias = Annotated[float, Meta(gt=0)]
"""A span of time."""


class ClientMessage(
    msgspec.Struct, tag_field="type", frozen=True, omit_defaults=True, kw_only=True
):
    """Anything that a client says."""


class Event(msgspec.Struct, frozen=True):
    """An event on the wire."""

    type: str
    """The name of its type."""
    data: Any
    """The event itself: any JSON value that the type allows."""


# --- beside all requests ---------------------------------------------------------------


class Hello(ClientMessage, frozen=True, tag="hello"):
    """The first message of every connection."""

    token: str | None = None
    """Who the client is, unless a header or a second subprotocol said so."""
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
    """What is proposed."""
    scope: str | None = None
    """Where it belongs, if the store does not tell that from the event."""
    proposal_id: str | None = None
    """A UUID. Without one the gateway makes one, and sending again is not safe."""
    known: Count = 0
    """The highest sequence of the scope that the client holds."""
    known_id: str | None = None
    """That record's `id`."""
    decide: Literal["self"] | None = None
    """Who decides: the proposer itself, or whoever the gateway has for it."""
    metadata: dict[str, Any] | None = None
    """What is stored with the event; keys that begin with `$` are the gateway's."""
    past: bool = True
    """Whether a proposer that decides wants to see the past."""
    state: bool = False
    """Whether it wants the fold's state."""
    validation_timeout_s: Seconds | None = None
    """How long the round may stay open, if shorter than the store's."""


class Decide(ClientMessage, frozen=True, tag="decide"):
    """Answer a round: exactly one of `accept` and `events` says how."""

    id: Id
    """The proposal's request, or that of the `validate_for`."""
    round: str
    """The round's token, from `validate`."""
    accept: bool | None = None
    """Whether the event is to be stored as it is."""
    events: list[Event] | None = None
    """What to store in the event's place."""
    reason: str | None = None
    """Why not, for the proposer."""
    meta: Any = None
    """What the decision says beside: stored with what it accepts, and in the result."""


class Withdraw(ClientMessage, frozen=True, tag="withdraw"):
    """Take a proposal back; answered by the result that it has."""

    id: Id
    """The proposal's request."""


class ValidateFor(ClientMessage, frozen=True, tag="validate_for"):
    """Offer to decide the proposals of others."""

    id: Id
    prefix: str
    """How the scopes begin; `""` is all of them."""
    rounds: Size = 16
    """How many rounds it takes at the same time."""
    past: bool = True
    """Whether it wants to see the past."""
    state: bool = False
    """Whether it wants the fold's state."""


class Need(ClientMessage, frozen=True, tag="need"):
    """A validator lacks a part of a round's past: again from `known`."""

    id: Id
    """The request of the `validate_for`."""
    round: str
    """The round's token."""
    known: Count
    """The highest sequence of the scope that it holds."""


# --- asking and following ----------------------------------------------------------------


class Query(ClientMessage, frozen=True, tag="query"):
    """Ask for a page of records: of one scope, of a prefix, or of all."""

    id: Id
    scope: str | None = None
    """Records of this scope."""
    prefix: str | None = None
    """Records of all scopes that begin so."""
    all: bool = False
    """Records of all scopes."""
    after_sequence: Count | None = None
    """From behind this sequence of the scope."""
    before_sequence: Count | None = None
    """Up to this sequence of the scope, without it."""
    after: Count | None = None
    """From behind this position."""
    before: Count | None = None
    """Up to this position, without it."""
    at: str | None = None
    """From the first record of this time on, or with `desc` back from it."""
    order: Literal["asc", "desc"] = "asc"
    """The oldest first, or the newest."""
    limit: Size | None = None
    """How many records the page may have; the gateway has a limit, too."""
    where: str | None = None
    """A filter."""


class Subscribe(ClientMessage, frozen=True, tag="subscribe"):
    """Follow records of one scope, of a prefix, or of all."""

    id: Id
    scope: str | None = None
    """Records of this scope."""
    prefix: str | None = None
    """Records of all scopes that begin so."""
    all: bool = False
    """Records of all scopes."""
    after: Count | Literal["end"] = 0
    """From behind this position, or from now on."""
    store: str | None = None
    """The history that `after` belongs to."""
    where: str | None = None
    """A filter."""


class Unsubscribe(ClientMessage, frozen=True, tag="unsubscribe"):
    """End what goes on for ever: a subscription, an offer to decide, something watched."""

    id: Id
    """The request that is to end."""


class Scopes(ClientMessage, frozen=True, tag="scopes"):
    """Ask for scopes by name, and perhaps watch them."""

    id: Id
    prefix: str = ""
    """How their names begin."""
    after: str | None = None
    """From behind this name."""
    limit: Size | None = None
    """How many the page may have; the gateway has a limit, too."""
    watch: bool = False
    """Whether to say, from then on, which of them change."""


# --- operating ------------------------------------------------------------------------------


class Stats(ClientMessage, frozen=True, tag="stats"):
    """Ask for figures, once or every so often."""

    id: Id
    every_s: Seconds | None = None
    """How often; left out, once."""


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
    """The round's scope."""
    round: str
    """The round's token."""


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

"""What the gateway says: one class a message; `writing` writes them, `parsing` reads them."""

from __future__ import annotations

from typing import Any, TypeAlias

import msgspec
from msgspec import UNSET, UnsetType

from ...journal.record import StoredRecord
from .client_messages import Event, Id
from .codes import WORTH_TRYING_AGAIN, ErrorCode


class WireRecord(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """
    A record on the wire: the journal's, without its checksums.

    `data`, `metadata` and `meta` are JSON text, byte for byte as stored.
    """

    position: int
    """Its place in the store: 1, 2, 3 … without a gap."""
    scope: str
    """The log that it belongs to."""
    sequence: int
    """Its place in the scope: 1, 2, 3 … without a gap."""
    id: str
    """The proposal's."""
    at: str
    """When it was admitted: `2026-11-23T15:04:05.123456Z`."""
    type: str
    """The name of the event's type."""
    data: msgspec.Raw | UnsetType = UNSET
    """The event."""
    v: int = 1
    """The version of the type's schema."""
    part: tuple[int, int] | None = None
    """`[k,n]`: the k-th of the n > 1 records of one decision."""
    metadata: msgspec.Raw | UnsetType = UNSET
    """What was stored with the proposal: an object."""
    meta: msgspec.Raw | UnsetType = UNSET
    """What was stored with the decision, on its first record."""
    proposed: str | None = None
    """The digest of the proposed event, where others took its place."""
    omitted_bytes: int | None = None
    """How large `data` is, where it was left out because it would not fit a message."""


def wire_record(stored: StoredRecord) -> WireRecord:
    """A stored record as it goes on the wire."""
    return WireRecord(
        stored.position, stored.scope, stored.sequence, stored.id, stored.at, stored.type,
        msgspec.Raw(stored.data), stored.version, stored.part,
        UNSET if stored.metadata is None else msgspec.Raw(stored.metadata),
        UNSET if stored.meta is None else msgspec.Raw(stored.meta),
        stored.proposed,
    )  # fmt: skip


class ServerMessage(
    msgspec.Struct, tag_field="type", frozen=True, omit_defaults=True, kw_only=True
):
    """Anything that the gateway says."""


class LimitsShown(msgspec.Struct, frozen=True):
    """The limits that a client should know."""

    message_bytes: int
    """The largest message, in either direction."""
    event_bytes: int
    """The largest event, as JSON text."""
    page_records: int
    """The most records on a page."""
    open_requests: int
    """The most requests that a connection may have open."""
    rounds: int
    """The most rounds that a `validate_for` takes at the same time."""


class Welcome(ServerMessage, frozen=True, tag="welcome"):
    """Answers `hello`."""

    store: str
    """The id of the store's history: whoever gets another one drops all that it holds."""
    position: int
    """The last record's."""
    principal: str
    """Who the client is, by its token."""
    rights: dict[str, list[str]]
    """By right, the scope prefixes that it covers."""
    heartbeat_s: float
    """How long the gateway says nothing, at most."""
    limits: LimitsShown
    """What the client must keep to."""
    protocol: int
    """1."""
    features: list[str]
    """What was added to this version of the protocol, by name."""


class Ping(ServerMessage, frozen=True, tag="ping"):
    """Says that the gateway is there; it needs no answer."""


class Pong(ServerMessage, frozen=True, tag="pong"):
    """Answers a `ping`."""


class Past(ServerMessage, frozen=True, tag="past"):
    """A page of a scope's past, for whoever decides."""

    id: Id
    after: int
    """The sequence behind which the page begins; 0: it replaces what the client held."""
    records: list[WireRecord]
    """In order of their sequence, without a gap."""
    through: int
    """The sequence that the page ends with."""
    round: str | None = None
    """For a registered validator: the round that it is for."""


class Waiting(ServerMessage, frozen=True, tag="waiting"):
    """How many proposals stand before this one."""

    id: Id
    ahead: int
    """How many."""


class RoundFor(msgspec.Struct, frozen=True):
    """Whose proposal a registered validator is shown."""

    scope: str
    """Where it was proposed."""
    proposal_id: str
    """The proposal's id."""
    principal: str
    """Who proposed it."""


class Validate(ServerMessage, frozen=True, tag="validate"):
    """A round is open: all past up to `sequence` has been sent."""

    id: Id
    round: str
    """The round's token: `decide` names it."""
    sequence: int
    """The scope's last record: the decision is made upon all up to it."""
    deadline_s: float
    """How long from now."""
    event: Event
    """What was proposed."""
    metadata: msgspec.Raw | UnsetType = UNSET
    """What came with the proposal."""
    state: msgspec.Raw | UnsetType = UNSET
    """The fold's state, if it was asked for."""
    for_: RoundFor | None = msgspec.field(name="for", default=None)
    """For a registered validator: whose proposal it is."""


class Result(ServerMessage, frozen=True, tag="result"):
    """What became of a proposal: durable, and the end of its request."""

    id: Id
    accepted: bool
    """Whether the outcome is `accepted`."""
    outcome: str
    """`accepted`, `rejected`, `timed_out`, `withdrawn` or `ended`."""
    records: list[WireRecord] | None = None
    """What was stored."""
    reason: str | None = None
    """Why not."""
    meta: msgspec.Raw | UnsetType = UNSET
    """What the decision said beside."""
    duplicate: bool = False
    """Whether it had been admitted before."""


class Over(ServerMessage, frozen=True, tag="over"):
    """A round that a registered validator was shown has ended."""

    id: Id
    round: str
    """The round's token."""
    outcome: str
    """As in the proposer's `result`; `failed` if that is an error, `withdrawn` if others decide."""


class Records(ServerMessage, frozen=True, tag="records"):
    """Records, in order; an answer may have several of these."""

    id: Id
    records: list[WireRecord]
    """One or more."""


class Done(ServerMessage, frozen=True, tag="done"):
    """The end of a request; of a query with where the next page begins."""

    id: Id
    next: int | UnsetType | None = UNSET
    """What continues a query; null at the end."""
    scanned: int | None = None
    """How many records were looked at, of a query with a filter."""


class CaughtUp(ServerMessage, frozen=True, tag="caught_up"):
    """A subscription has given all up to a position: here it may be taken up again."""

    id: Id
    position: int
    """All records up to it that match have been sent."""


class Reset(ServerMessage, frozen=True, tag="reset"):
    """A subscription cannot go on from there: another history. Drop all, and start anew."""

    id: Id
    store: str
    """The id of the history that there is now."""


class ScopeShown(msgspec.Struct, frozen=True, omit_defaults=True):
    """A scope: where it ends, and what it does now."""

    scope: str
    """Its name."""
    sequence: int
    """Its last record's."""
    position: int
    """Its last record's."""
    at: str
    """Its last record's."""
    state: str = "idle"
    """`idle`, `available` or `validating`."""
    waiting: int = 0
    """How many proposals wait their turn."""
    round: str | None = None
    """The open round's token."""
    principal: str | None = None
    """Whose proposal is in the round."""
    since_s: float | None = None
    """For how long the round has been open."""
    deadline_s: float | None = None
    """How long it may stay open from now."""


class ScopesShown(ServerMessage, frozen=True, tag="scopes"):
    """Scopes that were asked for, or have changed."""

    id: Id
    scopes: list[ScopeShown]
    """In order of their names."""


class StatsShown(ServerMessage, frozen=True, tag="stats"):
    """Figures by name."""

    id: Id
    figures: dict[str, Any]
    """What the store and the gateway count."""


class StoreShown(ServerMessage, frozen=True, tag="store"):
    """What the store consists of."""

    id: Id
    store: str
    """The id of its history."""
    position: int
    """The last record's."""
    commit: str
    """The last commit's hash: two stores with the same one hold the same."""
    figures: dict[str, Any]
    """What it holds, by name."""


class Verified(ServerMessage, frozen=True, tag="verified"):
    """How far the checking of a store has come, and in the end what it found."""

    id: Id
    checked_bytes: int
    """How much has been checked."""
    total_bytes: int
    """How much there is to check."""
    records: int | None = None
    """In the end: how many records are right."""
    commit: str | None = None
    """In the end: the last commit's hash."""
    damage: list[dict[str, Any]] | None = None
    """In the end: what is wrong, and where; empty if nothing is."""


class Error(ServerMessage, frozen=True, tag="error"):
    """Something was refused. Ends its request unless `final` is false."""

    code: ErrorCode
    """What went wrong."""
    message: str
    """For people: what was expected, and what was found."""
    id: Id | None = None
    """The request; left out, if the message named none."""
    round: str | None = None
    """The round that a refused message was about."""
    final: bool = True
    """Whether the request is over."""
    retry: bool = False
    """Whether the same request may get past later."""


def error(code: ErrorCode, message: str, id: Id | None = None) -> Error:  # noqa: A002 - as it is called on the wire
    """An error that ends its request, if it names one."""
    return Error(code=code, message=message, id=id, retry=code in WORTH_TRYING_AGAIN)


class Goodbye(ServerMessage, frozen=True, tag="goodbye"):
    """The gateway is about to close the connection."""

    reason: str
    """`shutdown`, or what else it is."""
    reconnect_after_s: float | None = None
    """When to come back, if that is known."""


AnyServerMessage: TypeAlias = (
    Welcome | Ping | Pong | Past | Waiting | Validate | Result | Over | Records | Done | CaughtUp
    | Reset | ScopesShown | StatsShown | StoreShown | Verified | Error | Goodbye
)  # fmt: skip

KINDS: tuple[type[ServerMessage], ...] = (
    Welcome, Ping, Pong, Past, Waiting, Validate, Result, Over, Records, Done, CaughtUp, Reset,
    ScopesShown, StatsShown, StoreShown, Verified, Error, Goodbye,
)  # fmt: skip

TERMINAL: tuple[type[ServerMessage], ...] = (Result, Done, Error)
"""What ends a request; an `Error` only if it says so."""

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
    scope: str
    sequence: int
    id: str
    """The proposal's."""
    at: str
    type: str
    data: msgspec.Raw | UnsetType = UNSET
    v: int = 1
    part: tuple[int, int] | None = None
    metadata: msgspec.Raw | UnsetType = UNSET
    meta: msgspec.Raw | UnsetType = UNSET
    proposed: str | None = None
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
    event_bytes: int
    page_records: int
    open_requests: int
    rounds: int


class Welcome(ServerMessage, frozen=True, tag="welcome"):
    """Answers `hello`."""

    store: str
    """The id of the store's history: whoever gets another one drops all that it holds."""
    position: int
    principal: str
    rights: dict[str, list[str]]
    """By right, the scope prefixes that it covers."""
    heartbeat_s: float
    limits: LimitsShown
    protocol: int
    features: list[str]


class Ping(ServerMessage, frozen=True, tag="ping"):
    """Says that the gateway is there; it needs no answer."""


class Pong(ServerMessage, frozen=True, tag="pong"):
    """Answers a `ping`."""


class Past(ServerMessage, frozen=True, tag="past"):
    """A page of a scope's past, for whoever decides."""

    id: Id
    after: int
    records: list[WireRecord]
    through: int
    round: str | None = None


class Waiting(ServerMessage, frozen=True, tag="waiting"):
    """How many proposals stand before this one."""

    id: Id
    ahead: int


class RoundFor(msgspec.Struct, frozen=True):
    """Whose proposal a registered validator is shown."""

    scope: str
    proposal_id: str
    principal: str


class Validate(ServerMessage, frozen=True, tag="validate"):
    """A round is open: all past up to `sequence` has been sent."""

    id: Id
    round: str
    sequence: int
    deadline_s: float
    """How long from now."""
    event: Event
    metadata: msgspec.Raw | UnsetType = UNSET
    state: msgspec.Raw | UnsetType = UNSET
    for_: RoundFor | None = msgspec.field(name="for", default=None)


class Result(ServerMessage, frozen=True, tag="result"):
    """What became of a proposal: durable, and the end of its request."""

    id: Id
    accepted: bool
    outcome: str
    """accepted, rejected, timed_out, withdrawn or ended."""
    records: list[WireRecord] | None = None
    reason: str | None = None
    meta: msgspec.Raw | UnsetType = UNSET
    duplicate: bool = False


class Over(ServerMessage, frozen=True, tag="over"):
    """A round that a registered validator was shown has ended."""

    id: Id
    round: str
    outcome: str


class Records(ServerMessage, frozen=True, tag="records"):
    """Records, in order; an answer may have several of these."""

    id: Id
    records: list[WireRecord]


class Done(ServerMessage, frozen=True, tag="done"):
    """The end of a request; of a query with where the next page begins."""

    id: Id
    next: int | UnsetType | None = UNSET
    """What continues a query; null at the end."""
    scanned: int | None = None


class CaughtUp(ServerMessage, frozen=True, tag="caught_up"):
    """A subscription has given all up to a position: here it may be taken up again."""

    id: Id
    position: int


class Reset(ServerMessage, frozen=True, tag="reset"):
    """A subscription cannot go on from there: another history. Drop all, and start anew."""

    id: Id
    store: str


class ScopeShown(msgspec.Struct, frozen=True, omit_defaults=True):
    """A scope: where it ends, and what it does now."""

    scope: str
    sequence: int
    position: int
    at: str
    state: str = "idle"
    """idle, available or validating."""
    waiting: int = 0
    round: str | None = None
    principal: str | None = None
    since_s: float | None = None
    """For how long the round has been open."""
    deadline_s: float | None = None
    """How long it may stay open from now."""


class ScopesShown(ServerMessage, frozen=True, tag="scopes"):
    """Scopes that were asked for, or have changed."""

    id: Id
    scopes: list[ScopeShown]


class StatsShown(ServerMessage, frozen=True, tag="stats"):
    """Figures by name."""

    id: Id
    figures: dict[str, Any]


class StoreShown(ServerMessage, frozen=True, tag="store"):
    """What the store consists of."""

    id: Id
    store: str
    position: int
    commit: str
    figures: dict[str, Any]


class Verified(ServerMessage, frozen=True, tag="verified"):
    """How far the checking of a store has come, and in the end what it found."""

    id: Id
    checked_bytes: int
    total_bytes: int
    records: int | None = None
    commit: str | None = None
    damage: list[dict[str, Any]] | None = None


class Error(ServerMessage, frozen=True, tag="error"):
    """Something was refused. Ends its request unless `final` is false."""

    code: ErrorCode
    message: str
    id: Id | None = None
    round: str | None = None
    final: bool = True
    retry: bool = False


def error(code: ErrorCode, message: str, id: Id | None = None) -> Error:  # noqa: A002 - as it is called on the wire
    """An error that ends its request, if it names one."""
    return Error(code=code, message=message, id=id, retry=code in WORTH_TRYING_AGAIN)


class Goodbye(ServerMessage, frozen=True, tag="goodbye"):
    """The gateway is about to close the connection."""

    reason: str
    reconnect_after_s: float | None = None


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

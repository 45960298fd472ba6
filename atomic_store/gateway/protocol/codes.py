"""The names and numbers by which things go wrong, as docs/protocol.md lists them."""

from __future__ import annotations

from enum import IntEnum, StrEnum
from typing import Final

SUBPROTOCOL: Final = "atomic-store.v1"
PROTOCOL_VERSION: Final = 1


class ErrorCode(StrEnum):
    """Why a request, or a message about one, was refused."""

    BAD_MESSAGE = "bad_message"
    """A member is missing, has another type, or may not stand there."""
    UNKNOWN_TYPE = "unknown_type"
    """There is no message of this type."""
    UNAUTHORIZED = "unauthorized"
    """The token is unknown, or no longer counts."""
    FORBIDDEN = "forbidden"
    """The principal has no right to this."""
    NOT_FOUND = "not_found"
    """There is no such open request, round or scope."""
    INVALID_EVENT = "invalid_event"
    """What a `propose` or a `decide` carries cannot be stored; the message names the place."""
    TOO_LARGE = "too_large"
    """The message, or the event in it, is larger than `welcome` allows."""
    TOO_MANY = "too_many"
    """More is open at the same time than `welcome` allows."""
    SCOPE_BUSY = "scope_busy"
    """The scope's waiting room is full."""
    NO_VALIDATOR = "no_validator"
    """There is nobody who decides about this scope."""
    NO_STATE = "no_state"
    """The store keeps no state of scopes, or none that has a JSON form."""
    BAD_FILTER = "bad_filter"
    """`where` is no filter; the message says where it goes wrong."""
    STALE_ROUND = "stale_round"
    """The round is over, or another's: what was said about it changed nothing."""
    SUPERSEDED = "superseded"
    """The proposal was sent again, and goes on under the later id."""
    PROPOSAL_CONFLICT = "proposal_conflict"
    """The proposal's id was used by another principal, or for another event."""
    STORE_FAILED = "store_failed"
    """The journal failed; the gateway is about to go away."""
    SHUTTING_DOWN = "shutting_down"
    """The gateway is about to go away."""
    INTERNAL = "internal"
    """A fault of the gateway; its log says more."""


OUTCOME_OPEN: Final = frozenset(
    {
        ErrorCode.STORE_FAILED,
        ErrorCode.SHUTTING_DOWN,
        ErrorCode.INTERNAL,
        ErrorCode.SUPERSEDED,
    }
)
"""After these it is not known whether a proposal is stored; after all others it is not."""

WORTH_TRYING_AGAIN: Final = frozenset(
    {
        ErrorCode.TOO_MANY,
        ErrorCode.SCOPE_BUSY,
        ErrorCode.NO_VALIDATOR,
        ErrorCode.STORE_FAILED,
        ErrorCode.SHUTTING_DOWN,
        ErrorCode.INTERNAL,
    }
)
"""What the same request may get past later: errors with ``"retry":true``."""


class CloseCode(IntEnum):
    """Why a connection was closed; those from 4400 on are the protocol's own."""

    NORMAL = 1000
    """One of the two sides was done."""
    SHUTDOWN = 1001
    """The gateway goes away; it has said `goodbye`."""
    TOO_LARGE = 1009
    """A message had more than four times `message_bytes`."""
    BAD_FRAME = 4400
    """A binary frame, or a text that is no JSON object."""
    UNAUTHORIZED = 4401
    """There is no token, or one that is unknown or no longer counts."""
    FORBIDDEN = 4403
    """The `Origin` or the `Host` is not on the gateway's list."""
    NO_SUBPROTOCOL = 4406
    """The client did not offer `atomic-store.v1`."""
    NO_HELLO = 4408
    """`hello` did not come in time."""
    BAD_ID = 4409
    """A request's id is not from 1 to 2^53 - 1, or not greater than all before it."""
    TOO_MANY = 4429
    """There are too many connections."""
    INTERNAL = 4500
    """A fault of the gateway; its log says more."""
    SLOW = 4508
    """The client took nothing for too long."""


FINAL_CLOSES: Final = frozenset(
    {
        CloseCode.NORMAL,
        CloseCode.TOO_LARGE,
        CloseCode.BAD_FRAME,
        CloseCode.UNAUTHORIZED,
        CloseCode.FORBIDDEN,
        CloseCode.NO_SUBPROTOCOL,
        CloseCode.BAD_ID,
    }
)
"""After these a client stops; after all others, and without any, it connects again."""

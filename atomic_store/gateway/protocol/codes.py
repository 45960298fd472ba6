"""The names and numbers by which things go wrong, as docs/protocol.md lists them."""

from __future__ import annotations

from enum import IntEnum, StrEnum
from typing import Final

SUBPROTOCOL: Final = "atomic-store.v1"
PROTOCOL_VERSION: Final = 1


class ErrorCode(StrEnum):
    """Why a request, or a message about one, was refused."""

    BAD_MESSAGE = "bad_message"
    UNKNOWN_TYPE = "unknown_type"
    UNAUTHORIZED = "unauthorized"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    INVALID_EVENT = "invalid_event"
    TOO_LARGE = "too_large"
    TOO_MANY = "too_many"
    SCOPE_BUSY = "scope_busy"
    NO_VALIDATOR = "no_validator"
    NO_STATE = "no_state"
    BAD_FILTER = "bad_filter"
    STALE_ROUND = "stale_round"
    SUPERSEDED = "superseded"
    PROPOSAL_CONFLICT = "proposal_conflict"
    STORE_FAILED = "store_failed"
    SHUTTING_DOWN = "shutting_down"
    INTERNAL = "internal"


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
    SHUTDOWN = 1001
    TOO_LARGE = 1009
    BAD_FRAME = 4400
    UNAUTHORIZED = 4401
    FORBIDDEN = 4403
    NO_SUBPROTOCOL = 4406
    NO_HELLO = 4408
    BAD_ID = 4409
    TOO_MANY = 4429
    INTERNAL = 4500
    SLOW = 4508


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

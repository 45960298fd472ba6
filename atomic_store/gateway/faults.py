"""What clients are told of what went wrong: as much as they can use, and no more."""

from __future__ import annotations

from ..errors import (
    FilterError,
    IdempotencyConflict,
    InvalidEvent,
    JournalCorrupt,
    JournalFailed,
    ScopeBusy,
    StoreClosed,
)
from .log import logger
from .protocol import server_messages as say
from .protocol.codes import ErrorCode


class TooLarge(Exception):
    """What a client asked for fits no message."""


class NoValidator(Exception):
    """There is nobody who decides a proposal."""


_CODES: tuple[tuple[type[Exception], ErrorCode], ...] = (
    (InvalidEvent, ErrorCode.INVALID_EVENT),
    (ScopeBusy, ErrorCode.SCOPE_BUSY),
    (FilterError, ErrorCode.BAD_FILTER),
    (TooLarge, ErrorCode.TOO_LARGE),
    (NoValidator, ErrorCode.NO_VALIDATOR),
)
"""Errors whose text is about what the client sent, or has no secret in it."""


def error_for(error: Exception, id_: int | None) -> say.Error:
    """
    Give the message that tells a client of an error.

    Whatever is not about what the client sent is logged here, and not shown: it may name
    paths, or what others sent.
    """
    for kind, code in _CODES:
        if isinstance(error, kind):
            return say.error(code, str(error), id_)
    if isinstance(error, IdempotencyConflict):
        return conflict(id_)
    if isinstance(error, StoreClosed):
        return say.error(ErrorCode.SHUTTING_DOWN, "the store is being closed", id_)
    if isinstance(error, JournalFailed | JournalCorrupt):
        logger.error("a request failed: %s", error)
        return say.error(ErrorCode.STORE_FAILED, "the store cannot read or write its files", id_)
    logger.error("a request failed", exc_info=error)
    return say.error(ErrorCode.INTERNAL, "something went wrong in the gateway", id_)


def conflict(id_: int | None) -> say.Error:
    """The answer to a proposal id that somebody used for something else; it says no more."""
    what = "expected a proposal id that is new, or the same proposal again"
    return say.error(ErrorCode.PROPOSAL_CONFLICT, what, id_)

"""What can go wrong between a client and its gateway."""

from __future__ import annotations

from ...errors import (
    AtomicStoreError,
    FilterError,
    IdempotencyConflict,
    InvalidEvent,
    ScopeBusy,
)
from ..protocol import server_messages as said
from ..protocol.codes import OUTCOME_OPEN, ErrorCode


class GatewayError(AtomicStoreError, RuntimeError):
    """
    The gateway refused a request, or cannot say what became of it.

    What it refuses for a reason that a store has, too, is raised as the store's error:
    `InvalidEvent`, `ScopeBusy`, `IdempotencyConflict`, `FilterError`.

    Attributes:
      code: a code of the protocol (``"forbidden"``), ``"closed"`` or ``"connection_lost"``.
      message: what was expected, and what was found.
      outcome_is_open: whether a proposal is stored is not known. Proposing it again with the
        same proposal id is right, and tells.
    """

    def __init__(self, code: str, message: str, *, outcome_is_open: bool = False) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message
        self.outcome_is_open = outcome_is_open

    def __str__(self) -> str:
        is_open = "; whether it is stored is not known" if self.outcome_is_open else ""
        return f"{self.code}: {self.message}{is_open}"


class GatewayClosed(GatewayError):
    """
    The client has stopped for good, and connects no more.

    The gateway closed the connection in a way that connecting again would not mend, or broke
    the protocol; or the client's block was left.

    Attributes:
      close_code: the WebSocket's close code, or the HTTP status that refused it; None if
        there was none.
    """

    def __init__(
        self, message: str, close_code: int | None = None, *, outcome_is_open: bool = False
    ) -> None:
        super().__init__("closed", message, outcome_is_open=outcome_is_open)
        self.args = (message, close_code)
        self.close_code = close_code


class ConnectionLost(GatewayError):
    """
    The first connection could not be made.

    Unlike `GatewayClosed`, trying again may help. Once there was a connection, the client
    does so by itself, and this is not raised.
    """

    def __init__(self, message: str) -> None:
        super().__init__("connection_lost", message)
        self.args = (message,)


def refusal(error: said.Error, *, may_be_stored: bool, where: str | None = None) -> Exception:
    """
    Give the exception that says what the gateway said.

    Args:
      may_be_stored: it answers a proposal that may have been decided.
      where: the filter that was sent along.
    """
    match error.code:
        case ErrorCode.INVALID_EVENT:
            return InvalidEvent(error.message)
        case ErrorCode.SCOPE_BUSY:
            return ScopeBusy(error.message)
        case ErrorCode.PROPOSAL_CONFLICT:
            return IdempotencyConflict(error.message)
        case ErrorCode.BAD_FILTER if where is not None:
            return FilterError(where, 0, "a filter that the gateway takes", error.message)
        case code:
            is_open = may_be_stored and code in OUTCOME_OPEN
            return GatewayError(str(code), error.message, outcome_is_open=is_open)

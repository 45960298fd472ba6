"""
One conversation, as the gateway sees it: what a text means, given all texts before it.

Rule 1: what decides whether a message is taken, refused, or ends the connection lives
here. Rule 2: nothing here knows a socket, a task, the clock or the store. A text goes in;
what is to be done comes out, as data. Whoever does it tells with `end` which request is
over, so that its id is free of meaning again.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, auto
from typing import Final, TypeAlias, final

import attrs
import msgspec

from . import server_messages as say
from .client_messages import (
    ENDLESS,
    REQUESTS,
    ClientMessage,
    Decide,
    Hello,
    Need,
    Ping,
    Pong,
    Propose,
    Request,
    Scopes,
    Stats,
    Steering,
    Unsubscribe,
    ValidateFor,
    Withdraw,
)
from .codes import CloseCode, ErrorCode
from .permission import Fault, fault_in
from .rights import Principal
from .text import NotAnObject, Refused, parse_client, parse_too_large

ID_MAX: Final = 2**53 - 1
HELLO_BYTES_MAX: Final = 16 * 1024
"""The largest `hello`: whoever is not known yet costs no more than a millisecond or two."""


class Phase(Enum):
    """How far a conversation has come."""

    EXPECTS_HELLO = auto()
    OPEN = auto()
    CLOSED = auto()


@final
@attrs.frozen
class Reply:
    """Say this."""

    message: say.ServerMessage


@final
@attrs.frozen
class Greet:
    """Say welcome to a principal."""

    principal: Principal
    client: str | None
    """What the client says it is."""


@final
@attrs.frozen
class Start:
    """Begin what was asked for. Until `Session.end`, its id may be steered."""

    request: Request


@final
@attrs.frozen
class Steer:
    """Do this about an open request."""

    message: Steering
    request: Request


@final
@attrs.frozen
class Close:
    """End the connection: nothing that comes is read any more."""

    code: CloseCode
    reason: str


Action: TypeAlias = Reply | Greet | Start | Steer | Close

_STEERED: dict[type[ClientMessage], tuple[type[ClientMessage], ...]] = {
    Decide: (Propose, ValidateFor),
    Withdraw: (Propose,),
    Need: (Propose, ValidateFor),
    Unsubscribe: ENDLESS,
}
"""Which requests each message may be about."""


@final
@attrs.define(eq=False)
class Session:
    """
    One conversation.

    Args:
      authenticate: gives the principal of the token in `hello`, or of whatever the
        connection brought along where `hello` has none; None if there is no such principal.
      message_bytes: the largest message that is taken.
      open_requests: how many requests may be open.
    """

    authenticate: Callable[[str | None], Principal | None]
    message_bytes: int
    open_requests: int
    phase: Phase = attrs.field(default=Phase.EXPECTS_HELLO, init=False)
    principal: Principal | None = attrs.field(default=None, init=False)
    """Who speaks; set anew when rights change."""
    last_type: str | None = attrs.field(default=None, init=False)
    """The type of the text that came last; None if it had none that there is."""
    # Invariant: the keys are at most last_id.
    _open: dict[int, Request] = attrs.field(factory=dict, init=False)
    _last_id: int = attrs.field(default=0, init=False)

    @property
    def open(self) -> int:
        """How many requests are open."""
        return len(self._open)

    def receive(self, text: str | bytes) -> Action | None:
        """
        Take a text that the client sent.

        Args:
          text: a text message; bytes stand for a binary one, which closes.

        Returns:
          What is to be done; None for nothing.
        """
        self.last_type = None
        if self.phase is Phase.CLOSED:
            return None
        if not isinstance(text, str):
            return self._close(CloseCode.BAD_FRAME, "expected text, found a binary message")
        too_large = self._look_at_size(text)
        if too_large is not None:
            return too_large
        parsed = parse_client(text)
        if isinstance(parsed, NotAnObject):
            return self._close(CloseCode.BAD_FRAME, parsed.message)
        if isinstance(parsed, Refused):
            self.last_type = parsed.type
        else:
            self.last_type = str(parsed.__struct_config__.tag)
        if self.phase is Phase.EXPECTS_HELLO:
            return self._greet(parsed)
        if isinstance(parsed, Refused):
            return self._refused(parsed)
        return self._take(parsed)

    def end(self, id_: int) -> None:
        """A request is over: its terminal message is being sent."""
        self._open.pop(id_, None)

    def is_open(self, id_: int) -> bool:
        """Whether a request has not ended."""
        return id_ in self._open

    def forbidden(self) -> list[tuple[Request, Fault]]:
        """
        Look which open requests would be refused by now, since rights have changed.

        A proposal's rights are looked at by who knows its scope.
        """
        assert self.principal is not None
        faults = [(request, fault_in(self.principal, request)) for request in self._open.values()]
        return [(request, fault) for request, fault in faults if fault is not None]

    def close(self) -> list[Request]:
        """
        The connection is over, whatever the reason.

        Returns:
          The requests that were open, in the order in which they were made.
        """
        self.phase = Phase.CLOSED
        left, self._open = list(self._open.values()), {}
        return left

    # --- steps ---------------------------------------------------------------------------

    def _look_at_size(self, text: str) -> Action | None:
        """Refuse what is too large, before any time is spent on it."""
        if self.phase is Phase.EXPECTS_HELLO:
            if not _is_longer(text, HELLO_BYTES_MAX):
                return None
            what = f"expected a `hello` of at most {HELLO_BYTES_MAX} bytes, found a longer message"
            return self._close(CloseCode.TOO_LARGE, what)
        if not _is_longer(text, self.message_bytes):
            return None
        if _is_longer(text, 4 * self.message_bytes):
            what = f"expected a message of at most {self.message_bytes} bytes, found four times it"
            return self._close(CloseCode.TOO_LARGE, what)
        return self._refused(parse_too_large(text, self.message_bytes))

    def _greet(self, parsed: ClientMessage | Refused) -> Action:
        if not isinstance(parsed, Hello):
            return self._close(CloseCode.UNAUTHORIZED, "expected `hello` as the first message")
        self.principal = self.authenticate(parsed.token)
        if self.principal is None:
            return self._close(CloseCode.UNAUTHORIZED, "expected a token that is valid here")
        self.phase = Phase.OPEN
        return Greet(self.principal, parsed.client)

    def _refused(self, parsed: Refused) -> Action:
        """Answer a message that is none; if it would have been a request, that has ended."""
        id_, code, what = parsed.id, parsed.code, parsed.message
        if id_ is None:
            return Reply(say.error(code, what))
        if parsed.type in _STEERING_TYPES or self.is_open(id_):
            return Reply(_not_final(say.error(code, what, id_)))
        if not self._is_next(id_):
            if parsed.type in _REQUEST_TYPES:
                return self._bad_id(id_)
            return Reply(_not_final(say.error(code, what, id_)))
        self._last_id = id_
        return Reply(say.error(code, what, id_))

    def _take(self, message: ClientMessage) -> Action | None:
        if isinstance(message, Ping):
            return Reply(say.Pong())
        if isinstance(message, Pong):
            return None
        if isinstance(message, Hello):
            return Reply(say.error(ErrorCode.BAD_MESSAGE, "expected `hello` only once"))
        if isinstance(message, Steering):
            return self._steer(message)
        assert isinstance(message, Request)
        return self._start(message)

    def _start(self, request: Request) -> Action:
        assert self.principal is not None
        if not self._is_next(request.id):
            return self._bad_id(request.id)
        self._last_id = request.id
        if len(self._open) >= self.open_requests:
            what = f"expected at most {self.open_requests} open requests, found one more"
            return Reply(say.error(ErrorCode.TOO_MANY, what, request.id))
        fault = fault_in(self.principal, request)
        if fault is not None:
            return Reply(say.error(*fault, request.id))
        self._open[request.id] = request
        return Start(request)

    def _steer(self, message: Steering) -> Action:
        request = self._open.get(message.id)
        if request is None or not isinstance(request, _STEERED[type(message)]):
            return Reply(stale(message, "no open request of this id can be told that"))
        if isinstance(message, Unsubscribe) and not _is_endless(request):
            return Reply(stale(message, "that request ends by itself"))
        return Steer(message, request)

    def _is_next(self, id_: int) -> bool:
        return self._last_id < id_ <= ID_MAX

    def _bad_id(self, id_: int) -> Close:
        what = f"id: expected an integer from {self._last_id + 1} to 2^53 - 1, found {id_}"
        return self._close(CloseCode.BAD_ID, what)

    def _close(self, code: CloseCode, reason: str) -> Close:
        self.phase = Phase.CLOSED
        return Close(code, reason)


def stale(message: Steering, why: str) -> say.Error:
    """The answer to a message that comes too late, or is about nothing."""
    error = say.error(ErrorCode.STALE_ROUND, why, message.id)
    round_ = message.round if isinstance(message, Decide | Need) else None
    return msgspec.structs.replace(_not_final(error), round=round_)


def _not_final(error: say.Error) -> say.Error:
    return msgspec.structs.replace(error, final=False)


def _is_endless(request: Request) -> bool:
    match request:
        case Scopes():
            return request.watch
        case Stats():
            return request.every_s is not None
        case _:
            return True


def _is_longer(text: str, bytes_max: int) -> bool:
    if len(text) > bytes_max:
        return True
    # No character takes more than four bytes.
    return len(text) * 4 > bytes_max and len(text.encode(errors="surrogatepass")) > bytes_max


_STEERING_TYPES: Final = {str(kind.__struct_config__.tag) for kind in _STEERED}
_REQUEST_TYPES: Final = {str(kind.__struct_config__.tag) for kind in REQUESTS}

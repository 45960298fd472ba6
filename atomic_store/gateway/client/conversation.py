"""
The client's side of a conversation with a gateway: text in, text out, and what happened.

Everything that decides *what is said next* lives in this file and in the calls. It knows
nothing of sockets, tasks or clocks: whoever owns those tells it of connections (`connected`,
`lost`), feeds it what was heard (`hear`), sends what it wants said (`next_text`), and hands
what happened (`happenings`) to those who wait.

Theory of operation
-------------------
A call lives in `_calls`, from the asking until it is answered or nobody wants the answer. On a
connection it is in exactly one of these places: in `_unasked`, waiting for its turn to be
asked; in `_asked`, under its id; or in neither, because it is to be asked on the next
connection only (a subscription that was stopped, a request that a gateway which is shutting
down could not serve). A request that nobody wants any more leaves `_calls`, but keeps its id
in `_asked` until it ends: it counts against the gateway's limit.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import TypeVar, final

import attrs
import msgspec

from ...errors import shown
from ...events import EventTypes
from ..protocol import client_messages as asked
from ..protocol import server_messages as said
from ..protocol import text
from ..protocol.codes import PROTOCOL_VERSION, ErrorCode
from .calls import Call, Ended, Flow, Following, Happening, Offering, Proposing
from .pasts import Pasts

C = TypeVar("C", bound=Call)


@final
@attrs.define(eq=False)
class Conversation:
    """
    All calls of a client, over all its connections.

    Args:
      hello: how it introduces itself.
      types: its event types.
      pasts: what it holds of scopes.
    """

    hello: asked.Hello
    types: EventTypes
    pasts: Pasts
    store: str | None = attrs.field(default=None, init=False)
    """The id of the store's history, as the last `welcome` had it."""
    welcome: said.Welcome | None = attrs.field(default=None, init=False)
    """What the gateway said at first, on this connection; None before it did."""
    goodbye: said.Goodbye | None = attrs.field(default=None, init=False)
    """What it said at last."""
    complaint: said.Error | None = attrs.field(default=None, init=False)
    """An error that is about no request: why the connection will be closed, perhaps."""
    _is_connected: bool = attrs.field(default=False, init=False)
    _numbers: int = attrs.field(default=0, init=False)
    _next_id: int = attrs.field(default=1, init=False)
    _calls: dict[int, Call] = attrs.field(factory=dict, init=False)
    _unasked: deque[Call] = attrs.field(factory=deque, init=False)
    _asked: dict[int, Call] = attrs.field(factory=dict, init=False)
    _texts: deque[bytes] = attrs.field(factory=deque, init=False)
    _happenings: deque[Happening] = attrs.field(factory=deque, init=False)

    # --- connections ------------------------------------------------------------------------

    def connected(self) -> None:
        """There is a new connection: nothing was said on it."""
        assert not self._is_connected
        self._is_connected = True
        self._next_id = 1
        self.goodbye = self.complaint = None
        self._texts.append(text.write(self.hello))

    def lost(self) -> None:
        """The connection is gone: what is unanswered will be asked again on the next one."""
        self._is_connected = False
        self.welcome = None
        self._texts.clear()
        self._asked.clear()
        for call in self._calls.values():
            call.id = None
            call.lost(self)
        # In the order of asking: a dict of rising numbers has it.
        for call in [call for call in self._calls.values() if call.is_withdrawn]:
            self._end(call, None)
        self._unasked = deque(call for call in self._calls.values() if call.is_wanted)

    def hear(self, said_text: str | bytes) -> None:
        """
        Take what the gateway said.

        Raises:
          ValueError: it broke the protocol; the connection is of no use any more.
        """
        message = text.parse_server(said_text)
        match message:
            case None | said.Pong():
                pass
            case said.Ping():
                self._pong()
            case said.Goodbye():
                self.goodbye = message
            case said.Error(id=None):
                self.complaint = message
            case said.Welcome():
                self._welcomed(message)
            case _:
                self._for_call(message)
        self._ask_waiting()

    def next_text(self) -> bytes | None:
        """Take what is to be said next; None if nothing is."""
        return self._texts.popleft() if self._texts else None

    @property
    def has_texts(self) -> bool:
        """Whether something is to be said."""
        return bool(self._texts)

    def happenings(self) -> Iterator[Happening]:
        """Take what happened to calls since the last time, in order."""
        while self._happenings:
            yield self._happenings.popleft()

    @property
    def unanswered(self) -> list[Call]:
        """The calls that are not answered, in the order of asking."""
        return list(self._calls.values())

    # --- what callers do --------------------------------------------------------------------

    def new_number(self) -> int:
        """The number of the next call."""
        self._numbers += 1
        return self._numbers

    def start(self, call: Call) -> None:
        """Ask something, as soon as the gateway takes it."""
        assert call.number not in self._calls
        self._calls[call.number] = call
        self._unasked.append(call)
        self._ask_waiting()

    def decide(self, call: Proposing | Offering, decision: asked.Decide) -> None:
        """
        Answer a round. One that is over meanwhile is not decided by it, and nothing is sent.

        Args:
          decision: with the round's token; the id is the call's, whatever it says.

        Raises:
          ValueError: it is larger than a message may be; nothing was sent.
        """
        assert self.welcome is not None or call.id is None
        rounds = call.rounds if isinstance(call, Offering) else (call.round,)
        if call.is_forgotten or call.id is None or decision.round not in rounds:
            return
        written = text.write(msgspec.structs.replace(decision, id=call.id))
        too_large = self._too_large(written)
        if too_large is not None:
            raise ValueError(f"decision: {too_large}")
        if isinstance(call, Proposing) and decision.accept is not False:
            call.was_decided = True
        self._texts.append(written)

    def withdraw(self, call: Proposing) -> bool:
        """
        Take a proposal back; what it has become is still told, once the gateway says it.

        Returns:
          Whether the gateway was told. If not, there is nothing to wait for.
        """
        call.is_withdrawn = True
        if call.id is None:
            return False
        self.say(asked.Withdraw(id=call.id))
        return True

    def forget(self, call: Call) -> None:
        """Want no answer any more. A proposal is withdrawn, what would go on for ever is ended."""
        if self._calls.pop(call.number, None) is None:
            return
        call.is_forgotten = True
        if call.id is None:
            if call in self._unasked:
                self._unasked.remove(call)
        elif isinstance(call, Proposing):
            if not call.is_withdrawn:
                self.withdraw(call)
        elif call.is_endless and not (
            isinstance(call, Following) and (call.flow is Flow.STOPPING or call.new_history)
        ):
            self.say(asked.Unsubscribe(id=call.id))

    def resume(self, call: Following) -> None:
        """Let a subscription go on that was stopped, if all was taken."""
        if call.number in self._calls and call.may_resume():
            self._unasked.append(call)
            self._ask_waiting()

    # --- for the calls ----------------------------------------------------------------------

    def say(self, message: asked.ClientMessage) -> None:
        """Send something."""
        self._texts.append(text.write(message))

    def report(self, happening: Happening) -> None:
        """Tell the caller, if he still wants to know."""
        if not happening.call.is_forgotten:
            self._happenings.append(happening)

    # --- inside -----------------------------------------------------------------------------

    def _welcomed(self, message: said.Welcome) -> None:
        if not self._is_connected or self.welcome is not None:
            raise ValueError("expected one welcome on a connection, found another one")
        if message.protocol != PROTOCOL_VERSION:
            raise ValueError(
                f"welcome: expected protocol {PROTOCOL_VERSION}, found {message.protocol}"
            )
        if not message.heartbeat_s > 0:
            raise ValueError(f"welcome: expected a heartbeat, found {message.heartbeat_s} s")
        if self.store != message.store:
            self.pasts.clear()
        self.store = message.store
        self.welcome = message

    def _pong(self) -> None:
        # One answer for all pings that came since the last one went out.
        pong = text.write(asked.Pong())
        if not self._texts or self._texts[-1] != pong:
            self._texts.append(pong)

    def _ask_waiting(self) -> None:
        """Ask what waits, in order, as much of it as may be open at once."""
        if self.welcome is None:
            return
        limit = self.welcome.limits.open_requests
        while self._unasked:
            if len(self._asked) >= limit:
                if any(call.ends_by_itself for call in self._asked.values()):
                    return
                found = "all of them subscriptions or offers, none of which will end by itself"
                what = f"expected at most {limit} open requests, found {limit}, {found}"
                self._end(self._unasked.popleft(), said.error(ErrorCode.TOO_MANY, what))
            else:
                self._ask(self._unasked.popleft())

    def _ask(self, call: Call) -> None:
        id_ = self._next_id
        written = text.write(call.request(id_, self))
        too_large = self._too_large(written)
        if too_large is not None:
            self._end(call, said.error(ErrorCode.TOO_LARGE, too_large))
            return
        self._next_id += 1
        call.id, call.was_asked = id_, True
        self._asked[id_] = call
        self._texts.append(written)

    def _too_large(self, written: bytes) -> str | None:
        limit = 0 if self.welcome is None else self.welcome.limits.message_bytes
        if len(written) <= limit:
            return None
        return f"expected a message of at most {limit} bytes, found one of {len(written)}"

    def _for_call(self, message: said.AnyServerMessage) -> None:
        id_: int | None = getattr(message, "id", None)
        call = None if id_ is None else self._asked.get(id_)
        match message:
            case _ if call is None:
                # What comes behind the end of its request was on the way before that.
                if id_ is None or not 1 <= id_ < self._next_id:
                    raise ValueError(f"expected the id of a request, found {shown(message)}")
            case said.Error(code=ErrorCode.STALE_ROUND, final=False):
                # It is about a round that ended while it was on its way.
                pass
            case said.Result() | said.Done() | said.Error(final=True):
                self._terminal(call, message)
            case said.Error() if not isinstance(call, Proposing | Offering):
                # It ends nothing, and nothing was decided that it could be about.
                pass
            case _ if not call.is_forgotten:
                call.take(message, self)

    def _terminal(self, call: Call, message: said.Result | said.Done | said.Error) -> None:
        assert call.id is not None
        is_result, is_proposal = isinstance(message, said.Result), isinstance(call, Proposing)
        if is_result is not is_proposal and not isinstance(message, said.Error):
            raise ValueError(f"expected the end of a {type(call).__name__}, found {shown(message)}")
        del self._asked[call.id]
        call.id = None
        if call.is_forgotten:
            return
        if isinstance(message, said.Error):
            if message.code is ErrorCode.SHUTTING_DOWN and not call.is_withdrawn:
                # The connection ends now, and the next gateway will know.
                call.lost(self)
            else:
                self._end(call, message)
        elif isinstance(call, Following) and call.flow is Flow.STOPPING and not call.new_history:
            call.flow = Flow.STOPPED
            self.resume(call)
        else:
            call.ended(message, self)
            self._end(call, message)

    def _end(self, call: Call, answer: said.Result | said.Done | said.Error | None) -> None:
        if self._calls.pop(call.number, None) is not None:
            self.report(Ended(call, answer))

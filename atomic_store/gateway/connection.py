"""
One client's connection, from its upgrade to its end.

Three tasks: one reads and dispatches, one writes, one looks whether the client is still
there. What requests need runs beside them and ends with them. Nothing that a client does
leaves here but the code by which it was closed.
"""

from __future__ import annotations

import math
from typing import Protocol, final

import attrs
import trio

from .access.tokens import redacted
from .dispatch import Services
from .limits import Limits
from .log import logger, note
from .outbox import Outbox
from .peer import Peer
from .protocol import server_messages as say
from .protocol.codes import PROTOCOL_VERSION, CloseCode, ErrorCode
from .protocol.rights import Principal
from .protocol.session import Action, Close, Greet, Reply, Session, Start, Steer
from .stream import frames
from .stream.gate import Gate
from .stream.metrics import Metrics
from .stream.websocket import ConnectionClosed, WebSocketConnection

CLOSING_S = 2.0
"""How long a client may take to answer a close before its connection is ended."""
REASON_BYTES_MAX = 123
CLIENT_CHARACTERS_MAX = 200
"""How much of what a client says that it is goes into the log."""


class Doorkeeper(Protocol):
    """Who says whether somebody who is known may come in."""

    def principal_of(self, number: int, token: str | None) -> Principal | None:
        """The principal of a connection that offers a token, or none."""
        ...

    def let_in(self, number: int, principal: Principal) -> bool:
        """Count a connection of a principal; false if it has too many."""
        ...

    def let_out(self, number: int) -> None:
        """A connection has ended."""
        ...


@final
@attrs.define(eq=False, repr=False)
class Connection:
    """
    A client that has been accepted.

    Args:
      token: what it brought along with its request, if anything.
      event_bytes: the largest event that the store takes.
    """

    number: int
    gate: Gate
    socket: WebSocketConnection
    token: str | None
    services: Services
    limits: Limits
    doorkeeper: Doorkeeper
    metrics: Metrics
    event_bytes: int
    session: Session = attrs.field(init=False)
    code: CloseCode | int | None = None
    """By which code it ended; None while it has not, or if it broke."""
    _reading: trio.CancelScope = attrs.Factory(trio.CancelScope)
    # Why it is ended from here, if so.
    _goodbye: say.Goodbye | None = None
    _close: Close | None = None
    _peer: Peer | None = None

    def __attrs_post_init__(self) -> None:
        self.session = Session(
            self._authenticate, self.limits.message_bytes, self.limits.open_requests
        )

    async def serve(self) -> None:
        """Serve the client until it goes, or has to. Shielded by its caller."""
        outbox = Outbox(self.gate, self.limits.outbox_bytes)
        self.metrics.connection_opened()
        try:
            async with trio.open_nursery() as tasks:
                peer = Peer(self.number, self.session, outbox, self.limits, tasks, self.metrics)
                self._peer = peer
                tasks.start_soon(self._write, outbox)
                tasks.start_soon(self._watch, peer)
                try:
                    with self._reading:
                        await self._read(peer)
                    await self._end(peer)
                finally:
                    # Also where it was cancelled, because trio-websocket has crashed.
                    self._leave(peer)
                    outbox.close()
                tasks.cancel_scope.cancel()
        finally:
            self.metrics.connection_closed(self.code)
            self.doorkeeper.let_out(self.number)
            note("disconnected", connection=self.number, code=_number(self.code))

    def stop(self, goodbye: say.Goodbye) -> None:
        """Answer what is open, say goodbye, and close."""
        self._goodbye = self._goodbye or goodbye
        self._reading.cancel()

    def close(self, close: Close) -> None:
        """Close, with no more than a code and a reason."""
        self._close = self._close or close
        self._reading.cancel()

    def rights_changed(self, principal: Principal | None) -> None:
        """Whoever speaks has other rights from now on, or none."""
        if self.session.principal is None:
            return
        if principal is None:
            self.close(Close(CloseCode.UNAUTHORIZED, "the token has been revoked, or has expired"))
        elif principal.name != self.session.principal.name:
            # Whatever it has proposed is somebody else's.
            self.close(Close(CloseCode.UNAUTHORIZED, "the token stands for somebody else by now"))
        else:
            self.session.principal = principal
            if self._peer is not None and not self._peer.is_gone:
                self.services.rights_changed(self._peer)

    # --- the three tasks --------------------------------------------------------------------

    async def _read(self, peer: Peer) -> None:
        try:
            # What comes first is `hello`, or the end.
            with trio.fail_after(self.limits.hello_s):
                text = await self.socket.get_message()
            self._take(peer, text)
            while self._close is None:
                # Nothing more is read from a client that takes no answers.
                if not peer.outbox.has_room:
                    await peer.outbox.room()
                self._take(peer, await self.socket.get_message())
        except trio.TooSlowError:
            self._close = Close(CloseCode.NO_HELLO, "expected `hello` in time")
        except ConnectionClosed as closed:
            reason = closed.reason
            self.code = None if reason is None else reason.code

    def _take(self, peer: Peer, text: str | bytes) -> None:
        try:
            action = self.session.receive(text)
            self.metrics.message_received(self.session.last_type)
            self._do(peer, action)
        except Exception as error:
            logger.error("a message failed", exc_info=error)
            self._close = Close(CloseCode.INTERNAL, "something went wrong in the gateway")

    def _do(self, peer: Peer, action: Action | None) -> None:
        match action:
            case Reply():
                peer.say(action.message)
            case Start():
                self.metrics.request_opened()
                self.services.start(peer, action.request)
            case Steer():
                self.services.steer(peer, action.message, action.request)
            case Greet():
                self._greet(peer, action)
            case Close():
                self._close = action
            case None:
                pass

    def _greet(self, peer: Peer, greet: Greet) -> None:
        principal, store = greet.principal, self.services.store
        if not self.doorkeeper.let_in(self.number, principal):
            self._close = Close(CloseCode.TOO_MANY, "too many connections of this principal")
            return
        client = None if greet.client is None else redacted(greet.client[:CLIENT_CHARACTERS_MAX])
        note("hello", connection=self.number, principal=principal.name, client=client)
        peer.say(
            say.Welcome(
                protocol=PROTOCOL_VERSION, store=store.history, position=store.head.position,
                principal=principal.name, rights=principal.shown(), features=[],
                heartbeat_s=self.limits.heartbeat_s, limits=self.limits.shown(self.event_bytes),
            )
        )  # fmt: skip

    async def _write(self, outbox: Outbox) -> None:
        try:
            await outbox.run()
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            outbox.close()
            self._reading.cancel()

    async def _watch(self, peer: Peer) -> None:
        """Ask a silent client whether it is there; give up one that is not, or takes nothing."""
        gate, limits = self.gate, self.limits
        sent, sent_at, asked_at = gate.bytes_sent, trio.current_time(), -math.inf
        busy_at = -math.inf
        while True:
            await trio.sleep(min(limits.heartbeat_s, limits.slow_s) / 4)
            now = trio.current_time()
            if gate.stalled_s > limits.slow_s:
                self._abort(CloseCode.SLOW)
                return
            if not peer.outbox.is_idle:
                # It has something to take, and may not be listened to before it has: as long
                # as it takes that, it is there.
                busy_at = now
            heard_at = max(gate.last_received, busy_at)
            if now - heard_at >= 2 * limits.heartbeat_s and asked_at > heard_at:
                self._abort(None)
                return
            if now - heard_at >= limits.heartbeat_s and asked_at <= heard_at:
                asked_at = now
                peer.outbox.frame(frames.ping_frame())
            if gate.bytes_sent != sent:
                sent, sent_at = gate.bytes_sent, now
            elif now - sent_at >= limits.heartbeat_s:
                sent_at = now
                peer.say(say.Ping())

    # --- the end ------------------------------------------------------------------------------

    def _abort(self, code: CloseCode | None) -> None:
        self.code = code
        self._reading.cancel()
        self.gate.abort()

    async def _end(self, peer: Peer) -> None:
        """Answer what is open, if there is somebody to hear it, and close."""
        goodbye, close = self._goodbye, self._close
        if goodbye is not None and not self.gate.is_broken:
            await self._say_goodbye(peer, goodbye)
            close = Close(CloseCode.SHUTDOWN, goodbye.reason)
        self._leave(peer)
        # It may have no right to it any more; else it is taken up again elsewhere.
        peer.outbox.drop_bulk()
        if close is not None and not self.gate.is_broken:
            self.code = close.code
            with trio.move_on_after(CLOSING_S if goodbye is None else self.limits.shutdown_s):
                await peer.outbox.drained()
                with trio.move_on_after(CLOSING_S):
                    await self.socket.aclose(close.code, _cut(close.reason))

    def _leave(self, peer: Peer) -> None:
        """Nothing more is said, and nothing done for it."""
        peer.is_gone = True
        self.services.leave(peer)
        peer.end_all()

    async def _say_goodbye(self, peer: Peer, goodbye: say.Goodbye) -> None:
        failed = self.services.store._parts.journal.failure is not None
        code = ErrorCode.STORE_FAILED if failed else ErrorCode.SHUTTING_DOWN
        why = say.error(code, "the gateway is shutting down")
        self.services.stop(peer, why)
        with trio.move_on_after(self.limits.shutdown_s / 2):
            # What was decided is being made durable, and then told.
            await self.services.all_told(peer)
        self.services.leave(peer)
        # Nothing of a request follows its end.
        peer.outbox.drop_bulk()
        for request in peer.end_all():
            peer.say(say.error(code, why.message, request.id))
        peer.say(goodbye)

    def _authenticate(self, token: str | None) -> Principal | None:
        return self.doorkeeper.principal_of(self.number, self.token or token)


def _cut(reason: str) -> str:
    """As much of a reason as fits a close frame."""
    return reason.encode("utf-8", "replace")[:REASON_BYTES_MAX].decode("utf-8", "ignore")


def _number(code: CloseCode | int | None) -> int | None:
    return None if code is None else int(code)

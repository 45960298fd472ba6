"""Where connections come in: who they are, what they ask for, and whether they are let in."""

from __future__ import annotations

import ssl
from collections import Counter
from collections.abc import Iterator
from typing import Final, final

import attrs
import trio

from .access import Origins, Tokens, offered_token, subprotocols
from .access.refusal import Refusal
from .connection import CLOSING_S, Connection
from .dispatch import Services
from .limits import Limits
from .log import logger, note
from .protocol import server_messages as say
from .protocol.codes import SUBPROTOCOL, CloseCode
from .protocol.rights import Principal, Right, local
from .stream import metrics as counted
from .stream.answers import (
    Answer,
    bad_request,
    is_readable,
    method_not_allowed,
    plain,
    send_answer,
    upgrade_required,
)
from .stream.gate import Gate
from .stream.head import ReplayStream, read_head
from .stream.metrics import Metrics
from .stream.request_head import BadHead, RequestHead
from .stream.site import Site, path_of
from .stream.websocket import ConnectionClosed, WebSocketRequest, serve_websocket

_GONE: Final = (
    ConnectionClosed, trio.BrokenResourceError, trio.ClosedResourceError, OSError, ssl.SSLError,
)  # fmt: skip


@final
@attrs.define(eq=False, repr=False)
class Entrance:
    """
    Serves each connection that was accepted, from its first byte to its end.

    Args:
      numbers: gives each connection its number.
    """

    services: Services
    limits: Limits
    origins: Origins
    tokens: Tokens | None
    ssl_context: ssl.SSLContext | None
    site: Site | None
    metrics: Metrics
    has_function: bool
    _numbers: Iterator[int]
    streams_max: int
    """How many connections may be served, those included that have not come so far."""
    is_open: bool = True
    """Whether new connections are served."""
    connections: dict[int, Connection] = attrs.Factory(dict)
    principals: dict[int, str] = attrs.Factory(dict)
    """Who speaks on each connection that has said hello."""
    # How many connections each of them has. Invariant: the sums of `principals`, without zeros.
    _by_principal: Counter[str] = attrs.Factory(Counter)
    # The tokens with which they did.
    _token_ids: dict[int, str] = attrs.Factory(dict)
    # What whoever comes in the middle of the end is told.
    _goodbye: say.Goodbye | None = None
    _streams: int = 0
    _ended: trio.Event = attrs.Factory(trio.Event)

    @trio.lowlevel.enable_ki_protection
    async def serve_stream(self, stream: trio.SocketStream) -> None:
        """Serve a connection until its end. Nothing that a client does leaves here."""
        if self._streams >= self.streams_max:
            note("too_many_streams", streams=self._streams)
            Gate(stream).abort()
            return
        self._streams += 1
        secured: trio.abc.Stream = stream
        if self.ssl_context is not None:
            secured = trio.SSLStream(
                stream, self.ssl_context, server_side=True, https_compatible=True
            )
        gate = Gate(secured)
        try:
            await self._serve(gate, secured)
        except _GONE:
            pass
        except Exception as error:
            # Whosever fault it is: the others must not hear of it.
            logger.error("a connection failed", exc_info=error)
        finally:
            self._streams -= 1
            self.metrics.bytes_moved(received=gate.bytes_received, sent=gate.bytes_sent)
            # Whatever was owed has been sent, or never will be.
            gate.abort()

    async def _serve(self, gate: Gate, stream: trio.abc.Stream) -> None:
        head: RequestHead | None = None
        bad: BadHead | None = None
        with trio.move_on_after(self.limits.hello_s) as waiting:
            if isinstance(stream, trio.SSLStream):
                await stream.do_handshake()
            try:
                head = await read_head(gate)
            except BadHead as error:
                bad = error
        if waiting.cancelled_caught:
            self.metrics.handshake_refused(counted.Refusal.TIMEOUT)
            await self._answer(gate, plain(408))
        elif bad is not None:
            self.metrics.handshake_refused(counted.Refusal.BAD_REQUEST)
            await self._answer(gate, bad_request(bad))
        elif head is not None and head.is_upgrade:
            await self._upgrade(gate, head)
        elif head is not None:
            await self._answer(gate, self._plain_answer(head), method=head.method)

    async def _answer(self, gate: Gate, answer: Answer, *, method: bytes = b"GET") -> None:
        with trio.move_on_after(CLOSING_S):
            await send_answer(gate, answer, method=method)

    # --- without an upgrade ---------------------------------------------------------------

    def _plain_answer(self, head: RequestHead) -> Answer:
        refusal = self.origins.refusal(head.headers)
        if refusal is not None:
            self._note_refusal(refusal)
            return plain(refusal.status, refusal.reason)
        if not is_readable(head.method):
            return method_not_allowed()
        match path_of(head.target):
            case "/healthz":
                return self._health()
            case "/metrics":
                return self._figures(head)
            case path if self.site is not None and path in self.site.files:
                return self.site.answer(head.method, head.target)
            case "/":
                return upgrade_required()
            case _:
                return plain(404)

    def _health(self) -> Answer:
        if self.services.store._parts.journal.failure is not None:
            return plain(503, "the journal has failed")
        return plain(200, "ok") if self.is_open else plain(503, "shutting down")

    def _figures(self, head: RequestHead) -> Answer:
        if self.tokens is not None:
            offered = offered_token(head.headers, head.target)
            if isinstance(offered, Refusal):
                return plain(offered.status, offered.reason)
            known = None if offered is None else self.tokens.lookup(offered)
            if known is None:
                return plain(401, headers=((b"WWW-Authenticate", b"Bearer"),))
            if not known.principal.may(Right.OPERATE, ""):
                return plain(403, "expected a token with the right to operate")
        content_type, body = self.metrics.render()
        return Answer(200, body, content_type)

    # --- with one -----------------------------------------------------------------------------

    async def _upgrade(self, gate: Gate, head: RequestHead) -> None:
        async def serve(request: WebSocketRequest) -> None:
            await self._serve_websocket(gate, head, request)

        crash = await serve_websocket(
            ReplayStream(gate, head), serve,
            message_characters_max=4 * self.limits.message_bytes,
        )  # fmt: skip
        if crash is not None:
            note("broken", error=type(crash).__name__)
        # Where trio-websocket has closed by itself, the client has to hear of that.
        with trio.move_on_after(CLOSING_S):
            await gate.linger(4 * self.limits.message_bytes)

    async def _serve_websocket(
        self, gate: Gate, head: RequestHead, request: WebSocketRequest
    ) -> None:
        token = offered_token(head.headers, head.target)
        refusal = self._refusal(head, token)
        has_protocol = SUBPROTOCOL in subprotocols(head.headers)
        socket = await request.accept(subprotocol=SUBPROTOCOL if has_protocol else None)
        if refusal is not None:
            self._note_refusal(refusal)
            with trio.move_on_after(CLOSING_S):
                await socket.aclose(refusal.close, refusal.reason)
            return
        assert not isinstance(token, Refusal)
        number = next(self._numbers)
        note("connected", connection=number)
        connection = Connection(
            number, gate, socket, token, self.services, self.limits, self, self.metrics,
            self.services.store._parts.options.event_bytes_max,
        )  # fmt: skip
        self.connections[number] = connection
        if self._goodbye is not None:
            connection.stop(self._goodbye)
        try:
            await connection.serve()
        finally:
            del self.connections[number]
            self._ended.set()

    def _refusal(self, head: RequestHead, token: str | Refusal | None) -> Refusal | None:
        refusal = self.origins.refusal(head.headers)
        if refusal is not None:
            return refusal
        if isinstance(token, Refusal):
            return token
        if SUBPROTOCOL not in subprotocols(head.headers):
            return Refusal(400, CloseCode.NO_SUBPROTOCOL, f"expected subprotocol {SUBPROTOCOL}")
        if not self.is_open:
            return Refusal(503, CloseCode.SHUTDOWN, "shutting down")
        if len(self.connections) >= self.limits.connections:
            return Refusal(503, CloseCode.TOO_MANY, "too many connections")
        return None

    def _note_refusal(self, refusal: Refusal) -> None:
        note("refused", code=int(refusal.close), reason=refusal.reason)
        kinds = {
            CloseCode.FORBIDDEN: counted.Refusal.FORBIDDEN,
            CloseCode.UNAUTHORIZED: counted.Refusal.UNAUTHORIZED,
            CloseCode.NO_SUBPROTOCOL: counted.Refusal.SUBPROTOCOL,
            CloseCode.SHUTDOWN: counted.Refusal.SHUTTING_DOWN,
            CloseCode.TOO_MANY: counted.Refusal.TOO_MANY,
        }
        self.metrics.handshake_refused(kinds.get(refusal.close, counted.Refusal.BAD_REQUEST))

    # --- who they are -------------------------------------------------------------------------

    def principal_of(self, number: int, token: str | None) -> Principal | None:
        """The principal of a connection that offers a token, or none."""
        if self.tokens is None:
            return local(has_function=self.has_function)
        known = None if token is None else self.tokens.lookup(token)
        if known is None:
            note("unauthorized", connection=number)
            return None
        self._token_ids[number] = known.id
        return known.principal

    def let_in(self, number: int, principal: Principal) -> bool:
        """Count a connection of a principal; false if it has too many."""
        if self._by_principal[principal.name] >= self.limits.connections_by_principal:
            return False
        self.principals[number] = principal.name
        self._by_principal[principal.name] += 1
        return True

    def let_out(self, number: int) -> None:
        """A connection has ended."""
        name = self.principals.pop(number, None)
        if name is not None:
            self._by_principal[name] -= 1
            if not self._by_principal[name]:
                del self._by_principal[name]
        self._token_ids.pop(number, None)

    def rights_changed(self) -> None:
        """Other tokens are valid than before: see to the connections that are open."""
        if self.tokens is None:
            return
        for number, id_ in list(self._token_ids.items()):
            connection = self.connections.get(number)
            if connection is not None:
                connection.rights_changed(self.tokens.still_valid(id_))

    async def stop_all(self, goodbye: say.Goodbye) -> None:
        """Say goodbye to all clients, and wait until they have gone."""
        self._goodbye = goodbye
        for connection in list(self.connections.values()):
            connection.stop(goodbye)
        while self.connections:
            self._ended = trio.Event()
            await self._ended.wait()

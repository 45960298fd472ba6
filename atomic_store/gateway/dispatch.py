"""What is done about a client's message, once the session has taken it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, final

import attrs
import trio

from ..errors import AtomicStoreError
from ..store import Store
from .asking import Asking
from .faults import error_for
from .following import Following
from .operating import Operating
from .peer import Peer
from .proposals import Proposals
from .protocol import server_messages as say
from .protocol.client_messages import (
    Decide,
    EndRound,
    Need,
    Propose,
    Query,
    Request,
    Scopes,
    Stats,
    Steering,
    StoreInfo,
    Subscribe,
    Unsubscribe,
    ValidateFor,
    Verify,
    Withdraw,
)
from .protocol.codes import ErrorCode
from .validators import Validators
from .watching import Watching


@final
@attrs.define(eq=False, repr=False)
class Services:
    """What a gateway does for its clients, all of them together."""

    store: Store[Any]
    proposals: Proposals
    validators: Validators
    following: Following
    asking: Asking
    watching: Watching
    operating: Operating
    # What `unsubscribe` cancels, by connection and request.
    _endless: dict[tuple[int, int], trio.CancelScope] = attrs.Factory(dict)

    def start(self, peer: Peer, request: Request) -> None:
        """Begin what was asked for; its end is told by the one who does it."""
        match request:
            case Propose():
                self.proposals.propose(peer, request)
            case ValidateFor():
                self._register(peer, request)
            case Query():
                self._run(peer, request, self.asking.query)
            case Subscribe():
                self._subscribe(peer, request)
            case Scopes():
                self._run(peer, request, self.watching.scopes)
            case Stats():
                self._run(peer, request, self.operating.stats)
            case StoreInfo():
                self._run(peer, request, self.operating.store_info)
            case Verify():
                self._run(peer, request, self.operating.verify)
            case EndRound():
                self._end_round(peer, request)

    def steer(self, peer: Peer, message: Steering, request: Request) -> None:
        """Do what a message says about an open request."""
        refused: say.Error | None = None
        match message:
            case Decide():
                refused = self._decide(peer, message, request)
            case Need():
                refused = self._need(peer, message, request)
            case Withdraw():
                self.proposals.withdraw(peer, message.id)
            case Unsubscribe():
                self._end(peer, request, say.Done(id=message.id))
        if refused is not None:
            peer.say(refused)

    def rights_changed(self, peer: Peer) -> None:
        """End what a connection would be refused by now."""
        for request, fault in peer.session.forbidden():
            self._end(peer, request, say.error(*fault, request.id))
        self.proposals.rights_changed(peer)

    def stop(self, peer: Peer, why: say.Error) -> None:
        """End what a connection proposes and decides: with an error for each that can end now."""
        self.proposals.stop(peer, why)
        self.validators.stop(peer, why)

    async def all_told(self, peer: Peer) -> None:
        """Wait until a connection has been told of all that was decided."""
        await self.proposals.all_told(peer)
        await self.validators.all_told(peer)

    def leave(self, peer: Peer) -> None:
        """A connection is gone."""
        self.proposals.leave(peer)
        self.validators.leave(peer)
        self.following.leave(peer)

    # --- steps ----------------------------------------------------------------------------

    def _register(self, peer: Peer, request: ValidateFor) -> None:
        if request.state and self.store._parts.codec is None:
            what = "state: this store keeps none that has a JSON form"
            peer.finish(request.id, say.error(ErrorCode.NO_STATE, what, request.id))
        else:
            self.validators.register(peer, request)

    def _subscribe(self, peer: Peer, request: Subscribe) -> None:
        try:
            self.following.subscribe(peer, request)
        except AtomicStoreError as error:
            peer.finish(request.id, error_for(error, request.id))

    def _end_round(self, peer: Peer, request: EndRound) -> None:
        if self.proposals.end_round(request.scope, request.round):
            peer.finish(request.id, say.Done(id=request.id))
        else:
            what = "that round is not open: it may have ended by itself"
            peer.finish(request.id, say.error(ErrorCode.NOT_FOUND, what, request.id))

    def _decide(self, peer: Peer, message: Decide, request: Request) -> say.Error | None:
        if isinstance(request, Propose):
            return self.proposals.decide(peer, message)
        registration = self.validators.find(peer, message.id)
        assert registration is not None, "the session knows which requests are open"
        return registration.decide(message)

    def _need(self, peer: Peer, message: Need, request: Request) -> say.Error | None:
        if isinstance(request, Propose):
            return self.proposals.need(peer, message)
        registration = self.validators.find(peer, message.id)
        assert registration is not None, "the session knows which requests are open"
        return registration.need(message)

    def _end(self, peer: Peer, request: Request, last: say.ServerMessage) -> None:
        """Stop what is done for a request that is no proposal."""
        if isinstance(request, Subscribe):
            self.following.unsubscribe(peer, request.id)
            peer.finish_behind(request.id, last)
            return
        if isinstance(request, ValidateFor):
            self.validators.unregister(peer, request.id, last)
            return
        self._endless[peer.number, request.id].cancel()
        peer.finish(request.id, last)

    def _run(
        self, peer: Peer, request: Any, answer: Callable[[Peer, Any], Awaitable[None]]
    ) -> None:
        """Answer a request in a task of the connection's."""
        scope = self._endless[peer.number, request.id] = trio.CancelScope()

        async def run() -> None:
            try:
                with scope:
                    await answer(peer, request)
            except Exception as error:
                peer.finish(request.id, error_for(error, request.id))
            finally:
                del self._endless[peer.number, request.id]

        peer.tasks.start_soon(run)

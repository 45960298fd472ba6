"""A round that is decided in another process: who is shown it, and what its answer does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, final

import attrs
import msgspec

from .. import jsonvalue
from ..decision import Decision
from ..errors import InvalidEvent, StaleResponse
from ..proposal import Proposal
from ..request import ValidationRequest
from ..store import Store
from .past import Held
from .peer import Peer
from .presentation import Audience, Presentation
from .protocol import server_messages as say
from .protocol.client_messages import Decide, Event
from .protocol.codes import ErrorCode
from .protocol.session import stale
from .stamps import stamped


@final
@attrs.define(eq=False)
class WireRound:
    """
    A proposal's round, as far as it is decided elsewhere: once there is one, open or over.

    Args:
      given: the metadata that the proposer gave.
    """

    store: Store[Any]
    proposal: Proposal
    principal: str
    given: Mapping[str, Any] | None
    _shown: int = 0
    _presentation: Presentation | None = None

    @property
    def is_open(self) -> bool:
        """Whether it can be decided."""
        return self.proposal.request is not None and self.proposal.ending is None

    @property
    def request(self) -> ValidationRequest[Any]:
        """What its decider is asked. Only once it has been opened."""
        assert self.proposal.request is not None
        return self.proposal.request

    def show(
        self, peer: Peer, id_: int, *, held: Held, with_past: bool, with_state: bool,
        audience: Audience | None = None,
    ) -> Presentation:  # fmt: skip
        """
        Show it to a connection, under a new name; whom it was shown before is too late.

        Args:
          id_: the request that shows it there.
          held: what that connection holds of the past.
          audience: who is told how it ends; None for the proposer itself.
        """
        self.drop()
        self._shown += 1
        number = self.proposal.token.number
        name = f"r-{number}" if self._shown == 1 else f"r-{number}.{self._shown}"
        self._presentation = Presentation(
            self, peer, id_, name, held, with_past, with_state, audience
        )
        self._presentation.show()
        return self._presentation

    def presentation(self, name: str, peer: Peer) -> Presentation | None:
        """The showing that has a name, if it is the present one, and to this connection."""
        shown = self._presentation
        if shown is None or shown.name != name or shown.peer is not peer or not self.is_open:
            return None
        return shown

    def stop(self) -> None:
        """It has been decided: send nothing more of it."""
        if self._presentation is not None:
            self._presentation.stop()

    def drop(self) -> None:
        """What is said about it by whom it was shown comes too late from now on."""
        self.stop()
        self._presentation = None

    def over(self, outcome: str) -> None:
        """It has ended: tell whoever was shown it."""
        shown = self._presentation
        self.drop()
        if shown is not None and shown.audience is not None:
            shown.audience.over(shown, outcome)

    def decide(self, message: Decide, peer: Peer) -> say.Error | None:
        """
        Take a decision.

        Args:
          peer: who decides.

        Returns:
          Why it does not count, if so; the round stays as it is.
        """
        proposal, shown = self.proposal, self.presentation(message.round, peer)
        if shown is None or not shown.is_asked or proposal.place is None:
            return stale(message, "that round is over, or another one")
        before = proposal.metadata
        try:
            decision = self._decision(message)
            proposal.metadata = stamped(self.given, self.principal, peer.principal.name)
            proposal.place.answer(proposal, decision)
        except StaleResponse:
            return stale(message, "that round is over")
        except (_NoDecision, InvalidEvent) as error:
            proposal.metadata = before
            is_invalid = isinstance(error, InvalidEvent)
            code = ErrorCode.INVALID_EVENT if is_invalid else ErrorCode.BAD_MESSAGE
            refused = say.error(code, str(error), message.id)
            return msgspec.structs.replace(refused, round=message.round, final=False)
        except Exception as error:
            # The application's own code failed, its fold for one: that is for the proposer.
            proposal.metadata = before
            if not self.is_open:
                raise
            proposal.place.fail_round(proposal, error)
        return None

    def _decision(self, message: Decide) -> Decision:
        if (message.accept is None) == (message.events is None):
            raise _NoDecision("decide: expected exactly one of `accept` and `events`")
        if message.accept is False:
            return self.request.reject(message.reason, message.meta)
        if message.reason is not None:
            raise _NoDecision("decide: expected `reason` only with `accept` false")
        if message.events is None:
            return self.request.accept(meta=message.meta)
        if not message.events:
            raise _NoDecision("events: expected at least one, found none; to store none, reject")
        events = [received(self.store, event) for event in message.events]
        return self.request.accept(events=events, meta=message.meta)


class _NoDecision(Exception):
    """A `decide` that says no decision."""


def received(store: Store[Any], event: Event) -> Any:
    """
    Make an event of what came over the wire.

    Raises:
      InvalidEvent: it is none of the store's.
    """
    types = store._parts.types
    data = jsonvalue.encode(event.data, root=event.type, bytes_max=types.event_bytes_max)
    return types.receive(event.type, data)

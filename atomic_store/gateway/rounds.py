"""A round that is decided in another process: shown there, all past first, and answered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, final

import attrs
import msgspec
import trio
from msgspec import UNSET, Raw, UnsetType

from .. import jsonvalue
from ..decision import Decision
from ..errors import InvalidEvent, JournalFailed, StaleResponse
from ..proposal import Proposal
from ..request import ValidationRequest
from ..store import Store
from .past import show_past
from .peer import Peer
from .protocol import server_messages as say
from .protocol.client_messages import Decide, Event
from .protocol.codes import ErrorCode
from .protocol.session import stale
from .stamps import stamped


class Audience(Protocol):
    """Who decides rounds of others, and is shown them."""

    def has_seen(self, scope: str, sequence: int) -> None:
        """It has been sent a scope's past up to a sequence."""
        ...

    def over(self, round_: str, outcome: str) -> None:
        """A round that it was shown has ended."""
        ...


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
        self, peer: Peer, id_: int, *, known: int, with_past: bool, with_state: bool,
        audience: Audience | None = None,
    ) -> Presentation:  # fmt: skip
        """
        Show it to a connection, under a new name; whom it was shown before is too late.

        Args:
          id_: the request that shows it there.
          known: the sequence up to which that connection holds the past.
          audience: who is told how it ends; None for the proposer itself.
        """
        self.drop()
        self._shown += 1
        number = self.proposal.token.number
        name = f"r-{number}" if self._shown == 1 else f"r-{number}.{self._shown}"
        self._presentation = Presentation(
            self, peer, id_, name, known, with_past, with_state, audience
        )
        self._presentation.show()
        return self._presentation

    def presentation(self, name: str, peer: Peer) -> Presentation | None:
        """The showing that has a name, if it is the present one, and to this connection."""
        shown = self._presentation
        if shown is None or shown.name != name or shown.peer is not peer:
            return None
        return shown

    def drop(self) -> None:
        """What is said about it by whom it was shown comes too late from now on."""
        if self._presentation is not None:
            self._presentation.is_dropped = True
            self._presentation = None

    def over(self, outcome: str) -> None:
        """It has ended: tell whoever was shown it."""
        shown = self._presentation
        self.drop()
        if shown is not None and shown.audience is not None:
            shown.audience.over(shown.name, outcome)

    def decide(self, message: Decide, by: str) -> say.Error | None:
        """
        Take a decision.

        Args:
          by: the principal that decides.

        Returns:
          Why it does not count, if so; the round stays as it is.
        """
        proposal = self.proposal
        if not self.is_open or proposal.place is None:
            return stale(message, "that round is over")
        before = proposal.metadata
        try:
            decision = self._decision(message)
            proposal.metadata = stamped(self.given, self.principal, by)
            proposal.place.answer(proposal, decision)
        except StaleResponse:
            return stale(message, "that round is over")
        except (InvalidEvent, ValueError, TypeError) as error:
            proposal.metadata = before
            is_invalid = isinstance(error, InvalidEvent)
            code = ErrorCode.INVALID_EVENT if is_invalid else ErrorCode.BAD_MESSAGE
            refused = say.error(code, str(error), message.id)
            return msgspec.structs.replace(refused, round=message.round, final=False)
        return None

    def _decision(self, message: Decide) -> Decision:
        if (message.accept is None) == (message.events is None):
            raise ValueError("decide: expected exactly one of `accept` and `events`")
        if message.accept is False:
            return self.request.reject(message.reason, message.meta)
        if message.reason is not None:
            raise ValueError("decide: expected `reason` only with `accept` false")
        if message.events is None:
            return self.request.accept(meta=message.meta)
        events = [received(self.store, event) for event in message.events]
        return self.request.accept(events=events, meta=message.meta)


@final
@attrs.define(eq=False)
class Presentation:
    """One showing of a round to one connection. Made by `WireRound.show`."""

    round: WireRound
    peer: Peer
    id: int
    name: str
    known: int
    with_past: bool
    with_state: bool
    audience: Audience | None
    is_dropped: bool = False

    def show(self) -> None:
        """Send what is missing of the past, then the question: at once, if nothing is."""
        request = self.round.request
        if request._commit.is_done and (not self.with_past or self.known >= request.sequence):
            self._ask()
        else:
            self.peer.tasks.start_soon(self._show_past_first)

    async def _show_past_first(self) -> None:
        proposal, request = self.round.proposal, self.round.request
        try:
            # What another process may see is on disk.
            await request.past_is_durable()
            if self.with_past:
                name = None if self.audience is None else self.name
                self.known = await show_past(
                    self.peer, self.id, self.round.store._parts.journal,
                    proposal.scope, self.known, request.sequence, name,
                )  # fmt: skip
        except JournalFailed:
            # The store tells the proposer.
            return
        except Exception as error:
            if self.round.is_open and proposal.place is not None:
                proposal.place.fail_round(proposal, error)
            return
        if self.round.is_open and not self.is_dropped:
            self._ask()

    def _ask(self) -> None:
        proposal, request, given = self.round.proposal, self.round.request, self.round.given
        whose = None
        if self.audience is not None:
            self.audience.has_seen(proposal.scope, request.sequence)
            whose = say.RoundFor(proposal.scope, proposal.id, self.round.principal)
        self.peer.say(
            say.Validate(
                id=self.id, round=self.name, sequence=request.sequence,
                deadline_s=round(max(0.0, request.deadline - trio.current_time()), 3),
                event=Event(proposal.encoded.type, Raw(proposal.encoded.data)),
                metadata=Raw(jsonvalue.encode(dict(given))) if given else UNSET,
                state=self._state(), for_=whose,
            )
        )  # fmt: skip

    def _state(self) -> Raw | UnsetType:
        codec = self.round.store._parts.codec
        if not self.with_state or codec is None:
            return UNSET
        return Raw(codec.encode(self.round.request.state))


def received(store: Store[Any], event: Event) -> Any:
    """
    Make an event of what came over the wire.

    Raises:
      InvalidEvent: it is none of the store's.
    """
    types = store._parts.types
    data = jsonvalue.encode(event.data, root=event.type, bytes_max=types.event_bytes_max)
    return types.receive(event.type, data)

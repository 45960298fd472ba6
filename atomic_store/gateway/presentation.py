"""One showing of a round to one connection: what it lacks of the past, then the question."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, final

import attrs
import trio
from msgspec import UNSET, Raw, UnsetType

from .. import jsonvalue
from ..errors import JournalFailed
from ..proposal import Proposal
from ..request import ValidationRequest
from ..store import Store
from .faults import TooLarge
from .past import Held, show_past
from .peer import Peer
from .protocol import server_messages as say
from .protocol.client_messages import Event
from .protocol.text import write


class Round(Protocol):
    """What is shown."""

    store: Store[Any]
    proposal: Proposal
    principal: str
    given: Mapping[str, Any] | None

    @property
    def is_open(self) -> bool:
        """Whether it can be decided."""
        ...

    @property
    def request(self) -> ValidationRequest[Any]:
        """What its decider is asked."""
        ...


class Audience(Protocol):
    """Who decides rounds of others, and is shown them."""

    def has_seen(self, scope: str, sequence: int) -> None:
        """It has been sent a scope's past up to a sequence."""
        ...

    def over(self, shown: Presentation, outcome: str) -> None:
        """A round that it was shown has ended."""
        ...


@final
@attrs.define(eq=False)
class Presentation:
    """
    One showing of a round to one connection. Made by `WireRound.show`.

    It is shown again, from another place in the past, if the client asks for that. There is
    never more than one that sends: what was being sent before is stopped.
    """

    round: Round
    peer: Peer
    id: int
    name: str
    held: Held
    with_past: bool
    with_state: bool
    audience: Audience | None
    is_asked: bool = False
    """The question was sent: it may be answered."""
    _was_begun: bool = False
    # What was held when the past was shown last.
    _held_first: int = attrs.field(init=False)
    _showing: trio.CancelScope | None = None

    def __attrs_post_init__(self) -> None:
        self._held_first = self.held.sequence

    @property
    def is_begun(self) -> bool:
        """Whether something of it was sent."""
        return self._was_begun or self.held.sequence > self._held_first

    def show(self) -> None:
        """Send what is missing of the past, then the question: at once, if nothing is."""
        self.stop()
        if self.peer.is_gone:
            # Whatever it was to decide is about to be taken from it.
            return
        if self._lacks_nothing() and self.peer.outbox.has_room:
            text = self._question()
            if len(text) <= self.peer.limits.message_bytes:
                self._ask(text)
                return
        self._showing = trio.CancelScope()
        self.peer.tasks.start_soon(self._show_in_time, self._showing)

    def show_again(self, known: int) -> None:
        """Show it again, with the past behind a sequence."""
        self._was_begun = self.is_begun
        self.with_past, self.held, self._held_first = True, Held(known), known
        self.show()

    def stop(self) -> None:
        """Send nothing more of it."""
        if self._showing is not None:
            self._showing.cancel()
            self._showing = None

    def _lacks_nothing(self) -> bool:
        request, held = self.round.request, self.held
        has_past = not self.with_past or (held.is_sure and held.sequence >= request.sequence)
        # Whatever can go wrong with a state is told by a task, not by who opens the round.
        return has_past and not self.with_state and request._commit.is_done

    @trio.lowlevel.enable_ki_protection
    async def _show_in_time(self, showing: trio.CancelScope) -> None:
        try:
            with showing:
                # What another process may see is on disk.
                await self.round.request.past_is_durable()
                if self.with_past:
                    await self._show_past(showing)
                await self.peer.outbox.room()
                if not showing.cancel_called:
                    self._ask(self._fitting(self._question()))
        except JournalFailed:
            # The store tells the proposer.
            return
        except Exception as error:
            place = self.round.proposal.place
            if not showing.cancel_called and self.round.is_open and place is not None:
                place.fail_round(self.round.proposal, error)

    async def _show_past(self, showing: trio.CancelScope) -> None:
        await show_past(
            self.peer, self.id, self.round.store, self.round.proposal.scope,
            self.held, self.round.request.sequence, showing,
            None if self.audience is None else self.name,
        )  # fmt: skip

    def _ask(self, text: bytes) -> None:
        self._was_begun = self.is_asked = True
        if self.audience is not None:
            self.audience.has_seen(self.round.proposal.scope, self.round.request.sequence)
        self.peer.tell_text(self.id, "validate", text)

    def _question(self) -> bytes:
        proposal, request, given = self.round.proposal, self.round.request, self.round.given
        whose = None
        if self.audience is not None:
            whose = say.RoundFor(proposal.scope, proposal.id, self.round.principal)
        return write(
            say.Validate(
                id=self.id, round=self.name, sequence=request.sequence,
                deadline_s=round(max(0.0, request.deadline - trio.current_time()), 3),
                event=Event(proposal.encoded.type, Raw(proposal.encoded.data)),
                metadata=Raw(jsonvalue.encode(dict(given))) if given else UNSET,
                state=self._state(), for_=whose,
            )
        )  # fmt: skip

    def _fitting(self, text: bytes) -> bytes:
        bytes_max = self.peer.limits.message_bytes
        if len(text) > bytes_max:
            raise TooLarge(
                f"expected a round that is shown in at most {bytes_max} bytes, found {len(text)}: "
                "the event, its metadata and the state that was asked for go into one message"
            )
        return text

    def _state(self) -> Raw | UnsetType:
        codec = self.round.store._parts.codec
        if not self.with_state or codec is None:
            return UNSET
        return Raw(codec.encode(self.round.request.state))

"""A proposal: the past that it is shown, its round, its result."""

from __future__ import annotations

from typing import Any, final

import attrs
import msgspec

from ....errors import shown
from ....journal.record import EncodedEvent
from ...protocol import client_messages as asked
from ...protocol import server_messages as said
from ..pasts import View, check_page
from ..wire import received
from .call import Call, Context, Opened, Refused, Shut, out_of_place


@final
@attrs.define(eq=False)
class Proposing(Call):
    """A proposal."""

    scope: str
    event: EncodedEvent
    proposal_id: str
    metadata: dict[str, Any] | None
    validation_timeout: float | None
    decides: bool
    """Its proposer decides it."""
    is_held: bool = False
    """It is decided by a block of code that cannot begin again once it has seen the round."""
    view: View = attrs.field(factory=View, init=False)
    """What was seen of the scope."""
    round: str | None = attrs.field(default=None, init=False)
    """The open round's token."""
    was_decided: bool = attrs.field(default=False, init=False)
    """An accepting decision was sent, on this connection or one before."""

    @property
    def may_be_stored(self) -> bool:
        """Whether it may have been admitted: somebody who decides has had it in hands."""
        return self.was_decided if self.decides else self.was_asked

    def request(self, id: int, context: Context) -> asked.Propose:  # noqa: A002 - as on the wire
        """Propose, and say what is known of the scope."""
        if self.decides:
            self.view = context.pasts.get(self.scope)
        event = asked.Event(self.event.type, msgspec.Raw(self.event.data))
        return asked.Propose(
            id=id, event=event, scope=self.scope, proposal_id=self.proposal_id,
            known=self.view.count, known_id=self.view.last_id,
            decide="self" if self.decides else None, metadata=self.metadata,
            past=self.decides, validation_timeout_s=self.validation_timeout,
        )  # fmt: skip

    def take(self, message: said.ServerMessage, context: Context) -> None:
        """Take a part of the past, or the round."""
        match message:
            case said.Past() if self.decides and self.round is None:
                self._take_past(message, context)
            case said.Validate() if self.decides and self.round is None:
                self._take_round(message, context)
            case said.Waiting():
                pass
            case said.Error():
                context.report(Refused(self, message))
            case _:
                raise out_of_place(self, message)

    def _take_past(self, message: said.Past, context: Context) -> None:
        if message.after == 0:
            # Also where something was known: it did not match.
            self.view = View() if self.view.count else self.view
        if message.after != self.view.count:
            raise ValueError(
                f"past of {shown(self.scope)}: expected it from behind {self.view.count}, "
                f"found it from behind {message.after}"
            )
        page = received(message.records, context.types)
        check_page(page, self.scope, message.after, message.through)
        self.view = self.view.followed_by(page)

    def _take_round(self, message: said.Validate, context: Context) -> None:
        if message.sequence != self.view.count:
            raise ValueError(
                f"round of {shown(self.scope)}: expected all past up to {message.sequence}, "
                f"found it up to {self.view.count}"
            )
        self.round = message.round
        context.pasts.put(self.scope, self.view.past)
        context.report(
            Opened(
                self, message.round, self.scope, message.sequence, message.deadline_s, self.view,
                self.event.type, self.event.data,
            )
        )  # fmt: skip

    def ended(self, answer: said.Result | said.Done, context: Context) -> None:
        """Take what it added to the past."""
        if isinstance(answer, said.Result) and self.decides and answer.records:
            page = received(answer.records, context.types)
            first, last = page[0].sequence, page[-1].sequence
            if first == self.view.count + 1:
                check_page(page, self.scope, self.view.count, last)
                self.view = self.view.followed_by(page)
                context.pasts.put(self.scope, self.view.past)

    def lost(self, context: Context) -> None:
        """Its round is over: the gateway has withdrawn it."""
        if self.round is not None:
            context.report(Shut(self, self.round))
            if self.is_held and not self.was_decided:
                self.is_withdrawn = True
        self.round = None

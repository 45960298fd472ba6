"""An offer to decide the proposals of others: each round's past, the round, its end."""

from __future__ import annotations

from typing import Any, ClassVar, final

import attrs
import msgspec

from ....errors import shown
from ....records import Record
from ...protocol import client_messages as asked
from ...protocol import server_messages as said
from ..pasts import View, check_page
from ..wire import received
from .call import Call, Context, Opened, Refused, Shut, out_of_place


@final
@attrs.define(eq=False)
class _Shown:
    """A round of somebody else, as far as it was shown."""

    after: int
    page: list[Record[Any]] = attrs.Factory(list)
    is_open: bool = False
    needed: View | None = None
    """What was held when the rest was asked for."""


@final
@attrs.define(eq=False)
class Offering(Call):
    """An offer to decide the proposals of others."""

    is_endless: ClassVar[bool] = True

    prefix: str
    rounds_max: int
    rounds: dict[str, _Shown] = attrs.field(factory=dict, init=False)

    def request(self, id: int, context: Context) -> asked.ValidateFor:  # noqa: A002 - as on the wire
        """Offer it."""
        return asked.ValidateFor(id=id, prefix=self.prefix, rounds=self.rounds_max)

    def take(self, message: said.ServerMessage, context: Context) -> None:
        """Take a part of a round's past, the round, or its end."""
        match message:
            case said.Past(round=str(token)):
                self._take_past(token, message, context)
            case said.Validate(for_=said.RoundFor() as whose):
                self._take_round(message, whose, context)
            case said.Over():
                if self.rounds.pop(message.round, None) is not None:
                    context.report(Shut(self, message.round))
            case said.Error():
                context.report(Refused(self, message))
            case _:
                raise out_of_place(self, message)

    def _take_past(self, token: str, message: said.Past, context: Context) -> None:
        shown_round = self._shown(token, message.after)
        if message.after != shown_round.after + len(shown_round.page):
            shown_round.after, shown_round.page = message.after, []
        page = received(message.records, context.types)
        if page:
            check_page(page, page[0].scope, message.after, message.through)
        shown_round.page += page

    def _shown(self, token: str, after: int) -> _Shown:
        found = self.rounds.get(token)
        if found is None:
            if len(self.rounds) >= self.rounds_max:
                raise ValueError(f"expected at most {self.rounds_max} open rounds, found one more")
            found = self.rounds[token] = _Shown(after)
        return found

    def _take_round(self, message: said.Validate, whose: said.RoundFor, context: Context) -> None:
        shown_round = self._shown(message.round, message.sequence)
        held = shown_round.needed or context.pasts.get(whose.scope)
        if shown_round.after > held.count and shown_round.needed is None:
            shown_round.needed = held
            context.say(asked.Need(id=message.id, round=message.round, known=held.count))
            return
        through = shown_round.after + len(shown_round.page)
        if shown_round.after > held.count or through != message.sequence:
            raise ValueError(
                f"round of {shown(whose.scope)}: expected all past up to {message.sequence}, "
                f"found {held.count} held, and {shown_round.after + 1} to {through} shown"
            )
        check_page(shown_round.page, whose.scope, shown_round.after, through)
        view = View(held.past, shown_round.after).followed_by(shown_round.page)
        # The round is kept until it is over; what it showed need not be.
        shown_round.page, shown_round.after, shown_round.needed = [], through, None
        shown_round.is_open = True
        context.pasts.put(whose.scope, view.past)
        data = msgspec.json.encode(message.event.data)
        context.report(
            Opened(
                self, message.round, whose.scope, message.sequence, message.deadline_s, view,
                message.event.type, data, whose.principal, whose.proposal_id,
                None if message.metadata is msgspec.UNSET else bytes(message.metadata),
            )
        )  # fmt: skip

    def lost(self, context: Context) -> None:
        """All its rounds go to other validators."""
        for token in self.rounds:
            context.report(Shut(self, token))
        self.rounds.clear()

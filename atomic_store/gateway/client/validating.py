"""Deciding the proposals of others: each round in a task of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, final

import attrs
import trio

from ...errors import InvalidEvent
from ...request import ValidationRequest
from ...validating import check_decision
from ..protocol import client_messages as asked
from ..protocol import server_messages as said
from .box import Box
from .calls import Ended, Happening, Offering, Opened, Refused, Shut
from .errors import GatewayError, refusal
from .groups import first_of
from .link import Link
from .proposal import ReadPast, answer_of, decision_message, request_of, send_decision


@final
@attrs.define(eq=False)
class Validating:
    """An offer to decide, and the rounds that are open under it."""

    call: Offering
    _validate: Callable[[ValidationRequest[Any]], Any]
    _link: Link
    _read_past: ReadPast
    _rounds: dict[str, trio.CancelScope] = attrs.field(factory=dict, init=False)

    async def run(self, box: Box) -> None:
        """Decide rounds, until cancelled; see `Client.validate_for`."""
        raised: BaseException | None = None
        try:
            async with trio.open_nursery() as nursery:
                while True:
                    self._take(await box.next(), nursery)
        except* Exception as group:
            # One validator's error ends all: it leaves as itself.
            raised = first_of(group)
        if raised is not None:
            raise raised

    def _take(self, happening: Happening, nursery: trio.Nursery) -> None:
        match happening:
            case Opened():
                scope = self._rounds[happening.round] = trio.CancelScope()
                nursery.start_soon(self._decide, happening, scope)
            case Shut():
                over = self._rounds.pop(happening.round, None)
                if over is not None:
                    over.cancel()
            case Refused():
                raise refusal(happening.error, may_be_stored=False)
            case Ended(answer=said.Error() as error):
                raise refusal(error, may_be_stored=False)
            case Ended():
                raise GatewayError("internal", "the gateway ended the offer to decide")

    async def _decide(self, opened: Opened, scope: trio.CancelScope) -> None:
        with scope:
            message = await self._decision(opened)
            # A round that is over is decided no more; the conversation knows.
            send_decision(self._link, self.call, message)

    async def _decision(self, opened: Opened) -> asked.Decide:
        types = self._link.conversation.types
        try:
            event = types.receive(opened.event_type, opened.event_data)
        except InvalidEvent as error:
            # Anybody can propose anything: that must not end who decides.
            return asked.Decide(id=0, round=opened.round, accept=False, reason=str(error))
        assert opened.proposal_id is not None
        request = request_of(
            opened, event, opened.principal, opened.proposal_id, opened.metadata, self._read_past
        )
        decision = check_decision(await answer_of(self._validate, request), request.round)
        return decision_message(opened.round, decision, types)

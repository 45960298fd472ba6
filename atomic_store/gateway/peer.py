"""A client that is connected, as the rest of the gateway sees it."""

from __future__ import annotations

from typing import final

import attrs
import trio

from .limits import Limits
from .outbox import Outbox
from .protocol.rights import Principal
from .protocol.server_messages import ServerMessage
from .protocol.session import Session
from .protocol.text import write


@final
@attrs.define(eq=False)
class Peer:
    """
    One connection, from its handshake to its end.

    Args:
      tasks: what runs here is cancelled when the connection ends.
    """

    number: int
    session: Session
    outbox: Outbox
    limits: Limits
    tasks: trio.Nursery
    entering: dict[str, trio.Event] = attrs.Factory(dict)
    """By scope, when the last of its proposals has taken its place there."""
    is_gone: bool = False

    @property
    def principal(self) -> Principal:
        """Who speaks. Only once it has been greeted."""
        assert self.session.principal is not None
        return self.session.principal

    def say(self, message: ServerMessage) -> None:
        """Have a message sent, before all records of subscriptions."""
        if not self.is_gone:
            self.outbox.answer(write(message))

    def finish(self, id_: int, message: ServerMessage) -> None:
        """End a request with its terminal message, unless it has ended."""
        if not self.is_gone and self.session.is_open(id_):
            self.session.end(id_)
            self.say(message)

    def finish_behind(self, id_: int, message: ServerMessage) -> None:
        """The same for a subscription: behind the records that it has been sent."""
        if not self.is_gone and self.session.is_open(id_):
            self.session.end(id_)
            self.outbox.bulk(write(message))

"""A client that is connected, as the rest of the gateway sees it."""

from __future__ import annotations

from typing import Final, final

import attrs
import trio

from .limits import Limits
from .outbox import Outbox
from .protocol.client_messages import Request
from .protocol.rights import Principal
from .protocol.server_messages import ServerMessage
from .protocol.session import Session
from .protocol.text import write
from .stream.metrics import Metrics

READING_MAX: Final = 4
"""How many of a connection's requests may hold a page of the journal at the same time."""


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
    metrics: Metrics
    entering: dict[str, trio.Event] = attrs.Factory(dict)
    """By scope, when the last of its proposals will have taken its place there."""
    reading: trio.Semaphore = attrs.Factory(lambda: trio.Semaphore(READING_MAX))
    """Held by whoever reads records for it, until they are in its outbox."""
    is_gone: bool = False

    @property
    def principal(self) -> Principal:
        """Who speaks. Only once it has been greeted."""
        assert self.session.principal is not None
        return self.session.principal

    def say(self, message: ServerMessage) -> None:
        """Have a message sent, before all records of subscriptions."""
        if not self.is_gone:
            self._count(message)
            self.outbox.answer(write(message))

    def say_behind(self, message: ServerMessage) -> None:
        """Have a message sent behind the records that are on their way."""
        if not self.is_gone:
            self._count(message)
            self.outbox.bulk(write(message))

    def tell(self, id_: int, message: ServerMessage) -> None:
        """Have a message of a request sent, unless that has ended."""
        if self.session.is_open(id_):
            self.say(message)

    def tell_text(self, id_: int, type_: str, text: bytes) -> None:
        """The same for a message that is written already."""
        if not self.is_gone and self.session.is_open(id_):
            self.metrics.message_sent(type_)
            self.outbox.answer(text)

    def finish(self, id_: int, message: ServerMessage) -> None:
        """End a request with its terminal message, unless it has ended."""
        if not self.is_gone and self.session.is_open(id_):
            self._end(id_)
            self.say(message)

    def finish_behind(self, id_: int, message: ServerMessage) -> None:
        """The same for a subscription: behind the records that it has been sent."""
        if not self.is_gone and self.session.is_open(id_):
            self._end(id_)
            self._count(message)
            self.outbox.end(write(message))

    def end_all(self) -> list[Request]:
        """End the conversation; gives the requests that were open."""
        left = self.session.close()
        for _ in left:
            self.metrics.request_ended()
        return left

    def _end(self, id_: int) -> None:
        self.session.end(id_)
        self.metrics.request_ended()

    def _count(self, message: ServerMessage) -> None:
        self.metrics.message_sent(str(message.__struct_config__.tag))

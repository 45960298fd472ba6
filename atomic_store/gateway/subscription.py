"""One subscriber, and what it has in common with others: which records they want."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, TypeAlias, final

import attrs

from ..filter import Filter
from ..journal import StoredRecord, Wanted
from ..reading import filter_of
from .peer import Peer
from .protocol import server_messages as say
from .protocol.client_messages import Subscribe
from .protocol.paging import records_head
from .stream import frames

AHEAD_BYTES_MAX: Final = 256 * 1024
"""How much may wait for a subscriber in its outbox before it is taken for slow."""

Key: TypeAlias = tuple[str | None, str, str]


@final
@attrs.frozen
class Body:
    """Some records as all subscribers of a topic are sent them, behind a head of their own."""

    frame: bytes
    count: int
    """How many records."""
    last: int
    """The last one's position."""


@final
@attrs.define(eq=False)
class Subscription:
    """One subscriber: a cursor, and what it wants."""

    peer: Peer
    request: Subscribe
    topic: Topic
    position: int
    """Everything up to it was put on its way, or is not wanted; so is what was swept."""
    told: int = -1
    """The position of its last `caught_up`."""
    head: bytes = attrs.field(init=False)
    """What each live message begins with."""
    is_over: bool = False

    def __attrs_post_init__(self) -> None:
        self.head = frames.text_start(records_head(self.request.id))

    def say_caught_up(self) -> None:
        """Tell it how far it has come; that is where it may be taken up again."""
        self.told = self.position
        self.peer.say_behind(say.CaughtUp(id=self.request.id, position=self.position))

    def has_come_to(self, position: int) -> None:
        """Everything up to a position was put on its way, or is not wanted."""
        self.position = max(self.position, position)

    def take(self, bodies: list[Body]) -> list[Body]:
        """Send it records as far as it is not slow; gives those that were sent."""
        for place, body in enumerate(bodies):
            if not self._takes(self.head + body.frame):
                return bodies[:place]
            self.has_come_to(body.last)
        return bodies

    def _takes(self, data: bytes) -> bool:
        outbox = self.peer.outbox
        if outbox.send_now(data):
            return True
        if outbox.size + len(data) > AHEAD_BYTES_MAX and not outbox.is_idle:
            return False
        outbox.bulk_frames(data)
        return True


@final
@attrs.define(eq=False)
class Topic:
    """Which records some subscribers want; those of them that keep up."""

    key: Key
    wanted: Wanted
    subscribers: int = 0
    """How many there are, also of those that do not keep up."""
    live: set[Subscription] = attrs.Factory(set)

    @classmethod
    def of(cls, request: Subscribe) -> Topic:
        """
        What is asked for; times that are so long ago count from now.

        Raises:
          FilterError: `where` is no filter.
        """
        where: Filter | None = filter_of(request.where)
        wanted = Wanted(scope=request.scope, prefix=request.prefix or "", where=where)
        # Not the text that came: "two hours ago" is another time for whoever says it later.
        key = (wanted.scope, wanted.prefix, "" if where is None else where.text)
        return cls(key, wanted)

    def matching(self, records: Iterable[StoredRecord]) -> list[StoredRecord]:
        """Those of some records that are wanted."""
        wanted = self.wanted
        if wanted.scope is None and not wanted.prefix and wanted.where is None:
            return list(records)
        return [record for record in records if wanted.matches(record)]

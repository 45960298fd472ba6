"""
Subscriptions: each is a cursor; those that keep up are sent the same bytes.

What subscribers have in common is a topic: which records they want. A sweeper takes each
page of new records once, writes what a topic wants of it once, and hands those bytes to all
of its subscribers: straight to the socket where that takes them, else to the outbox. One
that falls behind leaves the sweeper, reads pages of the journal at its own pace, and comes
back when it has caught up. Nothing is skipped, and nobody waits for anybody.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, final

import attrs
import trio

from ..feed import Hub
from ..intake import check_scope
from ..journal import StoredRecord
from ..store import Store
from .faults import error_for
from .log import logger
from .peer import Peer
from .protocol import server_messages as say
from .protocol.client_messages import Subscribe
from .protocol.paging import FRAME_BYTES, pages, record_text, records_body, records_head
from .stream import frames
from .subscription import Body, Key, Subscription, Topic

SWEEP_S: Final = 0.02
"""How long the sweeper lets commits gather when they come one after the other."""
REST_SHARE: Final = 0.5
"""For what share of the time that a sweep took it rests at least."""
TURNS: Final = 8
"""In how many turns of the loop tasks of their own have sent what was not taken at once."""


@final
@attrs.define(eq=False, repr=False)
class Following:
    """
    All subscriptions of a gateway.

    Args:
      message_bytes, page_records: the limits of a message.
      heartbeat_s: how often a subscriber is told its position, while that moves.
      on_delivered: is told how many records were sent to subscribers, in how many messages.
      on_subscribers: is told by how many subscriptions have become more, or fewer.
      on_slow: is told by how many the slow ones have become more, or fewer.
    """

    store: Store[Any]
    message_bytes: int
    page_records: int
    heartbeat_s: float
    on_delivered: Callable[[int, int], None]
    on_subscribers: Callable[[int], None]
    on_slow: Callable[[int], None]
    sweep_s: float = SWEEP_S
    rest_share: float = REST_SHARE
    position: int = attrs.field(init=False)
    """Everything up to it has been swept."""
    delivered: int = attrs.field(default=0, init=False)
    """How many records were sent to subscribers, each as often as it was sent."""
    slow: int = attrs.field(default=0, init=False)
    """How many subscriptions are behind, and read from the journal."""
    _hub: Hub = attrs.field(init=False)
    # Invariant: each has a subscriber.
    _topics: dict[Key, Topic] = attrs.Factory(dict)
    # By connection and request. Invariant: no connection is there without one.
    _subscriptions: dict[int, dict[int, Subscription]] = attrs.Factory(dict)

    def __attrs_post_init__(self) -> None:
        self._hub = self.store._hub
        self.position = self.store.head.position

    @property
    def subscribers(self) -> int:
        """How many there are."""
        return sum(map(len, self._subscriptions.values()))

    # --- coming and going ----------------------------------------------------------------

    def subscribe(self, peer: Peer, request: Subscribe) -> None:
        """
        Begin to send a subscriber what it wants.

        Raises:
          FilterError: `where` is no filter.
          InvalidEvent: no scope can have this name.
        """
        if request.scope is not None:
            check_scope(request.scope)
        topic = Topic.of(request)
        head = self.store.head.position
        after = head if isinstance(request.after, str) else request.after
        if after > head or request.store not in (None, self.store.history):
            peer.say(say.Reset(id=request.id, store=self.store.history))
            peer.finish(request.id, say.Done(id=request.id))
            return
        topic = self._topics.setdefault(topic.key, topic)
        topic.subscribers += 1
        subscription = Subscription(peer, request, topic, after)
        self._subscriptions.setdefault(peer.number, {})[request.id] = subscription
        self.on_subscribers(1)
        peer.tasks.start_soon(self._catch_up, subscription)

    def unsubscribe(self, peer: Peer, id_: int) -> None:
        """Send a subscriber nothing more."""
        of_peer = self._subscriptions.get(peer.number, {})
        subscription = of_peer.pop(id_, None)
        if subscription is None:
            return
        if not of_peer:
            del self._subscriptions[peer.number]
        subscription.is_over = True
        self.on_subscribers(-1)
        topic = subscription.topic
        topic.live.discard(subscription)
        topic.subscribers -= 1
        if not topic.subscribers:
            del self._topics[topic.key]

    def leave(self, peer: Peer) -> None:
        """A connection is gone, and its subscriptions with it."""
        for id_ in list(self._subscriptions.get(peer.number, ())):
            self.unsubscribe(peer, id_)

    # --- those that keep up ---------------------------------------------------------------

    @trio.lowlevel.enable_ki_protection
    async def run(self) -> None:
        """Sweep, until the store is closed; then all that is durable has been sent."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._tell_positions)
            while await self._sweep_once():
                pass
            nursery.cancel_scope.cancel()

    async def _sweep_once(self) -> bool:
        if self.position == self.store.head.position:
            if self._hub.is_closed:
                return False
            await self._hub.wait()
            return True
        began, most_took = trio.current_time(), True
        records = self._hub.page(self.position)
        if records is None:
            # More was admitted at once than is kept: they read it from the journal.
            self._leave_all_behind()
        else:
            most_took = self._sweep(records)
        if self.position < self.store.head.position:
            # There is another page: what has gathered already does not wait.
            await trio.lowlevel.checkpoint()
            return True
        if not most_took:
            # Over TLS tasks of their own send it, each a part in its turn: that is time, too.
            for _ in range(TURNS):
                await trio.lowlevel.checkpoint()
        took = trio.current_time() - began
        # Commits gather while the others have their turn.
        await trio.sleep(max(self.sweep_s - took, self.rest_share * took))
        return True

    def _sweep(self, records: list[StoredRecord]) -> bool:
        """Hand records to all who keep up; False if many of their streams took nothing at once."""
        texts: dict[int, bytes] = {}
        first, last = records[0].position, records[-1].position
        bytes_max = self.message_bytes - FRAME_BYTES

        def text_of(record: StoredRecord) -> bytes:
            text = texts.get(record.position)
            if text is None:
                text = texts[record.position] = record_text(record, bytes_max)
            return text

        scopes = {record.scope for record in records}
        delivered, messages, asked, waiting = 0, 0, 0, 0
        for topic in self._topics.values():
            one = topic.wanted.scope
            if not topic.live or (one is not None and one not in scopes):
                continue
            try:
                matching = topic.matching(records)
            except Exception as error:
                # Each finds out by itself; the others must not hear of it.
                logger.error("a topic failed", exc_info=error)
                self._leave_behind(topic)
                continue
            shared = self._bodies(matching, text_of)
            for subscription in list(topic.live):
                if subscription.position >= last:
                    continue
                bodies = shared
                if subscription.position >= first:
                    # It has read ahead, into the middle of these.
                    after = subscription.position
                    own = [record for record in matching if record.position > after]
                    bodies = self._bodies(own, text_of)
                taken = subscription.take(bodies)
                delivered += sum(body.count for body in taken)
                messages += len(taken)
                asked += 1
                waiting += subscription.peer.outbox.size > 0
                if len(taken) < len(bodies):
                    self._fall_behind(subscription)
        self.position = last
        # Once for all: counting takes as long as sending to a few of them.
        self._count(delivered, messages)
        # A few of whom each takes little must not keep the others waiting.
        return 2 * waiting <= asked

    def _bodies(
        self, records: list[StoredRecord], text_of: Callable[[StoredRecord], bytes]
    ) -> list[Body]:
        """What holds some records, behind a head."""
        bodies: list[Body] = []
        end = 0
        for page in pages(
            map(text_of, records), self.message_bytes - FRAME_BYTES, self.page_records
        ):
            end += len(page)
            frame = frames.continuation(records_body(page))
            bodies.append(Body(frame, len(page), records[end - 1].position))
        return bodies

    def _leave_behind(self, topic: Topic) -> None:
        for subscription in list(topic.live):
            self._fall_behind(subscription)

    def _leave_all_behind(self) -> None:
        for topic in self._topics.values():
            self._leave_behind(topic)
        self.position = self.store.head.position

    async def _tell_positions(self) -> None:
        while True:
            await trio.sleep(self.heartbeat_s / 2)
            for topic in self._topics.values():
                for subscription in topic.live:
                    subscription.has_come_to(self.position)
                    if subscription.told < subscription.position:
                        subscription.say_caught_up()

    # --- those that do not ------------------------------------------------------------------

    def _fall_behind(self, subscription: Subscription) -> None:
        subscription.topic.live.discard(subscription)
        subscription.has_come_to(self.position)
        self._count_slow(1)
        subscription.peer.tasks.start_soon(self._come_back, subscription)

    async def _come_back(self, subscription: Subscription) -> None:
        try:
            await self._catch_up(subscription)
        finally:
            self._count_slow(-1)

    async def _catch_up(self, subscription: Subscription) -> None:
        """Send a subscriber what it lacks, at its own pace, until it keeps up."""
        peer, id_ = subscription.peer, subscription.request.id
        try:
            await self._send_what_it_lacks(subscription)
        except Exception as error:
            self.unsubscribe(peer, id_)
            peer.finish_behind(id_, error_for(error, id_))

    async def _send_what_it_lacks(self, subscription: Subscription) -> None:
        outbox = subscription.peer.outbox
        while not subscription.is_over:
            await outbox.room()
            if subscription.is_over or subscription.peer.is_gone:
                return
            if subscription.position < self.store.head.position:
                await self._send_page(subscription)
            if subscription.position >= self.position and not subscription.is_over:
                # What the sweeper has not seen yet it hands over itself.
                subscription.say_caught_up()
                subscription.topic.live.add(subscription)
                return

    async def _send_page(self, subscription: Subscription) -> None:
        position, head = subscription.position, self.store.head.position
        window = self._hub.page(position)
        if window is not None:
            matching = subscription.topic.matching(window)
            await self._send(subscription, matching, window[-1].position)
            return
        bounded = attrs.evolve(subscription.topic.wanted, first=position + 1, last=head)
        async with subscription.peer.reading:
            page = await self.store._parts.journal.scan(bounded, limit=self.page_records)
            reached = head if page.next is None else page.next - 1
            await self._send(subscription, page.records, reached)

    async def _send(
        self, subscription: Subscription, records: Sequence[StoredRecord], reached: int
    ) -> None:
        """Send a subscriber the records up to a position."""
        bytes_max = self.message_bytes - FRAME_BYTES
        texts = (record_text(record, bytes_max) for record in records)
        for page in pages(texts, bytes_max, self.page_records):
            await subscription.peer.outbox.room()
            if subscription.is_over:
                return
            text = records_head(subscription.request.id) + records_body(page)
            subscription.peer.outbox.bulk(text)
            self._count(len(page), 1)
        subscription.position = reached

    # --- figures ------------------------------------------------------------------------------

    def _count(self, records: int, messages: int) -> None:
        self.delivered += records
        self.on_delivered(records, messages)

    def _count_slow(self, by: int) -> None:
        self.slow += by
        self.on_slow(by)

"""
The link to a gateway: one connection after the other, and the tasks that read and write them.

One task reads, so that pings are answered and nobody's slowness holds up anybody. One task
writes, and is never cancelled but with the connection. A third one notices when nothing is
heard any more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import final

import attrs
import trio

from ..protocol.codes import CloseCode
from .backoff import BackOff
from .box import Box
from .calls import Call, Proposing
from .conversation import Conversation
from .errors import ConnectionLost, GatewayClosed
from .websocket import Address, Connect, Connection, Ending, converse

CONNECT_S = 10.0
"""How long a connection may take, then its handshake, and then its `welcome`."""
FLUSH_S = 1.0
"""How long a client that is closed tries to send what it still has to say."""
SILENT_HALVES = 5
"""After how many halves of a heartbeat without a word the connection is given up."""


@final
@attrs.frozen
class Outage:
    """Why there is no connection. Times are Trio's."""

    reason: str
    since: float
    """When the last connection ended, or when the first one was not made."""
    next_try: float | None
    """When another one is tried; None: never."""


@final
@attrs.define(eq=False)
class Link:
    """
    What keeps a conversation going.

    Args:
      chance: gives numbers from 0 to 1.
      waits_for_gateway: the first connection is tried for again and again, too.
    """

    conversation: Conversation
    _address: Address
    _connect: Connect
    _back_off: BackOff
    _chance: Callable[[], float]
    _waits_for_gateway: bool
    welcomed: trio.Event = attrs.Factory(trio.Event)
    """There was a first `welcome`, or there will be none."""
    stopped: GatewayClosed | ConnectionLost | None = attrs.field(default=None, init=False)
    """Why there will be no connection any more."""
    outage: Outage | None = attrs.field(default=None, init=False)
    """Why there is no connection; None while there is one, or before the first one was tried."""
    is_closing: bool = attrs.field(default=False, init=False)
    """The client's block was left."""
    _boxes: dict[int, Box] = attrs.field(factory=dict, init=False)
    _writable: trio.Event = attrs.field(factory=trio.Event, init=False)
    _written: trio.Event = attrs.field(factory=trio.Event, init=False)
    _welcomed_at: float | None = attrs.field(default=None, init=False)
    _was_heard: bool = attrs.field(default=False, init=False)
    _hearing: trio.CancelScope | None = attrs.field(default=None, init=False)
    _over: trio.Event = attrs.field(factory=trio.Event, init=False)

    # --- calls ------------------------------------------------------------------------------

    @contextmanager
    def calling(self, call: Call) -> Iterator[Box]:
        """
        Ask something for a block; what happens to it comes into the box.

        Leaving the block before it is answered withdraws it, and waits for nothing.

        Raises:
          GatewayClosed: the client has stopped.
        """
        if self.stopped is not None:
            raise self._stopped_for(call)
        box = self._boxes[call.number] = Box()
        try:
            self.conversation.start(call)
            self.pump()
            yield box
        finally:
            del self._boxes[call.number]
            self.conversation.forget(call)
            self.pump()

    def pump(self) -> None:
        """Hand out what happened, and have what is to be said be said."""
        for happening in self.conversation.happenings():
            box = self._boxes.get(happening.call.number)
            if box is not None:
                box.put(happening)
        if self.conversation.has_texts:
            self._writable.set()

    def stop(self, why: GatewayClosed | ConnectionLost) -> None:
        """Connect no more: whoever waits is told."""
        if self.stopped is not None:
            return
        self.stopped = why
        self.welcomed.set()
        for call in self.conversation.unanswered:
            box = self._boxes.get(call.number)
            if box is not None:
                box.fail(partial(self._stopped_for, call))

    def _stopped_for(self, call: Call) -> Exception:
        why = self.stopped
        assert why is not None
        is_open = isinstance(call, Proposing) and call.may_be_stored
        if isinstance(why, ConnectionLost):
            return ConnectionLost(why.message)
        return GatewayClosed(why.message, why.close_code, outcome_is_open=is_open)

    async def close(self) -> None:
        """
        Send what is still to be said, for `FLUSH_S` at most, and close the connection.

        A client without a connection is closed at once.
        """
        self.is_closing = True
        with trio.move_on_after(FLUSH_S):
            while self.conversation.welcome is not None and not self._is_written():
                await self._written.wait()
        if self._hearing is not None:
            self._hearing.cancel()
            await self._over.wait()

    def _is_written(self) -> bool:
        return self._written.is_set() and not self.conversation.has_texts

    # --- connections ------------------------------------------------------------------------

    @trio.lowlevel.enable_ki_protection
    async def run(self) -> None:
        """Keep a connection, until the client is closed or the gateway wants no more of it."""
        failures = 0
        try:
            while True:
                ending = await self._connection()
                asked_s = None
                if self.conversation.goodbye is not None:
                    asked_s = self.conversation.goodbye.reconnect_after_s
                lasted = self._welcomed_at is not None and (
                    trio.current_time() - self._welcomed_at >= self._back_off.longest_s
                )
                self._lost()
                if self.is_closing:
                    return
                self._note(ending, None)
                if ending.is_final:
                    self.stop(GatewayClosed(self._why(ending), ending.code))
                    return
                if not self.welcomed.is_set() and not self._waits_for_gateway:
                    self.stop(ConnectionLost(self._why(ending)))
                    return
                # A connection that did not last counts as none: a gateway that welcomes
                # everybody and then falls over is not to be hurried.
                failures = 0 if lasted else failures
                wait_s = self._back_off.wait_s(failures, self._chance(), asked_s)
                self._note(ending, wait_s)
                await trio.sleep(wait_s)
                failures += 1
        finally:
            # Also where this task itself fails: nobody is to wait for ever.
            self.stop(GatewayClosed("the client was closed"))
            self._over.set()

    def _note(self, ending: Ending, wait_s: float | None) -> None:
        """Remember why there is no connection, and for how long there will be none."""
        now = trio.current_time()
        since = now if self.outage is None else self.outage.since
        self.outage = Outage(self._why(ending), since, None if wait_s is None else now + wait_s)

    def _lost(self) -> None:
        self._welcomed_at = None
        self.conversation.lost()
        self.pump()

    def _why(self, ending: Ending) -> str:
        complaint = self.conversation.complaint
        said_before = "" if complaint is None else f" ({complaint.code}: {complaint.message})"
        return f"{self._address.host_header}: {ending.reason}{said_before}"

    async def _connection(self) -> Ending:
        """Make a connection, use it, and say how it ended."""
        stream: trio.abc.Stream | None = None
        try:
            with trio.move_on_after(CONNECT_S):
                stream = await self._connect()
        except OSError as error:
            return Ending(f"no connection: {error}")
        if stream is None:
            return Ending(f"no connection within {CONNECT_S:g} s")
        return await converse(stream, self._address, self._talk, CONNECT_S)

    async def _talk(self, connection: Connection) -> Ending:
        self.conversation.connected()
        ending = Ending("the gateway was not heard of any more")
        greeted = trio.Event()
        async with trio.open_nursery() as nursery:
            self.pump()
            nursery.start_soon(self._write, connection)
            with trio.CancelScope() as self._hearing:
                nursery.start_soon(self._notice_silence, self._hearing, greeted)
                ending = await self._read(connection, greeted)
            self._hearing = None
            if self.is_closing or ending.is_final:
                # Not where the gateway is silent: there is nobody to wait for.
                await connection.close(CloseCode.NORMAL)
            nursery.cancel_scope.cancel()
        return ending

    async def _read(self, connection: Connection, greeted: trio.Event) -> Ending:
        while True:
            text = await connection.receive()
            if isinstance(text, Ending):
                return text
            self._was_heard = True
            try:
                self.conversation.hear(text)
            except ValueError as error:
                return Ending(f"the gateway broke the protocol: {error}", is_final=True)
            finally:
                self.pump()
            if self.conversation.welcome is not None and not greeted.is_set():
                greeted.set()
                self._welcomed_at, self.outage = trio.current_time(), None
                self.welcomed.set()

    async def _write(self, connection: Connection) -> None:
        while True:
            text = self.conversation.next_text()
            if text is not None:
                self._written = trio.Event()
                if not await connection.send(text):
                    # The reading task learns why.
                    return
            else:
                self._written.set()
                await self._writable.wait()
                self._writable = trio.Event()

    async def _notice_silence(self, hearing: trio.CancelScope, greeted: trio.Event) -> None:
        with trio.move_on_after(CONNECT_S) as waiting:
            await greeted.wait()
        if waiting.cancelled_caught:
            hearing.cancel()
            return
        assert self.conversation.welcome is not None
        heartbeat_s = self.conversation.welcome.heartbeat_s
        # Counted in small steps, so that a program that held up Trio for a while does not
        # take its own silence for the gateway's.
        silent = 0
        while silent < SILENT_HALVES:
            self._was_heard = False
            await trio.sleep(heartbeat_s / 2)
            silent = 0 if self._was_heard else silent + 1
        hearing.cancel()

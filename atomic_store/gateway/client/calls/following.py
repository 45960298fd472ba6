"""A subscription as its client keeps it: where it is, and what was not taken yet."""

from __future__ import annotations

from collections import deque
from enum import Enum, auto
from typing import Any, ClassVar, Literal, final

import attrs

from ....errors import shown
from ....journal.record import size_of
from ....records import Record
from ...protocol import client_messages as asked
from ...protocol import server_messages as said
from ..pasts import RECORD_BYTES
from ..wire import received
from .call import Call, Context, Stirred


class Flow(Enum):
    """Whether records come."""

    FLOWING = auto()
    """They do, or will on the next connection."""
    STOPPING = auto()
    """Too many were not taken: no more are wanted, and those that come are dropped."""
    STOPPED = auto()
    """None come; what was dropped is asked for again once there is room."""


@final
@attrs.define(eq=False)
class Following(Call):
    """
    A subscription.

    The connection is read for all calls, so one that is slow cannot hold it up. What it has not
    taken is bounded: beyond that it unsubscribes, and subscribes again behind the last record
    that it has, when all is taken.
    """

    is_endless: ClassVar[bool] = True

    scope: str | None
    prefix: str | None
    where: str | None
    after: int | Literal["end"]
    """Where it began."""
    history: str | None
    """The history that positions belong to; None before there is one."""
    bytes_max: int
    position: int | None = attrs.field(default=None, init=False)
    """All up to here was received; None as long as nothing was."""
    new_history: str | None = attrs.field(default=None, init=False)
    """Another history is there now: the subscription cannot go on."""
    flow: Flow = attrs.field(default=Flow.FLOWING, init=False)
    _ready: deque[Record[Any] | int] = attrs.field(factory=deque, init=False)
    _ready_bytes: int = attrs.field(default=0, init=False)
    _has_caught_up: bool = attrs.field(default=False, init=False)

    @property
    def ends_by_itself(self) -> bool:
        """Whether the gateway was told to end it."""
        return self.is_forgotten or self.flow is Flow.STOPPING

    @property
    def is_wanted(self) -> bool:
        """Whether records are to come."""
        return self.flow is Flow.FLOWING

    def request(self, id: int, context: Context) -> asked.Subscribe:  # noqa: A002 - as on the wire
        """Subscribe, behind what was received."""
        if self.history is None:
            self.history = context.store
        return asked.Subscribe(
            id=id, scope=self.scope, prefix=self.prefix,
            all=self.scope is None and self.prefix is None,
            after=self.after if self.position is None else self.position,
            store=self.history, where=self.where,
        )  # fmt: skip

    def take(self, message: said.ServerMessage, context: Context) -> None:
        """Take records, or how far they go."""
        match message:
            case said.Reset():
                self.new_history = message.store
            case said.Records() | said.CaughtUp() if self.flow is not Flow.FLOWING:
                pass
            case said.Records():
                for record in received(message.records, context.types):
                    self._add(record)
                self._stop_if_full(context)
                context.report(Stirred(self))
            case said.CaughtUp():
                self._reach(message.position)
                if not self._has_caught_up:
                    self._has_caught_up = True
                    self._ready.append(message.position)
                    context.report(Stirred(self))
            case _:
                raise ValueError(f"expected records of a subscription, found {shown(message)}")

    def next(self) -> Record[Any] | int | None:
        """Give the next record, or the position where it had caught up; None if none is there."""
        if not self._ready:
            return None
        item = self._ready.popleft()
        if isinstance(item, Record):
            self._ready_bytes -= _weight(item)
        return item

    def may_resume(self) -> bool:
        """Go on, if it was stopped and all is taken; whether it is to be asked now."""
        if self._ready or self.flow is not Flow.STOPPED:
            return False
        self.flow = Flow.FLOWING
        return True

    def lost(self, context: Context) -> None:
        """It goes on where it was."""
        if self.flow is Flow.STOPPING:
            self.flow = Flow.STOPPED

    def _add(self, record: Record[Any]) -> None:
        start = 0 if self.after == "end" else self.after
        reached = start if self.position is None else self.position
        if record.position <= reached:
            raise ValueError(
                f"subscription: expected records behind {reached}, found position {record.position}"
            )
        self.position = record.position
        self._ready.append(record)
        self._ready_bytes += _weight(record)

    def _reach(self, position: int) -> None:
        if position < (self.position or 0):
            raise ValueError(
                f"subscription: expected to catch up at {self.position} or later, found {position}"
            )
        self.position = position

    def _stop_if_full(self, context: Context) -> None:
        if self._ready_bytes > self.bytes_max:
            assert self.id is not None
            self.flow = Flow.STOPPING
            context.say(asked.Unsubscribe(id=self.id))


def _weight(record: Record[Any]) -> int:
    return size_of(record._stored) + RECORD_BYTES

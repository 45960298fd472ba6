"""A call, and what can happen to it."""

from __future__ import annotations

from typing import ClassVar, Protocol, TypeAlias, final

import attrs

from ....events import EventTypes
from ...protocol import client_messages as asked
from ...protocol import server_messages as said
from ..pasts import Pasts, View


class Context(Protocol):
    """What a call may use of the conversation that it is part of."""

    @property
    def pasts(self) -> Pasts:
        """The pasts that are held."""
        ...

    @property
    def types(self) -> EventTypes:
        """The client's event types."""
        ...

    @property
    def store(self) -> str | None:
        """The id of the store's history."""
        ...

    def say(self, message: asked.ClientMessage) -> None:
        """Send something."""
        ...

    def report(self, happening: Happening) -> None:
        """Tell the caller."""
        ...


@attrs.define(eq=False)
class Call:
    """A request that is not answered yet."""

    is_endless: ClassVar[bool] = False

    number: int = attrs.field(kw_only=True)
    """Its own, for as long as the client lives; in the order of asking."""
    id: int | None = attrs.field(default=None, init=False)
    """The id that it has on this connection; None if it is not asked on it."""
    was_asked: bool = attrs.field(default=False, init=False)
    """It was, on this connection or one before."""
    is_withdrawn: bool = attrs.field(default=False, init=False)
    is_forgotten: bool = attrs.field(default=False, init=False)
    """Nobody waits for the answer any more."""

    def request(self, id: int, context: Context) -> asked.Request:  # noqa: A002 - as on the wire
        """Say what to ask, on this connection."""
        raise NotImplementedError

    def take(self, message: said.ServerMessage, context: Context) -> None:
        """
        Take what is no answer yet.

        Raises:
          ValueError: that has no place here.
        """
        raise out_of_place(self, message)

    def ended(self, answer: said.Result | said.Done, context: Context) -> None:
        """Take the answer."""

    def lost(self, context: Context) -> None:
        """Drop what was good on the connection that is gone."""

    @property
    def ends_by_itself(self) -> bool:
        """Whether the gateway will end it, sooner or later, without being told."""
        return self.is_forgotten or not self.is_endless

    @property
    def is_wanted(self) -> bool:
        """Whether it is to be asked on the next connection."""
        return not self.is_withdrawn


# --- what happens to a call --------------------------------------------------------------------


@final
@attrs.frozen
class Opened:
    """A round is open, and whoever made the call is to decide it."""

    call: Call
    round: str
    scope: str
    sequence: int
    deadline_s: float
    """How long it is open, from when this was received."""
    past: View
    event_type: str
    event_data: bytes
    principal: str | None = None
    proposal_id: str | None = None
    metadata: bytes | None = None


@final
@attrs.frozen
class Shut:
    """A round is over, whoever ended it."""

    call: Call
    round: str


@final
@attrs.frozen
class Refused:
    """A decision cannot be stored; its round is open still."""

    call: Call
    error: said.Error


@final
@attrs.frozen
class Stirred:
    """There is something to take."""

    call: Call


@final
@attrs.frozen
class Ended:
    """The call is over."""

    call: Call
    answer: said.Result | said.Done | said.Error | None
    """None: nobody will say; the connection was lost and it is not asked again."""


Happening: TypeAlias = Opened | Shut | Refused | Stirred | Ended


def out_of_place(call: Call, message: said.ServerMessage) -> ValueError:
    """Give the error of a message that has no place here."""
    tag = message.__struct_config__.tag
    return ValueError(f"expected no {tag!r} for a request of {type(call).__name__}, found one")

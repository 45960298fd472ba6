"""
One conversation: whatever is said, what comes is documented, and errors change nothing.

A line is a message: text where it is UTF-8, else a binary one. A line `=3` tells that the
third of the open requests has ended.
"""

from __future__ import annotations

import json
from typing import Final

import attrs

from atomic_store.gateway.protocol.codes import CloseCode, ErrorCode
from atomic_store.gateway.protocol.rights import Principal, Right
from atomic_store.gateway.protocol.server_messages import Error, ServerMessage
from atomic_store.gateway.protocol.session import (
    Action,
    Close,
    Greet,
    Phase,
    Reply,
    Session,
    Start,
    Steer,
)
from atomic_store.gateway.protocol.text import write

ADA: Final = Principal("ada", {Right.READ: ("",), Right.PROPOSE: ("lot/",), Right.DECIDE: ("",)})
MESSAGE_BYTES: Final = 1_000
OPEN_REQUESTS: Final = 3
MAY_BE_SAID: Final = {
    ErrorCode.BAD_MESSAGE, ErrorCode.UNKNOWN_TYPE, ErrorCode.FORBIDDEN, ErrorCode.INVALID_EVENT,
    ErrorCode.TOO_LARGE, ErrorCode.TOO_MANY, ErrorCode.BAD_FILTER, ErrorCode.STALE_ROUND,
}  # fmt: skip
MAY_CLOSE: Final = {
    CloseCode.TOO_LARGE, CloseCode.BAD_FRAME, CloseCode.UNAUTHORIZED, CloseCode.BAD_ID,
}  # fmt: skip


@attrs.define(eq=False)
class Talk:
    """A session, and what is known of it from outside."""

    session: Session
    open: list[int] = attrs.Factory(list)
    last_id: int = 0

    def say(self, line: bytes) -> None:
        """Say something, and look at what comes of it."""
        try:
            text: str | bytes = line.decode()
        except UnicodeDecodeError:
            text = line
        before = self.session.phase
        action = self.session.receive(text)
        if before is Phase.CLOSED:
            assert action is None
        else:
            self.look_at(action, text)
        assert sorted(self.open) == sorted(self.session._open)
        assert len(self.open) <= OPEN_REQUESTS

    def look_at(self, action: Action | None, text: str | bytes) -> None:
        """Each action is one that may come now."""
        match action:
            case Close():
                assert action.code in MAY_CLOSE
                assert action.reason.encode()
                assert self.session.phase is Phase.CLOSED
            case Greet():
                assert self.session.phase is Phase.OPEN
                assert self.last_id == 0
            case Reply():
                self.look_at_reply(action.message)
            case Start():
                assert isinstance(text, str)
                assert len(text.encode()) <= MESSAGE_BYTES
                assert self.last_id < action.request.id < 2**53
                self.last_id = action.request.id
                self.open.append(self.last_id)
            case Steer():
                assert action.message.id == action.request.id
                assert action.request.id in self.open
            case None:
                pass

    def look_at_reply(self, message: ServerMessage) -> None:
        """An answer can be sent, and ends no request that is open."""
        assert self.session.phase is Phase.OPEN
        written = json.loads(write(message))
        if written["type"] == "pong":
            return
        assert isinstance(message, Error)
        assert message.code in MAY_BE_SAID
        assert message.message.isprintable()
        assert len(message.message) < MESSAGE_BYTES
        if message.id is not None and message.final:
            assert message.id not in self.open, "it ends what is open"
            assert self.last_id < message.id < 2**53
            self.last_id = message.id

    def end(self, which: int) -> None:
        """One of the open requests is over."""
        if self.open:
            self.session.end(self.open.pop(which % len(self.open)))


def fuzz(data: bytes) -> None:
    """Hold a conversation."""
    talk = Talk(Session(lambda token: None if token else ADA, MESSAGE_BYTES, OPEN_REQUESTS))
    for line in data.split(b"\n"):
        if line.startswith(b"="):
            talk.end(sum(line[1:2]))
        else:
            talk.say(line)
    if talk.session.phase is Phase.OPEN:
        assert [] == talk.session.forbidden()
    assert talk.open == [request.id for request in talk.session.close()]
    assert talk.session.receive('{"type":"ping"}') is None

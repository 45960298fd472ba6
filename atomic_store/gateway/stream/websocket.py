"""
trio-websocket, kept behind one function: what a client does to it stays in here.

Its reader can be brought down by what a client sends: two messages that are too large, a ping
behind the one that was, a reset in the middle of the handshake. What comes out of it then would
end the whole server.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

import trio
from trio_websocket import (
    ConnectionClosed,
    WebSocketConnection,
    WebSocketRequest,
    wrap_server_stream,
)

from .gate import RECEIVE_BYTES

MESSAGES_AHEAD: Final = 1
"""How many messages are read before somebody takes them: the rest waits in the socket."""


async def serve_websocket(
    stream: trio.abc.Stream,
    serve: Callable[[WebSocketRequest], Awaitable[None]],
    *,
    message_characters_max: int,
) -> Exception | None:
    """
    Run a function with the WebSocket that was asked for on a stream; return when it has.

    The function accepts the request at once, and closes what it accepted; it is cancelled if
    trio-websocket crashes. The stream is not closed here.

    Args:
      stream: a `ReplayStream`, whose head is an upgrade.
      serve: what to do with it. What it raises is raised.
      message_characters_max: above it trio-websocket closes with 1009; it counts characters.

    Returns:
      What trio-websocket crashed with: the client's doing, nothing that anybody must hear of.
    """
    raised: Exception | None = None
    crash: Exception | None = None
    try:
        async with trio.open_nursery() as reader:
            request = await wrap_server_stream(
                reader,
                stream,
                message_queue_size=MESSAGES_AHEAD,
                max_message_size=message_characters_max,
                receive_buffer_size=RECEIVE_BYTES,
            )
            try:
                await serve(request)
            except Exception as error:
                raised = error
            reader.cancel_scope.cancel()
    except* Exception as group:
        crash = group
    if raised is not None:
        raise raised
    return crash


__all__ = ["ConnectionClosed", "WebSocketConnection", "WebSocketRequest", "serve_websocket"]

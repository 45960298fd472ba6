"""Streams to a gate's tests: sockets that fill soon, that can be reset, and clients of them."""

from __future__ import annotations

import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio
from wsproto import ConnectionType, WSConnection
from wsproto.connection import Connection
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Event,
    Message,
    Request,
    TextMessage,
)

HEAD = (
    b"GET /v1 HTTP/1.1\r\n"
    b"Host: localhost:8400\r\n"
    b"Upgrade: websocket\r\n"
    b"Connection: keep-alive, Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    b"Sec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Protocol: atomic-store.v1\r\n"
    b"\r\n"
)
"""What a client begins with."""


@asynccontextmanager
async def tcp_pair(buffer_bytes: int | None = None) -> AsyncIterator[tuple[trio.SocketStream, ...]]:
    """Two ends of a TCP connection, both closed in the end; perhaps with small buffers."""
    listener = socket.socket()
    with listener:
        if buffer_bytes is not None:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, buffer_bytes)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer_bytes)
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        client = socket.socket()
        if buffer_bytes is not None:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer_bytes)
        client.connect(listener.getsockname())
        server, _ = listener.accept()
    ends = tuple(trio.SocketStream(trio.socket.from_stdlib_socket(s)) for s in (server, client))
    try:
        yield ends
    finally:
        for end in ends:
            end.socket.close()


def reset(stream: trio.SocketStream) -> None:
    """Close a socket so that its peer is told that it was reset."""
    stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    stream.socket.close()


async def read_exactly(stream: trio.abc.ReceiveStream, count: int) -> bytes:
    """So many bytes, or fewer if they end there."""
    data = b""
    while len(data) < count and (more := await stream.receive_some(count - len(data))):
        data += more
    return data


async def read_to_end(stream: trio.abc.ReceiveStream) -> bytes:
    """All that comes until the end, or a reset."""
    data = b""
    try:
        while more := await stream.receive_some():
            data += more
    except trio.BrokenResourceError:
        pass
    return data


def client_frames() -> Connection:
    """A client past its handshake, to read and write frames with."""
    return Connection(ConnectionType.CLIENT)


def events_of(client: Connection | WSConnection, data: bytes) -> list[Event]:
    """What a client makes of some bytes."""
    client.receive_data(data)
    return list(client.events())


def texts_of(events: list[Event]) -> list[str]:
    """The whole text messages among events, put together."""
    texts, parts = [], []
    for event in events:
        if isinstance(event, TextMessage):
            parts.append(event.data)
            if event.message_finished:
                texts.append("".join(parts))
                parts = []
    assert [] == parts, "a message was not finished"
    return texts


def handshake() -> tuple[WSConnection, bytes]:
    """A client that is about to connect, and what it sends for that."""
    client = WSConnection(ConnectionType.CLIENT)
    return client, client.send(Request(host="localhost", target="/", subprotocols=["a.v1"]))


__all__ = [
    "HEAD",
    "AcceptConnection",
    "BytesMessage",
    "CloseConnection",
    "Message",
    "client_frames",
    "events_of",
    "handshake",
    "read_exactly",
    "read_to_end",
    "reset",
    "tcp_pair",
    "texts_of",
]

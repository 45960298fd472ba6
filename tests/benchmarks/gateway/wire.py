"""The client's side of a WebSocket, by hand: as little as measuring needs (RFC 6455)."""

from __future__ import annotations

import base64
import os
import socket
import ssl
from collections import deque
from typing import Final, final

import attrs

SUBPROTOCOL: Final = "atomic-store.v1"
RECEIVE_BYTES: Final = 256 * 1024
SPOKEN_MAX: Final = 10

_NO_MASK: Final = b"\0\0\0\0"
_FIN: Final = 0x80
_TEXT: Final = 0x1
_PONG: Final = 0xA


def text_frame(payload: bytes) -> bytes:
    """Frame a text message of less than 64 KiB, with a mask that leaves it as it is."""
    return _frame(_TEXT, payload)


def pong_frame() -> bytes:
    """Frame a pong that nobody asked for: a sign of life, which needs no answer."""
    return _frame(_PONG, b"")


def _frame(opcode: int, payload: bytes) -> bytes:
    size = len(payload)
    if size < 126:
        return bytes((_FIN | opcode, 0x80 | size)) + _NO_MASK + payload
    return bytes((_FIN | opcode, 0x80 | 126)) + size.to_bytes(2, "big") + _NO_MASK + payload


@final
@attrs.define(eq=False)
class Client:
    """A connection that has been upgraded. Opened by `connect`."""

    socket: socket.socket
    bytes_sent: int = 0
    """Since it was upgraded; so are the others."""
    bytes_received: int = 0
    spoken: deque[bytes] = attrs.Factory(lambda: deque(maxlen=SPOKEN_MAX))
    """The latest texts that were said and heard."""
    # What has come and was not looked at.
    _rest: bytes = attrs.field(default=b"", alias="rest")
    _begun: bytes = b""

    def say(self, text: bytes) -> None:
        """Send a message; it is small, and the server takes it."""
        self.spoken.append(text)
        self.send(text_frame(text))

    def send(self, data: bytes) -> None:
        """Send frames."""
        self.bytes_sent += len(data)
        self.socket.sendall(data)

    def wait_for(self, needle: bytes) -> None:
        """Read until something has come that holds these bytes; all that came is dropped."""
        seen = self._rest
        while needle not in seen:
            seen += self._receive()
        self._rest = b""

    def hear(self) -> list[bytes]:
        """Receive once, and give the texts that have come whole. Others than texts are dropped."""
        self._rest += self._receive()
        texts = []
        while (frame := _first_frame(self._rest)) is not None:
            first, payload, end = frame
            self._rest = self._rest[end:]
            if first & 0x08:
                continue
            self._begun += payload
            if first & _FIN:
                texts.append(self._begun)
                self._begun = b""
        self.spoken.extend(texts)
        return texts

    def _receive(self) -> bytes:
        data = self.socket.recv(RECEIVE_BYTES)
        if not data:
            raise ConnectionError("the server has closed the connection")
        self.bytes_received += len(data)
        return data


def _first_frame(data: bytes) -> tuple[int, bytes, int] | None:
    """The first byte of a server's frame, its payload and its end; None if it is not whole."""
    if len(data) < 2:
        return None
    size, begin = data[1], 2
    if size >= 126:
        begin = 4 if size == 126 else 10
        size = int.from_bytes(data[2:begin], "big")
    end = begin + size
    if len(data) < max(begin, end):
        return None
    return data[0], data[begin:end], end


def connect(port: int, tls: ssl.SSLContext | None = None) -> Client:
    """Connect to a server on this machine, and ask for a WebSocket."""
    plain = socket.create_connection(("127.0.0.1", port))
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection = plain if tls is None else tls.wrap_socket(plain, server_hostname="localhost")
    key = base64.b64encode(os.urandom(16)).decode("ascii")
    connection.sendall(
        f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n"
        f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
        f"Sec-WebSocket-Protocol: {SUBPROTOCOL}\r\n\r\n".encode("ascii")
    )
    answer = b""
    while b"\r\n\r\n" not in answer:
        data = connection.recv(RECEIVE_BYTES)
        if not data:
            break
        answer += data
    head, _, rest = answer.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 101 "):
        raise ConnectionError(f"expected a WebSocket, found {head!r}")
    return Client(connection, rest=rest)

"""
A server's WebSocket frames, made by hand (RFC 6455, 5.2): not masked, not compressed.

A server's frame is the same for all clients, so what many are sent is framed once. A live
message of records is two frames: a small one of its own (`text_start`), and one whose bytes
all subscribers share (`continuation`).
"""

from __future__ import annotations

from typing import Final

FIN: Final = 0x80
CONTINUATION: Final = 0x0
TEXT: Final = 0x1
CLOSE: Final = 0x8
PING: Final = 0x9

PAYLOAD_BYTES_MAX: Final = 2**63 - 1
"""The largest payload that a frame can announce."""
CONTROL_BYTES_MAX: Final = 125
"""The largest payload of a control frame (5.5)."""


def text_frame(payload: bytes) -> bytes:
    """Frame a whole text message. Whether it is UTF-8 is not looked at."""
    return frame_head(FIN | TEXT, len(payload)) + payload


def text_start(payload: bytes) -> bytes:
    """Frame the beginning of a text message; `continuation` must follow."""
    return frame_head(TEXT, len(payload)) + payload


def continuation(payload: bytes, *, fin: bool = True) -> bytes:
    """Frame what follows in a message that was begun; its end, unless `fin` is false."""
    return frame_head(FIN | CONTINUATION if fin else CONTINUATION, len(payload)) + payload


def close_frame(code: int, reason: str = "") -> bytes:
    """
    Frame the end of a connection.

    Args:
      reason: at most 123 bytes of UTF-8 are sent, whole characters.
    """
    told = reason.encode("utf-8", "replace")[: CONTROL_BYTES_MAX - 2]
    payload = code.to_bytes(2, "big") + told.decode("utf-8", "ignore").encode("utf-8")
    return frame_head(FIN | CLOSE, len(payload)) + payload


def ping_frame() -> bytes:
    """Frame the question whether the client is there; browsers answer by themselves."""
    return frame_head(FIN | PING, 0)


def frame_head(first: int, size: int) -> bytes:
    """
    Give the bytes before a payload.

    Args:
      first: the first byte: FIN and the opcode.
      size: the payload's, in bytes.

    Raises:
      ValueError: no frame can be so large.
    """
    if size <= CONTROL_BYTES_MAX:
        return bytes((first, size))
    if size < 2**16:
        return bytes((first, 126)) + size.to_bytes(2, "big")
    if size > PAYLOAD_BYTES_MAX:
        raise ValueError(f"size: expected at most {PAYLOAD_BYTES_MAX} bytes, found {size}")
    return bytes((first, 127)) + size.to_bytes(8, "big")

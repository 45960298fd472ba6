"""Frames made by hand are what a client of another make reads."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wsproto.events import CloseConnection, TextMessage

from atomic_store.gateway.stream.frames import (
    PAYLOAD_BYTES_MAX,
    close_frame,
    continuation,
    frame_head,
    text_frame,
    text_start,
)
from gateway_streams import client_frames, events_of, texts_of

SIZES = [0, 1, 2, 125, 126, 127, 2**16 - 1, 2**16, 2**16 + 1, 3 * 2**20]


@pytest.mark.parametrize("size", SIZES)
def test_a_text_of_any_size(size: int) -> None:
    """A frame holds its text, whatever form its length takes."""
    text = "x" * size

    assert [text] == texts_of(events_of(client_frames(), text_frame(text.encode())))


@pytest.mark.parametrize("size", SIZES)
def test_a_message_in_two_frames(size: int) -> None:
    """A head of its own and a shared continuation are one message."""
    shared = continuation(b"y" * size)

    for head in (b"", b"head:", b"h" * 200):
        events = events_of(client_frames(), text_start(head) + shared)
        assert [head.decode() + "y" * size] == texts_of(events)


@given(st.lists(st.text(max_size=200), min_size=1, max_size=8), st.integers(1, 300))
def test_messages_in_pieces(pieces: list[str], step: int) -> None:
    """A message of many frames comes whole, however the bytes are cut."""
    first, *others = [piece.encode() for piece in pieces]
    frames = text_start(first) if others else text_frame(first)
    for number, other in enumerate(others, 1):
        frames += continuation(other, fin=number == len(others))
    frames += text_frame(b"behind")
    client = client_frames()

    events = [
        event
        for at in range(0, len(frames), step)
        for event in events_of(client, frames[at : at + step])
    ]

    assert ["".join(pieces), "behind"] == texts_of(events)


def test_the_largest_sizes() -> None:
    """Lengths reach to the largest that may be announced, and no further."""
    assert bytes([0x81, 127, 0x7F]) + b"\xff" * 7 == frame_head(0x81, PAYLOAD_BYTES_MAX)
    assert bytes([0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0]) == frame_head(0x81, 2**16)

    with pytest.raises(ValueError, match="expected at most 9223372036854775807 bytes"):
        frame_head(0x81, 2**63)


def test_an_end() -> None:
    """A close frame has its code, and as much of its reason as fits, in whole characters."""
    (event,) = events_of(client_frames(), close_frame(4508, "slow"))
    assert CloseConnection(4508, "slow") == event

    (event,) = events_of(client_frames(), close_frame(1001, "x" * 200))
    assert CloseConnection(1001, "x" * 123) == event

    (event,) = events_of(client_frames(), close_frame(1001, "a" + "é" * 100))
    assert CloseConnection(1001, "a" + "é" * 61) == event


def test_frames_are_not_masked() -> None:
    """A client refuses masked frames: these are none, and are not compressed."""
    (event,) = events_of(client_frames(), text_frame(b"{}"))

    assert isinstance(event, TextMessage)
    assert b"\x81\x02{}" == text_frame(b"{}")

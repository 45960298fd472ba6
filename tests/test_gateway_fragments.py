"""Frames are counted before anybody reads them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wsproto.events import Message, Ping, TextMessage

from atomic_store.gateway.stream.fragments import FrameCounter, TooManyFragments
from gateway_streams import client_frames

EMPTY = bytes([0x00, 0x80]) + b"mask"
START = bytes([0x01, 0x80]) + b"mask"
END = bytes([0x80, 0x80]) + b"mask"


def sent(*messages: str | bytes | None) -> bytes:
    """What a client sends for texts, pings (bytes), and a text in three parts (None)."""
    client = client_frames()
    data = b""
    for message in messages:
        if message is None:
            for n in range(3):
                data += client.send(TextMessage(data="part", message_finished=n == 2))
        elif isinstance(message, bytes):
            data += client.send(Ping(payload=message))
        else:
            event: Message[str] = TextMessage(data=message)
            data += client.send(event)
    return data


@given(
    st.lists(
        st.one_of(
            st.none(),
            st.binary(max_size=125),
            st.text(max_size=10),
            st.sampled_from([126, 2**16]).map(lambda size: "x" * size),
        ),
        max_size=20,
    ),
    st.integers(1, 100_000),
    st.integers(1, 5),
)
def test_what_clients_send_passes(
    messages: list[str | bytes | None], step: int, frames: int
) -> None:
    """Whatever is sent, and however it is cut, all is handed on, a few frames at a time."""
    data = sent(*messages)
    counter = FrameCounter(fragments_max=2, frames_a_read_max=frames)

    for start in range(0, len(data), step):
        part = data[start : start + step]
        at = 0
        while at < len(part):
            end = counter.take(part, at)
            assert at < end
            at = end


def test_a_read_is_a_few_frames() -> None:
    """Not more frames than may be handled in one turn are handed on; a payload goes whole."""
    data = sent(*["a"] * 5, "b" * 1000)
    one = len(data[: -1000 - 8]) // 5
    counter = FrameCounter(frames_a_read_max=2)

    ends = [counter.take(data)]
    while ends[-1] < len(data):
        ends.append(counter.take(data, ends[-1]))

    assert [2 * one, 4 * one, len(data)] == ends


def test_part_of_what_there_is() -> None:
    """Where an end is given, nothing behind it is counted."""
    counter = FrameCounter(fragments_max=1)

    assert 6 == counter.take(START + EMPTY, 0, 6)
    with pytest.raises(TooManyFragments):
        counter.take(START + EMPTY, 6)


def test_endless_fragments() -> None:
    """A message with more fragments than are allowed is refused, empty ones too."""
    counter = FrameCounter(fragments_max=10, frames_a_read_max=1000)

    counter.take(START + EMPTY * 9)
    with pytest.raises(TooManyFragments, match="more than 10 fragments"):
        counter.take(EMPTY)


def test_pings_in_between() -> None:
    """A ping inside of a message is no fragment of it, and does not begin the count anew."""
    counter = FrameCounter(fragments_max=3, frames_a_read_max=1000)

    counter.take((START + sent(b"ping") + EMPTY + sent(b"ping")) + EMPTY + sent(b"ping") * 9)
    with pytest.raises(TooManyFragments):
        counter.take(EMPTY)


def test_messages_are_counted_apart() -> None:
    """The end of a message begins the count anew; pings in between are no fragments."""
    counter = FrameCounter(fragments_max=3, frames_a_read_max=1000)

    for _ in range(100):
        data = START + EMPTY + sent(b"ping") * 5 + EMPTY + END + sent("whole")
        assert len(data) == counter.take(data)


@given(st.binary(max_size=300))
def test_any_bytes(data: bytes) -> None:
    """What is no frame at all is passed on to whoever refuses it."""
    counter = FrameCounter()

    at = 0
    while at < len(data):
        at = counter.take(data, at)

"""
The WebSocket protocol (RFC 6455) as a client that tests servers sees it.

The cases are named after those of the Autobahn test suite, sections 1 to 7, which has an echo
to look at. Here a message is a `ping` of the protocol with a padding, and its echo is `pong`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from gateway_raw import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    Raw,
    close,
    frame,
    hosted,
    text,
)

ECHO = "echo"
"""A message was understood."""
REFUSED = "refused"
"""The connection was failed: closed, with a code that says so, or cut."""
FAILURES = {None, 1002, 1003, 1007, 1009, 4400}

Expected = str | bytes | int | None
Case = tuple[str, list[bytes], list[Expected]]


def ping_of(size: int, fill: str = "*") -> bytes:
    """Write a `ping` that has exactly so many bytes, if it can be so small."""
    bare = json.dumps({"type": "ping", "x": ""}, ensure_ascii=False).encode()
    padding = fill * ((size - len(bare)) // len(fill.encode()))
    return json.dumps({"type": "ping", "x": padding}, ensure_ascii=False).encode()


def fragments(payload: bytes, size: int, between: Iterable[bytes] = ()) -> list[bytes]:
    """Write a text message in pieces, with other frames between them."""
    pieces = [payload[at : at + size] for at in range(0, len(payload), size)] or [b""]
    written = []
    for number, piece in enumerate(pieces):
        is_last = number == len(pieces) - 1
        written.append(frame(CONTINUATION if number else TEXT, piece, fin=is_last))
        written += [] if is_last else between
    return written


PING_40 = ping_of(40)
SPACED = [PING_40[:20], PING_40[20:]]


def framing() -> Iterator[Case]:
    """1: payloads of all kinds of size, in one piece and in many."""
    for number, size in enumerate([40, 125, 126, 127, 128, 65535, 65536, 65537], 2):
        yield f"1.1.{number}", [text(ping_of(size))], [ECHO]
        yield f"1.1.{number}-in-bytes", [b"split", text(ping_of(size))], [ECHO]
    for number, size in enumerate([0, 125, 126, 127, 128, 65535, 65536], 1):
        # Binary messages are no part of this protocol: understood, and refused.
        yield f"1.2.{number}", [frame(BINARY, b"\xfe" * size)], [4400]
    yield "1.1.1", [text(b"")], [4400]


def pings() -> Iterator[Case]:
    """2: pings and pongs."""
    yield "2.1", [frame(PING)], [b""]
    yield "2.2", [frame(PING, b"Hello, world!")], [b"Hello, world!"]
    odd = b"\x00\xff\xfe\xfd\xfc\xfb\x00\xff"
    yield "2.3", [frame(PING, odd)], [odd]
    yield "2.4", [frame(PING, b"\xfe" * 125)], [b"\xfe" * 125]
    yield "2.5", [frame(PING, b"\xfe" * 126)], [REFUSED]
    yield "2.6", [b"split", frame(PING, b"\xfe" * 125)], [b"\xfe" * 125]
    yield "2.7", [frame(PONG), text(PING_40)], [ECHO]
    yield "2.8", [frame(PONG, b"unsolicited"), text(PING_40)], [ECHO]
    yield "2.9", [frame(PONG, b"unsolicited"), frame(PING, b"x")], [b"x"]
    many: list[Expected] = [b"payload-%d" % n for n in range(10)]
    asked = [frame(PING, b"payload-%d" % n) for n in range(10)]
    yield "2.10", asked, many
    yield "2.11", [b"split", *asked], many


def reserved_bits() -> Iterator[Case]:
    """3: bits that mean something only where it was agreed upon."""
    for reserved in range(1, 8):
        bad = frame(TEXT, PING_40, reserved=reserved)
        yield f"3.{reserved}-text", [bad], [REFUSED]
        yield f"3.{reserved}-behind", [b"wait", text(PING_40), bad, frame(PING)], [ECHO, REFUSED]
        yield f"3.{reserved}-in-bytes", [b"split", bad], [REFUSED]
        yield f"3.{reserved}-ping", [frame(PING, b"x", reserved=reserved)], [REFUSED]
        yield f"3.{reserved}-close", [frame(CLOSE, b"", reserved=reserved)], [REFUSED]


def opcodes() -> Iterator[Case]:
    """4: opcodes that do not exist."""
    for section, codes in ((1, range(3, 8)), (2, range(11, 16))):
        for number, opcode in enumerate(codes, 1):
            name = f"4.{section}.{number}"
            yield f"{name}-empty", [frame(opcode)], [REFUSED]
            yield f"{name}-payload", [frame(opcode, b"reserved")], [REFUSED]
            yield (
                f"{name}-behind",
                [b"wait", text(PING_40), frame(opcode), frame(PING)],
                [ECHO, REFUSED],
            )
            yield f"{name}-in-bytes", [b"split", frame(opcode, b"reserved")], [REFUSED]


def fragmentation() -> Iterator[Case]:
    """5: messages in pieces, and what may stand between those."""
    first, last = SPACED
    begin, end = frame(TEXT, first, fin=False), frame(CONTINUATION, last)
    more = frame(CONTINUATION, b"", fin=False)
    yield "5.1", [frame(PING, b"x" * 20, fin=False), frame(CONTINUATION, b"y")], [REFUSED]
    yield "5.2", [frame(PONG, b"x" * 20, fin=False), frame(CONTINUATION, b"y")], [REFUSED]
    for number, split in enumerate(([], [b"pause"], [b"split"]), 3):
        yield f"5.{number}", [*split, begin, end], [ECHO]
    for number, split in enumerate(([], [b"pause"], [b"split"]), 6):
        yield f"5.{number}", [*split, begin, frame(PING, b"between"), end], [b"between", ECHO]
    for number, split in enumerate(([], [b"pause"], [b"split"]), 9):
        yield f"5.{number}", [*split, frame(CONTINUATION, b"x"), text(PING_40)], [REFUSED]
    for number, split in enumerate(([], [b"pause"], [b"split"]), 12):
        lone = frame(CONTINUATION, b"x", fin=False)
        yield f"5.{number}", [*split, lone, text(PING_40)], [REFUSED]
    lone = frame(CONTINUATION, b"x", fin=False)
    yield "5.15", [b"wait", begin + end, lone, begin, end], [ECHO, REFUSED]
    yield "5.16", [lone, text(PING_40)] * 2, [REFUSED]
    yield "5.17", [frame(CONTINUATION, b"x"), text(PING_40)] * 2, [REFUSED]
    yield "5.18", [begin, text(PING_40)], [REFUSED]
    pinged = [begin, more, frame(PING, b"1"), more, more, frame(PING, b"2"), end]
    yield "5.19", [b"pause", *pinged], [b"1", b"2", ECHO]
    yield "5.20", [*pinged, text(PING_40)], [b"1", b"2", ECHO, ECHO]
    yield "5.21", [b"split", *pinged], [b"1", b"2", ECHO]
    for size in (1, 2, 7, 64):
        yield f"5-pieces-of-{size}", fragments(ping_of(500), size), [ECHO]
    between = [frame(PING, b"p"), frame(PONG)]
    yield "5-pings-between", fragments(ping_of(100), 10, between), [*[b"p"] * 9, ECHO]
    yield "5-close-between", [begin, close(), end], [1000]


VALID = {
    "6.2.1": "Hello-µ@ßöäüàá-UTF-8!!",
    "6.5.1": "κόσμε",
    "6.7": "\x7f\x80",
    "6.7.2": "\u07ff",
    "6.7.3": "\uffff",
    "6.7.4": "\U0010ffff",
    "6.9.1": "\u0800",
    "6.9.3": "\U00010000",
    "6.11": "\ud7ff\ue000\ufffd",
    "6.22": "\ufffe\uffff\U0001fffe\U0001ffff\U0010fffe",
}
INVALID = {
    "6.3.1": b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80edited",
    "6.4.1": b"\xce\xba\xe1\xbd\xb9\xf4\x90\x80\x80edited",
    "6.6.2": b"\xce",
    "6.6.5": b"\xce\xba\xe1\xbd",
    "6.8.1": b"\xf8\x88\x80\x80\x80",
    "6.8.2": b"\xfc\x84\x80\x80\x80\x80",
    "6.10.1": b"\xf7\xbf\xbf\xbf",
    "6.10.2": b"\xfb\xbf\xbf\xbf\xbf",
    "6.12.1": b"\x80",
    "6.12.2": b"\xbf",
    "6.12.8": b"\x80\xbf\x80\xbf\x80\xbf\xbe",
    "6.13.1": b"\xc0 \xc1 ",
    "6.14.1": b"\xc0",
    "6.14.2": b"\xe0\x80",
    "6.14.6": b"\xdf",
    "6.14.7": b"\xef\xbf",
    "6.15.1": b"\xc0\xe0\x80\xf0\x80\x80",
    "6.16.1": b"\xfe",
    "6.16.2": b"\xff",
    "6.17.1": b"\xc0\xaf",
    "6.17.2": b"\xe0\x80\xaf",
    "6.18.1": b"\xc1\xbf",
    "6.18.2": b"\xe0\x9f\xbf",
    "6.18.3": b"\xf0\x8f\xbf\xbf",
    "6.19.1": b"\xc0\x80",
    "6.20.1": b"\xed\xa0\x80",
    "6.20.7": b"\xed\xbf\xbf",
    "6.21.1": b"\xed\xa0\x80\xed\xb0\x80",
    "6.21.8": b"\xed\xaf\xbf\xed\xbf\xbf",
}


def utf_8() -> Iterator[Case]:
    """6: texts that are UTF-8, and texts that are not, however they are cut."""
    yield "6.1.1", [text(b"")], [4400]
    empty = frame(TEXT, b"", fin=False), frame(CONTINUATION, b"")
    yield "6.1.2", [empty[0], frame(CONTINUATION, b"", fin=False), empty[1]], [4400]
    yield "6.1.3", [empty[0], frame(CONTINUATION, PING_40, fin=False), empty[1]], [ECHO]
    for name, value in VALID.items():
        payload = json.dumps({"type": "ping", "x": value}, ensure_ascii=False).encode()
        yield name, [text(payload)], [ECHO]
        yield f"{name}-in-fragments", fragments(payload, 1), [ECHO]
        yield f"{name}-in-bytes", [b"split", text(payload)], [ECHO]
    for name, broken in INVALID.items():
        payload = b'{"type":"ping","x":"' + broken + b'"}'
        yield name, [text(payload)], [REFUSED]
        yield f"{name}-in-fragments", fragments(payload, 1), [REFUSED]
        # Wrong at once, before the rest of it has come.
        yield f"{name}-at-once", [frame(TEXT, broken + b"x", fin=False)], [REFUSED]
    for where in range(0, 40, 5):
        payload = PING_40[:where] + b"\xff" + PING_40[where:]
        yield f"6-at-{where}", [text(payload)], [REFUSED]


def closing() -> Iterator[Case]:
    """7: the end, and what may be said about it."""
    yield "7.1.1", [b"wait", text(PING_40), close()], [ECHO, 1000]
    yield "7.1.2", [close(), close()], [1000]
    yield "7.1.3", [close(), frame(PING, b"late")], [1000]
    yield "7.1.4", [close(), text(PING_40)], [1000]
    yield "7.1.5", [frame(TEXT, b"a", fin=False), close(), frame(CONTINUATION, b"b")], [1000]
    yield "7.1.6", [b"wait", text(ping_of(262144)), close(), frame(PING)], [ECHO, 1000]
    yield "7.3.1", [close(None)], [None]
    yield "7.3.2", [frame(CLOSE, b"\x03")], [REFUSED]
    yield "7.3.3", [close(1000)], [1000]
    yield "7.3.4", [close(1000, b"a reason")], [1000]
    yield "7.3.5", [close(1000, b"*" * 123)], [1000]
    yield "7.3.6", [close(1000, b"*" * 124)], [REFUSED]
    yield "7.5.1", [close(1000, b"\xce\xba\xe1\xbd\xb9\xed\xa0\x80")], [REFUSED]
    good = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999]
    for number, code in enumerate(good, 1):
        yield f"7.7.{number}", [close(code)], [code]
    bad = [0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999, 5000, 65535]
    for number, code in enumerate(bad, 1):
        yield f"7.9.{number}", [close(code)], [REFUSED]
    yield "7-fragmented-close", [frame(CLOSE, b"\x03\xe8", fin=False)], [REFUSED]
    yield "7-not-masked", [frame(TEXT, PING_40, mask=None)], [REFUSED]


CASES = [
    case
    for section in (framing, pings, reserved_bits, opcodes, fragmentation, utf_8, closing)
    for case in section()
]


def test_cases_have_names() -> None:
    """Each case has a name of its own, and there are as many as it takes."""
    assert len(CASES) == len({name for name, _, _ in CASES})
    assert 250 <= len(CASES)


@pytest.mark.parametrize(
    ("sent", "expected"),
    [case[1:] for case in CASES],
    ids=[name for name, _, _ in CASES],
)
async def test_case(sent: list[bytes], expected: list[Expected]) -> None:
    """What is right is understood, in order, and what is wrong fails the connection."""
    with trio.fail_after(5):
        async with hosted() as host, host.client() as raw, trio.open_nursery() as nursery:
            may_go_on, found = trio.Event(), list[Expected]()
            nursery.start_soon(_send, raw, sent, may_go_on)
            for _ in expected:
                found.append(await _heard(raw))
                may_go_on.set()
            nursery.cancel_scope.cancel()
            assert expected == [
                REFUSED if want == REFUSED and _is_refusal(one) else one
                for want, one in zip(expected, found, strict=True)
            ]
            if _is_over(expected[-1]):
                assert await raw.frame() is None


def _is_over(last: Expected) -> bool:
    return last is None or last == REFUSED or isinstance(last, int)


def _is_refusal(found: object) -> bool:
    return found in FAILURES


HOW = (b"split", b"pause", b"wait")


async def _send(raw: Raw, sent: list[bytes], may_go_on: trio.Event) -> None:
    """
    Send frames all at once; or, where that is said first, in single bytes or with pauses.

    To wait is to have an answer to the first one before the others are sent.
    """
    how, frames = (sent[0], sent[1:]) if sent[0] in HOW else (b"", sent)
    data = b"".join(frames)
    if how == b"wait":
        await raw.send(frames[0])
        await may_go_on.wait()
        await raw.send_what_is_taken(b"".join(frames[1:]))
    elif how == b"pause":
        for one in frames:
            await raw.send_what_is_taken(one)
            await wait_all_tasks_blocked()
    elif how == b"split" and len(data) < 2000:
        for at in range(len(data)):
            await raw.send_what_is_taken(data[at : at + 1])
            await trio.lowlevel.checkpoint()
    elif how == b"split":
        for at in range(0, len(data), 997):
            await raw.send_what_is_taken(data[at : at + 997])
            await trio.lowlevel.checkpoint()
    else:
        await raw.send_what_is_taken(data)


async def _heard(raw: Raw) -> Expected:
    """What came next: an echo, the payload of a pong, the code of a close; None for the end."""
    found = await raw.frame()
    if found is None:
        return None
    if found.opcode == PONG:
        return found.payload
    if found.opcode == CLOSE:
        return int.from_bytes(found.payload[:2], "big") if found.payload else None
    return ECHO if b'"pong"' in found.payload else found.payload.decode()


async def test_the_server_closes_in_order() -> None:
    """7.1: it sends its close once, waits for the client's, and hangs up first."""
    with trio.fail_after(5):
        async with hosted() as host, host.client() as raw:
            await raw.send(frame(BINARY, b"x"))
            assert 4400 == await _heard(raw)
            assert 1 == host.gateway.connections
            await raw.send(frame(CLOSE, b"\x03\xe8"))
            assert await raw.frame() is None


async def test_no_frame_of_the_server_is_masked() -> None:
    """5.1: a server masks nothing, uses no reserved bit, and cuts no control frame."""
    with trio.fail_after(5):
        async with hosted() as host, host.client() as raw:
            await raw.say("subscribe", id=1, all=True)
            await raw.send(frame(PING, b"x"), text(PING_40), close())
            firsts = []
            while (found := await raw.frame()) is not None:
                firsts.append(found.first)
            assert {0x81, 0x8A, 0x88} == set(firsts)

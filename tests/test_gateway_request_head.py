"""The head of a request is read strictly, and never trips anybody."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, Request

from atomic_store.gateway.stream.request_head import (
    HEAD_BYTES_MAX,
    BadHead,
    HeadBuffer,
    RequestHead,
    parse_head,
)
from gateway_streams import HEAD

PLAIN = b"GET /health?x=1 HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\n\r\n"


def refused(raw: bytes) -> BadHead:
    """Why some bytes are no head."""
    with pytest.raises(BadHead) as info:
        if HeadBuffer().receive(raw) is None:
            raise AssertionError("expected a refusal, it waits for more")
    return info.value


def tried(raw: bytes) -> RequestHead | BadHead | None:
    """What comes of some bytes."""
    try:
        return HeadBuffer().receive(raw)
    except BadHead as bad:
        return bad


def understood(raw: bytes) -> RequestHead | None:
    """The head, if it is one; and then whoever reads an upgrade behind it can answer it."""
    head = tried(raw)
    if isinstance(head, BadHead):
        assert 400 <= head.status < 600
        assert head.reason.isprintable()
        return None
    if head is not None and head.is_upgrade:
        connection = WSConnection(ConnectionType.SERVER)
        connection.receive_data(head.raw)
        assert [Request] == [type(event) for event in connection.events()]
        assert connection.send(AcceptConnection()).startswith(b"HTTP/1.1 101 ")
    return head


def test_a_plain_request() -> None:
    """Method, target and headers are given, and what came behind them."""
    head = HeadBuffer().receive(PLAIN + b"rest")

    assert head is not None
    assert (b"GET", b"/health?x=1", False) == (head.method, head.target, head.is_upgrade)
    assert ((b"host", b"localhost"), (b"accept", b"*/*")) == head.headers
    assert [b"*/*"] == head.values(b"accept")
    assert (PLAIN, b"rest") == (head.raw, head.rest)


def test_an_upgrade() -> None:
    """A request for a WebSocket is known as one."""
    head = understood(HEAD)

    assert head is not None
    assert head.is_upgrade
    assert [b"atomic-store.v1"] == head.values(b"sec-websocket-protocol")


@pytest.mark.parametrize("whole", [PLAIN, HEAD])
def test_every_prefix(whole: bytes) -> None:
    """A head that has not ended is waited for, and at its end it is what it was."""
    expected = HeadBuffer().receive(whole)

    for cut in range(len(whole)):
        buffer = HeadBuffer()
        assert buffer.receive(whole[:cut]) is None
        assert 400 == buffer.end().status
        assert expected == buffer.receive(whole[cut:])


def test_byte_by_byte() -> None:
    """It does not matter in what pieces a head comes."""
    buffer = HeadBuffer()

    *heads, last = [buffer.receive(HEAD[at : at + 1]) for at in range(len(HEAD))]

    assert {None} == set(heads)
    assert HeadBuffer().receive(HEAD) == last


def test_every_mutation_of_one_byte() -> None:
    """Any byte of a head may be any other: it is understood, refused or waited for."""
    # All values at each place of the first lines, and the odd ones at all.
    odd = b"\x00\x01\t\n\r\x16 ,:/\x7f\x80\xff09aZ"
    for at in range(len(HEAD)):
        for value in range(256) if at < 90 else odd:
            understood(HEAD[:at] + bytes([value]) + HEAD[at + 1 :])


def test_every_byte_left_out_or_doubled() -> None:
    """A head may lack any byte, or have one twice."""
    for at in range(len(HEAD)):
        understood(HEAD[:at] + HEAD[at + 1 :])
        understood(HEAD[:at] + HEAD[at : at + 1] + HEAD[at:])


@given(st.binary(max_size=400))
def test_any_bytes(data: bytes) -> None:
    """Whatever is sent, nothing but `BadHead` comes of it."""
    understood(data)


@given(
    st.lists(
        st.sampled_from(
            [line + b"\r\n" for line in HEAD.splitlines()]
            + [b"\r\n", b"Host: xn--\r\n", b"Host: xn--a..b\r\n", b"Upgrade: h2c\r\n",
               b"Connection: close\r\n", b"Content-Length: 5\r\n", b"Content-Length: 0\r\n",
               b"Transfer-Encoding: chunked\r\n", b"Sec-WebSocket-Version: 8\r\n",
               b"Sec-WebSocket-Extensions: permessage-deflate; x\r\n", b"A:\r\n",
               b"POST / HTTP/1.1\r\n",
               b"GET / HTTP/1.0\r\n"]
        ),
        max_size=12,
    )
)  # fmt: skip
def test_any_lines(lines: list[bytes]) -> None:
    """Lines of heads, in any order and number, make no head that trips its next reader."""
    understood(b"".join(lines) + b"\r\n")


def line(text: bytes) -> bytes:
    """A plain request with one more line."""
    return PLAIN[:-2] + text + b"\r\n\r\n"


@pytest.mark.parametrize(
    ("raw", "status", "words"),
    [
        (line(b"X: \xc3\xa9"), 400, "printable ASCII"),
        (line(b"X: a\x00b"), 400, "byte 0x00 at offset"),
        (line(b"X: a\x7fb"), 400, "byte 0x7f"),
        (line(b"X: a\r\n folded"), 400, "not folded"),
        (line(b"X: a\nY: b"), 400, "CR LF"),
        (line(b"X: a\rY: b"), 400, "CR LF"),
        (PLAIN.replace(b"\r\n", b"\n"), 400, "CR LF"),
        (line(b"X : a"), 400, "illegal header line"),
        (line(b"Host: other"), 400, "multiple Host"),
        (line(b"Content-Length: 1\r\nContent-Length: 2"), 400, "Content-Length"),
        (line(b"Content-Length: 1\r\nContent-Length: 1"), 400, "one length"),
        (line(b"Content-Length: -1"), 400, "Content-Length"),
        (line(b"Content-Length: 1\r\nTransfer-Encoding: chunked"), 400, "one length"),
        (line(b"Transfer-Encoding: gzip"), 501, "Transfer-Encoding"),
        (line(b"X: " + b"a" * HEAD_BYTES_MAX), 431, "at most 8192 bytes"),
        (b"GET / HTTP/1.1\r\n\r\n", 400, "Host"),
        (b"\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400, "request"),
        (b"GET / HTTP/1.1 \r\nHost: a\r\n\r\n", 400, "illegal request line"),
        (b"GET /\r\n\r\n", 400, "illegal request line"),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, "found HTTP/2.0"),
        (bytes.fromhex("16030100c2010000be0303"), 400, "beginning of TLS"),
        (HEAD.replace(b"GET", b"POST"), 400, "method must be GET"),
        (HEAD.replace(b"HTTP/1.1", b"HTTP/1.0"), 400, "HTTP/1.0"),
        (HEAD.replace(b"keep-alive, Upgrade", b"close"), 400, "Connection"),
        (HEAD.replace(b"Sec-WebSocket-Key", b"X"), 400, "Sec-WebSocket-Key"),
        (HEAD.replace(b"Version: 13", b"Version: 8"), 426, "Sec-WebSocket-Version"),
        (HEAD.replace(b"localhost:8400", b"xn--\x61..b"), 400, "host name"),
        (HEAD[:-2] + b"Content-Length: 3\r\n\r\n", 400, "no body"),
        (HEAD[:-2] + b"Transfer-Encoding: chunked\r\n\r\n", 400, "no body"),
    ],
)
def test_what_is_refused(raw: bytes, status: int, words: str) -> None:
    """What two readers could read differently, or one could fail over, is refused, and why."""
    bad = refused(raw)

    assert status == bad.status
    assert words in bad.reason
    assert str(bad) == f"{bad.status}: {bad.reason}"
    buffer = HeadBuffer()
    with pytest.raises(BadHead) as info:
        for at in range(len(raw)):
            assert buffer.receive(raw[at : at + 1]) is None
    assert status == info.value.status


def test_the_version_that_is_spoken() -> None:
    """A client of another version of WebSockets is told which one there is."""
    bad = refused(HEAD.replace(b"Version: 13", b"Version: 8"))

    assert ((b"Sec-WebSocket-Version", b"13"),) == bad.headers


def test_no_secret_comes_back() -> None:
    """What is refused is not repeated: it may hold a token."""
    assert "hush" not in str(refused(line(b"Authorization : Bearer hush")))
    assert "hush" not in repr(parse_head(line(b"Authorization: Bearer hush")))


@pytest.mark.parametrize("method", [b"GET", b"POST"])
def test_old_and_other_requests(method: bytes) -> None:
    """HTTP/1.0 needs no Host; a body, and an upgrade to something else, are no one's trouble."""
    for raw in (
        method + b" / HTTP/1.0\r\n\r\n",
        method + b" / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc",
        method + b" / HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n",
    ):
        head = understood(raw)
        assert head is not None
        assert (method, False) == (head.method, head.is_upgrade)


def test_a_head_of_the_largest_size() -> None:
    """The limit is on the head alone, and what ends there is within it."""
    fill = HEAD_BYTES_MAX - len(line(b"X: "))

    assert understood(line(b"X: " + b"a" * fill) + b"r" * 5000) is not None
    assert 431 == refused(line(b"X: " + b"a" * (fill + 1))).status


def test_tls_is_known_by_its_first_byte() -> None:
    """Nobody waits for the rest of what is no HTTP."""
    assert "TLS" in refused(b"\x16").reason
    assert "0x05" in refused(b"\x05\x01\x00").reason

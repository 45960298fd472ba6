"""Plain HTTP answers."""

from __future__ import annotations

import h11
import pytest
import trio
from trio.testing import MockClock, memory_stream_pair

from atomic_store.gateway.stream.answers import (
    Answer,
    bad_request,
    is_readable,
    method_not_allowed,
    plain,
    send_answer,
    upgrade_required,
    written,
)
from atomic_store.gateway.stream.gate import Gate
from atomic_store.gateway.stream.request_head import BadHead
from gateway_streams import read_to_end, reset, tcp_pair


def read(data: bytes, method: str = "GET") -> tuple[h11.Response, bytes]:
    """An answer as a client reads it: all of it, and the end of the connection."""
    client = h11.Connection(h11.CLIENT)
    client.send(h11.Request(method=method, target="/", headers=[("Host", "a")]))
    client.send(h11.EndOfMessage())
    client.receive_data(data)
    response = client.next_event()
    assert isinstance(response, h11.Response)
    body = b""
    while isinstance(event := client.next_event(), h11.Data):
        body += bytes(event.data)
    assert isinstance(event, h11.EndOfMessage)
    assert client.our_state is h11.MUST_CLOSE
    assert b"" == client.trailing_data[0]
    return response, body


def test_an_answer() -> None:
    """It has its body's size and type, is not kept by anybody, and is the last one."""
    response, body = read(written(Answer(200, b"<p>", "text/html; charset=utf-8")))
    headers = dict(response.headers)

    assert (200, b"OK", b"<p>") == (response.status_code, bytes(response.reason), body)
    assert b"text/html; charset=utf-8" == headers[b"content-type"]
    assert b"3" == headers[b"content-length"]
    assert b"close" == headers[b"connection"]
    assert b"no-store" == headers[b"cache-control"]
    assert b"nosniff" == headers[b"x-content-type-options"]
    assert b"frame-ancestors 'none'" in headers[b"content-security-policy"]
    assert headers[b"date"].endswith(b" GMT")
    assert len(headers) == len(response.headers)


def test_without_the_body() -> None:
    """HEAD gets the same head, and no body."""
    response, body = read(written(plain(200, "long"), method=b"HEAD"), "HEAD")

    assert b"5" == dict(response.headers)[b"content-length"]
    assert b"" == body


@pytest.mark.parametrize("status", [400, 403, 404, 405, 408, 426, 431, 501, 503, 505])
def test_in_a_line(status: int) -> None:
    """Any refusal says in words what it is."""
    response, body = read(written(plain(status)))

    assert status == response.status_code
    assert bytes(response.reason) + b"\n" == body


def test_what_refusals_carry() -> None:
    """A refusal says what would be right, where HTTP wants it to."""
    response, _ = read(written(method_not_allowed()))
    assert b"GET, HEAD" == dict(response.headers)[b"allow"]

    response, body = read(written(upgrade_required()))
    headers = dict(response.headers)
    assert 426 == response.status_code
    assert (b"websocket", b"upgrade, close") == (headers[b"upgrade"], headers[b"connection"])
    assert b"WebSocket" in body

    bad = BadHead(426, "expected version 13", ((b"Sec-WebSocket-Version", b"13"),))
    response, body = read(written(bad_request(bad)))
    assert b"13" == dict(response.headers)[b"sec-websocket-version"]
    assert b"expected version 13\n" == body


def test_methods() -> None:
    """Only what changes nothing is readable."""
    assert [b"GET", b"HEAD"] == [m for m in (b"GET", b"HEAD", b"get", b"POST") if is_readable(m)]


async def test_it_gets_through() -> None:
    """A client that is still sending reads its answer, not a reset; then the connection ends."""
    async with tcp_pair() as (ours, theirs):
        gate = Gate(ours)
        await theirs.send_all(b"x" * 60_000)
        with trio.fail_after(5):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(send_answer, gate, plain(431))
                data = b""
                # A reset would be raised here.
                while more := await theirs.receive_some():
                    data += more
                await theirs.aclose()
        assert 431 == read(data)[0].status_code
        with pytest.raises(trio.ClosedResourceError):
            await gate.receive_some()


async def test_a_client_that_never_ends() -> None:
    """What it sends is thrown away up to a bound."""
    async with tcp_pair() as (ours, theirs):
        with trio.fail_after(5):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(send_answer, Gate(ours), plain(400))
                with pytest.raises(trio.BrokenResourceError):
                    while True:
                        await theirs.send_all(bytes(60_000))


async def test_a_client_that_says_nothing_more(autojump_clock: MockClock) -> None:
    """One that does not close has as long as the caller gives it."""
    ours, theirs = memory_stream_pair()
    gate = Gate(ours)

    with trio.move_on_after(2):
        await send_answer(gate, plain(400))

    assert 2.0 == trio.current_time()
    assert 400 == read(await read_to_end(theirs))[0].status_code
    with pytest.raises(trio.ClosedResourceError):
        await gate.send_all(b"more")


async def test_a_client_that_is_gone() -> None:
    """An answer to nobody is an error of the connection, which is closed."""
    async with tcp_pair(4096) as (ours, theirs):
        gate = Gate(ours)
        reset(theirs)
        with pytest.raises(trio.BrokenResourceError):
            await send_answer(gate, Answer(200, bytes(1_000_000)))
        assert -1 == ours.socket.fileno()

"""Clients that nobody here wrote: each has a whole conversation with a gateway, plain and TLS."""

from __future__ import annotations

import asyncio
import json
import os
import ssl
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import aiohttp
import pytest
import trio
import trustme
import websockets.asyncio.client
import websockets.sync.client
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from atomic_store import open_store
from atomic_store.gateway.server import open_gateway
from gateway_raw import BID, PATIENCE_S
from tools import require_file, require_tool

NODE_MODULES = Path("/usr/share/nodejs")
"""Where Debian's packages put modules."""
SUBPROTOCOL = Subprotocol("atomic-store.v1")
Context: TypeAlias = ssl.SSLContext | None
Said: TypeAlias = dict[str, Any]


@pytest.fixture(params=["plain", "tls"])
def contexts(request: pytest.FixtureRequest) -> tuple[Context, Context]:
    """What server and client need for TLS; nothing for none."""
    if request.param == "plain":
        return None, None
    authority = trustme.CA()
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1", "localhost").configure_cert(server)
    client = ssl.create_default_context()
    authority.configure_trust(client)
    return server, client


def conversation(results: list[Said]) -> Iterator[Said]:
    """
    Hello, a subscription, a proposal that is decided here, a query.

    Gives what is to be said next; whoever says it hears the answer and puts it behind `results`.
    """
    yield {"type": "hello", "client": "somebody else's"}
    assert "welcome" == results[-1]["type"]
    yield {"type": "subscribe", "id": 1, "all": True}
    assert {"type": "caught_up", "id": 1, "position": 0} == results[-1]
    yield {"type": "propose", "id": 2, "scope": "lot/1", "decide": "self", "event": BID}
    asked = results[-1]
    assert ("validate", BID) == (asked["type"], asked["event"])
    yield {"type": "decide", "id": 2, "round": asked["round"], "accept": True}
    assert {"result", "records"} == {one["type"] for one in results[-2:]}
    (record,) = results[-1]["records"]
    assert results[-2]["records"] == [record]
    yield {"type": "query", "id": 3, "scope": "lot/1", "where": "data.cents >= 500"}
    assert [record] == results[-2]["records"]
    assert "done" == results[-1]["type"]


def require_node_ws() -> None:
    """Skip the test where Node or its `ws` is not installed; with `CI` set, fail it instead."""
    require_tool("node")
    require_file(NODE_MODULES / "ws", "node-ws")


def answers_to(said: Said) -> int:
    """How many messages answer one."""
    return 2 if said["type"] in ("decide", "query") else 1


def converse_with_threads(url: str, context: Context, is_done: Callable[[], None]) -> int | None:
    """Talk through the `websockets` library's client for threads."""
    results: list[Said] = []
    with websockets.sync.client.connect(url, ssl=context, subprotocols=[SUBPROTOCOL]) as client:
        for said in conversation(results):
            client.send(json.dumps(said))
            results += [json.loads(client.recv()) for _ in range(answers_to(said))]
        assert client.ping().wait(PATIENCE_S)
        is_done()
        with pytest.raises(ConnectionClosed) as closed:
            while client.recv():
                pass
    return None if closed.value.rcvd is None else closed.value.rcvd.code


def converse_with_asyncio(url: str, context: Context, is_done: Callable[[], None]) -> int | None:
    """Talk through the `websockets` library's client for asyncio."""

    async def converse() -> int | None:
        results: list[Said] = []
        async with websockets.asyncio.client.connect(
            url, ssl=context, subprotocols=[SUBPROTOCOL]
        ) as client:
            for said in conversation(results):
                await client.send(json.dumps(said))
                results.extend([json.loads(await client.recv()) for _ in range(answers_to(said))])
            await (await client.ping())
            is_done()
            with pytest.raises(ConnectionClosed) as closed:
                while await client.recv():
                    pass
        return None if closed.value.rcvd is None else closed.value.rcvd.code

    return asyncio.run(converse())


def converse_with_aiohttp(url: str, context: Context, is_done: Callable[[], None]) -> int | None:
    """Talk through aiohttp's client."""

    async def converse() -> int | None:
        results: list[Said] = []
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(
                url, ssl=True if context is None else context, protocols=[SUBPROTOCOL]
            ) as client,
        ):
            assert SUBPROTOCOL == client.protocol
            for said in conversation(results):
                await client.send_json(said)
                results.extend([await client.receive_json() for _ in range(answers_to(said))])
            is_done()
            while (await client.receive()).type is aiohttp.WSMsgType.TEXT:
                pass
        # It closes its socket some time after it has said so: its "Graceful shutdown".
        await asyncio.sleep(0.1)
        return client.close_code

    return asyncio.run(converse())


def converse_with_node(url: str, context: Context, is_done: Callable[[], None]) -> int | None:
    """Talk through Node's `ws`."""
    command = [require_tool("node"), str(Path(__file__).with_name("ws_conversation.cjs")), url]
    results: list[Said] = []
    with tempfile.NamedTemporaryFile("w", suffix=".pem") as trusted:
        if context is not None:
            ders = context.get_ca_certs(binary_form=True)
            trusted.write("".join(map(ssl.DER_cert_to_PEM_cert, ders)))
            trusted.flush()
        known = {"NODE_PATH": str(NODE_MODULES), "NODE_EXTRA_CA_CERTS": trusted.name}
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env={**os.environ, **known},
        ) as node:  # fmt: skip
            return _converse_through(node, results, is_done)


def _converse_through(
    node: subprocess.Popen[str], results: list[Said], is_done: Callable[[], None]
) -> int:
    assert node.stdin is not None
    assert node.stdout is not None
    for said in conversation(results):
        line = json.dumps({"said": said, "count": answers_to(said)})
        print(line, file=node.stdin, flush=True)
        results += json.loads(node.stdout.readline())
    node.stdin.close()
    assert "pong" == json.loads(node.stdout.readline())
    is_done()
    code: int = json.loads(node.stdout.readline())
    return code


Converse: TypeAlias = Callable[[str, Context, Callable[[], None]], int | None]


@pytest.mark.parametrize(
    "converse",
    [converse_with_threads, converse_with_asyncio, converse_with_aiohttp, converse_with_node],
    ids=["websockets-threads", "websockets-asyncio", "aiohttp", "node-ws"],
)
async def test_conversation(converse: Converse, contexts: tuple[Context, Context]) -> None:
    """Hello, a subscription, a proposal, a query; and in the end 1001 for who is still there."""
    if converse is converse_with_node:
        require_node_ws()
    server, client = contexts
    codes: list[int | None] = []
    with trio.fail_after(PATIENCE_S):
        async with open_store(":memory:", events=None) as store, trio.open_nursery() as nursery:
            is_done = trio.Event()
            token = trio.lowlevel.current_trio_token()

            async def talk(url: str) -> None:
                codes.append(
                    await trio.to_thread.run_sync(
                        converse, url, client, lambda: token.run_sync_soon(is_done.set)
                    )
                )

            async with open_gateway(store, ssl_context=server) as gateway:
                nursery.start_soon(talk, gateway.url)
                await is_done.wait()
    assert [1001] == codes

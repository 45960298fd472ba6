"""`python -m tests.benchmarks.gateway.peers`: servers without a store, for the same clients."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import Any, Final

import msgspec
import trio
import websockets
from msgspec import Raw
from trio_websocket import ConnectionClosed, WebSocketConnection, WebSocketRequest
from trio_websocket import serve_websocket as serve_trio
from websockets.asyncio.server import ServerConnection, broadcast, serve
from websockets.typing import Subprotocol

from atomic_store.gateway.protocol import server_messages as answers
from atomic_store.gateway.protocol.client_messages import Event

from .processes import say, settle, told
from .serving import LINE, size
from .wire import SUBPROTOCOL

GREETING: Final = '{"type":"welcome","then":"caught_up"}'
"""What all clients wait for."""

_ID: Final = "0198f2aa-0000-7000-8000-000000000000"


def _text(message: object) -> str:
    return msgspec.json.encode(message).decode("ascii")


def _record(data: bytes, **more: Any) -> answers.WireRecord:
    at = "2026-11-27T12:00:00.000000Z"
    return answers.WireRecord(100_000, "lot/42", 1_000, _ID, at, "Bid", Raw(data), **more)


RECORDS: Final = f'{{"type":"records","id":1,"records":[{_text(_record(LINE))}]}}'
"""One record, as a subscriber of the gateway gets it."""

_EVENT: Final = b'{"bidder":"ada","cents":500}'
VALIDATE: Final = _text(
    answers.Validate(
        id=100, round="r-100", sequence=1_000, deadline_s=4.999, event=Event("Bid", Raw(_EVENT))
    )
)
RESULT: Final = _text(
    answers.Result(
        id=100, accepted=True, outcome="accepted",
        records=[_record(_EVENT, metadata=Raw(b'{"$by":"local","$decided_by":"local"}'))],
    )
)  # fmt: skip
"""What is said in a round of the gateway, of the same length."""


async def broadcasting() -> None:
    """`websockets.broadcast`, under asyncio."""

    async def handle(connection: ServerConnection) -> None:
        with suppress(websockets.ConnectionClosed):
            await connection.send(GREETING)
            async for _ in connection:
                pass

    protocols = [Subprotocol(SUBPROTOCOL)]
    async with serve(
        handle, "127.0.0.1", 0, subprotocols=protocols, compression=None, ping_interval=None
    ) as server:
        say(port=server.sockets[0].getsockname()[1])
        while (command := await asyncio.to_thread(told)) is not None:
            if command["do"] == "size":
                say(**size())
                continue
            began = time.monotonic()
            for _ in range(command["records"]):
                broadcast(server.connections, RECORDS)
                await asyncio.sleep(0)
            say(began=began)


async def looping(with_rounds: bool) -> None:
    """trio-websocket: a message to one after the other, or the messages of rounds."""
    connections: list[WebSocketConnection] = []

    async def handle(request: WebSocketRequest) -> None:
        connection = await request.accept(subprotocol=SUBPROTOCOL)
        try:
            await connection.send_message(GREETING)
            await connection.get_message()
            connections.append(connection)
            await (answer if with_rounds else ignore)(connection)
        except ConnectionClosed:
            pass

    async with trio.open_nursery() as nursery:
        server = await nursery.start(serve_trio, handle, "127.0.0.1", 0, None)
        say(port=server.port)
        while (command := await trio.to_thread.run_sync(told, abandon_on_cancel=True)) is not None:
            if command["do"] == "size":
                say(**size())
                continue
            began = time.monotonic()
            for _ in range(command["records"]):
                for connection in connections:
                    await connection.send_message(RECORDS)
            say(began=began)
        nursery.cancel_scope.cancel()


async def ignore(connection: WebSocketConnection) -> None:
    """Read, and do nothing about it."""
    while True:
        await connection.get_message()


async def answer(connection: WebSocketConnection) -> None:
    """Say what is said in a round, whatever comes."""
    while True:
        await connection.get_message()
        await connection.send_message(VALIDATE)
        await connection.get_message()
        await connection.send_message(RESULT)


def main() -> None:
    (kind,) = settle(is_server=True)
    if kind == "broadcast":
        asyncio.run(broadcasting())
    else:
        trio.run(looping, kind == "rounds")


if __name__ == "__main__":
    main()

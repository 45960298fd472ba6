"""`atomic-store serve` as a process, and conversations with it."""

from __future__ import annotations

import json
import signal
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, final
from urllib.parse import urlsplit

import attrs
import trio
from trio_websocket import ConnectionClosed, WebSocketConnection, wrap_client_stream

from command_line import command, environment

PROPOSAL = "0198f2aa-0000-7000-8000-{:012}"


def proposed(id_: int, cents: int, **more: Any) -> dict[str, Any]:
    """The message that proposes a bid."""
    return {
        "type": "propose", "id": id_, "proposal_id": PROPOSAL.format(cents), "scope": "lot/42",
        "event": {"type": "Bid", "data": {"cents": cents}}, **more,
    }  # fmt: skip


@final
@attrs.define(eq=False)
class Talk:
    """A client's conversation, message by message."""

    socket: WebSocketConnection

    async def say(self, message: dict[str, Any]) -> None:
        """Send a message."""
        await self.socket.send_message(json.dumps(message))

    async def hear(self) -> dict[str, Any]:
        """The next message that is not a heartbeat."""
        while True:
            heard: dict[str, Any] = json.loads(await self.socket.get_message())
            if heard["type"] != "ping":
                return heard

    async def ask(self, message: dict[str, Any]) -> dict[str, Any]:
        """Send a message, and give what comes next."""
        await self.say(message)
        return await self.hear()

    async def rest(self) -> tuple[list[dict[str, Any]], int | None]:
        """All that still comes, and the code by which the connection is closed."""
        heard = []
        while True:
            try:
                heard.append(await self.hear())
            except ConnectionClosed as closed:
                return heard, None if closed.reason is None else closed.reason.code

    async def bid(self, id_: int, cents: int) -> dict[str, Any]:
        """Propose a bid, accept it, and give the result, or the error instead."""
        asked = await self.propose(id_, cents)
        if asked["type"] != "validate":
            return asked
        return await self.ask(
            {"type": "decide", "id": id_, "round": asked["round"], "accept": True}
        )

    async def propose(self, id_: int, cents: int) -> dict[str, Any]:
        """Propose a bid, and give the question whether to accept it, or the error instead."""
        heard = await self.ask(proposed(id_, cents, decide="self"))
        while heard["type"] == "past":
            heard = await self.hear()
        return heard


@asynccontextmanager
async def talking(
    url: str, *, hello: dict[str, Any] | None = None, context: ssl.SSLContext | None = None,
    protocols: tuple[str, ...] = (), headers: tuple[tuple[str, str], ...] = (),
) -> AsyncIterator[Talk]:  # fmt: skip
    """A client that has said hello; the welcome is not heard yet."""
    address = urlsplit(url)
    assert address.hostname is not None
    assert address.port is not None
    tcp = await trio.open_tcp_stream(address.hostname, address.port)
    stream: trio.SocketStream | trio.SSLStream[trio.SocketStream] = tcp
    if context is not None:
        stream = trio.SSLStream(
            tcp, context, server_hostname=address.hostname, https_compatible=True
        )
    async with stream, trio.open_nursery() as nursery:
        if isinstance(stream, trio.SSLStream):
            await stream.do_handshake()
        socket = await wrap_client_stream(
            nursery, stream, address.netloc, "/",
            subprotocols=["atomic-store.v1", *protocols],
            extra_headers=[(name.encode(), value.encode()) for name, value in headers],
        )  # fmt: skip
        talk = Talk(socket)
        # Whoever is refused by his request alone may be so before he says a word.
        with suppress(ConnectionClosed):
            await talk.say({"type": "hello", **(hello or {})})
        yield talk
        # It does not close what was reset.
        nursery.cancel_scope.cancel()


@final
@attrs.define(eq=False)
class ServedStore:
    """The process, its address, and its log as far as it has been read."""

    process: trio.Process
    url: str
    log: list[dict[str, Any]] = attrs.Factory(list)
    log_text: bytes = b""
    _more: trio.Event = attrs.Factory(trio.Event)
    _log_ended: trio.Event = attrs.Factory(trio.Event)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.url.rpartition(":")[2])

    async def logged(self, event: str, count: int = 1) -> list[dict[str, Any]]:
        """Wait until so many lines of an event are in the log."""
        while len(found := [line for line in self.log if line.get("event") == event]) < count:
            self._more = trio.Event()
            await self._more.wait()
        return found

    async def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal, and give the exit code, when its log has been read."""
        self.process.send_signal(number)
        code = await self.process.wait()
        if self.process.stderr is not None:
            await self._log_ended.wait()
        return code

    async def rest_of_stdout(self) -> bytes:
        """What it has printed behind the address."""
        assert self.process.stdout is not None
        return b"".join([some async for some in self.process.stdout])

    async def _read_log(self) -> None:
        assert self.process.stderr is not None
        begun = b""
        async for some in self.process.stderr:
            self.log_text += some
            *lines, begun = (begun + some).split(b"\n")
            self.log += [json.loads(line) for line in lines if line.startswith(b"{")]
            self._more.set()
        self._log_ended.set()


@asynccontextmanager
async def serving(
    store: Path, *arguments: str | Path, cwd: Path | None = None, **options: Any
) -> AsyncIterator[ServedStore]:
    """
    The real program, serving, and a minute to talk to it.

    Args:
      options: of the process; another `stderr` is not read.
    """
    with trio.fail_after(60):
        options = {"stderr": subprocess.PIPE, **options}
        process = await trio.lowlevel.open_process(
            command("serve", store, "--port=0", *arguments),
            stdout=subprocess.PIPE, cwd=cwd, env=environment({"PYTHONUNBUFFERED": ""}), **options,
        )  # fmt: skip
        try:
            async with trio.open_nursery() as nursery:
                served = ServedStore(process, "")
                if process.stderr is not None:
                    nursery.start_soon(served._read_log)
                served.url = await _first_line(process)
                yield served
                nursery.cancel_scope.cancel()
        finally:
            process.kill()
            with trio.CancelScope(shield=True):
                await process.wait()
                for stream in (process.stdout, process.stderr):
                    if stream is not None:
                        await stream.aclose()


async def _first_line(process: trio.Process) -> str:
    assert process.stdout is not None
    said = b""
    while not said.endswith(b"\n"):
        some = await process.stdout.receive_some()
        assert some, "it has ended"
        said += some
    return said.decode().rstrip("\n")

"""The gateway's process: started, asked, killed, and started again at the same address."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from subprocess import PIPE
from typing import Any, Final

import attrs
import trio

from source_tree import ROOT

END_S: Final = 30.0


@attrs.define(eq=False)
class GatewayProcess:
    """
    A gateway in a process of its own.

    Args:
      options: for `serving`, beside path and port.
      before: what the command begins with, to run it somewhere else.
    """

    path: Path
    log: Path
    options: Sequence[str] = ()
    before: Sequence[str] = ()
    port: int = 0
    lives: int = 0
    _process: trio.Process | None = None
    _asking: trio.Lock = attrs.Factory(trio.Lock)

    @property
    def pid(self) -> int:
        """The process's id."""
        assert self._process is not None
        return self._process.pid

    async def start(self, *more: str) -> None:
        """Start it, at the port where it was before, and wait until it serves."""
        with self.log.open("ab") as log:
            self._process = await trio.lowlevel.open_process(
                [
                    *self.before, sys.executable, "-m", "tests.campaigns.gateway.serving",
                    str(self.path), str(self.port), *self.options, *more,
                ],
                stdin=PIPE, stdout=PIPE, stderr=log, cwd=ROOT,
            )  # fmt: skip
        self.lives += 1
        address = await self._line()
        assert address, f"expected an address, found the end: {self.log.read_text()}"
        self.port = int(address.rpartition(b":")[2])

    async def count(self) -> dict[str, Any]:
        """Ask what it keeps; see `serving.counted`."""
        async with self._asking:
            assert self._process is not None
            assert self._process.stdin is not None
            await self._process.stdin.send_all(b"count\n")
            found: dict[str, Any] = json.loads(await self._line())
        return found

    async def kill(self) -> None:
        """Kill it: nothing of it runs any more."""
        await self._end(signal.SIGKILL)

    async def stop(self) -> int:
        """Have it shut down; gives its exit code."""
        return await self._end(None)

    async def _end(self, number: signal.Signals | None) -> int:
        process, self._process = self._process, None
        assert process is not None
        assert process.stdin is not None
        assert process.stdout is not None
        if number is None:
            await process.stdin.send_all(b"stop\n")
        else:
            process.send_signal(number)
        with trio.fail_after(END_S):
            code = await process.wait()
        await process.stdin.aclose()
        await process.stdout.aclose()
        return code

    async def _line(self) -> bytes:
        assert self._process is not None
        assert self._process.stdout is not None
        line = b""
        while not line.endswith(b"\n"):
            more = await self._process.stdout.receive_some(1)
            if not more:
                return b""
            line += more
        return line


@asynccontextmanager
async def open_gateway_process(
    directory: Path, *options: str, before: Sequence[str] = ()
) -> AsyncIterator[GatewayProcess]:
    """A process for a block, which is killed in the end; to be started."""
    process = GatewayProcess(directory / "storm.store", directory / "gateway.log", options, before)
    try:
        yield process
    finally:
        with trio.CancelScope(shield=True):
            if process._process is not None:
                await process.kill()

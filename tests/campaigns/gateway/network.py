"""
A network between two namespaces: on one side the clients, on the other the gateway.

The process that opens it is in a namespace of its own already, so that nothing of the
machine's network is touched; whatever is made here goes with the processes.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import attrs
import trio

from .process import GatewayProcess, open_gateway_process

GATEWAY: Final = "10.77.0.2"
CLIENTS: Final = "10.77.0.1"
TRIED_RULE: Final = "iptables -A INPUT -p tcp -m statistic --mode random --probability 0.5 -j DROP"
ROUND_S: Final = 30.0
"""Long enough that no round here ends by its deadline."""
UP_S: Final = 10.0
"""How long it may take until the cable is up."""
TOOLS: Final = ("unshare", "nsenter", "ip", "iptables")


def reason_against() -> str | None:
    """Why there can be no such network here; None if there can."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing:
        return f"{', '.join(missing)}: not installed (Debian: apt-get install iproute2 iptables)"
    tried = subprocess.run(
        ["unshare", "-n", "sh", "-c", f"ip link add v0 type veth peer name v1 && {TRIED_RULE}"],
        capture_output=True,
    )
    if tried.returncode != 0:
        return f"network namespaces: {tried.stderr.decode(errors='replace').strip()}"
    return None


def run(*command: str) -> None:
    """Run a command that must do what it is told."""
    done = subprocess.run(command, capture_output=True)
    assert done.returncode == 0, (command, done.stderr.decode())


@attrs.define(eq=False)
class Network:
    """The network, and the gateway at its other end."""

    gateway: GatewayProcess

    @property
    def url(self) -> str:
        """Where clients connect."""
        return f"ws://{GATEWAY}:{self.gateway.port}"

    def part(self) -> None:
        """Nothing comes through any more, either way; nobody is told."""
        self._rule("-A", "INPUT", "-p", "tcp", "-j", "DROP")
        self._rule("-A", "OUTPUT", "-p", "tcp", "-j", "DROP")

    def part_one_way(self) -> None:
        """Nothing comes from the gateway any more; what clients say still comes in."""
        self._rule("-A", "OUTPUT", "-p", "tcp", "-j", "DROP")

    def part_from(self, port: int) -> None:
        """The client at a port has vanished: nothing comes from it, nothing gets there."""
        self._rule("-A", "INPUT", "-p", "tcp", "--sport", str(port), "-j", "DROP")
        self._rule("-A", "OUTPUT", "-p", "tcp", "--dport", str(port), "-j", "DROP")

    def refuse(self) -> None:
        """Whatever comes is answered by a reset."""
        self._rule("-A", "INPUT", "-p", "tcp", "-j", "REJECT", "--reject-with", "tcp-reset")

    def lose(self, share: float) -> None:
        """So many of all packets are lost, each way."""
        for way in ("INPUT", "OUTPUT"):
            self._rule("-A", way, "-p", "tcp", "-m", "statistic", "--mode", "random",
                       "--probability", str(share), "-j", "DROP")  # fmt: skip

    def heal(self) -> None:
        """All comes through again."""
        self._rule("-F")

    def unplug(self) -> None:
        """The cable is out."""
        self._inside("ip", "link", "set", "v1", "down")

    def plug(self) -> None:
        """The cable is in again."""
        self._inside("ip", "link", "set", "v1", "up")

    def _rule(self, *rule: str) -> None:
        self._inside("iptables", *rule)

    def _inside(self, *command: str) -> None:
        run("nsenter", "-t", str(self.gateway.pid), "-n", *command)


@asynccontextmanager
async def open_network(directory: Path) -> AsyncIterator[Network]:
    """Connect the two sides for a block; the gateway serves on the other one."""
    run("ip", "link", "set", "lo", "up")
    run("ip", "link", "add", "v0", "type", "veth", "peer", "name", "v1")
    run("ip", "addr", "add", f"{CLIENTS}/24", "dev", "v0")
    run("ip", "link", "set", "v0", "up")
    options = ("--host", "0.0.0.0", "--called", GATEWAY, "--round-s", str(ROUND_S))
    async with open_gateway_process(directory, *options, before=("unshare", "-n")) as gateway:
        await gateway.start()
        run("ip", "link", "set", "v1", "netns", str(gateway.pid))
        network = Network(gateway)
        network._inside("ip", "addr", "add", f"{GATEWAY}/24", "dev", "v1")
        network._inside("ip", "link", "set", "v1", "up")
        with trio.fail_after(UP_S):
            await _can_be_reached(gateway.port)
        yield network


async def _can_be_reached(port: int) -> None:
    """Wait until the other side answers: a cable takes a moment."""
    while True:
        try:
            stream = await trio.open_tcp_stream(GATEWAY, port)
        except OSError:
            await trio.sleep(0.02)
        else:
            await stream.aclose()
            return

"""A program that serves something, which tests kill and start again at the same address."""

from __future__ import annotations

import re
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import attrs

from command_line import environment

ADDRESS = re.compile(rb"(?:http|ws)://127\.0\.0\.1:(\d+)")
END_S = 30


@attrs.define(eq=False)
class ServedProcess:
    """
    Such a program; it says its address when it is ready.

    Args:
      command: gives the command that serves at a port; 0 for a free one.
    """

    command: Callable[[int], list[str]]
    port: int = 0
    _process: subprocess.Popen[bytes] | None = None

    @property
    def page(self) -> str:
        """Where browsers find it."""
        return f"http://127.0.0.1:{self.port}/"

    @property
    def url(self) -> str:
        """Where clients connect."""
        return f"ws://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it, at the port where it was before, and wait until it is ready."""
        process = self._process = subprocess.Popen(
            self.command(self.port), env=environment(),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        assert process.stdout is not None
        found = None
        while found is None:
            line = process.stdout.readline()
            if not line:
                _, stderr = process.communicate(timeout=END_S)
                raise AssertionError(f"expected an address, found the end: {stderr.decode()}")
            found = ADDRESS.search(line)
        self.port = int(found[1])

    def end(self, number: signal.Signals = signal.SIGKILL) -> tuple[int, bytes]:
        """End it by a signal; gives its exit code, and what it said on stderr."""
        process, self._process = self._process, None
        assert process is not None
        process.send_signal(number)
        _, stderr = process.communicate(timeout=END_S)
        return process.returncode, stderr


@contextmanager
def serving(command: Callable[[int], list[str]]) -> Iterator[ServedProcess]:
    """Run such a program for a block."""
    served = ServedProcess(command)
    served.start()
    try:
        yield served
    finally:
        if served._process is not None:
            served.end()

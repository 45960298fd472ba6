"""The processes that take part: started, told what to do line by line, and ended with a block."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, cast, final

import attrs

ENDING_S: Final = 20.0
"""How long a process may take to end by itself."""

Answers = dict[str, Any]
Commands = dict[str, Callable[..., Answers]]


@final
@attrs.frozen(eq=False)
class Helper:
    """A process that is told what to do."""

    _process: subprocess.Popen[str]
    options: Answers
    """What it said of itself when it was ready."""

    def tell(self, do: str, **more: object) -> None:
        """Have it do something; `hear` gives what came of it."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": do, **more}) + "\n")
        self._process.stdin.flush()

    def hear(self) -> Answers:
        """
        Wait for what it has to say.

        Raises:
          RuntimeError: it has ended; why is on its standard error.
        """
        return _line_of(self._process)

    def ask(self, do: str, **more: object) -> Answers:
        """Have it do something, and give what came of it."""
        self.tell(do, **more)
        return self.hear()


@contextmanager
def helper(module: str, *arguments: object) -> Iterator[Helper]:
    """Run a module of this room for a block; it begins when the process is ready."""
    command = [sys.executable, "-m", f"tests.benchmarks.gateway.{module}", json.dumps(arguments)]
    with subprocess.Popen(
        command, cwd=Path(__file__).parents[3], text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as process:  # fmt: skip
        try:
            yield Helper(process, _line_of(process))
        finally:
            assert process.stdin is not None
            process.stdin.close()
            try:
                process.wait(ENDING_S)
            except subprocess.TimeoutExpired:
                process.kill()


def _line_of(process: subprocess.Popen[str]) -> Answers:
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise RuntimeError(f"{process.args!r} ended with {process.wait()}")
    return cast("Answers", json.loads(line))


# --- inside of such a process ------------------------------------------------------------


def settle(*, is_server: bool) -> list[Any]:
    """
    Take a core for this process, and as many open files as it may have; give its arguments.

    Servers have the first core, clients the last one.
    """
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cores[0 if is_server else -1]})
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return cast("list[Any]", json.loads(sys.argv[1]))


def say(**answers: object) -> None:
    """Say something to whoever started this process."""
    print(json.dumps(answers), flush=True)


def told() -> dict[str, Any] | None:
    """Wait for the next command; None if there are no more."""
    line = sys.stdin.readline()
    return cast("dict[str, Any]", json.loads(line)) if line else None


def obey(commands: Commands) -> None:
    """Do what is told, until nothing is told any more."""
    while (command := told()) is not None:
        say(**commands[command.pop("do")](**command))

"""A real terminal with a real program in it: tmux, typed at and read from outside."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, final
from uuid import uuid4

import attrs

from command_line import environment

DEADLINE_S: Final = 30.0
"""After so long a test gives up to wait."""
LOOK_S: Final = 0.03
"""How often it looks."""
TMUX: Final = shutil.which("tmux")


@final
@attrs.define(eq=False)
class Terminal:
    """
    A terminal. A shell runs the program, and says its exit code when it has ended.

    Args:
      socket: the name of tmux's own.
      raw: where all bytes go that are written to the terminal.
      variables: the environment of what runs in it.
    """

    socket: str
    raw: Path
    variables: dict[str, str]

    def tmux(self, *arguments: str) -> str:
        """Have tmux do something; gives what it says."""
        run = subprocess.run(
            [TMUX or "tmux", "-L", self.socket, "-f", "/dev/null", "-u", *arguments],
            capture_output=True, env=self.variables, timeout=DEADLINE_S,
        )  # fmt: skip
        assert 0 == run.returncode, run.stderr.decode()
        return run.stdout.decode()

    def screen(self) -> str:
        """What can be read now."""
        return self.tmux("capture-pane", "-p", "-t", "0")

    def type(self, *keys: str) -> None:
        """Press keys, by tmux's names for them."""
        self.tmux("send-keys", "-t", "0", *keys)

    def type_text(self, text: str) -> None:
        """Type a text as it is."""
        self.tmux("send-keys", "-t", "0", "-l", text)

    def resize(self, width: int, height: int) -> None:
        """Make it larger, or smaller."""
        self.tmux("resize-window", "-t", "0", "-x", str(width), "-y", str(height))

    def shows(self, *words: str) -> str:
        """Wait until all of some words can be read; gives all that can."""
        text = ""

        def all_there() -> bool:
            nonlocal text
            text = self.screen()
            return all(word in text for word in words)

        wait_until(all_there, lambda: f"expected {words}, found:\n{text}")
        return text

    def child(self) -> int:
        """The process of the program."""
        (shell,) = self.tmux("list-panes", "-F", "#{pane_pid}").split()
        children: list[int] = []

        def is_there() -> bool:
            listed = Path(f"/proc/{shell}/task/{shell}/children").read_text().split()
            children[:] = map(int, listed)
            return bool(children)

        wait_until(is_there, lambda: "no process")
        return children[0]


def wait_until(condition: Callable[[], bool], complaint: Callable[[], str]) -> None:
    """Wait for something that another process does."""
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, complaint()
        time.sleep(LOOK_S)


@contextmanager
def terminal(
    command: Sequence[str], place: Path, size: tuple[int, int] = (80, 24)
) -> Iterator[Terminal]:
    """
    Run a program in a terminal of its own, for a block.

    Args:
      place: where it runs, and keeps what it remembers.
    """
    variables = environment(
        {"TMUX": "", "XDG_STATE_HOME": str(place / "state"), "PYTHONUTF8": "1", "LANG": "C.UTF-8"}
    )
    opened = Terminal(f"test-{os.getpid()}-{uuid4().hex[:8]}", place / "raw", variables)
    # It begins when everything that is written can be seen from outside.
    line = f"stty -echo; read -r begin; {shlex.join(command)}; code=$?; echo; echo exit code $code"
    width, height = map(str, size)
    opened.tmux(
        "new-session", "-d", "-x", width, "-y", height, "-c", str(place), f"{line}; read -r nothing"
    )
    try:
        opened.tmux("pipe-pane", "-t", "0", f"cat > {shlex.quote(str(opened.raw))}")
        opened.type("Enter")
        yield opened
    finally:
        opened.tmux("kill-server")

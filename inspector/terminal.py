"""
The terminal: it is as it was before when the program is told to end, and it may go away.

Without this, a signal leaves the terminal as it is, in a mode in which nobody can use it. And
where the terminal is gone, the first thread that writes to it ends, and the program waits
for ever for somebody to take what it draws.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from typing import IO, Any, Final, cast, final

import attrs
from textual.app import App
from textual.drivers.linux_driver import LinuxDriver

SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
HUNG_UP: Final = 128 + signal.SIGHUP
"""The exit code when the terminal has gone."""
LOOK_S: Final = 1.0
"""How often it is looked whether the terminal is still there."""


def mind_the_terminal(app: App[Any]) -> None:
    """
    Have an app end in order on a signal, or without its terminal; to be called in its loop.

    Its exit code is then the one that shells give for that signal. What the program was
    started to ignore is ignored, as SIGHUP under ``nohup``.
    """
    loop = asyncio.get_running_loop()
    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            loop.add_signal_handler(number, app.exit, None, 128 + number)
    app.set_interval(LOOK_S, lambda: _end_if_gone(app))


def _end_if_gone(app: App[Any]) -> None:
    """End without a terminal: a signal tells of that only where it is not ignored."""
    if sys.__stdin__ is None or not sys.__stdin__.isatty():
        app.exit(None, HUNG_UP)


@final
@attrs.define(eq=False)
class LastingFile:
    """A terminal's file that can be written to also when that has gone: it goes nowhere."""

    _file: IO[str]

    def write(self, text: str) -> int:
        """Write, if somebody is there."""
        try:
            return self._file.write(text)
        except OSError:
            return len(text)

    def flush(self) -> None:
        """Hand it over, if somebody is there."""
        try:
            self._file.flush()
        except OSError:
            # What is still held would fail again, each time, and once more at the very end.
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._file.fileno())
            os.close(nowhere)

    def fileno(self) -> int:
        """Give the number of the file."""
        return self._file.fileno()

    def isatty(self) -> bool:
        """Say whether it is a terminal."""
        return self._file.isatty()


@final
class TerminalDriver(LinuxDriver):
    """Textual's own way to a terminal, but for what happens when that goes away."""

    def __init__(self, app: App[Any], **options: Any) -> None:
        super().__init__(app, **options)
        self._file = cast("IO[str]", LastingFile(cast("IO[str]", self._file)))  # type: ignore[assignment]  # it writes to no more of it

    def _run_input_thread(self) -> None:
        """Read what is typed; end the app when nobody can type any more."""
        try:
            self.run_input_thread()
        except (OSError, EOFError):
            self._app.call_from_thread(self._app.exit, None, HUNG_UP)

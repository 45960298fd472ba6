"""How far a command has come, on stderr, for whoever watches a terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO, final

import attrs

PATIENCE_S = 1.0
"""What is done sooner shows no bar."""
REDRAW_S = 0.1
WIDTH = 30


def bar(label: str, done: int, total: int) -> str:
    """One line that shows how much of `total` is done."""
    share = min(done / total, 1.0) if total > 0 else 1.0
    filled = int(share * WIDTH)
    return f"{label} [{'#' * filled}{'-' * (WIDTH - filled)}] {int(share * 100):3}%"


@final
@attrs.define(eq=False)
class Progress:
    """
    A bar that is redrawn in place, on a terminal only, and goes away at the end.

    Args:
      label: what is being done; printable ASCII.
      stream: where to draw; None draws nothing.
      clock: gives seconds, from any origin.
    """

    label: str
    stream: TextIO | None
    clock: Callable[[], float] = time.monotonic
    _draw_at: float = attrs.field(init=False)
    _is_drawn: bool = attrs.field(default=False, init=False)

    def __attrs_post_init__(self) -> None:
        self._draw_at = self.clock() + PATIENCE_S

    def __call__(self, done: int, total: int) -> None:
        """Show that `done` of `total` is done, if it is time to show anything."""
        if self.stream is None or self.clock() < self._draw_at:
            return
        self._draw_at = self.clock() + REDRAW_S
        self._is_drawn = True
        self._write(self.stream, "\r" + bar(self.label, done, total))

    def clear(self) -> None:
        """Take the bar away, so that the next line begins on an empty one."""
        if self._is_drawn and self.stream is not None:
            self._is_drawn = False
            self._write(self.stream, "\r\x1b[K")

    def _write(self, stream: TextIO, text: str) -> None:
        try:
            stream.write(text)
            stream.flush()
        except OSError:
            # A terminal that went away is no reason to stop the work.
            self.stream = None


@contextmanager
def progress(label: str) -> Iterator[Progress]:
    """Show a bar on stderr while the block runs, if stderr is a terminal."""
    stream = sys.stderr if sys.stderr is not None and sys.stderr.isatty() else None
    shown = Progress(label, stream)
    try:
        yield shown
    finally:
        shown.clear()

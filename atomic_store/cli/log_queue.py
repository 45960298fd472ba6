"""
A log that never holds up whoever writes to it.

A write to stderr blocks where nobody reads it: a full pipe, a terminal that is stopped. So
lines go into a queue, and a thread writes them. Where the queue is full, they are dropped and
counted. `logging.handlers.QueueListener` would do it, but its `stop` waits for ever for a
thread that is blocked.
"""

from __future__ import annotations

import logging
import os
import queue
import select
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from logging.handlers import QueueHandler
from typing import Any, Final, TextIO, TypeAlias, final

from .log_lines import LINES, LogFormat

LINES_MAX: Final = 10_000
"""How many lines may wait to be written."""
END_S: Final = 1.0
"""How long the end of the log waits for what is not written yet."""
LOGGER: Final = "atomic_store"

Write: TypeAlias = Callable[[bytes], None]


@final
class LogQueue(QueueHandler):
    """
    Takes records as lines, and has a thread write them.

    Args:
      line_of: gives a record's line, without its end.
      write: writes; whatever OSError it raises loses the line, and that is counted.
      lines_max: how many may wait.
    """

    def __init__(
        self,
        line_of: Callable[[logging.LogRecord], str],
        write: Write,
        lines_max: int = LINES_MAX,
    ) -> None:
        self._lines: queue.Queue[bytes | None] = queue.Queue(lines_max)
        super().__init__(self._lines)
        self._line_of = line_of
        self._write = write
        # Each is counted by one thread alone.
        self._dropped = 0
        self._unwritten = 0
        self._told = 0
        # A daemon, because it may be blocked for ever.
        self._thread = threading.Thread(target=self._run, name="log", daemon=True)
        self._thread.start()

    @property
    def lost(self) -> int:
        """How many lines were not written, and never will be."""
        return self._dropped + self._unwritten

    def prepare(self, record: logging.LogRecord) -> Any:
        """Write the line here and now: what lies in the queue is bounded, and changes no more."""
        return f"{self._line_of(record)}\n".encode("utf-8", "backslashreplace")

    def enqueue(self, record: Any) -> None:
        """Have a line written, or drop it."""
        try:
            self._lines.put_nowait(record)
        except queue.Full:
            self._dropped += 1

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - `logging` calls it so
        """Count a record of which no line can be made; logging itself would say so on stderr."""
        self._dropped += 1

    def end(self, timeout_s: float = END_S) -> None:
        """Write what is there, as far as that is possible in some seconds."""
        deadline = time.monotonic() + timeout_s
        try:
            self._lines.put(None, timeout=timeout_s)
        except queue.Full:
            return
        self._thread.join(max(0.0, deadline - time.monotonic()))

    def _run(self) -> None:
        while (line := self._lines.get()) is not None:
            self._write_or_count(line)
            if self._lines.empty():
                self._tell_lost()
        self._tell_lost()

    def _tell_lost(self) -> None:
        lost = self.lost
        if lost > self._told and self._write_or_count(self._line_on(lost - self._told)):
            self._told = lost

    def _line_on(self, lost: int) -> bytes:
        record = logging.LogRecord(LOGGER, logging.WARNING, __file__, 0, "log_lines_lost", (), None)
        record.event, record.fields = "log_lines_lost", {"count": lost}
        return bytes(self.prepare(record))

    def _write_or_count(self, line: bytes) -> bool:
        try:
            self._write(line)
        except OSError:
            self._unwritten += 1
            return False
        return True


@contextmanager
def logging_to(stream: TextIO | None, form: LogFormat) -> Iterator[LogQueue]:
    """
    Have whatever is logged in a block written to a stream, one line each.

    That is events of the gateway, and warnings and errors of all others, such as a validator.

    Args:
      stream: where to; None drops all of it.
    """
    log = LogQueue(LINES[form], writer_to(stream))
    root, ours = logging.getLogger(), logging.getLogger(LOGGER)
    level = ours.level
    root.addHandler(log)
    ours.setLevel(logging.INFO)
    try:
        yield log
    finally:
        ours.setLevel(level)
        root.removeHandler(log)
        log.end()


def writer_to(stream: TextIO | None) -> Write:
    """Give what writes to a stream: past its buffer, whose lock a blocked thread would keep."""
    if stream is None:
        return lambda data: None
    try:
        file = stream.fileno()
    except OSError:
        return lambda data: _write_text(stream, data)
    return lambda data: _write_all(file, data)


def _write_text(stream: TextIO, data: bytes) -> None:
    stream.write(data.decode("utf-8", "replace"))
    stream.flush()


def _write_all(file: int, data: bytes) -> None:
    while data:
        try:
            data = data[os.write(file, data) :]
        except BlockingIOError:
            select.select([], [file], [])

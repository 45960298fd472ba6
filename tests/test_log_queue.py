"""A log that holds up nobody: lines are written by a thread, or dropped and counted."""

from __future__ import annotations

import io
import json
import logging
import os
import threading
from typing import Any

from atomic_store.cli.log_lines import LogFormat, json_line
from atomic_store.cli.log_queue import LogQueue, logging_to, writer_to


def record(number: int) -> logging.LogRecord:
    """A record of the log."""
    made = logging.LogRecord("atomic_store", logging.INFO, "f.py", 1, "", (), None)
    made.event, made.fields = "numbered", {"number": number}
    return made


class Sink:
    """Where lines are written; it takes none before it is open."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.reached = threading.Event()
        self.lines: list[dict[str, Any]] = []
        self.errors = 0

    def write(self, data: bytes) -> None:
        self.reached.set()
        self.open.wait()
        if self.errors:
            self.errors -= 1
            raise OSError("no room")
        self.lines.append(json.loads(data))


def shown(sink: Sink) -> list[tuple[str, int]]:
    """The events that were written, each with its number or count."""
    return [(line["event"], line["number" if "number" in line else "count"]) for line in sink.lines]


def test_lines_are_written_in_order() -> None:
    """All of them, if there is room."""
    sink = Sink()
    sink.open.set()
    log = LogQueue(json_line, sink.write)
    for number in range(100):
        log.handle(record(number))
    log.end(10)

    assert [("numbered", number) for number in range(100)] == shown(sink)
    assert 0 == log.lost


def test_what_has_no_room_is_counted() -> None:
    """Nobody waits; when there is room again, the count is a line of its own."""
    sink = Sink()
    log = LogQueue(json_line, sink.write, lines_max=3)
    log.handle(record(0))
    assert sink.reached.wait(10)
    for number in range(1, 11):
        log.handle(record(number))
    assert 7 == log.lost
    sink.open.set()
    log.end(10)

    assert [*(("numbered", number) for number in range(4)), ("log_lines_lost", 7)] == shown(sink)


def test_what_cannot_be_written_is_counted() -> None:
    """It goes on with the next line."""
    sink = Sink()
    sink.errors = 1
    sink.open.set()
    log = LogQueue(json_line, sink.write)
    for number in range(3):
        log.handle(record(number))
    log.end(10)

    assert 1 == log.lost
    assert {("numbered", 1), ("numbered", 2), ("log_lines_lost", 1)} == set(shown(sink))


def test_what_is_no_line_is_counted() -> None:
    """A record that cannot be shown is nobody's error but its own."""
    sink = Sink()
    sink.open.set()
    log = LogQueue(json_line, sink.write)
    log.handle(logging.LogRecord("x", logging.INFO, "f.py", 1, "%d", ("x",), None))
    log.end(10)

    assert [("log_lines_lost", 1)] == shown(sink)


def test_its_end_waits_for_nobody() -> None:
    """A thread that is blocked for ever is left alone, with room in the queue and without."""
    sink = Sink()
    log = LogQueue(json_line, sink.write, lines_max=1)
    log.handle(record(0))
    assert sink.reached.wait(10)
    log.end(0.01)
    log.end(0.01)

    assert [] == sink.lines
    sink.open.set()


def test_for_a_block() -> None:
    """The gateway's events, and others' warnings; afterwards logging is as it was."""
    stream = io.StringIO()
    gateway, other = logging.getLogger("atomic_store.gateway"), logging.getLogger("rules")
    before = list(logging.getLogger().handlers), logging.getLogger("atomic_store").level
    with logging_to(stream, LogFormat.JSON):
        gateway.info("listening", extra={"event": "listening", "fields": {}})
        other.info("not this")
        other.warning("this")

    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert ["listening", "this"] == [line.get("event", line.get("message")) for line in lines]
    assert before == (
        list(logging.getLogger().handlers), logging.getLogger("atomic_store").level,
    )  # fmt: skip


def test_a_file_that_takes_a_part() -> None:
    """A pipe that does not block is written to as it has room."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    data = b"x" * 300_000
    with os.fdopen(writing, "w") as stream, os.fdopen(reading, "rb") as source:
        thread = threading.Thread(target=writer_to(stream), args=(data,))
        thread.start()
        assert data == source.read(len(data))
        thread.join()


def test_nowhere() -> None:
    """Without a stream there is no log."""
    with logging_to(None, LogFormat.TEXT) as log:
        logging.getLogger("atomic_store.gateway").info("x")

    assert 0 == log.lost

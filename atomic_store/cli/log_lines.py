"""
One line of a log: for programs as JSON, or for people.

What clients send is in it, so no line is long, none holds a token, whoever put it there, and
none commands a terminal.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

import msgspec

from ..gateway.access.tokens import redacted
from .output import printable, safe_json, shortened

VALUE_CUT_AT: Final = 500
TRACEBACK_CUT_AT: Final = 10_000
"""Of a traceback the end is kept: it says what went wrong."""


class LogFormat(StrEnum):
    """How log lines look."""

    JSON = "json"
    TEXT = "text"


def json_line(record: logging.LogRecord) -> str:
    """Write a record as a JSON object: `at`, `level`, `event` and its fields, or `message`."""
    values: dict[str, Any] = {"at": _time(record), "level": record.levelname.lower()}
    event, fields = _said(record)
    if event is None:
        values["logger"] = record.name
        values["message"] = _cut(record.getMessage())
    else:
        values["event"] = event
        values.update((name, _json_value(value)) for name, value in fields.items())
    if (trace := _traceback(record)) is not None:
        values["traceback"] = trace
    return safe_json(msgspec.json.encode(values).decode())


def text_line(record: logging.LogRecord) -> str:
    """Write a record as words: time, level, event and fields; a traceback on lines of its own."""
    event, fields = _said(record)
    if event is None:
        said = [printable(_cut(record.getMessage()))]
    else:
        said = [event, *(f"{name}={_word(value)}" for name, value in fields.items())]
    line = " ".join([_time(record), record.levelname.lower().ljust(7), *said])
    if (trace := _traceback(record)) is not None:
        line = "\n".join([line, *(printable(part) for part in trace.splitlines())])
    return line


LINES: Final[Mapping[LogFormat, Callable[[logging.LogRecord], str]]] = MappingProxyType(
    {LogFormat.JSON: json_line, LogFormat.TEXT: text_line}
)


def _said(record: logging.LogRecord) -> tuple[str | None, Mapping[str, Any]]:
    return getattr(record, "event", None), getattr(record, "fields", {})


def _time(record: logging.LogRecord) -> str:
    at = datetime.fromtimestamp(record.created, UTC)
    return at.isoformat(timespec="microseconds").replace("+00:00", "Z")


def _json_value(value: object) -> object:
    if value is None or isinstance(value, bool | int | float):
        return value
    return _cut(str(value))


def _word(value: object) -> str:
    """A value among words: a text that could be taken for several is quoted."""
    text = printable(_cut(str(value)))
    is_plain = text and not any(c.isspace() or c in "\"'=" for c in text)
    return text if is_plain else f'"{text}"'


def _cut(text: str) -> str:
    return shortened(redacted(text), VALUE_CUT_AT)


def _traceback(record: logging.LogRecord) -> str | None:
    if record.exc_info is None or record.exc_info[1] is None:
        return None
    # Without tokens before it is cut: half of one would not be known for what it is.
    text = redacted("".join(traceback.format_exception(record.exc_info[1])))
    return text if len(text) <= TRACEBACK_CUT_AT else f"…{text[-TRACEBACK_CUT_AT:]}"

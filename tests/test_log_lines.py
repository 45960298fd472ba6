"""Lines of a log: as JSON and as words."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from atomic_store.cli.log_lines import json_line, text_line

TOKEN = "as1_" + "x" * 43
AT = 1_795_446_245.123456


def record(message: str = "", *, event: str | None = None, error: Any = None, **fields: Any) -> Any:
    """A record of the log."""
    info = None if error is None else (type(error), error, error.__traceback__)
    made = logging.LogRecord("a.b", logging.WARNING, "f.py", 1, message, (), info)
    made.created = AT
    if event is not None:
        made.event, made.fields = event, fields
    return made


def raised(text: str) -> Exception:
    """An error with a traceback."""
    try:
        raise LookupError(text)
    except LookupError as error:
        return error


def test_an_event() -> None:
    """Its name, and its fields as they are."""
    one = record(event="hello", connection=7, client=None, name="Ada L", note="")

    assert {
        "at": "2026-11-23T15:04:05.123456Z", "level": "warning", "event": "hello",
        "connection": 7, "client": None, "name": "Ada L", "note": "",
    } == json.loads(json_line(one))  # fmt: skip
    assert (
        '2026-11-23T15:04:05.123456Z warning hello connection=7 client=None name="Ada L" note=""'
        == text_line(one)
    )


def test_what_is_no_event() -> None:
    """Who says it, and what."""
    one = record("the file is gone")

    assert {
        "at": "2026-11-23T15:04:05.123456Z", "level": "warning", "logger": "a.b",
        "message": "the file is gone",
    } == json.loads(json_line(one))  # fmt: skip
    assert "2026-11-23T15:04:05.123456Z warning the file is gone" == text_line(one)


def test_a_traceback() -> None:
    """One member, or lines of its own."""
    one = record("it failed", error=raised("that"))

    assert json.loads(json_line(one))["traceback"].endswith("LookupError: that\n")
    first, *more = text_line(one).splitlines()
    assert first.endswith(" it failed")
    assert "LookupError: that" == more[-1]


def test_nothing_is_long() -> None:
    """A value is cut at its end, a traceback at its beginning."""
    one = record(event="hello", client="x" * 1_000_000, error=raised("y" * 1_000_000))

    for line in (json_line(one), text_line(one)):
        assert len(line) < 12_000
        assert "(1,000,000 characters)" in line


@pytest.mark.parametrize("filler", ["", "y" * 490, "y" * 9_960, "y" * 9_990])
def test_no_token(filler: str) -> None:
    """Wherever it stands, also where something is cut in its middle."""
    said = f"{filler} {TOKEN}"
    for one in (
        record(said),
        record(event="hello", client=said),
        record("x", error=raised(TOKEN + filler)),
    ):
        for line in (json_line(one), text_line(one)):
            assert "xxxx" not in line


def test_nothing_commands_a_terminal() -> None:
    """Controls are shown by number, and a new line begins none in the log."""
    hostile = "\x1b[31m\n\u202e\u2028"
    for one in (record(hostile), record(event="hello", client=hostile)):
        assert json_line(one).isprintable()
        assert text_line(one).isprintable()
    assert hostile == json.loads(json_line(record(hostile)))["message"]
    assert all(line.isprintable() for line in text_line(record(error=raised(hostile))).split("\n"))

"""
What the commands print: data to stdout, all else to stderr, nothing lost silently.

Names and data come from whoever wrote the store. A terminal obeys some characters
instead of showing them, so no such character reaches it as it is: for people it is
shown by its number, and in JSON it is written as an escape, which means the same.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any, TextIO

import msgspec

CUT_AT = 200
"""Of one value, more characters than this are too many for people."""
COMPLAINT_CUT_AT = 1_000


class OutputFailed(Exception):
    """stdout cannot be written to, and not because its reader has left."""


class OutputClosed(Exception):
    """Whoever read stdout has left."""


def printable(text: str) -> str:
    r"""Make a text safe to show: what is not printable becomes ``\x1b`` or ``\u202e``."""
    return _escaped(text, lambda character: character.encode("unicode_escape").decode("ascii"))


def safe_json(text: str) -> str:
    r"""Write the same JSON text with ``\u009b`` for whatever is not printable."""
    return _escaped(text, _json_escape)


def _json_escape(character: str) -> str:
    """Write a character as JSON escapes: one, or two above U+FFFF."""
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i : i + 2].hex()}" for i in range(0, len(units), 2))


def _escaped(text: str, escape: Callable[[str], str]) -> str:
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else escape(c) for c in text)


def shortened(text: str, length_max: int = CUT_AT) -> str:
    """Cut a text to a length that people read, and say how long it is."""
    if len(text) <= length_max:
        return text
    return f"{text[:length_max]}… ({len(text):,} characters)"


def counted(number: int, noun: str) -> str:
    """Write a number of things: ``1 lot``, ``1,200 lots``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def print_line(text: str = "") -> None:
    """Print a line for people on stdout."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    _write(printable(text).encode(encoding, "backslashreplace") + b"\n")


def print_json(text: str) -> None:
    """Print a line of JSON on stdout: in UTF-8, whatever the locale says."""
    _write(safe_json(text).encode() + b"\n")


def print_text(text: str) -> None:
    """Print text that was made safe already, with its ends of lines, on stdout in UTF-8."""
    _write(text.encode())


def print_value(value: Any) -> None:
    """Print a value as a line of JSON on stdout."""
    print_json(msgspec.json.encode(value).decode())


def flush() -> None:
    """
    Write all that was printed, so that a full disk is not noticed after the end.

    Raises:
      OutputClosed, OutputFailed: as every function here that prints.
    """
    if sys.stdout is not None:
        _write(b"", at_once=True)


def complain(message: str) -> None:
    """Say on stderr what is wrong. If that fails too, there is nobody left to tell."""
    if sys.stderr is None:
        return
    lines = [shortened(printable(line), COMPLAINT_CUT_AT) for line in message.splitlines()]
    text = "".join(f"atomic-store: {line}\n" for line in lines)
    encoding = sys.stderr.encoding or "utf-8"
    try:
        sys.stderr.write(text.encode(encoding, "backslashreplace").decode(encoding))
        sys.stderr.flush()
    except OSError:
        _give_up(sys.stderr)


def _write(data: bytes, *, at_once: bool = False) -> None:
    stdout = sys.stdout
    if stdout is None:
        raise OutputFailed("cannot write to stdout: it is closed")
    try:
        stdout.buffer.write(data)
        if at_once or stdout.isatty():
            stdout.flush()
    except OSError as error:
        _give_up(stdout)
        if isinstance(error, BrokenPipeError):
            raise OutputClosed from error
        raise OutputFailed(f"cannot write to stdout: {error.strerror or error}") from error


def _give_up(stream: TextIO) -> None:
    """Let what is still buffered go nowhere, or each later flush would fail again."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, stream.fileno())
    finally:
        os.close(nowhere)

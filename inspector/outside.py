"""Texts for other programs: an editor, a pager, a file. Nothing in them can command a terminal."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Final, final

import attrs

from atomic_store.journal import StoredRecord

from .model.record_text import escaped, line_text

NAMES_MAX: Final = 1_000
"""So many files for the same event may be there already."""


@final
@attrs.frozen
class Program:
    """What a text can be opened in."""

    noun: str
    """What it is."""
    variables: tuple[str, ...]
    """Which variables of the environment name it; the first that does counts."""
    default: str
    """What is taken without them."""


EDITOR: Final = Program("an editor", ("VISUAL", "EDITOR"), "vi")
PAGER: Final = Program("a pager", ("PAGER",), "less")


def command_of(program: Program, environment: Mapping[str, str]) -> list[str]:
    """
    Say how a program is called.

    Raises:
      ValueError: what names it is no command.
    """
    for variable in program.variables:
        if words := environment.get(variable, "").strip():
            try:
                return shlex.split(words)
            except ValueError as error:
                raise ValueError(f"${variable} is no command: {error}") from None
    return [program.default]


def open_in(
    program: Program,
    text: str,
    suspended: Callable[[], AbstractContextManager[None]],
    *,
    environment: Mapping[str, str] = os.environ,
) -> str | None:
    """
    Show a text in another program, and wait until that ends.

    The text is in a file that only its owner may read and nobody write; it is removed.

    Args:
      text: it is escaped first: see `inspector.model.record_text.escaped`.
      suspended: hands the terminal over for a block.

    Returns:
      What went wrong, for people; None if nothing did.
    """
    try:
        command = command_of(program, environment)
    except ValueError as error:
        return str(error)
    try:
        with _file_of(text) as path, suspended(), _interrupts_ignored():
            ended = subprocess.run([*command, path], check=False)
    except FileNotFoundError as error:
        if error.filename != command[0]:
            return f"the text was not handed over: {error}"
        names = " or ".join(f"${name}" for name in program.variables)
        return f"there is no program {command[0]}: let {names} name {program.noun}"
    except OSError as error:
        return f"{program.noun} did not open: {error}"
    if ended.returncode:
        return f"{command[0]} ended with {ended.returncode}"
    return None


@contextmanager
def _file_of(text: str) -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="inspector-") as directory:
        path = Path(directory) / "event.json"
        _write_new(path, f"{escaped(text)}\n", 0o400)
        yield str(path)


@contextmanager
def _interrupts_ignored() -> Iterator[None]:
    """Let the other program have what the keyboard interrupts: a pager uses it."""
    # Not SIG_IGN: the other program would inherit that.
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def export_event(record: StoredRecord, directory: Path) -> Path:
    """
    Write a record's line into a new file of its own, which only its owner may read.

    Returns:
      The file: ``event-4711.json``, or ``event-4711-2.json`` if that is there.

    Raises:
      OSError: it could not be written.
    """
    line = f"{escaped(line_text(record))}\n"
    for number in range(1, NAMES_MAX + 1):
        again = "" if number == 1 else f"-{number}"
        path = directory / f"event-{record.position}{again}.json"
        try:
            _write_new(path, line, 0o600)
        except FileExistsError:
            continue
        return path
    raise FileExistsError(f"there are {NAMES_MAX:,} files of this event in {directory}")


def _write_new(path: Path, text: str, mode: int) -> None:
    """Write a file that is not there yet."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="replace") as file:
            file.write(text)
    except OSError:
        # Half a line is worse than none.
        path.unlink()
        raise

"""
Faults at the Nth call of a real process, and a log of all that it did to its files.

The shim (`shim.c`) is loaded before the C library. A campaign that needs it runs itself again
with it (`with_shim`), forks, and has each fork watch one directory.
"""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
import struct
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from enum import IntEnum
from pathlib import Path
from typing import final

import attrs

SOURCE = Path(__file__).with_name("shim.c")
ROOT = Path(__file__).parent.parent.parent
_VARIABLE = "ATOMIC_STORE_SHIM"
_ENTRY = struct.Struct("=4i4q")


class Call(IntEnum):
    """What a process asks of the system, as the shim tells it apart."""

    WRITE = 0
    FDATASYNC = 1
    FSYNC = 2
    RENAME = 3
    OPEN = 4
    FTRUNCATE = 5
    MKDIR = 6
    FLOCK = 7
    UNLINK = 8
    READ = 9
    CLOSE = 10
    NOTE = 11
    """No call: a line that the process itself wrote into the log."""


class Action(IntEnum):
    """What becomes of a call."""

    NOTHING = 0
    FAIL = 1
    SHORT = 2
    """Half of it is done."""
    SHORT_THEN_FAIL = 3
    """Half of it is done, and the next one of its kind fails."""
    KILL_BEFORE = 4
    KILL_AFTER = 5
    KILL_WITHIN = 6
    """Half of it is done, then the process ends."""
    LIE = 7
    """It is not done, and succeeds."""


@attrs.frozen
class Entry:
    """
    A call that was made, or a note.

    Attributes:
      file: the descriptor's number, or -1.
      error: its error number, or 0.
      offset: of a write; an opening's flags; the size that a file was cut to.
      path: of what has a path instead of a descriptor.
      data: what was written; the new name; the note.
    """

    call: Call
    file: int
    error: int
    action: Action
    result: int
    offset: int
    path: str
    data: bytes


@final
@attrs.frozen
class Shim:
    """The shim, as it is loaded in this process."""

    _library: ctypes.CDLL

    def watch(self, directory: Path, log: int = -1) -> None:
        """Count what is done at or below a directory from now on, and write it to a file."""
        self._library.shim_watch(os.fsencode(directory), log)

    def arm(self, call: Call, nth: int, action: Action, error: int = errno.EIO) -> None:
        """Have something else become of the Nth call of a kind from now on."""
        self._library.shim_arm(int(call), ctypes.c_long(nth), int(action), error)

    def note(self, line: bytes) -> None:
        """Write a line of one's own into the log."""
        self._library.shim_note(line, ctypes.c_long(len(line)))

    @property
    def hits(self) -> int:
        """How many calls something else became of, not counting what followed from it."""
        return int(self._library.shim_hits())

    def calls(self, call: Call) -> int:
        """How many calls of a kind there were."""
        return int(self._library.shim_calls(int(call)))


def loaded() -> Shim | None:
    """The shim, if this process was started with it."""
    path = os.environ.get(_VARIABLE)
    return None if path is None else Shim(ctypes.CDLL(path))


def with_shim(module: str, arguments: Sequence[str]) -> int:
    """Run a module of this project in a process that has the shim; gives its exit status."""
    with tempfile.TemporaryDirectory() as directory:
        path = build(Path(directory))
        environment = {**os.environ, "LD_PRELOAD": str(path), _VARIABLE: str(path)}
        return subprocess.run(
            [sys.executable, "-m", module, *arguments], cwd=ROOT, env=environment, check=False
        ).returncode


def build(directory: Path) -> Path:
    """
    Build the shim.

    Raises:
      FileNotFoundError: there is no compiler.
    """
    compiler = shutil.which("gcc")
    if compiler is None:
        raise FileNotFoundError("gcc is needed to build the shim")
    path = directory / "shim.so"
    command = [compiler, "-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror"]
    subprocess.run([*command, "-o", path, SOURCE, "-ldl", "-lpthread"], check=True)
    return path


def entries(log: bytes) -> Iterator[Entry]:
    """The whole entries of a log, in the order in which they were done."""
    at = 0
    while at + _ENTRY.size <= len(log):
        call, file, error, action, result, offset, path_size, data_size = _ENTRY.unpack_from(
            log, at
        )
        path_at = at + _ENTRY.size
        data_at = path_at + path_size
        at = data_at + data_size
        if at > len(log):
            return
        path = os.fsdecode(log[path_at:data_at])
        data = log[data_at:at]
        yield Entry(Call(call), file, error, Action(action), result, offset, path, data)

"""
A temporary file at the place: may it be made, how long does a sync take, does a lock hold?

Its name begins as those of files whose making was interrupted, which a store ignores. So
nobody stumbles over it who opens a store in the same directory at the same moment.
"""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import time
from contextlib import suppress
from typing import Final

from ..journal.disk import Disk, OSDisk
from ..journal.layout import STORE
from .facts import LockTrial, Probe

SYNCS_MAX: Final = 24
SYNCS_S_MAX: Final = 2.0
"""After so long, enough is known."""
CHUNK: Final = b"\n" * 4096
LOCK_S_MAX: Final = 30.0

# A process of its own, since some systems give locks to processes, not to open files.
_TRY_LOCK: Final = """
import fcntl, os, sys
file = os.open(sys.argv[1], os.O_RDWR)
try:
    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
except BlockingIOError:
    print("refused")
else:
    print("got it")
"""


def probe(directory: str, disk: Disk | None = None) -> Probe:
    """
    Try a directory with a small file, and remove that again.

    Args:
      directory: where to make it.
      disk: whose fdatasync is timed, if not the operating system's.

    Returns:
      What was found; what the system refuses is in it, too.
    """
    path = f"{directory}/.new-{STORE}.doctor-{os.getpid()}-{time.monotonic_ns()}"
    try:
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except OSError as error:
        return Probe(directory, f"open: {error.strerror}")
    seconds: list[float] = []
    lock = LockTrial.UNKNOWN
    try:
        _time_syncs(disk or OSDisk(), file, seconds)
        lock = _try_lock(file, path)
    except OSError as error:
        return Probe(directory, error.strerror or str(error), tuple(seconds), lock)
    finally:
        os.close(file)
        with suppress(OSError):
            os.unlink(path)  # noqa: PTH108 - paths are strings here
    return Probe(directory, None, tuple(seconds), lock)


def _time_syncs(disk: Disk, file: int, seconds: list[float]) -> None:
    """Write a little and sync it, again and again, as a store does; note how long it takes."""
    for k in range(SYNCS_MAX):
        disk.pwrite(file, CHUNK, k * len(CHUNK))
        begin = time.perf_counter()
        disk.fdatasync(file)
        seconds.append(time.perf_counter() - begin)
        if sum(seconds) > SYNCS_S_MAX:
            return


def _try_lock(file: int, path: str) -> LockTrial:
    """Lock the file, and have another process try to."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return LockTrial.UNKNOWN
    if not sys.executable:
        return LockTrial.UNKNOWN
    try:
        run = subprocess.run(
            [sys.executable, "-I", "-S", "-c", _TRY_LOCK, path],
            capture_output=True, text=True, timeout=LOCK_S_MAX,
        )  # fmt: skip
        return LockTrial(run.stdout.strip())
    except (subprocess.SubprocessError, ValueError, OSError):
        return LockTrial.UNKNOWN

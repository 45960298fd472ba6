"""Who writes a store, found out without its lock."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from atomic_store import open_store
from command_line import environment
from inspector.sources.writers import NOBODY, Held, Writer, judged, writer_of

OWN, HOST = os.getpid(), os.uname().nodename
DEVICE, INODE = os.makedev(8, 1), 4242
LINE = "1: FLOCK  ADVISORY  WRITE 4711 08:01:4242 0 EOF\n"


def holder(pid: int, host: str = HOST) -> bytes:
    """What a lock's file says."""
    return b'{"pid":%d,"host":"%b"}\n' % (pid, host.encode())


@pytest.mark.parametrize(
    ("content", "locks", "expected"),
    [
        (holder(4711), LINE, Writer(Held.YES, "process 4711")),
        (holder(1), LINE, Writer(Held.YES, "process 4711")),
        (b"", LINE, Writer(Held.YES, "process 4711")),
        (holder(OWN), LINE.replace("4711", str(OWN)), Writer(Held.YES, "this process")),
        (holder(OWN), "", NOBODY),
        (holder(OWN), LINE.replace(":4242", ":4243"), NOBODY),
        (holder(OWN), LINE.replace("08:01", "08:02"), NOBODY),
        (holder(OWN), LINE.replace("FLOCK", "POSIX"), NOBODY),
        (holder(OWN), LINE.replace("1: FLOCK", "1: -> FLOCK"), NOBODY),
        (holder(OWN), "nonsense\n\n1: FLOCK", NOBODY),
        (holder(OWN), None, Writer(Held.PERHAPS, "this process")),
        (holder(2**22 + 1), None, NOBODY),
        (holder(2**80), None, NOBODY),
        (holder(-1), None, NOBODY),
        (holder(12, "elsewhere"), "", Writer(Held.PERHAPS, "process 12 on host elsewhere")),
        (holder(12, "elsewhere"), None, Writer(Held.PERHAPS, "process 12 on host elsewhere")),
        (b"", "", NOBODY),
        (b"\0\0\0", None, NOBODY),
        (b'{"pid":"x"}', None, NOBODY),
    ],
    # This process's number is in some of them: names are to be the same everywhere.
    ids=map(str, range(19)),
)
def test_judging(content: bytes, locks: str | None, expected: Writer) -> None:
    """The system's list of locks counts; without it, what the file says and who runs."""
    assert expected == judged(content, DEVICE, INODE, locks)


async def test_a_writer_in_this_process(tmp_path: Path) -> None:
    """Who has the store open is found, as long as he has."""
    path = tmp_path / "a.store"
    async with open_store(path, events=None):
        assert Writer(Held.YES, "this process") == writer_of(str(path))
    assert NOBODY == writer_of(str(path))


def test_a_writer_in_another_process(tmp_path: Path) -> None:
    """His process is named; the lock is not touched, nor is a right to write needed."""
    path = tmp_path / "a.store"
    code = (
        "import sys, trio, atomic_store\n"
        "async def main():\n"
        "    async with atomic_store.open_store(sys.argv[1], events=None):\n"
        "        print('open', flush=True)\n"
        "        sys.stdin.read()\n"
        "trio.run(main)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        env=environment({}), text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stdin is not None
        assert "open\n" == process.stdout.readline()
        (path / "lock").chmod(0o400)
        try:
            assert Writer(Held.YES, f"process {process.pid}") == writer_of(str(path))
        finally:
            process.stdin.close()
        assert 0 == process.wait()
    assert NOBODY == writer_of(str(path))


def test_no_lock(tmp_path: Path) -> None:
    """Where there is no lock's file, nobody has it."""
    assert NOBODY == writer_of(str(tmp_path))
    assert NOBODY == writer_of(str(tmp_path / "nothing"))

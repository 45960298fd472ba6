"""
Full disks: the disk fills up under load, again and again, and nothing that was told is missing.

`python -m tests.campaigns.full_disks` runs it, as root where file systems are to be mounted: a
small ext4 in a file, a tiny tmpfs, and a limit on the size of files. In each round a writer fills
it until its store fails. While it is full the store is read, and opened in vain or not; then
space is freed, and the store is opened, loaded, and compared with what was said.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import final

import attrs

from .forked import figures_line, lines_from, scratch
from .kills import read_all
from .ledger import Ledger, Line
from .load import Load, Say, run
from .raw_files import RawFiles

EXT4_BYTES = 4 * 1024 * 1024
EXT4_FREE_BYTES = 300 * 1024
"""How much of it is not taken from the beginning."""
GROWTH_BYTES = 20_000
"""How much larger than now a file may become."""
FILLING = Load(0, workers=4, segment_bytes_max=30_000, piece_bytes=8_000)
"""Without an end: only a full disk ends it."""
ROUNDS = 2
SKIPPED = 77
"""The exit status if nothing could be run."""


class NoSuchDisk(Exception):
    """A file system that cannot be had here, and why."""


@contextmanager
def ext4(directory: Path) -> Iterator[Path]:
    """An ext4 of 4 MB, of which little is free."""
    image = directory / "ext4.image"
    image.write_bytes(bytes(EXT4_BYTES))
    _run("mkfs.ext4", "-q", "-F", "-m", "0", str(image))
    with mounted(directory, ["-o", "loop", str(image)]) as place:
        (place / "taken").write_bytes(bytes(free_bytes(place) - EXT4_FREE_BYTES))
        yield place


@contextmanager
def tmpfs(directory: Path) -> Iterator[Path]:
    """A tmpfs of 256 kB."""
    with mounted(directory, ["-t", "tmpfs", "-o", "size=256k", "none"]) as place:
        yield place


@contextmanager
def mounted(directory: Path, what: Sequence[str]) -> Iterator[Path]:
    """Mount a file system for a block."""
    place = directory / "mounted"
    place.mkdir()
    _run("mount", *what, str(place))
    try:
        yield place
    finally:
        _run("umount", str(place))


def _run(*command: str) -> None:
    """
    Run a program.

    Raises:
      NoSuchDisk: it is not there, or refuses.
    """
    try:
        subprocess.run(command, check=True, capture_output=True, text=True)
    except FileNotFoundError as error:
        raise NoSuchDisk(f"{command[0]} is not installed") from error
    except subprocess.CalledProcessError as error:
        raise NoSuchDisk(f"{command[0]}: {error.stderr.strip()}") from error


def free_bytes(place: Path) -> int:
    """How much can be written."""
    facts = os.statvfs(place)
    return facts.f_bavail * facts.f_bsize


def sync_names(place: Path) -> None:
    """Make it durable which files there are: some systems only then give their space back."""
    directory = os.open(place, os.O_RDONLY)
    os.fsync(directory)
    os.close(directory)


@contextmanager
def plain(directory: Path) -> Iterator[Path]:
    """A directory like any other."""
    yield directory


@attrs.frozen
class FullDisk:
    """
    A way in which a disk gets full.

    Args:
      make: gives a place on it, for a block; `NoSuchDisk` if it cannot be had.
      reason: what the error must say.
      limits_files: what is full is not the disk: a process may not write larger files.
    """

    name: str
    make: Callable[[Path], AbstractContextManager[Path]]
    reason: str
    load: Load = FILLING
    limits_files: bool = False


DISKS = [
    FullDisk("ext4", ext4, "No space left on device"),
    FullDisk("tmpfs", tmpfs, "No space left on device"),
    FullDisk(
        "file size limit", plain, "File too large",
        attrs.evolve(FILLING, segment_bytes_max=1024**2), limits_files=True,
    ),
]  # fmt: skip


@final
@attrs.define(eq=False)
class FilledStore:
    """A store on a disk that gets full."""

    place: Path
    disk: FullDisk
    acknowledges_early: bool = False
    ledger: Ledger = attrs.Factory(Ledger)
    _life: int = 0

    def round(self) -> None:
        """Fill the disk, look, free it, and look again."""
        ballast = self.place / "ballast"
        if not self.disk.limits_files:
            ballast.write_bytes(bytes(free_bytes(self.place) // 2))
        self._expect_failure(self._live(is_full=True, proposals=None))
        self._look("read while full")
        # Whether it opens depends on the last bytes; that nothing is lost does not.
        self._live(is_full=True, proposals=1)
        self._look("read while full")
        ballast.unlink(missing_ok=True)
        sync_names(self.place)
        lines = self._live(is_full=False, proposals=3)
        if lines[-1] != ["ended", "closed"]:
            self.ledger.problems.append(f"with space again it ended with {lines[-1]}")
        self._look("read with space again")

    @property
    def path(self) -> Path:
        return self.place / "store"

    def _live(self, *, is_full: bool, proposals: int | None) -> list[Line]:
        """Live a life, and take what it said and what it left."""
        load = attrs.evolve(
            self.disk.load,
            life=self._life,
            proposals=proposals,
            acknowledges_early=self.acknowledges_early,
        )
        if proposals is not None:
            load = attrs.evolve(load, workers=1)
        self._life += 1

        def work(say: Say) -> None:
            if is_full and self.disk.limits_files:
                sizes = [file.stat().st_size for file in self.path.glob("journal/*")]
                limit = max(sizes, default=0) + GROWTH_BYTES
                resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
            run(self.path, load, say, self.ledger)

        raw = RawFiles(self.path)
        lines = lines_from(work)
        self.ledger.hear(lines)
        self.ledger.find(raw.new()[self.ledger.position :])
        self.ledger.check()
        return lines

    def _look(self, what: str) -> None:
        self.ledger.hear(lines_from(lambda say: read_all(self.path, self.ledger, say)))
        self.ledger.count(what)

    def _expect_failure(self, lines: list[Line]) -> None:
        end, *text = lines[-1][1:]
        if end != "JournalFailed" or self.disk.reason not in text[0]:
            self.ledger.problems.append(f"expected {self.disk.reason!r}, found {lines[-1]}")


def campaign(disk: FullDisk, rounds: int, *, acknowledges_early: bool = False) -> Ledger:
    """
    Fill a disk so many times; gives all problems and figures.

    Args:
      acknowledges_early: the control.

    Raises:
      NoSuchDisk: it cannot be had here.
    """
    directory = scratch("full-disks")
    try:
        with disk.make(directory) as place:
            store = FilledStore(place, disk, acknowledges_early)
            for _ in range(rounds):
                store.round()
    finally:
        shutil.rmtree(directory)
    store.ledger.count("records", store.ledger.position)
    return store.ledger


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the campaign, and print its figures; gives the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.campaigns.full_disks")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="how often each gets full")
    parser.add_argument("--only", choices=[disk.name for disk in DISKS], help="one of them")
    parser.add_argument("--control", action="store_true", help="acknowledge early: must fail")
    asked = parser.parse_args(arguments)
    status = SKIPPED
    for disk in DISKS:
        if asked.only not in (None, disk.name):
            continue
        try:
            found = campaign(disk, asked.rounds, acknowledges_early=asked.control)
        except NoSuchDisk as error:
            print(f"{disk.name}: not run: {error}")
            continue
        status = 0 if status == SKIPPED else status
        print(figures_line(disk.name, found.figures))
        for problem in found.problems:
            status = 1
            print(problem, file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main())

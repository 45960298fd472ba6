"""A writer's life in which one call is struck, and whether all was well then and afterwards."""

from __future__ import annotations

import copy
import os
import shutil
import signal
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import final

import attrs

from .forked import Fork, lines_from
from .ledger import Ledger, Line
from .load import Load, Say, run
from .raw_files import RawFiles
from .shim import Action, Call, Entry, Shim, entries
from .strikes import Strike

SMALL = Load(0, workers=2, proposals=4, segment_bytes_max=1_400, piece_bytes=600, snapshot_every=2)

_WRITING = {Call.WRITE, Call.FDATASYNC, Call.FSYNC, Call.FTRUNCATE}


@attrs.frozen
class Beginning:
    """What a life begins with: files, which are copied, and what is known of them."""

    name: str
    files: Path
    ledger: Ledger
    life: int


@final
@attrs.define(eq=False)
class StruckLife:
    """
    One strike at one life.

    Attributes:
      ledger: what is known of the store.
      log: what the struck process did.
      was_hit: whether there was a call to strike.
    """

    directory: Path
    beginning: Beginning
    strike: Strike
    shim: Shim
    acknowledges_early: bool = False
    ledger: Ledger = attrs.field(init=False)
    log: list[Entry] = attrs.field(factory=list, init=False)
    was_hit: bool = attrs.field(default=False, init=False)

    def __attrs_post_init__(self) -> None:
        self.ledger = copy.deepcopy(self.beginning.ledger)
        self.ledger.figures.clear()

    def run(self) -> list[str]:
        """Live, be struck, be opened again twice; gives the problems."""
        shutil.copytree(self.beginning.files, self.directory)
        path = self.directory / "store"
        raw = RawFiles(path)
        raw.new()
        lines = self._struck_life(path)
        self.ledger.hear(lines)
        problems = [
            *unclear_ends(lines, self.strike, self.directory),
            *written_after_failure(self.log),
        ]
        self.ledger.hear(lines_from(lambda say: self._open_twice(path, say)))
        found = raw.new()
        self.ledger.find(found)
        self.ledger.check()
        return [*self.ledger.problems, *problems]

    def _struck_life(self, path: Path) -> list[Line]:
        with tempfile.TemporaryFile() as log:
            life = Fork.start(lambda say: self._live(path, log.fileno(), say))
            lines = life.end()
            log.seek(0)
            self.log = list(entries(log.read()))
        was_killed = life.status == -signal.SIGKILL
        self.was_hit = was_killed or any(e.action is not Action.NOTHING for e in self.log)
        if life.status and not was_killed:
            self.ledger.problems.append(f"the writer ended with status {life.status}")
        return lines

    def _live(self, path: Path, log: int, say: Say) -> None:
        self.shim.watch(self.directory, log)
        self.shim.arm(self.strike.call, self.strike.nth, self.strike.action, self.strike.error)
        run(path, self._load(0, early=self.acknowledges_early), say, self.ledger)

    def _open_twice(self, path: Path, say: Say) -> None:
        """Open it and look, then open it and write: both must find the same."""
        run(path, self._load(1, proposals=0), say, self.ledger)
        first = RawFiles(path).new()
        run(path, self._load(2, proposals=1), say, self.ledger)
        second = RawFiles(path).new()
        if second[: len(first)] != first:
            say("problem", f"opened again it holds {second}, before it held {first}")
        if len(second) == len(first):
            say("problem", "nothing could be stored any more")

    def _load(self, life: int, *, proposals: int = 4, early: bool = False) -> Load:
        number = self.beginning.life + life
        # Proposed again, what was acknowledged too early would be stored after all, elsewhere.
        again = 0 if self.acknowledges_early else SMALL.again
        return attrs.evolve(
            SMALL, life=number, proposals=proposals, again=again, acknowledges_early=early
        )


def unclear_ends(lines: Iterable[Line], strike: Strike, directory: Path) -> Iterator[str]:
    """Errors that do not say what failed, where, and why."""
    expected = ["closed", "JournalFailed"]
    if strike.call is Call.READ:
        # A record that can't be read counts as damaged, for who asked for it.
        expected.append("JournalCorrupt")
    for kind, end, *text in lines:
        if kind == "ended" and end not in expected:
            yield f"expected to end in one of {expected}, found {end}: {text}"
        elif kind == "ended" and text:
            reason = os.strerror(strike.error)
            if reason not in text[0] or str(directory) not in text[0]:
                yield f"expected {reason!r} and a path in {directory} in {text[0]!r}"


def written_after_failure(log: Iterable[Entry]) -> Iterator[str]:
    """What a process did to its segments after a call that was to change them had failed."""
    paths: dict[int, str] = {}
    reading: set[int] = set()
    failed: Entry | None = None
    for entry in log:
        path = entry.path or paths.get(entry.file, "")
        is_reading = entry.call is Call.READ or entry.file in reading
        if entry.call is Call.OPEN:
            is_directory = bool(entry.offset & os.O_DIRECTORY)
            is_reading = not is_directory and not entry.offset & (os.O_RDWR | os.O_WRONLY)
            paths[entry.result] = entry.path
            (reading.add if is_reading else reading.discard)(entry.result)
        if "/journal" not in path or is_reading:
            continue
        if failed is not None and entry.call in _WRITING:
            yield f"{entry.call.name} of {path} after {failed.call.name}"
        if entry.action is Action.FAIL:
            failed = entry

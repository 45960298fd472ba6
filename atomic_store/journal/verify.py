"""
Checking a whole store, also beside a live writer, without its lock. Nothing is written.

Where opening stops at the first damage, this goes on: it believes the next line that it
can read and says what else is wrong. So one bad line is one finding, not a thousand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import TYPE_CHECKING, final

import attrs

from ..errors import JournalCorrupt
from . import Head
from .chain import Chain, ClosedCommit, Problem
from .creating import expect_store, read_identity
from .disk import Access, Disk, Kind, OSDisk
from .files import kind_of, opened, read_range, size_of
from .index_file import to_microseconds
from .layout import JOURNAL, segment_name
from .line import HeaderLine, NotALine, parse_line
from .scan import SegmentScan
from .segment_reader import (
    HEADER_BYTES_MAX,
    SegmentReader,
    is_being_cut,
    list_journal,
    uncut,
)
from .tail import Kept, Torn, judge
from .verify_apart import CheckedSegment, check_apart, joined, proposal_key
from .witnesses import Witness, witnesses_of

if TYPE_CHECKING:
    import os

DAMAGE_MAX = 1000
"""After as many findings, the rest is not looked at."""
APART_MIN = 4
"""Of fewer segments, none is checked in another process: starting one takes its time."""


@attrs.frozen
class Damage:
    """Something that is not as the store wrote it."""

    path: str
    offset: int
    line: int | None
    """The line's number in the file, from 1, where it is known."""
    expected: str
    found: str

    def __str__(self) -> str:
        line = "" if self.line is None else f", line {self.line}"
        return (
            f"{self.path}, offset {self.offset}{line}: expected {self.expected}, found {self.found}"
        )


@attrs.frozen
class Verification:
    """What a check of a whole store has found."""

    records: int
    segments: int
    scopes: int
    bytes: int
    head: Head
    """Where the journal ends. Noted elsewhere, it proves that nobody rewrote what is before."""
    notes: tuple[str, ...]
    """What is no damage, but worth saying, a sentence each."""
    damage: tuple[Damage, ...]
    """What is wrong, in the order of the files; empty for a sound store."""


def verify(
    path: str | os.PathLike[str],
    *,
    disk: Disk | None = None,
    on_progress: Callable[[int, int], object] | None = None,
    processes: int = 1,
) -> Verification:
    """
    Check every byte of a store.

    An unfinished commit at the very end is a note: it is what a crash leaves, and what
    is seen beside a writer.

    Args:
      path: the store's directory.
      disk: another disk than the operating system's.
      on_progress: is called with the bytes read and the bytes in all.
      processes: check as many segments at a time, in processes of their own, if there are
        enough for that. They import the main module, as `multiprocessing` does.

    Raises:
      NotAStore: the path holds something else, or a store of a later format.
      JournalFailed: the disk refused.
    """
    real_disk: Disk = OSDisk() if disk is None else disk
    report = on_progress or (lambda read, in_all: None)
    if processes > 1 and isinstance(real_disk, OSDisk):
        check = _Check(real_disk, real_disk.resolve(path), report)
        if check.run_apart(processes):
            return check.verification()
    check = _Check(real_disk, real_disk.resolve(path), report)
    check.run()
    return check.verification()


class _Enough(Exception):
    """There is too much damage to go on."""


@final
@attrs.define(eq=False)
class _Check:
    disk: Disk
    path: str
    on_progress: Callable[[int, int], object]
    chain: Chain = attrs.Factory(lambda: Chain("", ""))
    records: int = 0
    segments: int = 0
    bytes_read: int = 0
    bytes_in_all: int = 0
    notes: list[str] = attrs.Factory(list)
    damage: list[Damage] = attrs.Factory(list)
    # Hashes of proposals; a million of them fit where the ids themselves would not.
    _proposals: set[int] = attrs.Factory(set)
    _key: Callable[[str, str], int] = lambda scope, proposal_id: hash((scope, proposal_id))
    _suspects: list[tuple[str, str, str, int]] = attrs.Factory(list)

    def run(self) -> None:
        expect_store(self.disk, self.path)
        try:
            # Asked first: beside a writer, what comes later tells of later records.
            witnesses = witnesses_of(self.disk, self.path)
            names = self._list()
            self.chain = self._identify(names)
            for k, name in enumerate(names):
                self._check_segment(name, names[k + 1] if k + 1 < len(names) else None)
            self._check_suspects(names)
            self._hear(witnesses)
        except _Enough:
            self.notes.append(f"There is more damage than the {DAMAGE_MAX} places that are listed.")

    def run_apart(self, processes: int) -> bool:
        """
        Check all segments but the last in several processes, and then the last one.

        Returns:
          False if there are too few, or anything is wrong: then nothing is known.
        """
        expect_store(self.disk, self.path)
        witnesses = witnesses_of(self.disk, self.path)
        names = self._list()
        self.chain = self._identify(names)
        if len(names) < APART_MIN or self.damage:
            return False
        *whole, last = names
        self._key = proposal_key
        segments = check_apart([self._of(name) for name in whole], processes)
        with closing(segments):
            keys = joined(self.chain, whole, segments, self._joined)
        if keys is None:
            return False
        self._proposals = keys
        self._check_segment(last, None)
        self._hear(witnesses)
        return not self.damage and not self._suspects

    def _joined(self, segment: CheckedSegment) -> None:
        self.segments += 1
        self.records += segment.last - segment.header.first + 1
        self._count(segment.size)

    def verification(self) -> Verification:
        chain = self.chain
        head = Head(chain.known if chain.believes else chain.position, chain.value)
        return Verification(
            self.records, self.segments, len(self.chain.sequences), self.bytes_read, head,
            tuple(self.notes), tuple(self.damage),
        )  # fmt: skip

    # --- witnesses -----------------------------------------------------------------------

    def _hear(self, witnesses: list[Witness]) -> None:
        """Say whether records are missing at the end, if nothing else is wrong."""
        if self.damage:
            return
        for witness in witnesses:
            if witness.last > self.chain.position:
                self._add(
                    witness.path, 0, None, f"no position above {self.chain.position}",
                    f"{witness.what} position {witness.last}: records are missing",
                )  # fmt: skip

    # --- files ---------------------------------------------------------------------------

    def _list(self) -> list[str]:
        try:
            names, others = list_journal(self.disk, self.path)
        except JournalCorrupt as error:
            self._found(error)
            return []
        for name in others:
            self._add(self._of(name), 0, None, "segments only", "this file")
        sizes = []
        for name in names:
            try:
                sizes.append(size_of(self.disk, self._of(name)))
            except JournalCorrupt as error:
                self._found(error)
                names = [other for other in names if other != name]
        self.bytes_in_all = sum(sizes)
        return names

    def _identify(self, names: list[str]) -> Chain:
        """Say whose store it is: by store.json or, if that is damaged, by the first header."""
        try:
            identity = read_identity(self.disk, self.path)
        except JournalCorrupt as error:
            self._found(error)
        else:
            return Chain(identity.store, identity.history)
        for name in names:
            with opened(self.disk, self._of(name), Access.READ) as file:
                start = read_range(self.disk, file, self._of(name), 0, HEADER_BYTES_MAX)
            try:
                header = parse_line(start.partition(b"\n")[0])
            except NotALine:
                continue
            if isinstance(header, HeaderLine):
                return Chain(header.store, header.history)
        return Chain("", "")

    # --- segments -----------------------------------------------------------------------

    def _check_segment(self, name: str, following: str | None) -> None:
        chain = self.chain
        self.segments += 1
        expected = segment_name(chain.position + 1)
        first = int(name[:20])
        if name != expected and not (chain.believes and chain.known < first <= chain.position):
            self._add(self._of(expected), 0, None, "a segment of this name", f"the next is {name}")
            chain.lost += max(0, first - chain.position - 1)
            chain.believes, chain.known = True, chain.position
        scan = SegmentScan(chain)
        reader = SegmentReader(self.disk, self._of(name), scan, self._count)
        self._take(reader, reader.commits())
        if following is None:
            self._take_end(reader, name)
        elif scan.cut is None or scan.unclosed:
            self._take_uncut(reader, following)
        if scan.header is None:
            chain.segment += 1
        elif segment_name(scan.header.first) != name:
            found = f"one for position {scan.header.first}"
            self._add(self._of(name), 0, 1, "the header of a segment of this name", found)

    def _take(self, reader: SegmentReader, commits: Iterator[ClosedCommit]) -> None:
        proposals = self._proposals
        for commit in commits:
            self.records += len(commit.records)
            for record, offset in zip(commit.records, commit.offsets, strict=True):
                try:
                    to_microseconds(record.at)
                except ValueError:
                    self._add(reader.path, offset, None, "a time", record.at)
                if record.part is None or record.part[0] == 1:
                    key = self._key(record.scope, record.id)
                    if key in proposals:
                        self._suspects.append((record.scope, record.id, reader.path, offset))
                    else:
                        proposals.add(key)

    def _take_uncut(self, reader: SegmentReader, following: str) -> None:
        """Another segment follows, and this one does not end with a cut line."""
        scan = reader.scan
        if scan.header is not None and is_being_cut(reader, self._of(following)):
            self.notes.append(f"{reader.path} is being cut: its last line is not there yet.")
            return
        self._take(reader, reader.again())
        while scan.problem is not None:
            self._problem(reader.path, scan.problem)
            self._take(reader, reader.resume())
        if (scan.cut is None or scan.unclosed) and not self.chain.believes:
            self._problem(reader.path, uncut(scan))
            self.chain.believes, self.chain.known = True, self.chain.position
        scan.roll_back()

    def _take_end(self, reader: SegmentReader, name: str) -> None:
        """No other segment follows."""
        scan = reader.scan
        verdict = judge(scan, reader.tail())
        while isinstance(verdict, Problem):
            self._problem(reader.path, verdict)
            if scan.problem is None:
                break
            self._take(reader, reader.resume())
            verdict = judge(scan, reader.tail())
        scan.roll_back()
        match verdict:
            case Torn(offset, size):
                self.notes.append(
                    f"{reader.path} ends with {size} bytes, from offset {offset} on, of a commit "
                    "that is not finished."
                )
            case Kept():
                assert scan.last is not None
                self._take(reader, iter([scan.last]))
                self.notes.append(f"{reader.path} lacks its last newline.")
        if scan.cut is not None:
            path = self._of(scan.cut.cut)
            if kind_of(self.disk, path) is Kind.NOTHING:
                self._add(path, 0, None, f"a segment that {name} names", "no file")

    # --- findings ------------------------------------------------------------------------

    def _check_suspects(self, names: list[str]) -> None:
        """Look again at proposals whose hash was there before: is it really the same one."""
        if not self._suspects or self.damage:
            return
        wanted = {(scope, proposal) for scope, proposal, _, _ in self._suspects}
        first: set[tuple[str, str]] = set()
        chain = Chain(self.chain.store, self.chain.history)
        for name in names:
            reader = SegmentReader(self.disk, self._of(name), SegmentScan(chain))
            for commit in reader.commits():
                for record, offset in zip(commit.records, commit.offsets, strict=True):
                    key = (record.scope, record.id)
                    if key in wanted and (record.part is None or record.part[0] == 1):
                        if key in first:
                            self._add(
                                reader.path, offset, None,
                                f"no second proposal {record.id} in scope {record.scope!r}",
                                f"it is there again, at position {record.position}",
                            )  # fmt: skip
                        first.add(key)

    def _found(self, error: JournalCorrupt) -> None:
        self._add(error.path, error.offset, error.line, error.expected, error.found)

    def _problem(self, path: str, problem: Problem) -> None:
        self._add(path, problem.offset, problem.line, problem.expected, problem.found)

    def _add(self, path: str, offset: int, line: int | None, expected: str, found: str) -> None:
        self.damage.append(Damage(path, offset, line, expected, found))
        if len(self.damage) == DAMAGE_MAX:
            raise _Enough

    def _count(self, size: int) -> None:
        self.bytes_read += size
        self.on_progress(self.bytes_read, max(self.bytes_in_all, self.bytes_read))

    def _of(self, name: str) -> str:
        return f"{self.path}/{JOURNAL}/{name}"

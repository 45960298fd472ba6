"""
Repairing: a new store of what can still be believed of a damaged one.

The damaged store is not touched. What is left out is told, and kept in a file beside the new
store's journal.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from typing import cast, final
from uuid import uuid4

import attrs

from ..errors import JournalCorrupt, NotAStore
from ..journal import Head
from ..journal.clock import timestamp, utc_now
from ..journal.creating import expect_store, read_identity
from ..journal.disk import Access, Disk, OSDisk
from ..journal.failing import advising, attempting
from ..journal.files import close_quietly, opened, read_range
from ..journal.layout import JOURNAL, LOCK
from ..journal.line import (
    LINE_BYTES_MAX,
    FutureFormat,
    HeaderLine,
    NotALine,
    StoreLine,
    parse_line,
    to_stored,
)
from ..journal.lock import hold_lock
from ..journal.segment_reader import HEADER_BYTES_MAX, future_format, list_journal
from ..journal.verify import DAMAGE_MAX, Damage, verify
from ..journal.witnesses import witnesses_of
from .keeping import CutScope, Keeping, Kept, LeftBehind
from .left_out import FILE_NAME, TOLD_MAX, LeftOut, LeftOutFile
from .new_store import SEGMENT_BYTES_MAX, Identity, NewStore, new_store
from .patient_disk import PatientDisk
from .salvage import Doubtful, Finding, Genuine, Missing, Place, Salvage, Unreadable
from .staging import TRY_AGAIN

CHUNK_BYTES = 1024 * 1024
RECORD_BYTES_MIN = 155
"""No record's line is shorter."""


@attrs.frozen
class Repaired:
    """What was kept of a damaged store, and what was left out."""

    store: str
    """The store's id, which is the one that it had, if that can be read."""
    history: str
    """The id of its new history."""
    head: Head
    """Where the new store ends."""
    scopes: int
    """How many scopes it has."""
    left_out: int
    """How many records can be read, and were left out all the same."""
    missing: int
    """How many records are not there, or cannot be read or believed, as far as anything tells."""
    unknown: int
    """Of how many of these nothing tells the scope: they may have been the last of any."""
    cut: tuple[CutScope, ...]
    """The scopes that were kept up to a hole, by name."""
    told: tuple[LeftOut, ...]
    """The first of what was left out, `TOLD_MAX` at most."""
    file: str | None
    """The file that tells all of it; None if nothing was left out."""
    damage: tuple[Damage, ...]
    """What is wrong with the damaged store, as `verify` finds it."""
    notes: tuple[str, ...]
    """What is no damage, but worth saying, a sentence each."""

    @property
    def is_whole(self) -> bool:
        """Whether no record was left out, and none is missing."""
        return not self.left_out and not self.missing


@advising(TRY_AGAIN)
def repair(
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    *,
    disk: Disk | None = None,
    segment_bytes_max: int = SEGMENT_BYTES_MAX,
    on_progress: Callable[[int, int], object] = lambda read, in_all: None,
) -> Repaired:
    """
    Make a new store of what can be believed of a damaged one, which is not changed.

    A record is believed if its checksum is right and it stands where it belongs. Of each
    scope, the records are kept up to the first one that is missing; what stands behind that
    hole is left out. Decisions are kept as a whole or not at all. The new store has the
    store's id and a new history; positions are counted anew, all else stays. What is left
    out is in ``left-out.jsonl`` in the new store's directory.

    Args:
      source: the damaged store's directory, or a backup's.
      target: where the new store is to be; nothing may be there, or an empty directory.
      disk: another disk than the operating system's.
      segment_bytes_max: how long a segment may become.
      on_progress: is called with the bytes read and the bytes in all; all are read twice.

    Raises:
      StoreLocked: somebody has the source open for writing; the message says who.
      NotAStore: there is no store at `source`, or one of a later format.
      JournalCorrupt: it has no journal at all.
      TargetRefused: something is at `target`, or it lies in the source.
      JournalFailed: the disk refused.
    """
    real_disk: Disk = OSDisk() if disk is None else disk
    patient = PatientDisk(real_disk)
    path = real_disk.resolve(source)
    expect_store(real_disk, path)
    lock = hold_lock(real_disk, f"{path}/{LOCK}")
    try:
        repairing = _Repairing(cast("Disk", patient), path, patient.bad, on_progress)
        repairing.look()
        identity = repairing.identity()
        with new_store(
            real_disk, real_disk.resolve(target), identity, source=path,
            segment_bytes_max=segment_bytes_max,
        ) as store:  # fmt: skip
            repairing.run(store)
    finally:
        if lock is not None:
            close_quietly(real_disk, lock)
    place = f"{real_disk.resolve(target)}/{FILE_NAME}" if repairing.told else None
    return repairing.result(identity, store.head, place)


@final
@attrs.define(eq=False)
class _Repairing:
    disk: Disk
    path: str
    bad: dict[tuple[str, int], str]
    on_progress: Callable[[int, int], object]
    told: list[LeftOut] = attrs.Factory(list)
    _old: StoreLine | None = None
    _names: list[str] = attrs.Factory(list)
    _damage: list[Damage] = attrs.Factory(list)
    _notes: list[str] = attrs.Factory(list)
    _keeping: Keeping = attrs.Factory(Keeping)
    _end: int = 0
    _genuine: int = 0
    _left_out: int = 0
    # Lines that cannot be read behind the last record, and its position.
    _open_end: int = 0
    _last: int = 0
    _read: int = 0
    _in_all: int = 1

    # --- before anything is written -----------------------------------------------------------

    def look(self) -> None:
        """Find out what is wrong, and whose store it is."""
        self._names = list_journal(self.disk, self.path)[0]

        def half(read: int, in_all: int) -> None:
            self._in_all = max(in_all, 1)
            self.on_progress(read, 2 * in_all)

        found = verify(self.path, disk=self.disk, on_progress=half)
        self._damage += found.damage
        self._notes += found.notes
        self._damage += [
            Damage(path, offset, None, "bytes that can be read", f"an error: {why}")
            for (path, offset), why in sorted(self.bad.items())
        ]
        self._old = self._identify()
        self._end = max([witness.last for witness in witnesses_of(self.disk, self.path)] or [0])

    def identity(self) -> Identity:
        """Whose store the new one is."""
        if self._old is None:
            self._notes.append("Nothing tells the store's id: it has a new one.")
            return Identity(str(uuid4()), str(uuid4()))
        return Identity(self._old.store, str(uuid4()), self._old.created)

    def _identify(self) -> StoreLine | None:
        try:
            return read_identity(self.disk, self.path)
        except JournalCorrupt:
            for name in self._names:
                header = self._header(self._of(name))
                if header is not None:
                    created = timestamp(utc_now())
                    return StoreLine(header.format, header.store, header.history, created)
        return None

    def _header(self, path: str) -> HeaderLine | None:
        try:
            with opened(self.disk, path, Access.READ) as file:
                start = read_range(self.disk, file, path, 0, HEADER_BYTES_MAX)
            line = parse_line(start.partition(b"\n")[0])
        except (NotALine, JournalCorrupt):
            return None
        return line if isinstance(line, HeaderLine) else None

    # --- writing --------------------------------------------------------------------------------

    def run(self, store: NewStore) -> None:
        """Put into the new store what is kept, and into a file what is not."""
        old = self._old
        salvage = Salvage(None, None) if old is None else Salvage(old.store, old.history)
        path = f"{store.staging.path}/{FILE_NAME}"
        with opened(self.disk, path, Access.NEW) as file:
            out = LeftOutFile(self.disk, path, file)
            for finding in self._findings(salvage):
                self._take(finding, store, out)
            self._sort(self._keeping.finish(), store, out)
            out.finish()
        if not self.told:
            with attempting("unlink", path):
                self.disk.unlink(path)

    def _findings(self, salvage: Salvage) -> Iterator[Finding]:
        place = Place(self.path, 0, 1)
        for k, name in enumerate(self._names):
            salvage.begin_segment()
            path = self._of(name)
            place = Place(path, 0, 1)
            try:
                for place, line in self._lines(path):
                    yield from salvage.take(place, line)
            except FutureFormat as error:
                raise NotAStore(future_format(path, error)) from error
            except JournalCorrupt as error:
                yield Unreadable(place, b"", error.expected, error.found)
            following = self._names[k + 1] if k + 1 < len(self._names) else None
            if following is None and self._is_unfinished(path, salvage.closed_end):
                salvage.drop_tail()
            yield from salvage.end_segment(None if following is None else int(following[:20]))
        self._last = salvage.last
        self._end = max(self._end, salvage.claimed, salvage.last)
        promised = salvage.cut or (self._names[-1] if salvage.was_refused else "")
        if promised[:20] == f"{salvage.last + 1:020}":
            # A segment is only made for a record.
            self._end = max(self._end, salvage.last + 1)
        if self._end > salvage.last:
            yield Missing(place, salvage.last + 1, self._end)

    def _is_unfinished(self, path: str, closed_end: int) -> bool:
        """Whether what follows the last commit is the rest of a write, and no damage."""
        if len(self._damage) >= DAMAGE_MAX:
            return False
        return not any(d.path == path and d.offset >= closed_end for d in self._damage)

    def _lines(self, path: str) -> Iterator[tuple[Place, bytes]]:
        """Give a file's lines; one that is too long in pieces, of which none is a line."""
        rest, offset, number = b"", 0, 1
        for chunk in self._chunks(path):
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                yield Place(path, offset, number), line
                offset, number = offset + len(line) + 1, number + 1
            if len(rest) > LINE_BYTES_MAX:
                yield Place(path, offset, number), rest
                offset, rest = offset + len(rest), b""
        if rest:
            yield Place(path, offset, number), rest

    def _chunks(self, path: str) -> Iterator[bytes]:
        offset = 0
        with opened(self.disk, path, Access.READ) as file:
            while chunk := read_range(self.disk, file, path, offset, offset + CHUNK_BYTES):
                yield chunk
                offset += len(chunk)
                self._read += len(chunk)
                self.on_progress(self._in_all + self._read, 2 * self._in_all)

    # --- what becomes of each -------------------------------------------------------------------

    def _take(self, finding: Finding, store: NewStore, out: LeftOutFile) -> None:
        match finding:
            case Genuine():
                self._genuine += 1
                self._open_end = 0
                self._sort(self._keeping.take(finding), store, out)
            case Doubtful(place, record, why):
                self._tell(LeftOut.of_record(place, record, why), out)
            case Unreadable(place, text, expected, found):
                why = f"it cannot be read: expected {expected}, found {found}"
                self._open_end += not _is_like_mark(text)
                self._tell(LeftOut.of_text(place, text, why), out)
            case Missing(place, first, last):
                why = f"position {first}" if first == last else f"positions {first} to {last}"
                self._tell(
                    LeftOut(place.path, place.offset, place.line,
                            f"{why} cannot be read, or is not there", missing=(first, last)),
                    out,
                )  # fmt: skip

    def _sort(self, told: Iterable[Kept | LeftBehind], store: NewStore, out: LeftOutFile) -> None:
        for one in told:
            if isinstance(one, Kept):
                store.put([to_stored(line) for line in one.records])
            else:
                self._left_out += 1
                self._tell(LeftOut.of_record(one.found.place, one.found.record, one.why), out)

    def _tell(self, one: LeftOut, out: LeftOutFile) -> None:
        out.add(one)
        if len(self.told) < TOLD_MAX:
            self.told.append(one)

    def result(self, identity: Identity, head: Head, file: str | None) -> Repaired:
        """Say what was kept, and what was not."""
        # Lines at the very end that cannot be read may have been records that nothing counts.
        missing = self._end - self._genuine + max(0, self._open_end - (self._end - self._last))
        return Repaired(
            identity.store, identity.history, head, self._keeping.scopes, self._left_out, missing,
            max(0, missing - self._keeping.jumped),
            tuple(sorted(self._keeping.cut.values(), key=lambda cut: cut.scope)),
            tuple(self.told), file, tuple(self._damage), tuple(self._notes),
        )  # fmt: skip

    def _of(self, name: str) -> str:
        return f"{self.path}/{JOURNAL}/{name}"


def _is_like_mark(text: bytes) -> bool:
    """Whether a line that cannot be read was one of those that hold no record."""
    if text.startswith((b'{"clos', b'{"cut"', b'{"form')):
        return True
    return len(text) < RECORD_BYTES_MIN and b',"commit":"' in text

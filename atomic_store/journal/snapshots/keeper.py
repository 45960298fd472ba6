"""
The keeper of a journal's snapshots: what of them counts, and how they come and go.

The index is changed in Trio's thread alone, the file is read and written where that may
block. One writes at a time; reading goes on meanwhile. A compaction that ends while a
line is read is noticed, and the reading begun anew.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Container, Sequence
from typing import Protocol, TypeVar, final

import attrs
import trio

from ...errors import JournalCorrupt, JournalFailed
from ..record import Snapshot
from .compaction import Compaction, is_wasteful
from .index import Kept
from .lines import SnapshotLine, deleted_line, snapshot_line, to_snapshot
from .log import Log, LogPlace, append, create_log, open_log, read_snapshot, remove_others

T = TypeVar("T")


class Run(Protocol):
    """Runs something where it may block; what is begun is not cancelled."""

    def __call__(self, work: Callable[[], T], /) -> Awaitable[T]:
        """Give what it returns, or raise what it raises."""
        ...


@final
@attrs.define(eq=False)
class SnapshotKeeper:
    """
    Keeps a file journal's snapshots.

    Args:
      place: where the logs are, and whose.
      run: runs what may block.
      head: gives the position of the last durable record.
      commit_at: gives the commit value on the line of a durable record, None if it closes no
        commit; raises if it cannot be read.
    """

    _place: LogPlace
    _run: Run
    _head: Callable[[], int]
    _commit_at: Callable[[int], Awaitable[str | None]]
    skipped: int = attrs.field(default=0, init=False)
    """How many snapshots were found damaged, or not to match the journal."""
    _log: Log | None = attrs.field(default=None, init=False)
    _is_open: bool = attrs.field(default=False, init=False)
    _opening: trio.Lock = attrs.field(factory=trio.Lock, init=False)
    _writing: trio.Lock = attrs.field(factory=trio.Lock, init=False)
    # Why nothing is written any more, if so.
    _failure: JournalFailed | None = attrs.field(default=None, init=False)
    # The versions of folds that are in use: only their snapshots survive a compaction.
    _versions: set[int] = attrs.field(factory=set, init=False)

    async def load(self, scope: str, version: int, last: int | None) -> Snapshot | None:
        """
        Give the newest snapshot of a scope that counts.

        Args:
          last: of this sequence at most; None: of any.
        """
        tried: set[int] = set()
        while True:
            await self._open()
            log = self._log
            kept = None if log is None else _newest(log.index.of(scope, version), last, tried)
            if log is None or kept is None:
                await trio.lowlevel.checkpoint()
                return None
            tried.add(kept.offset)
            line = await self._read(log, kept.offset, kept.size)
            if line is not None and (line.snapshot, line.fold) != (scope, version):
                continue  # It has the same hash.
            if line is not None and await self._matches(line):
                return to_snapshot(line)
            if log is not self._log:
                # It was compacted meanwhile, and its file removed.
                tried.clear()
                continue
            log.index.remove(scope, version, kept.offset)
            self.skipped += 1

    async def save(self, snapshots: Sequence[Snapshot]) -> None:
        """
        Keep some snapshots, of durable states; then compact the log if it is worth it.

        Cancellation: may be cancelled; then some may be kept.

        Raises:
          JournalFailed: the disk refused; from now on nothing is written.
          JournalCorrupt: the journal's last record is damaged.
        """
        async with self._writing:
            self._versions.update(snapshot.version for snapshot in snapshots)
            position, commit = await self._vouched()
            lines = await self._run(lambda: [snapshot_line(s, position, commit) for s in snapshots])
            log, offset = await self._append(b"".join(lines))
            for snapshot, line in zip(snapshots, lines, strict=True):
                log.index.add(
                    snapshot.scope, snapshot.version, snapshot.sequence, offset, len(line)
                )
                offset += len(line)
            if is_wasteful(log):
                await self._compact(log)

    async def delete(self, scope: str, first: int, last: int) -> None:
        """
        Let a scope's snapshots of these sequences, both included, not count any more.

        Raises:
          JournalFailed, JournalCorrupt: as `save`.
        """
        async with self._writing:
            await self._open()
            log = self._log
            if log is not None and log.index.holds(scope, first, last):
                position, commit = await self._vouched()
                line = deleted_line(scope, first, last, position, commit)
                await self._append(line)
                log.index.delete(scope, first, last)

    # --- inside --------------------------------------------------------------------------

    async def _open(self) -> None:
        """Look through the log, the first time that it is used."""
        if not self._is_open:
            async with self._opening:
                await self._look_through()

    async def _look_through(self) -> None:
        # Somebody else may have done it, while this one waited for the lock.
        if not self._is_open:
            self._log = await self._run(lambda: open_log(self._place))
            self._is_open = True

    async def _read(self, log: Log, offset: int, size: int) -> SnapshotLine | None:
        return await self._run(lambda: read_snapshot(self._place.disk, log.path, offset, size))

    async def _matches(self, line: SnapshotLine) -> bool:
        """Whether the journal is the one beside which a line was written."""
        try:
            return await self._commit_at(line.position) == line.commit
        except (JournalFailed, JournalCorrupt):
            # Whoever reads that record is told; here it only means that nothing is known.
            return False

    async def _vouched(self) -> tuple[int, str]:
        """Give the last durable record's position and commit value."""
        position = self._head()
        commit = await self._commit_at(position)
        assert commit is not None
        return position, commit

    async def _append(self, data: bytes) -> tuple[Log, int]:
        """Write lines; give the log, and where in it they begin."""
        await self._open()
        log = self._log

        def write() -> tuple[Log, int]:
            target = create_log(self._place) if log is None else log
            return target, append(self._place.disk, target, data)

        written, offset = await self._writing_to_disk(write)
        self._log = written
        return written, offset

    async def _compact(self, log: Log) -> None:
        compaction = Compaction(self._place, log, frozenset(self._versions))

        def attempt(work: Callable[[], T]) -> T:
            try:
                return work()
            except (JournalFailed, JournalCorrupt):
                compaction.give_up()
                raise

        await self._writing_to_disk(lambda: attempt(compaction.begin))
        while not await self._writing_to_disk(lambda: attempt(compaction.step)):
            await trio.lowlevel.checkpoint()
        new = self._log = await self._writing_to_disk(lambda: attempt(compaction.finish))
        # Whoever still reads the old one finds out that it was replaced.
        await self._run(lambda: remove_others(self._place, new.number))

    async def _writing_to_disk(self, work: Callable[[], T]) -> T:
        """Do something that writes, and never again once it has failed."""
        if self._failure is not None:
            raise self._failure.again()
        try:
            return await self._run(work)
        except JournalFailed as failure:
            self._failure = failure
            raise
        except JournalCorrupt as error:
            # Something else lies where a file should be.
            self._failure = JournalFailed("open", error.path, "move it away", error.found)
            raise


def _newest(snapshots: Sequence[Kept], last: int | None, tried: Container[int]) -> Kept | None:
    """The first one of at most this sequence that was not tried yet."""
    untried = (one for one in snapshots if one.offset not in tried)
    return next((one for one in untried if last is None or one.sequence <= last), None)

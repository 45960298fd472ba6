"""Restoring: a new store from a backup, or from a store, up to a moment in its history."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final, TypeAlias, final
from uuid import uuid4

import attrs

from ..errors import JournalCorrupt, shown
from ..filter.times import EXPECTED, period
from ..journal import Head, StoredRecord
from ..journal.chain import Chain
from ..journal.clock import timestamp, utc_now
from ..journal.creating import expect_store, read_identity
from ..journal.disk import Disk, OSDisk
from ..journal.failing import advising
from ..journal.files import size_of
from ..journal.layout import JOURNAL
from ..journal.segment_reader import list_segments
from .new_store import SEGMENT_BYTES_MAX, Identity, NewStore, new_store
from .sound import decisions, sound_commits
from .staging import TRY_AGAIN

Until: TypeAlias = int | str | datetime
"""A position, or a time."""
_LATEST: Final = "9999-12-31T23:59:59.999999Z"


@attrs.frozen
class Restored:
    """What was restored, and what was left out."""

    store: str
    """The store's id, which is the one that it had."""
    history: str
    """The id of its new history."""
    head: Head
    """Where the new store ends."""
    at: str
    """The time of its last record; empty if it has none."""
    source_head: Head
    """Where the source ends, as far as it could be read."""
    damage: JournalCorrupt | None = None
    """Why the source could not be read to its end; only what is left out is concerned."""

    @property
    def left_out(self) -> int:
        """How many records of the source are not in the store."""
        return self.source_head.position - self.head.position


@advising(TRY_AGAIN)
def restore(
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    *,
    until: Until | None = None,
    disk: Disk | None = None,
    segment_bytes_max: int = SEGMENT_BYTES_MAX,
    on_progress: Callable[[int, int], object] = lambda read, in_all: None,
) -> Restored:
    """
    Make a store of a backup, or of another store, also beside its writer.

    It has the store's id and a new history, so that whoever has followed the old one notices.
    Its records are those of the source, with their positions, up to the last whole decision
    that is not behind `until`. The source is checked on the way, and not changed. The store
    is there as a whole or not at all.

    Args:
      source: the directory of the backup, or of the store.
      target: where the new store is to be; nothing may be there, or an empty directory.
      until: a position; or a time, as text (an ISO time, a date, which counts to its end, or
        how long ago: ``-2h``), or as a `datetime` with a zone. None: all there is.
      disk: another disk than the operating system's.
      segment_bytes_max: how long a segment may become.
      on_progress: is called with the bytes read and the bytes in all.

    Raises:
      ValueError: `until` is no position and no time, or a position that the source does not
        have.
      NotAStore: there is no store at `source`.
      JournalCorrupt: the source is damaged before `until`; `repair` makes a store of it.
      TargetRefused: something is at `target`, or it lies in the source.
      JournalFailed: the disk refused.
    """
    real_disk: Disk = OSDisk() if disk is None else disk
    end = _End.of(until)
    path = real_disk.resolve(source)
    expect_store(real_disk, path)
    old = read_identity(real_disk, path)
    identity = Identity(old.store, str(uuid4()), old.created)
    restoring = _Restoring(real_disk, path, end, Chain(old.store, old.history), on_progress)
    with new_store(
        real_disk, real_disk.resolve(target), identity, source=path,
        segment_bytes_max=segment_bytes_max,
    ) as store:  # fmt: skip
        restoring.run(store)
    chain = restoring.chain
    return Restored(
        old.store, identity.history, store.head, store.at, Head(chain.position, chain.value),
        restoring.damage,
    )  # fmt: skip


@attrs.frozen
class _End:
    """The last position and the last time that are wanted."""

    position: int | None
    at: str = _LATEST

    @classmethod
    def of(cls, until: Until | None) -> _End:
        match until:
            case None:
                return cls(None)
            case bool():
                pass
            case int() if until >= 0:
                return cls(until)
            case datetime() if until.tzinfo is not None:
                return cls(None, timestamp(until.astimezone(UTC)))
            case str() if (found := period(until, utc_now())) is not None:
                return cls(None, found.last)
            case _:
                pass
        raise ValueError(f"until: expected a position, or {EXPECTED}, found {shown(until)}")

    def is_behind(self, decision: list[StoredRecord]) -> bool:
        """Whether a decision is not wanted any more."""
        last = decision[-1]
        return last.at > self.at or (self.position is not None and last.position > self.position)


@final
@attrs.define(eq=False)
class _Restoring:
    disk: Disk
    path: str
    end: _End
    chain: Chain
    on_progress: Callable[[int, int], object]
    damage: JournalCorrupt | None = None
    _read: int = 0
    _in_all: int = 0

    def run(self, store: NewStore) -> None:
        directory = f"{self.path}/{JOURNAL}"
        names = list_segments(self.disk, self.path)
        self._in_all = sum(size_of(self.disk, f"{directory}/{name}") for name in names)
        is_over = False
        try:
            for commit in sound_commits(self.disk, self.path, self.chain, self._count):
                for decision in () if is_over else decisions(commit):
                    is_over = self.end.is_behind(decision)
                    if is_over:
                        break
                    store.put(decision)
        except JournalCorrupt as error:
            if not is_over:
                raise
            self.damage = error
        wanted = self.end.position
        if wanted is not None and wanted > self.chain.position:
            raise ValueError(
                f"until: expected a position up to {self.chain.position}, where {self.path} "
                f"ends, found {wanted}"
            )

    def _count(self, size: int) -> None:
        self._read += size
        self.on_progress(self._read, max(self._in_all, self._read))

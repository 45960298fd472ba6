"""
Writing a new store from records that there were before: of an import, a restore, a repair.

Records come decision by decision. Their sequences, ids, times and data stay; positions are
counted anew, and so are commits. What was written is read again before it gets its name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final, final

import attrs
import msgspec

from ..journal import Head, StoredRecord
from ..journal.chain import Chain
from ..journal.clock import timestamp, utc_now
from ..journal.disk import Access, Disk
from ..journal.failing import attempting
from ..journal.file import MEBIBYTE
from ..journal.files import close_quietly, make_durable_file
from ..journal.layout import segment_name
from ..journal.line import FORMAT, StoreLine, record_body
from ..journal.segments import SegmentWriter, header_line
from .sound import commits_in
from .staging import Staging, staged

SEGMENT_BYTES_MAX: Final = 64 * MEBIBYTE
COMMIT_BYTES: Final = MEBIBYTE
"""After about so many bytes a commit ends."""


@attrs.frozen
class Identity:
    """Whose store it will be."""

    store: str
    history: str
    created: str = attrs.field(factory=lambda: timestamp(utc_now()))


@final
@attrs.define(eq=False)
class NewStore:
    """A store that is being written, for a block of `new_store`."""

    staging: Staging
    _chain: Chain
    _writer: SegmentWriter
    position: int = attrs.field(default=0, init=False)
    """The last record's position."""
    at: str = attrs.field(default="", init=False)
    """Its time."""
    _bodies: list[bytes] = attrs.field(factory=list, init=False)
    _size: int = attrs.field(default=0, init=False)
    _is_open: bool = attrs.field(default=True, init=False)

    @property
    def head(self) -> Head:
        """Where the store ends, as soon as it is finished."""
        return Head(self.position, self._chain.value)

    def put(self, decision: Sequence[StoredRecord]) -> None:
        """
        Add all records of a decision.

        Raises:
          JournalFailed: the disk refused.
        """
        for record in decision:
            self.position += 1
            if record.position != self.position:
                record = msgspec.structs.replace(record, position=self.position)
            body = record_body(record)
            self._bodies.append(body)
            self._size += len(body)
            self.at = record.at
        if self._size >= COMMIT_BYTES:
            self._commit()

    def finish(self, now: str, created: str) -> None:
        """Make all of it durable, read it again, and give it its name."""
        if self._bodies:
            self._commit()
        self._writer.write_close(max(now, self.at))
        self._is_open = False
        self._writer.close()
        self._read_again()
        chain = self._chain
        self.staging.finish(StoreLine(FORMAT, chain.store, chain.history, created))

    def give_up(self) -> None:
        """Give the file back that is written."""
        if self._is_open:
            close_quietly(self.staging.disk, self._writer.file)

    def _commit(self) -> None:
        self._writer.write_commit(self._bodies, self.position)
        self._bodies, self._size = [], 0

    def _read_again(self) -> None:
        """See that what is there is what was meant: the commit value stands for all of it."""
        chain = Chain(self._chain.store, self._chain.history)
        for _ in commits_in(self.staging.disk, self.staging.journal, chain):
            pass
        assert (chain.position, chain.value) == (self.position, self._chain.value)


@contextmanager
def new_store(
    disk: Disk,
    target: str,
    identity: Identity,
    *,
    source: str | None = None,
    segment_bytes_max: int = SEGMENT_BYTES_MAX,
    now: Callable[[], str] = lambda: timestamp(utc_now()),
) -> Iterator[NewStore]:
    """
    Write a store for a block. It is there when the block ends, and not if it raises.

    Args:
      target: where; nothing may be there, or an empty directory.
      source: the store that it is made from; the target may not lie in it.
      now: gives the time as the journal writes it.

    Raises:
      TargetRefused: there is something, or the source is around it.
      JournalFailed: the disk refused.
      JournalCorrupt: the disk does not give back what was written.
    """
    with staged(disk, target, source=source) as staging:
        store = NewStore(staging, *_begun(staging, identity, segment_bytes_max))
        try:
            yield store
            store.finish(now(), identity.created)
        except BaseException:
            store.give_up()
            raise


def _begun(
    staging: Staging, identity: Identity, segment_bytes_max: int
) -> tuple[Chain, SegmentWriter]:
    """Make the first segment."""
    disk, directory = staging.disk, staging.journal
    chain = Chain(identity.store, identity.history)
    line, chain.value = header_line(chain)
    chain.segment = 1
    make_durable_file(disk, directory, segment_name(1), line)
    path = f"{directory}/{segment_name(1)}"
    with attempting("open", path):
        file = disk.open(path, Access.WRITE)
    return chain, SegmentWriter(disk, directory, chain, file, 1, len(line), segment_bytes_max)

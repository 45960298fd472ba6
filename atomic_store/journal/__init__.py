"""
Where records are made durable.

In this room: the `Journal` protocol, the journals that come with the library, and
the pure code for what they read and write. Nothing here knows of scopes' actors,
rounds or validators.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeAlias

import attrs

from ..errors import JournalFailed
from .commit import Commit
from .record import Draft, EncodedEvent, Snapshot, StoredRecord
from .wanted import Page, Wanted

__all__ = [
    "Commit",
    "Draft",
    "EncodedEvent",
    "Head",
    "Journal",
    "OnCommit",
    "OnFailure",
    "Page",
    "RecordSource",
    "Recovery",
    "ScopeEnd",
    "Snapshot",
    "StoredRecord",
    "Wanted",
]

OnCommit: TypeAlias = Callable[[Sequence[StoredRecord]], object]
OnFailure: TypeAlias = Callable[[JournalFailed], object]


@attrs.frozen
class Head:
    """Where a journal ends: all up to here is durable."""

    position: int
    """The last record's position; 0 in an empty journal."""
    commit: str
    """The last commit's value, 32 hexadecimal digits: it stands for all bytes up to here."""


@attrs.frozen
class ScopeEnd:
    """Where a scope ends."""

    scope: str
    sequence: int
    """Its last record's sequence; 0 if it has none."""
    position: int
    """Its last record's position; 0 if it has none."""
    at: str = ""
    """Its last record's time; empty if it has none."""


@attrs.frozen
class Recovery:
    """What opening a journal found, and what it did about it."""

    was_created: bool = False
    """There was none before."""
    was_closed: bool = True
    """The last writer closed it; else it was killed, or failed."""
    records: int = 0
    segments: int = 0
    torn_bytes: int = 0
    """The length of the unfinished commit that was cut off; never acknowledged to anybody."""
    torn_kept: str | None = None
    """The file that keeps what was cut off."""
    notes: tuple[str, ...] = ()
    """Whatever else was odd, a sentence each."""


class RecordSource(Protocol):
    """What durable records can be read from; each `Journal` is one."""

    @property
    def head(self) -> Head:
        """The last durable record and commit value."""
        ...

    async def read_scope(
        self,
        scope: str,
        *,
        first: int = 1,
        last: int | None = None,
        limit: int | None = None,
        reverse: bool = False,
    ) -> list[StoredRecord]:
        """Read a scope's durable records by sequence; see `Journal`."""
        ...

    async def scan(self, wanted: Wanted, *, limit: int) -> Page:
        """Look for durable records that are wanted; see `Journal`."""
        ...


class Journal(Protocol):
    """
    Where decisions are made durable and records are read.

    A journal is used by one store at a time, in one Trio thread. Appending is in two
    halves: `append_nowait` gives records their places at once, and the `Commit` that
    comes with them tells when they are on disk. Reading shows only durable records.
    `atomic_store.testing.check_journal` is the suite that every journal passes.
    """

    @property
    def sole_writer(self) -> bool:
        """Whether nobody else can append: only then may rounds be pipelined."""
        ...

    @property
    def head(self) -> Head:
        """The last durable record and commit value."""
        ...

    @property
    def recovery(self) -> Recovery:
        """What opening found."""
        ...

    @property
    def failure(self) -> JournalFailed | None:
        """Why the journal stopped, if it has: it refuses everything but reading from then on."""
        ...

    def observe(self, on_commit: OnCommit, on_failure: OnFailure) -> None:
        """
        Have `on_commit(records)` called in Trio's thread for each commit, in order.

        It comes after `head` has moved and before anyone who waits for the commit is
        woken. `on_failure(failure)` is called once, before anyone is told of it.
        One observer; neither may raise.
        """
        ...

    def append_nowait(
        self, draft: Draft, *, expected_sequence: int
    ) -> tuple[tuple[StoredRecord, ...], Commit]:
        """
        Put the events of one decision behind all others: all of them, or none.

        Args:
          expected_sequence: the scope's last sequence as the decision saw it, what is
            not yet durable included; 0 for a new scope.

        Returns:
          The records with their places, and the commit that makes them durable.

        Raises:
          SequenceConflict: the scope has moved on; nothing was stored.
          InvalidEvent: the draft cannot be stored (no events, too large); nothing was.
          JournalFailed: the journal has failed before; nothing was stored.
          StoreClosed: the journal is closed; nothing was stored.
        """
        ...

    def flush_nowait(self) -> None:
        """
        Start writing what was appended, unless a write is under way: then that comes first.

        Whatever has been appended when a write starts becomes one commit.
        """
        ...

    async def scope_end(self, scope: str) -> ScopeEnd:
        """Where a scope ends; sequence 0 for an unknown one. Checkpoints; may be cancelled."""
        ...

    async def read_scope(
        self,
        scope: str,
        *,
        first: int = 1,
        last: int | None = None,
        limit: int | None = None,
        reverse: bool = False,
    ) -> list[StoredRecord]:
        """
        Read a scope's durable records by sequence, both bounds included.

        An unknown scope, a limit of 0 and bounds that cross give an empty list.
        Checkpoints; may be cancelled.

        Raises:
          JournalCorrupt: a record that was asked for is damaged.
        """
        ...

    async def read_all(self, *, after: int = 0, limit: int) -> list[StoredRecord]:
        """
        Read durable records of all scopes in the order of position.

        Args:
          after: a position; reading begins behind it.
          limit: how many at most.

        Checkpoints; may be cancelled. Raises as `read_scope`.
        """
        ...

    async def scan(self, wanted: Wanted, *, limit: int) -> Page:
        """
        Look for durable records that are wanted, in the order that is asked for.

        Looking is done where the records are: only those that are wanted come back. It
        may end early, with no record at all, so that nobody waits long for an answer;
        whoever wants more calls again with `wanted.going_on_at(page.next)`.

        Args:
          wanted: which ones; `wanted.matches` tells it of each.
          limit: how many at most, from 1.

        Checkpoints; may be cancelled. Raises as `read_scope`; what lies before the damage
        is given first. `InvalidEvent`: the filter had to decode what is not JSON text.
        """
        ...

    async def find(self, scope: str, proposal_id: str) -> tuple[StoredRecord, ...]:
        """
        The durable records of one admitted proposal; none if there is no such.

        Checkpoints; may be cancelled. Raises as `read_scope`.
        """
        ...

    def lacks(self, scope: str, proposal_id: str) -> bool:
        """
        Whether it is known at once that `find` would find nothing. Never blocks.

        False says nothing: it may have to be looked up.
        """
        ...

    async def scopes(
        self, *, prefix: str = "", after: str | None = None, limit: int = 1000
    ) -> list[ScopeEnd]:
        """
        A page of the scopes ever used, ordered by code point.

        Args:
          prefix: only those that begin with it.
          after: only those behind this one.
          limit: how many at most.

        Checkpoints; may be cancelled.
        """
        ...

    # --- snapshots: derived, so that losing them costs nothing but time --------------------

    @property
    def snapshots_skipped(self) -> int:
        """How many snapshots were found damaged, or not to match the records, since opening."""
        ...

    async def load_snapshot(
        self, scope: str, *, version: int, last: int | None = None
    ) -> Snapshot | None:
        """
        Give the newest usable snapshot of a scope; None if there is none.

        One counts only for the version of the fold that made it, only if it is undamaged,
        and only beside the records that it was saved beside; else an older one counts. At
        least the two that were saved last for a scope and a version are kept.

        Args:
          version: the fold's.
          last: a sequence; only one of this or a lower one.

        Checkpoints; may be cancelled.
        """
        ...

    async def save_snapshots(self, snapshots: Sequence[Snapshot]) -> None:
        """
        Keep the states of some scopes, each as of one of its durable records.

        A second one for the same scope, version and sequence takes the first one's place.
        A failure is none of the journal: it goes on without.

        Checkpoints; may be cancelled, and then keeps some of them, all or none.

        Raises:
          ValueError: one is of a sequence that its scope does not have, or not durably;
            none was kept.
          JournalFailed: they could not be written, and no others will be.
          JournalCorrupt: the last record is damaged.
          StoreClosed: the journal is closed.
        """
        ...

    async def delete_snapshots(
        self, scope: str, *, first: int = 1, last: int | None = None
    ) -> None:
        """
        Forget snapshots of a scope, of all versions, by sequence, both bounds included.

        Checkpoints; may be cancelled. Raises as `save_snapshots`, but no `ValueError`.
        """
        ...

"""Showing a scope's past to whoever decides: only what was not seen, a page at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, final

import attrs
import trio

from ..journal import StoredRecord
from ..journal.record import size_of_all
from ..store import Store
from .peer import Peer
from .protocol.client_messages import Propose
from .protocol.paging import FRAME_BYTES, pages, past_message, record_text

READ_RECORDS_FIRST: Final = 16
"""How many records are read from the journal first: nobody knows yet how large they are."""
READ_RECORDS_MAX: Final = 500
"""How many are read at a time at most."""
READ_BYTES: Final = 4 * 1024 * 1024
"""How much is read at a time, if the records are as large as those before them."""


@final
@attrs.define(eq=False)
class Held:
    """What a client holds of a scope's past: what it says, and what it has been sent since."""

    sequence: int = 0
    """The last record's sequence."""
    id: str | None = None
    """That record's id, if the client has said it."""
    is_sure: bool = True
    """Whether that is what the scope has; it is not if the client was not asked to prove it."""

    @classmethod
    def claimed(cls, request: Propose) -> Held:
        """What the proposer says that it holds."""
        return cls(request.known, request.known_id, is_sure=request.known == 0)

    def is_newest(self, store: Store[Any], scope: str) -> bool:
        """
        Make sure without waiting, if that can be, that it is the scope's last record.

        It can be of a scope that was proposed to a short time ago; mostly it is so.
        """
        live = store._supervisor.scopes.get(scope)
        if self.id is None or live is None or live.sequence != self.sequence:
            return False
        # What is in the window is durable.
        last = store._hub.record(live.position)
        if last is None or (last.scope, last.sequence, last.id) != (
            scope, self.sequence, self.id,
        ):  # fmt: skip
            return False
        self.is_sure = True
        return True

    async def look_up(self, store: Store[Any], scope: str) -> None:
        """Make sure: where the client's record is another one here, or none, it holds nothing."""
        known, journal = self.sequence, store._parts.journal
        end = await journal.scope_end(scope)
        if known > end.sequence:
            self.sequence = 0
        elif self.id is not None:
            # Mostly it is the last one, and that is in memory.
            found = store._hub.record(end.position) if known == end.sequence else None
            if found is None:
                (found,) = await journal.read_scope(scope, first=known, last=known)
            if found.id != self.id:
                self.sequence = 0
        self.is_sure = True


async def show_past(
    peer: Peer, id_: int, store: Store[Any], scope: str, held: Held, last: int | None,
    showing: trio.CancelScope, round_: str | None = None,
) -> None:  # fmt: skip
    """
    Send a scope's durable past behind what is held, at the client's pace.

    Args:
      held: is moved on with every page.
      last: the last sequence to send; None for all that is durable now.
      showing: once it is cancelled nothing more is sent, not even what is ready.
    """
    if last is None and held.is_newest(store, scope):
        return
    if not held.is_sure:
        await held.look_up(store, scope)
    limit = READ_RECORDS_FIRST
    while last is None or held.sequence < last:
        async with peer.reading:
            stored = await store._parts.journal.read_scope(
                scope, first=held.sequence + 1, last=last, limit=limit
            )
            if not await _send(peer, id_, stored, held, showing, round_):
                return
        if len(stored) < limit:
            return
        limit = _next_limit(limit, stored)


async def _send(
    peer: Peer, id_: int, stored: Sequence[StoredRecord], held: Held,
    showing: trio.CancelScope, round_: str | None,
) -> bool:  # fmt: skip
    """Send some records; whether anybody wants more."""
    bytes_max = peer.limits.message_bytes - FRAME_BYTES
    texts = (record_text(one, bytes_max) for one in stored)
    for page in pages(texts, bytes_max, peer.limits.page_records):
        await peer.outbox.room()
        if showing.cancel_called:
            return False
        after, through = held.sequence, held.sequence + len(page)
        # Not behind the records of subscriptions: the question follows as an answer.
        text = past_message(id_, page, after=after, through=through, round_=round_)
        peer.tell_text(id_, "past", text)
        held.sequence = through
    return True


def _next_limit(limit: int, stored: Sequence[StoredRecord]) -> int:
    """How many records to read next, going by how large these were."""
    average = size_of_all(stored) // len(stored) + 1
    return max(1, min(4 * limit, READ_RECORDS_MAX, READ_BYTES // average))

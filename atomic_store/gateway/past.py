"""Showing a scope's past to whoever decides: only what was not seen, a page at a time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any, Final

from ..journal import Journal, StoredRecord
from ..store import Store
from .peer import Peer
from .protocol.paging import FRAME_BYTES, pages, past_message, record_text

READ_RECORDS: Final = 500
"""How many records are read from the journal at a time."""


async def known_for_sure(store: Store[Any], scope: str, known: int, known_id: str | None) -> int:
    """
    Give the sequence up to which a client holds a scope's past.

    Args:
      known, known_id: the last record that it says it holds.

    Returns:
      0 if that record is another one here, or none.
    """
    if known == 0:
        return 0
    journal = store._parts.journal
    end = await journal.scope_end(scope)
    if known > end.sequence:
        return 0
    if known_id is None:
        return known
    # Mostly it is the last one, and that is in memory.
    found = store._hub.record(end.position) if known == end.sequence else None
    if found is None:
        (found,) = await journal.read_scope(scope, first=known, last=known)
    return known if found.id == known_id else 0


async def show_past(
    peer: Peer, id_: int, journal: Journal, scope: str, after: int, last: int | None,
    round_: str | None = None,
) -> int:  # fmt: skip
    """
    Send a scope's durable past behind a sequence, at the client's pace.

    Args:
      last: the last sequence to send; None for all that is durable now.

    Returns:
      The last sequence that was sent, or `after`.
    """
    bytes_max = peer.limits.message_bytes - FRAME_BYTES
    async for stored in _stored(journal, scope, after, last):
        texts = [record_text(one, bytes_max) for one in stored]
        for page in pages(texts, bytes_max, peer.limits.page_records):
            await peer.outbox.room()
            through = after + len(page)
            # Not behind the records of subscriptions: the question follows as an answer.
            peer.outbox.answer(past_message(id_, page, after=after, through=through, round_=round_))
            after = through
    return after


async def _stored(
    journal: Journal, scope: str, after: int, last: int | None
) -> AsyncIterator[Sequence[StoredRecord]]:
    while last is None or after < last:
        page: list[Any] = await journal.read_scope(
            scope, first=after + 1, last=last, limit=READ_RECORDS
        )
        if not page:
            return
        yield page
        after += len(page)
        if len(page) < READ_RECORDS:
            return

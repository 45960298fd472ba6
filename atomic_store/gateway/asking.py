"""Queries: pages of what is durable."""

from __future__ import annotations

from typing import Any, Final, final

import attrs

from ..errors import AtomicStoreError
from ..intake import check_scope
from ..journal import StoredRecord, Wanted
from ..reading import filter_of, moment
from ..store import Store
from .faults import error_for
from .peer import Peer
from .protocol import server_messages as say
from .protocol.client_messages import Query
from .protocol.codes import ErrorCode
from .protocol.paging import FRAME_BYTES, pages, record_text, records_body, records_head

SCANNED_MAX: Final = 20_000
"""How many positions a query looks at before its page is over."""


@final
@attrs.define(eq=False)
class Asking:
    """Answers queries."""

    store: Store[Any]

    async def query(self, peer: Peer, request: Query) -> None:
        """Answer a query with a page of records."""
        try:
            await self._query(peer, request)
        except AtomicStoreError as error:
            peer.finish(request.id, error_for(error, request.id))
        except ValueError as error:
            # What was asked cannot be: that is told who asked, and is nothing for the log.
            peer.finish(request.id, say.error(ErrorCode.BAD_MESSAGE, str(error), request.id))

    async def _query(self, peer: Peer, request: Query) -> None:
        limit = min(request.limit or peer.limits.page_records, peer.limits.page_records)
        wanted: Wanted | None = await self._wanted(request)
        head = self.store.head.position
        scanned = 0
        while wanted is not None and limit > 0 and scanned < SCANNED_MAX:
            async with peer.reading:
                page = await self.store._parts.journal.scan(wanted, limit=limit)
                await self._send(peer, request.id, page.records)
            limit -= len(page.records)
            scanned += _passed(wanted, page.next, head)
            wanted = None if page.next is None else wanted.going_on_at(page.next)
        following = None if wanted is None else await self._going_on(request, wanted, head)
        peer.finish(request.id, say.Done(id=request.id, next=following, scanned=scanned))

    async def _send(self, peer: Peer, id_: int, records: list[StoredRecord]) -> None:
        bytes_max = peer.limits.message_bytes - FRAME_BYTES
        texts = (record_text(record, bytes_max) for record in records)
        for page in pages(texts, bytes_max, peer.limits.page_records):
            await peer.outbox.room()
            # In the order of its other messages: the last one is an answer, too.
            peer.tell_text(id_, "records", records_head(id_) + records_body(page))

    async def _going_on(self, request: Query, wanted: Wanted, head: int) -> int | None:
        """
        Give what takes the place of the bound that a query was asked with.

        A sequence where it was asked by sequences, else a position: `after`, or `before`
        where the last one comes first.
        """
        position = (wanted.last or head) + 1 if wanted.reverse else wanted.first - 1
        if request.after_sequence is None and request.before_sequence is None:
            return position
        passed = Wanted(
            scope=request.scope, reverse=not wanted.reverse,
            first=position if wanted.reverse else 1, last=None if wanted.reverse else position,
        )  # fmt: skip
        page = await self.store._parts.journal.scan(passed, limit=1)
        return page.records[0].sequence if page.records else None

    async def _wanted(self, request: Query) -> Wanted | None:
        if request.scope is not None:
            check_scope(request.scope)
        reverse = request.order == "desc"
        at = None if request.at is None else moment(request.at, reverse=reverse)
        first, last = (request.after or 0) + 1, None
        if request.before is not None:
            last = request.before - 1
        bounds = (request.after_sequence, request.before_sequence)
        if bounds != (None, None):
            if request.scope is None:
                raise ValueError("expected sequences only with `scope`")
            found = await self._positions(request.scope, *bounds)
            if found is None:
                return None
            first = max(first, found[0])
            last = found[1] if last is None else min(last, found[1])
        if last is not None and last < first:
            return None
        return Wanted(
            first=first, last=last, scope=request.scope, prefix=request.prefix or "",
            since=None if reverse else at, until=at if reverse else None,
            where=filter_of(request.where), reverse=reverse,
        )  # fmt: skip

    async def _positions(
        self, scope: str, after: int | None, before: int | None
    ) -> tuple[int, int] | None:
        """The positions between which some sequences lie; None if there are none."""
        journal = self.store._parts.journal
        first, last = (after or 0) + 1, None if before is None else before - 1
        if last is not None and last < first:
            return None
        begin = await journal.read_scope(scope, first=first, last=last, limit=1)
        end = await journal.read_scope(scope, first=first, last=last, limit=1, reverse=True)
        return (begin[0].position, end[0].position) if begin else None


def _passed(wanted: Wanted, following: int | None, head: int) -> int:
    """How many positions a page has passed by."""
    last = min(wanted.last or head, head)
    if wanted.reverse:
        return max(0, last - (wanted.first - 1 if following is None else following))
    return max(0, (last + 1 if following is None else following) - wanted.first)

"""The gateway's records as a source that the library's own reading calls read from."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, final

import attrs

from ...journal import Head, Page, StoredRecord, Wanted
from ..protocol import client_messages as asked
from ..protocol import server_messages as said
from .asking import ask
from .calls import Asking
from .link import Link
from .wire import stored

PAGE_RECORDS = 500
"""How many records are asked for at a time; the gateway may give fewer."""


@final
@attrs.define(eq=False)
class RemoteSource:
    """
    Records behind a gateway, as a `RecordSource`. For one reading.

    Args:
      scope, prefix: what the reading covers.
    """

    _link: Link
    _scope: str | None = None
    _prefix: str | None = None
    head: Head = attrs.Factory(lambda: Head(0, ""))
    """The last position that it covers, as of `refresh`."""

    async def refresh(self) -> None:
        """Find out where it ends."""
        wanted = Wanted(scope=self._scope, prefix=self._prefix or "", reverse=True)
        page = await self.scan(wanted, limit=1)
        while not page.records and page.next is not None:
            page = await self.scan(wanted.going_on_at(page.next), limit=1)
        self.head = Head(page.records[0].position if page.records else 0, "")

    async def scan(self, wanted: Wanted, *, limit: int) -> Page:
        """Look for records that are wanted; see `Journal`."""
        where = None if wanted.where is None else wanted.where.text
        query = partial(
            asked.Query,
            scope=wanted.scope,
            prefix=wanted.prefix or None,
            all=wanted.scope is None and not wanted.prefix,
            after=wanted.first - 1 if wanted.first > 1 else None,
            before=None if wanted.last is None else wanted.last + 1,
            at=wanted.until if wanted.reverse else wanted.since,
            order="desc" if wanted.reverse else "asc",
            limit=min(limit, PAGE_RECORDS),
            where=where,
        )
        found, next_ = await self._query(query, where)
        if next_ is not None:
            # It takes the place of the bound that was asked with; a page goes on at a record.
            next_ += -1 if wanted.reverse else 1
        return Page(found, next_)

    async def read_scope(
        self,
        scope: str,
        *,
        first: int = 1,
        last: int | None = None,
        limit: int | None = None,
        reverse: bool = False,
    ) -> list[StoredRecord]:
        """Read a scope's records by sequence; see `Journal`."""
        found: list[StoredRecord] = []
        after, before = first - 1, None if last is None else last + 1
        while limit is None or len(found) < limit:
            query = partial(
                asked.Query,
                scope=scope,
                # Always one of them: then the answer goes on by sequence, too.
                after_sequence=after,
                before_sequence=before,
                order="desc" if reverse else "asc",
                limit=PAGE_RECORDS if limit is None else min(limit - len(found), PAGE_RECORDS),
            )
            page, next_ = await self._query(query, None)
            found += page
            if next_ is None:
                break
            if reverse:
                before = next_
            else:
                after = next_
        return found

    async def _query(
        self, query: Callable[..., asked.Query], where: str | None
    ) -> tuple[list[StoredRecord], int | None]:
        number = self._link.conversation.new_number()
        call = Asking(lambda id_: query(id=id_), said.Records, number=number)
        done = await ask(self._link, call, where)
        messages: list[Any] = call.found
        found = [stored(record) for message in messages for record in message.records]
        return found, done.next if isinstance(done.next, int) else None

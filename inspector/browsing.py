"""A list of records kept up to date: fetched where somebody looks, searched, followed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Final, TypeAlias, final

import attrs

from atomic_store.journal import StoredRecord

from .desk import Desk
from .model.hits import HitListing
from .model.listing import AllListing, ByPosition, BySequence, Fetch, Grown, ScopeListing
from .model.which import Which
from .sources.source import Found, Send

AnyListing: TypeAlias = AllListing | ScopeListing | HitListing

LATER: Final = 1 << 62
"""Behind every position."""


@final
@attrs.define
class Search:
    """How far a search has come, in one direction."""

    done: int = 0
    total: int = 0
    is_over: bool = False


@final
@attrs.define(eq=False)
class Browsing:
    """
    The records that are wanted, as a listing that grows.

    Args:
      desk: where they come from.
      which: which they are.
      at: the position to begin at; None: the end.
      on_change: is told that there is something to draw: what has come before and behind, and
        whether it happened only now.
    """

    desk: Desk
    which: Which
    at: int | None
    on_change: Callable[[Grown, bool], None]
    listing: AnyListing = attrs.field(init=False)
    is_begun: bool = False
    """What there is at first is known."""
    searches: tuple[Search, ...] = ()
    _begin_index: int = -1
    _wanted: tuple[int, int] = (0, -1)
    _searching: list[asyncio.Task[None]] = attrs.Factory(list)
    _wake: asyncio.Event = attrs.Factory(asyncio.Event)
    # The first of two searches has said something.
    _heard: asyncio.Event = attrs.Factory(asyncio.Event)

    def __attrs_post_init__(self) -> None:
        self.listing = HitListing()
        if self.which.is_all:
            self.listing = AllListing(0)
        elif self.which.is_whole_scope and self.which.scope is not None:
            self.listing = ScopeListing(self.which.scope, 0)

    @property
    def is_searching(self) -> bool:
        """Not all has been looked at yet."""
        return not all(search.is_over for search in self.searches)

    @property
    def searched(self) -> float:
        """How much of all has been looked at, from 0 to 1."""
        total = sum(search.total for search in self.searches)
        return min(1.0, sum(search.done for search in self.searches) / total) if total else 0.0

    def wants(self, first: int, last: int) -> None:
        """Be told which rows are looked at: they are fetched, and no others that were wanted."""
        if (first, last) != self._wanted:
            self._wanted = first, last
            self._wake.set()

    async def run(self) -> None:
        """Fetch, search and follow until cancelled."""
        end = await self.desk.bridge.call(self.desk.source.position)
        begin = end if self.at is None else min(self.at, end)
        async with asyncio.TaskGroup() as tasks:
            if isinstance(self.listing, HitListing):
                self.searches = (Search(), Search())
                before, behind = self.searches
                self._searching = [
                    tasks.create_task(self._search(before, 0, begin + 1, None)),
                    tasks.create_task(self._search(behind, begin, end + 1, self._heard)),
                ]
            else:
                await self._measure(end)
            self.is_begun = True
            self.on_change(Grown(), False)
            tasks.create_task(self._follow(end))
            await self._fetch()

    def stop_searching(self) -> None:
        """Look no further; what was found stays, and what comes is still followed."""
        for task in self._searching:
            task.cancel()

    # --- what there is ----------------------------------------------------------------------

    async def _measure(self, end: int) -> None:
        """Learn how long the list is."""
        if isinstance(self.listing, AllListing):
            self.listing.grow(end)
            self._begin_index = self.listing.index_at(end if self.at is None else self.at)
        elif isinstance(self.listing, ScopeListing):
            found = await self.desk.bridge.call(self.desk.source.scope_end, self.listing.scope)
            if found is not None:
                self.listing.grow(found.sequence)
            index = None if self.at is None else await self._index_of_first(self.at)
            self._begin_index = self.listing.count - 1 if index is None else index

    async def _follow(self, end: int) -> None:
        # What comes stands behind all hits: they are searched first.
        if self._searching:
            await asyncio.wait(self._searching[1:])
        source = self.desk.source
        async with self.desk.bridge.stream(source.follow, self.which, end) as batches:
            async for batch in batches:
                records = [record for followed in batch for record in followed.records]
                if records:
                    self._take(records, is_new=True)

    async def _search(
        self, search: Search, after: int, before: int, begin: asyncio.Event | None
    ) -> None:
        """Search in one direction: from the end if it is the first one, which has no `begin`."""
        source, reverse = self.desk.source, begin is None
        try:
            if begin is not None:
                # Two at once would keep each other, and the screen, from the first hits.
                await begin.wait()
            async with self.desk.bridge.stream(
                source.search, self.which, after=after, before=before, reverse=reverse
            ) as batches:
                async for batch in batches:
                    self._heard.set()
                    search.done, search.total = batch[-1].done, batch[-1].total
                    self._take(
                        [record for found in batch for record in found.records], is_new=False
                    )
                    if isinstance(self.listing, HitListing) and self.listing.is_full:
                        break
        finally:
            self._heard.set()
            search.is_over = True
            self.on_change(Grown(), False)

    # --- what is looked at --------------------------------------------------------------------

    async def _fetch(self) -> None:
        """Fetch what is looked at, again and again; what was looked at before is forgotten."""
        while True:
            fetches = self.listing.wants(*self._wanted)
            if not fetches:
                await self._wake.wait()
                self._wake.clear()
                continue
            self._wake.clear()
            fetch = self._nearest(fetches)
            self.listing.take(await self._fetched(fetch), fetch)
            self.on_change(Grown(), False)

    def _nearest(self, fetches: Sequence[Fetch]) -> Fetch:
        """The first of them: rows are read from above."""
        return fetches[0]

    async def _fetched(self, fetch: Fetch) -> list[StoredRecord]:
        bridge, source = self.desk.bridge, self.desk.source
        if isinstance(fetch, ByPosition):
            return await bridge.call(
                source.page, self.which, after=fetch.first - 1, before=fetch.last + 1,
                limit=fetch.last - fetch.first + 1,
            )  # fmt: skip
        if isinstance(fetch, BySequence):
            return await bridge.call(source.in_scope, fetch.scope, fetch.first, fetch.last)
        found: list[StoredRecord] = []

        async def keep(part: Found) -> None:
            found.extend(part.records)

        send: Send[Found] = keep
        await bridge.call(
            source.search, send, self.which, after=fetch.first - 1, before=fetch.last + 1
        )
        return found

    def _take(self, records: Sequence[StoredRecord], *, is_new: bool) -> None:
        grown = self.listing.take(records)
        self._wake.set()
        self.on_change(grown, is_new)

    # --- places -------------------------------------------------------------------------------

    @property
    def is_by_sequence(self) -> bool:
        """A sequence says where in the list."""
        return isinstance(self.listing, ScopeListing)

    @property
    def begin_index(self) -> int:
        """Where the cursor is to be at first, as far as that is known yet."""
        if isinstance(self.listing, HitListing):
            return self.listing.index_at(LATER if self.at is None else self.at)
        return self._begin_index

    async def index_at(self, position: int) -> int | None:
        """Say where a position is, or the first wanted record behind it; None if there is none."""
        if isinstance(self.listing, AllListing):
            return self.listing.index_at(position)
        if isinstance(self.listing, HitListing):
            return self.listing.index_at(position) if self.listing.count else None
        return await self._index_of_first(position)

    async def index_at_time(self, at: str) -> int | None:
        """Say where the first record of a time, or later, is; None if all are earlier."""
        which = Which(scope=self.which.scope, prefix=self.which.prefix)
        record = await self.desk.bridge.call(self.desk.source.at_time, at, which)
        if record is None:
            return None
        if isinstance(self.listing, ScopeListing):
            return record.sequence - 1
        return await self.index_at(record.position)

    async def _index_of_first(self, position: int) -> int | None:
        """Say where the first record of the scope at a position, or behind it, is."""
        records = await self.desk.bridge.call(
            self.desk.source.page, self.which, after=position - 1, limit=1
        )
        return records[0].sequence - 1 if records else None

"""A gateway: a store behind a network, live."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, final

import attrs
import trio

from atomic_store.feed import CaughtUp, FeedItem
from atomic_store.gateway.client import Client, RemoteFeed, open_client
from atomic_store.gateway.client.asking import scopes_page
from atomic_store.gateway.client.errors import GatewayClosed
from atomic_store.gateway.client.operating import verification_of
from atomic_store.gateway.client.source import RemoteSource
from atomic_store.gateway.protocol.rights import Right
from atomic_store.gateway.protocol.server_messages import ScopeShown, Welcome
from atomic_store.journal import StoredRecord
from atomic_store.journal.stock import Stock
from atomic_store.journal.verify import Verification

from ..model.scope_seen import Round, ScopeSeen, State
from ..model.which import Which
from .errors import CannotDo
from .looking import POSITION_MAX, can_be, first_at, is_text, page_of, search, wanted_of
from .source import Feature, Followed, Found, Health, OnProgress, Send

NAME = "atomic-store-inspector"
GATHER_S = 0.03
"""How long records gather, once some were sent: whoever shows them looks no more often."""
MANY_RECORDS = 500
"""So many are sent at once, and do not wait for others."""

_STATES = {state.value: state for state in State}


@final
@attrs.define(eq=False)
class GatewaySource:
    """
    A `Source` that is a gateway. Opened by `open_gateway_source`.

    While the connection is lost, calls wait for the next one, and streams go on with it.
    Whoever will not wait cancels. Once the gateway wants no more of this client, all calls
    raise `GatewayClosed`.
    """

    place: str
    _client: Client[Any]
    # What the gateway said last of itself and of us: it counts while the connection is lost.
    _welcome: Welcome

    @property
    def features(self) -> frozenset[Feature]:
        """What it can do depends on what the token may: `operate`, or only to read."""
        prefixes = self._told.rights.get(Right.OPERATE, [])
        found = {Feature.STATES}
        if prefixes:
            found.add(Feature.END_ROUND)
        if "" in prefixes:
            found |= {Feature.FIGURES, Feature.VERIFY}
        return frozenset(found)

    @property
    def _told(self) -> Welcome:
        self._welcome = self._client.welcome or self._welcome
        return self._welcome

    # --- how it goes ------------------------------------------------------------------------

    async def health(self) -> Health:
        """
        Say who we are to the gateway, or why the connection is lost.

        Checkpoints: always. Cancellation: changes nothing.
        """
        await trio.lowlevel.checkpoint()
        outage, stopped = self._client.outage, self._client._link.stopped
        if stopped is not None:
            return Health(False, f"lost for good: {stopped.message}")
        if outage is None:
            return Health(True, f"connected as {self._told.principal}")
        now = trio.current_time()
        next_try = ""
        if outage.next_try is not None:
            left_s = outage.next_try - now
            next_try = f"; next try in {left_s:.0f} s" if left_s >= 0.5 else "; trying again"
        # The number of a connection that nobody closed says nothing to people.
        reason = outage.reason.replace("closed with 1006", "the connection broke")
        return Health(False, f"lost {_ago(now - outage.since)}: {reason}{next_try}")

    async def position(self) -> int:
        """
        Give the last record's position now; see `Source`.

        A token that may read some prefixes only sees the last record of those.
        """
        await trio.lowlevel.checkpoint()
        last = 0
        for prefix in self._readable():
            source = RemoteSource(self._client._link, None, prefix or None)
            await source.refresh()
            last = max(last, source.head.position)
        return last

    def _readable(self) -> list[str]:
        prefixes = self._told.rights.get(Right.READ, [])
        # Without any, the gateway says so itself.
        return [""] if "" in prefixes else prefixes or [""]

    # --- reading ----------------------------------------------------------------------------

    async def scope_end(self, scope: str) -> ScopeSeen | None:
        """Say where a scope ends, and what it does; see `Source`."""
        await trio.lowlevel.checkpoint()
        if not can_be(scope):
            return None
        # Of the names that begin so, it is the first one.
        page, _ = await scopes_page(self._client._link, scope, None, 1)
        return seen(page[0]) if page and page[0].scope == scope else None

    async def page(
        self, which: Which, *, after: int = 0, before: int | None = None, reverse: bool = False,
        limit: int,
    ) -> list[StoredRecord]:  # fmt: skip
        """Read some records that are wanted; see `Source`."""
        wanted = wanted_of(which, after=after, before=before, reverse=reverse)
        return await page_of(self._source(which), wanted, limit)

    async def in_scope(self, scope: str, first: int, last: int) -> list[StoredRecord]:
        """Read a scope's records by sequence; see `Source`."""
        await trio.lowlevel.checkpoint()
        first, last = max(1, first), min(last, POSITION_MAX)
        if not can_be(scope) or last < first:
            return []
        return await RemoteSource(self._client._link).read_scope(scope, first=first, last=last)

    async def at_time(self, at: str, which: Which) -> StoredRecord | None:
        """Give the first record that is wanted at a time or later; see `Source`."""
        return await first_at(self._source(which), at, which)

    async def search(
        self, send: Send[Found], which: Which, *, after: int = 0, before: int | None = None,
        reverse: bool = False,
    ) -> None:  # fmt: skip
        """Look through records and send those that match; see `Source`. The gateway looks."""
        wanted = wanted_of(which, after=after, before=before, reverse=reverse)
        source = self._source(which)
        if wanted is not None:
            await source.refresh()
        await search(source, send, wanted, source.head.position)

    def _source(self, which: Which) -> RemoteSource:
        return RemoteSource(self._client._link, which.scope, which.prefix or None)

    # --- following --------------------------------------------------------------------------

    async def follow(self, send: Send[Followed], which: Which, after: int) -> None:
        """
        Send all wanted records behind a position, now and as they come; see `Source`.

        Lost connections are gone over without gap or duplicate. Those that come quickly are
        sent together, some thirty times a second.

        Raises:
          StoreReplaced: the gateway has another history now, or `after` lies ahead of it.
        """
        if not can_be(which.scope) or not is_text(which.prefix):
            await send(Followed((), max(0, after)))
            await trio.sleep_forever()
        async with self._client.subscribe(
            scope=which.scope, prefix=which.prefix or None, where=which.where, after=max(0, after)
        ) as feed:
            sent_at = -GATHER_S
            while True:
                item = await self._next(feed)
                await trio.sleep_until(sent_at + GATHER_S)
                while True:
                    followed = taken(feed, item)
                    await send(followed)
                    # More that came while this was sent is history, most likely.
                    if len(followed.records) < MANY_RECORDS:
                        break
                    item = await self._next(feed)
                sent_at = trio.current_time()

    async def _next(self, feed: RemoteFeed[Any]) -> FeedItem[Any]:
        try:
            return await anext(feed)
        except StopAsyncIteration:
            raise GatewayClosed("the gateway ended the subscription") from None

    async def watch_scopes(self, send: Send[Sequence[ScopeSeen]], prefix: str = "") -> None:
        """
        Send all scopes, then those that change; see `Source`.

        After a lost connection all of them are sent again.
        """
        if not is_text(prefix):
            await send(())
            await trio.sleep_forever()
        async with self._client.watch_scopes(prefix) as feed:
            if not await self._has_scopes(prefix):
                await send(())
            async for scopes in feed:
                await send(list(map(seen, scopes)))
        raise GatewayClosed("the gateway ended the watching of scopes")

    async def _has_scopes(self, prefix: str) -> bool:
        page, _ = await scopes_page(self._client._link, prefix, None, 1)
        return bool(page)

    # --- operating --------------------------------------------------------------------------

    async def end_round(self, scope: str, token: str) -> None:
        """
        End somebody's round; see `Source`.

        Raises:
          GatewayError: ``forbidden``, or ``not_found`` or ``stale_round``: it is over.
        """
        await self._client.end_round(scope, token)

    async def stock(self) -> Stock:
        """Its files are not here: raises `CannotDo`."""
        await trio.lowlevel.checkpoint()
        raise CannotDo("the store's files are where the gateway is: open its directory there")

    async def verify(self, on_progress: OnProgress) -> Verification:
        """
        Have the gateway check everything; see `Source`.

        It does not tell how many segments and scopes there are, and lists a hundred places at
        most. `on_progress` is called in Trio's thread.
        """
        return verification_of(await self._client.verify(on_progress=on_progress))

    async def figures(self) -> dict[str, Any]:
        """Give what the gateway counts; see `Source`."""
        return await self._client.stats()


@asynccontextmanager
async def open_gateway_source(
    url: str, *, token: str | None = None, place: str | None = None
) -> AsyncIterator[GatewaySource]:
    """
    Open a gateway for a block.

    Args:
      url: ``ws://host:port/path``, or ``wss://…``.
      token: says who we are.
      place: the URL as it may be shown, if that is another one.

    Raises:
      ConnectionLost: nobody answers there.
      GatewayClosed: the gateway wants none of it: the token is wrong, say.
      ValueError: the URL is none.

    Checkpoints: on entering and on leaving. Cancellation: may be cancelled while it connects.
    """
    async with open_client(url, token=token, name=NAME) as client:
        welcome = client.welcome
        while welcome is None:
            # It was lost again before we looked.
            await trio.sleep(GATHER_S)
            welcome = client.welcome
        yield GatewaySource(url if place is None else place, client, welcome)


# --- from what the gateway says ---------------------------------------------------------------


def seen(shown: ScopeShown) -> ScopeSeen:
    """Give a scope as it was told."""
    state = _STATES.get(shown.state, State.UNKNOWN)
    opened = None
    if state is State.VALIDATING:
        opened = Round(shown.round, shown.principal, shown.since_s, shown.deadline_s)
    return ScopeSeen(
        shown.scope, shown.sequence, shown.position, shown.at, state, opened, shown.waiting
    )


def taken(feed: RemoteFeed[Any], item: FeedItem[Any]) -> Followed:
    """Take all that a feed has at hand behind an item that was taken from it."""
    records: list[StoredRecord] = []
    more: FeedItem[Any] | int | None = item
    while more is not None:
        if not isinstance(more, CaughtUp | int):
            records.append(more._stored)
        more = feed._call.next()
    # Nothing that has come is left, so that it is here that the feed would be taken up again.
    feed.position = max(feed.position, feed._call.position or 0)
    feed._resume()
    return Followed(records, feed.position)


def _ago(seconds: float) -> str:
    if seconds < 1:
        return "just now"
    return f"{seconds:.0f} s ago" if seconds < 120 else f"{seconds / 60:.0f} min ago"

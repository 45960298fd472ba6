"""A subscription from its reader's side."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Generic, TypeVar, final

import attrs
import trio

from ...errors import StoreReplaced, shown
from ...feed import CaughtUp, FeedItem
from ...one_task import OneTask
from ...records import Record
from ..protocol import server_messages as said
from .asking import SCOPES_MAX, scopes_page
from .box import Box
from .calls import Ended, Following, Watching
from .errors import GatewayClosed, refusal
from .link import Link

E = TypeVar("E")


@final
@attrs.define(eq=False)
class RemoteFeed(Generic[E]):
    """
    An async iterator over records, and one `CaughtUp` where history ends; as `Feed`.

    It goes on over lost connections, without gap or duplicate. Taking the next item
    checkpoints, and may be cancelled: nothing is lost. One task at a time. It ends when the
    block of `open_client` is left.

    Raises, when it is taken from:
      StoreReplaced: there is another history now, or `after` lies ahead of it: subscribe anew.
      GatewayError, FilterError: the gateway refused the subscription.
      GatewayClosed: the client has stopped by itself.
    """

    position: int
    """Everything up to it was given, as far as the feed covers it."""
    _call: Following
    _link: Link
    _box: Box
    _end: Ended | None = attrs.field(default=None, init=False)
    _alone: OneTask = attrs.field(
        factory=lambda: OneTask("another task is taking from this feed"), init=False
    )
    _is_open: bool = attrs.field(default=True, init=False)

    def __aiter__(self) -> AsyncIterator[FeedItem[E]]:
        return self

    async def __anext__(self) -> FeedItem[E]:
        with self._alone:
            await trio.lowlevel.checkpoint()
            return await self._next()

    async def page(self) -> list[FeedItem[E]]:
        """
        Take the next items: waits for one, and gives all that are at hand; none at the end.

        Checkpoints: always. Cancellation: nothing is lost.
        """
        with self._alone:
            await trio.lowlevel.checkpoint()
            try:
                found = [await self._next()]
            except StopAsyncIteration:
                return []
            while (item := self._call.next()) is not None:
                found.append(self._given(item))
            self._resume()
            return found

    def close(self) -> None:
        """End it: whoever takes from it, or waits to, finds nothing."""
        self._is_open = False
        self._box.fail(StopAsyncIteration)

    async def _next(self) -> FeedItem[E]:
        while self._is_open:
            item = self._call.next()
            if item is not None:
                self._resume()
                return self._given(item)
            if self._end is not None:
                raise self._ending(self._end)
            try:
                happening = self._box.take()
            except GatewayClosed:
                if self._link.is_closing:
                    break
                raise
            if isinstance(happening, Ended):
                self._end = happening
            elif happening is None:
                await self._box.wait()
        raise StopAsyncIteration

    def _resume(self) -> None:
        self._link.conversation.resume(self._call)
        self._link.pump()

    def _given(self, item: Record[Any] | int) -> FeedItem[E]:
        if isinstance(item, Record):
            self.position = item.position
            return item
        self.position = item
        return CaughtUp(item)

    def _ending(self, end: Ended) -> Exception:
        if self._call.new_history is not None:
            return StoreReplaced(
                f"expected to go on with the history {shown(self._call.history)} behind "
                f"{self.position}, found the gateway with {shown(self._call.new_history)}; "
                "subscribe anew"
            )
        if isinstance(end.answer, said.Error):
            return refusal(end.answer, may_be_stored=False, where=self._call.where)
        return StopAsyncIteration()


@final
@attrs.define(eq=False)
class ScopesFeed:
    """
    An async iterator over scopes that have changed: lists, of each scope the latest.

    It begins with all scopes, in pages by name, also after a lost connection. Taking
    checkpoints, and may be cancelled: nothing is lost. It raises `GatewayError` if the gateway
    refuses, and `GatewayClosed` if the client has stopped.
    """

    _call: Watching
    _link: Link
    _box: Box
    # Up to where all scopes were given; None before the first page.
    _after: str | None = attrs.field(default=None, init=False)
    _has_all: bool = attrs.field(default=False, init=False)

    def __aiter__(self) -> AsyncIterator[list[said.ScopeShown]]:
        return self

    async def __anext__(self) -> list[said.ScopeShown]:
        await trio.lowlevel.checkpoint()
        while True:
            self._hear()
            if self._call.is_new:
                self._after, self._has_all, self._call.is_new = None, False, False
            if not self._has_all:
                page = await self._page()
                if page:
                    return page
            elif self._call.changed:
                changed = list(self._call.changed.values())
                self._call.changed.clear()
                return changed
            else:
                await self._box.wait()

    def _hear(self) -> None:
        """See whether it has ended."""
        while (happening := self._box.take()) is not None:
            if isinstance(happening, Ended):
                if isinstance(happening.answer, said.Error):
                    raise refusal(happening.answer, may_be_stored=False)
                raise StopAsyncIteration

    async def _page(self) -> list[said.ScopeShown]:
        """Ask for the next of all scopes; what changes meanwhile is told later."""
        page, is_last = await scopes_page(self._link, self._call.prefix, self._after, SCOPES_MAX)
        self._after = page[-1].scope if page else self._after
        self._has_all = is_last
        return page

"""What a validator is shown: the prospective event and all that came before it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Generic, TypeAlias, TypeVar, final
from uuid import UUID

import attrs
import trio

from . import jsonvalue
from .admission import RoundToken
from .decision import Accept, Decision, Reject
from .errors import PastNotLoaded, shown
from .journal import Commit
from .records import PastEvents, PastRecords, Record

E = TypeVar("E")

PAGE_RECORDS = 500
"""How many records a page of the past has, unless another number is asked for."""

_NOTHING: Mapping[str, Any] = MappingProxyType({})


@attrs.define(eq=False)
class ValidationRequest(Generic[E]):
    """
    One round, as its validator sees it.

    Nothing here changes while the round is open, and nothing can enter the scope.
    """

    prospective_event: E
    """The event that was proposed, decoded from the bytes that would be stored."""
    scope: str
    round: RoundToken
    """The name of the round; decisions carry it."""
    deadline: float
    """When the round ends at the latest, on `trio.current_time`'s clock, in seconds."""
    principal: str | None
    """Who proposed it, if that is known."""
    sequence: int
    """How many events the scope has: the last one's sequence."""
    _proposal_id: str = attrs.field(repr=False)
    _metadata: bytes | None = attrs.field(repr=False)
    _state: Any = attrs.field(repr=False)
    _past: Sequence[Record[E]] | None = attrs.field(repr=False)
    # What makes all that this round sees durable.
    _commit: Commit = attrs.field(repr=False)
    _read_past: Callable[[str, int, int, Commit], Awaitable[list[Record[E]]]] = attrs.field(
        repr=False
    )

    @property
    def proposal_id(self) -> UUID:
        """The proposal's id."""
        return UUID(self._proposal_id)

    @property
    def metadata(self) -> Mapping[str, Any]:
        """What the proposer gave along; empty if nothing."""
        raw = self._metadata
        return _NOTHING if raw is None else jsonvalue.decode(raw)  # type: ignore[return-value]  # checked at the proposal

    @property
    def state(self) -> Any:
        """The fold's state over all past events; None if the store keeps no fold."""
        return self._state

    @property
    def past_events(self) -> PastEvents[E]:
        """
        All events of the scope, in order: an immutable sequence, made in O(1).

        Raises:
          PastNotLoaded: the store keeps a fold, and `load_past` was not awaited.
        """
        return PastEvents(self._loaded(), self.sequence)

    @property
    def past_records(self) -> PastRecords[E]:
        """
        All records of the scope, in order: an immutable sequence, made in O(1).

        Raises:
          PastNotLoaded: the store keeps a fold, and `load_past` was not awaited.
        """
        return PastRecords(self._loaded(), self.sequence)

    @trio.lowlevel.enable_ki_protection
    async def load_past(self) -> PastEvents[E]:
        """
        Read the past, where the store keeps a fold instead; it takes time and memory.

        Waits until all of it is durable. Checkpoints; may be cancelled.

        Raises:
          JournalFailed: it never will be durable.
          JournalCorrupt: a record in it is damaged.
        """
        if self._past is None:
            self._past = await self._read_past(self.scope, 1, self.sequence, self._commit)
        return self.past_events

    def past_in_pages(self, page_records: int = PAGE_RECORDS) -> PastInPages[E]:
        """
        Read the past some records at a time, none of which is kept: for pasts of any size.

        ``async for page in request.past_in_pages(): …`` gives tuples of records, in order; it
        may be left at any time. Each step waits until the past is durable, checkpoints, and
        may be cancelled.

        Args:
          page_records: how many records a page has at most.

        Raises:
          ValueError: `page_records` is no integer from 1.
          JournalFailed, JournalCorrupt: from a step, as `load_past`.
        """
        if type(page_records) is not int or page_records < 1:
            raise ValueError(f"page_records: expected an integer from 1, found {page_records!r}")
        return PastInPages(self, page_records)

    async def past_is_durable(self) -> None:
        """
        Wait until all that this round sees is durable.

        For validators that act on the outside world: rounds open before the records of
        the ones before them are on disk. Checkpoints; may be cancelled.

        Raises:
          JournalFailed: it never will be.
        """
        await self._commit.wait()

    def accept(self, *new: E, events: Iterable[E] | None = None, meta: Any = None) -> Decision:
        """
        Accept the prospective event, or others in its place.

        Args:
          new: what to store instead of the prospective event; nothing: that event itself.
          events: the same as an iterable, for lists that were computed.
          meta: a JSON value to store and to give back with the result.

        Raises:
          ValueError: `events` is empty (an empty list is no decision: reject instead), or
            events were given both ways.
        """
        if events is None:
            return Accept(self.round, new or None, meta)
        if new:
            raise ValueError("events: expected them either one by one or as `events=`, found both")
        computed = tuple(events)
        if not computed:
            raise ValueError("events: expected at least one, found none; to store none, reject")
        return Accept(self.round, computed, meta)

    def reject(self, reason: str | None = None, meta: Any = None) -> Decision:
        """
        Reject the prospective event: nothing is stored.

        Args:
          reason: why, in words for the proposer.
          meta: a JSON value to give back with the result.
        """
        if reason is not None and type(reason) is not str:
            raise TypeError(f"reason: expected a string or None, found {shown(reason)}")
        return Reject(self.round, reason, meta)

    def _loaded(self) -> Sequence[Record[E]]:
        if self._past is None:
            raise PastNotLoaded(
                f"the past of scope {shown(self.scope)} was not read, because the store keeps a "
                "fold: use `request.state`, or `await request.load_past()` first"
            )
        return self._past


@final
@attrs.define(eq=False)
class PastInPages(Generic[E]):
    """An async iterator over a request's past; see `ValidationRequest.past_in_pages`."""

    _request: ValidationRequest[E]
    _page_records: int
    _next: int = attrs.field(default=1, init=False)

    def __aiter__(self) -> AsyncIterator[tuple[Record[E], ...]]:
        return self

    @trio.lowlevel.enable_ki_protection
    async def __anext__(self) -> tuple[Record[E], ...]:
        request, first = self._request, self._next
        if first > request.sequence:
            await trio.lowlevel.checkpoint()
            raise StopAsyncIteration
        last = min(request.sequence, first + self._page_records - 1)
        if request._past is not None:
            await request._commit.wait()
            page = request.past_records[first - 1 : last]
        else:
            page = tuple(await request._read_past(request.scope, first, last, request._commit))
        self._next = last + 1
        return page


Validator: TypeAlias = Callable[[ValidationRequest[E]], "Decision | Awaitable[Decision]"]
"""An `async def` or a plain function that decides one round."""

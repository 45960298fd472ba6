"""The client: what users hold, between their tasks and a gateway."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Generic, Literal, TypeVar, final
from uuid import UUID

import attrs
import trio

from ...feed import start_of
from ...filter import Filter
from ...journal import Commit, ScopeEnd
from ...journal.record import StoredRecord
from ...reading import OnProgress, Reading, check_count, check_which, filter_of, query, reading
from ...records import Record
from ...request import Validator
from ...result import Result
from ..protocol import server_messages as said
from . import operating
from .asking import SCOPES_MAX, scopes_page
from .box import Box
from .calls import Following, Offering, Proposing, Watching
from .considering import RemoteRequest, considered
from .feed import RemoteFeed, ScopesFeed
from .intake import proposing
from .link import Link, Outage
from .proposal import Proposal
from .source import RemoteSource
from .validating import Validating

E = TypeVar("E")

FEED_BYTES_MAX = 4 * 1024**2
"""How much a subscription holds of what its reader has not taken yet."""


@final
@attrs.define(eq=False)
class Client(Generic[E]):
    """
    A store behind a gateway, with the store's own calls. Opened by `open_client`.

    All of it is for use in the Trio thread that opened it, from any number of tasks. While
    the connection is lost, calls wait for the next one, and are asked again on it. All of them
    raise `GatewayClosed` once the client has stopped, and `GatewayError` for what the
    gateway refuses (``forbidden``, ``too_many``, …).
    """

    _link: Link
    _scope_of: Callable[[Any], str] | None

    # --- who and where ----------------------------------------------------------------------

    @property
    def store(self) -> str | None:
        """The id of the store's history: positions are only good together with it."""
        return self._link.conversation.store

    @property
    def welcome(self) -> said.Welcome | None:
        """What the gateway said of itself and of us, at the last connection; None while lost."""
        return self._link.conversation.welcome

    @property
    def outage(self) -> Outage | None:
        """Why there is no connection; None while there is one."""
        return self._link.outage

    # --- proposing --------------------------------------------------------------------------

    async def store_if_valid(
        self,
        event: E,
        validate: Validator[E] | None = None,
        *,
        scope: str | None = None,
        proposal_id: UUID | None = None,
        metadata: Mapping[str, Any] | None = None,
        validation_timeout: float | None = None,
    ) -> Result[E]:
        """
        Propose an event, and store it if it is accepted; as `Store.store_if_valid`.

        Args:
          event: what to store; of one of the client's event types.
          validate: decides it, here, in this task: an `async def`, or a plain function. It needs
            the right ``decide``. Without one, it is decided where the gateway says. If the
            connection is lost while it runs, it is cancelled, and begins anew in a new round.
          scope: where it belongs, if that is not told by the client's `scope_of`.
          proposal_id: makes proposing again safe, also from another process. Without one, a
            new UUIDv7, so that the client itself can propose again.
          metadata: a JSON object, stored with the event; no key may begin with ``$``.
          validation_timeout: how long the round may stay open, in seconds.

        Returns:
          What became of it, once that is durable. Without a validator, the result knows no
          past (`Result.stored_events`). A round that an operator ended counts as withdrawn.

        Checkpoints: always. Cancellation: the proposal is withdrawn, and `Cancelled` raised.
        If it could not have been decided yet (no accepting decision was sent, and nobody
        else decides), nothing is stored, and nothing is waited for. Otherwise the call waits for
        what became of it, for a second at most: if it was decided, the result is returned; if it
        was withdrawn, nothing is stored; if nothing is heard, or the connection is lost,
        whether it is stored is not known, and proposing it again tells.

        Raises:
          InvalidEvent: the event, the scope or the metadata cannot be stored.
          IdempotencyConflict: the proposal id was used for another event.
          ScopeBusy: too many proposals wait in this scope.
          GatewayError: it was refused; `outcome_is_open` says whether it may be stored.
          TypeError: the validator gave no decision of its request.
          Exception: whatever the validator raises, as itself; nothing is stored.
        """
        await trio.lowlevel.checkpoint()
        call, decoded = self._proposing(
            event, scope, proposal_id, metadata, validation_timeout, decides=validate is not None
        )
        with self._link.calling(call) as box:
            proposal = self._proposal(decoded, call, box, scope)
            proposal.look()
            while proposal.ended is None:
                if proposal.round is None or validate is None:
                    await proposal.step()
                else:
                    await proposal.decide_by(validate)
                    proposal.look()
            return proposal.result()

    @asynccontextmanager
    async def consider(
        self,
        event: E,
        *,
        scope: str | None = None,
        proposal_id: UUID | None = None,
        metadata: Mapping[str, Any] | None = None,
        validation_timeout: float | None = None,
    ) -> AsyncIterator[RemoteRequest[E]]:
        """
        Propose an event, and hold its round open for the block; as `Store.consider`.

        ``async with client.consider(event) as request:`` waits for the round. Inside,
        ``await request.respond(request.accept())`` ends it. Leaving the block without an
        answer withdraws the proposal. The deadline ends the round, not the block; so does a
        lost connection.

        Args, cancellation and errors are those of `store_if_valid`.
        """
        await trio.lowlevel.checkpoint()
        call, decoded = self._proposing(
            event, scope, proposal_id, metadata, validation_timeout, decides=True
        )
        call.is_held = True
        with self._link.calling(call) as box:
            proposal = self._proposal(decoded, call, box, scope)
            while proposal.round is None and proposal.ended is None:
                await proposal.step()
            try:
                yield considered(proposal)
            finally:
                proposal.leave()

    async def validate_for(self, prefix: str, validate: Validator[E], *, rounds: int = 16) -> None:
        """
        Decide the proposals of others, until cancelled. It needs the right ``validate``.

        Each round has a task of its own. One that is over is cancelled: the deadline passed, its
        proposer withdrew it, or the connection was lost. An event that is none of the client's
        event types is rejected.

        Args:
          prefix: of the scopes; ``""`` for all. The longest prefix that anybody gave wins.
          validate: an `async def`, or a plain function.
          rounds: how many it takes at the same time; the gateway has a limit, too.

        Checkpoints: always. Cancellation: its open rounds go to the next validator.

        Raises:
          InvalidEvent: what the validator accepted cannot be stored.
          Exception: whatever the validator raises, as itself. All its rounds are cancelled,
            and go to the next validator.
        """
        if type(rounds) is not int or rounds < 1:
            raise ValueError(f"rounds: expected an integer from 1, found {rounds!r}")
        await trio.lowlevel.checkpoint()
        call = Offering(prefix, rounds, number=self._number())
        with self._link.calling(call) as box:
            await Validating(call, validate, self._link, self._read_past).run(box)

    # --- asking -----------------------------------------------------------------------------

    async def query_events(
        self,
        scope: str,
        *,
        after: int = 0,
        before: int | None = None,
        last: int | None = None,
        limit: int | None = None,
    ) -> list[Record[E]]:
        """
        Read a scope's records in the order of sequence, in pages; as `Store.query_events`.

        Checkpoints: always. Cancellation: changes nothing.
        """
        await trio.lowlevel.checkpoint()
        source = RemoteSource(self._link)
        return await query(
            source, self._record, scope, after=after, before=before, last=last, limit=limit
        )

    def read(
        self,
        *,
        scope: str | None = None,
        prefix: str | None = None,
        after: int | None = None,
        before: int | None = None,
        at: datetime | str | None = None,
        reverse: bool = False,
        where: str | Filter | None = None,
        limit: int | None = None,
        on_progress: OnProgress | None = None,
    ) -> Reading[E]:
        """
        Read records in the order of position, filtered by the gateway; as `Store.read`.

        They come in pages.
        """
        source = RemoteSource(self._link, scope, prefix)
        return reading(
            source, self._record, scope=scope, prefix=prefix, after=after, before=before, at=at,
            reverse=reverse, where=where, limit=limit, on_progress=on_progress,
            refresh=source.refresh,
        )  # fmt: skip

    async def scopes(
        self, prefix: str = "", after: str | None = None, *, limit: int = 1_000
    ) -> list[ScopeEnd]:
        """
        Give a page of all scopes ever used, ordered by code point; as `Store.scopes`.

        Checkpoints: always. Cancellation: changes nothing.
        """
        check_count("limit", limit)
        await trio.lowlevel.checkpoint()
        found: list[ScopeEnd] = []
        is_last = False
        while len(found) < limit and not is_last:
            page, is_last = await scopes_page(self._link, prefix, after, limit - len(found))
            found += [ScopeEnd(one.scope, one.sequence, one.position, one.at) for one in page]
            after = page[-1].scope if page else after
        return found

    async def live_scopes(self, prefix: str = "") -> dict[str, said.ScopeShown]:
        """
        Say what each live scope is doing, by scope. Unlike `Store.live_scopes`, it asks for all.

        With the right ``operate``, an open round comes with its token and its proposer.

        Checkpoints: always. Cancellation: changes nothing.
        """
        await trio.lowlevel.checkpoint()
        live: dict[str, said.ScopeShown] = {}
        after, is_last = None, False
        while not is_last:
            page, is_last = await scopes_page(self._link, prefix, after, SCOPES_MAX)
            live |= {one.scope: one for one in page if one.state != "idle"}
            after = page[-1].scope if page else None
        return live

    async def stats(self) -> dict[str, Any]:
        """
        Give the gateway's figures by name. It needs the right ``operate``.

        Checkpoints: always. Cancellation: changes nothing.
        """
        return await operating.figures_of(self._link)

    async def end_round(self, scope: str, round: str) -> None:  # noqa: A002 - as it is called everywhere
        """
        End somebody's round; its proposer is told so. It needs the right ``operate``.

        Args:
          round: its token, as `live_scopes` shows it.

        Checkpoints: always. Cancellation: it may have been ended, or not.

        Raises:
          GatewayError: ``not_found`` or ``stale_round``: it is over. So may be one that this
            call has ended, if the connection was lost meanwhile.
        """
        await operating.end_round(self._link, scope, round)

    async def verify(self, *, on_progress: OnProgress | None = None) -> said.Verified:
        """
        Have the whole store checked. It needs the right ``operate``.

        Args:
          on_progress: is called with how many bytes were checked, and of how many.

        Returns:
          The last of what the gateway said, with what is damaged, or nothing.

        Checkpoints: always. Cancellation: changes nothing.
        """
        return await operating.verify(self._link, on_progress)

    # --- following --------------------------------------------------------------------------

    @asynccontextmanager
    async def subscribe(
        self,
        *,
        scope: str | None = None,
        prefix: str | None = None,
        where: str | Filter | None = None,
        after: int | Literal["end"] = 0,
        store: str | None = None,
    ) -> AsyncIterator[RemoteFeed[E]]:
        """
        Follow records in the order of position: history, `CaughtUp`, then live ones.

        As `Store.subscribe`. It goes on over lost connections without gap or duplicate.
        Memory is bounded: a reader that is slow is unsubscribed, and subscribed again where it
        was once it has caught up.

        Args:
          after: a position: only what lies behind it. ``"end"``: only what becomes durable
            later than the gateway takes up the subscription.
          store: the id of the history that `after` belongs to, if it was kept from an
            earlier client; see `Client.store`. `StoreReplaced` if that is another one now.

        Raises:
          ValueError: `after` is no position.
          FilterError: `where` is no filter.
        """
        check_which(scope, prefix)
        parsed = filter_of(where)
        start = start_of(after, after if isinstance(after, int) else 0)
        await trio.lowlevel.checkpoint()
        call = Following(
            scope, prefix, None if parsed is None else parsed.text, after, store, FEED_BYTES_MAX,
            number=self._number(),
        )  # fmt: skip
        with self._link.calling(call) as box:
            feed: RemoteFeed[E] = RemoteFeed(start, call, self._link, box)
            try:
                yield feed
            finally:
                feed.close()

    @asynccontextmanager
    async def watch_scopes(self, prefix: str = "") -> AsyncIterator[ScopesFeed]:
        """
        Watch what scopes do: all of them at first, then those that change.

        ``async with client.watch_scopes("lot/") as feed: async for scopes in feed: …``
        """
        await trio.lowlevel.checkpoint()
        call = Watching(prefix, number=self._number())
        with self._link.calling(call) as box:
            yield ScopesFeed(call, self._link, box)

    # --- inside -----------------------------------------------------------------------------

    def _number(self) -> int:
        return self._link.conversation.new_number()

    def _record(self, stored: StoredRecord) -> Record[Any]:
        return Record(stored, self._link.conversation.types)

    async def _read_past(
        self, scope: str, first: int, last: int, commit: Commit
    ) -> list[Record[Any]]:
        return await self.query_events(scope, after=first - 1, before=last + 1)

    def _proposal(self, event: E, call: Proposing, box: Box, scope: str | None) -> Proposal:
        scope_of = self._scope_of if scope is None else None
        return Proposal(event, call, self._link, box, self._read_past, scope_of)

    def _proposing(
        self,
        event: E,
        scope: str | None,
        proposal_id: UUID | None,
        metadata: Mapping[str, Any] | None,
        validation_timeout: float | None,
        *,
        decides: bool,
    ) -> tuple[Proposing, E]:
        types = self._link.conversation.types
        return proposing(
            types, self._scope_of, self._number(), event, scope, proposal_id, metadata,
            validation_timeout, decides=decides,
        )  # fmt: skip

"""The store: what users hold, between their tasks and the scopes' actors."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from types import MappingProxyType
from typing import Any, Generic, Literal, TypeVar, final
from uuid import UUID

import attrs
import trio
import uuid_utils

from .admission import RoundToken
from .consideration import Consideration
from .errors import JournalFailed, StoreClosed
from .feed import Feed, Hub, start_of
from .filter import Filter
from .intake import Intake, check_scope
from .journal import Head, Recovery, ScopeEnd, Wanted
from .journal.commit_times import CommitTimes
from .messages import StoreIfValid
from .parts import Parts
from .proposal import Proposal, TaskProposal
from .reading import OnProgress, Reading, check_which, filter_of, query, reading
from .receptionist import MessageProposal, Receptionist
from .records import Record
from .request import Validator
from .result import Result, admitted_before
from .scope import Scope
from .status import ScopeStatus, StoreStatistics
from .supervisor import Supervisor
from .uninterrupted import wait_uninterrupted

E = TypeVar("E")


@final
@attrs.define(eq=False)
class Store(Generic[E]):
    """
    Many scopes; in each, events are admitted one at a time. Opened by `open_store`.

    All of it is for use in the Trio thread that opened it, from any number of tasks.
    """

    _parts: Parts
    _supervisor: Supervisor
    _intake: Intake
    _hub: Hub
    receptionist: trio.MemorySendChannel[Any]
    """Takes the messages of the message-shaped interface."""
    # For journals that cannot tell.
    _made_history: str = attrs.field(factory=lambda: str(uuid_utils.uuid7()), init=False)

    # --- proposing ------------------------------------------------------------------

    @trio.lowlevel.enable_ki_protection
    async def store_if_valid(
        self,
        event: E,
        validate: Validator[E],
        *,
        scope: str | None = None,
        proposal_id: UUID | None = None,
        metadata: Mapping[str, Any] | None = None,
        validation_timeout: float | None = None,
    ) -> Result[E]:
        """
        Propose an event, and store it if the validator accepts it.

        The proposal waits its turn in its scope. Then `validate(request)` is called once,
        with all events of the scope, and nothing else enters the scope until it has
        decided.

        Args:
          event: what to store; of one of the store's event types.
          validate: an `async def`, awaited by this task, or a plain function, which is
            faster; gives what `request.accept` or `request.reject` make.
          scope: where it belongs, if that is not told by the store's `scope_of`.
          proposal_id: makes proposing again safe: one that was admitted is answered with
            the original result. Without one, a new UUIDv7.
          metadata: a JSON object, stored with the event.
          validation_timeout: how long the round may stay open, in seconds, from its opening;
            without one, the store's.

        Returns:
          What became of it, once that is durable. Rejections and timeouts are results.

        Checkpoints: always. Cancellation: if the proposal is not decided, it is withdrawn,
        nothing is stored, and `Cancelled` raised; if it is, the cancellation waits and the
        result is returned.

        Raises:
          InvalidEvent: the event, the scope or the metadata cannot be stored.
          IdempotencyConflict: the proposal id was used for another event.
          ScopeBusy: too many proposals wait in this scope.
          StoreClosed: the store was closed before it was decided.
          JournalFailed: the disk refused; whether the event is stored is not known.
          JournalCorrupt: the scope's past is damaged.
          ScopeFailed: the scope's actor crashed in this round.
          RuntimeError: this task holds the scope's open round.
          TypeError: the validator gave no decision of its request.
          Exception: whatever the validator raises, as itself; nothing is stored.
        """
        proposal = self._intake.task_proposal(
            event, validate, scope, proposal_id, metadata, validation_timeout
        )
        await trio.lowlevel.checkpoint_if_cancelled()
        if proposal_id is None:
            self._intake.enter_new(proposal)
        else:
            await self._intake.enter(proposal, has_own_id=True)
        if await proposal.wait_opened():
            await proposal.decide_here()
        if not proposal.has_parked:
            await trio.lowlevel.cancel_shielded_checkpoint()
        return proposal.result()

    def consider(
        self,
        event: E,
        *,
        scope: str | None = None,
        proposal_id: UUID | None = None,
        metadata: Mapping[str, Any] | None = None,
        validation_timeout: float | None = None,
    ) -> Consideration[E]:
        """
        Propose an event, and hold its round open for the block: for validation elsewhere.

        ``async with store.consider(event) as request:`` waits for the round. Inside,
        ``await request.respond(request.accept())`` ends it. Leaving the block without an
        answer withdraws the proposal. The deadline ends the round, not the block.

        If the proposal was admitted before, no round opens: `request.result` is its
        result, and `respond` returns it.

        Args, cancellation and errors are those of `store_if_valid`.
        """

        @trio.lowlevel.enable_ki_protection
        async def start() -> TaskProposal:
            proposal = self._intake.task_proposal(
                event, None, scope, proposal_id, metadata, validation_timeout
            )
            await trio.lowlevel.checkpoint()
            await self._intake.enter(proposal, has_own_id=proposal_id is not None)
            if not await proposal.wait_opened() and proposal.result().is_duplicate:
                await self._intake.show_duplicate(proposal)
            return proposal

        return Consideration(start)

    async def _propose_by_message(self, scope: str | None, message: StoreIfValid) -> None:
        arguments = self._intake.arguments(
            message.event, scope, message.proposal_id, message.metadata, message.validation_timeout
        )
        proposal = MessageProposal(*arguments, reply_to=message.reply_to, message=message)
        await self._intake.enter(proposal, has_own_id=message.proposal_id is not None)

    def _open_proposal(self, token: RoundToken) -> Proposal | None:
        scope = self._supervisor.scopes.get(token.scope)
        if scope is None or scope.admission.round is None:
            return None
        round_ = scope.admission.round
        return round_.proposal if round_.token == token else None

    # --- asking -----------------------------------------------------------------------

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
        Read a scope's durable records in the order of sequence; also while a round is open.

        Args:
          scope: which one; an unknown one has no records.
          after, before: sequences; only what lies between, without them.
          last: only that many, the last ones.
          limit: only that many, the first ones.

        Checkpoints: always. Cancellation: changes nothing.

        Raises:
          JournalCorrupt: a record that was asked for is damaged.
        """
        parts = self._parts
        return await query(
            parts.journal, parts.record, scope, after=after, before=before, last=last, limit=limit
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
        Read durable records in the order of position: ``async for record in store.read(…)``.

        Filtering is done next to the data, so that only what matches is decoded here. It
        ends at what is the last durable record when it is first taken from.

        Args:
          scope, prefix: only the records of this one, or of those whose names begin so.
          after, before: positions; only what lies between, without them.
          at: begin with the first record not before this time, or, reversed, the last one
            not after it. A `datetime` with a zone, or text as in a filter.
          reverse: the last one first.
          where: only what matches this filter; as text, or as `parse_filter` makes it.
          limit: only that many.
          on_progress: called with the position that was come to, and the one that is the
            end, each time that some were looked at.

        Raises:
          ValueError, InvalidEvent: an argument is none, or two exclude each other.
          FilterError: `where` is no filter.
        """
        parts = self._parts
        return reading(
            parts.journal, parts.record, scope=scope, prefix=prefix, after=after, before=before,
            at=at, reverse=reverse, where=where, limit=limit, on_progress=on_progress,
        )  # fmt: skip

    async def outcome(self, proposal_id: UUID, *, scope: str) -> Result[E] | None:
        """
        Ask what became of a proposal, without proposing.

        Returns:
          The result of one that was admitted, as a duplicate of it would get it, but that
          `prospective_event` is None if others were stored in its place; None for any other:
          it was never proposed, not decided yet, or not accepted.

        Checkpoints: always. Cancellation: changes nothing.

        Raises:
          JournalFailed: it was decided, but whether it is stored is not known.
        """
        check_scope(scope)
        live = self._supervisor.scopes.get(scope)
        if live is not None and live.recent.get(str(proposal_id)) is not None:
            await live.commit.wait()
        stored = await self._parts.journal.find(scope, str(proposal_id))
        if not stored:
            return None
        loaded = await self._intake.load_unless_folded(scope, stored[-1].sequence)
        admitted = tuple(map(self._parts.record, stored))
        return admitted_before(admitted, loaded.past, loaded.sequence)

    def live_scopes(self) -> Mapping[str, ScopeStatus]:
        """Say what each live scope is doing: a snapshot, by scope."""
        return MappingProxyType({scope.name: _status(scope) for scope in self._supervisor.actors})

    async def scopes(
        self, prefix: str = "", after: str | None = None, *, limit: int = 1_000
    ) -> list[ScopeEnd]:
        """
        Give a page of all scopes ever used, ordered by code point.

        Args:
          prefix: only those that begin with it.
          after: only those behind this one: the last one of the page before.
          limit: how many at most.

        Checkpoints: always. Cancellation: changes nothing.
        """
        return await self._parts.journal.scopes(prefix=prefix, after=after, limit=limit)

    @property
    def head(self) -> Head:
        """The last durable record's position, and the commit value that vouches for all."""
        return self._parts.journal.head

    @property
    def history(self) -> str:
        """
        The id of the history that positions belong to: whoever noted some begins anew with another.

        A store in files keeps it over the years, until it is restored or repaired.
        """
        history: str = getattr(self._parts.journal, "history", self._made_history)
        return history

    @property
    def recovery(self) -> Recovery:
        """What opening found, and what it did about it."""
        return self._parts.journal.recovery

    def statistics(self) -> StoreStatistics:
        """Say what happened since the store was opened, and what it holds now."""
        scopes = self._supervisor.scopes
        snapshots = self._parts.snapshots
        # A journal in memory, or one of somebody's own, may have nothing to tell.
        times: CommitTimes = getattr(self._parts.journal, "commit_times", None) or CommitTimes()
        p50_s, p99_s, max_s = times.quantiles_s(0.5, 0.99, 1)
        return StoreStatistics(
            **attrs.asdict(self._parts.counters),
            live_scopes=len(self._supervisor.actors),
            waiting=sum(scope.admission.waiting for scope in scopes.values()),
            past_bytes=self._parts.past_bytes,
            commits=times.count,
            commit_p50_s=p50_s,
            commit_p99_s=p99_s,
            commit_max_s=max_s,
            snapshots_written=0 if snapshots is None else snapshots.written,
            snapshots_used=0 if snapshots is None else snapshots.used,
            snapshots_skipped=0 if snapshots is None else snapshots.skipped,
            snapshots_error=None if snapshots is None else snapshots.error,
        )

    # --- following ----------------------------------------------------------------------

    @asynccontextmanager
    async def subscribe(
        self,
        *,
        scope: str | None = None,
        prefix: str | None = None,
        where: str | Filter | None = None,
        after: int | Literal["end"] = 0,
    ) -> AsyncIterator[Feed[E]]:
        """
        Follow records in the order of position: history, `CaughtUp`, then live ones.

        ``async with store.subscribe(scope="lot-1") as feed: async for item in feed: …``

        Args:
          scope: only this one's.
          prefix: only those of scopes whose name begins with it.
          where: only what matches this filter; as text, or as `parse_filter` makes it.
          after: a position: only what lies behind it. ``"end"``: only what is not yet durable.

        Memory is bounded: a slow reader falls back to reading the journal, and catches up.

        Raises:
          ValueError: `after` lies ahead of the store's head.
          FilterError: `where` is no filter.
          StoreClosed, JournalFailed: the store is.
        """
        check_which(scope, prefix)
        position = start_of(after, self.head.position)
        wanted = Wanted(scope=scope, prefix=prefix or "", where=filter_of(where))
        if self._supervisor.closed is not None:
            raise self._supervisor.closed()
        feed: Feed[E] = Feed(position, self._parts.journal, self._hub, self._parts.record, wanted)
        try:
            yield feed
        finally:
            feed.close()

    # --- the end --------------------------------------------------------------------------

    def _fail(self, failure: JournalFailed) -> None:
        self._supervisor.close(failure.again)
        self._hub.close(failure)

    async def _close(self, receptionist: Receptionist) -> None:
        """Answer everybody, and make what was decided durable. Nothing interrupts it."""
        self._supervisor.close(lambda: StoreClosed("the store was closed"))
        self.receptionist.close()
        await receptionist.close()
        self._parts.journal.flush_nowait()
        commit = self._parts.last_commit
        await wait_uninterrupted(lambda over: commit.when_done(lambda failure: over()))
        self._hub.close(commit.failure)
        snapshots = self._parts.snapshots
        if snapshots is not None:
            self._supervisor.keep_states(snapshots)
            await snapshots.close()


def _status(scope: Scope) -> ScopeStatus:
    round_ = scope.admission.round
    if round_ is None:
        return ScopeStatus(False, scope.admission.waiting, scope.sequence)
    return ScopeStatus(
        True,
        scope.admission.waiting,
        scope.sequence,
        UUID(round_.proposal.id),
        round_.opened_at,
        round_.deadline,
    )

"""
One live scope: whose turn it is, what was admitted, and what it amounts to.

This is the store's memory of a scope, not a task: every method runs to completion
without a checkpoint, so that nothing is ever half done. The actor (`actor.py`) is the
task that drives it; if that crashes, another goes on with what is here.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from typing import Any, final

import attrs
import trio

from . import jsonvalue
from .admission import Admission, Phase, RoundEnd
from .decision import Accept
from .drafting import draft_of
from .duplicates import check_same_event, duplicate_ending
from .errors import IdempotencyConflict, ScopeFailed, shown
from .journal import Commit, Head, StoredRecord
from .journal.commit import durable_commit
from .journal.record import size_of_all
from .parts import Parts
from .proposal import Ending, Proposal
from .recent import IDS_KEPT, Admitted, RecentIds
from .records import Record
from .request import ValidationRequest
from .result import Outcome
from .validating import DECISIONS, call_validator, check_decision, refuse_own_round


@final
@attrs.define(eq=False)
class Scope:
    """A live scope. Made by the supervisor, which also starts its actor."""

    name: str
    parts: Parts
    admission: Admission[Proposal]
    on_wake: Callable[[Scope], None]
    """Tells the actor that there is something to do."""
    looking_up: dict[Proposal, int] = attrs.Factory(dict)
    """Proposals that are being looked up in the journal, and its head when that began."""

    watched_until: float = -math.inf
    """When the actor wakes by itself, on `trio.current_time`'s clock."""
    last_used: float = -math.inf
    """When a round last began or ended, on the same clock."""
    error: Exception | None = None
    """What the actor is to crash of, because it went wrong in its place."""

    # Invariant: what follows is right once is_loaded, pending records included.
    is_loaded: bool = False
    sequence: int = 0
    position: int = 0
    past: list[Record[Any]] | None = None
    past_bytes: int = 0
    state: Any = None
    snapshot: int = 0
    """The sequence of the last state that was kept, or is being kept."""
    commit: Commit = attrs.Factory(durable_commit)
    """The commit of the last record: once it is durable, all is."""
    recent: RecentIds = attrs.Factory(RecentIds)
    forgot_at: Head | None = None
    """The journal's head when ids were last forgotten; until it moves there are no more."""

    @property
    def is_at_rest(self) -> bool:
        """Whether nothing is open, waiting or on its way to the disk."""
        return (
            self.is_loaded
            and self.admission.round is None
            and not self.admission.waiting
            and not self.looking_up
            and self.commit.is_done
        )

    def wake(self) -> None:
        """Tell the actor that there is something to do."""
        self.on_wake(self)

    async def load(self) -> None:
        """
        Read the past, when the scope comes to life or its actor was replaced.

        Raises:
          JournalCorrupt: a record of the scope is damaged.
          InvalidEvent: an event of the scope has a type that the store does not know.
        """
        await self.commit.wait()
        self.parts.past_bytes -= self.past_bytes
        self.past_bytes = 0
        loaded = await self.parts.load(self.name)
        self.past, self.state, self.sequence = loaded.past, loaded.state, loaded.sequence
        self.snapshot = loaded.snapshot
        if self.past is not None:
            self._count_bytes(size_of_all([record._stored for record in self.past]))
        self.error = None
        self.is_loaded = True
        if self.parts.snapshots is not None:
            self.parts.snapshots.keep(self)

    # --- proposals come and go ------------------------------------------------

    async def find(self, proposal: Proposal) -> tuple[StoredRecord, ...]:
        """
        Look a proposal up in the journal.

        Until it is done, nothing is forgotten that is admitted after it has begun.
        """
        self.looking_up[proposal] = self.parts.journal.head.position
        try:
            return await self.parts.journal.find(self.name, proposal.id)
        finally:
            del self.looking_up[proposal]

    def enter(self, proposal: Proposal) -> None:
        """
        Let a proposal wait its turn.

        If its id is not new, it has been looked up just now with `find`.

        Raises:
          ScopeBusy, StoreClosed: it does not wait; nothing changed.
          RuntimeError: the proposer's own task holds the open round.
        """
        proposal.place = self
        admitted = self.recent.get(proposal.id)
        if admitted is not None:
            self._end_as_duplicate(proposal, admitted)
            return
        refuse_own_round(self.admission.round, proposal)
        self.admission.enter(proposal)
        proposal.known = self.position
        if self.commit.is_done:
            self.advance()
        else:
            # Others were here just now, and more will come: the actor takes them together.
            self.wake()

    def withdraw(self, proposal: Proposal) -> bool:
        """Take an undecided proposal back, waiting or in its round; False if it has ended."""
        if proposal.ending is not None:
            return False
        if not self.admission.leave(proposal):
            self.admission.end(proposal.token, RoundEnd.WITHDRAWN)
            self.last_used = trio.current_time()
            self.wake()
        self.parts.counters.withdrawn += 1
        proposal.end(self._ending(Outcome.WITHDRAWN), durable_commit())
        return True

    def close(self, error: Callable[[], BaseException]) -> None:
        """End whatever is open or waiting with an error each; nothing opens any more."""
        if self.admission.phase is Phase.CLOSED:
            return
        in_round, waiting = self.admission.close()
        for proposal in ([] if in_round is None else [in_round]) + waiting:
            proposal.end(Ending(error=error()), durable_commit())
        self.wake()

    # --- rounds ------------------------------------------------------------------

    def advance(self) -> None:
        """
        Open the next round here and now, if one can be, and leave the rest to the actor.

        Whoever enters or answers would otherwise wait for a task that has no more to do
        than this. Not to be called where no task runs, for it may call a validator.
        """
        if not self.is_loaded or self.error is not None:
            self.wake()
            return
        try:
            self.open_next()
        except Exception as error:
            # It is no fault of the task that runs now. The actor crashes of it.
            self.error = error
            self.wake()
            return
        round_ = self.admission.round
        if (round_ is None and self.admission.waiting) or (
            round_ is not None and round_.deadline < self.watched_until
        ):
            self.wake()
        # The next validator may wait for what has just been decided.
        self.parts.journal.flush_nowait()

    def open_next(self) -> bool:
        """
        Open the next round, if one can be; a plain function decides it at once.

        Returns:
          Whether somebody's turn has come: if so, there may be a next one.
        """
        proposal = self.admission.next_up
        if proposal is None:
            return False
        admitted = self.recent.get(proposal.id)
        if len(self.recent) >= IDS_KEPT:
            self._forget()
        if admitted is not None:
            self.admission.leave(proposal)
            self._end_as_duplicate(proposal, admitted)
            return True
        self._open(proposal)
        return True

    def _open(self, proposal: Proposal) -> None:
        self.last_used = now = trio.current_time()
        round_ = self.admission.open(
            number=next(self.parts.round_numbers),
            now=now,
            deadline=now + proposal.validation_timeout,
        )
        proposal.round_token = round_.token
        assert self.past is None or len(self.past) == self.sequence
        self.parts.counters.rounds += 1
        proposal.request = ValidationRequest(
            proposal.event,
            self.name,
            round_.token,
            round_.deadline,
            proposal.principal,
            self.sequence,
            proposal.id,
            proposal.metadata,
            self.state,
            self.past,
            self.commit,
            self.parts.read_past,
        )
        if proposal.validate is None:
            if not proposal.opened(None):
                self.withdraw(proposal)
        else:
            self._validate(proposal, proposal.validate, proposal.request)

    def _validate(
        self,
        proposal: Proposal,
        validate: Callable[[ValidationRequest[Any]], object],
        request: ValidationRequest[Any],
    ) -> None:
        """Call the validator, in the proposer's context; what is awaitable, the proposer awaits."""
        try:
            answer = call_validator(proposal, validate, request)
            if not isinstance(answer, DECISIONS) and isinstance(answer, Awaitable):
                proposal.opened(answer)
            else:
                self._decide(proposal, answer)
        except BaseException as error:
            self._fail_round(proposal, error)

    def answer(self, proposal: Proposal, decision: object) -> None:
        """
        Decide the proposal's open round.

        Raises:
          StaleResponse: its round is over.
          TypeError: that is no decision, or one of another request.
          InvalidEvent: what was accepted cannot be stored.

        All of them leave the round, if it is open, as it was.
        """
        now = trio.current_time()
        # The actor may not have had its turn since the deadline passed.
        self.expire(now)
        if proposal.ending is not None:
            self.wake()
        self.admission.check(proposal.token)
        self._decide(proposal, decision)
        self.last_used = now
        self.advance()

    def _decide(self, proposal: Proposal, decision: object) -> None:
        token = proposal.token
        checked = check_decision(decision, token)
        if isinstance(checked, Accept):
            self._accept(proposal, checked)
        else:
            meta = None if checked.meta is None else jsonvalue.copied(checked.meta)
            self.admission.end(token, RoundEnd.REJECTED)
            self.parts.counters.rejected += 1
            ending = self._ending(Outcome.REJECTED, reason=checked.reason, meta=meta)
            proposal.end(ending, self.commit)

    def fail_round(self, proposal: Proposal, error: BaseException) -> None:
        """End the proposal's open round with an error for its proposer."""
        self._fail_round(proposal, error)
        self.last_used = trio.current_time()
        self.advance()

    def _fail_round(self, proposal: Proposal, error: BaseException) -> None:
        self.admission.end(proposal.token, RoundEnd.RAISED)
        self.parts.counters.raised += 1
        proposal.end(Ending(error=error), self.commit)

    def expire(self, now: float) -> None:
        """End the open round if its deadline has passed."""
        round_ = self.admission.round
        if round_ is not None and now >= round_.deadline:
            self.last_used = now
            proposal = self.admission.end(round_.token, RoundEnd.TIMED_OUT)
            self.parts.counters.timed_out += 1
            reason = self.parts.options.timeout_reason
            proposal.end(self._ending(Outcome.TIMED_OUT, reason=reason), self.commit)

    def crash(self, error: BaseException) -> bool:
        """End the open round, for the actor has crashed in it; False if there is none."""
        round_ = self.admission.round
        if round_ is None:
            return False
        proposal = self.admission.end(round_.token, RoundEnd.CRASHED)
        self.parts.counters.crashed += 1
        failed = ScopeFailed(f"the actor of scope {shown(self.name)} crashed: {error!r}")
        failed.__cause__ = error
        proposal.end(Ending(error=failed), self.commit)
        return True

    # --- accepting ------------------------------------------------------------------

    def _accept(self, proposal: Proposal, decision: Accept) -> None:
        draft = draft_of(self.parts, proposal, decision)
        # The fold goes first: if it raises, nothing was stored.
        state = self.parts.evolved(self.state, proposal, draft)
        stored, commit = self.parts.journal.append_nowait(draft, expected_sequence=self.sequence)
        assert stored[0].sequence == self.sequence + 1
        records = self.parts.records(stored)
        # With a fold nobody goes through the past, and what is kept only makes the garbage
        # collector's work longer: whoever asks for the event decodes it.
        keeps_event = self.past is not None and decision.events is None
        if keeps_event and self.parts.types.is_shared(proposal.encoded.type):
            records[0]._event = proposal.event
        self.admission.end(proposal.token, RoundEnd.ACCEPTED)
        self.state = state
        self.sequence += len(stored)
        self.position = stored[-1].position
        self.commit = self.parts.last_commit = commit
        self.recent.add(proposal.id, records)
        if self.past is not None:
            self.past += records
            self._count_bytes(size_of_all(stored))
        counters = self.parts.counters
        counters.accepted += 1
        counters.records += len(stored)
        if self.parts.snapshots is not None:
            self.parts.snapshots.keep(self)
        proposal.end(self._ending(Outcome.ACCEPTED, records, meta=records[0].meta), commit)

    # --- duplicates -------------------------------------------------------------------

    def _end_as_duplicate(self, proposal: Proposal, admitted: Admitted) -> None:
        stored = tuple(record._stored for record in admitted)
        try:
            check_same_event(proposal, stored)
        except IdempotencyConflict as conflict:
            proposal.end(Ending(error=conflict), self.commit)
            return
        self.parts.counters.duplicates += 1
        ending = duplicate_ending(admitted, self.past)
        proposal.end(ending, self.commit)

    def _forget(self) -> None:
        """Forget the ids that everybody who waits would have found in the journal."""
        head = self.parts.journal.head
        if head is self.forgot_at:
            return
        first = self.admission.first
        position = head.position
        if first is not None:
            position = min(position, first.known)
        if self.looking_up:
            position = min(position, next(iter(self.looking_up.values())))
        if not self.recent.forget(position):
            self.forgot_at = head

    # --- small things ---------------------------------------------------------------

    def _ending(
        self,
        outcome: Outcome,
        records: tuple[Record[Any], ...] = (),
        *,
        reason: str | None = None,
        meta: Any = None,
    ) -> Ending:
        return Ending(outcome, records, reason, meta, False, None, self.past, self.sequence)

    def _count_bytes(self, more: int) -> None:
        self.past_bytes += more
        self.parts.past_bytes += more

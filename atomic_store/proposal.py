"""A proposal on its way: whose it is, how it ends, and who is told."""

from __future__ import annotations

import contextvars
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol, final

import attrs
import trio

from .admission import RoundToken
from .errors import JournalFailed, ScopeFailed, StaleResponse, StoreClosed
from .journal import Commit, EncodedEvent
from .records import Record
from .request import ValidationRequest
from .result import Outcome, Result

Validate = Callable[[ValidationRequest[Any]], object]


@attrs.define
class Ending:
    """How a proposal ended: with an outcome, or with an error. Nobody changes it."""

    outcome: Outcome | None = None
    records: tuple[Record[Any], ...] = ()
    reason: str | None = None
    meta: Any = None
    is_duplicate: bool = False
    error: BaseException | None = None
    past: Sequence[Record[Any]] | None = None
    past_count: int = 0


class Place(Protocol):
    """Where a proposal waits: its scope, as far as it may know it."""

    def withdraw(self, proposal: Proposal) -> bool:
        """Take an undecided proposal back; False if it has ended."""
        ...

    def answer(self, proposal: Proposal, decision: object) -> None:
        """Decide the proposal's open round."""
        ...

    def fail_round(self, proposal: Proposal, error: BaseException) -> None:
        """End the proposal's open round with an error for its proposer."""
        ...


@attrs.define(eq=False)
class Proposal:
    """
    One request to admit an event, from the call to the answer.

    It ends once (`ending`), in its scope's hands, and is *told* once all that its end
    rests on is durable. Subclasses know how to tell the proposer.
    """

    scope: str
    event: Any
    """Decoded from `encoded`, never the proposer's own object."""
    encoded: EncodedEvent
    id: str
    metadata: bytes | None
    validation_timeout: float
    has_given_scope: bool
    """The scope came with the call, not from the event."""
    validate: Validate | None = None
    """None: the answer comes from elsewhere."""
    context: contextvars.Context | None = None
    """Where `validate` is called."""
    principal: str | None = None
    task: trio.lowlevel.Task | None = None
    """The proposer's, where it waits in person."""

    place: Place | None = attrs.field(default=None, init=False)
    known: int = attrs.field(default=0, init=False)
    """It is not admitted at this position of the store, nor before."""
    request: ValidationRequest[Any] | None = attrs.field(default=None, init=False)
    # The token and not the round, which holds the proposal: that would be a cycle, and
    # keep every proposal in memory until the garbage collector comes by.
    round_token: RoundToken | None = attrs.field(default=None, init=False)
    ending: Ending | None = attrs.field(default=None, init=False)
    is_told: bool = attrs.field(default=False, init=False)

    @property
    def token(self) -> RoundToken:
        """
        Its round's token.

        Raises:
          StaleResponse: it never had a round, having been admitted before.
        """
        if self.round_token is None:
            raise StaleResponse("the proposal has no round: it was admitted before")
        return self.round_token

    def end(self, ending: Ending, commit: Commit) -> None:
        """End it, for good; it is told when the commit is durable."""
        assert self.ending is None
        self.ending = ending
        commit.when_done(self._tell)
        if not self.is_told:
            self.ended()

    def _tell(self, failure: JournalFailed | None) -> None:
        if failure is not None:
            self.ending = Ending(error=failure.again())
        self.is_told = True
        self.told()

    def result(self) -> Result[Any]:
        """What became of it, once it is told; or its error is raised."""
        ending = self.ending
        assert ending is not None
        assert self.is_told
        if ending.error is not None:
            raise ending.error
        assert ending.outcome is not None
        return Result(
            ending.outcome,
            self.scope,
            self.id,
            self.event,
            ending.records,
            ending.reason,
            ending.meta,
            ending.is_duplicate,
            ending.past,
            ending.past_count,
        )

    def opened(self, answer: Awaitable[object] | None) -> bool:
        """
        Tell the proposer that its round is open and that the answer is its to give.

        Args:
          answer: what `validate` returned, to be awaited; None where there is no `validate`.

        Returns:
          False if the proposer is gone.
        """
        raise NotImplementedError

    def ended(self) -> None:
        """It has ended, but may not be told yet."""

    def told(self) -> None:
        """Tell the proposer what became of it."""
        raise NotImplementedError


@trio.lowlevel.disable_ki_protection
async def _await_unprotected(answer: Awaitable[object]) -> object:
    return await answer


@final
@attrs.define(eq=False)
class TaskProposal(Proposal):
    """A proposal whose proposer is a task that waits for it."""

    has_parked: bool = attrs.field(default=False, init=False)
    """It has waited at least once, and so let other tasks run."""
    # The proposer's, and others' that answer for it. None of them has a wake-up coming.
    _parked: list[trio.lowlevel.Task] = attrs.field(factory=list, init=False)
    # The round was opened, and the task is to answer it.
    _is_mine: bool = attrs.field(default=False, init=False)
    _answer: Awaitable[object] | None = attrs.field(default=None, init=False)
    _validating: trio.CancelScope | None = attrs.field(default=None, init=False)

    def opened(self, answer: Awaitable[object] | None) -> bool:
        """Wake the task."""
        self._is_mine = True
        self._answer = answer
        self._wake()
        return True

    def ended(self) -> None:
        """Stop the validator, which decides nothing any more."""
        if self._validating is not None:
            self._validating.cancel()

    def told(self) -> None:
        """Wake the task."""
        if self._validating is not None:
            self._validating.cancel()
        self._wake()

    def _wake(self) -> None:
        parked = self._parked
        while parked:
            trio.lowlevel.reschedule(parked.pop(0))

    def _abort(self, raise_cancel: object) -> trio.lowlevel.Abort:
        # Whether a cancelled call stored something must never be in doubt: either the
        # proposal can be taken back now, or the task waits until it knows.
        assert self.place is not None
        parked, self._parked = self._parked, []
        if self.place.withdraw(self):
            return trio.lowlevel.Abort.SUCCEEDED
        self._parked = parked
        return trio.lowlevel.Abort.FAILED

    def _park(self) -> Awaitable[object]:
        # No coroutine of its own: there is one of these waits in each proposal, or two.
        self.has_parked = True
        self._parked.append(trio.lowlevel.current_task())
        return trio.lowlevel.wait_task_rescheduled(self._abort)  # noqa: ASYNC105 - by the caller

    async def wait_opened(self) -> bool:
        """Wait for the round, or for the end if there is none; whether the round is open."""
        if not self._is_mine and not self.is_told:
            await self._park()
        if self.ending is None:
            return True
        if self._answer is not None:
            self._drop_answer()
        if not self.is_told:
            await self._park()
        return False

    async def wait_told(self) -> None:
        """Wait until the end may be told. Cancellation waits, too."""
        assert self.ending is not None
        if not self.is_told:
            await self._park()

    async def decide_here(self) -> None:
        """Await the validator, in this task, and answer with what it says."""
        assert self._answer is not None
        assert self.place is not None
        answer, self._answer = self._answer, None
        try:
            with trio.CancelScope() as self._validating:
                decision = await _await_unprotected(answer)
                self._validating = None
                if self.ending is None:
                    self._answer_in_time(self.place, decision)
        except (trio.Cancelled, KeyboardInterrupt):
            self.place.withdraw(self)
            raise
        except BaseException as error:
            await self._end_by(error)
            raise
        finally:
            self._validating = None
        # Either it has answered, or its scope was cancelled because the round was over.
        await self.wait_told()

    def _answer_in_time(self, place: Place, decision: object) -> None:
        try:
            place.answer(self, decision)
        except StaleResponse:
            # The deadline passed while the validator let nobody else run.
            if self.ending is None:
                raise

    async def _end_by(self, error: BaseException) -> None:
        """Wait until a validator's exception may be told."""
        assert self.place is not None
        if self.ending is None:
            self.place.fail_round(self, error)
        await self.wait_told()
        assert self.ending is not None
        ended = self.ending.error
        if ended is not error and isinstance(ended, JournalFailed | ScopeFailed | StoreClosed):
            raise ended from error

    def _drop_answer(self) -> None:
        # A coroutine that is never awaited would be warned about; its round is over.
        close = getattr(self._answer, "close", None)
        self._answer = None
        if close is not None:
            close()

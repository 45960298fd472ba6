"""
Given, when, then: a validator tried without a store.

A scenario is a value: what was given, and what was accepted since. Each step gives
another one, so that scenarios may be shared between tests and branch.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from types import UnionType
from typing import Any, Generic, NoReturn, TypeVar, Unpack, final, overload
from uuid import UUID

import attrs
import trio

from ..errors import shown
from ..events import EventType, JsonEvent
from ..fold import Fold
from ..opening import parts_maker
from ..parts import Options
from ..records import PastEvents
from ..request import Validator
from ..result import Result
from .clocks import in_utc
from .explaining import because, complaint, ending_of, first_difference, listed
from .history import History, ScopePast
from .options import StoreOptions
from .trial import Trial, admit_given

E = TypeVar("E")


@attrs.frozen(eq=False)
class Scenario(Generic[E]):
    """What a store holds, to be proposed to. Made by `scenario`; nothing changes it."""

    _history: History = attrs.field(repr=False)
    _scope: str | None = attrs.field(repr=False)

    def given(
        self,
        *events: E,
        scope: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        at: datetime | None = None,
    ) -> Scenario[E]:
        """
        Add events to the past, each as if it had been proposed alone and accepted.

        Args:
          events: the oldest first. Each belongs to the scope that the store would put it in.
          scope: where they belong, if not there.
          metadata: what their proposers gave along.
          at: when they were admitted, with a time zone; without it, each a second after
            the one before. As in a store, no record is earlier than the one before it.

        Raises:
          InvalidEvent: a store could not hold one of them.
          TypeError, ValueError: nothing says the scope, or `at` has no time zone.
        """
        moment = None if at is None else in_utc(at, "at")
        history = self._history
        for event in events:
            history = admit_given(history, event, self._or_own(scope), metadata, moment)
        return Scenario(history, self._scope)

    def when(
        self,
        event: E,
        validate: Validator[E],
        *,
        scope: str | None = None,
        proposal_id: UUID | None = None,
        metadata: Mapping[str, Any] | None = None,
        principal: str | None = None,
        validation_timeout: float | None = None,
    ) -> Then[E]:
        """
        Propose an event, and have it decided as a store would.

        Where Trio does not run, it is run for the proposal, so that a plain test can try a
        validator of either kind. Where it does, plain functions are called at once, and an
        `async def` needs `when_async`.

        Args:
          event, validate, scope, metadata, validation_timeout: as `Store.store_if_valid`
            takes them.
          proposal_id: as there; without one, the id is the same in every run.
          principal: who the request says has proposed it.

        Raises:
          RuntimeError: the validator is an `async def`, and Trio runs already.
          Exception: whatever `Store.store_if_valid` raises, the validator's own included.
        """
        if not trio.lowlevel.in_trio_run():
            return trio.run(
                partial(
                    self.when_async,
                    event,
                    validate,
                    scope=scope,
                    proposal_id=proposal_id,
                    metadata=metadata,
                    principal=principal,
                    validation_timeout=validation_timeout,
                )
            )
        trial = self._propose(
            event,
            scope=scope,
            proposal_id=proposal_id,
            metadata=metadata,
            principal=principal,
            validation_timeout=validation_timeout,
        )
        request = trial.open()
        if request is not None:
            answer = validate(request)
            if isinstance(answer, Awaitable):
                _drop(answer)
                raise RuntimeError(
                    f"{shown(validate)} is asynchronous, and Trio runs already: "
                    "use `await ….when_async(…)`"
                )
            trial.decide(answer)
        return self._then(trial)

    async def when_async(
        self,
        event: E,
        validate: Validator[E],
        *,
        scope: str | None = None,
        proposal_id: UUID | None = None,
        metadata: Mapping[str, Any] | None = None,
        principal: str | None = None,
        validation_timeout: float | None = None,
    ) -> Then[E]:
        """
        Do what `when` does, under Trio, with a validator of either kind.

        It is awaited in this task, until its deadline on Trio's clock.

        Checkpoints: always. Cancellation: may be cancelled; the scenario is as it was.
        """
        await trio.lowlevel.checkpoint()
        trial = self._propose(
            event,
            scope=scope,
            proposal_id=proposal_id,
            metadata=metadata,
            principal=principal,
            validation_timeout=validation_timeout,
        )
        request = trial.open()
        if request is not None:
            answer = validate(request)
            if isinstance(answer, Awaitable):
                await trial.decide_in_time(answer, request.deadline)
            else:
                trial.decide(answer)
        return self._then(trial)

    def _propose(self, event: object, *, scope: str | None, **more: Any) -> Trial:
        return Trial.of(self._history, event, scope=self._or_own(scope), **more)

    def _or_own(self, scope: str | None) -> str | None:
        return self._scope if scope is None else scope

    def _then(self, trial: Trial) -> Then[E]:
        return Then(trial.history, self._scope, trial.result)


@final
@attrs.frozen(eq=False)
class Then(Scenario[E]):
    """
    What became of a proposal, and a scenario that goes on from there.

    The methods `then_…` raise `AssertionError` if something else was expected, and give
    this object again.
    """

    result: Result[E]
    """What `Store.store_if_valid` would have returned."""

    @property
    def was_accepted(self) -> bool:
        """Whether it is stored."""
        return self.result.was_accepted

    @property
    def timed_out(self) -> bool:
        """Whether its round ended at the deadline."""
        return self.result.timed_out

    @property
    def reason(self) -> str | None:
        """Why it was not accepted."""
        return self.result.reason

    @property
    def meta(self) -> Any:
        """What the decision gave along."""
        return self.result.meta

    @property
    def new_events(self) -> tuple[E, ...]:
        """What this proposal added; empty unless it was accepted."""
        return tuple(record.event for record in self.result.records)

    @property
    def past_events(self) -> PastEvents[E]:
        """All events of the scope, the new ones included; also if there is a fold."""
        records = self._past.records
        return PastEvents(records, len(records))

    @property
    def state(self) -> Any:
        """The fold's state over all events of the scope, the new ones included."""
        return self._past.state

    def then_accepted(self, *events: E) -> Then[E]:
        """
        Check that the proposal was accepted.

        Args:
          events: what it added, exactly and in this order; nothing: whatever it was.
        """
        __tracebackhide__ = True
        if not self.was_accepted:
            storing = f", storing {listed(events)}" if events else ""
            self._fail(f"accepted{storing}", ending_of(self.result))
        if events:
            self._check_new(events)
        return self

    def then_rejected(self, reason: str | None = None) -> Then[E]:
        """
        Check that the validator rejected the proposal; a timeout is no rejection.

        Args:
          reason: the reason, exactly; nothing: whatever it was.
        """
        __tracebackhide__ = True
        is_rejected = not self.was_accepted and not self.timed_out
        if not is_rejected or (reason is not None and reason != self.reason):
            expected = "rejected" if reason is None else f"rejected {because(reason)}"
            self._fail(expected, ending_of(self.result))
        return self

    def then_timed_out(self) -> Then[E]:
        """Check that the round ended at its deadline."""
        __tracebackhide__ = True
        if not self.timed_out:
            self._fail("timed out", ending_of(self.result))
        return self

    def then_state(self, state: object) -> Then[E]:
        """
        Check what the scope's events amount to, the new ones included.

        Args:
          state: equal to the fold's state.

        Raises:
          TypeError: the scenario has no fold.
        """
        __tracebackhide__ = True
        if self._history.parts.fold is None:
            raise TypeError("state: expected a scenario with a fold, scenario(…, state=Fold(…))")
        if self.state != state:
            self._fail(f"state {state!r}", f"state {self.state!r}")
        return self

    @property
    def _past(self) -> ScopePast:
        return self._history.of(self.result.scope)

    def _check_new(self, expected: tuple[E, ...]) -> None:
        __tracebackhide__ = True
        found = self.new_events
        index = first_difference(self._history.parts.types, expected, found)
        if index >= 0:
            where = "" if len(expected) == len(found) == 1 else f"\nfirst different: {index + 1}"
            self._fail(f"accepted, storing {listed(expected)}", ending_of(self.result) + where)

    def _fail(self, expected: str, found: str) -> NoReturn:
        __tracebackhide__ = True
        before = self.past_events
        if self.was_accepted and not self.result.is_duplicate:
            before = PastEvents(self._past.records, len(before) - len(self.result.records))
        raise AssertionError(complaint(expected, found, self.result, before))


def _drop(answer: Awaitable[object]) -> None:
    # A coroutine that is never awaited would be warned about.
    close = getattr(answer, "close", None)
    if close is not None:
        close()


@overload
def scenario(
    *,
    events: type[E] | EventType[E],
    scope_of: Callable[[E], str] | None = None,
    state: Fold[Any, E] | None = None,
    scope: str | None = None,
    **options: Unpack[StoreOptions],
) -> Scenario[E]: ...
@overload
def scenario(
    *,
    events: None,
    scope_of: Callable[[JsonEvent], str] | None = None,
    state: Fold[Any, JsonEvent] | None = None,
    scope: str | None = None,
    **options: Unpack[StoreOptions],
) -> Scenario[JsonEvent]: ...
@overload
def scenario(
    *,
    events: UnionType | Sequence[Any],
    scope_of: Callable[[Any], str] | None = None,
    state: Fold[Any, Any] | None = None,
    scope: str | None = None,
    **options: Unpack[StoreOptions],
) -> Scenario[Any]: ...


def scenario(
    *,
    events: Any,
    scope_of: Callable[[Any], str] | None = None,
    state: Fold[Any, Any] | None = None,
    scope: str | None = None,
    **options: Unpack[StoreOptions],
) -> Scenario[Any]:
    """
    Begin with an empty store that is not there, to try validators on.

    ``scenario(events=Bid, scope_of=lot_of).given(…).when(bid, higher_than_all).then_accepted()``

    Args:
      events, scope_of, state, options: as `atomic_store.open_store` takes them. Of the
        options, only those count that a single proposal can meet.
      scope: where events belong, if neither `scope_of` nor the step says it.

    Raises:
      TypeError, ValueError: as `atomic_store.open_store`.
    """
    no_journal: Any = None
    parts = parts_maker(events, scope_of, state, Options(**options))(no_journal)
    return Scenario(History(parts), scope)

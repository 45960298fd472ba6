"""Callers: each makes one proposal, decides it as planned, and writes down what it is told."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, final
from uuid import UUID

import attrs
import trio

from atomic_store import (
    AtomicStoreError,
    Decision,
    InvalidEvent,
    Result,
    Store,
    StoreIfValid,
    ValidationRequest,
    ValidationResponse,
)
from bids import Bid

from ..history import Operation
from .flow import DECISION_EVENTS_MAX, Caller, Way
from .noted import Notes, event_of, past_of
from .world import CRASHING

FOREVER_S = 100.0


class ValidatorBug(Exception):
    """What a validator raises that was told to."""


async def take_steps(steps: int) -> None:
    """Let others run so many times."""
    for _ in range(steps):
        await trio.lowlevel.checkpoint()


@final
@attrs.define(eq=False)
class Calling:
    """One caller on its way."""

    plan: Caller
    notes: Notes
    store: Store[Bid]
    tasks: trio.Nursery
    operation: Operation = attrs.field(init=False)

    async def run(self) -> None:
        """Come, propose, and write down what becomes of it."""
        await trio.sleep(self.plan.after)
        await take_steps(self.plan.steps)
        with trio.CancelScope() as scope:
            if self.plan.cancelled_after is not None:
                self.tasks.start_soon(self._cancel, scope, self.plan.cancelled_after)
            await self._propose()
        if scope.cancelled_caught:
            self.notes.counts[f"cancelled {self.plan.way}"] += 1
            if self.plan.way != "message":
                self.notes.tell(self.operation, "cancelled")

    async def _cancel(self, scope: trio.CancelScope, after: float) -> None:
        await trio.sleep(after)
        await take_steps(self.plan.cancelled_steps)
        scope.cancel()

    async def _propose(self) -> None:
        plan, notes = self.plan, self.notes
        id_ = {} if plan.own_id is None else {"id": str(UUID(int=plan.own_id))}
        # With an id of its own, it is looked up before it waits; other ways have a checkpoint.
        enters_now = plan.own_id is None and plan.way in ("plain", "async", "remote")
        operation = self.operation = notes.history.begin(
            "propose", plan.lot, event=event_of(self.bid), entered=enters_now, **id_
        )
        try:
            result = await self._ways[plan.way]()
        except (ValidatorBug, TypeError, InvalidEvent, trio.EndOfChannel) as error:
            self._tell_raised(error)
        except AtomicStoreError as error:
            notes.tell_error(operation, error)
        except (trio.ClosedResourceError, trio.BrokenResourceError):
            # The store took no more messages.
            notes.tell(operation, "closed")
        else:
            self._name(result.proposal_id)
            notes.tell_result(operation, result)

    def _tell_raised(self, error: Exception) -> None:
        if self.plan.way in ("consider", "message"):
            # It was this task that raised, not the store that told.
            self.notes.tell(self.operation, "withdrawn")
        else:
            self.notes.tell(self.operation, "raised")

    def _name(self, proposal_id: UUID) -> None:
        """Write down the id that the store gave the proposal, once it is known."""
        self.operation.id = self.operation.id or str(proposal_id)

    # --- ways to propose -----------------------------------------------------------------

    @property
    def bid(self) -> Bid:
        """The event."""
        bidder = CRASHING if self.plan.how == "crash" else "ada"
        return Bid(self.plan.lot, bidder, self.plan.number)

    @property
    def arguments(self) -> dict[str, Any]:
        own_id = self.plan.own_id
        return {
            "proposal_id": None if own_id is None else UUID(int=own_id),
            "validation_timeout": self.plan.timeout,
        }

    @property
    def _ways(self) -> dict[Way, Callable[[], Awaitable[Result[Bid]]]]:
        return {
            "plain": self.plain,
            "async": self.slowly,
            "remote": self.remote,
            "consider": self.consider,
            "message": self.message,
        }

    async def plain(self) -> Result[Bid]:
        return await self.store.store_if_valid(self.bid, self.decide, **self.arguments)

    async def slowly(self) -> Result[Bid]:
        return await self.store.store_if_valid(self.bid, self.decide_slowly, **self.arguments)

    async def remote(self) -> Result[Bid]:
        return await self.store.store_if_valid(self.bid, self._ask, **self.arguments)

    async def consider(self) -> Result[Bid]:
        async with self.store.consider(self.bid, **self.arguments) as request:
            if request.result is not None:
                return request.result
            return await request.respond(await self.decide_slowly(request))

    async def message(self) -> Result[Bid]:
        send, receive = trio.open_memory_channel[Any](3)
        with send, receive:
            await self.store.receptionist.send(StoreIfValid(self.bid, send, **self.arguments))
            answer = await receive.receive()
            if isinstance(answer, ValidationRequest):
                decision = await self.decide_slowly(answer)
                await self.store.receptionist.send(ValidationResponse(decision, send))
                answer = await receive.receive()
        if isinstance(answer, Result):
            return answer
        raise answer.error

    # --- deciding ----------------------------------------------------------------------------

    def see(self, request: ValidationRequest[Bid]) -> None:
        """Write down what the round sees."""
        self._name(request.proposal_id)
        self.notes.history.see(self.operation, past_of(request))

    def decide(self, request: ValidationRequest[Bid]) -> Decision:
        """Decide at once."""
        self.see(request)
        return self._decision(request)

    async def decide_slowly(self, request: ValidationRequest[Bid]) -> Decision:
        """Decide after a while."""
        self.see(request)
        await trio.sleep(FOREVER_S if self.plan.how == "hang" else self.plan.takes)
        if self.plan.how == "await past":
            await request.past_is_durable()
        elif self.plan.how == "load past":
            loaded = tuple(map(event_of, await request.load_past()))
            if loaded != self.operation.saw:
                self.notes.wrong("whole past", f"it loads {loaded}", self.operation)
        if past_of(request) != self.operation.saw:
            self.notes.wrong("whole past", "it changed while the round was open", self.operation)
        return self._decision(request)

    async def _ask(self, request: ValidationRequest[Bid]) -> Decision:
        """Have another task decide, and wait for what it says."""
        send, receive = trio.open_memory_channel[Decision | Exception](1)
        self.tasks.start_soon(self._judge, request, send)
        with receive:
            answer = await receive.receive()
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def _judge(
        self,
        request: ValidationRequest[Bid],
        answers: trio.MemorySendChannel[Decision | Exception],
    ) -> None:
        with answers:
            if self.plan.how == "hang":
                self.see(request)
                await trio.sleep(self.plan.takes)
                return
            try:
                answer: Decision | Exception = await self.decide_slowly(request)
            except Exception as error:
                answer = error
            try:
                answers.send_nowait(answer)
            except trio.BrokenResourceError:
                self.notes.counts["decided for nobody"] += 1

    def _decision(self, request: ValidationRequest[Bid]) -> Decision:
        bid = request.prospective_event
        match self.plan.how:
            case "raise":
                raise ValidatorBug
            case "no decision":
                nonsense: Any = "yes"
                return nonsense  # type: ignore[no-any-return]
            case "reject":
                self.notes.history.decide(self.operation, ())
                return request.reject("no")
            case "split":
                events = [attrs.evolve(bid, bidder="half"), bid]
            case "too many":
                events = [bid] * (DECISION_EVENTS_MAX + 1)
            case _:
                events = [bid]
        self.notes.history.decide(self.operation, map(event_of, events))
        return request.accept() if len(events) == 1 else request.accept(*events)

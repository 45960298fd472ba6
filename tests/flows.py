"""
Random flows: what callers do to a store in its lives, and whether it kept its promises.

A flow is a list of lives of one store. In each, callers propose, decide slowly, raise,
hang, are cancelled, or go away, and at its end the store is closed, killed, or loses
power, perhaps after the disk has failed. It runs on the real store and the real file
journal, over a disk in memory and a clock that jumps, under a seed that fixes the order
of tasks: the same flow always does the same.

What each caller was told and what each round saw is written down, and compared with what
is in the journal in the end.
"""

from __future__ import annotations

from collections import defaultdict
from random import Random
from typing import Any, Literal, TypeAlias
from uuid import UUID

import attrs
import trio
from trio.testing import MockClock

from atomic_store import (
    AtomicStoreError,
    CaughtUp,
    Decision,
    Fold,
    Record,
    Result,
    Store,
    StoreIfValid,
    ValidationRequest,
    ValidationResponse,
    open_store,
)
from atomic_store.journal.file import open_file_journal
from atomic_store.testing.faulty_disk import FaultyDisk
from bids import Bid, lot_of
from schedules import seeded
from spoiled_files import IndexDamage, Spoiled, damage_index, spoil_snapshots

How: TypeAlias = Literal["plain", "slow", "raise", "raise_slowly", "hang", "split"]
Way: TypeAlias = Literal["call", "consider", "message"]
End: TypeAlias = Literal["close", "kill", "power loss"]

ALL_CENTS: Fold[tuple[int, ...], Bid] = Fold(
    (), lambda cents, bid: (*cents, bid.cents), state_type=tuple[int, ...]
)
"""The whole past as a state: whatever is wrong with a snapshot would show."""

TIMEOUT = 5.0
PATH = "/flow.store"


class ValidatorBug(Exception):
    """What a validator raises that was told to."""


@attrs.frozen
class Proposal:
    """One caller, who comes `after` seconds of the life, perhaps to be cancelled later."""

    after: float
    lot: str
    cents: int
    how: How
    way: Way
    takes: float
    own_id: int | None
    cancelled_after: float | None


@attrs.frozen
class Fault:
    """A failure of the disk."""

    operation: str
    nth: int
    short: int | None = None


@attrs.frozen
class Life:
    """From opening the store to its end, and what then befalls its snapshots."""

    proposals: tuple[Proposal, ...]
    lasts: float
    end: End
    fault: Fault | None
    seed: int
    folds: bool = False
    spoiled: Spoiled = "nothing"
    damage: tuple[IndexDamage, ...] = ()
    """What happens to index files: first while it is open, then when it has ended."""


Event: TypeAlias = tuple[int, str, str, int]
"""A record as it is compared: sequence, proposal id, bidder, cents."""


@attrs.define
class History:
    """What callers were told and rounds saw, over all lives."""

    told: dict[str, dict[int, Event]] = attrs.Factory(lambda: defaultdict(dict))
    """Accepted events that somebody was told of, by lot and sequence."""
    seen: list[tuple[str, list[int]]] = attrs.Factory(list)
    """The cents of all past events that a told round saw, with its lot."""
    stored: dict[str, list[Event]] = attrs.Factory(dict)
    """What the last life left behind."""
    steps: int = 0
    outcomes: dict[str, int] = attrs.Factory(lambda: defaultdict(int))

    def note_snapshots(self, store: Store[Bid]) -> None:
        """Count what became of snapshots in a life."""
        statistics = store.statistics()
        self.outcomes["snapshots written"] += statistics.snapshots_written
        self.outcomes["snapshots used"] += statistics.snapshots_used
        self.outcomes["snapshots skipped"] += statistics.snapshots_skipped


def event_of(record: Record[Bid]) -> Event:
    """What is compared of a record."""
    bid = record.event
    return record.sequence, str(record.proposal_id), bid.bidder, bid.cents


@attrs.define(eq=False)
class Caller:
    """One proposal on its way: its validator, and what it was told."""

    plan: Proposal
    history: History
    open_until: dict[str, float]
    """For each lot whose validator is at work, the deadline of its round."""
    folds: bool
    saw: list[int] | None = None

    def seen(self, request: ValidationRequest[Bid]) -> list[int]:
        """The cents of all past events, as the request tells them."""
        if self.folds:
            return list(request.state)
        return [bid.cents for bid in request.past_events]

    def decide(self, request: ValidationRequest[Bid]) -> Decision:
        """Accept what is higher than all before."""
        self.saw = self.seen(request)
        if self.plan.cents <= max(self.saw, default=0):
            return request.reject("too low")
        if self.plan.how == "split":
            bid = request.prospective_event
            return request.accept(attrs.evolve(bid, bidder="half"), bid)
        return request.accept()

    def plain(self, request: ValidationRequest[Bid]) -> Decision:
        decision = self.decide(request)
        self.check_alone()
        if self.plan.how == "raise":
            raise ValidatorBug
        return decision

    async def slow(self, request: ValidationRequest[Bid]) -> Decision:
        decision = self.decide(request)
        self.check_alone()
        self.open_until[self.plan.lot] = request.deadline
        try:
            await trio.sleep(100.0 if self.plan.how == "hang" else self.plan.takes)
            assert self.seen(request) == self.saw
            if self.plan.how == "raise_slowly":
                raise ValidatorBug
            return decision
        finally:
            if self.open_until.get(self.plan.lot) == request.deadline:
                del self.open_until[self.plan.lot]

    def check_alone(self) -> None:
        """No other round of the lot is open: only one that is over may still be unwinding."""
        assert self.open_until.get(self.plan.lot, 0.0) <= trio.current_time()

    async def propose(self, store: Store[Bid]) -> None:
        """Do what was planned, and write down what was told."""
        await trio.sleep(self.plan.after)
        self.history.steps += 1
        with trio.CancelScope() as scope:
            if self.plan.cancelled_after is not None:
                scope.deadline = trio.current_time() + self.plan.cancelled_after
            try:
                result = await getattr(self, self.plan.way)(store)
            except ValidatorBug:
                self.note("raised")
                if self.plan.way == "call":
                    # Elsewhere it was this task that raised, not the store that told.
                    self.history.seen.append((self.plan.lot, self.saw or []))
            except (AtomicStoreError, trio.ClosedResourceError, trio.BrokenResourceError) as error:
                self.note(type(error).__name__)
            else:
                self.note_result(result)
        if scope.cancelled_caught:
            self.note("cancelled")

    @property
    def arguments(self) -> dict[str, Any]:
        own_id = self.plan.own_id
        return {"proposal_id": None if own_id is None else UUID(int=own_id)}

    @property
    def bid(self) -> Bid:
        return Bid(self.plan.lot, "ada", self.plan.cents)

    async def call(self, store: Store[Bid]) -> Result[Bid]:
        is_plain = self.plan.how in ("plain", "raise", "split")
        validate = self.plain if is_plain else self.slow
        return await store.store_if_valid(self.bid, validate, **self.arguments)

    async def consider(self, store: Store[Bid]) -> Result[Bid]:
        async with store.consider(self.bid, **self.arguments) as request:
            if request.result is not None:
                return request.result
            return await request.respond(await self.slow(request))

    async def message(self, store: Store[Bid]) -> Result[Bid]:
        send, receive = trio.open_memory_channel[Any](2)
        with send, receive:
            await store.receptionist.send(StoreIfValid(self.bid, send, **self.arguments))
            answer = await receive.receive()
            if isinstance(answer, ValidationRequest):
                decision = await self.slow(answer)
                await store.receptionist.send(ValidationResponse(decision, send))
                answer = await receive.receive()
        if isinstance(answer, Result):
            return answer
        raise answer.error

    def note(self, outcome: str) -> None:
        self.history.outcomes[outcome] += 1

    def note_result(self, result: Result[Bid]) -> None:
        self.note("duplicate" if result.is_duplicate else result.outcome)
        if not result.is_duplicate and self.saw is not None:
            self.history.seen.append((self.plan.lot, self.saw))
        for record in result.records:
            event = event_of(record)
            known = self.history.told[self.plan.lot].setdefault(record.sequence, event)
            assert known == event


async def follow(store: Store[Bid], seen: list[int]) -> None:
    """Note the positions that a subscription gives."""
    try:
        async with store.subscribe() as feed:
            async for item in feed:
                if not isinstance(item, CaughtUp):
                    seen.append(item.position)  # noqa: PERF401 - as far as it comes
    except AtomicStoreError:
        pass


async def live(disk: FaultyDisk, life: Life, history: History) -> None:
    """Live one life of the store, up to its end."""
    open_until: dict[str, float] = {}
    followed: list[int] = []
    async with trio.open_nursery() as callers:
        try:
            async with (
                open_file_journal(
                    PATH, disk=disk, segment_bytes_max=1_500, piece_bytes=400
                ) as journal,
                open_store(
                    journal,
                    events=Bid,
                    scope_of=lot_of,
                    validation_timeout=TIMEOUT,
                    live_scopes_max=2,
                    idle_after=3.0,
                    state=ALL_CENTS if life.folds else None,
                    snapshot_every=2,
                ) as store,
            ):
                await check_stored(store, history)
                if life.fault is not None:
                    fault = life.fault
                    disk.fail(fault.operation, nth=fault.nth, short=fault.short, times=None)
                callers.start_soon(follow, store, followed)
                for plan in life.proposals:
                    callers.start_soon(Caller(plan, history, open_until, life.folds).propose, store)
                await trio.sleep(life.lasts / 2)
                for damage in life.damage[:1]:
                    damage_index(disk, PATH, damage, Random(life.seed), history.outcomes)
                await trio.sleep(life.lasts / 2)
                if life.end != "close":
                    # From here on nothing reaches the disk: what is open stays undecided.
                    for operation in ("write", "fdatasync", "fsync"):
                        disk.fail(operation, times=None)
                    await trio.sleep(0.001)
                history.note_snapshots(store)
        except AtomicStoreError as error:
            history.outcomes[f"store {type(error).__name__}"] += 1
        callers.cancel_scope.deadline = trio.current_time() + 200
    assert not callers.cancel_scope.cancelled_caught, "somebody was never answered"
    assert followed == [*range(1, len(followed) + 1)]
    assert open_until == {}


async def check_stored(store: Store[Bid], history: History) -> None:
    """Compare what is there with what was told and seen in all lives before."""
    stored: dict[str, list[Event]] = {}
    for end in await store.scopes():
        records = await store.query_events(end.scope)
        stored[end.scope] = [event_of(record) for record in records]
        assert [record.sequence for record in records] == [*range(1, len(records) + 1)]
        check_decisions(records)
    for lot, events in history.stored.items():
        assert stored.get(lot, [])[: len(events)] == events, "history was rewritten"
    for lot, told in history.told.items():
        for sequence, event in told.items():
            assert stored[lot][sequence - 1] == event, "an acknowledged record is missing"
    for lot, saw in history.seen:
        assert [event[3] for event in stored.get(lot, [])][: len(saw)] == saw
    history.stored = stored


def check_decisions(records: list[Record[Bid]]) -> None:
    """Each decision is whole, obeys the rule, and has an id of its own."""
    best = 0
    ids = set()
    for record in records:
        k, n = record.part
        if k == 1:
            assert record.proposal_id not in ids, "a proposal was admitted twice"
            ids.add(record.proposal_id)
            assert record.event.cents > best, "a round did not see the whole past"
            assert len({other.proposal_id for other in records[: record.sequence + n - 1]}) == len(
                ids
            ), "a decision is not whole"
        best = max(best, record.event.cents)
    assert not records or records[-1].part[0] == records[-1].part[1]


def next_disk(disk: FaultyDisk, life: Life, history: History) -> FaultyDisk:
    """The disk as the next life finds it."""
    if life.end == "power loss":
        left = disk.crash(life.seed)
    else:
        disk.kill()
        left = disk.copy()
    spoil_snapshots(left, life.spoiled, Random(life.seed))
    for damage in life.damage[1:]:
        damage_index(left, PATH, damage, Random(life.seed), history.outcomes)
    return left


def run(lives: list[Life]) -> History:
    """Run a flow, and one more life that only looks."""
    history = History()
    disk = FaultyDisk(0)
    for life in [*lives, Life((), 0.0, "close", None, 0)]:
        with seeded(life.seed):
            trio.run(live, disk, life, history, clock=MockClock(autojump_threshold=0))
        disk = next_disk(disk, life, history)
    return history

"""A scenario says what a store says: both are told the same random stories."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

import attrs
import pytest
import trio
import trio.testing
from hypothesis import given, settings
from hypothesis import strategies as st

from atomic_store import Decision, Fold, PastNotLoaded, Result, RoundToken, Store, ValidationRequest
from atomic_store.testing import Scenario, open_test_store, scenario
from bids import Bid, accept, higher, higher_slowly, lot_of

TIMEOUT = 2.0
OPTIONS: dict[str, Any] = {
    "validation_timeout": TIMEOUT,
    "timeout_reason": "late",
    "decision_events_max": 2,
    "event_bytes_max": 60,
}
# It sees the order of events, not only what they are.
CHAIN: Fold[Any, Bid] = Fold(1, lambda state, bid: (state * 31 + bid.cents) % 1009)
PICKY: Fold[Any, Bid] = Fold(0, lambda state, bid: state // (bid.cents - 3) + bid.cents)


@attrs.frozen
class Step:
    """A proposal of a story."""

    event: Any
    validate: Callable[[ValidationRequest[Bid]], Any]
    scope: str | None
    number: int | None
    metadata: Any
    timeout: float | None

    @property
    def more(self) -> dict[str, Any]:
        """What is said beside the event and the validator."""
        return {
            "scope": self.scope,
            "proposal_id": None if self.number is None else UUID(int=self.number),
            "metadata": self.metadata,
            "validation_timeout": self.timeout,
        }


def reject(request: ValidationRequest[Bid]) -> Decision:
    """Reject with all that a rejection can say."""
    return request.reject(f"after {request.sequence}", meta={"state": request.state, "t": (1,)})


def reject_silently(request: ValidationRequest[Bid]) -> Decision:
    """Reject without a word."""
    return request.reject()


def reject_unstorably(request: ValidationRequest[Bid]) -> Decision:
    """Reject with something that is no JSON."""
    return request.reject("no", meta={1})


def double(request: ValidationRequest[Bid]) -> Decision:
    """Accept two other events."""
    bid = request.prospective_event
    return request.accept(
        attrs.evolve(bid, cents=bid.cents + 1), attrs.evolve(bid, bidder="eve"), meta=[bid.cents]
    )


def triple(request: ValidationRequest[Bid]) -> Decision:
    """Accept more events than are allowed."""
    return request.accept(events=[request.prospective_event] * 3)


def itself(request: ValidationRequest[Bid]) -> Decision:
    """Accept the event by name."""
    return request.accept(request.prospective_event)


def elsewhere(request: ValidationRequest[Bid]) -> Decision:
    """Accept an event that may be another scope's."""
    return request.accept(attrs.evolve(request.prospective_event, lot="b"))


def unstorable(request: ValidationRequest[Bid]) -> Decision:
    """Accept with something that is no JSON."""
    return request.accept(meta=object)


def undecided(request: ValidationRequest[Bid]) -> Any:
    """Give no decision."""
    return request.prospective_event.cents


def stale(request: ValidationRequest[Bid]) -> Decision:
    """Give a decision of another round."""
    return attrs.evolve(request, round=RoundToken(request.scope, 10**6)).accept()


def fail(request: ValidationRequest[Bid]) -> Decision:
    """Raise."""
    raise LookupError(f"after {request.sequence}")


async def fail_slowly(request: ValidationRequest[Bid]) -> Decision:
    """Raise after a checkpoint."""
    await trio.sleep(0.5)
    return fail(request)


async def undecided_slowly(request: ValidationRequest[Bid]) -> Any:
    """Give no decision after a checkpoint."""
    await trio.sleep(0.5)


async def double_in_a_second(request: ValidationRequest[Bid]) -> Decision:
    """Accept two other events after a second."""
    await trio.sleep(1)
    return double(request)


async def sleep_on(request: ValidationRequest[Bid]) -> Decision:
    """Take too long."""
    await trio.sleep(60)
    return request.accept()


async def sleep_until_then(request: ValidationRequest[Bid]) -> Decision:
    """Wake at the very deadline."""
    await trio.sleep_until(request.deadline)
    return request.accept()


async def defy(request: ValidationRequest[Bid]) -> Decision:
    """Go on after the deadline."""
    with trio.CancelScope(shield=True):
        await trio.sleep(60)
    return request.accept()


async def complain(request: ValidationRequest[Bid]) -> Decision:
    """Raise something else at the deadline."""
    try:
        await trio.sleep_forever()
    finally:
        fail(request)
    raise AssertionError("never reached")


async def loaded(request: ValidationRequest[Bid]) -> Decision:
    """Load the past, also where it is there."""
    await request.past_is_durable()
    await request.load_past()
    return higher(request)


VALIDATORS = [
    accept, higher, higher_slowly, reject, reject_silently, reject_unstorably, double, triple,
    itself, elsewhere, unstorable, undecided, stale, fail, fail_slowly, undecided_slowly,
    double_in_a_second, sleep_on, sleep_until_then, defy, complain, loaded,
]  # fmt: skip

bids = st.builds(Bid, st.sampled_from("ab"), st.sampled_from(["ada", "ben"]), st.integers(0, 9))
FAULTS: list[dict[str, Any]] = [
    {"event": Bid("a", "b" * 40, 1)},
    {"event": Bid("a", None, 1)},  # type: ignore[arg-type]  # that is the fault
    {"scope": ""},
    {"metadata": {"by": {1}}},
    {"timeout": 0.0},
]
steps = st.builds(
    lambda fault, **step: Step(**step | fault),
    # Most proposals are sound, or there would be no stories to speak of.
    fault=st.sampled_from([{}] * 30 + FAULTS),
    event=bids,
    # Those that accept are as many as all others, so that there is a past to see.
    validate=st.one_of(st.sampled_from([accept, double, loaded]), st.sampled_from(VALIDATORS)),
    scope=st.sampled_from([None, None, None, "a", "c"]),
    number=st.sampled_from([None, None, 1, 2]),
    metadata=st.sampled_from([None, {"by": "web"}]),
    timeout=st.sampled_from([None, 1.0]),
)
folds = st.sampled_from([None, CHAIN, PICKY])


def request_of(request: ValidationRequest[Bid]) -> dict[str, Any]:
    """What a request shows; of what differs between runs, only how it relates."""
    return {
        "event": request.prospective_event,
        "scope": request.scope,
        "time": request.deadline - trio.current_time(),
        "principal": request.principal,
        "sequence": request.sequence,
        "metadata": request.metadata,
        "state": request.state,
        "past": past_of(lambda: request.past_events),
        "positions": past_of(lambda: [record.position for record in request.past_records]),
    }


def result_of(result: Result[Bid], step: Step) -> dict[str, Any]:
    """What a result shows; ids that nobody gave are new ones in a store."""
    has_id = step.number is not None
    return {
        "outcome": result.outcome,
        "scope": result.scope,
        "id": result.proposal_id if has_id else None,
        "event": result.prospective_event,
        "records": [
            (r.position, r.sequence, r.scope, r.type, r.data, r.part, r.metadata, r.meta)
            for r in result.records
        ],
        "reason": result.reason,
        "meta": result.meta,
        "is_duplicate": result.is_duplicate,
        "past": past_of(lambda: result.stored_events),
    }


def past_of(show: Callable[[], Any]) -> Any:
    """A past, or the error that it is not there."""
    try:
        return list(show())
    except PastNotLoaded as error:
        return str(error)


class Listener:
    """Keeps what validators were shown and what came of it."""

    def __init__(self) -> None:
        self.heard: list[Any] = []

    def of(self, step: Step) -> Callable[[ValidationRequest[Bid]], Any]:
        """The step's validator, listened to."""

        def validate(request: ValidationRequest[Bid]) -> Any:
            self.heard.append(request_of(request))
            return step.validate(request)

        return validate

    async def hear(self, step: Step, propose: Callable[[], Any]) -> None:
        """Keep what became of a proposal, and how long it took."""
        began = trio.current_time()
        try:
            self.heard.append(result_of(await propose(), step))
        except Exception as error:
            # A scenario knows nothing of rounds that raised, so that it counts fewer.
            text = re.sub(r"round \d+", "a round", str(error))
            self.heard.append((type(error), text))
        self.heard.append(trio.current_time() - began)


async def told_to_a_store(past: list[Bid], story: list[Step], fold: Any) -> list[Any]:
    """What a store makes of a story."""
    listener = Listener()
    async with open_test_store(events=Bid, scope_of=lot_of, state=fold, **OPTIONS) as store:
        for bid in past:
            await store.store_if_valid(bid, accept)
        for step in story:
            await listener.hear(step, partial(in_store, store, step, listener))
        for scope in "abc":
            listener.heard.append([r.event for r in await store.query_events(scope)])
    return listener.heard


async def in_store(store: Store[Bid], step: Step, listener: Listener) -> Result[Bid]:
    """Propose to a store."""
    return await store.store_if_valid(step.event, listener.of(step), **step.more)


async def told_to_a_scenario(past: list[Bid], story: list[Step], fold: Any) -> list[Any]:
    """What a scenario makes of a story."""
    listener = Listener()
    now: Scenario[Bid] = scenario(events=Bid, scope_of=lot_of, state=fold, **OPTIONS).given(*past)

    async def in_scenario(step: Step) -> Result[Bid]:
        nonlocal now
        then = await now.when_async(step.event, listener.of(step), **step.more)
        now = then
        return then.result

    for step in story:
        await listener.hear(step, partial(in_scenario, step))
    for scope in "abc":
        last = now.when(Bid("a", "ada", 1), reject_silently, scope=scope)
        listener.heard.append(list(last.past_events))
    return listener.heard


def both(past: list[Bid], story: list[Step], fold: Any) -> tuple[list[Any], list[Any]]:
    """What a store and a scenario make of a story, on clocks that do not wait."""
    store, tried = (
        trio.run(told, past, story, fold, clock=trio.testing.MockClock(autojump_threshold=0))
        for told in (told_to_a_store, told_to_a_scenario)
    )
    return store, tried


@settings(max_examples=300)
@given(st.lists(bids, max_size=3), st.lists(steps, min_size=2, max_size=8), folds)
def test_both_say_the_same(past: list[Bid], story: list[Step], fold: Any) -> None:
    """Whatever is proposed, validators see the same, and the same comes of it, in as much time."""
    storable = [bid for bid in past if (fold, bid.cents) != (PICKY, 3)]

    store, tried = both(storable, story, fold)

    assert store == tried


@pytest.mark.parametrize("fold", [None, CHAIN], ids=["past", "fold"])
@pytest.mark.parametrize("validate", VALIDATORS)
def test_each_validator_says_the_same(validate: Any, fold: Any) -> None:
    """Each validator after some past, then with the same id again, then with another event."""
    step = Step(Bid("a", "ada", 6), validate, None, 1, {"by": "web"}, None)
    story = [step, step, attrs.evolve(step, event=Bid("a", "ada", 7))]

    store, tried = both([Bid("a", "ada", 4), Bid("b", "ada", 9), Bid("a", "ben", 5)], story, fold)

    assert store == tried

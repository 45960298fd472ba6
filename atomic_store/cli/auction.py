"""
An auction house: eBay's proxy bids, decided one at a time.

A bid says the most that its bidder would pay. The house shows a price: what the
second highest bidder would pay and one step more, but never more than the highest
would. A bid below the price shown is refused. So each bid must be judged against
all bids admitted before it, and while it is being judged none may come between:
that is a round of the store, and a lot is a scope.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeAlias
from uuid import UUID

import attrs
import trio

from atomic_store import Decision, Fold, Result, Store, ValidationRequest

# --- what can happen to a lot: its events -------------------------------------


@attrs.frozen
class Opened:
    """The seller puts a lot up for sale."""

    lot: str
    item: str
    opening_cents: int


@attrs.frozen
class Bid:
    """Somebody would pay so much, and no more."""

    lot: str
    bidder: str
    max_cents: int


LotEvent: TypeAlias = Opened | Bid

# --- the rule: pure, and all that it needs to know of the past ----------------

# The second highest bid, up to which the price rises by this step.
STEPS = (
    (99, 5),
    (4_99, 25),
    (24_99, 50),
    (99_99, 1_00),
    (249_99, 2_50),
    (499_99, 5_00),
    (999_99, 10_00),
    (2_499_99, 25_00),
    (4_999_99, 50_00),
)
STEP_ABOVE = 100_00


def step_cents(cents: int) -> int:
    """By how much the price exceeds a second highest bid of `cents`."""
    return next((step for up_to, step in STEPS if cents <= up_to), STEP_ABOVE)


@attrs.frozen
class Lot:
    """What a lot's events amount to."""

    opening_cents: int | None = None
    """None until it is opened."""
    highest: Bid | None = None
    second: Bid | None = None
    """The best bid of anybody else."""

    @property
    def price_cents(self) -> int:
        """The price shown."""
        if self.highest is None or self.second is None:
            return self.opening_cents or 0
        second = self.second.max_cents
        return min(self.highest.max_cents, second + step_cents(second))


def after(lot: Lot, event: LotEvent) -> Lot:
    """The lot as it is after one more event."""
    if isinstance(event, Opened):
        return attrs.evolve(lot, opening_cents=event.opening_cents)
    bids = [bid for bid in (lot.highest, lot.second) if bid is not None]
    if any(bid.bidder == event.bidder and bid.max_cents >= event.max_cents for bid in bids):
        return lot
    others = [bid for bid in bids if bid.bidder != event.bidder]
    # Sorting is stable: of two equal bids, the earlier one stays ahead.
    ranked = sorted([*others, event], key=lambda bid: -bid.max_cents)
    return attrs.evolve(lot, highest=ranked[0], second=ranked[1] if len(ranked) > 1 else None)


def objection(lot: Lot, event: LotEvent) -> str | None:
    """Why the house refuses this event now; None if it does not."""
    if isinstance(event, Opened):
        return None if lot.opening_cents is None else "this lot is open already"
    if lot.opening_cents is None:
        return "this lot is not open"
    if event.max_cents < lot.price_cents:
        return f"the price is {dollars(lot.price_cents)} already"
    return None


def dollars(cents: int) -> str:
    """An amount as people write it: ``1,234.50``."""
    return f"{cents // 100:,}.{cents % 100:02}"


# --- the house: the rule and the store ----------------------------------------

LOT_STATE = Fold(Lot(), after, state_type=Lot)


def judge(request: ValidationRequest[LotEvent]) -> Decision:
    """Decide an event by the rule, and note the price that it leads to."""
    event, lot = request.prospective_event, request.state
    reason = objection(lot, event)
    if reason is not None:
        return request.reject(reason)
    return request.accept(meta={"price_cents": after(lot, event).price_cents})


@attrs.frozen
class Proposal:
    """An event and the id that stays its own, however often it is proposed."""

    id: UUID
    event: LotEvent


async def propose_at_once(
    store: Store[LotEvent],
    queues: Iterable[Iterable[Proposal]],
    tell: Callable[[Result[LotEvent]], object],
) -> None:
    """Let all queues propose concurrently, each of them one event after the other."""

    async def propose(queue: Iterable[Proposal]) -> None:
        for proposal in queue:
            tell(await store.store_if_valid(proposal.event, judge, proposal_id=proposal.id))

    async with trio.open_nursery() as nursery:
        for queue in queues:
            nursery.start_soon(propose, queue)

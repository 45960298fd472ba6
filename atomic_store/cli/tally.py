"""What the demo counts and says about results."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import reduce
from typing import TYPE_CHECKING, Any, final

import attrs

from .auction import Bid, Lot, LotEvent, Opened, after, dollars
from .output import counted

if TYPE_CHECKING:
    from ..result import Result

LOTS_SHOWN = 10


@final
@attrs.define(eq=False)
class Tally:
    """Counts results by what became of them; bids and openings each for themselves."""

    bids: Counter[str] = attrs.field(factory=Counter, init=False)
    openings: Counter[str] = attrs.field(factory=Counter, init=False)

    def count(self, result: Result[Any]) -> None:
        """Count one result."""
        is_bid = isinstance(result.prospective_event, Bid)
        (self.bids if is_bid else self.openings)[fate(result)] += 1

    @property
    def total(self) -> int:
        """All of them."""
        return self.bids.total() + self.openings.total()


def fate(result: Result[Any]) -> str:
    """One of ``accepted``, ``refused``, ``duplicate``."""
    if result.is_duplicate:
        return "duplicate"
    return "accepted" if result.was_accepted else "refused"


def feed_line(result: Result[Any]) -> str:
    """What became of a bid, as one line."""
    bid = result.prospective_event
    if result.was_accepted:
        verb = "was" if result.is_duplicate else "is"
        end = f"the price {verb} {dollars(result.meta['price_cents'])}"
    else:
        end = result.reason or result.outcome.value
    return f"  {fate(result):9}  {bid.lot:12}  {bid.bidder:12} {dollars(bid.max_cents):>10}  {end}"


def count_line(tally: Tally, seconds: float) -> str:
    """What became of all of them, and how fast."""
    bids = tally.bids
    rate = tally.total / seconds if seconds > 0 else 0.0
    return (
        f"{counted(bids.total(), 'bid')}: {bids['accepted']:,} accepted, "
        f"{bids['refused']:,} refused, {counted(bids['duplicate'], 'duplicate')}; "
        f"{tally.total:,} durable decisions in {seconds:.2f} s, {rate:,.0f} a second"
    )


def remark_lines(tally: Tally) -> list[str]:
    """Say what may surprise in the counts."""
    lines = []
    if tally.bids["duplicate"]:
        lines.append(
            "Duplicates had been accepted in an earlier run: each got its old answer, and none "
            "was stored again."
        )
        lines.append("A refused bid leaves no trace, so that it is judged anew in every run.")
    if tally.openings["refused"]:
        lots = counted(tally.openings["refused"], "lot")
        lines.append(f"{lots} had been opened before, with other terms.")
    return lines


@attrs.frozen
class Standing:
    """How a lot stands, by what the store holds of it."""

    opened: Opened
    lot: Lot
    bids: int


def standing_of(events: Iterable[LotEvent]) -> Standing:
    """Fold a lot's events, of which the first one opened it."""
    opened, *bids = events
    assert isinstance(opened, Opened)
    return Standing(opened, reduce(after, bids, after(Lot(), opened)), len(bids))


def standing_lines(standings: Sequence[Standing]) -> list[str]:
    """Show the lots with the most bids, as a table."""
    ranked = sorted(standings, key=lambda standing: -standing.bids)[:LOTS_SHOWN]
    lines = [f"  {'lot':12}  {'bids':>5}  {'price':>10}  {'highest bidder':14}  item"]
    for standing in ranked:
        highest = standing.lot.highest
        lines.append(
            f"  {standing.opened.lot:12}  {standing.bids:5}  "
            f"{dollars(standing.lot.price_cents):>10}  "
            f"{'nobody' if highest is None else highest.bidder:14}  {standing.opened.item}"
        )
    if len(standings) > len(ranked):
        lines.append(f"  … and {counted(len(standings) - len(ranked), 'lot')} more")
    return lines


def agreement_line(standings: Sequence[Standing], recorded_cents: Mapping[str, int]) -> str:
    """Say how many lots ended at the price that is known of them."""
    agree = sum(
        standing.lot.price_cents == recorded_cents[standing.opened.lot] for standing in standings
    )
    return f"{agree:,} of {len(standings):,} lots ended at the price that eBay recorded."
